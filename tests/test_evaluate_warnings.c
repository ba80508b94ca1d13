// The warnings of evaluations, each with a classifier that deserves it.
#include "evaluate_fixture.h"

#include "core/file.h"
#include "core/number.h"

static const char *const all_ids[] = {
    IGD_WARN_RANDOMISED,         IGD_WARN_PROBABILITIES, IGD_WARN_BATCH_DEPENDENT,
    IGD_WARN_FEW_CLASSES,        IGD_WARN_HUGE_RADIUS,   IGD_WARN_ZERO_GRADIENTS,
    IGD_WARN_UNVERIFIED,         IGD_WARN_OUTSIDE,       IGD_WARN_NOT_FINITE,
    IGD_WARN_NOT_DIFFERENTIABLE, IGD_WARN_DYNAMIC};

// Which of the ids above a run raised, as bits.
static unsigned raised(const igd_views *who, const char *attacks)
{
    igd_evaluate_options o = options(attacks);
    o.checks = true;
    igd_result *r = evaluate(who, &o);
    unsigned bits = 0;
    for (size_t k = 0; k < sizeof(all_ids) / sizeof(all_ids[0]); k++)
        bits |= (unsigned)igd_warned(&r->warnings, all_ids[k]) << k;
    igd_result_free(r);
    return bits;
}

static unsigned bit(const char *id)
{
    for (size_t k = 0; k < sizeof(all_ids) / sizeof(all_ids[0]); k++)
        if (strcmp(all_ids[k], id) == 0)
            return 1u << k;
    fail();
    return 0;
}

static igd_tensor *softmax_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    return igt_softmax(s, toy_logits(s, self, x, draws));
}

static igd_tensor *stopped_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    // The gradient is zero everywhere: what is left of it is multiplied by zero.
    igd_tensor *z = toy_logits(s, self, x, draws);
    return igt_add(s, igt_detach(s, z), igt_scale(s, z, 0.0));
}

static igd_tensor *coupled_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    igd_tensor *z = toy_logits(s, self, x, draws);
    return igt_sub(s, z, igt_mean_axis(s, igt_abs(s, z), 0)); // over the batch
}

static void test_evaluate__each_weakness_raises_its_warning(void **state)
{
    (void)state;
    const char *const attacks = "apgd-ce";
    igd_views who = world.undefended;
    toy odd = world.base;
    odd.f.self = &odd;
    who.base = who.judged = &odd.f;

    assert_int_equal(raised(&who, attacks), 0);

    odd.f.logits = softmax_logits;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_PROBABILITIES));
    odd.f.logits = coupled_logits;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_BATCH_DEPENDENT));
    odd.f.logits = stopped_logits;
    assert_int_equal(raised(&who, attacks),
                     bit(IGD_WARN_ZERO_GRADIENTS) | bit(IGD_WARN_HUGE_RADIUS));
    odd.f.logits = toy_logits;
    odd.noise = 0.2f;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_RANDOMISED)); // declared fixed
    odd.f.deterministic = false;
    assert_true(raised(&who, attacks) & bit(IGD_WARN_RANDOMISED));
    assert_false(raised(&who, "apgd-eot") & bit(IGD_WARN_RANDOMISED));
    odd.noise = 0.0f;
    odd.f.deterministic = true;
    odd.f.num_backward_passes = 2;
    assert_int_equal(raised(&who, attacks), bit(IGD_WARN_DYNAMIC));
    odd.f.num_backward_passes = 0;
    odd.f.differentiable = false;
    assert_true(raised(&who, "square") == 0);
}

static igd_tensor *reversed_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                   const igd_draw *draws)
{
    // The gradient points the wrong way.
    igd_tensor *z = toy_logits(s, self, x, draws);
    igd_tensor *back = igt_scale(s, z, -1.0);
    return igt_add(s, igt_detach(s, z), igt_sub(s, back, igt_detach(s, back)));
}

