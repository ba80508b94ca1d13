// What programs that embed the library rely on: options of other versions.
#include "fixture.h"

#include "igdef.h"

#define D 12
#define C 3

static const int64_t shape[3] = {3, 2, 2};
static float weight[C * D];
static const float bias[C] = {0.0f, 0.1f, -0.1f};

static const char *model_file(void)
{
    for (int i = 0; i < C * D; i++)
        weight[i] = (float)(i * 7 % 11) / 11.0f - 0.5f;
    return fixture_linear("embed.pt", weight, bias, C, D);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_embed__options_of_other_versions),
        TENSOR_TEST(test_embed__newer_options_are_refused_and_older_ones_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
