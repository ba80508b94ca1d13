// What the tests share: tiny TorchScript models, files in a temporary folder, and the
// check that no tensor is left alive.
#ifndef IGD_TEST_FIXTURE_H
#define IGD_TEST_FIXTURE_H

#include <setjmp.h> // cmocka.h wants these before it
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __cplusplus
#include <cmocka.h> // its macro fail() breaks the C++ library
#include <math.h>
#endif

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "igdef/status.h"
#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

// Teardown of every case: no tensor is alive. Returns 0 when that is so.
int fixture_no_tensors_left(void **state);

// What cmocka 2 defines, as cmocka 1 has it: no macro stop(), a name that tests use, and
// ranges of numbers with a sign, for which it has a macro of its own.
#ifndef __cplusplus
#undef stop
#ifdef assert_int_in_range
#undef assert_in_range
#define assert_in_range assert_int_in_range
#endif
#endif

// A case with that teardown.
#define TENSOR_TEST(f) cmocka_unit_test_teardown(f, fixture_no_tensors_left)

// Ends a case that cannot run here. fixture_result() makes the program's exit code of
// what cmocka returned: 77, which ctest shows as skipped, where a case was and none
// failed.
#ifndef __cplusplus
#undef skip
#define fixture_skip(why)                                                                \
    do {                                                                                 \
        fixture_note_skip(why);                                                          \
        _skip(__FILE__, __LINE__);                                                       \
    } while (0)
#endif
void fixture_note_skip(const char *why);
int fixture_result(int num_failed);

// Asserts that a number is another one that was text in between, of 15 digits at least.
#define assert_same_number(a, b)                                                         \
    assert_true(fabs((double)(a) - (double)(b)) <= 1e-14 * fabs((double)(b)))

// Asserts success and prints the message where there is none.
#define assert_ok(call)                                                                  \
    do {                                                                                 \
        igd_status assert_status = (call);                                               \
        if (assert_status != IGD_OK)                                                     \
            fail_msg("%s: %s", #call, igd_error_message());                              \
    } while (0)

// Asserts a failure whose message contains `text`.
#define assert_fails(call, status, text)                                                 \
    do {                                                                                 \
        igd_status assert_status = (call);                                               \
        assert_int_equal(assert_status, status);                                         \
        if (strstr(igd_error_message(), text) == NULL)                                   \
            fail_msg("'%s' does not contain '%s'", igd_error_message(), text);           \
    } while (0)

// What libtorch throws where a device fails, or has no memory left.
igd_tensor *fixture_device_fails(igd_scope *s, const char *text, bool memory);

// Whether libtorch computes as igd_compute_exactly() has it.
bool fixture_computes_exactly(void);

// How many operations of a name such as "aten::relu" a graph has.
struct igd_graph;
int fixture_num_operations(const struct igd_graph *g, const char *name);

// Leaves the process so much memory for data; all of it under AddressSanitizer, which
// maps far more for itself.
void fixture_limit_memory(size_t bytes);

// Path of a file in a fresh folder that the operating system clears. @return borrowed,
// from a ring of 8
const char *fixture_path(const char *name);

// Saves a module defined by TorchScript source with the given float tensors as
// parameters, filled from a seeded normal distribution scaled by 1/sqrt(fan-in). `names`
// and `shapes` (six lengths each, 0-ended) are arrays of num. Returns the path.
const char *fixture_model(const char *name, const char *source, const char *const *names,
                          const int64_t (*shapes)[6], int num);

// The same with given values.
const char *fixture_values(const char *name, const char *source, const char *const *names,
                           const int64_t (*shapes)[6], const float *const *values,
                           int num);

// 0, 1, 2 and so on, 4096 of them: indices of images whose noise is to be had again.
const int64_t *fixture_indices(void);

// Progress that asks to stop at the call that brings the int behind `payload` to 0.
int fixture_stop_after(const char *stage, double done, double total, void *payload);
// Options of a model whose predictions do not depend on the batch.
const struct igd_model_options *fixture_invariant(void);

// A callback that throws a C++ exception.
igd_status fixture_throw(float *out, const float *in, int64_t n, void *payload);

// A linear classifier z = x . w^T + b over flattened images: w [C, d], b [C].
const char *fixture_linear(const char *name, const float *w, const float *b, int C,
                           int d);

// conv(3x3) relu conv(3x3, stride 2) relu, global average pool, linear; scripted source.
// Takes [N, channels, H, W], K neurons before the last layer, C classes.
const char *fixture_convnet(const char *name, int channels, int K, int C);

#ifndef __cplusplus
// Fails where an element of a [n] is further than `tolerance`, as a share of the largest
// element of b, from that of b.
static inline void fixture_assert_close(const float *a, const float *b, int n,
                                        double tolerance)
{
    double largest = 0.0;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)b[i]));
    assert_true(largest > 0.0);
    for (int i = 0; i < n; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= tolerance * largest))
            fail_msg("element %d is %g, not %g", i, (double)a[i], (double)b[i]);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
