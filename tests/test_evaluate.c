// Evaluations: what their numbers mean, on small classifiers made of tensor operations.
#include "evaluate_fixture.h"

#include "core/json.h"

// --- what the numbers mean

// A linear classifier of two classes is fooled exactly where the margin is at most eps
// times the L1 norm of the difference of the weights: no bound binds in these images.
static void test_evaluate__linear_models_reach_the_closed_form(void **state)
{
    (void)state;
    enum { n = 50 };
    float w[2 * D], b[2] = {0.1f, 0.0f}, x[n * D], z[2];
    int32_t label[n];
    double norm = 0.0;
    const int64_t shape[3] = {1, 1, D};
    igd_dataset *data = NULL;
    igd_result *r = NULL;
    toy t;

    toy_random(w, 2 * D, 1.0f, "linear");
    toy_images(x, n * D, "linear x");
    for (int i = 0; i < n * D; i++)
        x[i] = 0.3f + 0.4f * x[i];
    toy_make(&t, D, 2, 2, w, b, NULL);
    for (int j = 0; j < D; j++)
        norm += fabs((double)w[j] - (double)w[D + j]);
    const igd_views who = {.base = &t.f,
                           .judged = &t.f,
                           .model_path = "",
                           .model_sha256 = "",
                           .model_identity = "",
                           .device = "cpu"};
    for (int k = 1; k <= 3; k++) {
        const double eps = 0.02 * k;
        int robust = 0;
        for (int i = 0; i < n; i++) {
            const igd_draw draw = {0};
            assert_ok(igd_classifier_logits(z, &t.f, x + i * D, 1, &draw));
            label[i] = igd_argmax(z, 2);
            robust += fabs((double)z[0] - (double)z[1]) > eps * norm;
        }
        assert_ok(igd_dataset_from_floats(&data, x, label, n, shape, 2));
        igd_evaluate_options o = options("fgsm,pgd,apgd-ce,apgd-cw,fab-t");
        o.threat.eps = eps;
        o.report = IGD_REPORT_PER_ATTACK;
        assert_ok(igd_evaluate_views(&r, &who, data, &o));
        for (int a = 0; a < igd_result_num_attacks(r); a++)
            assert_true(fabs(igd_result_attack(r, a).robust_acc -
                             (double)robust / (double)n) < 1e-9);
        igd_result_free(r);
        igd_dataset_free(data);
    }
}