static bool warns(const igd_views *who, const igd_evaluate_options *o, const char *id)
{
    igd_result *r = evaluate(who, o);
    const bool warned = igd_warned(&r->warnings, id);
    igd_result_free(r);
    return warned;
}

// Hidden gradients show by attacks that do without: after gradient attacks, beside them,
// and, in a cascade that begins with the others, by a check of what these fooled.
static void test_evaluate__attacks_without_gradients_that_win_are_told(void **state)
{
    (void)state;
    igd_evaluate_options o = options("transfer:apgd-ce,apgd-ce");
    igd_views who = world.undefended;
    toy honest = world.base, hidden = world.base;
    honest.f.self = &honest;
    hidden.f.self = &hidden;
    hidden.f.logits = reversed_logits;
    o.checks = true;

    who.judged = &honest.f;
    assert_false(warns(&who, &o, IGD_WARN_TRANSFER));
    assert_false(warns(&who, &o, IGD_WARN_STALLED));
    who.judged = &hidden.f;
    igd_result *r = evaluate(&who, &o);
    assert_true(igd_warned(&r->warnings, IGD_WARN_TRANSFER));
    assert_true(igd_warned(&r->warnings, IGD_WARN_STALLED));
    const cJSON *transfer = cJSON_GetObjectItemCaseSensitive(r->checks, "transfer");
    const cJSON *cost = cJSON_GetObjectItemCaseSensitive(r->checks, "cost");
    assert_string_equal(cJSON_GetObjectItem(transfer, "transfer")->valuestring,
                        "transfer:apgd-ce");
    assert_true(cJSON_GetObjectItem(transfer, "robust")->valueint >= 2);
    assert_true(cJSON_GetObjectItem(cost, "backwards")->valueint >=
                100 * cJSON_GetObjectItem(transfer, "images")->valueint);
    igd_result_free(r);

    o.checks = false;
    assert_false(warns(&who, &o, IGD_WARN_TRANSFER)); // nobody has looked
    o.report = IGD_REPORT_PER_ATTACK;
    assert_true(warns(&who, &o, IGD_WARN_TRANSFER));
    o.report = IGD_REPORT_UNION;
    o.attacks = "apgd-ce,square";
    o.set = "square.queries=200";
    assert_true(warns(&who, &o, IGD_WARN_BLACK_BOX));
    who.judged = &honest.f;
    assert_false(warns(&who, &o, IGD_WARN_BLACK_BOX));
}

// The numbers of a warning are those that head the report, over all draws.
static void test_evaluate__warnings_quote_expected_accuracies(void **state)
{
    (void)state;
    igd_evaluate_options o = options("apgd-ce,transfer:apgd-ce");
    igd_views who = world.undefended;
    toy hidden = world.base;
    char numbers[64];
    bool quoted = false;
    hidden.f.self = &hidden;
    hidden.f.logits = reversed_logits;
    hidden.f.deterministic = false;
    hidden.noise = 0.2f;
    who.judged = &hidden.f;
    o.report = IGD_REPORT_PER_ATTACK;
    igd_result *r = evaluate(&who, &o);
    const igd_attack_result transfer = igd_result_attack(r, 1);
    assert_string_equal(transfer.name, "transfer:apgd-ce");
    assert_true(fabs(transfer.expected_acc - transfer.robust_acc) > 0.001);
    igd_format(numbers, sizeof(numbers), "leaves %.2f %%", 100.0 * transfer.expected_acc);
    for (int w = 0; w < r->warnings.num; w++)
        quoted = quoted || strstr(r->warnings.item[w].text, numbers) != NULL;
    assert_true(quoted);
    igd_result_free(r);
}

