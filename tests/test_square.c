// Square: its schedule, windows and proposals, seen from outside, and what every attack
// keeps to.
#include "attack_fixture.h"
#include "core/logits.h"

// Doubles: cmocka compares floats.
#define assert_near(a, b, slack) assert_true(fabs((a) - (b)) <= (slack))

enum { SIDE = 32, D = SIDE * SIDE };                    // of runs driven by hand
enum { CLASSES = 4, HIDDEN = 10, NUM = 24, SMALL = 8 }; // of whole attacks
enum { SMALL_D = 2 * SMALL * SMALL };

static const igd_norm norms[] = {IGD_NORM_LINF, IGD_NORM_L2, IGD_NORM_L1};

// A run driven by hand: its answers are made up, so no classifier is asked.
typedef struct hand {
    igd_attack_job job;
    igd_run r;
    float x[D], lower[D], upper[D], point[D], x_adv[D];
    void *state;
} hand;

static void hand_start(hand *h, igd_norm norm, double eps, const char *option,
                       double value)
{
    const igd_attack *a = &igd_attack_square;
    const igd_classifier f = {
        .num_classes = 2, .shape = {1, SIDE, SIDE}, .deterministic = true};
    h->job = job_make("square", &f, norm, eps);
    if (option != NULL)
        assert_ok(igd_attack_job_set(&h->job, option, value));
    toy_images(h->x, D, "hand");
    igd_ball_bounds(h->lower, h->upper, h->x, D, &h->job.threat);
    h->r = (igd_run){.job = &h->job,
                     .x = h->x,
                     .lower = h->lower,
                     .upper = h->upper,
                     .samples = 1,
                     .point = h->point,
                     .x_adv = h->x_adv,
                     .loss = -INFINITY};
    h->state = run_room(&h->r);
    assert_int_equal(a->start(&h->r), IGD_WANT_LOGITS);
}

static igd_want hand_tell(hand *h, double margin)
{
    const float z[2] = {(float)-margin, 0}; // the label is class 0
    return igd_attack_square.logits(&h->r, z);
}

// The smallest rectangle that holds every change of the proposal.
typedef struct rectangle {
    int top, bottom, left, right;
} rectangle;

static rectangle changed(const hand *h)
{
    rectangle at = {SIDE, -1, SIDE, -1};
    for (int row = 0; row < SIDE; row++)
        for (int col = 0; col < SIDE; col++) {
            const int i = row * SIDE + col;
            if (h->point[i] == h->x_adv[i])
                continue;
            at.top = row < at.top ? row : at.top;
            at.bottom = row > at.bottom ? row : at.bottom;
            at.left = col < at.left ? col : at.left;
            at.right = col > at.right ? col : at.right;
        }
    return at;
}

static int side_at(int64_t iteration)
{
    const int64_t last[] = {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};
    const int side[] = {29, 20, 14, 10, 7, 5, 4, 3, 2, 1};
    int k = 0;
    while (k < 9 && iteration > last[k])
        k++;
    return side[k];
}

// Every proposal is refused, so each differs from the stripes by its window alone; its
// columns may be fewer, since some of them had the right sign.
static void check_windows(const char *option, double value, int64_t factor,
                          bool last_row_too)
{
    static hand h;
    int lowest = 0, rightmost = 0, top = SIDE, left = SIDE;

    hand_start(&h, IGD_NORM_LINF, 0.1, option, value);
    while (hand_tell(&h, -1) == IGD_WANT_LOGITS) {
        const int64_t iteration = h.r.queries - 2;
        const rectangle at = changed(&h);
        assert_int_equal(at.bottom - at.top + 1, side_at(iteration * factor));
        assert_true(at.right - at.left + 1 <= side_at(iteration * factor));
        lowest = at.bottom > lowest ? at.bottom : lowest;
        rightmost = at.right > rightmost ? at.right : rightmost;
        top = at.top < top ? at.top : top;
        left = at.left < left ? at.left : left;
        for (int i = 0; i < D; i++)
            assert_true(h.point[i] == h.lower[i] || h.point[i] == h.upper[i]);
    }
    assert_int_equal(top, 0);
    assert_int_equal(left, 0);
    assert_int_equal(lowest, SIDE - (last_row_too ? 1 : 2));
    assert_int_equal(rightmost, SIDE - (last_row_too ? 1 : 2));
    free(h.state);
}