static void test_evaluate__clean_accuracy_and_predictions(void **state)
{
    (void)state;
    const igd_evaluate_options o = options("clean");
    igd_result *r = evaluate(&world.undefended, &o);
    assert_true(fabs(igd_result_clean_acc(r) - 0.9) < 1e-12);
    assert_true(igd_result_worst_acc(r) == igd_result_clean_acc(r));
    assert_int_equal(igd_result_num_attacks(r), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(r->flags.clean[i], predict(&world.base, world.x + i * D));
    igd_result_free(r);
}

static void test_evaluate__worst_case_is_the_union_of_full_runs(void **state)
{
    (void)state;
    igd_evaluate_options o = options("worst-case");
    o.set = "rays.queries=200,square.queries=200,apgd-ce.steps=20,apgd-t.steps=20,"
            "apgd-cw.steps=20,fab-t.steps=20,apgd-eot.steps=20";
    const igd_views *const both[2] = {&world.views, &world.undefended};
    for (int k = 0; k < 2; k++) {
        igd_result *cascade, *full;
        o.report = IGD_REPORT_UNION;
        cascade = evaluate(both[k], &o);
        o.report = IGD_REPORT_PER_ATTACK;
        full = evaluate(both[k], &o);
        assert_true(igd_result_worst_acc(cascade) == igd_result_worst_acc(full));
        assert_true(igd_result_worst_acc(full) < igd_result_clean_acc(full));
        int columns[IGD_MAX_STEPS];
        for (int c = 1; c < IGD_MAX_STEPS; c++)
            columns[c - 1] = c;
        for (int i = 0; i < N; i++)
            assert_int_equal(
                igd_flags_survives(&cascade->flags, columns,
                                   cascade->flags.num_columns - 1, i, IGD_ONE_SHOT),
                igd_flags_survives(&full->flags, columns, full->flags.num_columns - 1, i,
                                   IGD_ONE_SHOT));
        // The nine members, and AutoAttack's four, and the whole.
        assert_int_equal(igd_result_num_attacks(full), 9 + 4 + 1);
        for (int a = 0; a < igd_result_num_attacks(full); a++) {
            assert_true(igd_result_worst_acc(full) <=
                        igd_result_attack(full, a).robust_acc);
            assert_true(igd_result_worst_acc(cascade) <=
                        igd_result_attack(cascade, a).robust_acc);
        }
        assert_string_equal(igd_result_attack(full, 13).name, "worst-case");
        assert_true(igd_result_attack(full, 13).robust_acc == igd_result_worst_acc(full));
        igd_result_free(cascade);
        igd_result_free(full);
    }
}

static void test_evaluate__flags_do_not_depend_on_batches_or_shortcuts(void **state)
{
    (void)state;
    static const int sizes[] = {1, 7, 64};
    igd_evaluate_options o = options("autoattack,transfer:apgd-ce,pgd");
    o.set = "square.queries=100,apgd-ce.steps=20,apgd-t.steps=20,fab-t.steps=20";
    igd_result *first = evaluate(&world.views, &o);
    for (int k = 0; k < 3; k++) {
        o.batch_size = sizes[k];
        igd_result *other = evaluate(&world.views, &o);
        assert_same_flags(first, other);
        for (int a = 0; a < igd_result_num_attacks(first); a++)
            assert_int_equal(igd_result_attack(first, a).forwards,
                             igd_result_attack(other, a).forwards);
        igd_result_free(other);
    }
    o.shortcuts = false;
    igd_result *full = evaluate(&world.views, &o);
    assert_same_flags(first, full);
    igd_result_free(full);
    igd_result_free(first);
}

// The worst case of the base and of the defended model, and what shortcuts leave out of
// it.
static void test_evaluate__the_worst_case_is_the_same_without_shortcuts(void **state)
{
    (void)state;
    igd_evaluate_options o = options("worst-case");
    o.set = "rays.queries=200,square.queries=100,apgd-ce.steps=10,apgd-t.steps=10,"
            "apgd-cw.steps=10,fab-t.steps=10,apgd-eot.steps=10,apgd-eot.eot=3";
    const igd_views *const both[2] = {&world.views, &world.undefended};
    for (int k = 0; k < 2; k++) {
        o.shortcuts = true;
        igd_result *some = evaluate(both[k], &o);
        o.shortcuts = false;
        igd_result *all = evaluate(both[k], &o);
        assert_same_flags(some, all);
        assert_true(igd_result_worst_acc(all) < igd_result_clean_acc(all));
        int64_t passes[2] = {0};
        for (int a = 0; a < igd_result_num_attacks(all) - 1; a++) {
            const igd_attack_result with = igd_result_attack(some, a),
                                    without = igd_result_attack(all, a);
            assert_true(with.forwards <= without.forwards);
            assert_true(with.backwards <= without.backwards);
            passes[0] += with.forwards + with.backwards;
            passes[1] += without.forwards + without.backwards;
        }
        assert_true(passes[0] < passes[1]);
        igd_result_free(some);
        igd_result_free(all);
    }
}

static void test_evaluate__parts_join_to_the_whole(void **state)
{
    (void)state;
    const int64_t shape[3] = {1, 1, D};
    igd_evaluate_options o = options("apgd-ce,square");
    o.set = "square.queries=50";
    igd_result *whole = evaluate(&world.views, &o), *joined = NULL;
    // Ranges of the same data set keep their indices, so noise and flags stay. A data set
    // from memory counts from 0, so the second half is given as what it is: other images
    // of the same indices, which must not join.
    igd_dataset *half = NULL;
    igd_result *r = NULL;
    const char *paths[2];
    for (int k = 0; k < 2; k++) {
        assert_ok(igd_dataset_from_floats(&half, world.x, world.label, N / 2, shape, C));
        assert_ok(igd_evaluate_views(&r, &world.views, half, &o));
        for (int64_t i = 0; i < N / 2; i++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(igd_flags_column(&r->flags, c)[i],
                                 igd_flags_column(&whole->flags, c)[i]);
        paths[k] = fixture_path(k == 0 ? "half1.json" : "half2.json");
        assert_ok(igd_result_save(r, paths[k]));
        igd_result_free(r);
        igd_dataset_free(half);
    }
    assert_fails(igd_result_merge(&joined, paths, 2), IGD_EINVAL, "image 0");
    assert_ok(igd_result_merge(&joined, paths, 1));
    assert_int_equal(igd_result_num_images(joined), N / 2);
    igd_result_free(joined);
    igd_result_free(whole);
}

// Images that a check of a result attacked.
static double checked(const igd_result *r, const char *check)
{
    const cJSON *o = igd_get(r->checks, check);
    return igd_number_of(cJSON_IsArray(o) ? cJSON_GetArrayItem(o, 0) : o, "images");
}

static void test_evaluate__parts_check_what_the_whole_run_checks(void **state)
{
    (void)state;
    static const char *const checks[] = {"saturation", "planted", "huge_radius"};
    enum { CHECKS = sizeof(checks) / sizeof(checks[0]), PARTS = 3 };
    const int64_t shape[3] = {1, 1, D};
    igd_evaluate_options o = options("apgd-ce");
    o.set = "apgd-ce.steps=5";
    o.checks = true;
    for (int order = IGD_ORDER_DATA; order <= IGD_ORDER_RANDOM; order++) {
        double sum[CHECKS] = {0};
        o.order = (igd_order)order;
        igd_result *whole = evaluate(&world.views, &o);
        for (int k = 0; k < PARTS; k++) {
            igd_dataset *part = NULL;
            igd_result *r = NULL;
            assert_ok(igd_dataset_from_floats(&part, world.x, world.label, N, shape, C));
            assert_ok(igd_dataset_take_part(part, k, PARTS, NULL));
            assert_ok(igd_evaluate_views(&r, &world.views, part, &o));
            for (int c = 0; c < CHECKS; c++)
                sum[c] += checked(r, checks[c]);
            igd_result_free(r);
            igd_dataset_free(part);
        }
        for (int c = 0; c < CHECKS; c++) {
            assert_true(sum[c] > 0.0);
            // In random order points are planted among the first images, of each part.
            if (o.order == IGD_ORDER_DATA || strcmp(checks[c], "planted") != 0)
                assert_true(sum[c] == checked(whole, checks[c]));
        }
        igd_result_free(whole);
    }
}

// --- randomised classifiers

static void test_evaluate__random_classifiers_are_judged_three_ways(void **state)
{
    (void)state;
    igd_evaluate_options o = options("apgd-ce,transfer:apgd-ce");
    o.set = "apgd-ce.steps=10";
    world.judged.noise = 0.3f;
    world.judged.f.deterministic = false;
    igd_result *r = evaluate(&world.views, &o), *again;
    o.batch_size = 5;
    again = evaluate(&world.views, &o);
    world.judged.noise = 0.0f;
    world.judged.f.deterministic = true;

    assert_same_flags(r, again);
    assert_true(igd_warned(&r->warnings, IGD_WARN_RANDOMISED));
    for (int a = 0; a < 2; a++) {
        const igd_attack_result v = igd_result_attack(r, a);
        assert_true(v.any_acc <= v.majority_acc && v.any_acc <= v.robust_acc);
    }
    assert_true(igd_result_attack(r, 0).any_acc < igd_result_attack(r, 0).majority_acc);
    assert_non_null(strstr(igd_result_json(r), "\"any_acc\""));
    igd_result_free(r);
    igd_result_free(again);
}

// What the lines of progress say.
typedef struct line_check {
    char stage[64]; // up to its comma
    double done;
    int lines, stages, parts; // parts: lines between two whole images
} line_check;

static int check_line(const char *stage, double done, double total, void *payload)
{
    line_check *c = payload;
    long long images, of;
    double accuracy = -1.0;
    const size_t length = strcspn(stage, ",");
    assert_true(length < sizeof(c->stage));
    assert_int_equal(sscanf(stage + length, ", %lld/%lld images", &images, &of), 2);
    const char *robust = strstr(stage, "still robust ");
    if (strncmp(stage, "clean,", 6) != 0) {
        assert_non_null(robust);
        assert_int_equal(sscanf(robust, "still robust %lf %%", &accuracy), 1);
        assert_true(accuracy > 0.0 && accuracy <= 90.0); // of these images
        assert_true(strchr("123c", stage[0]) != NULL && strchr(stage, '/') != NULL);
    }
    assert_true(of > 0 && (double)images <= done && done <= total && total == (double)of);
    if (strncmp(c->stage, stage, length) == 0 && c->stage[length] == '\0')
        assert_true(done >= c->done);
    else
        c->stages++;
    snprintf(c->stage, sizeof(c->stage), "%.*s", (int)length, stage);
    c->done = done;
    c->lines++;
    c->parts += done != floor(done);
    return 0;
}

static void test_evaluate__progress_is_never_misleading(void **state)
{
    (void)state;
    igd_evaluate_options o = options("transfer:apgd-ce,square,pgd");
    line_check c = {.done = 0.0};
    o.set = "square.queries=60";
    o.batch_size = 64; // all images finish together
    o.checks = true;
    o.progress = check_line;
    o.payload = &c;
    igd_result_free(evaluate(&world.views, &o));
    // Clean; the gradient attack on planted points; transfers made and judged; two
    // attacks; three checks.
    assert_int_equal(c.stages, 1 + 1 + 2 + 2 + 3);
    assert_true(c.lines > 100 && c.parts > c.lines / 2);
}

static void test_evaluate__audit_finds_the_same_flags(void **state)
{
    (void)state;
    igd_evaluate_options o = options("autoattack,transfer:apgd-t");
    o.set = "square.queries=60,apgd-ce.steps=10,apgd-t.steps=10,fab-t.steps=10";
    o.audit = 50.0;
    igd_result *r = evaluate(&world.views, &o);
    const cJSON *audit = cJSON_GetObjectItemCaseSensitive(r->checks, "audit");
    assert_true(cJSON_GetObjectItem(audit, "attacked")->valueint > 20);
    assert_int_equal(cJSON_GetObjectItem(audit, "differences")->valueint, 0);
    assert_false(igd_warned(&r->warnings, IGD_WARN_AUDIT));
    igd_result_free(r);
}

static void test_evaluate__a_wrong_clean_accuracy_stops_early(void **state)
{
    (void)state;
    igd_result *r = NULL;
    igd_evaluate_options o = options("apgd-ce");
    o.expect_clean = 0.5;
    const int64_t before = world.base.passes;
    assert_fails(igd_evaluate_views(&r, &world.undefended, world.data, &o), IGD_ECHECK,
                 "0.9000 where 0.5000");
    assert_true(world.base.passes - before < 12 * N);
    o.expect_clean = 0.895;
    o.set = "apgd-ce.steps=2";
    assert_ok(igd_evaluate_views(&r, &world.undefended, world.data, &o));
    igd_result_free(r);
}

// --- misuse

static void fails_with(const igd_evaluate_options *o, const char *text)
{
    igd_result *r = NULL;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, o), IGD_EINVAL, text);
    assert_null(r);
}

