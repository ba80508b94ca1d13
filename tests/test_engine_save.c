// Attacks that are cut off in the middle of their images and go on later.
#include "attack_fixture.h"

#include "core/error.h"
#include "core/logits.h"

#define D 20
#define H 16
#define C 5
#define N 12

static struct {
    toy t;
    float w[H * D], b[H], w2[C * H], x[N * D];
    int label[N];
} world;

static void world_make(void)
{
    const igd_draw draws[N] = {{0}};
    float z[N * C];
    toy_random(world.w, H * D, 1.0f, "w");
    toy_random(world.b, H, 0.5f, "b");
    toy_random(world.w2, C * H, 0.7f, "w2");
    toy_make(&world.t, D, H, C, world.w, world.b, world.w2);
    world.t.f.shape[1] = 4;
    world.t.f.shape[2] = D / 4;
    toy_images(world.x, N * D, "x");
    assert_ok(igd_classifier_logits(z, &world.t.f, world.x, N, draws));
    for (int i = 0; i < N; i++)
        world.label[i] = igd_argmax(z + i * C, C);
}

// A trial that is given up after some batches, the images in flight being kept.
typedef struct sitting {
    trial *trial;
    int left; // batches, before everything is saved; 0 for no end
    unsigned char *bytes[N];
    size_t size[N];
    int64_t resumed;
    bool done[N];
} sitting;

static igd_status sitting_next(igd_target *out, void *payload)
{
    const sitting *s = payload;
    trial *t = s->trial;
    while (t->given < t->n && s->done[t->given])
        t->given++;
    return trial_next(out, t);
}

static igd_status sitting_done(const igd_outcome *o, void *payload)
{
    sitting *s = payload;
    assert_false(s->done[o->image]);
    s->done[o->image] = true;
    return trial_done(o, s->trial);
}

static igd_status keep(int64_t image, const void *bytes, size_t size, void *payload)
{
    sitting *s = payload;
    assert_false(s->done[image]);
    s->bytes[image] = realloc(s->bytes[image], size);
    assert_non_null(s->bytes[image]);
    memcpy(s->bytes[image], bytes, size);
    s->size[image] = size;
    return IGD_OK;
}

static igd_status sitting_tick(const igd_engine *engine, void *payload)
{
    sitting *s = payload;
    if (s->left == 0 || --s->left > 0)
        return IGD_OK;
    assert_ok(igd_engine_save(engine, keep, s));
    return igd_error(IGD_ECANCELED, "enough");
}

static const unsigned char *sitting_earlier(size_t *size, int64_t image, void *payload)
{
    sitting *s = payload;
    *size = s->size[image];
    s->resumed += s->bytes[image] != NULL;
    return s->bytes[image];
}

// Runs in sittings of `batches` batches, of sizes that change, to the end.
static void run_in_sittings(sitting *s, trial *t, const igd_attack_job *job, int batches)
{
    static const int sizes[] = {5, 1, 64, 3};
    const igd_engine_feed feed = {sitting_next, sitting_done, sitting_tick, s,
                                  sitting_earlier};
    igd_status st = IGD_ECANCELED;
    *s = (sitting){.trial = t};
    t->taken = 0;
    for (int k = 0; st == IGD_ECANCELED; k++) {
        assert_true(k < 20000);
        s->left = batches;
        t->given = 0;
        st = igd_engine_run(job, &world.t.f, sizes[k % 4], &feed);
    }
    assert_int_equal(st, IGD_OK);
    assert_int_equal(t->taken, N);
}

static void sitting_free(sitting *s)
{
    for (int i = 0; i < N; i++)
        free(s->bytes[i]);
}

static void assert_same(const trial *a, const trial *b)
{
    for (int i = 0; i < N; i++) {
        const igd_outcome *p = &a->outcomes[i], *q = &b->outcomes[i];
        assert_int_equal(p->fooled, q->fooled);
        assert_int_equal(p->run, q->run);
        assert_true(p->loss == q->loss);
        assert_true(p->distance == q->distance);
        assert_int_equal(p->forwards, q->forwards);
        assert_int_equal(p->backwards, q->backwards);
        assert_int_equal(p->queries, q->queries);
        assert_int_equal(p->stalled, q->stalled);
    }
    assert_memory_equal(a->x_adv, b->x_adv, N * D * sizeof(float));
}

