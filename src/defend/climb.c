// The test-time defenses that move the image before they classify it: CAAA and the hedge
// defense. Each climbs a gradient of the base model, then classifies what it came to.
// They are classifiers.
//
// Who differentiates such a classifier sees the move as a constant: the gradient is that
// of the base model at the moved image (the identity in place of the climb's own
// gradient).
//
// Source: Alfarra et al., AAAI 2022 (CAAA); Wu et al., 2021 (hedge), as re-implemented by
// Croce et al., ICML 2022.
#include <math.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/json.h"
#include "core/logits.h"
#include "core/random.h"
#include "defend/kinds.h"

#define MOST_STEPS 10000

// A climb in progress, for a batch of images.
typedef struct climb {
    const igd_defense *d;
    int64_t N, D;  // images, pixels of one
    int C;         // classes
    float *x;      // [N, D]
    float *delta;  // [N, D]
    float *at;     // [N, D] x + delta
    float *grad;   // [N, D]
    float *weight; // [N, C] d objective / d logits
    int *label;    // [N] pseudo-labels of CAAA
} climb;

static int num_steps(const igd_defense *d)
{
    return d->kind == IGD_DEFENSE_CAAA ? d->caaa.num_steps : d->hedge.num_steps;
}

static bool starts_at_random(const igd_defense *d)
{
    return d->kind == IGD_DEFENSE_HEDGE && d->hedge.random_start;
}

static float sign(float v)
{
    return (float)((v > 0.0f) - (v < 0.0f)); // 0 for what is no number
}

