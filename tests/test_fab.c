// FAB and FAB-T: projections on hyperplanes, closed forms on linear classifiers, and
// what every attack keeps to.
#include "attack_fixture.h"
#include "core/logits.h"

#include "attack/hyperplane.h"

// Doubles: cmocka compares floats.
#define assert_near(a, b, slack) assert_true(fabs((a) - (b)) <= (slack))

enum { D = 96, HIDDEN = 12, CLASSES = 5, NUM = 40 };

static const igd_norm norms[] = {IGD_NORM_LINF, IGD_NORM_L2, IGD_NORM_L1};
static float w1[HIDDEN * D], b1[HIDDEN], w2[CLASSES * HIDDEN];
static float images[NUM * D];
static int labels[NUM];
static toy classifier;

// |w x + b| under a second layer, or its first `num_classes` rows alone; and NUM images
// it classifies correctly, of noise around grey. A contrast above 1 gives black and white
// pixels.
static const igd_classifier *prepare(bool linear, int num_classes, float contrast)
{
    toy_random(w1, HIDDEN * D, 0.3f, "w1");
    toy_random(b1, HIDDEN, 0.3f, "b1");
    toy_random(w2, CLASSES * HIDDEN, 0.3f, "w2");
    if (linear)
        toy_make(&classifier, D, num_classes, num_classes, w1, b1, NULL);
    else
        toy_make(&classifier, D, HIDDEN, num_classes, w1, b1, w2);
    toy_labelled(&classifier.f, images, labels, NUM, contrast);
    return &classifier.f;
}

static double length(const double *v, int d, igd_norm norm)
{
    double sum = 0, most = 0;
    for (int i = 0; i < d; i++) {
        sum += norm == IGD_NORM_L2 ? v[i] * v[i] : fabs(v[i]);
        most = fmax(most, fabs(v[i]));
    }
    return norm == IGD_NORM_LINF ? most : norm == IGD_NORM_L2 ? sqrt(sum) : sum;
}

// Least length of a way in the box from t to the plane, by trying a grid of places for
// all coordinates but the last; 1e9 where there is none.
static double least_on_grid(const float *t, const float *w, int d, double gap,
                            igd_norm norm)
{
    enum { STEPS = 160 };
    const int total = d == 2 ? STEPS + 1 : (STEPS + 1) * (STEPS + 1);
    double least = 1e9;

    for (int k = 0; k < total; k++) {
        double v[3] = {(double)(k % (STEPS + 1)) / (double)STEPS - (double)t[0],
                       (double)(k / (STEPS + 1)) / (double)STEPS - (double)t[1], 0};
        double rest = -gap;
        for (int i = 0; i < d - 1; i++)
            rest -= (double)w[i] * v[i];
        v[d - 1] = rest / (double)w[d - 1];
        const double at = (double)t[d - 1] + v[d - 1];
        if (at >= 0 && at <= 1)
            least = fmin(least, length(v, d, norm));
    }
    return least;
}

// Reads a way; checks that it stays in the box, leaves coordinates of no weight alone and
// is as long as it says. Returns <w, way>.
static double way_checked(double *v, const igd_way *way, const float *t, const float *w,
                          int d)
{
    double product = 0;
    for (int i = 0; i < d; i++) {
        v[i] = (double)igd_way_at(way, way->norm, t[i], w[i], i);
        assert_true((double)t[i] + v[i] >= -1e-6 && (double)t[i] + v[i] <= 1 + 1e-6);
        if (w[i] == 0)
            assert_true(v[i] == 0);
        product += (double)w[i] * v[i];
    }
    assert_near(way->length, length(v, d, way->norm), 1e-5 * (1 + way->length));
    return product;
}