static void test_evaluate__bad_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *attacks, *set, *text;
    } lists[] = {
        {"apgd-c", NULL, "did you mean 'apgd-ce'"},
        {"autoatack", NULL, "did you mean 'autoattack'"},
        {"", NULL, "no list"},
        {"apgd-ce,,pgd", NULL, "no list"},
        {"pgd,pgd", NULL, "listed twice"},
        {"surrogate:pgd", NULL, "needs a defense whose pseudo-label"},
        {"pgd", "pgd.step=3", "did you mean 'steps'"},
        {"pgd", "pgd.steps=x", "not a number"},
        {"pgd", "pgd.steps", "ATTACK.PARAMETER=VALUE"},
        {"pgd", "fgsm.steps=3", "no such attack in the list"},
        {"pgd", "pgd.steps=0", "outside"},
    };
    igd_evaluate_options o;
    for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
        o = options(lists[k].attacks);
        o.set = lists[k].set;
        fails_with(&o, lists[k].text);
    }
    o = options("clean");
    o.threat.eps = 8.0;
    fails_with(&o, "8/255");
    o.threat.eps = -1.0;
    fails_with(&o, "eps is -1");
    o = options("clean");
    o.batch_size = 0;
    fails_with(&o, "batch size is 0");
    o = options("clean");
    o.audit = 101.0;
    fails_with(&o, "audit");
    o = options("clean");
    o.num_draws = 256;
    fails_with(&o, "draws");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_evaluate__linear_models_reach_the_closed_form),
        TENSOR_TEST(test_evaluate__clean_accuracy_and_predictions),
        TENSOR_TEST(test_evaluate__worst_case_is_the_union_of_full_runs),
        TENSOR_TEST(test_evaluate__flags_do_not_depend_on_batches_or_shortcuts),
        TENSOR_TEST(test_evaluate__the_worst_case_is_the_same_without_shortcuts),
        TENSOR_TEST(test_evaluate__parts_join_to_the_whole),
        TENSOR_TEST(test_evaluate__parts_check_what_the_whole_run_checks),
        TENSOR_TEST(test_evaluate__random_classifiers_are_judged_three_ways),
        TENSOR_TEST(test_evaluate__progress_is_never_misleading),
        TENSOR_TEST(test_evaluate__audit_finds_the_same_flags),
        TENSOR_TEST(test_evaluate__a_wrong_clean_accuracy_stops_early),
        TENSOR_TEST(test_evaluate__bad_options_are_refused),
    };
    world_make();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return failed;
}
