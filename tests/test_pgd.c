// FGSM, PGD and GAMA-PGD.
#include "attack_fixture.h"
#include "core/logits.h"

#define D 12
#define H 16
#define N 40

static float w[H * D], b[H], w2[4 * H], x[N * D];
static int labels[N];

// A linear classifier of two classes on four pixels, by hand.
static const float pair_w[8] = {1, -2, 0, 0.5f, 0, 0, 0, 0}, pair_b[2] = {0, 0};

static void net_make(toy *t)
{
    toy_random(w, H * D, 1.0f, "w");
    toy_random(b, H, 0.5f, "b");
    toy_random(w2, (size_t)4 * H, 1.0f, "w2");
    toy_images(x, (size_t)N * D, "x");
    toy_make(t, D, H, 4, w, b, w2);
    float z[N * 4];
    igd_draw draws[N] = {{0}};
    assert_ok(igd_classifier_logits(z, &t->f, x, N, draws));
    for (int i = 0; i < N; i++) // some are misclassified from the start
        labels[i] = (igd_argmax(&z[4 * i], 4) + (i % 10 == 0)) % 4;
}

static void test_pgd__fgsm_goes_eps_against_the_weights(void **state)
{
    (void)state;
    const float image[4] = {0.5f, 0.5f, 0.5f, 0.05f};
    const int label[1] = {1};
    toy t;
    trial r;
    toy_make(&t, 4, 2, 2, pair_w, pair_b, NULL);
    igd_attack_job job = job_make("fgsm", &t.f, IGD_NORM_LINF, 0.1);
    job.mode = IGD_RETURN_HIGH_LOSS;
    trial_make(&r, &t.f, 1, image, label);
    trial_run(&r, &job, &t.f, 1);
    // z_0 - z_1 = x_0 - 2 x_1 + x_3 / 2 is to grow; the third pixel has no gradient.
    const float wanted[4] = {0.6f, 0.4f, 0.5f, 0.05f + 0.1f};
    assert_memory_equal(r.x_adv, wanted, sizeof(wanted));
    assert_int_equal(r.outcomes[0].forwards, 2);
    assert_int_equal(r.outcomes[0].backwards, 1);
    trial_free(&r);
    job = job_make("fgsm", &t.f, IGD_NORM_L2, 0.3);
    job.mode = IGD_RETURN_HIGH_LOSS;
    trial_make(&r, &t.f, 1, image, label);
    trial_run(&r, &job, &t.f, 1);
    const float length = sqrtf(1.0f + 4.0f + 0.25f);
    assert_true(fabsf(r.x_adv[0] - (0.5f + 0.3f / length)) < 1e-6f);
    assert_true(fabsf(r.x_adv[1] - (0.5f - 0.6f / length)) < 1e-6f);
    trial_free(&r);
}

static void test_pgd__reaches_the_worst_corner_of_a_linear_classifier(void **state)
{
    (void)state;
    const float image[4] = {0.95f, 0.5f, 0.5f, 0.05f};
    const int label[1] = {1};
    static const char *const names[] = {"pgd", "gama-pgd"};
    for (int k = 0; k < 2; k++) {
        toy t;
        trial r;
        toy_make(&t, 4, 2, 2, pair_w, pair_b, NULL);
        igd_attack_job job = job_make(names[k], &t.f, IGD_NORM_LINF, 0.1);
        job.mode = IGD_RETURN_HIGH_LOSS;
        trial_make(&r, &t.f, 1, image, label);
        trial_run(&r, &job, &t.f, 1);
        assert_true(r.x_adv[0] == 1.0f); // the image ends before the ball
        assert_true(fabsf(r.x_adv[1] - 0.4f) < 1e-6f);
        assert_true(fabsf(r.x_adv[3] - 0.15f) < 1e-6f);
        trial_check(&r, &job, &t.f);
        trial_free(&r);
    }
}

