// What the tests of attacks share: small classifiers made of tensor operations, and a
// feed over arrays that records every outcome.
#ifndef IGD_TEST_ATTACK_FIXTURE_H
#define IGD_TEST_ATTACK_FIXTURE_H

#include "fixture.h"

#include <math.h>

#include "attack/attack_impl.h"
#include "attack/ball.h"
#include "attack/loss.h"
#include "core/logits.h"
#include "core/number.h"
#include "core/random.h"
#include "engine/engine.h"

// A number as files have it, whatever the locale.
static inline double number(const char *text)
{
    double value = NAN;
    if (text == NULL || !igd_number_parse(&value, text))
        fail_msg("'%s' is no number", text != NULL ? text : "");
    return value;
}

// A classifier of images [1, 1, d]: z = w x + b, or z = w2 |w x + b|, with weights w
// [H, d], b [H], w2 [C, H]. With `noise` every draw moves the logits at random.
typedef struct toy {
    igd_classifier f;
    int64_t d, H, C;
    const float *w, *b, *w2; // w2 is NULL for a linear classifier
    float noise;
    float scale;            // of the logits; 0 counts as 1
    _Atomic int64_t passes; // rows evaluated so far
} toy;

static inline igd_tensor *toy_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                     const igd_draw *draws)
{
    toy *t = (toy *)(uintptr_t)self; // counts its passes
    const int64_t flat[] = {-1, t->d}, rows[] = {t->H, t->d}, heads[] = {t->C, t->H};
    igd_tensor *w = igt_move_axis(s, igt_view(s, t->w, rows, 2, "cpu"), 1, 0);
    igd_tensor *z = igt_add(s, igt_matmul(s, igt_reshape(s, x, flat, 2), w),
                            igt_view(s, t->b, (const int64_t[]){1, t->H}, 2, "cpu"));
    if (t->w2 != NULL) {
        igd_tensor *w2 = igt_move_axis(s, igt_view(s, t->w2, heads, 2, "cpu"), 1, 0);
        z = igt_matmul(s, igt_abs(s, z), w2);
    }
    if (t->scale != 0.0f)
        z = igt_scale(s, z, (double)t->scale);
    const int64_t n = igd_scope_ok(s) ? igd_tensor_length(x, 0) : 0;
    t->passes += n;
    if (t->noise != 0.0f && n > 0) {
        float *noise = malloc((size_t)(n * t->C) * sizeof(float));
        assert_non_null(noise);
        for (int64_t i = 0; i < n; i++) {
            const igd_stream stream =
                igd_stream_make(1, "toy noise", draws[i].image, draws[i].draw);
            igd_random_normal(noise + i * t->C, (size_t)t->C, &stream);
        }
        const int64_t shape[] = {n, t->C};
        z = igt_axpy(s, z, (double)t->noise, igt_floats(s, noise, shape, 2, "cpu"));
        free(noise);
    }
    return z;
}

static inline void toy_make(toy *t, int64_t d, int64_t H, int64_t C, const float *w,
                            const float *b, const float *w2)
{
    *t = (toy){.d = d, .H = H, .C = C, .w = w, .b = b, .w2 = w2};
    t->f = (igd_classifier){.self = t,
                            .block = IGD_BATCH_ROWS,
                            .num_classes = (int)C,
                            .shape = {1, 1, d},
                            .device = "cpu",
                            .deterministic = true,
                            .differentiable = true,
                            .num_passes = 1,
                            .logits = toy_logits};
}

// Normal numbers of a given size, and images.
static inline void toy_random(float *out, size_t n, float size, const char *purpose)
{
    const igd_stream s = igd_stream_make(7, purpose, 0, 0);
    igd_random_normal(out, n, &s);
    for (size_t i = 0; i < n; i++)
        out[i] *= size;
}

static inline void toy_images(float *out, size_t n, const char *purpose)
{
    const igd_stream s = igd_stream_make(7, purpose, 0, 0);
    igd_random_uniform(out, n, &s);
}

