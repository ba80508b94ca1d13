// Sweeps, on a small network with weights by chance.
#include "series_fixture.h"

#include <math.h>

#include "igdef/numbers.h"

static igd_sweep_values over(const char *option, const char *const *value, int num)
{
    return (igd_sweep_values){
        .option = option, .value = value, .num = num, .layer = "penultimate"};
}

static void check_result(const igd_result *r, const cJSON *json)
{
    if (r == NULL) {
        assert_true(json == NULL || cJSON_IsNull(json));
        return;
    }
    assert_same_number(igd_result_clean_acc(r), number(json, "clean_acc"));
    assert_same_number(igd_result_worst_acc(r), number(json, "worst_acc"));
    assert_int_equal(igd_result_num_images(r), N);
}

// The numbers are those of the JSON.
static void check_numbers(const igd_analysis *a, const cJSON *json)
{
    const igd_sweep_numbers *n = igd_analysis_sweep(a);
    const cJSON *points = cJSON_GetObjectItem(json, "points");
    assert_non_null(n);
    assert_string_equal(n->option, cJSON_GetObjectItem(json, "option")->valuestring);
    check_result(n->base, cJSON_GetObjectItem(json, "base"));
    assert_int_equal(n->num_points, cJSON_GetArraySize(points));
    for (int k = 0; k < n->num_points; k++) {
        const cJSON *p = cJSON_GetArrayItem(points, k);
        const cJSON *value = cJSON_GetObjectItem(p, "value");
        if (cJSON_IsNumber(value)) {
            assert_same_number(n->points[k].value, value->valuedouble);
        } else {
            assert_true(isnan(n->points[k].value));
            assert_string_equal(n->points[k].text, value->valuestring);
        }
        assert_non_null(n->points[k].result);
        check_result(n->points[k].result, p);
        check_result(n->points[k].base, cJSON_GetObjectItem(p, "base"));
    }
}

static cJSON *sweep(const igd_sweep_values *values, const igd_series_options *o,
                    const igd_ranking *ranking)
{
    igd_analysis *a = NULL;
    assert_ok(igd_sweep(&a, world.base, ranking, world.data, values, o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(json);
    assert_non_null(strstr(igd_analysis_text(a), values->value[0]));
    check_numbers(a, json);
    igd_analysis_free(a);
    return json;
}

static const cJSON *point(const cJSON *json, int k)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(json, "points"), k);
}

static const char *const keeps[] = {"9", "2", "5"};
static const char short_set[] = "apgd-ce.steps=5";

// --- what the points are

static void test_sweep__points_are_separate_evaluations(void **state)
{
    (void)state;
    igd_series_options o = options("apgd-ce,transfer:apgd-ce,fgsm", short_set, "keep");
    const igd_sweep_values v = over("keep", keeps, 3);
    cJSON *json = sweep(&v, &o, world.ranking);
    static const int rising[] = {2, 5, 9};
    double lowest = 1.0, highest = 0.0;

    assert_string_equal(cJSON_GetObjectItem(json, "kind")->valuestring, "sweep");
    assert_string_equal(cJSON_GetObjectItem(json, "option")->valuestring, "keep");
    for (int k = 0; k < 4; k++) {
        igd_defense *d = NULL;
        igd_result *alone = NULL;
        igd_defense_options defense = o.defense;
        igd_evaluate_options e = o.evaluate;
        char name[32];
        e.cache = NULL;
        if (k < 3) {
            defense.keep = rising[k];
            assert_ok(igd_defense_new(&d, world.base, world.ranking, &defense));
        }
        assert_ok(igd_evaluate(&alone, world.base, d, world.data, &e));
        const cJSON *at = k < 3 ? point(json, k) : cJSON_GetObjectItem(json, "base");
        if (k < 3)
            assert_int_equal((int)number(at, "value"), rising[k]);
        assert_true(number(at, "clean_acc") == igd_result_clean_acc(alone));
        assert_true(number(at, "worst_acc") == igd_result_worst_acc(alone));
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(at, "attacks")), 3);
        snprintf(name, sizeof(name), k < 3 ? "keep-%d.json" : "base.json", rising[k % 3]);
        const char *result = cJSON_GetObjectItem(at, "result")->valuestring;
        assert_true(strncmp(result, "keep/", 5) == 0);
        assert_string_equal(result + 5, name);
        igd_result *kept = load(o.folder, name);
        assert_same_flags(alone, kept);
        lowest =
            igd_result_worst_acc(alone) < lowest ? igd_result_worst_acc(alone) : lowest;
        highest =
            igd_result_clean_acc(alone) > highest ? igd_result_clean_acc(alone) : highest;
        igd_result_free(kept);
        igd_result_free(alone);
        igd_defense_free(d);
    }
    assert_true(lowest < highest); // the attacks do something
    cJSON_Delete(json);
}

