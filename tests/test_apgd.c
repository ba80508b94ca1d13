// APGD: its checkpoints, its moves on linear classifiers, where the worst case is known,
// and its variants.
#include "attack_fixture.h"
#include "core/logits.h"

#include "attack/apgd_steps.h"
#include "igdef/runtime.h"

#define D 12
#define H 16
#define N 40

static float w[H * D], b[H], w2[5 * H], x[N * D];
static int labels[N];

// A classifier with one hidden layer and C classes; every tenth image is misclassified.
static void net_make(toy *t, int C)
{
    float z[N * 5];
    igd_draw draws[N] = {{0}};

    toy_random(w, H * D, 1.0f, "w");
    toy_random(b, H, 0.5f, "b");
    toy_random(w2, (size_t)5 * H, 1.0f, "w2");
    toy_images(x, (size_t)N * D, "x");
    toy_make(t, D, H, C, w, b, w2);
    assert_ok(igd_classifier_logits(z, &t->f, x, N, draws));
    for (int i = 0; i < N; i++)
        labels[i] = (igd_argmax(&z[C * i], C) + (i % 10 == 0)) % C;
}

// Labels become the classes that f names.
static void label_all(const igd_classifier *f)
{
    float z[N * 5];
    igd_draw draws[N] = {{0}};

    assert_ok(igd_classifier_logits(z, f, x, N, draws));
    for (int i = 0; i < N; i++)
        labels[i] = igd_argmax(&z[f->num_classes * i], f->num_classes);
}

// A linear classifier with C classes over images around 1/2 of contrast `spread`.
static void linear_make(toy *t, int C, float spread)
{
    toy_random(w, (size_t)C * D, 1.0f, "linear w");
    toy_images(x, (size_t)N * D, "linear x");
    for (int i = 0; i < N * D; i++)
        x[i] = 0.5f + spread * (x[i] - 0.5f);
    for (int c = 0; c < C; c++) { // all classes occur
        b[c] = 0.0f;
        for (int j = 0; j < D; j++)
            b[c] -= 0.5f * w[c * D + j];
    }
    toy_make(t, D, C, C, w, b, NULL);
    label_all(&t->f);
}

// Checkpoints.

static void test_apgd__checkpoints_are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        int steps, checkpoints[24];
    } cases[] = {
        {10, {2, 3, 4, 5, 6, 7, 8, 9, 10}},
        {20, {4, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}},
        {50, {11, 21, 30, 38, 45}},
        {100, {22, 41, 57, 70, 80, 87, 93, 99}},
        {200, {44, 82, 114, 140, 160, 174, 186, 198}},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        igd_apgd_steps s;
        int met = 0;
        igd_apgd_steps_begin(&s, cases[k].steps, 1.0, 0.75, false);
        igd_apgd_steps_start(&s, 1.0);
        for (int i = 1; i <= cases[k].steps; i++)
            if (igd_apgd_steps_next(&s, 1.0)) // constant losses: halved at every one
                assert_int_equal(i, cases[k].checkpoints[met++]);
        assert_true(met > 0 && cases[k].checkpoints[met] == 0);
        assert_true(s.size == ldexp(1.0, -met));
    }
}

static void test_apgd__rising_losses_keep_the_step(void **state)
{
    (void)state;
    igd_apgd_steps s;
    igd_apgd_steps_begin(&s, 100, 1.0, 0.75, false);
    igd_apgd_steps_start(&s, 0.5);
    for (int i = 1; i <= 100; i++) {
        assert_false(igd_apgd_steps_next(&s, 0.5 + i));
        assert_true(s.improved);
    }
    assert_true(s.size == 1.0 && !s.stalled);
}

static void test_apgd__step_is_kept_just_above_the_share_of_rises(void **state)
{
    (void)state;
    for (int rises = 16; rises <= 17; rises++) { // 0.75 * 22 = 16.5
        igd_apgd_steps s;
        double loss = 1.0;
        igd_apgd_steps_begin(&s, 100, 1.0, 0.75, true);
        igd_apgd_steps_start(&s, loss);
        bool halved = false;
        for (int i = 0; i < 22; i++) {
            loss += i < rises ? 1.0 : -0.1;
            halved = igd_apgd_steps_next(&s, loss);
        }
        assert_int_equal(halved, rises == 16);
    }
}