static void test_square__windows_follow_the_schedule(void **state)
{
    (void)state;
    check_windows(NULL, 0, 1, true);
}

static void test_square__compat_leaves_out_the_last_row_and_column(void **state)
{
    (void)state;
    check_windows("compat", 1, 1, false);
}

static void test_square__rescaled_schedule_fits_the_queries(void **state)
{
    (void)state;
    static hand h;
    hand_start(&h, IGD_NORM_LINF, 0.1, "rescale", 1);
    int64_t last = 0;
    while (hand_tell(&h, -1) == IGD_WANT_LOGITS) {
        const rectangle at = changed(&h);
        last = h.r.queries - 2;
        assert_int_equal(at.bottom - at.top + 1, side_at(last * 2)); // 5000 for 10000
    }
    assert_int_equal(h.r.queries, 5001);
    free(h.state);
}

static void test_square__starts_with_vertical_stripes(void **state)
{
    (void)state;
    static hand h;
    int up = 0;
    hand_start(&h, IGD_NORM_LINF, 0.1, NULL, 0);
    for (int col = 0; col < SIDE; col++) {
        const bool high = h.point[col] == h.upper[col];
        up += high;
        for (int row = 0; row < SIDE; row++) {
            const int i = row * SIDE + col;
            assert_true(h.point[i] == (high ? h.upper[i] : h.lower[i]));
        }
    }
    assert_in_range(up, 5, SIDE - 5);
    free(h.state);
}

static void test_square__accepts_what_lowers_the_margin_or_fools(void **state)
{
    (void)state;
    static hand h;
    static float before[D], proposed[D];
    hand_start(&h, IGD_NORM_LINF, 0.1, NULL, 0);
    assert_int_equal(hand_tell(&h, -1), IGD_WANT_LOGITS);
    memcpy(before, h.x_adv, sizeof(before));
    assert_int_equal(hand_tell(&h, -1), IGD_WANT_LOGITS); // no better
    assert_memory_equal(h.x_adv, before, sizeof(before));
    memcpy(proposed, h.point, sizeof(proposed));
    assert_int_equal(hand_tell(&h, -0.5), IGD_WANT_LOGITS);
    assert_memory_equal(h.x_adv, proposed, sizeof(proposed));
    assert_true(h.r.loss == -0.5 && !h.r.fooled);
    // A tie is progress, but the label still wins it.
    memcpy(proposed, h.point, sizeof(proposed));
    assert_int_equal(hand_tell(&h, 0), IGD_WANT_LOGITS);
    assert_memory_equal(h.x_adv, proposed, sizeof(proposed));
    assert_false(h.r.fooled);
    memcpy(proposed, h.point, sizeof(proposed));
    assert_int_equal(hand_tell(&h, 0.25), IGD_WANT_END);
    assert_memory_equal(h.x_adv, proposed, sizeof(proposed));
    assert_true(h.r.fooled && h.r.loss == 0.25);
    free(h.state);
}

// The same windows and colours for every image, other stripes.
static void test_square__images_share_windows_but_not_stripes(void **state)
{
    (void)state;
    static hand h, other;
    hand_start(&h, IGD_NORM_LINF, 0.1, NULL, 0);
    hand_start(&other, IGD_NORM_LINF, 0.1, NULL, 0);
    memset(other.state, 0, igd_run_size(&other.job));
    other.r.image = 1;
    igd_attack_square.start(&other.r);
    assert_memory_not_equal(h.point, other.point, sizeof(h.point));
    for (int k = 0; k < 20; k++) {
        hand_tell(&h, -1);
        hand_tell(&other, -1);
        assert_int_equal(h.r.queries, other.r.queries); // no window was uniform so early
        const rectangle a = changed(&h), b = changed(&other);
        assert_int_equal(a.top, b.top);
        assert_int_equal(a.bottom, b.bottom);
    }
    free(h.state);
    free(other.state);
}