static void test_pgd__l2_reaches_the_nearest_face(void **state)
{
    (void)state;
    const float image[4] = {0.5f, 0.5f, 0.5f, 0.5f};
    const int label[1] = {1};
    toy t;
    trial r;
    toy_make(&t, 4, 2, 2, pair_w, pair_b, NULL);
    igd_attack_job job = job_make("pgd", &t.f, IGD_NORM_L2, 0.2);
    job.mode = IGD_RETURN_HIGH_LOSS;
    trial_make(&r, &t.f, 1, image, label);
    trial_run(&r, &job, &t.f, 1);
    const float length = sqrtf(1.0f + 4.0f + 0.25f);
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(r.x_adv[i] - (0.5f + 0.2f * pair_w[i] / length)) < 1e-4f);
    trial_free(&r);
}

static void test_pgd__batches_order_and_shortcuts_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *parameter;
        igd_norm norm;
        double eps, value;
    } cases[] = {
        {"fgsm", "random_start", IGD_NORM_LINF, 0.03, 0},
        {"fgsm", "random_start", IGD_NORM_LINF, 0.03, 1},
        {"fgsm", "random_start", IGD_NORM_L2, 0.1, 0},
        {"pgd", "steps", IGD_NORM_LINF, 0.03, 10},
        {"pgd", "last", IGD_NORM_LINF, 0.03, 1},
        {"pgd", "restarts", IGD_NORM_L2, 0.1, 3},
        {"gama-pgd", "steps", IGD_NORM_LINF, 0.03, 40},
        {"gama-pgd", "restarts", IGD_NORM_LINF, 0.03, 2},
    };
    toy t;
    net_make(&t);
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        igd_attack_job job = job_make(cases[k].name, &t.f, cases[k].norm, cases[k].eps);
        assert_ok(igd_attack_job_set(&job, cases[k].parameter, cases[k].value));
        trial_check_invariance(&job, &t.f, N, x, labels);
        job.mode = IGD_RETURN_HIGH_LOSS;
        trial_check_invariance(&job, &t.f, N, x, labels);
    }
}

static void test_pgd__seed_decides_the_start(void **state)
{
    (void)state;
    toy t;
    net_make(&t);
    igd_attack_job job = job_make("pgd", &t.f, IGD_NORM_LINF, 0.01);
    trial_check_seed(&job, &t.f, N, x, labels);
}

static void test_pgd__more_steps_do_not_lower_the_loss(void **state)
{
    (void)state;
    toy t;
    trial r;
    double before = 0.0, after = 0.0;
    net_make(&t);
    trial_make(&r, &t.f, N, x, labels);
    igd_attack_job job = job_make("pgd", &t.f, IGD_NORM_LINF, 0.01);
    job.mode = IGD_RETURN_HIGH_LOSS;
    for (int steps = 1; steps <= 50; steps += 49) {
        assert_ok(igd_attack_job_set(&job, "steps", steps));
        trial_run(&r, &job, &t.f, 8);
        for (int i = 0; i < N; i++)
            *(steps == 1 ? &before : &after) += r.outcomes[i].loss;
    }
    assert_true(after > before);
    trial_free(&r);
}

static void test_pgd__gama_costs_one_pass_a_step_and_one_to_judge(void **state)
{
    (void)state;
    toy t;
    trial r;
    net_make(&t);
    igd_attack_job job = job_make("gama-pgd", &t.f, IGD_NORM_LINF, 1e-4);
    trial_make(&r, &t.f, N, x, labels);
    trial_run(&r, &job, &t.f, 8);
    assert_false(r.fooled[1]);
    assert_int_equal(r.outcomes[1].forwards, 101);
    assert_int_equal(r.outcomes[1].backwards, 100);
    trial_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_pgd__fgsm_goes_eps_against_the_weights),
        TENSOR_TEST(test_pgd__reaches_the_worst_corner_of_a_linear_classifier),
        TENSOR_TEST(test_pgd__l2_reaches_the_nearest_face),
        TENSOR_TEST(test_pgd__batches_order_and_shortcuts_change_nothing),
        TENSOR_TEST(test_pgd__seed_decides_the_start),
        TENSOR_TEST(test_pgd__more_steps_do_not_lower_the_loss),
        TENSOR_TEST(test_pgd__gama_costs_one_pass_a_step_and_one_to_judge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