static void test_apgd__no_better_loss_halves_an_unhalved_step(void **state)
{
    (void)state;
    igd_apgd_steps s;
    igd_apgd_steps_begin(&s, 100, 1.0, 0.0, true); // rho 0: any rise keeps the step
    igd_apgd_steps_start(&s, 10.0);
    // The first window cannot be halved for this reason, the next two can, in turn.
    static const int ends[] = {22, 41, 57, 70};
    static const bool wanted[] = {false, true, false, true};
    int met = 0;
    for (int i = 1; i <= 70; i++) {
        const bool halved = igd_apgd_steps_next(&s, i % 2 == 0 ? 1.0 : 2.0);
        assert_int_equal(halved, i == ends[met] && wanted[met]);
        assert_false(s.improved);
        met += i == ends[met];
    }
    assert_true(s.stalled && s.best == 10.0);
}

static void test_apgd__first_window_compares_with_zero_unless_told(void **state)
{
    (void)state;
    for (int compare = 0; compare < 2; compare++) {
        igd_apgd_steps s;
        igd_apgd_steps_begin(&s, 100, 1.0, 0.75, compare != 0);
        igd_apgd_steps_start(&s, 5.0);
        (void)igd_apgd_steps_next(&s, 4.0); // above 0, below the start
        assert_int_equal(s.rising, compare == 0);
    }
}

// Worst cases of linear classifiers.

static void test_apgd__reaches_the_worst_corner(void **state)
{
    (void)state;
    static const float pair_w[8] = {1, -2, 0.25f, 0.5f, 0, 0, 0, 0}, pair_b[2] = {0, 0};
    static const char *const names[] = {"apgd-ce",  "apgd-dlr", "apgd-cw", "apgd-t",
                                        "apgd-pma", "apgd-eot", "malt"};
    const float image[4] = {0.95f, 0.5f, 0.5f, 0.05f};
    const float worst[4] = {1.0f, 0.4f, 0.6f, 0.15f};
    const int label[1] = {1};
    for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
        toy t;
        trial r;
        toy_make(&t, 4, 2, 2, pair_w, pair_b, NULL);
        igd_attack_job job = job_make(names[k], &t.f, IGD_NORM_LINF, 0.1);
        job.mode = IGD_RETURN_HIGH_LOSS;
        trial_make(&r, &t.f, 1, image, label);
        trial_run(&r, &job, &t.f, 1);
        for (int i = 0; i < 4; i++)
            assert_true(fabsf(r.x_adv[i] - worst[i]) < 1e-6f);
        trial_check(&r, &job, &t.f);
        trial_free(&r);
    }
}

// The least z_y - z_c over the ball, by formula; under L2 and L1 the ball must lie within
// the image, with coordinates at 1/2 +- 0.2 and eps of at most 0.3.
static double worst_margin(igd_norm norm, double eps, int image, int y, int c)
{
    double margin = (double)b[y] - (double)b[c], size = 0.0;
    for (int j = 0; j < D; j++) {
        const double slope = (double)w[y * D + j] - (double)w[c * D + j];
        const double at = (double)x[image * D + j];
        margin += slope * at;
        if (norm == IGD_NORM_LINF)
            size += fabs(slope) * fmin(eps, slope > 0.0 ? at : 1.0 - at);
        else if (norm == IGD_NORM_L2)
            size += slope * slope * eps * eps;
        else
            size = fmax(size, fabs(slope) * eps);
    }
    return margin - (norm == IGD_NORM_L2 ? sqrt(size) : size);
}