// What is warned of, and in which words, does not depend on the order of the list.
static void test_evaluate__warnings_do_not_depend_on_the_order(void **state)
{
    (void)state;
    static const char *const lists[][4] = {
        {"apgd-ce,transfer:apgd-ce", "transfer:apgd-ce,apgd-ce", NULL, NULL},
        {"apgd-ce,square", "square,apgd-ce", NULL, NULL},
        {"pgd,apgd-ce,transfer:apgd-ce,square", "square,transfer:apgd-ce,apgd-ce,pgd",
         "transfer:apgd-ce,pgd,square,apgd-ce", "square,pgd,apgd-ce,transfer:apgd-ce"}};
    igd_views who = world.undefended;
    toy hidden = world.base;
    hidden.f.self = &hidden;
    hidden.f.logits = reversed_logits;
    for (int h = 0; h < 2; h++) {
        if (h > 0)
            who.judged = &hidden.f;
        for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
            char *first = NULL;
            for (int i = 0; i < 4 && lists[k][i] != NULL; i++) {
                igd_evaluate_options o = options(lists[k][i]);
                o.checks = true;
                if (strstr(lists[k][i], "square") != NULL)
                    o.set = "square.queries=100";
                igd_result *r = evaluate(&who, &o);
                char *texts = NULL;
                size_t size = 0;
                FILE *f = open_memstream(&texts, &size);
                for (int w = 0; w < r->warnings.num; w++) {
                    const char *id = r->warnings.item[w].id;
                    if (strcmp(id, IGD_WARN_STALLED) != 0 &&
                        strcmp(id, IGD_WARN_ZERO_GRADIENTS) != 0) // counts of passes
                        fprintf(f, "%s: %s\n", id, r->warnings.item[w].text);
                }
                fclose(f);
                if (h > 0)
                    assert_true(igd_warned(&r->warnings, IGD_WARN_TRANSFER) ||
                                igd_warned(&r->warnings, IGD_WARN_BLACK_BOX));
                if (first == NULL)
                    first = texts;
                else {
                    assert_string_equal(first, texts);
                    free(texts);
                }
                igd_result_free(r);
            }
            free(first);
        }
    }
}

// Cross-entropy always exceeds DLR, so that the point of highest loss was never DLR's:
// the points of both losses are judged, and either may fool.
static void test_evaluate__points_of_both_losses_are_judged(void **state)
{
    (void)state;
    static const char *const lists[] = {"own:apgd-eot", "transfer:apgd-eot"};
    static const char *const halves[] = {"1", "2"};
    for (size_t k = 0; k < 2; k++) {
        igd_evaluate_options o = options(lists[k]);
        char set[80];
        bool fooled[2][N] = {{false}};
        o.set = "apgd-eot.eot=2,apgd-eot.steps=5";
        igd_result *both = evaluate(&world.views, &o);
        for (int h = 0; h < 2; h++) {
            snprintf(set, sizeof(set), "%s,apgd-eot.losses=%s", o.set, halves[h]);
            igd_evaluate_options one = o;
            one.set = set;
            igd_result *r = evaluate(&world.views, &one);
            assert_int_equal(r->flags.num_columns, 2);
            for (int i = 0; i < N; i++)
                fooled[h][i] = igd_flags_column(&r->flags, 1)[i] == IGD_FOOLED;
            igd_result_free(r);
        }
        assert_int_equal(both->flags.num_columns, 3);
        assert_int_equal(both->num_entries, 1);
        const igd_entry *e = &both->entries[0];
        for (int i = 0; i < N; i++)
            assert_int_equal(igd_flags_survives(&both->flags, e->counts, e->num_counts, i,
                                                IGD_ONE_SHOT),
                             igd_flags_correct(&both->flags, 0, i, IGD_ONE_SHOT) &&
                                 !fooled[0][i] && !fooled[1][i]);
        assert_ok(igd_result_save(both, fixture_path("both.json")));
        unsigned char *lines = NULL;
        size_t size;
        assert_ok(
            igd_file_read(&lines, &size, fixture_path("both.images.jsonl"), 1 << 20));
        int named = 0, robust = 0;
        for (const char *p = (const char *)lines; (p = strstr(p, lists[k])) != NULL; p++)
            named++;
        for (const char *p = (const char *)lines; (p = strstr(p, "\"robust\":true")); p++)
            robust++;
        assert_int_equal(robust, (int)(igd_result_worst_acc(both) * N + 0.5));
        assert_true(named > 0);
        free(lines);
        igd_result_free(both);
    }
}