static void test_fab__way_is_the_shortest_in_the_box(void **state)
{
    (void)state;
    const igd_stream stream = igd_stream_make(1, "way", 0, 0);
    int reached = 0;

    for (int k = 0; k < 600; k++) {
        const int d = 2 + k % 2;
        const igd_norm norm = norms[k % 3];
        float t[3], w[3];
        double v[3], u[3];
        int32_t heap[3];
        for (int i = 0; i < d; i++) {
            t[i] = (float)igd_random_double(&stream, (uint32_t)(8 * k + i));
            if (k % 5 == i)
                t[i] = (float)(k % 2); // no room in one direction
            w[i] = (float)igd_random_double(&stream, (uint32_t)(8 * k + 3 + i)) - 0.5f;
            u[i] = (double)w[i];
        }
        const double gap = igd_random_double(&stream, (uint32_t)(8 * k + 6)) - 0.5;
        const igd_way way = igd_way_find(norm, t, w, d, gap, heap);
        const double product = way_checked(v, &way, t, w, d);
        const double least = least_on_grid(t, w, d, gap, norm);
        if (least < 1e9) {
            // The grid misses the best by at most its spacing, times what the last
            // coordinate makes of it.
            const double slack = (1 + length(u, d, IGD_NORM_L1) / fabs(u[d - 1])) / 160;
            assert_near(product, -gap, 1e-5);
            assert_true(way.length <= least + 1e-5);
            assert_true(way.length >= least - slack);
            reached++;
        }
    }
    assert_true(reached > 200);
}

static void test_fab__way_goes_to_the_bounds_where_no_point_is_reached(void **state)
{
    (void)state;
    const float t[4] = {0.25f, 0.5f, 1, 0.125f}, w[4] = {1, -2, 0, 0.5f};
    const double bounds[4] = {-0.25, 0.5, 0, -0.125};
    int32_t heap[4];
    for (int k = 0; k < 3; k++) {
        double v[4];
        const igd_way way = igd_way_find(norms[k], t, w, 4, 100, heap);
        way_checked(v, &way, t, w, 4);
        for (int i = 0; i < 4; i++)
            assert_true(v[i] == bounds[i]);
    }
}

static void test_fab__way_along_no_weight_is_nowhere(void **state)
{
    (void)state;
    const float t[4] = {0.25f, 0.5f, 1, 0}, w[4] = {0};
    int32_t heap[4];
    for (int k = 0; k < 3; k++) {
        double v[4];
        const igd_way way = igd_way_find(norms[k], t, w, 4, (double)k - 1, heap);
        way_checked(v, &way, t, w, 4);
        assert_true(way.length == 0);
    }
}

// Among many coordinates: what is not at a bound moves by the same step (Linf), in
// proportion to its weight (L2), or is of the largest weights (L1). These conditions make
// a way the shortest one.
static void test_fab__way_among_many_coordinates_is_the_shortest(void **state)
{
    (void)state;
    enum { MANY = 333 };
    float t[MANY], w[MANY];
    double v[MANY];
    int32_t heap[MANY];

    for (int k = 0; k < 60; k++) {
        const igd_norm norm = norms[k % 3];
        const igd_stream ts = igd_stream_make(2, "t", k, 0);
        const igd_stream ws = igd_stream_make(2, "w", k, 0);
        igd_random_uniform(t, MANY, &ts);
        igd_random_normal(w, MANY, &ws);
        for (int i = 0; i < MANY; i += 3)
            t[i] = (float)(i % 2);
        w[5] = 0;
        double reach = 0;
        const double sign = k % 2 ? 1 : -1;
        for (int i = 0; i < MANY; i++)
            reach += fabs((double)w[i]) * (double)igd_way_room(t[i], (float)sign * w[i]);
        const double gap = sign * reach * (k + 1) / 62;
        const igd_way way = igd_way_find(norm, t, w, MANY, gap, heap);
        assert_near(way_checked(v, &way, t, w, MANY), -gap, 1e-4);
        double least_full = 1e9, most_still = 0;
        for (int i = 0; i < MANY; i++) {
            const double size = fabs((double)w[i]);
            const double room = (double)igd_way_room(t[i], (float)sign * w[i]);
            const bool full = fabs(v[i]) >= room;
            if (size == 0)
                continue;
            if (norm == IGD_NORM_LINF && !full)
                assert_true(fabs(v[i]) == (double)way.step);
            if (norm == IGD_NORM_L2 && !full)
                assert_near(fabs(v[i]) / size, (double)way.step, 1e-5);
            if (norm == IGD_NORM_L1 && room > 0 && v[i] != 0)
                least_full = fmin(least_full, size);
            if (norm == IGD_NORM_L1 && !full)
                most_still = fmax(most_still, size);
        }
        if (norm == IGD_NORM_L1)
            assert_true(least_full >= most_still);
    }
}