static void test_apgd__robust_accuracy_is_that_of_the_formula(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int C;
        igd_norm norm;
        double eps;
        float spread;
    } cases[] = {
        {"apgd-ce", 2, IGD_NORM_LINF, 0.05, 1.0f},
        {"apgd-dlr", 2, IGD_NORM_LINF, 0.1, 1.0f},
        {"apgd-t", 3, IGD_NORM_LINF, 0.05, 1.0f},
        {"apgd-t", 2, IGD_NORM_LINF, 0.2, 1.0f},
        {"apgd-cw", 2, IGD_NORM_L2, 0.15, 0.4f},
        {"apgd-t", 3, IGD_NORM_L2, 0.15, 0.4f},
        {"apgd-ce", 2, IGD_NORM_L1, 0.3, 0.4f},
        {"apgd-t", 3, IGD_NORM_L1, 0.3, 0.4f},
        {"pgd", 2, IGD_NORM_LINF, 0.05, 1.0f},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        toy t;
        trial r;
        int num_fooled = 0;
        linear_make(&t, cases[k].C, cases[k].spread);
        const igd_attack_job job =
            job_make(cases[k].name, &t.f, cases[k].norm, cases[k].eps);
        trial_make(&r, &t.f, N, x, labels);
        trial_run(&r, &job, &t.f, 16);
        trial_check(&r, &job, &t.f);
        for (int i = 0; i < N; i++) {
            double margin = INFINITY;
            for (int c = 0; c < cases[k].C; c++)
                if (c != labels[i])
                    margin = fmin(margin, worst_margin(cases[k].norm, cases[k].eps, i,
                                                       labels[i], c));
            // Nearer, rounding and convergence decide. Under L1 the worst case moves one
            // coordinate alone, and APGD, which thins out step by step, may stay at two.
            const double slack = cases[k].norm == IGD_NORM_L1 ? 0.1 : 2e-3;
            if (margin > 1e-6 || margin < -slack)
                assert_int_equal(r.fooled[i], margin < 0.0);
            num_fooled += r.fooled[i];
        }
        assert_true(num_fooled > 0 && num_fooled < N);
        trial_free(&r);
    }
}

// What holds for every variant.

static const char *const all[] = {"apgd-ce",  "apgd-dlr", "apgd-cw", "apgd-t",
                                  "apgd-pma", "apgd-eot", "malt"};
static const double radius[] = {0.03, 0.1, 0.25}; // Linf, L2, L1
#define NUM_ALL (sizeof(all) / sizeof(*all))

static void test_apgd__batches_order_and_shortcuts_change_nothing(void **state)
{
    (void)state;
    toy t;
    net_make(&t, 5);
    for (size_t k = 0; k < NUM_ALL; k++) {
        for (int norm = IGD_NORM_LINF; norm <= IGD_NORM_L1; norm++) {
            igd_attack_job job = job_make(all[k], &t.f, (igd_norm)norm, radius[norm]);
            assert_ok(igd_attack_job_set(&job, "steps", 12));
            trial_check_invariance(&job, &t.f, N, x, labels);
            job.mode = IGD_RETURN_HIGH_LOSS;
            trial_check_invariance(&job, &t.f, N, x, labels);
        }
    }
}

static void test_apgd__threads_change_nothing(void **state)
{
    (void)state;
    const int before = igd_num_threads();
    toy t;
    trial one, other;
    net_make(&t, 5);
    igd_attack_job job = job_make("apgd-t", &t.f, IGD_NORM_LINF, 0.03);
    assert_ok(igd_attack_job_set(&job, "steps", 25));
    job.mode = IGD_RETURN_HIGH_LOSS;
    trial_make(&one, &t.f, N, x, labels);
    trial_make(&other, &t.f, N, x, labels);
    assert_ok(igd_set_num_threads(1));
    trial_run(&one, &job, &t.f, 64);
    for (int threads = 2; threads <= 5; threads += 3) {
        assert_ok(igd_set_num_threads(threads));
        trial_run(&other, &job, &t.f, 64);
        assert_int_equal(igd_num_threads(), threads); // as they were
        assert_memory_equal(one.x_adv, other.x_adv, sizeof(x));
        assert_memory_equal(one.fooled, other.fooled, sizeof(bool) * N);
    }
    assert_ok(igd_set_num_threads(before));
    trial_free(&one);
    trial_free(&other);
}

static void test_apgd__no_image_is_worse_than_its_start(void **state)
{
    (void)state;
    toy t;
    net_make(&t, 5);
    for (int norm = IGD_NORM_LINF; norm <= IGD_NORM_L1; norm++) {
        trial r;
        igd_attack_job job = job_make("apgd-ce", &t.f, (igd_norm)norm, radius[norm]);
        job.mode = IGD_RETURN_HIGH_LOSS;
        assert_ok(igd_attack_job_set(&job, "large_radii", 0)); // starts at eps itself
        trial_make(&r, &t.f, N, x, labels);
        trial_run(&r, &job, &t.f, 8);
        int better = 0;
        for (int i = 0; i < N; i++) {
            float point[D], lower[D], upper[D], z[5];
            const igd_run run = {.job = &job, .image = i};
            const igd_stream stream = igd_run_stream(&run, 0);
            const igd_draw draw = {i, 0};
            igd_ball_bounds(lower, upper, x + (size_t)i * D, D, &job.threat);
            const igd_ball ball = {job.threat.norm,
                                   (float)job.threat.eps,
                                   x + (size_t)i * D,
                                   lower,
                                   upper,
                                   D};
            igd_ball_start_inside(point, &ball, &stream);
            assert_ok(igd_classifier_logits(z, &t.f, point, 1, &draw));
            const double start =
                igd_loss_eval(NULL, IGD_LOSS_CE, z, 5, labels[i], 0).value;
            assert_true(r.outcomes[i].loss >= start);
            better += r.outcomes[i].loss > start + 1e-3;
        }
        assert_true(better > N / 2);
        trial_free(&r);
    }
}

