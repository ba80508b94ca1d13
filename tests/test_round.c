// Passes off the host: the device is a classifier of this process that claims to be one.
// Nothing of what attacks find may differ from what they find on the host.
#include "attack_fixture.h"

#include <pthread.h>
#include <time.h>

#include "core/error.h"
#include "igdef/runtime.h"

#define D 20
#define H 16
#define C 5
#define N 40
#define LONG 60 // seconds, for what takes none

static struct {
    toy t;
    float w[H * D], b[H], w2[C * H], x[N * D];
    int labels[N];
} world;

static void world_make(void)
{
    toy_random(world.w, H * D, 1.0f, "w");
    toy_random(world.b, H, 0.5f, "b");
    toy_random(world.w2, C * H, 0.7f, "w2");
    toy_make(&world.t, D, H, C, world.w, world.b, world.w2);
    world.t.f.shape[1] = 4;
    world.t.f.shape[2] = D / 4;
    toy_labelled(&world.t.f, world.x, world.labels, N, 1.0f);
}

static void assert_same_outcomes(const trial *a, const trial *b)
{
    assert_memory_equal(a->x_adv, b->x_adv, (size_t)(a->n * a->d) * sizeof(float));
    for (int64_t i = 0; i < a->n; i++) {
        const igd_outcome *p = &a->outcomes[i], *q = &b->outcomes[i];
        assert_int_equal(p->fooled, q->fooled);
        assert_int_equal(p->run, q->run);
        assert_memory_equal(&p->loss, &q->loss, sizeof(p->loss));
        assert_memory_equal(&p->distance, &q->distance, sizeof(p->distance));
        assert_int_equal(p->forwards, q->forwards);
        assert_int_equal(p->backwards, q->backwards);
        assert_int_equal(p->queries, q->queries);
        assert_int_equal(p->zero_grads, q->zero_grads);
        assert_int_equal(p->stalled, q->stalled);
    }
}

// An attack on the host with one thread, and off it with several batch sizes and threads.
static void check_attack(const char *name, const char *parameter, double value)
{
    static const int sizes[] = {1, 8, 13, 64}, threads[] = {1, 3};
    igd_classifier device = world.t.f;
    igd_attack_job job = job_make(name, &world.t.f, IGD_NORM_LINF, 0.06);
    trial host, other;

    device.off_host = true;
    assert_ok(igd_attack_job_set(&job, parameter, value));
    trial_make(&host, &world.t.f, N, world.x, world.labels);
    trial_make(&other, &world.t.f, N, world.x, world.labels);
    assert_ok(igd_set_num_threads(1));
    trial_run(&host, &job, &world.t.f, 16);
    const int fooled = trial_num_fooled(&host);
    assert_true(fooled > 0 && fooled < N); // both ends of a run are met
    for (int i = 0; i < 2; i++) {
        assert_ok(igd_set_num_threads(threads[i]));
        for (int k = 0; k < 4; k++) {
            trial_run(&other, &job, &device, sizes[k]);
            assert_same_outcomes(&host, &other);
        }
    }
    assert_ok(igd_set_num_threads(0));
    trial_free(&host);
    trial_free(&other);
}

static void test_round__attacks_find_the_same_off_the_host(void **state)
{
    (void)state;
    check_attack("apgd-ce", "steps", 12);
    check_attack("apgd-t", "steps", 8);
    check_attack("pgd", "steps", 8);
    check_attack("fab", "steps", 6); // several gradients of a pass
    check_attack("square", "queries", 60);
    check_attack("rays", "queries", 60);
}

static void test_round__random_classifiers_too(void **state)
{
    (void)state;
    world.t.noise = 0.3f;
    world.t.f.deterministic = false;
    check_attack("apgd-eot", "steps", 6);
    check_attack("square", "queries", 40);
    world.t.noise = 0.0f;
    world.t.f.deterministic = true;
}

// Who called what: the device, and an attack that is told.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t told;
    pthread_t caller;
    const igd_attack *attack;
    int asked, elsewhere, told_by_caller, waited, fails_at;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};

static igd_want watched_logits(igd_run *r, const float *z)
{
    pthread_mutex_lock(&watch.lock);
    if (pthread_equal(pthread_self(), watch.caller))
        watch.told_by_caller++;
    else
        watch.elsewhere++;
    pthread_cond_signal(&watch.told);
    pthread_mutex_unlock(&watch.lock);
    return watch.attack->logits(r, z);
}

// The second call, for the other half, does not end before a run of the first was told.
static igd_tensor *watched_device(igd_scope *s, const void *self, const igd_tensor *x,
                                  const igd_draw *draws)
{
    struct timespec end;
    assert_true(pthread_equal(pthread_self(), watch.caller));
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += LONG;
    pthread_mutex_lock(&watch.lock);
    const int call = ++watch.asked;
    while (call == 2 && watch.elsewhere == 0)
        if (pthread_cond_timedwait(&watch.told, &watch.lock, &end) != 0)
            break;
    watch.waited += call == 2 && watch.elsewhere > 0;
    pthread_mutex_unlock(&watch.lock);
    if (call == watch.fails_at) {
        s->status = igd_error(IGD_ETORCH, "the device is gone");
        return NULL;
    }
    return toy_logits(s, self, x, draws);
}

static igd_status watched_run(int fails_at)
{
    igd_classifier device = world.t.f;
    igd_attack_job job = job_make("apgd-ce", &world.t.f, IGD_NORM_LINF, 0.06);
    igd_attack attack = *job.attack;
    trial t;

    assert_ok(igd_attack_job_set(&job, "steps", 5));
    trial_make(&t, &world.t.f, N, world.x, world.labels);
    watch.attack = job.attack;
    watch.caller = pthread_self();
    watch.asked = watch.elsewhere = watch.told_by_caller = watch.waited = 0;
    watch.fails_at = fails_at;
    attack.logits = watched_logits;
    job.attack = &attack;
    device.off_host = true;
    device.logits = watched_device;
    const igd_engine_feed feed = {trial_next, trial_done, NULL, &t, NULL};
    const igd_status st = igd_engine_run(&job, &device, 32, &feed);
    trial_free(&t);
    return st;
}

static void test_round__one_half_is_told_while_the_device_computes_the_other(void **state)
{
    (void)state;
    assert_ok(watched_run(0));
    assert_int_equal(watch.waited, 1);
    assert_true(watch.elsewhere > 0);
    assert_int_equal(watch.told_by_caller, 0);
}

static void test_round__a_device_that_fails_ends_the_attack(void **state)
{
    (void)state;
    for (int call = 1; call <= 4; call++) {
        assert_int_equal(watched_run(call), IGD_ETORCH);
        assert_string_equal(igd_error_message(), "the device is gone");
        assert_int_equal(watch.asked, call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_round__attacks_find_the_same_off_the_host),
        TENSOR_TEST(test_round__random_classifiers_too),
        TENSOR_TEST(test_round__one_half_is_told_while_the_device_computes_the_other),
        TENSOR_TEST(test_round__a_device_that_fails_ends_the_attack),
    };
    world_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