// Images to attack and what became of them. Arrays [n, ...] in the order of the images.
typedef struct trial {
    int64_t n, d;
    int C;
    const float *x;
    const int *labels;
    const int *order; // in which the feed gives them; NULL for 0, 1, ...
    int64_t given, taken;
    float *clean, *x_adv;
    bool *fooled;
    igd_outcome *outcomes; // x_adv is not valid
} trial;

static inline void trial_free(trial *t)
{
    free(t->clean);
    free(t->x_adv);
    free(t->fooled);
    free(t->outcomes);
    *t = (trial){0};
}

static inline void trial_make(trial *t, const igd_classifier *f, int64_t n,
                              const float *x, const int *labels)
{
    *t = (trial){.n = n,
                 .d = igd_classifier_pixels(f),
                 .C = f->num_classes,
                 .x = x,
                 .labels = labels};
    t->clean = calloc((size_t)(n * t->C), sizeof(float));
    t->x_adv = calloc((size_t)(n * t->d), sizeof(float));
    t->fooled = calloc((size_t)n, sizeof(bool));
    t->outcomes = calloc((size_t)n, sizeof(igd_outcome));
    igd_draw *draws = calloc((size_t)n, sizeof(*draws));
    assert_true(t->clean != NULL && t->x_adv != NULL && t->fooled != NULL &&
                t->outcomes != NULL && draws != NULL);
    assert_ok(igd_classifier_logits(t->clean, f, x, n, draws));
    free(draws);
}

static inline igd_status trial_next(igd_target *out, void *payload)
{
    trial *t = payload;
    if (t->given == t->n)
        return IGD_OK;
    const int64_t i = t->order == NULL ? t->given : t->order[t->given];
    t->given++;
    *out = (igd_target){.image = i,
                        .label = t->labels[i],
                        .x = t->x + i * t->d,
                        .clean = t->clean + i * t->C};
    return IGD_OK;
}

static inline igd_status trial_done(const igd_outcome *o, void *payload)
{
    trial *t = payload;
    t->taken++;
    t->fooled[o->image] = o->fooled;
    t->outcomes[o->image] = *o;
    memcpy(t->x_adv + o->image * t->d, o->x_adv, (size_t)t->d * sizeof(float));
    return IGD_OK;
}

static inline void trial_run(trial *t, const igd_attack_job *job, const igd_classifier *f,
                             int batch_size)
{
    const igd_engine_feed feed = {trial_next, trial_done, NULL, t, NULL};
    t->given = t->taken = 0;
    assert_ok(igd_engine_run(job, f, batch_size, &feed));
    assert_int_equal(t->taken, t->n);
}

static inline int trial_num_fooled(const trial *t)
{
    int num = 0;
    for (int64_t i = 0; i < t->n; i++)
        num += t->fooled[i];
    return num;
}

// Images [n, d] around grey, and the labels that f gives them.
static inline void toy_labelled(const igd_classifier *f, float *x, int *labels, int n,
                                float contrast)
{
    const int64_t d = igd_classifier_pixels(f);
    igd_draw *draws = calloc((size_t)n, sizeof(*draws));
    float *z = calloc((size_t)n * (size_t)f->num_classes, sizeof(*z));
    assert_true(draws != NULL && z != NULL);
    toy_images(x, (size_t)(n * d), "images");
    for (int64_t i = 0; i < n * d; i++)
        x[i] = fminf(fmaxf(0.5f + contrast * (x[i] - 0.5f), 0), 1);
    assert_ok(igd_classifier_logits(z, f, x, n, draws));
    for (int i = 0; i < n; i++)
        labels[i] = igd_argmax(z + (ptrdiff_t)i * f->num_classes, f->num_classes);
    free(draws);
    free(z);
}

// After one step the same seed has given the same points, another one others.
static inline void trial_check_seed(igd_attack_job *job, const igd_classifier *f,
                                    int64_t n, const float *x, const int *labels)
{
    trial a, b;
    const size_t bytes = (size_t)(n * igd_classifier_pixels(f)) * sizeof(float);
    assert_ok(igd_attack_job_set(job, "steps", 1));
    job->mode = IGD_RETURN_HIGH_LOSS;
    trial_make(&a, f, n, x, labels);
    trial_make(&b, f, n, x, labels);
    trial_run(&a, job, f, 8);
    trial_run(&b, job, f, 8);
    assert_memory_equal(a.x_adv, b.x_adv, bytes);
    job->seed++;
    trial_run(&b, job, f, 8);
    assert_true(memcmp(a.x_adv, b.x_adv, bytes) != 0);
    trial_free(&a);
    trial_free(&b);
}