// Images that an entry judged, and how many of their points were made for it.
static int64_t judged(const igd_result *r, const char *attack, int64_t *made)
{
    int64_t count = 0;
    for (int k = 0; k < r->num_entries; k++) {
        if (strcmp(r->entries[k].name, attack) != 0)
            continue;
        const char *letters = igd_flags_column(&r->flags, r->entries[k].columns[0]);
        for (int64_t i = 0; i < N; i++)
            count += letters[i] == IGD_ROBUST || letters[i] == IGD_FOOLED;
        *made += count - r->entries[k].cost.reused;
    }
    return count;
}

static void test_sweep__sets_of_the_base_model_are_made_once(void **state)
{
    (void)state;
    static const char *const files[] = {"base.json", "keep-2.json", "keep-5.json",
                                        "keep-9.json"};
    static const char *const attacks[] = {"transfer:apgd-ce", "transfer:square"};
    const igd_sweep_values v = over("keep", keeps, 3);
    for (int kept = 0; kept < 2; kept++) { // with and without files
        igd_series_options o =
            options("transfer:apgd-ce,transfer:square",
                    "apgd-ce.steps=5,square.queries=30", kept ? "shared" : NULL);
        o.evaluate.report = IGD_REPORT_PER_ATTACK;
        cJSON_Delete(sweep(&v, &o, world.ranking));
        for (int a = 0; a < 2 && kept; a++) {
            int64_t made = 0, all = 0;
            for (int k = 0; k < 4; k++) {
                igd_result *r = load(o.folder, files[k]);
                all += judged(r, attacks[a], &made);
                igd_result_free(r);
            }
            assert_true(all > 2 * N);
            assert_true(made > 0 && made <= N); // once per image
        }
    }
}

// --- several eps

static void test_sweep__eps_attacks_only_what_the_smaller_one_left(void **state)
{
    (void)state;
    static const char *const eps[] = {"16/255", "1/255", "4/255"};
    static const char *const files[] = {"eps-1-255.json", "eps-4-255.json",
                                        "eps-16-255.json"};
    const igd_sweep_values v = over("eps", eps, 3);
    igd_series_options o = options("apgd-ce,pgd", "apgd-ce.steps=5,pgd.steps=3", "eps");
    cJSON *json = sweep(&v, &o, world.ranking);
    igd_result *before = NULL;
    int64_t left_alone = 0, broken = 0;

    for (int k = 0; k < 3; k++) {
        igd_result *r = load(o.folder, files[k]);
        if (before != NULL) {
            assert_true(igd_result_worst_acc(r) <= igd_result_worst_acc(before));
            assert_string_equal(igd_result_attack(r, 0).name, "smaller-eps");
            assert_true(igd_result_attack(r, 0).robust_acc ==
                        igd_result_worst_acc(before));
            for (int64_t i = 0; i < N; i++) {
                bool was = false;
                for (int c = 1; c < before->flags.num_columns; c++)
                    was = was || igd_flags_column(&before->flags, c)[i] == IGD_FOOLED;
                assert_int_equal(igd_flags_column(&r->flags, 1)[i],
                                 was ? IGD_FOOLED : IGD_ROBUST);
                broken += was;
                // By the first draw and by the majority: then it is not attacked.
                if (was && !igd_flags_correct(&r->flags, 1, i, IGD_MAJORITY)) {
                    assert_int_equal(igd_flags_column(&r->flags, 2)[i], IGD_SKIPPED);
                    left_alone++;
                }
            }
        }
        assert_true(number(point(json, k), "worst_acc") == igd_result_worst_acc(r));
        assert_true(number(cJSON_GetObjectItem(point(json, k), "base"), "worst_acc") <=
                    number(cJSON_GetObjectItem(point(json, k), "base"), "clean_acc"));
        igd_result_free(before);
        before = r;
    }
    igd_result_free(before);
    assert_true(broken > 0 && left_alone > 0);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "base")));
    cJSON_Delete(json);
}

