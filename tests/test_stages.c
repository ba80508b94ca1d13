// Evaluation in random order: what is finished whenever it stops.
#include "attack_fixture.h"

#include <unistd.h>

#include "core/file.h"
#include "core/logits.h"
#include "core/number.h"
#include "evaluate/evaluate_impl.h"
#include "igdef/evaluate.h"
#include "igdef/report.h"
#include "result/anytime.h"
#include "result/result_impl.h"

#define D 12
#define H 16
#define C 5
#define N 90

static struct {
    toy base, weak;
    float w[H * D], b[H], w2[C * H], w_weak[H * D];
    float x[N * D];
    int32_t label[N];
    igd_dataset *data;
    igd_views views, weak_views;
} world;

static void world_make(void)
{
    const int64_t shape[3] = {1, 1, D};
    float z[N * C];
    igd_draw draws[N] = {{0}};
    toy_random(world.w, H * D, 1.0f, "w");
    toy_random(world.b, H, 0.5f, "b");
    toy_random(world.w2, C * H, 0.7f, "w2");
    toy_random(world.w_weak, H * D, 1.0f, "w weak"); // knows nothing of the labels
    toy_make(&world.base, D, H, C, world.w, world.b, world.w2);
    toy_make(&world.weak, D, H, C, world.w_weak, world.b, world.w2);
    toy_images(world.x, N * D, "x");
    assert_ok(igd_classifier_logits(z, &world.base.f, world.x, N, draws));
    for (int i = 0; i < N; i++)
        world.label[i] = (igd_argmax(z + i * C, C) + (i % 10 == 0)) % C;
    assert_ok(igd_dataset_from_floats(&world.data, world.x, world.label, N, shape, C));
    world.views = (igd_views){.base = &world.base.f,
                              .judged = &world.base.f,
                              .model_path = "toy.pt",
                              .model_sha256 = "00",
                              .model_identity = "toy",
                              .device = "cpu"};
    world.weak_views = world.views;
    world.weak_views.base = world.weak_views.judged = &world.weak.f;
}

static igd_evaluate_options options(igd_order order)
{
    igd_evaluate_options o = igd_evaluate_options_default();
    o.attacks = "apgd-ce,square";
    o.set = "square.queries=40,apgd-ce.steps=10";
    o.threat.eps = 0.02;
    o.batch_size = 32;
    o.checks = false;
    o.order = order;
    o.seed = 3;
    return o;
}

static igd_result *evaluate(const igd_evaluate_options *o)
{
    igd_result *r = NULL;
    assert_ok(igd_evaluate_views(&r, &world.views, world.data, o));
    assert_non_null(r);
    return r;
}

// The images of r are the first of all in the seed's order, and their flags the whole's.
static void assert_sample(const igd_result *r, const igd_result *whole, uint64_t seed)
{
    int64_t rows[N];
    bool in[N] = {false};
    const int64_t n = igd_result_num_images(r);
    assert_int_equal(igd_result_num_planned(r), N);
    assert_ok(igd_anytime_order(rows, whole->flags.index, N, seed));
    for (int64_t i = 0; i < n; i++)
        in[rows[i]] = true;
    int64_t k = 0;
    for (int64_t i = 0; i < N; i++) {
        if (!in[i])
            continue;
        assert_int_equal(r->flags.index[k], i);
        assert_int_equal(r->flags.clean[k], whole->flags.clean[i]);
        for (int c = 0; c < r->flags.num_columns; c++)
            assert_int_equal(igd_flags_column(&r->flags, c)[k],
                             igd_flags_column(&whole->flags, c)[i]);
        k++;
    }
    assert_int_equal(k, n);
}