// L2 and L1, with everything accepted: the ball, the box, and two windows at most that
// change beyond the common scale.
static void test_square__templates_keep_to_the_ball(void **state)
{
    (void)state;
    static hand h;
    for (int k = 1; k < 3; k++) {
        const double eps = k == 1 ? 1.0 : 8.0;
        hand_start(&h, norms[k], eps, "queries", 300);
        double margin = -1000;
        do {
            const double dist = igd_ball_norm(h.point, h.x, D, norms[k]);
            assert_true(dist <= eps * (1 + 1e-6));
            assert_true(dist >= eps * 0.5);
            for (int i = 0; i < D; i++)
                assert_true(h.point[i] >= 0 && h.point[i] <= 1);
        } while (hand_tell(&h, margin++) == IGD_WANT_LOGITS);
        assert_int_equal(h.r.queries, 301);
        free(h.state);
    }
}

// On grey images the start is twenty-five templates of side 6 with halves of opposite
// sign and equal length, largest in the middle of each half.
static void test_square__starts_with_tiles_of_templates(void **state)
{
    (void)state;
    static hand h;
    hand_start(&h, IGD_NORM_L2, 0.5, NULL, 0);
    for (int i = 0; i < D; i++)
        h.x[i] = 0.5f;
    memset(h.state, 0, igd_run_size(&h.job));
    igd_attack_square.start(&h.r);
    assert_near(igd_ball_norm(h.point, h.x, D, IGD_NORM_L2), 0.5, 1e-5);
    for (int tile = 0; tile < 25; tile++) {
        double part[2][2] = {{0}}; // length of the halves by rows, and by columns
        int mixed[2] = {0};
        const float *at = h.point + (1 + tile / 5 * 6) * SIDE + 1 + tile % 5 * 6;
        for (int row = 0; row < 6; row++)
            for (int col = 0; col < 6; col++) {
                const double v = (double)(at[row * SIDE + col] - 0.5f);
                part[0][row / 3] += v * v;
                part[1][col / 3] += v * v;
                mixed[0] += (v > 0) != ((at[row / 3 * 3 * SIDE] > 0.5f));
                mixed[1] += (v > 0) != ((at[col / 3 * 3] > 0.5f));
            }
        const int way = mixed[0] == 0 ? 0 : 1;
        assert_int_equal(mixed[way], 0);
        assert_near(part[way][0], 0.25 / 50, 1e-5);
        assert_near(part[way][1], 0.25 / 50, 1e-5);
    }
    for (int i = 0; i < SIDE; i++) // the frame is free
        assert_true(h.point[i] == 0.5f && h.point[i * SIDE + SIDE - 1] == 0.5f);
    free(h.state);
}

static float w1[HIDDEN * SMALL_D], b1[HIDDEN], w2[CLASSES * HIDDEN];
static float images[NUM * SMALL_D];
static int labels[NUM];
static toy classifier;

static const igd_classifier *prepare(bool linear, float contrast)
{
    const int C = linear ? 2 : CLASSES;

    toy_random(w1, HIDDEN * SMALL_D, 0.3f, "w1");
    toy_random(b1, HIDDEN, 0.3f, "b1");
    toy_random(w2, CLASSES * HIDDEN, 0.3f, "w2");
    toy_make(&classifier, SMALL_D, linear ? C : HIDDEN, C, w1, b1, linear ? NULL : w2);
    memcpy(classifier.f.shape, (int64_t[]){2, SMALL, SMALL}, 3 * sizeof(int64_t));
    toy_labelled(&classifier.f, images, labels, NUM, contrast);
    return &classifier.f;
}

// Where no bound of the box is near, x - eps sgn(w) is the worst case: no smaller ball
// holds an answer, and random search finds one in a slightly larger one.
static void test_square__finds_what_a_linear_classifier_allows(void **state)
{
    (void)state;
    trial t;
    const igd_classifier *f = prepare(true, 0.05f);
    double sum = 0;
    for (int j = 0; j < SMALL_D; j++)
        sum += fabs((double)w1[SMALL_D + j] - (double)w1[j]);
    trial_make(&t, f, NUM, images, labels);
    for (int k = 0; k < 2; k++) {
        double most = 0;
        for (int i = 0; i < NUM; i++)
            most = fmax(most, fabs((double)(t.clean[2 * i] - t.clean[2 * i + 1])));
        igd_attack_job job = job_make("square", f, IGD_NORM_LINF, 1.02 * most / sum);
        if (k == 1)
            assert_ok(igd_attack_job_set(&job, "ce", 1));
        trial_run(&t, &job, f, 8);
        assert_int_equal(trial_num_fooled(&t), NUM);
        for (int i = 0; i < NUM; i++)
            assert_true(igd_ball_norm(t.x_adv + (ptrdiff_t)i * SMALL_D,
                                      images + (ptrdiff_t)i * SMALL_D, SMALL_D,
                                      IGD_NORM_LINF) *
                            sum >=
                        fabs((double)(t.clean[2 * i] - t.clean[2 * i + 1])) - 1e-4);
    }
    trial_free(&t);
}