static void test_sweep__eps_of_the_base_model_alone(void **state)
{
    (void)state;
    static const char *const eps[] = {"2/255", "0.1"};
    const igd_sweep_values v = over("eps", eps, 2);
    igd_series_options o = options("apgd-ce", short_set, NULL);
    o.evaluate.report = IGD_REPORT_PER_ATTACK;
    cJSON *json = sweep(&v, &o, NULL);
    for (int k = 0; k < 2; k++) {
        igd_result *alone = NULL;
        igd_evaluate_options e = o.evaluate;
        e.threat.eps = k == 0 ? 2.0 / 255.0 : 0.1;
        assert_ok(igd_evaluate(&alone, world.base, NULL, world.data, &e));
        assert_true(number(point(json, k), "worst_acc") == igd_result_worst_acc(alone));
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(point(json, k), "result")));
        igd_result_free(alone);
    }
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "defense")));
    cJSON_Delete(json);
}

static void test_sweep__a_smaller_eps_must_be_of_the_same_run(void **state)
{
    (void)state;
    igd_result *small = NULL, *large = NULL;
    igd_evaluate_options o = options("fgsm", NULL, NULL).evaluate;
    assert_ok(igd_evaluate(&small, world.base, NULL, world.data, &o));
    o.smaller = small;
    assert_fails(igd_evaluate(&large, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "smaller eps is at 0.03, this is 0.03");
    o.threat.eps = 0.1;
    o.seed = 1;
    assert_fails(igd_evaluate(&large, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "seed");
    o.seed = 0;
    o.report = IGD_REPORT_PER_ATTACK;
    assert_fails(igd_evaluate(&large, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "union");
    o.report = IGD_REPORT_UNION;
    o.attacks = "pgd,square"; // other attacks are fine
    assert_ok(igd_evaluate(&large, world.base, NULL, world.data, &o));
    assert_true(igd_result_worst_acc(large) <= igd_result_worst_acc(small));
    igd_result_free(large);
    igd_result_free(small);
}

// --- what is swept about the attacks and the ranking

static double steps_of(const char *folder, const char *name, int step)
{
    igd_result *r = load(folder, name);
    const cJSON *settings = cJSON_GetObjectItem(r->provenance, "settings");
    const cJSON *attack =
        cJSON_GetArrayItem(cJSON_GetObjectItem(settings, "attacks"), step);
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItem(attack, "runs"), 0);
    const double steps = number(cJSON_GetObjectItem(run, "parameters"), "steps");
    igd_result_free(r);
    return steps;
}

static void test_sweep__steps_and_parameters_change_the_attacks(void **state)
{
    (void)state;
    static const char *const steps[] = {"2", "4"};
    igd_sweep_values v = over("steps", steps, 2);
    igd_series_options o =
        options("pgd,surrogate:apgd-ce,square",
                "square.queries=20,surrogate:apgd-ce.rho=0.5", "steps");
    cJSON_Delete(sweep(&v, &o, world.ranking));
    assert_true(steps_of(o.folder, "steps-2.json", 0) == 2.0);
    assert_true(steps_of(o.folder, "steps-4.json", 1) == 4.0);
    // The base model has no surrogate, nor its parameters.
    assert_true(steps_of(o.folder, "base-steps-4.json", 0) == 4.0);

    v = over("set:pgd.steps", steps, 2);
    o = options("pgd,apgd-ce", short_set, "parameter");
    cJSON *json = sweep(&v, &o, world.ranking);
    assert_string_equal(cJSON_GetObjectItem(json, "option")->valuestring, "pgd.steps");
    assert_true(steps_of(o.folder, "pgd.steps-4.json", 0) == 4.0);
    assert_true(steps_of(o.folder, "pgd.steps-4.json", 1) == 5.0);
    cJSON_Delete(json);
}

typedef struct asked {
    int num;
    char layer[4][32];
    double fraction[4];
} asked;

static igd_status rank_anew(igd_ranking **out, const igd_model *base, const char *layer,
                            double fraction, void *payload)
{
    asked *a = payload;
    snprintf(a->layer[a->num], sizeof(a->layer[0]), "%s", layer);
    a->fraction[a->num++] = fraction;
    return igd_ranking_random(out, base, layer, NULL, (uint64_t)(10.0 * fraction));
}

static void test_sweep__layers_and_fractions_are_ranked_anew(void **state)
{
    (void)state;
    static const char *const fractions[] = {"1/2", "0.1", "1"};
    static const char *const layers[] = {"penultimate", "absent"};
    asked a = {0};
    igd_analysis *none = NULL;
    igd_sweep_values v = over("fraction", fractions, 3);
    const igd_series_options o = options("fgsm", NULL, "fraction");
    v.rank = rank_anew;
    v.payload = &a;
    cJSON_Delete(sweep(&v, &o, NULL));
    assert_int_equal(a.num, 3);
    assert_string_equal(a.layer[2], "penultimate");
    assert_true(a.fraction[0] == 0.1 && a.fraction[1] == 0.5 && a.fraction[2] == 1.0);

    // An unknown layer shows before anything is evaluated.
    igd_series_options fresh = options("fgsm", NULL, "layer");
    v = over("layer", layers, 2);
    v.rank = rank_anew;
    a = (asked){0};
    v.payload = &a;
    assert_fails(igd_sweep(&none, world.base, NULL, world.data, &v, &fresh), IGD_EINVAL,
                 "layer absent: ");
    assert_false(igd_path_exists(fresh.folder));
    v.num = 1;
    cJSON *json = sweep(&v, &fresh, NULL);
    assert_string_equal(cJSON_GetObjectItem(point(json, 0), "value")->valuestring,
                        "penultimate");
    cJSON_Delete(json);
}

// --- interruption

static int stop_after(const char *stage, double done, double total, void *payload)
{
    int *left = payload;
    (void)done;
    (void)total;
    assert_true(stage[0] == '[');
    return --*left <= 0;
}

// Leaves what must not differ between two runs in two folders.
static void forget_times(cJSON *json)
{
    cJSON *item;
    cJSON_DeleteItemFromObject(json, "seconds");
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(json, "base"), "result");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "points"))
    {
        cJSON_DeleteItemFromObject(item, "result");
    }
}