// In sittings of few batches the work is the same and nothing is done twice, but for runs
// that were started ahead of their turn.
static void check(const char *name, igd_norm norm, igd_return mode, bool noise)
{
    igd_threat threat = {norm, norm == IGD_NORM_LINF ? 0.03 : 0.12};
    const igd_attack *a = NULL;
    igd_attack_job job;
    trial whole, parts;
    sitting s;

    world.t.noise = noise ? 0.2f : 0.0f;
    world.t.f.deterministic = !noise;
    assert_ok(igd_attack_find(&a, name));
    assert_ok(igd_attack_job_init(&job, a, &threat, &world.t.f, 3));
    job.mode = mode;
    (void)igd_attack_job_set(&job, "steps", 13); // of those that have it
    (void)igd_attack_job_set(&job, "queries", 40);
    (void)igd_attack_job_set(&job, "restarts", 2);
    (void)igd_attack_job_set(&job, "eot", 2);
    trial_make(&whole, &world.t.f, N, world.x, world.label);
    trial_make(&parts, &world.t.f, N, world.x, world.label);
    trial_run(&whole, &job, &world.t.f, 4);
    for (int batches = 1; batches <= 7; batches += 3) {
        memset(parts.x_adv, 0, N * D * sizeof(float));
        run_in_sittings(&s, &parts, &job, batches);
        assert_same(&whole, &parts);
        assert_true(strcmp(name, "fgsm") == 0 || s.resumed > 0);
        sitting_free(&s);
    }
    trial_free(&whole);
    trial_free(&parts);
}

static void test_engine_save__every_attack_goes_on_where_it_was(void **state)
{
    (void)state;
    for (int i = 0; i < igd_attack_count(); i++)
        for (int norm = 0; norm < 3; norm++)
            if (igd_attack_has_norm(igd_attack_at(i), (igd_norm)norm))
                check(igd_attack_name(igd_attack_at(i)), (igd_norm)norm,
                      IGD_RETURN_FOOLED, false);
}

static void test_engine_save__transfer_mode_and_noise_too(void **state)
{
    (void)state;
    static const char *const names[] = {"apgd-ce", "apgd-t", "square", "pgd", "fab-t"};
    for (int i = 0; i < 5; i++) {
        check(names[i], IGD_NORM_LINF, IGD_RETURN_HIGH_LOSS, false);
        check(names[i], IGD_NORM_LINF, IGD_RETURN_FOOLED, true);
    }
    world_make();
}

// A long run goes on, rather than again: the classifier sees no more points than it does
// in one sitting, but for the rows that fill up its batches.
static void test_engine_save__no_work_is_done_twice(void **state)
{
    (void)state;
    igd_attack_job job = job_make("square", &world.t.f, IGD_NORM_LINF, 0.001);
    trial t;
    sitting s;
    assert_ok(igd_attack_job_set(&job, "queries", 300));
    trial_make(&t, &world.t.f, N, world.x, world.label);
    const int64_t before = world.t.passes;
    run_in_sittings(&s, &t, &job, 10);
    // One image at a time takes 8 rows a point.
    assert_true(world.t.passes - before <= 8 * N * 301);
    assert_true(s.resumed > 10);
    sitting_free(&s);
    trial_free(&t);
}

static void test_engine_save__foreign_bytes_are_left_alone(void **state)
{
    (void)state;
    igd_attack_job job = job_make("pgd", &world.t.f, IGD_NORM_LINF, 0.03);
    trial whole, t;
    sitting s = {.trial = &t};
    const igd_engine_feed feed = {sitting_next, sitting_done, sitting_tick, &s,
                                  sitting_earlier};
    trial_make(&whole, &world.t.f, N, world.x, world.label);
    trial_make(&t, &world.t.f, N, world.x, world.label);
    trial_run(&whole, &job, &world.t.f, 4);
    s.left = 3;
    assert_int_equal(igd_engine_run(&job, &world.t.f, 4, &feed), IGD_ECANCELED);
    for (int i = 0; i < 4; i++) {
        assert_true(s.done[i] || s.size[i] > 0);
        if (i == 0)
            s.size[i] /= 2; // cut off
        else if (s.bytes[i] != NULL)
            memset(s.bytes[i], i == 1 ? 0xff : i, 8); // of another image
    }
    s.size[8] = 4;
    s.bytes[8] = calloc(1, 4);
    t.given = 0;
    assert_ok(igd_engine_run(&job, &world.t.f, 4, &feed));
    assert_same(&whole, &t);
    sitting_free(&s);
    trial_free(&t);
    trial_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_engine_save__every_attack_goes_on_where_it_was),
        TENSOR_TEST(test_engine_save__transfer_mode_and_noise_too),
        TENSOR_TEST(test_engine_save__no_work_is_done_twice),
        TENSOR_TEST(test_engine_save__foreign_bytes_are_left_alone),
    };
    world_make();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
