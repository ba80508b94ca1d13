// What programs that embed the library rely on: options of other versions, one image
// at its own cost.
#include "fixture.h"

#include <math.h>

#include "igdef.h"

#define N 6
#define D 12
#define C 3

static const int64_t shape[3] = {3, 2, 2};
static float weight[C * D], images[N * D];
static const float bias[C] = {0.0f, 0.1f, -0.1f};

static const char *model_file(void)
{
    for (int i = 0; i < C * D; i++)
        weight[i] = (float)(i * 7 % 11) / 11.0f - 0.5f;
    for (int i = 0; i < N * D; i++)
        images[i] = (float)(i * 13 % 17) / 17.0f;
    return fixture_linear("embed.pt", weight, bias, C, D);
}

static igd_model *load(bool batch_invariant, bool clamp)
{
    igd_model *m = NULL;
    igd_model_options o = igd_model_options_default();
    o.batch_invariant = batch_invariant;
    o.clamp_pixels = clamp;
    assert_ok(igd_model_load(&m, model_file(), shape, &o));
    return m;
}

// Every function that sets defaults, on a struct that ends early and on one with more at
// its end than the library knows.
static void test_embed__options_of_other_versions(void **state)
{
    (void)state;
#define KNOWS_SIZES(type, first_field)                                                   \
    do {                                                                                 \
        struct {                                                                         \
            type options;                                                                \
            char more[16];                                                               \
        } o;                                                                             \
        const size_t older = offsetof(type, first_field);                                \
        memset(&o, 0x55, sizeof(o));                                                     \
        type##_init(&o.options, older);                                                  \
        assert_int_equal(o.options.size, older);                                         \
        assert_int_equal(((unsigned char *)&o)[older], 0x55);                            \
        type##_init(&o.options, sizeof(o));                                              \
        assert_int_equal(o.options.size, sizeof(o));                                     \
        assert_int_equal(o.more[0], 0);                                                  \
        assert_int_equal(o.more[15], 0);                                                 \
        type##_init(NULL, sizeof(o));                                                    \
        assert_int_equal(type##_default().size, sizeof(type));                           \
    } while (0)
    KNOWS_SIZES(igd_dataset_options, split);
    KNOWS_SIZES(igd_model_options, mean);
    KNOWS_SIZES(igd_loir_options, plain);
    KNOWS_SIZES(igd_cdir_options, clip_text);
    KNOWS_SIZES(igd_defense_options, sigma);
    KNOWS_SIZES(igd_caaa_options, alpha);
    KNOWS_SIZES(igd_hedge_options, eps);
    KNOWS_SIZES(igd_meansparse_options, batch_size);
    KNOWS_SIZES(igd_callbacks, prefix);
    KNOWS_SIZES(igd_attack_options, seed);
    KNOWS_SIZES(igd_evaluate_options, set);
    KNOWS_SIZES(igd_analyze_run, command);
    KNOWS_SIZES(igd_shift_options, set);
    KNOWS_SIZES(igd_search_keep_options, budget);
    KNOWS_SIZES(igd_landscape_options, grid);
    KNOWS_SIZES(igd_series_options, defense);
    KNOWS_SIZES(igd_radius_options, from);
    KNOWS_SIZES(igd_tune_options, first_images);
}

static void test_embed__newer_options_are_refused_and_older_ones_taken(void **state)
{
    (void)state;
    igd_model *m = NULL;
    struct {
        igd_model_options options;
        const char *more;
    } o;
    igd_model_options_init(&o.options, sizeof(o));
    assert_fails(igd_model_load(&m, model_file(), shape, &o.options), IGD_EINVAL,
                 "compiled with a newer one");
    assert_null(m);
    o.options.size = 0;
    assert_fails(igd_model_load(&m, model_file(), shape, &o.options), IGD_EINVAL,
                 "igd_model_options_default()");
    // Of a program that knew the device alone: what follows is not looked at.
    memset(&o, 0xff, sizeof(o));
    igd_model_options_init(&o.options, offsetof(igd_model_options, mean));
    assert_ok(igd_model_load(&m, model_file(), shape, &o.options));
    igd_model_free(m);
}

static igd_status count_rows(float *logits, const float *in, int64_t n, void *payload)
{
    (void)in;
    *(int64_t *)payload += n;
    for (int64_t i = 0; i < n * C; i++)
        logits[i] = (float)(i % C);
    return IGD_OK;
}

static void test_embed__an_image_costs_one_row(void **state)
{
    (void)state;
    int64_t rows = 0;
    float z[C];
    igd_model *m = NULL;
    igd_callbacks c = igd_callbacks_default();
    c.logits = count_rows;
    assert_ok(igd_model_from_callbacks(&m, shape, C, &c, &rows));
    model_file();
    rows = 0;
    assert_ok(igd_model_predict(z, m, images, 1));
    assert_int_equal(rows, 1);
    igd_model_free(m);
}

static void test_embed__logits_do_not_depend_on_the_batch_where_asked(void **state)
{
    (void)state;
    float all[N * C], one[C];
    for (int invariant = 0; invariant < 2; invariant++) {
        igd_model *m = load(invariant == 1, false);
        assert_ok(igd_model_predict(all, m, images, N));
        for (int i = 0; i < N; i++) {
            assert_ok(igd_model_predict(one, m, images + i * D, 1));
            for (int c = 0; c < C; c++)
                assert_float_equal(one[c], all[i * C + c], 1e-6);
            if (invariant == 1)
                assert_memory_equal(one, all + i * C, sizeof(one));
        }
        igd_model_free(m);
    }
}

static void test_embed__rounding_errors_of_pixels_are_clamped_where_asked(void **state)
{
    (void)state;
    igd_model *strict = load(false, false), *lenient = load(false, true);
    float exact[C], z[C];
    images[0] = 1.0f;
    images[1] = 0.0f;
    assert_ok(igd_model_predict(exact, strict, images, 1));
    images[0] = 1.0005f;
    images[1] = -1e-6f;
    assert_fails(igd_model_predict(z, strict, images, 1), IGD_EINVAL, "outside [0, 1]");
    assert_ok(igd_model_predict(z, lenient, images, 1));
    assert_memory_equal(z, exact, sizeof(z));
    assert_true(images[0] > 1.0f); // the program's own are left alone
    images[0] = 1.1f;
    assert_fails(igd_model_predict(z, lenient, images, 1), IGD_EINVAL, "value 1.1");
    images[0] = NAN;
    assert_fails(igd_model_predict(z, lenient, images, 1), IGD_EINVAL, "outside [0, 1]");
    igd_model_free(lenient);
    igd_model_free(strict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_embed__options_of_other_versions),
        TENSOR_TEST(test_embed__newer_options_are_refused_and_older_ones_taken),
        TENSOR_TEST(test_embed__an_image_costs_one_row),
        TENSOR_TEST(test_embed__logits_do_not_depend_on_the_batch_where_asked),
        TENSOR_TEST(test_embed__rounding_errors_of_pixels_are_clamped_where_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