// A classifier that errs at random seems less robust the more often it is looked at, with
// nothing attacked: the expected accuracy hardly moves, and the control shows as much.
static void test_evaluate__looking_more_often_is_no_attack(void **state)
{
    (void)state;
    igd_evaluate_options o = options("fgsm,pgd,apgd-ce,apgd-dlr,apgd-cw,square");
    igd_views who = world.undefended;
    toy noisy = world.base;
    noisy.f.self = &noisy;
    noisy.f.deterministic = false;
    noisy.noise = 0.5f;
    who.judged = who.base = &noisy.f;
    o.report = IGD_REPORT_PER_ATTACK;
    o.threat.eps = 1e-7; // no attack reaches anything
    o.checks = true;
    o.num_draws = 20;
    o.set =
        "pgd.steps=2,apgd-ce.steps=2,apgd-dlr.steps=2,apgd-cw.steps=2,square.queries=2";
    igd_result *r = evaluate(&who, &o);
    cJSON *json = cJSON_Parse(igd_result_json(r));
    const cJSON *random = cJSON_GetObjectItem(json, "randomised");
    const cJSON *control =
        cJSON_GetObjectItem(cJSON_GetObjectItem(json, "checks"), "control");
    assert_int_equal(cJSON_GetArraySize(control), 7); // six attacks, and all together
    const cJSON *all = cJSON_GetArrayItem(control, 6);
    const double clean =
        cJSON_GetObjectItem(cJSON_GetObjectItem(random, "clean"), "expected_acc")
            ->valuedouble;
    const cJSON *worst = cJSON_GetObjectItem(random, "worst");
    const double expected = cJSON_GetObjectItem(worst, "expected_acc")->valuedouble;
    const double once = cJSON_GetObjectItem(worst, "one_shot_acc")->valuedouble;
    const double votes = cJSON_GetObjectItem(all, "votes")->valuedouble;
    assert_true(once < clean - 0.1); // the first draws of six looks and more
    assert_true(expected > once);    // what one look finds
    assert_true(fabs(votes / (20.0 * N) - expected) < 0.05); // and nothing was attacked
    const double hits = cJSON_GetObjectItem(all, "one_shot")->valuedouble;
    assert_true(fabs(hits / N - once) < 0.15);
    const cJSON *interval = cJSON_GetObjectItem(worst, "expected_interval");
    assert_true(cJSON_GetArrayItem(interval, 0)->valuedouble < expected);
    assert_true(cJSON_GetArrayItem(interval, 1)->valuedouble > expected);
    assert_non_null(strstr(igd_result_text(r), "expected"));
    assert_non_null(strstr(igd_result_text(r), "without attack"));
    cJSON_Delete(json);
    igd_result_free(r);
}

