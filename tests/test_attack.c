// The engine, with attacks whose every move is scripted, and the table of attacks.
#include "attack_fixture.h"

#include "core/error.h"
#include "igdef/runtime.h"

// A classifier of one pixel: z = (0, 100 x - 50), so that x > 0.5 is class 1.
static const float line_w[2] = {0, 100}, line_b[2] = {0, -50};
static toy line;

static void line_make(void)
{
    toy_make(&line, 1, 2, 2, line_w, line_b, NULL);
}

// The scripted attack: run i of an image asks for `length[i]` points and at the last one
// is at value[i]. Images are told apart by their label's sign only.
#define RUNS 4
static struct {
    int length[RUNS];
    float value[RUNS];
    bool grads; // takes a gradient after each logits
    float last_grad;
} script;

typedef struct scripted {
    int asked;
} scripted;

static int scripted_runs(const igd_attack_job *job)
{
    (void)job;
    return RUNS;
}

static igd_want scripted_start(igd_run *r)
{
    const scripted *s = r->state;
    assert_int_equal(s->asked, 0); // the state is zeroed
    assert_true(r->x_adv[0] == r->x[0]);
    r->point[0] = script.length[r->index] == 1 ? script.value[r->index] : r->x[0];
    return script.length[r->index] == 0 ? IGD_WANT_END : IGD_WANT_LOGITS;
}

static igd_want scripted_go_on(igd_run *r)
{
    scripted *s = r->state;
    r->queries = s->asked + 1;
    r->distance = 10.0 - r->index;
    if (++s->asked == script.length[r->index])
        return IGD_WANT_END;
    if (s->asked == script.length[r->index] - 1)
        r->point[0] = script.value[r->index];
    return IGD_WANT_LOGITS;
}

static igd_want scripted_logits(igd_run *r, const float *z)
{
    const scripted *s = r->state;
    if (igd_run_prediction(r, z) != r->label && s->asked == script.length[r->index] - 1) {
        if (igd_run_found(r, 1.0 + r->index))
            return IGD_WANT_END;
    } else if (!r->fooled) {
        r->loss = (double)r->point[0];
        r->x_adv[0] = r->point[0];
    }
    if (!script.grads)
        return scripted_go_on(r);
    r->weight[0] = 0.0f;
    r->weight[1] = 2.0f;
    return IGD_WANT_GRAD;
}

static igd_want scripted_gradient(igd_run *r, const float *grad)
{
    assert_true(grad[0] == 200.0f);
    return scripted_go_on(r);
}

static const igd_attack scripted_attack = {
    .name = "scripted",
    .norms = 7,
    .num_runs = scripted_runs,
    .state_size = sizeof(scripted),
    .start = scripted_start,
    .logits = scripted_logits,
    .gradient = scripted_gradient,
};

static igd_attack_job scripted_job(void)
{
    igd_attack_job job;
    const igd_threat threat = {IGD_NORM_LINF, 1.0};
    assert_ok(igd_attack_job_init(&job, &scripted_attack, &threat, &line.f, 0));
    return job;
}

static void script_set(const int *length, const float *value, bool grads)
{
    memcpy(script.length, length, sizeof(script.length));
    memcpy(script.value, value, sizeof(script.value));
    script.grads = grads;
}

static const float lows[5] = {0.1f, 0.2f, 0.3f, 0.4f, 0.15f};
static const int zeros[5] = {0};

static void test_attack__first_run_that_fools_decides(void **state)
{
    (void)state;
    line_make();
    // Run 3 ends first and run 2 second, but run 1, the slowest, fools too.
    script_set((const int[]){5, 9, 2, 1}, (const float[]){0.3f, 0.6f, 0.7f, 0.8f}, false);
    const igd_attack_job job = scripted_job();
    for (int batch = 1; batch <= 32; batch += 3) {
        trial t;
        trial_make(&t, &line.f, 5, lows, zeros);
        trial_run(&t, &job, &line.f, batch);
        for (int i = 0; i < 5; i++) {
            assert_true(t.fooled[i] && t.x_adv[i] == 0.6f);
            assert_int_equal(t.outcomes[i].run, 1);
            assert_true(t.outcomes[i].loss == 2.0);
            assert_int_equal(t.outcomes[i].forwards, 5 + 9); // of runs 0 and 1
        }
        trial_free(&t);
    }
}