static void test_square__results_are_sound_and_independent_in_every_norm(void **state)
{
    (void)state;
    const double eps[] = {0.04, 0.35, 2.2};
    for (int k = 0; k < 3; k++) {
        trial t;
        const igd_classifier *f = prepare(false, 1.3f);
        igd_attack_job job = job_make("square", f, norms[k], eps[k]);
        assert_ok(igd_attack_job_set(&job, "queries", 150));
        assert_ok(igd_attack_job_set(&job, "restarts", 2));
        trial_make(&t, f, NUM, images, labels);
        trial_run(&t, &job, f, 16);
        assert_in_range(trial_num_fooled(&t), 2,
                        NUM - 2); // so that both answers were seen
        trial_free(&t);
        trial_check_invariance(&job, f, NUM, images, labels);
    }
}

// Queries count proposals; those that change nothing cost no forward.
static void
test_square__proposals_without_effect_cost_a_query_but_no_forward(void **state)
{
    (void)state;
    trial t;
    const igd_classifier *f = prepare(false, 1.3f);
    igd_attack_job job = job_make("square", f, IGD_NORM_LINF, 1e-4);
    assert_ok(igd_attack_job_set(&job, "queries", 3000));
    trial_make(&t, f, NUM, images, labels);
    trial_run(&t, &job, f, 16);
    assert_int_equal(trial_num_fooled(&t), 0);
    for (int i = 0; i < NUM; i++) {
        assert_int_equal(t.outcomes[i].queries, 3001);
        assert_in_range(t.outcomes[i].forwards, 1000, 2900);
    }
    job.shortcuts = false;
    trial_run(&t, &job, f, 16);
    for (int i = 0; i < NUM; i++) {
        assert_int_equal(t.outcomes[i].queries, 3001);
        assert_int_equal(t.outcomes[i].forwards, 3001);
    }
    trial_free(&t);
}

// The mean over draws is what is compared, every draw is paid, and a find counts only if
// a vote confirms it.
static void test_square__randomised_classifier_is_averaged(void **state)
{
    (void)state;
    trial t;
    prepare(false, 1.3f);
    classifier.noise = 0.5f;
    classifier.f.deterministic = false;
    igd_attack_job job = job_make("square", &classifier.f, IGD_NORM_LINF, 1e-6);
    assert_ok(igd_attack_job_set(&job, "queries", 20));
    assert_ok(igd_attack_job_set(&job, "eot", 4));
    trial_make(&t, &classifier.f, NUM, images, labels);
    trial_run(&t, &job, &classifier.f, 16);
    for (int i = 0; i < NUM; i++) {
        float z[2 * CLASSES];
        memcpy(z, t.clean + (ptrdiff_t)i * CLASSES, CLASSES * sizeof(float));
        const int second = igd_ranked_class(z, CLASSES, labels[i], 0);
        if (z[labels[i]] - z[second] > 3) // far more than the noise
            assert_int_equal(t.outcomes[i].forwards, 4 * 21);
        assert_true(t.fooled[i] || t.outcomes[i].forwards >= 4 * 21);
    }
    trial_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_square__windows_follow_the_schedule),
        cmocka_unit_test(test_square__compat_leaves_out_the_last_row_and_column),
        cmocka_unit_test(test_square__rescaled_schedule_fits_the_queries),
        cmocka_unit_test(test_square__starts_with_vertical_stripes),
        cmocka_unit_test(test_square__accepts_what_lowers_the_margin_or_fools),
        cmocka_unit_test(test_square__images_share_windows_but_not_stripes),
        cmocka_unit_test(test_square__templates_keep_to_the_ball),
        cmocka_unit_test(test_square__starts_with_tiles_of_templates),
        TENSOR_TEST(test_square__finds_what_a_linear_classifier_allows),
        TENSOR_TEST(test_square__results_are_sound_and_independent_in_every_norm),
        TENSOR_TEST(test_square__proposals_without_effect_cost_a_query_but_no_forward),
        TENSOR_TEST(test_square__randomised_classifier_is_averaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
