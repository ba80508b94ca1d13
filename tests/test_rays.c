// RayS: its blocks and its count of queries, the distance to a half-space, and what every
// attack keeps to.
#include "attack_fixture.h"

enum { D = 48, HIDDEN = 10, CLASSES = 4, NUM = 24 };

static float w1[HIDDEN * D], b1[HIDDEN], w2[CLASSES * HIDDEN];
static float images[NUM * D];
static int labels[NUM];
static toy classifier;

static const igd_classifier *prepare(bool linear, float contrast)
{
    const int C = linear ? 2 : CLASSES;

    toy_random(w1, HIDDEN * D, 0.3f, "w1");
    toy_random(b1, HIDDEN, 0.3f, "b1");
    toy_random(w2, CLASSES * HIDDEN, 0.3f, "w2");
    if (linear) // a diagonal normal
        for (int j = 0; j < D; j++) {
            w1[j] = w1[j] > 0 ? 0.25f : -0.25f;
            w1[D + j] = -w1[j];
        }
    toy_make(&classifier, D, linear ? C : HIDDEN, C, w1, b1, linear ? NULL : w2);
    toy_labelled(&classifier.f, images, labels, NUM, contrast);
    return &classifier.f;
}

// A run of images of 3072 pixels that nothing fools: every query is a fast check at the
// corner of the box where one block is 0 and the rest 1.
static int64_t drive(int64_t *sizes, int max, bool shortcuts, int64_t *queries)
{
    enum { PIXELS = 3072 };
    static float x[PIXELS], point[PIXELS], x_adv[PIXELS];
    const igd_attack *a = &igd_attack_rays;
    const igd_classifier f = {
        .num_classes = 2, .shape = {3, 32, 32}, .deterministic = true};
    igd_attack_job job = job_make("rays", &f, IGD_NORM_LINF, 0.1);
    const float z[2] = {1, 0};
    int64_t asked = 0, next = 0;

    job.shortcuts = shortcuts;
    for (int i = 0; i < PIXELS; i++)
        x[i] = 0.5f;
    igd_run r = {.job = &job, .x = x, .samples = 1, .point = point, .x_adv = x_adv};
    void *room = run_room(&r);
    for (igd_want want = a->start(&r); want != IGD_WANT_END; want = a->logits(&r, z)) {
        int64_t first = 0, last = PIXELS;
        while (point[first] == 1)
            first++;
        while (point[last - 1] == 1)
            last--;
        for (int64_t i = first; i < last; i++)
            assert_true(point[i] == 0);
        assert_int_equal(first, next);
        next = last == PIXELS ? 0 : last;
        if (asked < max)
            sizes[asked] = last - first;
        asked++;
    }
    assert_false(r.fooled);
    assert_true(isinf(r.distance));
    *queries = r.queries;
    free(room);
    return asked;
}

static void test_rays__blocks_halve_from_level_to_level(void **state)
{
    (void)state;
    enum { ONCE = 2047 + 1536 + 3072 };
    static int64_t sizes[10000];
    int64_t queries, at = 0;

    assert_int_equal(drive(sizes, 10000, false, &queries), 10000);
    assert_int_equal(queries, 10000);
    for (int level = 0; level <= 12; level++) {
        const int64_t size = (3072 + (1 << level) - 1) / (1 << level);
        for (int64_t done = 0; done < 3072; done += size)
            assert_int_equal(sizes[at++], size < 3072 - done ? size : 3072 - done);
    }
    assert_int_equal(at, ONCE);
    for (; at < 10000; at++)
        assert_int_equal(sizes[at], 1);
    // Once every single pixel was flipped in vain, each further query is a repeat.
    assert_int_equal(drive(sizes, 10000, true, &queries), ONCE);
    assert_int_equal(queries, 10000);
}

// The plane <w, x> = const with |w_i| all equal: the best ray is along -sgn(w), and the
// distance along it, in pixels, is |f| / |w|_1. A ray with one pixel turned is longer by
// 2 / D or more, so the search ends at the best one unless that is within the bisection's
// tolerance.
static void test_rays__distance_converges_on_a_half_space(void **state)
{
    (void)state;
    trial t;
    int far = 0;
    const igd_classifier *f = prepare(true, 0.05f);
    igd_attack_job job = job_make("rays", f, IGD_NORM_LINF, 1e-6);
    assert_ok(igd_attack_job_set(&job, "queries", 1500));
    trial_make(&t, f, 1, images, labels);
    b1[1] += t.clean[0] - t.clean[1] + 0.6f; // makes all images class 1, some way off
    trial_free(&t);
    for (int i = 0; i < NUM; i++)
        labels[i] = 1;
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 8);
    for (int i = 0; i < NUM; i++) {
        const double least =
            (double)(t.clean[2 * i + 1] - t.clean[2 * i]) / ((double)D * 0.5);
        if (least * sqrt((double)D) * 2 / (double)D < 2e-3)
            continue;
        far++;
        assert_true(t.outcomes[i].distance >= least - 1e-6);
        assert_true(t.outcomes[i].distance <= least + 1e-3 / sqrt(D) + 1e-6);
    }
    assert_true(far > NUM / 2);
    trial_free(&t);
}