static void test_apgd__seed_decides_the_result(void **state)
{
    (void)state;
    toy t;
    net_make(&t, 5);
    igd_attack_job job = job_make("apgd-ce", &t.f, IGD_NORM_LINF, 0.01);
    trial_check_seed(&job, &t.f, N, x, labels);
}

static void test_apgd__robust_image_costs_the_published_minimum(void **state)
{
    (void)state;
    static const struct {
        const char *name, *parameter;
        double value;
        int64_t forwards, backwards;
    } cases[] = {
        {"apgd-ce", "steps", 100, 101, 100}, {"apgd-ce", "restarts", 5, 505, 500},
        {"apgd-t", "targets", 3, 303, 300},  {"apgd-t", "targets", 9, 404, 400},
        {"malt", "targets", 3, 307, 304},    {"apgd-eot", "eot", 20, 202, 200},
    };
    toy t;
    net_make(&t, 5);
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        trial r;
        igd_attack_job job = job_make(cases[k].name, &t.f, IGD_NORM_LINF, 1e-4);
        assert_ok(igd_attack_job_set(&job, cases[k].parameter, cases[k].value));
        trial_make(&r, &t.f, N, x, labels);
        trial_run(&r, &job, &t.f, 8);
        assert_false(r.fooled[1]);
        assert_int_equal(r.outcomes[1].forwards, cases[k].forwards);
        assert_int_equal(r.outcomes[1].backwards, cases[k].backwards);
        assert_int_equal(r.outcomes[0].forwards, 0); // misclassified as it is
        trial_free(&r);
    }
}

static void test_apgd__eot_on_a_deterministic_classifier_is_one_pass(void **state)
{
    (void)state;
    toy t;
    net_make(&t, 5);
    for (int compat = 0; compat < 2; compat++) {
        trial one, twenty;
        igd_attack_job job = job_make("apgd-ce", &t.f, IGD_NORM_LINF, 0.02);
        job.mode = IGD_RETURN_HIGH_LOSS;
        assert_ok(igd_attack_job_set(&job, "steps", 20));
        assert_ok(igd_attack_job_set(&job, "eot_compat", compat));
        trial_make(&one, &t.f, N, x, labels);
        trial_make(&twenty, &t.f, N, x, labels);
        trial_run(&one, &job, &t.f, 8);
        assert_ok(igd_attack_job_set(&job, "eot", 20));
        job.shortcuts = false; // with them the samples would not even be taken
        trial_run(&twenty, &job, &t.f, 40);
        assert_int_equal(twenty.outcomes[1].forwards, 20 * 21);
        if (compat)
            assert_memory_equal(one.x_adv, twenty.x_adv, sizeof(x));
        assert_memory_equal(one.fooled, twenty.fooled, sizeof(bool) * N);
        trial_free(&one);
        trial_free(&twenty);
    }
}

static void
test_apgd__randomised_classifier_gives_the_same_whatever_the_batch(void **state)
{
    (void)state;
    toy t;
    trial a, c;
    net_make(&t, 5);
    trial_make(&a, &t.f, N, x, labels);
    trial_make(&c, &t.f, N, x, labels);
    t.noise = 0.3f;
    t.f.deterministic = false;
    for (int mode = 0; mode < 2; mode++) {
        igd_attack_job job = job_make("apgd-eot", &t.f, IGD_NORM_LINF, 0.03);
        assert_ok(igd_attack_job_set(&job, "steps", 15));
        assert_ok(igd_attack_job_set(&job, "eot", 5));
        job.mode = mode == 0 ? IGD_RETURN_FOOLED : IGD_RETURN_HIGH_LOSS;
        trial_run(&a, &job, &t.f, 1);
        trial_run(&c, &job, &t.f, 64);
        assert_memory_equal(a.x_adv, c.x_adv, sizeof(x));
        assert_memory_equal(a.fooled, c.fooled, sizeof(bool) * N);
        int num = 0;
        for (int i = 0; i < N; i++)
            num += a.fooled[i];
        assert_true(num > 0 && num < N);
    }
    trial_free(&a);
    trial_free(&c);
}

