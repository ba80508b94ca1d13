// Places of the batch that no run needs ask what runs will ask next.
#include "attack_fixture.h"
#include "core/logits.h"

enum { SIDE = 8, D = SIDE * SIDE, HIDDEN = 10, CLASSES = 4, NUM = 6, QUERIES = 300 };

static float w1[HIDDEN * D], b1[HIDDEN], w2[CLASSES * HIDDEN], images[NUM * D];
static int labels[NUM];
static toy classifier;

static const igd_classifier *prepare(float noise)
{
    float z[NUM * CLASSES];
    const igd_draw draws[NUM] = {{0}};

    toy_random(w1, HIDDEN * D, 0.3f, "w1");
    toy_random(b1, HIDDEN, 0.3f, "b1");
    toy_random(w2, CLASSES * HIDDEN, 0.3f, "w2");
    toy_images(images, NUM * D, "images");
    toy_make(&classifier, D, HIDDEN, CLASSES, w1, b1, w2);
    classifier.f.shape[1] = classifier.f.shape[2] = SIDE;
    assert_ok(igd_classifier_logits(z, &classifier.f, images, NUM, draws));
    for (int i = 0; i < NUM; i++)
        labels[i] = igd_argmax(z + (ptrdiff_t)i * CLASSES, CLASSES);
    classifier.noise = noise;
    classifier.f.deterministic = noise == 0.0f;
    return &classifier.f;
}

// Outcomes with room to guess, a batch of 64, are those without, a batch of 1; only the
// passes are fewer.
static void check(const char *name, float noise, double eps, const char *option)
{
    const igd_classifier *f = prepare(noise);
    igd_attack_job job = job_make(name, f, IGD_NORM_LINF, eps);
    trial one, many;
    int64_t rows[2];

    assert_ok(igd_attack_job_set(&job, "queries", QUERIES));
    if (option != NULL)
        assert_ok(igd_attack_job_set(&job, option, 3));
    trial_make(&one, f, NUM, images, labels);
    trial_make(&many, f, NUM, images, labels);
    classifier.passes = 0;
    trial_run(&one, &job, f, option == NULL ? 1 : 3);
    rows[0] = classifier.passes;
    classifier.passes = 0;
    trial_run(&many, &job, f, 64);
    rows[1] = classifier.passes;

    int64_t forwards = 0;
    for (int i = 0; i < NUM; i++) {
        const igd_outcome *a = &one.outcomes[i], *b = &many.outcomes[i];
        assert_int_equal(a->fooled, b->fooled);
        assert_int_equal(a->forwards, b->forwards);
        assert_int_equal(a->queries, b->queries);
        assert_true(a->distance == b->distance);
        forwards += a->forwards;
    }
    assert_memory_equal(one.x_adv, many.x_adv, sizeof(images));
    // One image's few rows are filled up to 8 with copies; guesses make use of them.
    assert_true(rows[0] >= forwards * 8 / 5);
    assert_true(rows[1] < rows[0] * 2 / 3);
    trial_free(&one);
    trial_free(&many);
}

static void test_speculate__guesses_change_no_outcome(void **state)
{
    (void)state;
    check("square", 0, 0.01, NULL);
    check("rays", 0, 1e-4, NULL);
}

static void test_speculate__guesses_get_the_noise_of_their_turn(void **state)
{
    (void)state;
    check("square", 0.2f, 0.01, NULL);
    check("rays", 0.2f, 1e-4, NULL);
    check("square", 0.2f, 0.01, "eot");
    check("rays", 0.2f, 1e-4, "votes");
}

// Without shortcuts every row is asked for.
static void test_speculate__nothing_is_guessed_without_shortcuts(void **state)
{
    (void)state;
    const igd_classifier *f = prepare(0);
    igd_attack_job job = job_make("square", f, IGD_NORM_LINF, 1e-4);
    trial t;

    assert_ok(igd_attack_job_set(&job, "queries", 50));
    job.shortcuts = false;
    trial_make(&t, f, 1, images, labels);
    classifier.passes = 0;
    trial_run(&t, &job, f, 64);
    assert_int_equal(t.outcomes[0].forwards, 51);
    assert_int_equal(classifier.passes, 51 * 8);
    trial_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_speculate__guesses_change_no_outcome),
        TENSOR_TEST(test_speculate__guesses_get_the_noise_of_their_turn),
        TENSOR_TEST(test_speculate__nothing_is_guessed_without_shortcuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
