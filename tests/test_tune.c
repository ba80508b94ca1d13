// The search for a setting: what it counts, and that nothing but the seed decides.
#include "series_fixture.h"

#include <math.h>

#include "igdef/tune.h"

static void assert_near(double a, double b, double slack)
{
    if (!(fabs(a - b) <= slack))
        fail_msg("%.17g is not %.17g", a, b);
}

static const int keeps[] = {1, 3, 6, 9};
static const double sigmas[] = {0.0, 0.05};
static const double temperatures[] = {0.1};

static igd_tune_grid grid_of(void)
{
    static const igd_ranking *rankings[1];
    static const char *const files[] = {"'r k.safetensors'"};
    rankings[0] = world.ranking;
    return (igd_tune_grid){.rankings = rankings,
                           .files = files,
                           .num_rankings = 1,
                           .keeps = keeps,
                           .num_keeps = 4,
                           .sigmas = sigmas,
                           .num_sigmas = 2,
                           .temperatures = temperatures,
                           .num_temperatures = 1};
}

static igd_tune_options options_for(const char *folder)
{
    igd_tune_options o = igd_tune_options_default();
    const igd_series_options series =
        options("transfer:apgd-t,apgd-t,own:apgd-ce",
                "apgd-t.steps=3,apgd-t.targets=2,apgd-ce.steps=3", folder);
    o.series = series;
    o.budget_clean = 0.1;
    o.first_images = 8;
    o.test_command = "igdef eval --model m.pt";
    return o;
}

static cJSON *tune(const igd_tune_options *o)
{
    const igd_tune_grid grid = grid_of();
    igd_analysis *a = NULL;
    assert_ok(igd_tune(&a, world.base, world.data, &grid, o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(json);
    assert_non_null(strstr(igd_analysis_text(a), "8 settings, judged by majority"));
    const bool helps = cJSON_IsTrue(cJSON_GetObjectItem(json, "helps"));
    assert_int_equal(strstr(igd_analysis_text(a), "Nothing is shown to help") == NULL,
                     helps);
    igd_analysis_free(a);
    return json;
}

static const cJSON *settings_of(const cJSON *json)
{
    return cJSON_GetObjectItem(json, "settings");
}

// What does not depend on when and how it was computed.
static void assert_same_findings(cJSON *a, cJSON *b)
{
    static const char *const keys[] = {"settings", "chosen", "helps", "rounds", "next"};
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        const cJSON *x = cJSON_GetObjectItem(a, keys[k]);
        assert_non_null(x);
        if (!cJSON_Compare(x, cJSON_GetObjectItem(b, keys[k]), true))
            fail_msg("'%s' differs", keys[k]);
    }
}

// Images of a setting that are right when clean and under attack, by an evaluation of
// all.
static void evaluate(const cJSON *setting, bool base, int *clean, int *robust)
{
    igd_tune_options o = options_for(NULL);
    igd_evaluate_options e = o.series.evaluate;
    igd_defense_options d = o.series.defense;
    igd_defense *defense = NULL;
    igd_result *r = NULL;
    d.keep = (int)number(setting, "keep");
    d.sigma = number(setting, "sigma");
    d.temperature = number(setting, "temperature");
    if (!base)
        assert_ok(igd_defense_new(&defense, world.base, world.ranking, &d));
    assert_ok(igd_evaluate(&r, world.base, defense, world.data, &e));
    const igd_flags *t = &r->flags;
    int columns[IGD_MAX_STEPS];
    for (int c = 1; c < t->num_columns; c++)
        columns[c - 1] = c;
    *clean = *robust = 0;
    for (int64_t i = 0; i < N; i++) {
        *clean += igd_flags_correct(t, 0, i, IGD_MAJORITY);
        *robust += igd_flags_survives(t, columns, t->num_columns - 1, i, IGD_MAJORITY);
    }
    igd_result_free(r);
    igd_defense_free(defense);
}

static void test_tune__counts_are_those_of_an_evaluation_of_all_images(void **state)
{
    (void)state;
    const igd_tune_options o = options_for(NULL);
    cJSON *json = tune(&o);
    const cJSON *setting, *rounds = cJSON_GetObjectItem(json, "rounds");
    int whole = 0, clean = 0, robust = 0;
    // 8 settings on 8 images, 4 on all.
    assert_int_equal(cJSON_GetArraySize(rounds), 2);
    assert_true(number(cJSON_GetArrayItem(rounds, 0), "images") == 8.0);
    assert_true(number(cJSON_GetArrayItem(rounds, 1), "settings") == 4.0);
    assert_int_equal(cJSON_GetArraySize(settings_of(json)), 8);
    cJSON_ArrayForEach(setting, settings_of(json))
    {
        const double n = number(setting, "num_images");
        if (n == N) {
            whole++;
            evaluate(setting, false, &clean, &robust);
            assert_near(number(setting, "clean_acc") * n, clean, 1e-9);
            assert_near(number(setting, "robust_acc") * n, robust, 1e-9);
            evaluate(setting, true, &clean, &robust);
            assert_near(number(setting, "base_clean_acc") * n, clean, 1e-9);
            assert_near(number(setting, "base_robust_acc") * n, robust, 1e-9);
        } else {
            assert_true(n == 8.0 && number(setting, "rounds") == 1.0);
        }
        assert_near(number(setting, "gain"),
                    number(setting, "robust_acc") - number(setting, "base_robust_acc"),
                    1e-9);
    }
    assert_int_equal(whole, 4);
    assert_true(robust > 0 && robust < N); // attacks neither broke nor left all
    cJSON_Delete(json);
}

static void test_tune__batches_folders_and_interruptions_change_nothing(void **state)
{
    (void)state;
    igd_tune_options o = options_for(NULL);
    cJSON *whole = tune(&o);
    o.series.evaluate.batch_size = 3;
    cJSON *other = tune(&o);
    assert_same_findings(whole, other);
    cJSON_Delete(other);

    igd_tune_options again = options_for("tune");
    const igd_tune_grid grid = grid_of();
    igd_analysis *a = NULL;
    int left, sittings = 0;
    igd_status st;
    again.series.evaluate.progress = fixture_stop_after;
    again.series.evaluate.payload = &left;
    do {
        left = 40;
        st = igd_tune(&a, world.base, world.data, &grid, &again);
        assert_true(st == IGD_OK || (st == IGD_ECANCELED && a == NULL));
    } while (++sittings < 400 && st == IGD_ECANCELED);
    assert_ok(st);
    assert_true(sittings > 3);
    other = cJSON_Parse(igd_analysis_json(a));
    assert_same_findings(whole, other);
    cJSON_Delete(other);
    igd_analysis_free(a);
    cJSON_Delete(whole);
}

static void test_tune__the_command_has_the_chosen_setting(void **state)
{
    (void)state;
    igd_tune_options o = options_for(NULL);
    o.budget_clean = 1.0;
    cJSON *json = tune(&o);
    const cJSON *chosen = cJSON_GetObjectItem(json, "chosen");
    const cJSON *next = cJSON_GetObjectItem(json, "next");
    assert_true(cJSON_IsObject(chosen));
    const cJSON *low =
        cJSON_GetArrayItem(cJSON_GetObjectItem(chosen, "corrected_interval"), 0);
    assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(json, "helps")),
                     low->valuedouble > 0.0);
    assert_int_equal(cJSON_IsString(next), low->valuedouble > 0.0);
    // No other that all images judged, all of them within this budget, has a higher end.
    const cJSON *setting;
    cJSON_ArrayForEach(setting, settings_of(json))
    {
        const cJSON *end =
            cJSON_GetArrayItem(cJSON_GetObjectItem(setting, "corrected_interval"), 0);
        assert_true(number(setting, "num_images") < N ||
                    end->valuedouble <= low->valuedouble);
    }
    cJSON_Delete(json);
}