// On copies in which an adversarial point is planted, attacks find one where the model
// shows its gradients, and miss it where it hides them.
static void test_evaluate__attacks_that_miss_planted_points_are_told(void **state)
{
    (void)state;
    igd_evaluate_options o = options("pgd,apgd-ce,apgd-dlr,apgd-t,fab-t,square");
    igd_views who = world.undefended;
    toy honest = world.base, hidden = world.base, flat = world.base;
    honest.f.self = &honest;
    hidden.f.self = &hidden;
    hidden.f.logits = reversed_logits;
    flat.f.self = &flat;
    flat.scale = 1e5f; // cross-entropy is saturated: its gradient is exactly zero
    o.checks = true;
    o.threat.eps = 0.1;
    o.set = "square.queries=100";

    who.judged = &honest.f;
    igd_result *r = evaluate(&who, &o);
    const cJSON *list = cJSON_GetObjectItem(r->checks, "planted");
    assert_int_equal(cJSON_GetArraySize(list), 5); // gradient attacks
    for (int k = 0; k < 5; k++) {
        const cJSON *item = cJSON_GetArrayItem(list, k);
        assert_true(cJSON_GetObjectItem(item, "images")->valueint >= 2);
        assert_int_equal(cJSON_GetObjectItem(item, "found")->valueint,
                         cJSON_GetObjectItem(item, "images")->valueint);
    }
    assert_false(igd_warned(&r->warnings, IGD_WARN_PLANTED));
    igd_result_free(r);
    honest.f.deterministic = false;
    honest.noise = 0.01f;
    assert_false(warns(&who, &o, IGD_WARN_PLANTED));

    who.judged = &hidden.f;
    r = evaluate(&who, &o);
    list = cJSON_GetObjectItem(r->checks, "planted");
    for (int k = 0; k < 5; k += 4) // apgd-ce and pgd
        assert_true(cJSON_GetObjectItem(cJSON_GetArrayItem(list, k), "found")->valueint <
                    cJSON_GetObjectItem(cJSON_GetArrayItem(list, k), "images")->valueint);
    assert_true(igd_warned(&r->warnings, IGD_WARN_PLANTED));
    igd_result_free(r);
    who.judged = &flat.f;
    o.attacks = "apgd-ce";
    o.set = NULL;
    assert_true(warns(&who, &o, IGD_WARN_PLANTED));
    o.checks = false;
    assert_false(warns(&who, &o, IGD_WARN_PLANTED));
}

static void test_evaluate__too_few_steps_are_told(void **state)
{
    (void)state;
    igd_evaluate_options o = options("pgd");
    o.checks = true;
    o.threat.eps = 0.1;
    o.set = "pgd.steps=5,pgd.step_size=0.1,pgd.last=1";
    assert_true(warns(&world.undefended, &o, IGD_WARN_NO_SATURATION));
    o.set = "pgd.steps=50,pgd.step_size=0.25";
    assert_false(warns(&world.undefended, &o, IGD_WARN_NO_SATURATION));
}

static void test_evaluate__too_few_classes_for_dlr_are_told(void **state)
{
    (void)state;
    const int64_t shape[3] = {1, 1, D};
    int32_t label[N];
    igd_dataset *data = NULL;
    igd_result *r = NULL;
    toy t;
    toy_make(&t, D, H, 3, world.w, world.b, world.w2);
    for (int i = 0; i < N; i++)
        label[i] = world.label[i] % 3;
    igd_views who = world.undefended;
    who.base = who.judged = &t.f;
    assert_ok(igd_dataset_from_floats(&data, world.x, label, N, shape, 3));
    igd_evaluate_options o = options("apgd-t");
    o.set = "apgd-t.steps=5";
    assert_ok(igd_evaluate_views(&r, &who, data, &o));
    assert_true(igd_warned(&r->warnings, IGD_WARN_FEW_CLASSES));
    igd_result_free(r);
    igd_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_evaluate__each_weakness_raises_its_warning),
        TENSOR_TEST(test_evaluate__attacks_without_gradients_that_win_are_told),
        TENSOR_TEST(test_evaluate__warnings_quote_expected_accuracies),
        TENSOR_TEST(test_evaluate__warnings_do_not_depend_on_the_order),
        TENSOR_TEST(test_evaluate__points_of_both_losses_are_judged),
        TENSOR_TEST(test_evaluate__looking_more_often_is_no_attack),
        TENSOR_TEST(test_evaluate__attacks_that_miss_planted_points_are_told),
        TENSOR_TEST(test_evaluate__too_few_steps_are_told),
        TENSOR_TEST(test_evaluate__too_few_classes_for_dlr_are_told),
    };
    world_make();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return failed;
}