// Weights of the linear boundary between two classes.
static void boundary(double *w, int other, int label)
{
    for (int j = 0; j < D; j++)
        w[j] = (double)w1[other * D + j] - (double)w1[label * D + j];
}

static double dual_length(const double *w, igd_norm norm)
{
    return length(w, D,
                  norm == IGD_NORM_LINF ? IGD_NORM_L1
                  : norm == IGD_NORM_L2 ? IGD_NORM_L2
                                        : IGD_NORM_LINF);
}

// z_other - z_label is linear, so the first step ends at eta times the way to the
// boundary where no bound is near.
static void test_fab__one_step_crosses_a_linear_boundary(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        trial t;
        int tried = 0;
        const igd_classifier *f = prepare(true, 2, 0.05f);
        igd_attack_job job = job_make("fab-t", f, norms[k], 1e3);
        assert_ok(igd_attack_job_set(&job, "steps", 1));
        trial_make(&t, f, 1, images, labels);
        b1[1] += t.clean[0] - t.clean[1] + 0.15f; // brings all images near the boundary
        trial_free(&t);
        for (int i = 0; i < NUM; i++)
            labels[i] = 1;
        trial_make(&t, f, NUM, images, labels);
        trial_run(&t, &job, f, 8);
        for (int i = 0; i < NUM; i++) {
            double w[D];
            boundary(w, 0, 1);
            const double least = ((double)t.clean[2 * i + 1] - (double)t.clean[2 * i]) /
                                 dual_length(w, norms[k]);
            if (least < 1e-4 || (norms[k] == IGD_NORM_L1 && least > 0.4))
                continue; // the label is wrong, or one pixel does not suffice
            tried++;
            assert_true(t.fooled[i]);
            assert_near(t.outcomes[i].distance, 1.05 * least, 1e-3 * least);
        }
        assert_true(tried > 5);
        trial_free(&t);
    }
}

static void test_fab__distance_converges_on_a_linear_classifier(void **state)
{
    (void)state;
    trial t;
    double w[D];
    const igd_classifier *f = prepare(true, 2, 0.05f);
    const igd_attack_job job = job_make("fab-t", f, IGD_NORM_LINF, 1e-5);
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 8);
    boundary(w, 0, 1);
    for (int i = 0; i < NUM; i++) {
        const double least = fabs((double)t.clean[2 * i] - (double)t.clean[2 * i + 1]) /
                             dual_length(w, IGD_NORM_LINF);
        assert_int_equal(t.fooled[i], t.outcomes[i].distance <= 1e-5);
        assert_true(t.fooled[i] || t.outcomes[i].distance >= least * (1 - 1e-3));
        assert_true(t.fooled[i] || t.outcomes[i].distance <= least * 1.01);
    }
    trial_free(&t);
}

static void test_fab__untargeted_takes_the_nearest_boundary(void **state)
{
    (void)state;
    trial t;
    const igd_classifier *f = prepare(true, 6, 0.05f);
    igd_attack_job job = job_make("fab", f, IGD_NORM_LINF, 1);
    assert_ok(igd_attack_job_set(&job, "steps", 1));
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 8);
    for (int i = 0; i < NUM; i++) {
        double least = 1e9;
        const float *z = t.clean + (ptrdiff_t)6 * i;
        for (int c = 0; c < 6; c++) {
            double w[D];
            boundary(w, c, labels[i]);
            if (c != labels[i])
                least = fmin(least, (double)(z[labels[i]] - z[c]) /
                                        dual_length(w, IGD_NORM_LINF));
        }
        assert_true(t.fooled[i]);
        assert_near(t.outcomes[i].distance, 1.05 * least, 1e-3 * least);
        assert_int_equal(t.outcomes[i].backwards, 5);
    }
    trial_free(&t);
}