static void test_rays__results_are_sound_and_independent(void **state)
{
    (void)state;
    trial t;
    const igd_classifier *f = prepare(false, 1.3f);
    igd_attack_job job = job_make("rays", f, IGD_NORM_LINF, 0.06);
    assert_ok(igd_attack_job_set(&job, "queries", 400));
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 16);
    assert_in_range(trial_num_fooled(&t), 2, NUM - 2); // so that both answers were seen
    trial_free(&t);
    trial_check_invariance(&job, f, NUM, images, labels);
}

// Early stop: the same flags, the same number of queries to the first success, fewer
// forwards. In full the distances are at most those at the stop, and budgets are spent.
static void test_rays__early_stop_keeps_flags_and_queries(void **state)
{
    (void)state;
    trial t, full;
    const igd_classifier *f = prepare(false, 1.3f);
    igd_attack_job job = job_make("rays", f, IGD_NORM_LINF, 0.06);
    assert_ok(igd_attack_job_set(&job, "queries", 600));
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 16);
    job.shortcuts = false;
    trial_make(&full, f, NUM, images, labels);
    trial_run(&full, &job, f, 16);
    for (int i = 0; i < NUM; i++) {
        assert_int_equal(t.fooled[i], full.fooled[i]);
        assert_int_equal(t.outcomes[i].queries, full.outcomes[i].queries);
        assert_true(full.outcomes[i].distance <= t.outcomes[i].distance + 1e-3);
        assert_in_range(full.outcomes[i].forwards, 600, 620); // a bisection is not cut
        assert_true(t.outcomes[i].forwards <= full.outcomes[i].forwards);
        assert_int_equal(t.fooled[i], t.outcomes[i].queries < 600);
    }
    trial_free(&t);
    trial_free(&full);
}

// A ray outside the ball is no result, in transfer mode neither.
static void test_rays__ray_outside_the_ball_gives_the_clean_image(void **state)
{
    (void)state;
    trial t;
    const igd_classifier *f = prepare(false, 1.3f);
    igd_attack_job job = job_make("rays", f, IGD_NORM_LINF, 1e-6);
    job.mode = IGD_RETURN_HIGH_LOSS;
    assert_ok(igd_attack_job_set(&job, "queries", 200));
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 16);
    assert_int_equal(trial_num_fooled(&t), 0);
    assert_memory_equal(t.x_adv, images, sizeof(images));
    for (int i = 0; i < NUM; i++)
        assert_true(t.outcomes[i].distance > 1e-6 && t.outcomes[i].distance <= 1);
    trial_free(&t);
}

// With one draw per query a lucky label moves the bracket; a majority hardly ever does.
static void test_rays__votes_hold_against_lucky_labels(void **state)
{
    (void)state;
    double mean[2] = {0};
    for (int k = 0; k < 2; k++) {
        trial t;
        prepare(true, 0.05f);
        classifier.noise = 0.3f;
        classifier.f.deterministic = false;
        igd_attack_job job = job_make("rays", &classifier.f, IGD_NORM_LINF, 1e-6);
        assert_ok(igd_attack_job_set(&job, "queries", 300));
        assert_ok(igd_attack_job_set(&job, "votes", k == 0 ? 1 : 9));
        trial_make(&t, &classifier.f, NUM, images, labels);
        trial_run(&t, &job, &classifier.f, 36);
        for (int i = 0; i < NUM; i++) {
            mean[k] += t.outcomes[i].distance / (double)NUM;
            assert_true(t.outcomes[i].forwards >= (k == 0 ? 1 : 9) * (int64_t)300);
        }
        trial_free(&t);
    }
    assert_true(mean[1] > mean[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rays__blocks_halve_from_level_to_level),
        TENSOR_TEST(test_rays__distance_converges_on_a_half_space),
        TENSOR_TEST(test_rays__results_are_sound_and_independent),
        TENSOR_TEST(test_rays__early_stop_keeps_flags_and_queries),
        TENSOR_TEST(test_rays__ray_outside_the_ball_gives_the_clean_image),
        TENSOR_TEST(test_rays__votes_hold_against_lucky_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