static void test_stages__all_images_give_what_the_data_order_gives(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_DATA);
    igd_result *whole = evaluate(&o);
    o.order = IGD_ORDER_RANDOM;
    igd_result *r = evaluate(&o);
    assert_int_equal(igd_result_num_images(r), N);
    assert_int_equal(igd_result_stop(r), IGD_STOP_NONE);
    assert_memory_equal(r->flags.status, whole->flags.status,
                        (size_t)N * (size_t)r->flags.num_columns);
    assert_int_equal(r->entries[0].cost.forwards, whole->entries[0].cost.forwards);
    assert_non_null(strstr(igd_result_json(r), "\"anytime\""));
    assert_null(strstr(igd_result_json(whole), "\"anytime\""));
    igd_result_free(r);
    igd_result_free(whole);
}

static void test_stages__more_budget_goes_on(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_DATA);
    igd_result *whole = evaluate(&o);
    int64_t forwards = 0;
    o.order = IGD_ORDER_RANDOM;
    o.state = fixture_path("stages.state");
    static const int64_t budgets[] = {10, 10, 50, 90};
    for (size_t k = 0; k < sizeof(budgets) / sizeof(budgets[0]); k++) {
        o.budget_images = budgets[k];
        igd_result *r = evaluate(&o);
        assert_int_equal(igd_result_num_images(r), budgets[k]);
        assert_int_equal(igd_result_stop(r),
                         budgets[k] < N ? IGD_STOP_BUDGET : IGD_STOP_NONE);
        assert_sample(r, whole, o.seed);
        // The cost is that of all sittings: nothing is done twice.
        if (k == 1)
            assert_int_equal(r->entries[0].cost.forwards, forwards);
        forwards = r->entries[0].cost.forwards;
        igd_result_free(r);
    }
    assert_int_equal(forwards, whole->entries[0].cost.forwards);
    igd_result_free(whole);
}

static void test_stages__interrupted_it_gives_what_is_finished(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_DATA);
    igd_result *whole = evaluate(&o), *r = NULL;
    int left, sittings = 0, partial = 0;
    int64_t before = 0;
    o.order = IGD_ORDER_RANDOM;
    o.state = fixture_path("stages-interrupted.state");
    o.progress = fixture_stop_after;
    o.payload = &left;
    for (bool over = false; !over; sittings++) {
        assert_true(sittings < 500);
        left = 4 + sittings % 20;
        const igd_status st = igd_evaluate_views(&r, &world.views, world.data, &o);
        if (st == IGD_ECANCELED) {
            assert_null(r);
            assert_int_equal(before, 0);
            continue;
        }
        assert_ok(st);
        assert_sample(r, whole, o.seed);
        assert_true(igd_result_num_images(r) >= before);
        before = igd_result_num_images(r);
        over = before == N;
        assert_int_equal(igd_result_stop(r), over ? IGD_STOP_NONE : IGD_STOP_INTERRUPTED);
        partial += !over;
        igd_result_free(r);
    }
    assert_true(partial > 3);
    igd_result_free(whole);
}

static void test_stages__time_ends_a_run(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_RANDOM);
    igd_result *r = NULL;
    o.state = fixture_path("stages-time.state");
    o.budget_seconds = 1e-9;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_EINVAL,
                 "ended before any image was finished");
    o.budget_seconds = 1e6;
    r = evaluate(&o);
    assert_int_equal(igd_result_num_images(r), N);
    assert_int_equal(igd_result_stop(r), IGD_STOP_NONE);
    igd_result_free(r);
}

static void test_stages__a_narrow_interval_ends_a_run(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_RANDOM);
    o.until_width = 0.3;
    igd_result *r = evaluate(&o);
    const int64_t n = igd_result_num_images(r);
    assert_true(n > 16 && n < N);
    assert_int_equal(igd_result_stop(r), IGD_STOP_WIDTH);
    const igd_interval v =
        igd_anytime_of((int64_t)(r->worst_acc * (double)n + 0.5), n, N);
    assert_true(v.high - v.low <= 0.3);
    igd_result_free(r);
    o.until_width = 0.0;
    o.budget_images = n / 2; // the stage before, whose interval was wider
    r = evaluate(&o);
    const igd_interval wider =
        igd_anytime_of((int64_t)(r->worst_acc * (double)(n / 2) + 0.5), n / 2, N);
    assert_true(wider.high - wider.low > 0.3);
    igd_result_free(r);
}

