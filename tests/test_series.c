// The ablation and the comparison of defenses, on a small network with weights by chance.
#include "series_fixture.h"

static const char set[] = "apgd-ce.steps=4,apgd-t.steps=3,apgd-t.targets=2,fab-t.steps=3,"
                          "fab-t.targets=2,square.queries=20,rays.queries=30,"
                          "apgd-eot.steps=3,apgd-eot.eot=2,apgd-cw.steps=4";

static cJSON *ablate(const igd_series_options *o)
{
    igd_analysis *a = NULL;
    assert_ok(igd_ablation(&a, world.base, world.ranking, world.data, o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(json);
    igd_analysis_free(a);
    return json;
}

static void test_series__ablation_has_nine_rows(void **state)
{
    (void)state;
    static const struct {
        const char *name, *mask;
        int passes;
        bool smoothing;
    } expected[] = {
        {"none", "none", 1, false},
        {"smoothing alone", "none", 1, true},
        {"two passes alone", "none", 2, false},
        {"random one pass", "random", 1, false},
        {"random two passes", "random", 2, false},
        {"random smoothed", "random", 2, true},
        {"ranking one pass", "ranking", 1, false},
        {"ranking two passes", "ranking", 2, false},
        {"ranking smoothed", "ranking", 2, true},
    };
    igd_series_options o = options("apgd-ce,transfer:apgd-ce,surrogate:apgd-ce",
                                   "apgd-ce.steps=4", "ablation");
    o.evaluate.threat.eps = 0.06;
    cJSON *json = ablate(&o);
    const cJSON *rows = cJSON_GetObjectItem(json, "rows");
    assert_int_equal(cJSON_GetArraySize(rows), 9);
    for (int k = 0; k < 9; k++) {
        const cJSON *row = cJSON_GetArrayItem(rows, k);
        const bool guided = expected[k].passes == 2 && k > 2;
        assert_string_equal(cJSON_GetObjectItem(row, "name")->valuestring,
                            expected[k].name);
        assert_string_equal(cJSON_GetObjectItem(row, "mask")->valuestring,
                            expected[k].mask);
        assert_int_equal((int)number(row, "passes"), expected[k].passes);
        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(row, "smoothing")),
                         expected[k].smoothing);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(row, "attacks")),
                         guided ? 3 : 2);
    }

    // The last row is the defense, the first the base model, and two passes without a
    // mask are the base model as well.
    igd_defense *d = NULL;
    igd_result *alone = NULL;
    igd_evaluate_options e = o.evaluate;
    e.cache = NULL;
    assert_ok(igd_defense_new(&d, world.base, world.ranking, &o.defense));
    assert_ok(igd_evaluate(&alone, world.base, d, world.data, &e));
    igd_result *last = load(o.folder, "ranking-smoothed.json");
    assert_same_flags(alone, last);
    igd_result *none = load(o.folder, "none.json");
    igd_result *two = load(o.folder, "two-passes-alone.json");
    assert_same_flags(none, two);
    assert_true(igd_result_worst_acc(none) < igd_result_clean_acc(none));
    // Smoothing and masks do change something.
    igd_result *noisy = load(o.folder, "smoothing-alone.json");
    igd_result *chance = load(o.folder, "random-two-passes.json");
    assert_non_null(noisy->flags.votes);
    igd_result *one = load(o.folder, "random-one-pass.json");
    assert_memory_not_equal(chance->flags.clean, none->flags.clean, N * sizeof(int32_t));
    assert_memory_not_equal(chance->flags.clean, one->flags.clean, N * sizeof(int32_t));
    igd_result_free(one);
    igd_result_free(noisy);
    igd_result_free(chance);
    igd_result_free(none);
    igd_result_free(two);
    igd_result_free(last);
    igd_result_free(alone);
    igd_defense_free(d);
    cJSON_Delete(json);

    igd_analysis *a = NULL;
    o.defense.sigma = 0.0;
    assert_fails(igd_ablation(&a, world.base, world.ranking, world.data, &o), IGD_EINVAL,
                 "sigma above 0");
    o.defense.sigma = 0.02;
    o.defense.keep = K + 1;
    assert_fails(igd_ablation(&a, world.base, world.ranking, world.data, &o), IGD_EINVAL,
                 "random one pass: cannot keep 13 of 12 neurons");
    assert_null(a);
}