#define REFUSED(grid, o, message)                                                        \
    assert_fails(igd_tune(&a, world.base, world.data, &(grid), &(o)), IGD_EINVAL, message)

static void test_tune__what_is_out_of_range_is_refused(void **state)
{
    (void)state;
    const igd_tune_options good = options_for(NULL);
    const double negative[] = {0.1, -0.1}, twice[] = {0.1, 0.2, 0.1}, zero[] = {0.0};
    const int much[] = {3, K + 1}, none[] = {0};
    igd_analysis *a = NULL;
    igd_tune_grid g = grid_of();
    g.sigmas = negative;
    REFUSED(g, good, "sigma -0.1 is out of range");
    g = grid_of();
    g.sigmas = twice;
    g.num_sigmas = 3;
    REFUSED(g, good, "sigma 0.1 is there twice");
    g = grid_of();
    g.temperatures = zero;
    REFUSED(g, good, "temperature 0 is out of range");
    g = grid_of();
    g.keeps = none;
    g.num_keeps = 1;
    REFUSED(g, good, "keep 0 is out of range");
    g.keeps = much;
    g.num_keeps = 2;
    REFUSED(g, good, "cannot keep 13 of the 12 neurons of penultimate");
    g = grid_of();
    g.num_rankings = 0;
    REFUSED(g, good, "no ranking");
    g = grid_of();
    igd_tune_options o = good;
    o.budget_clean = 1.5;
    REFUSED(g, o, "the budget is 1.5");
    o = good;
    o.first_images = 7;
    REFUSED(g, o, "7 first images are fewer than 8");
    o = good;
    o.series.evaluate.attacks = "clean";
    o.series.evaluate.set = NULL;
    REFUSED(g, o, "settings are judged under attack");
    o.series.evaluate.attacks = "apgd-c";
    REFUSED(g, o, "did you mean 'apgd-ce'?");
    assert_null(a);
}

static void test_tune__the_usual_grid_halves_the_layer(void **state)
{
    (void)state;
    igd_tune_options o = options_for(NULL);
    igd_tune_grid g = grid_of();
    igd_analysis *a = NULL;
    bool seen[K + 1] = {false};
    g.keeps = NULL;
    g.sigmas = NULL;
    g.temperatures = NULL;
    o.series.evaluate.attacks = "fgsm";
    o.series.evaluate.set = NULL;
    assert_ok(igd_tune(&a, world.base, world.data, &g, &o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    // Of 12 neurons 1, 2, 3 and 6; four sigmas up to eps; two temperatures.
    assert_int_equal(cJSON_GetArraySize(settings_of(json)), 4 * 4 * 2);
    const cJSON *setting;
    double most = 0.0;
    cJSON_ArrayForEach(setting, settings_of(json))
    {
        seen[(int)number(setting, "keep")] = true;
        most = fmax(most, number(setting, "sigma"));
    }
    assert_true(seen[1] && seen[2] && seen[3] && seen[6]);
    assert_near(most, o.series.evaluate.threat.eps, 1e-12);
    cJSON_Delete(json);
    igd_analysis_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_tune__counts_are_those_of_an_evaluation_of_all_images),
        TENSOR_TEST(test_tune__batches_folders_and_interruptions_change_nothing),
        TENSOR_TEST(test_tune__the_command_has_the_chosen_setting),
        TENSOR_TEST(test_tune__what_is_out_of_range_is_refused),
        TENSOR_TEST(test_tune__the_usual_grid_halves_the_layer),
    };
    return cmocka_run_group_tests(tests, world_make, world_free);
}