static void test_apgd__few_classes_are_attacked_and_the_loss_named(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int C;
        const char *text;
    } cases[] = {
        {"apgd-dlr", 2, "2 classes: CW"},
        {"apgd-dlr", 3, NULL},
        {"apgd-eot", 2, "2 classes: CW"},
        {"apgd-t", 2, "2 classes: CW"},
        {"apgd-t", 3, "targeted margin"},
        {"apgd-t", 4, "fewer wrong classes"},
        {"apgd-ce", 2, NULL},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        toy t;
        net_make(&t, cases[k].C);
        igd_attack_job job = job_make(cases[k].name, &t.f, IGD_NORM_LINF, 0.1);
        const char *text = igd_attack_substitution(&job);
        assert_int_equal(text == NULL, cases[k].text == NULL);
        if (text != NULL)
            assert_non_null(strstr(text, cases[k].text));
        assert_ok(igd_attack_job_set(&job, "steps", 10));
        trial_check_invariance(&job, &t.f, N, x, labels);
    }
}

static void test_apgd__targets_are_the_likeliest_wrong_classes(void **state)
{
    (void)state;
    toy t;
    trial r;
    linear_make(&t, 5, 1.0f);
    igd_attack_job job = job_make("apgd-t", &t.f, IGD_NORM_LINF, 0.12);
    assert_int_equal(job.value[7], 9); // targets
    trial_make(&r, &t.f, N, x, labels);
    trial_run(&r, &job, &t.f, 16);
    int by_later = 0, by_first = 0;
    for (int i = 0; i < N; i++) {
        if (!r.fooled[i])
            continue;
        by_first += r.outcomes[i].run == 0;
        by_later += r.outcomes[i].run > 0;
        assert_true(r.outcomes[i].run < 4);
    }
    assert_true(by_first > by_later && by_later > 0);
    // One target only: what later targets found is not found.
    assert_ok(igd_attack_job_set(&job, "targets", 1));
    trial one;
    trial_make(&one, &t.f, N, x, labels);
    trial_run(&one, &job, &t.f, 16);
    for (int i = 0; i < N; i++)
        assert_int_equal(one.fooled[i], r.fooled[i] && r.outcomes[i].run == 0);
    trial_free(&r);
    trial_free(&one);
}

// The nearest boundary of a linear classifier is that of the smallest gap over the dual
// norm: one target is enough. The likeliest class often is another one.
static void test_apgd__malt_aims_at_the_nearest_boundary(void **state)
{
    (void)state;
    static const double eps[] = {0.04, 0.1, 0.2}; // Linf, L2, L1
    enum { C = 5 };
    for (int norm = 0; norm < 3; norm++) {
        toy t;
        trial nearest, likeliest;
        int missed = 0;
        linear_make(&t, C, 0.4f);
        for (int i = 0; i < D; i++) { // gradients of very different length
            w[i] *= 3.0f;
            b[0] -= w[i] / 3.0f;
        }
        label_all(&t.f);
        igd_attack_job job = job_make("malt", &t.f, (igd_norm)norm, eps[norm]);
        assert_ok(igd_attack_job_set(&job, "targets", 1));
        trial_make(&nearest, &t.f, N, x, labels);
        trial_make(&likeliest, &t.f, N, x, labels);
        trial_run(&nearest, &job, &t.f, 16);
        trial_check(&nearest, &job, &t.f);
        assert_ok(igd_attack_job_set_text(&job, "order", "logits"));
        trial_run(&likeliest, &job, &t.f, 16);
        for (int i = 0; i < N; i++) {
            double margin = INFINITY;
            for (int c = 0; c < C; c++)
                if (c != labels[i])
                    margin = fmin(
                        margin, worst_margin((igd_norm)norm, eps[norm], i, labels[i], c));
            const double slack = norm == IGD_NORM_L1 ? 0.1 : 2e-3; // as above
            if (margin > 1e-6 || margin < -slack)
                assert_int_equal(nearest.fooled[i], margin < 0.0);
            missed += nearest.fooled[i] && !likeliest.fooled[i];
        }
        assert_true(missed > 0);
        trial_free(&nearest);
        trial_free(&likeliest);
    }
}