static void test_fab__untargeted_refuses_many_classes_unless_forced(void **state)
{
    (void)state;
    enum { MANY = 101 };
    static float w[MANY * D], b[MANY];
    toy many;
    trial t;
    prepare(true, 2, 0.5f);
    toy_random(w, MANY * D, 0.3f, "w");
    toy_make(&many, D, MANY, MANY, w, b, NULL);
    igd_attack_job job = job_make("fab", &many.f, IGD_NORM_LINF, 0.1);
    trial_make(&t, &many.f, 1, images, labels);
    const igd_engine_feed feed = {trial_next, trial_done, NULL, &t, NULL};
    assert_fails(igd_engine_run(&job, &many.f, 8, &feed), IGD_EINVAL, "101 classes");
    assert_ok(igd_attack_job_set(&job, "force", 1));
    trial_run(&t, &job, &many.f, 8);
    trial_free(&t);
}

static void test_fab__results_are_sound_and_independent_in_every_norm(void **state)
{
    (void)state;
    const double eps[] = {0.02, 0.15, 0.6};
    for (int k = 0; k < 6; k++) {
        trial t;
        const igd_classifier *f = prepare(false, CLASSES, 1.3f);
        igd_attack_job job =
            job_make(k < 3 ? "fab-t" : "fab", f, norms[k % 3], eps[k % 3]);
        assert_ok(igd_attack_job_set(&job, "steps", 12));
        assert_ok(igd_attack_job_set(&job, "restarts", 2));
        trial_make(&t, f, NUM, images, labels);
        trial_run(&t, &job, f, 16);
        assert_in_range(trial_num_fooled(&t), 3,
                        NUM - 3); // so that both answers were seen
        for (int i = 0; i < NUM; i++)
            assert_int_equal(t.fooled[i], t.outcomes[i].distance <= eps[k % 3]);
        trial_free(&t);
        trial_check_invariance(&job, f, NUM, images, labels);
    }
}

// Per target of an image that is never fooled: without shortcuts the ranking, and two
// forwards and a backward for each step; with them only points that moved are asked for
// twice.
static void test_fab__costs_what_the_algorithm_costs(void **state)
{
    (void)state;
    trial t;
    const igd_classifier *f = prepare(false, CLASSES, 1.3f);
    igd_attack_job job = job_make("fab-t", f, IGD_NORM_LINF, 1e-7);
    assert_ok(igd_attack_job_set(&job, "steps", 30));
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 8);
    for (int i = 0; i < NUM; i++) {
        assert_int_equal(t.outcomes[i].backwards, 4 * 30);
        assert_in_range(t.outcomes[i].forwards, 4 * 31, 4 * 60);
    }
    job.shortcuts = false;
    trial_run(&t, &job, f, 8);
    for (int i = 0; i < NUM; i++) {
        assert_int_equal(t.outcomes[i].backwards, 4 * 30);
        assert_int_equal(t.outcomes[i].forwards, 4 * 61);
    }
    trial_free(&t);
}

static void test_fab__flat_classifier_is_counted_and_not_fooled(void **state)
{
    (void)state;
    trial t;
    prepare(true, 4, 1.3f);
    memset(w1, 0, sizeof(w1));
    const igd_classifier *f = &classifier.f;
    for (int i = 0; i < NUM; i++)
        labels[i] = igd_argmax(b1, 4);
    igd_attack_job job = job_make("fab-t", f, IGD_NORM_LINF, 0.1);
    assert_ok(igd_attack_job_set(&job, "steps", 7));
    trial_make(&t, f, 3, images, labels);
    trial_run(&t, &job, f, 8);
    for (int i = 0; i < 3; i++) {
        assert_false(t.fooled[i]);
        assert_int_equal(t.outcomes[i].zero_grads, 3 * 7);
        assert_true(isinf(t.outcomes[i].distance));
    }
    trial_free(&t);
}