static void test_stages__a_difference_that_is_found_ends_a_run(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_DATA);
    igd_result *whole = evaluate(&o), *r = NULL;
    o.order = IGD_ORDER_RANDOM;
    o.until_difference = whole;
    assert_ok(igd_evaluate_views(&r, &world.weak_views, world.data, &o));
    assert_int_equal(igd_result_stop(r), IGD_STOP_DIFFERENCE);
    assert_true(igd_result_num_images(r) < N);
    assert_true(r->compared && r->lost > r->won);
    assert_true(igd_anytime_of_difference(r->won, r->lost, r->flags.num_images).high < 0);
    assert_non_null(strstr(igd_result_text(r), "worse."));
    igd_result_free(r);
    r = evaluate(&o); // with itself there is none
    assert_int_equal(igd_result_num_images(r), N);
    assert_true(r->won == 0 && r->lost == 0);
    igd_result_free(r);
    o.threat.eps = 0.01;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_EINVAL,
                 "of another threat");
    o.threat.eps = 0.02;
    whole->flags.label[7] = (whole->flags.label[7] + 1) % C;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_EINVAL,
                 "of other images");
    igd_result_free(whole);
}

// Checks, audit and control look at finished images alone.
static void test_stages__checks_see_what_is_finished(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_RANDOM);
    o.checks = true;
    o.audit = 100.0;
    o.num_draws = 3;
    o.budget_images = 40;
    world.base.noise = 0.05f;
    world.base.f.deterministic = false;
    igd_result *r = evaluate(&o);
    world.base.noise = 0.0f;
    world.base.f.deterministic = true;
    assert_int_equal(igd_result_num_images(r), 40);
    const cJSON *audit = cJSON_GetObjectItemCaseSensitive(r->checks, "audit");
    const cJSON *attacked = cJSON_GetObjectItemCaseSensitive(audit, "attacked");
    int64_t there = 0;
    for (int c = 1; c < r->flags.num_columns; c++)
        for (int64_t i = 0; i < 40; i++)
            there += strchr("rf", igd_flags_column(&r->flags, c)[i]) != NULL;
    assert_int_equal((int64_t)attacked->valuedouble, there);
    const cJSON *control = cJSON_GetObjectItemCaseSensitive(r->checks, "control");
    assert_int_equal(cJSON_GetArraySize(control), 3);
    const cJSON *votes =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(control, 2), "votes");
    assert_true(votes->valuedouble <= 40 * 3);
    igd_result_free(r);
}

static void test_stages__files_say_how_far_it_came(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_RANDOM);
    o.budget_images = 20;
    igd_result *r = evaluate(&o), *read = NULL;
    char path[512];
    snprintf(path, sizeof(path), "%s", fixture_path("stages.json"));
    assert_ok(igd_result_save(r, path));
    assert_ok(igd_result_load(&read, path));
    assert_int_equal(igd_result_num_planned(read), N);
    assert_int_equal(igd_result_stop(read), IGD_STOP_BUDGET);
    assert_string_equal(igd_result_text(r), igd_result_text(read));
    igd_result_free(read);

    const char *const parts[] = {path, path};
    assert_fails(igd_result_merge(&read, parts, 2), IGD_EINVAL,
                 "stopped after 20 of 90 images");
    o.finished = path;
    o.state = fixture_path("stages-gone.state");
    assert_fails(igd_evaluate_views(&read, &world.views, world.data, &o), IGD_ESTATE,
                 "the state that it could go on from is gone");
    // A number of planned images that the intervals were not made for.
    r->planned = 21;
    cJSON *json = cJSON_Parse(igd_result_json(r));
    cJSON *anytime = cJSON_GetObjectItemCaseSensitive(json, "anytime");
    static const struct {
        const char *key, *text;
        double value;
    } damages[] = {{"planned", "another 'anytime", 21}, {"planned", "19 planned", 19}};
    for (size_t k = 0; k < sizeof(damages) / sizeof(damages[0]); k++) {
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(anytime, damages[k].key),
                             damages[k].value);
        char *text = cJSON_Print(json);
        assert_ok(igd_file_write(path, text, strlen(text)));
        cJSON_free(text);
        assert_fails(igd_result_load(&read, path), IGD_EFORMAT, damages[k].text);
    }
    cJSON_Delete(json);
    igd_result_free(r);
}