static void test_apgd__choices_have_names(void **state)
{
    (void)state;
    toy t;
    net_make(&t, 5);
    igd_attack_job job = job_make("apgd-t", &t.f, IGD_NORM_LINF, 0.1);
    assert_true(job_value(&job, "order") == 0);
    assert_ok(igd_attack_job_set_text(&job, "order", "gradient"));
    assert_true(job_value(&job, "order") == 1);
    assert_fails(igd_attack_job_set_text(&job, "order", "gradeint"), IGD_EINVAL,
                 "no order 'gradeint'; did you mean 'gradient'?");
    assert_fails(igd_attack_job_set_text(&job, "steps", "many"), IGD_EINVAL,
                 "cannot set apgd-t.steps to 'many': not a number");
    assert_ok(igd_attack_job_set(&job, "candidates", 3));
    trial r;
    trial_make(&r, &t.f, N, x, labels);
    const igd_engine_feed feed = {trial_next, trial_done, NULL, &r, NULL};
    assert_fails(igd_engine_run(&job, &t.f, 4, &feed), IGD_EINVAL,
                 "3 candidates cannot give 9 targets");
    trial_free(&r);
}

static void test_apgd__plateau_of_dlr_does_not_stop_transfer_mode(void **state)
{
    (void)state;
    toy t;
    trial r;
    int64_t plateaus = 0;
    net_make(&t, 5);
    for (int i = 0; i < N; i++) { // misclassified images: the label becomes third
        float z[5];
        const igd_draw draw = {i, 0};
        assert_ok(igd_classifier_logits(z, &t.f, x + (size_t)i * D, 1, &draw));
        labels[i] = igd_ranked_class(z, 5, igd_argmax(z, 5), 1);
    }
    igd_attack_job job = job_make("apgd-dlr", &t.f, IGD_NORM_LINF, 0.05);
    job.mode = IGD_RETURN_HIGH_LOSS;
    assert_ok(igd_attack_job_set(&job, "steps", 20));
    trial_make(&r, &t.f, N, x, labels);
    trial_run(&r, &job, &t.f, 16);
    for (int i = 0; i < N; i++) {
        plateaus += r.outcomes[i].plateaus;
        assert_int_equal(r.outcomes[i].zero_grads, 0);
    }
    assert_true(plateaus > 0);
    trial_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apgd__checkpoints_are_the_published_ones),
        cmocka_unit_test(test_apgd__rising_losses_keep_the_step),
        cmocka_unit_test(test_apgd__step_is_kept_just_above_the_share_of_rises),
        cmocka_unit_test(test_apgd__no_better_loss_halves_an_unhalved_step),
        cmocka_unit_test(test_apgd__first_window_compares_with_zero_unless_told),
        TENSOR_TEST(test_apgd__reaches_the_worst_corner),
        TENSOR_TEST(test_apgd__robust_accuracy_is_that_of_the_formula),
        TENSOR_TEST(test_apgd__batches_order_and_shortcuts_change_nothing),
        TENSOR_TEST(test_apgd__threads_change_nothing),
        TENSOR_TEST(test_apgd__no_image_is_worse_than_its_start),
        TENSOR_TEST(test_apgd__seed_decides_the_result),
        TENSOR_TEST(test_apgd__robust_image_costs_the_published_minimum),
        TENSOR_TEST(test_apgd__eot_on_a_deterministic_classifier_is_one_pass),
        TENSOR_TEST(test_apgd__randomised_classifier_gives_the_same_whatever_the_batch),
        TENSOR_TEST(test_apgd__few_classes_are_attacked_and_the_loss_named),
        TENSOR_TEST(test_apgd__targets_are_the_likeliest_wrong_classes),
        TENSOR_TEST(test_apgd__malt_aims_at_the_nearest_boundary),
        TENSOR_TEST(test_apgd__choices_have_names),
        TENSOR_TEST(test_apgd__plateau_of_dlr_does_not_stop_transfer_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