static float clamp(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

static void climb_free(climb *c)
{
    free(c->x);
    free(c->delta);
    free(c->at);
    free(c->grad);
    free(c->weight);
    free(c->label);
}

static igd_status climb_init(climb *c, const igd_defense *d, int64_t N)
{
    *c =
        (climb){.d = d, .N = N, .D = igd_classifier_pixels(d->f), .C = d->f->num_classes};
    const size_t pixels = (size_t)N * (size_t)c->D;
    c->x = malloc(pixels * sizeof(float));
    c->delta = calloc(pixels, sizeof(float));
    c->at = malloc(pixels * sizeof(float));
    c->grad = malloc(pixels * sizeof(float));
    c->weight = malloc((size_t)N * (size_t)c->C * sizeof(float));
    c->label = calloc((size_t)N, sizeof(int));
    if (c->x != NULL && c->delta != NULL && c->at != NULL && c->grad != NULL &&
        c->weight != NULL && c->label != NULL)
        return IGD_OK;
    climb_free(c);
    return igd_error(IGD_ENOMEM, "no memory to move %lld images", (long long)N);
}

static void start_at_random(climb *c, const igd_defense_view *v, const igd_draw *draws)
{
    const float eps = (float)c->d->hedge.eps;
    for (int64_t i = 0; i < c->N; i++) {
        float *delta = c->delta + i * c->D;
        const igd_stream stream =
            igd_stream_make(c->d->hedge.seed, "hedge", draws[i].image,
                            v->fixed_noise ? 0 : draws[i].draw);
        igd_random_uniform(delta, (size_t)c->D, &stream);
        for (int64_t j = 0; j < c->D; j++)
            delta[j] = eps * (2.0f * delta[j] - 1.0f);
    }
}

// d objective / d logits of one image. CAAA: CE of its pseudo-label. Hedge: the sum of
// the CE of all C classes, which is C logsumexp(z) - sum z.
static void weigh(float *weight, const float *z, const climb *c, int label)
{
    const double most = (double)z[igd_argmax(z, c->C)];
    double sum = 0.0, others = 0.0;
    for (int k = 0; k < c->C; k++)
        sum += exp((double)z[k] - most);
    for (int k = 0; k < c->C; k++) {
        const double p = exp((double)z[k] - most) / sum;
        others += k == label ? 0.0 : p;
        weight[k] = (float)(c->d->kind == IGD_DEFENSE_CAAA ? p : c->C * p - 1.0);
    }
    if (c->d->kind == IGD_DEFENSE_CAAA)
        weight[label] = (float)-others; // p - 1, and not 0 where p rounds to 1
}

static void move(climb *c)
{
    const float alpha = (float)c->d->caaa.alpha, step = (float)c->d->hedge.step_size,
                eps = (float)c->d->hedge.eps;
    for (int64_t j = 0; j < c->N * c->D; j++) {
        if (c->d->kind == IGD_DEFENSE_CAAA) {
            c->delta[j] -= alpha * sign(c->grad[j]);
            continue;
        }
        const float to = clamp(c->delta[j] + step * sign(c->grad[j]), -eps, eps);
        c->delta[j] = clamp(c->x[j] + to, 0.0f, 1.0f) - c->x[j];
    }
}

static igd_status climb_step(climb *c, const igd_draw *draws, bool first)
{
    igd_pass *pass = NULL;
    for (int64_t j = 0; j < c->N * c->D; j++)
        c->at[j] = c->x[j] + c->delta[j];
    IGD_TRY(igd_pass_run(&pass, c->d->f, c->at, c->N, draws));
    for (int64_t i = 0; i < c->N; i++) {
        const float *z = igd_pass_logits(pass) + i * c->C;
        if (first) // the pass that gives the pseudo-label is that of the first step
            c->label[i] = igd_argmax(z, c->C);
        weigh(c->weight + i * c->C, z, c, c->label[i]);
    }
    const igd_status st = igd_pass_grad(c->grad, pass, c->weight, false);
    igd_pass_free(pass);
    if (st == IGD_OK)
        move(c);
    return st;
}

// How far the climb moves the images x; a constant, whatever s records.
static igd_tensor *offset(igd_scope *s, const igd_defense_view *v, const igd_tensor *x,
                          const igd_draw *draws)
{
    const igd_defense *d = v->defense;
    const int64_t *shape = d->f->shape;
    igd_tensor *delta = NULL;
    climb c;
    igd_status st;

    if (!igd_scope_ok(s))
        return NULL;
    if ((st = climb_init(&c, d, igd_tensor_length(x, 0))) != IGD_OK) {
        igd_scope_fail(s, st);
        return NULL;
    }
    igt_read(s, x, c.x, c.N * c.D);
    if (starts_at_random(d))
        start_at_random(&c, v, draws);
    for (int i = 0; i < num_steps(d) && igd_scope_ok(s); i++)
        if ((st = climb_step(&c, draws, i == 0)) != IGD_OK)
            igd_scope_fail(s, st);
    delta = igt_floats(s, c.delta, (int64_t[]){c.N, shape[0], shape[1], shape[2]}, 4,
                       d->f->device);
    climb_free(&c);
    return delta;
}

static igd_tensor *climbing_logits(igd_scope *s, const void *self, const igd_tensor *x,
                                   const igd_draw *draws)
{
    const igd_defense_view *v = self;
    const igd_classifier *f = v->defense->f;
    igd_scope t = igd_scope_begin(s);
    igd_tensor *moved = igt_add(&t, x, offset(&t, v, x, draws));
    return igd_scope_return(&t, f->logits(&t, f->self, moved, draws));
}

void igd_climbing_classifier(igd_classifier *f, const igd_defense_view *view)
{
    const igd_defense *d = view->defense;
    if (num_steps(d) == 0 && !starts_at_random(d))
        return; // it does not move
    f->self = view;
    f->logits = climbing_logits;
    f->deterministic = f->deterministic && (!starts_at_random(d) || view->fixed_noise);
    f->num_passes *= num_steps(d) + 1;
    f->num_backward_passes = num_steps(d);
}

// --- construction

static igd_status check_steps(const igd_defense *d)
{
    const char *why = igd_model_no_gradient(d->base);
    if (num_steps(d) < 0 || num_steps(d) > MOST_STEPS)
        return igd_error(IGD_EINVAL, "steps are %d, outside 0 to %d", num_steps(d),
                         MOST_STEPS);
    if (num_steps(d) > 0 && why != NULL)
        return igd_error(IGD_EINVAL, "%s: the defense climbs its gradient, but %s",
                         igd_model_path(d->base), why);
    return IGD_OK;
}

static igd_status check_size(double v, const char *what)
{
    if (!(isfinite(v) && v > 0.0))
        return igd_error(IGD_EINVAL, "%s is %g, not a number > 0", what, v);
    return IGD_OK;
}

igd_status igd_defense_new_caaa(igd_defense **out, const igd_model *base,
                                const igd_caaa_options *options)
{
    igd_defense *d = NULL;
    cJSON *settings = NULL;
    igd_status st;

    *out = NULL;
    IGD_TRY(igd_defense_begin(&d, base, IGD_DEFENSE_CAAA));
    d->caaa = options != NULL ? *options : igd_caaa_options_default();
    if ((st = check_steps(d)) == IGD_OK &&
        (st = check_size(d->caaa.alpha, "alpha")) == IGD_OK) {
        settings = cJSON_CreateObject();
        cJSON_AddStringToObject(settings, "kind", "caaa");
        cJSON_AddNumberToObject(settings, "steps", d->caaa.num_steps);
        cJSON_AddNumberToObject(settings, "alpha", d->caaa.alpha);
    }
    return igd_defense_finish(out, d, settings, st);
}

igd_status igd_defense_new_hedge(igd_defense **out, const igd_model *base,
                                 const igd_hedge_options *options)
{
    igd_defense *d = NULL;
    cJSON *settings = NULL;
    igd_status st;

    *out = NULL;
    IGD_TRY(igd_defense_begin(&d, base, IGD_DEFENSE_HEDGE));
    d->hedge = options != NULL ? *options : igd_hedge_options_default();
    if ((st = check_steps(d)) == IGD_OK &&
        (st = check_size(d->hedge.step_size, "step size")) == IGD_OK &&
        (st = check_size(d->hedge.eps, "eps")) == IGD_OK) {
        settings = cJSON_CreateObject();
        cJSON_AddStringToObject(settings, "kind", "hedge");
        cJSON_AddNumberToObject(settings, "steps", d->hedge.num_steps);
        cJSON_AddNumberToObject(settings, "step_size", d->hedge.step_size);
        cJSON_AddNumberToObject(settings, "eps", d->hedge.eps);
        cJSON_AddBoolToObject(settings, "random_start", d->hedge.random_start);
        igd_json_add_seed(settings, d->hedge.seed);
    }
    return igd_defense_finish(out, d, settings, st);
}