static inline igd_attack_job job_make(const char *name, const igd_classifier *f,
                                      igd_norm norm, double eps)
{
    const igd_attack *a = NULL;
    igd_attack_job job;
    const igd_threat threat = {norm, eps};
    assert_ok(igd_attack_find(&a, name));
    assert_ok(igd_attack_job_init(&job, a, &threat, f, 0));
    return job;
}

// Value of a parameter that the attack has.
static inline double job_value(const igd_attack_job *job, const char *name)
{
    double value = 0;
    assert_non_null(igd_attack_job_get(job, name, &value));
    return value;
}

// Room for what the attack of r->job declares, zeroed; the caller frees it.
static inline void *run_room(igd_run *r)
{
    const size_t size = igd_run_size(r->job);
    void *room = aligned_alloc(IGD_RUN_ALIGNMENT, size);
    assert_non_null(room);
    memset(room, 0, size);
    igd_run_lay_out(r, room);
    return room;
}

// Asserts what holds for every attack: results lie in the ball and in [0, 1], and fooled
// ones are misclassified where the classifier is deterministic.
static inline void trial_check(const trial *t, const igd_attack_job *job,
                               const igd_classifier *f)
{
    float *z = calloc((size_t)(t->n * t->C), sizeof(float));
    igd_draw *draws = calloc((size_t)t->n, sizeof(*draws));
    assert_true(z != NULL && draws != NULL);
    assert_ok(igd_classifier_logits(z, f, t->x_adv, t->n, draws));
    for (int64_t i = 0; i < t->n; i++) {
        const float *x = t->x + i * t->d, *x_adv = t->x_adv + i * t->d;
        assert_true(igd_ball_norm(x_adv, x, t->d, job->threat.norm) <=
                    job->threat.eps + 1e-6);
        for (int64_t j = 0; j < t->d; j++)
            assert_true(x_adv[j] >= 0.0f && x_adv[j] <= 1.0f);
        if (f->deterministic && t->fooled[i])
            assert_int_not_equal(igd_argmax(z + i * t->C, t->C), t->labels[i]);
    }
    free(z);
    free(draws);
}

// Asserts that batch sizes, order and shortcuts change no flag, and that batch sizes and
// order change no result at all.
static inline void trial_check_invariance(const igd_attack_job *job,
                                          const igd_classifier *f, int64_t n,
                                          const float *x, const int *labels)
{
    static const int sizes[] = {1, 7, 64};
    igd_attack_job full = *job;
    trial t, other;
    int *order = calloc((size_t)n, sizeof(*order));
    assert_non_null(order);
    for (int64_t i = 0; i < n; i++)
        order[i] = (int)(n - 1 - i);
    trial_make(&t, f, n, x, labels);
    trial_make(&other, f, n, x, labels);
    trial_run(&t, job, f, 16);
    trial_check(&t, job, f);
    for (int k = 0; k < 3; k++) {
        other.order = k == 0 ? NULL : order;
        trial_run(&other, job, f, sizes[k]);
        assert_memory_equal(other.fooled, t.fooled, (size_t)n * sizeof(bool));
        assert_memory_equal(other.x_adv, t.x_adv, (size_t)(n * t.d) * sizeof(float));
        for (int64_t i = 0; i < n; i++) {
            assert_int_equal(other.outcomes[i].forwards, t.outcomes[i].forwards);
            assert_int_equal(other.outcomes[i].backwards, t.outcomes[i].backwards);
            assert_int_equal(other.outcomes[i].run, t.outcomes[i].run);
        }
    }
    full.shortcuts = false;
    trial_run(&other, &full, f, 16);
    trial_check(&other, &full, f);
    assert_memory_equal(other.fooled, t.fooled, (size_t)n * sizeof(bool));
    trial_free(&t);
    trial_free(&other);
    free(order);
}

#endif