static void test_sweep__an_interrupted_sweep_goes_on_to_the_same_answer(void **state)
{
    (void)state;
    const igd_sweep_values v = over("keep", keeps, 3);
    igd_series_options o =
        options("apgd-ce,transfer:pgd", "apgd-ce.steps=6,pgd.steps=4", "whole");
    cJSON *whole = sweep(&v, &o, world.ranking);
    igd_series_options cut =
        options("apgd-ce,transfer:pgd", "apgd-ce.steps=6,pgd.steps=4", "cut");
    igd_analysis *a = NULL;
    igd_status st;
    int left, sittings = 0;

    cut.evaluate.progress = stop_after;
    cut.evaluate.payload = &left;
    do {
        left = 4 + 3 * sittings;
        st = igd_sweep(&a, world.base, world.ranking, world.data, &v, &cut);
        assert_true(st == IGD_OK || st == IGD_ECANCELED);
        sittings++;
    } while (st == IGD_ECANCELED && sittings < 200);
    assert_int_equal(st, IGD_OK);
    assert_true(sittings > 3);
    cJSON *parts = cJSON_Parse(igd_analysis_json(a));
    forget_times(whole);
    forget_times(parts);
    char *one = cJSON_Print(whole), *other = cJSON_Print(parts);
    assert_string_equal(one, other);
    cJSON_free(one);
    cJSON_free(other);
    cJSON_Delete(whole);
    cJSON_Delete(parts);

    // A finished sweep is an answer without work, to the last digit.
    igd_analysis *again = NULL;
    left = 1; // would stop at the first batch
    assert_ok(igd_sweep(&again, world.base, world.ranking, world.data, &v, &cut));
    assert_string_equal(igd_analysis_json(a), igd_analysis_json(again));
    assert_string_equal(igd_analysis_text(a), igd_analysis_text(again));
    igd_analysis_free(again);
    igd_analysis_free(a);
}

