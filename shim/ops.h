// Scopes and tensor operations.
//
// A scope owns every tensor computed in it, remembers the first failure, and says whether
// operations are recorded for differentiation. Operations take the scope first and return
// a tensor of that scope. After a failure, or with a NULL argument, they do nothing and
// return NULL; those that return a number return 0. Nobody checks in between: the end of
// a root scope says how it went.
#ifndef IGD_SHIM_OPS_H
#define IGD_SHIM_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

// Something else that a scope owns: freed with it by its own function.
typedef struct igd_held {
    void (*free)(struct igd_held *held);
    struct igd_held *next;
} igd_held;

typedef struct igd_scope {
    struct igd_scope *parent; // NULL for a root
    igd_tensor *tensors;      // owned, newest first
    igd_held *held;           // owned, newest first
    igd_status status;        // first failure, sticky
    bool grad;                // whether operations are recorded
} igd_scope;

igd_scope igd_scope_begin(igd_scope *parent);         // inherits failure and recording
igd_scope igd_scope_begin_grad(igd_scope *parent);    // the only place recording starts
igd_scope igd_scope_begin_no_grad(igd_scope *parent); // inherits failure, never records
bool igd_scope_ok(const igd_scope *s);

// Makes the failure `status`, whose message is set, the scope's own; keeps an earlier
// one.
void igd_scope_fail(igd_scope *s, igd_status status);

// Gives an object to the scope, which frees it.
void igd_scope_hold(igd_scope *s, igd_held *held);

// Gives a value to the parent, off the gradient graph unless the parent records.
igd_tensor *igd_scope_keep(igd_scope *s, const igd_tensor *t);
// Frees the temporaries of a child; its failure becomes the parent's.
void igd_scope_end(igd_scope *s);
// Keep, then end.
igd_tensor *igd_scope_return(igd_scope *s, const igd_tensor *t);
// Ends a root and returns its status.
igd_status igd_scope_close(igd_scope *s);
// Ends a root: *out is owned by the caller, NULL on failure.
igd_status igd_scope_give(igd_scope *s, igd_tensor **out, const igd_tensor *t);

void igt_set(igd_scope *s, igd_tensor *var, const igd_tensor *value); // var := value

// Host arrays. `device` is "cpu" or "cuda:N". The data of igt_view are borrowed: on the
// CPU for as long as the tensor lives, on a device until something was read from it
// since, by which time they were copied. igt_floats copies them at once.
igd_tensor *igt_view(igd_scope *s, const float *data, const int64_t *shape, int num_dims,
                     const char *device);
igd_tensor *igt_floats(igd_scope *s, const float *data, const int64_t *shape,
                       int num_dims, const char *device);
igd_tensor *igt_indices(igd_scope *s, const int64_t *data, int64_t n, const char *device);
igd_tensor *igt_to(igd_scope *s, const igd_tensor *a, const char *device);
void igt_read(igd_scope *s, const igd_tensor *t, float *data, int64_t size);

// Elementwise, with broadcasting.
igd_tensor *igt_add(igd_scope *s, const igd_tensor *a, const igd_tensor *b);
igd_tensor *igt_sub(igd_scope *s, const igd_tensor *a, const igd_tensor *b);
igd_tensor *igt_mul(igd_scope *s, const igd_tensor *a, const igd_tensor *b);
igd_tensor *igt_axpy(igd_scope *s, const igd_tensor *y, double a, const igd_tensor *x);
igd_tensor *igt_scale(igd_scope *s, const igd_tensor *a, double by);
igd_tensor *igt_abs(igd_scope *s, const igd_tensor *a);
// `then` where a < b, else `otherwise`.
igd_tensor *igt_where_less(igd_scope *s, const igd_tensor *a, const igd_tensor *b,
                           const igd_tensor *then, const igd_tensor *otherwise);

// Reductions and products.
igd_tensor *igt_softmax(igd_scope *s, const igd_tensor *a); // over the last axis
igd_tensor *igt_sum(igd_scope *s, const igd_tensor *a);     // -> []
igd_tensor *igt_sum_axis(igd_scope *s, const igd_tensor *a, int axis);
igd_tensor *igt_mean_axis(igd_scope *s, const igd_tensor *a, int axis);
igd_tensor *igt_max_axis(igd_scope *s, const igd_tensor *a, int axis); // values only
igd_tensor *igt_matmul(igd_scope *s, const igd_tensor *a, const igd_tensor *b);

// Shape.
igd_tensor *igt_reshape(igd_scope *s, const igd_tensor *a, const int64_t *shape, int n);
igd_tensor *igt_move_axis(igd_scope *s, const igd_tensor *a, int from, int to);
igd_tensor *igt_cat(igd_scope *s, const igd_tensor *a, const igd_tensor *b); // axis 0
igd_tensor *igt_narrow(igd_scope *s, const igd_tensor *a, int axis, int64_t start,
                       int64_t length);
igd_tensor *igt_rows(igd_scope *s, const igd_tensor *a, const igd_tensor *indices);

// Gradients.
igd_tensor *igt_leaf(igd_scope *s, const igd_tensor *x); // x, with respect to which one
                                                         // differentiates
igd_tensor *igt_detach(igd_scope *s, const igd_tensor *a);
// d(sum of a * weight)/d(leaf); zeros where no gradient flows. `keep` leaves the graph
// usable for another call.
igd_tensor *igt_vjp(igd_scope *s, const igd_tensor *a, const igd_tensor *weight,
                    const igd_tensor *leaf, bool keep);

// Number of tensors and held objects alive in the process, for tests.
int64_t igd_tensors_alive(void);

#ifdef __cplusplus
}
#endif

#endif