// The page draws it, up to the last image, with the numbers of the result.
static void test_stages__a_page_shows_the_course(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_RANDOM);
    o.budget_images = 20;
    igd_result *r = evaluate(&o);
    char path[512], numbers[120];
    const char *const paths[] = {path};
    snprintf(path, sizeof(path), "%s", fixture_path("stages-page.json"));
    assert_ok(igd_result_save(r, path));
    char page[512];
    snprintf(page, sizeof(page), "%s", fixture_path("stages-page.html"));
    assert_ok(igd_report_write(paths, 1, page));
    unsigned char *text = NULL;
    size_t size;
    assert_ok(igd_file_read(&text, &size, page, 1 << 24));
    const char *section = strstr((char *)text, "<section id=\"anytime\">");
    assert_non_null(section);
    assert_non_null(strstr(section, "20 of 90 images: the budget was used up."));
    const igd_interval v = igd_anytime_of((int64_t)(r->worst_acc * 20.0 + 0.5), 20, N);
    igd_format(numbers, sizeof(numbers),
               "<td>%.1f<span class=\"interval\">[%.1f, %.1f]</span></td></tr>\n</tbody>",
               100.0 * r->worst_acc, 100.0 * v.low, 100.0 * v.high);
    assert_non_null(strstr(section, numbers));
    free(text);
    igd_result_free(r);
}

static void test_stages__another_order_is_another_run(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_RANDOM);
    igd_result *r = NULL;
    o.budget_images = 20;
    o.state = fixture_path("stages-order.state");
    igd_result_free(evaluate(&o));
    o.order = IGD_ORDER_DATA;
    o.budget_images = 0;
    assert_fails(igd_evaluate_views(&r, &world.views, world.data, &o), IGD_ESTATE,
                 "order");
}

static void test_stages__what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    igd_evaluate_options o = options(IGD_ORDER_DATA);
    o.budget_images = 5;
    assert_fails(igd_evaluate_check(&o, false, false), IGD_EINVAL, "random order");
    o = options(IGD_ORDER_DATA);
    o.until_width = 0.1;
    assert_fails(igd_evaluate_check(&o, false, false), IGD_EINVAL, "random order");
    o = options(IGD_ORDER_RANDOM);
    o.budget_seconds = -1.0;
    assert_fails(igd_evaluate_check(&o, false, false), IGD_EINVAL, "-1 seconds");
    o = options(IGD_ORDER_RANDOM);
    o.until_width = 1.0;
    assert_fails(igd_evaluate_check(&o, false, false), IGD_EINVAL, "outside 0 to 1");
    o = options(IGD_ORDER_RANDOM);
    o.save_adversarial = "x.npy";
    assert_fails(igd_evaluate_check(&o, false, false), IGD_EINVAL, "data's order");
}

int main(void)
{
    world_make();
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_stages__all_images_give_what_the_data_order_gives),
        TENSOR_TEST(test_stages__more_budget_goes_on),
        TENSOR_TEST(test_stages__interrupted_it_gives_what_is_finished),
        TENSOR_TEST(test_stages__time_ends_a_run),
        TENSOR_TEST(test_stages__a_narrow_interval_ends_a_run),
        TENSOR_TEST(test_stages__a_difference_that_is_found_ends_a_run),
        TENSOR_TEST(test_stages__checks_see_what_is_finished),
        TENSOR_TEST(test_stages__files_say_how_far_it_came),
        TENSOR_TEST(test_stages__a_page_shows_the_course),
        TENSOR_TEST(test_stages__another_order_is_another_run),
        TENSOR_TEST(test_stages__what_does_not_go_together_is_refused),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return failed;
}