static void test_sweep__files_of_another_run_are_refused(void **state)
{
    (void)state;
    const igd_sweep_values v = over("sigma", (const char *const[]){"0.01", "0"}, 2);
    igd_series_options o = options("fgsm", NULL, "refused");
    igd_analysis *a = NULL;
    cJSON_Delete(sweep(&v, &o, world.ranking));
    o.evaluate.seed = 1;
    assert_fails(igd_sweep(&a, world.base, world.ranking, world.data, &v, &o), IGD_ESTATE,
                 "seed is 0 there, 1 here; option restart discards it");
    o.evaluate.seed = 0;
    o.evaluate.attacks = "pgd";
    assert_fails(igd_sweep(&a, world.base, world.ranking, world.data, &v, &o), IGD_ESTATE,
                 "attacks[0].name is \"fgsm\" there, \"pgd\" here");
    o.evaluate.restart = true;
    cJSON_Delete(sweep(&v, &o, world.ranking));
    // A damaged result is no answer.
    o.evaluate.restart = false;
    char *path = igd_path_join(o.folder, "sigma-0.json");
    assert_ok(igd_file_write(path, "{", 1));
    assert_fails(igd_sweep(&a, world.base, world.ranking, world.data, &v, &o),
                 IGD_EFORMAT, "sigma-0.json");
    free(path);
}

// --- bad input

static void test_sweep__bad_values_show_before_any_work(void **state)
{
    (void)state;
    static const struct {
        const char *option, *values[2], *message;
    } cases[] = {
        {"kepe", {"1", "2"}, "did you mean 'keep'?"},
        {"colour", {"1", "2"}, "cannot sweep 'colour'"},
        {"keep", {"0", "2"}, "over 0: not at least 1"},
        {"keep", {"5", "13"}, "keep 13: cannot keep 13 of 12 neurons"},
        {"keep", {"5", "2.5"}, "not a whole number"},
        {"keep", {"5", "x"}, "over 'x': not a number"},
        {"keep", {"5", ""}, "over ''"},
        {"keep", {"5", "5"}, "over 5 twice"},
        {"sigma", {"0.1", "-0.1"}, "not at least 0"},
        {"sigma", {"8/255", "0.031372549019607843"}, "twice"},
        {"smooth", {"1", "0"}, "not at least 1"},
        {"temperature", {"0", "1"}, "not above 0"},
        {"temperature", {"nan", "1"}, "not a number"},
        {"eps", {"4/255", "8"}, "pixels lie in [0, 1]"},
        {"eps", {"0", "1"}, "not above 0"},
        {"fraction", {"0.5", "1.5"}, "above 1"},
        {"steps", {"0", "1"}, "not at least 1"},
        {"pgd.steps", {"5", "0"}, "steps"},
        {"pgd.stesp", {"5", "6"}, "stesp"},
        {"square.queries", {"5", "6"}, "no such attack in the list"},
        {"layer", {"a", "b"}, "ranked anew"},
    };
    const igd_series_options o = options("pgd", NULL, "bad");
    igd_analysis *a = NULL;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        const igd_sweep_values v = over(cases[k].option, cases[k].values, 2);
        assert_fails(igd_sweep(&a, world.base, world.ranking, world.data, &v, &o),
                     IGD_EINVAL, cases[k].message);
        assert_null(a);
        assert_false(igd_path_exists(o.folder));
    }
    igd_sweep_values v = over("keep", keeps, 0);
    assert_fails(igd_sweep(&a, world.base, world.ranking, world.data, &v, &o), IGD_EINVAL,
                 "0 values");
    v.num = 3;
    assert_fails(igd_sweep(&a, world.base, NULL, world.data, &v, &o), IGD_EINVAL,
                 "there must be a ranking");
    v.option = "steps";
    const igd_series_options square = options("square", NULL, "bad");
    assert_fails(igd_sweep(&a, world.base, world.ranking, world.data, &v, &square),
                 IGD_EINVAL, "no attack of 'square' takes steps");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep__points_are_separate_evaluations),
        cmocka_unit_test(test_sweep__sets_of_the_base_model_are_made_once),
        cmocka_unit_test(test_sweep__eps_attacks_only_what_the_smaller_one_left),
        cmocka_unit_test(test_sweep__eps_of_the_base_model_alone),
        cmocka_unit_test(test_sweep__a_smaller_eps_must_be_of_the_same_run),
        cmocka_unit_test(test_sweep__steps_and_parameters_change_the_attacks),
        cmocka_unit_test(test_sweep__layers_and_fractions_are_ranked_anew),
        cmocka_unit_test(test_sweep__an_interrupted_sweep_goes_on_to_the_same_answer),
        cmocka_unit_test(test_sweep__files_of_another_run_are_refused),
        cmocka_unit_test(test_sweep__bad_values_show_before_any_work),
    };
    return cmocka_run_group_tests(tests, world_make, world_free);
}
