// Scopes: who owns a tensor, and what a failure does.
#include "fixture.h"

#include "ops.h"

static const int64_t shape[] = {2, 2};
static const float values[] = {1, 2, 3, 4};

static void test_scope__operation_gives_its_value(void **state)
{
    (void)state;
    float out[4] = {0};
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *a = igt_floats(&s, values, shape, 2, "cpu");
    igt_read(&s, igt_axpy(&s, a, 0.5, igt_matmul(&s, a, a)), out, 4);
    assert_ok(igd_scope_close(&s));
    const float wanted[] = {4.5f, 7.0f, 10.5f, 15.0f};
    assert_memory_equal(out, wanted, sizeof(wanted));
}

static void test_scope__first_failure_is_kept(void **state)
{
    (void)state;
    igd_tensor *out = NULL;
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *a = igt_floats(&s, values, shape, 2, "cpu");
    igd_tensor *bad = igt_matmul(&s, a, igt_sum(&s, a)); // [2, 2] x [] has no product
    igd_tensor *late = igt_add(&s, bad, NULL);           // skipped, the message stays
    assert_null(bad);
    assert_null(late);
    assert_fails(igd_scope_give(&s, &out, late), IGD_ETORCH, "matmul");
    assert_null(out);
}

static void test_scope__failure_of_a_child_is_the_parents(void **state)
{
    (void)state;
    igd_scope s = igd_scope_begin(NULL);
    igd_scope child = igd_scope_begin(&s);
    igt_abs(&child, NULL);
    igd_scope_end(&child);
    assert_false(igd_scope_ok(&s));
    assert_fails(igd_scope_close(&s), IGD_EINVAL, "abs: missing tensor");
}

static void test_scope__child_frees_its_temporaries(void **state)
{
    (void)state;
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *a = igt_floats(&s, values, shape, 2, "cpu");
    const int64_t before = igd_tensors_alive();
    for (int i = 0; i < 3; i++) {
        igd_scope step = igd_scope_begin(&s);
        igt_set(&step, a, igt_add(&step, a, a));
        igd_scope_end(&step);
    }
    assert_int_equal(igd_tensors_alive(), before);
    float out[4];
    igt_read(&s, a, out, 4);
    assert_ok(igd_scope_close(&s));
    assert_true(out[0] == 8.0f && out[3] == 32.0f);
}

static void test_scope__gradient_is_taken_where_recording(void **state)
{
    (void)state;
    float grad[4], none[4];
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *a = igt_floats(&s, values, shape, 2, "cpu");
    igd_tensor *one = igt_floats(&s, (const float[]){1, 1, 1, 1}, shape, 2, "cpu");
    igd_scope g = igd_scope_begin_grad(&s);
    igd_tensor *leaf = igt_leaf(&g, a);
    igt_read(&g, igt_vjp(&g, igt_mul(&g, leaf, leaf), one, leaf, false), grad, 4);
    igt_read(&g, igt_vjp(&g, igt_detach(&g, leaf), one, leaf, false), none, 4);
    igd_scope_end(&g);
    assert_ok(igd_scope_close(&s));
    for (int i = 0; i < 4; i++) {
        assert_true(grad[i] == 2 * values[i]);
        assert_true(none[i] == 0.0f);
    }
}

static void test_scope__message_is_one_line(void **state)
{
    (void)state;
    igd_tensor *out;
    assert_fails(igd_tensor_from_floats(&out, values, (const int64_t[]){-1}, 1),
                 IGD_EINVAL, "length -1");
    assert_null(strchr(igd_error_message(), '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_scope__operation_gives_its_value),
        TENSOR_TEST(test_scope__first_failure_is_kept),
        TENSOR_TEST(test_scope__failure_of_a_child_is_the_parents),
        TENSOR_TEST(test_scope__child_frees_its_temporaries),
        TENSOR_TEST(test_scope__gradient_is_taken_where_recording),
        TENSOR_TEST(test_scope__message_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