static void test_fab__restarts_begin_within_half_the_radius(void **state)
{
    (void)state;
    const igd_classifier *f = prepare(false, CLASSES, 0.1f);
    for (int k = 0; k < 3; k++) {
        const igd_attack *a = &igd_attack_fab_t;
        float point[D], weight[CLASSES], x_adv[D], z[CLASSES];
        igd_attack_job job = job_make("fab-t", f, norms[k], 0.4);
        assert_ok(igd_attack_job_set(&job, "restarts", 2));
        assert_ok(igd_classifier_logits(z, f, images, 1, &(igd_draw){0}));
        igd_run r = {.job = &job,
                     .x = images,
                     .clean = z,
                     .label = labels[0],
                     .samples = 1,
                     .point = point,
                     .weight = weight,
                     .x_adv = x_adv};
        void *room = run_room(&r);
        assert_int_equal(a->start(&r), IGD_WANT_LOGITS);
        assert_memory_equal(point, images, sizeof(point));
        r.index = 1;
        memset(room, 0, igd_run_size(&job));
        assert_int_equal(a->start(&r), IGD_WANT_LOGITS);
        assert_near(igd_ball_norm(point, images, D, norms[k]), 0.2, 1e-5);
        free(room);
    }
}

// In transfer mode an image that is misclassified as it is comes back as it is.
static void test_fab__misclassified_image_is_its_own_answer(void **state)
{
    (void)state;
    trial t;
    const igd_classifier *f = prepare(false, CLASSES, 1.3f);
    igd_attack_job job = job_make("fab-t", f, IGD_NORM_LINF, 0.02);
    job.mode = IGD_RETURN_HIGH_LOSS;
    labels[0] = (labels[0] + 1) % CLASSES;
    trial_make(&t, f, 1, images, labels);
    trial_run(&t, &job, f, 8);
    assert_true(t.fooled[0] && t.outcomes[0].distance == 0);
    assert_int_equal(t.outcomes[0].forwards, 0);
    assert_memory_equal(t.x_adv, images, D * sizeof(float));
    trial_free(&t);
}

// On a randomised classifier every find is put to the vote, and nothing is reused.
static void test_fab__randomised_classifier_is_asked_anew(void **state)
{
    (void)state;
    trial t;
    prepare(false, CLASSES, 1.3f);
    classifier.noise = 0.02f;
    classifier.f.deterministic = false;
    igd_attack_job job = job_make("fab-t", &classifier.f, IGD_NORM_LINF, 1e-7);
    assert_ok(igd_attack_job_set(&job, "steps", 10));
    assert_ok(igd_attack_job_set(&job, "targets", 1));
    trial_make(&t, &classifier.f, NUM, images, labels);
    trial_run(&t, &job, &classifier.f, 8);
    for (int i = 0; i < NUM; i++)
        if (!t.fooled[i])
            assert_true(t.outcomes[i].forwards >= 21);
    trial_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fab__way_is_the_shortest_in_the_box),
        cmocka_unit_test(test_fab__way_goes_to_the_bounds_where_no_point_is_reached),
        cmocka_unit_test(test_fab__way_along_no_weight_is_nowhere),
        cmocka_unit_test(test_fab__way_among_many_coordinates_is_the_shortest),
        TENSOR_TEST(test_fab__one_step_crosses_a_linear_boundary),
        TENSOR_TEST(test_fab__distance_converges_on_a_linear_classifier),
        TENSOR_TEST(test_fab__untargeted_takes_the_nearest_boundary),
        TENSOR_TEST(test_fab__untargeted_refuses_many_classes_unless_forced),
        TENSOR_TEST(test_fab__results_are_sound_and_independent_in_every_norm),
        TENSOR_TEST(test_fab__costs_what_the_algorithm_costs),
        TENSOR_TEST(test_fab__flat_classifier_is_counted_and_not_fooled),
        TENSOR_TEST(test_fab__restarts_begin_within_half_the_radius),
        TENSOR_TEST(test_fab__misclassified_image_is_its_own_answer),
        TENSOR_TEST(test_fab__randomised_classifier_is_asked_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