static void test_attack__transfer_mode_gives_the_highest_loss(void **state)
{
    (void)state;
    line_make();
    script_set((const int[]){3, 2, 4, 2}, (const float[]){0.3f, 0.45f, 0.45f, 0.2f},
               true);
    igd_attack_job job = scripted_job();
    for (int mode = 0; mode < 2; mode++) {
        job.mode = mode == 0 ? IGD_RETURN_FOOLED : IGD_RETURN_HIGH_LOSS;
        for (int batch = 1; batch <= 32; batch += 5) {
            trial t;
            trial_make(&t, &line.f, 5, lows, zeros);
            trial_run(&t, &job, &line.f, batch);
            for (int i = 0; i < 5; i++) {
                assert_false(t.fooled[i]);
                assert_int_equal(t.outcomes[i].run, -1);
                assert_true(t.x_adv[i] == (mode == 0 ? lows[i] : 0.45f));
                assert_int_equal(t.outcomes[i].forwards, 11);
                assert_int_equal(t.outcomes[i].backwards, 11);
                assert_int_equal(t.outcomes[i].queries, 11);
                assert_true(t.outcomes[i].distance == 7.0);
            }
            trial_free(&t);
        }
    }
}

static void test_attack__runs_ahead_of_their_turn_fill_the_batch(void **state)
{
    (void)state;
    line_make();
    script_set((const int[]){5, 5, 5, 5}, (const float[]){0.1f, 0.1f, 0.1f, 0.1f}, false);
    igd_attack_job job = scripted_job();
    trial t;
    trial_make(&t, &line.f, 1, lows, zeros);
    int64_t rounds[2];
    for (int k = 0; k < 2; k++) {
        line.passes = 0;
        trial_run(&t, &job, &line.f, k == 0 ? 1 : 8);
        rounds[k] = line.passes / 8; // every pass is filled up to 8 rows
    }
    assert_int_equal(rounds[0], 20);
    assert_int_equal(rounds[1], 5);
    trial_free(&t);
}

static void test_attack__a_run_with_nothing_to_do_costs_nothing(void **state)
{
    (void)state;
    line_make();
    script_set((const int[]){0, 0, 3, 0}, (const float[]){0.1f, 0.1f, 0.9f, 0.1f}, false);
    const igd_attack_job job = scripted_job();
    trial t;
    trial_make(&t, &line.f, 5, lows, zeros);
    trial_run(&t, &job, &line.f, 3);
    for (int i = 0; i < 5; i++) {
        assert_true(t.fooled[i]);
        assert_int_equal(t.outcomes[i].forwards, 3);
    }
    trial_free(&t);
}

static void test_attack__misclassified_image_fools_by_itself(void **state)
{
    (void)state;
    const float x[2] = {0.9f, 0.1f};
    line_make();
    script_set((const int[]){2, 2, 2, 2}, (const float[]){0.1f, 0.1f, 0.1f, 0.1f}, false);
    igd_attack_job job = scripted_job();
    trial t;
    trial_make(&t, &line.f, 2, x, zeros);
    trial_run(&t, &job, &line.f, 4);
    assert_true(t.fooled[0] && t.x_adv[0] == 0.9f && !t.fooled[1]);
    assert_int_equal(t.outcomes[0].forwards, 0);
    job.mode = IGD_RETURN_HIGH_LOSS; // there it is attacked like any other
    trial_run(&t, &job, &line.f, 4);
    assert_int_equal(t.outcomes[0].forwards, 8);
    trial_free(&t);
}

static void test_attack__infinite_logits_end_a_run_and_are_no_success(void **state)
{
    (void)state;
    float w[2] = {0, 1e38f};
    const float b[2] = {0, 0};
    toy steep;
    toy_make(&steep, 1, 2, 2, w, b, NULL);
    steep.scale = 10.0f;
    script_set((const int[]){3, 3, 3, 3}, (const float[]){0.9f, 0.9f, 0.9f, 0.9f}, false);
    const igd_attack_job job = scripted_job();
    const float x[1] = {0.0f};
    trial t;
    trial_make(&t, &steep.f, 1, x, zeros);
    trial_run(&t, &job, &steep.f, 2);
    assert_false(t.fooled[0]);
    assert_int_equal(t.outcomes[0].bad, 4);
    assert_true(t.x_adv[0] == 0.0f);
    trial_free(&t);
}

static void test_attack__zero_gradients_are_counted(void **state)
{
    (void)state;
    const float w[2] = {0, 0}, b[2] = {1, 0}, x[1] = {0.5f};
    toy flat;
    trial t;
    toy_make(&flat, 1, 2, 2, w, b, NULL);
    igd_attack_job job = job_make("apgd-ce", &flat.f, IGD_NORM_LINF, 0.1);
    assert_ok(igd_attack_job_set(&job, "steps", 10));
    trial_make(&t, &flat.f, 1, x, zeros);
    trial_run(&t, &job, &flat.f, 1);
    assert_int_equal(t.outcomes[0].zero_grads, 10);
    assert_int_equal(t.outcomes[0].stalled, 1);
    trial_free(&t);
}