static void test_series__comparison_is_the_papers_table(void **state)
{
    (void)state;
    static const char *const columns[] = {"autoattack",
                                          "rays",
                                          "apgd-eot",
                                          "transfer:apgd-ce",
                                          "transfer:apgd-cw",
                                          "transfer:apgd-t",
                                          "transfer:autoattack",
                                          "transfer:rays",
                                          "transfer:apgd-eot"};
    igd_series_options o = options("worst-case", set, "comparison");
    igd_defense *loir = NULL, *caaa = NULL;
    igd_analysis *a = NULL;
    o.evaluate.report = IGD_REPORT_PER_ATTACK;
    assert_ok(igd_defense_new(&loir, world.base, world.ranking, &o.defense));
    assert_ok(igd_defense_new_caaa(&caaa, world.base, NULL));
    const igd_compared rows[] = {{"none", NULL}, {"caaa", caaa}, {"loir", loir}};
    assert_ok(igd_compare_defenses(&a, world.base, rows, 3, world.data, &o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(strstr(igd_analysis_text(a), "3 F + 2 B"));
    assert_string_equal(cJSON_GetObjectItem(json, "kind")->valuestring, "defenses");

    const cJSON *names = cJSON_GetObjectItem(json, "columns");
    assert_int_equal(cJSON_GetArraySize(names), 9);
    for (int j = 0; j < 9; j++)
        assert_string_equal(cJSON_GetArrayItem(names, j)->valuestring, columns[j]);
    for (int k = 0; k < 3; k++) {
        const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "rows"), k);
        const cJSON *robust = cJSON_GetObjectItem(row, "robust_acc");
        double accuracy[9], least = 1.0;
        assert_string_equal(cJSON_GetObjectItem(row, "name")->valuestring, rows[k].name);
        for (int j = 0; j < 9; j++) {
            assert_true(cJSON_IsNumber(cJSON_GetArrayItem(robust, j)));
            accuracy[j] = cJSON_GetArrayItem(robust, j)->valuedouble;
            least = accuracy[j] < least ? accuracy[j] : least;
        }
        assert_true(number(row, "worst_acc") <= least);
        // Where nothing defends, attacks 1 to 3 are 7 to 9.
        for (int j = 0; j < 3 && k == 0; j++)
            assert_true(accuracy[j] == accuracy[j + 6]);
        const cJSON *passes = cJSON_GetObjectItem(row, "passes");
        assert_int_equal((int)number(passes, "forwards"), k == 0 ? 1 : k == 1 ? 3 : 2);
        assert_int_equal((int)number(passes, "backwards"), k == 1 ? 2 : 0);

        igd_result *separate = NULL;
        char name[32];
        snprintf(name, sizeof(name), "%s.json", rows[k].name);
        igd_evaluate_options e = o.evaluate;
        e.cache = NULL;
        assert_ok(igd_evaluate(&separate, world.base, rows[k].defense, world.data, &e));
        igd_result *kept = load(o.folder, name);
        assert_same_flags(separate, kept);
        igd_result_free(kept);
        igd_result_free(separate);
    }
    cJSON_Delete(json);
    igd_analysis_free(a);

    const igd_compared twice[] = {{"a", NULL}, {"a", loir}};
    assert_fails(igd_compare_defenses(&a, world.base, twice, 2, world.data, &o),
                 IGD_EINVAL, "two defenses are called 'a'");
    assert_fails(igd_compare_defenses(&a, world.base, twice, 0, world.data, &o),
                 IGD_EINVAL, "cannot compare 0");
    igd_defense_free(caaa);
    igd_defense_free(loir);
}

// An attack that only some rows have leaves the others' cells empty.
static void test_series__columns_are_those_of_all_rows(void **state)
{
    (void)state;
    igd_series_options o = options("surrogate:pgd,fgsm", "surrogate:pgd.steps=2", NULL);
    igd_defense *loir = NULL;
    igd_analysis *a = NULL;
    assert_ok(igd_defense_new(&loir, world.base, world.ranking, &o.defense));
    const igd_compared rows[] = {{"none", NULL}, {"loir", loir}};
    assert_ok(igd_compare_defenses(&a, world.base, rows, 2, world.data, &o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    const cJSON *columns = cJSON_GetObjectItem(json, "columns");
    assert_int_equal(cJSON_GetArraySize(columns), 2);
    assert_string_equal(cJSON_GetArrayItem(columns, 1)->valuestring, "surrogate:pgd");
    const cJSON *list = cJSON_GetObjectItem(json, "rows");
    const cJSON *none = cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "robust_acc");
    const cJSON *loir_row =
        cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "robust_acc");
    assert_true(cJSON_IsNull(cJSON_GetArrayItem(none, 1)));
    assert_true(cJSON_IsNumber(cJSON_GetArrayItem(loir_row, 1)));
    cJSON_Delete(json);
    igd_analysis_free(a);
    igd_defense_free(loir);
}

static void keep_first(const char *line, void *payload)
{
    char *to = payload;
    if (to[0] == '\0')
        snprintf(to, 256, "%s", line);
}

static void test_series__the_forecast_counts_base_attacks_once(void **state)
{
    (void)state;
    char line[256] = "";
    igd_series_options o = options("transfer:pgd,fgsm", "pgd.steps=9", NULL);
    igd_defense *d[2] = {NULL};
    igd_analysis *a = NULL;
    o.evaluate.message = keep_first;
    o.evaluate.payload = line;
    for (int k = 0; k < 2; k++) {
        o.defense.keep = 3 + k;
        assert_ok(igd_defense_new(&d[k], world.base, world.ranking, &o.defense));
    }
    const igd_compared rows[] = {{"a", d[0]}, {"b", d[1]}};
    assert_ok(igd_compare_defenses(&a, world.base, rows, 2, world.data, &o));
    // PGD: 10 forwards and 9 backwards, once. FGSM on two defenses of two passes each:
    // one forward and one backward, and a forward for the point that it ends at.
    const double forwards = N * (10.0 + 2 * 2 * 2.0), backwards = N * (9.0 + 2 * 2 * 1.0);
    char expected[96];
    snprintf(expected, sizeof(expected), "at most %.3g forward and %.3g backward passes",
             forwards, backwards);
    if (strstr(line, expected) == NULL)
        fail_msg("'%s' does not contain '%s'", line, expected);
    igd_analysis_free(a);
    igd_defense_free(d[0]);
    igd_defense_free(d[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series__ablation_has_nine_rows),
        cmocka_unit_test(test_series__comparison_is_the_papers_table),
        cmocka_unit_test(test_series__columns_are_those_of_all_rows),
        cmocka_unit_test(test_series__the_forecast_counts_base_attacks_once),
    };
    return cmocka_run_group_tests(tests, world_make, world_free);
}
