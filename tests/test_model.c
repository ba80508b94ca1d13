// Base models: what is loaded and what is refused.
#include "fixture.h"

#include <math.h>

#include "model/model_impl.h"

static const int64_t shape[3] = {3, 8, 8};

static void random_images(float *out, size_t size)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (float)(state >> 8) / 16777216.0f;
    }
}

static void test_model__logits_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    igd_model *m = NULL;
    float images[5 * 3 * 8 * 8], all[5 * 4], one[4];
    random_images(images, sizeof(images) / sizeof(images[0]));
    assert_ok(igd_model_load(&m, fixture_convnet("net.pt", 3, 6, 4), shape, NULL));
    assert_int_equal(igd_model_num_classes(m), 4);
    assert_int_equal(strlen(igd_model_sha256(m)), 64);
    assert_true(igd_model_is_deterministic(m));
    assert_false(igd_model_gives_probabilities(m));
    assert_null(igd_model_no_gradient(m));
    assert_ok(igd_model_predict(all, m, images, 5));
    assert_ok(igd_model_predict(one, m, images + 3 * 3 * 8 * 8, 1));
    assert_memory_equal(one, all + 3 * 4, sizeof(one));
    igd_model_free(m);
}

static void test_model__pixels_out_of_range_are_refused(void **state)
{
    (void)state;
    igd_model *m = NULL;
    float images[3 * 8 * 8] = {0}, logits[4];
    assert_ok(igd_model_load(&m, fixture_convnet("net.pt", 3, 6, 4), shape, NULL));
    images[7] = 1.5f;
    assert_fails(igd_model_predict(logits, m, images, 1), IGD_EINVAL, "1.5");
    images[7] = NAN;
    assert_fails(igd_model_predict(logits, m, images, 1), IGD_EINVAL, "nan");
    igd_model_free(m);
}

static void test_model__missing_file_is_named(void **state)
{
    (void)state;
    igd_model *m;
    assert_fails(igd_model_load(&m, "/no/such.pt", shape, NULL), IGD_EIO,
                 "/no/such.pt: No such file");
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_model__logits_do_not_depend_on_the_batch),
        TENSOR_TEST(test_model__pixels_out_of_range_are_refused),
        TENSOR_TEST(test_model__missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