// A randomised classifier near the boundary: single draws are wrong often enough.
static void test_attack__a_lucky_draw_is_voted_down(void **state)
{
    (void)state;
    line_make();
    line.noise = 15.0f;
    line.f.deterministic = false;
    // z_1 - z_0 = -10 +- 21 and +100 +- 21.
    const float robust[RUNS] = {0.4f, 0.4f, 0.4f, 0.4f};
    const float weak[RUNS] = {0.4f, 0.4f, 0.4f, 1.0f};
    script_set((const int[]){40, 40, 40, 40}, robust, false);
    igd_attack_job job = scripted_job();
    float x[20];
    int labels[20] = {0}, won[2] = {0};
    bool flags[20];
    for (int i = 0; i < 20; i++)
        x[i] = 0.0f;
    trial t;
    trial_make(&t, &line.f, 20, x, labels);
    for (int votes = 1; votes <= 101; votes += 100) {
        job.votes = votes;
        trial_run(&t, &job, &line.f, 6);
        for (int i = 0; i < 20; i++)
            won[votes > 1] += t.fooled[i];
        memcpy(flags, t.fooled, sizeof(flags));
        trial_run(&t, &job, &line.f, 17);
        assert_memory_equal(flags, t.fooled, sizeof(flags));
    }
    assert_true(won[0] > 0);
    assert_int_equal(won[1], 0);
    script_set((const int[]){40, 40, 40, 40}, weak, false);
    trial_run(&t, &job, &line.f, 6);
    for (int i = 0; i < 20; i++)
        assert_true(t.fooled[i] && t.x_adv[i] == 1.0f);
    trial_free(&t);
    line_make();
}

static igd_status broken_next(igd_target *out, void *payload)
{
    (void)out;
    (void)payload;
    return IGD_EIO;
}

static igd_status broken_tick(const igd_engine *engine, void *payload)
{
    assert_non_null(engine);
    return ++*(int *)payload == 3 ? IGD_ECANCELED : IGD_OK;
}

static int left_to_give;

static igd_status one_next(igd_target *out, void *payload)
{
    static const float x[1] = {0.25f}, clean[2] = {0, -25};
    (void)payload;
    if (left_to_give-- > 0)
        *out = (igd_target){.x = x, .clean = clean};
    return IGD_OK;
}

static igd_status full_done(const igd_outcome *o, void *payload)
{
    (void)o;
    (void)payload;
    return IGD_EIO;
}

static void test_attack__failures_of_the_feed_are_passed_on(void **state)
{
    (void)state;
    int ticks = 0;
    line_make();
    script_set((const int[]){9, 9, 9, 9}, (const float[]){0.1f, 0.1f, 0.1f, 0.1f}, true);
    const igd_attack_job job = scripted_job();
    const igd_engine_feed broken = {broken_next, full_done, NULL, NULL, NULL};
    assert_int_equal(igd_engine_run(&job, &line.f, 4, &broken), IGD_EIO);
    left_to_give = 1;
    const igd_engine_feed full = {one_next, full_done, NULL, NULL, NULL};
    assert_int_equal(igd_engine_run(&job, &line.f, 4, &full), IGD_EIO);
    left_to_give = 1;
    const igd_engine_feed stopped = {one_next, full_done, broken_tick, &ticks, NULL};
    assert_int_equal(igd_engine_run(&job, &line.f, 4, &stopped), IGD_ECANCELED);
    assert_int_equal(ticks, 3);
}

static igd_tensor *broken_logits(igd_scope *s, const void *self, const igd_tensor *images,
                                 const igd_draw *draws)
{
    (void)self;
    (void)images;
    (void)draws;
    igd_scope_fail(s, igd_error(IGD_ETORCH, "the model broke"));
    return NULL;
}

static void test_attack__failure_of_a_thread_is_passed_on(void **state)
{
    (void)state;
    const int before = igd_num_threads();
    line_make();
    script_set((const int[]){9, 9, 9, 9}, (const float[]){0.1f, 0.1f, 0.1f, 0.1f}, true);
    const igd_attack_job job = scripted_job();
    const igd_engine_feed feed = {one_next, full_done, NULL, NULL, NULL};
    line.f.logits = broken_logits;
    for (int threads = 1; threads <= 3; threads++) {
        assert_ok(igd_set_num_threads(threads));
        left_to_give = 50;
        assert_fails(igd_engine_run(&job, &line.f, 64, &feed), IGD_ETORCH,
                     "the model broke");
    }
    assert_ok(igd_set_num_threads(before));
}

static void test_attack__unusable_jobs_are_refused(void **state)
{
    (void)state;
    toy other;
    line_make();
    igd_attack_job job = scripted_job();
    const igd_engine_feed feed = {one_next, full_done, NULL, NULL, NULL};
    assert_fails(igd_engine_run(&job, &line.f, 0, &feed), IGD_EINVAL, "batch size is 0");
    job.votes = 0;
    assert_fails(igd_engine_run(&job, &line.f, 1, &feed), IGD_EINVAL, "0 votes");
    job.votes = 5;
    const float w[6] = {0}, b[3] = {0};
    toy_make(&other, 2, 3, 3, w, b, NULL);
    assert_fails(igd_engine_run(&job, &other.f, 1, &feed), IGD_EINVAL,
                 "another classifier");
    igd_threat threat = {IGD_NORM_LINF, 0.0};
    assert_fails(igd_attack_job_init(&job, &scripted_attack, &threat, &line.f, 0),
                 IGD_EINVAL, "eps is 0");
    threat.eps = NAN;
    assert_fails(igd_attack_job_init(&job, &scripted_attack, &threat, &line.f, 0),
                 IGD_EINVAL, "eps is nan");
    threat = (igd_threat){IGD_NORM_L1, 1.0};
    assert_fails(igd_attack_job_init(&job, &igd_attack_fgsm, &threat, &line.f, 0),
                 IGD_EINVAL, "fgsm does not know the norm L1");
}

static void test_attack__names_are_found_and_suggested(void **state)
{
    (void)state;
    const igd_attack *a;
    for (int i = 0; i < igd_attack_count(); i++) {
        int num;
        assert_ok(igd_attack_find(&a, igd_attack_name(igd_attack_at(i))));
        assert_ptr_equal(a, igd_attack_at(i));
        assert_true(strlen(igd_attack_help(a)) > 0);
        const igd_parameter *p = igd_attack_parameters(a, &num);
        assert_true(num <= IGD_MAX_PARAMETERS);
        for (int k = 0; k < num; k++) {
            assert_true(p[k].value >= p[k].min && p[k].value <= p[k].max);
            assert_true(strlen(p[k].help) > 0);
            for (int j = 0; j < k; j++)
                assert_string_not_equal(p[j].name, p[k].name);
        }
    }
    assert_null(igd_attack_at(igd_attack_count()));
    assert_fails(igd_attack_find(&a, "agpd-ce"), IGD_EINVAL, "did you mean 'apgd-ce'?");
    assert_null(a);
    assert_fails(igd_attack_find(&a, "deepfool"), IGD_EINVAL, "no attack 'deepfool'");
}

static void test_attack__parameters_are_checked(void **state)
{
    (void)state;
    line_make();
    igd_attack_job job = job_make("apgd-ce", &line.f, IGD_NORM_LINF, 0.1);
    assert_true(job_value(&job, "steps") == 100.0);
    assert_ok(igd_attack_job_set(&job, "steps", 7));
    assert_true(job_value(&job, "steps") == 7.0);
    assert_fails(igd_attack_job_set(&job, "stepz", 7), IGD_EINVAL,
                 "no parameter of apgd-ce 'stepz'; did you mean 'steps'?");
    assert_fails(igd_attack_job_set(&job, "steps", 7.5), IGD_EINVAL, "whole number");
    assert_fails(igd_attack_job_set(&job, "steps", 0), IGD_EINVAL, "outside 1 to 100000");
    assert_fails(igd_attack_job_set(&job, "rho", NAN), IGD_EINVAL, "apgd-ce.rho is nan");
}

static void test_attack__norms_have_names(void **state)
{
    (void)state;
    igd_norm norm;
    for (int i = IGD_NORM_LINF; i <= IGD_NORM_L1; i++) {
        assert_ok(igd_norm_parse(&norm, igd_norm_name((igd_norm)i)));
        assert_int_equal(norm, i);
    }
    assert_fails(igd_norm_parse(&norm, "L0"), IGD_EINVAL, "unknown norm 'L0'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_attack__first_run_that_fools_decides),
        TENSOR_TEST(test_attack__transfer_mode_gives_the_highest_loss),
        TENSOR_TEST(test_attack__runs_ahead_of_their_turn_fill_the_batch),
        TENSOR_TEST(test_attack__a_run_with_nothing_to_do_costs_nothing),
        TENSOR_TEST(test_attack__misclassified_image_fools_by_itself),
        TENSOR_TEST(test_attack__infinite_logits_end_a_run_and_are_no_success),
        TENSOR_TEST(test_attack__zero_gradients_are_counted),
        TENSOR_TEST(test_attack__a_lucky_draw_is_voted_down),
        TENSOR_TEST(test_attack__failures_of_the_feed_are_passed_on),
        TENSOR_TEST(test_attack__failure_of_a_thread_is_passed_on),
        TENSOR_TEST(test_attack__unusable_jobs_are_refused),
        TENSOR_TEST(test_attack__names_are_found_and_suggested),
        TENSOR_TEST(test_attack__parameters_are_checked),
        TENSOR_TEST(test_attack__norms_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
