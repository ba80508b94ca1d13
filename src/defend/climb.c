// Owns the climb of a batch of images.
#include "defend/climb.h"

#include <math.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/json_build.h"
#include "core/logits.h"

#define MOST_STEPS 10000

// A climb in progress, for a batch of images.
typedef struct batch {
    const igd_climber *d;
    int64_t N, D;  // images, pixels of one
    int C;         // classes
    float *x;      // [N, D]
    float *delta;  // [N, D]
    float *at;     // [N, D] x + delta
    float *grad;   // [N, D]
    float *weight; // [N, C] d objective / d logits
    double *q;     // [C] softmax of one image's logits
    int *label;    // [N] the base model's predictions on x
} batch;

static void batch_free(batch *b)
{
    free(b->x);
    free(b->delta);
    free(b->at);
    free(b->grad);
    free(b->weight);
    free(b->q);
    free(b->label);
}

static igd_status batch_init(batch *b, const igd_climber *d, int64_t N)
{
    const igd_classifier *f = d->common.f;
    *b = (batch){.d = d, .N = N, .D = igd_classifier_pixels(f), .C = f->num_classes};
    const size_t pixels = (size_t)N * (size_t)b->D;
    b->x = malloc(pixels * sizeof(float));
    b->delta = calloc(pixels, sizeof(float));
    b->at = malloc(pixels * sizeof(float));
    b->grad = malloc(pixels * sizeof(float));
    b->weight = malloc((size_t)N * (size_t)b->C * sizeof(float));
    b->q = malloc((size_t)b->C * sizeof(double));
    b->label = calloc((size_t)N, sizeof(int));
    if (b->x != NULL && b->delta != NULL && b->at != NULL && b->grad != NULL &&
        b->weight != NULL && b->q != NULL && b->label != NULL)
        return IGD_OK;
    batch_free(b);
    return igd_error(IGD_ENOMEM, "no memory to move %lld images", (long long)N);
}

static void start(batch *b, const igd_defense_view *v, const igd_draw *draws)
{
    for (int64_t i = 0; i < b->N; i++) {
        const igd_draw draw = {.image = draws[i].image,
                               .draw = v->fixed_noise ? 0 : draws[i].draw};
        b->d->climb.start(b->delta + i * b->D, b->D, &b->d->common, draw);
    }
}

static igd_status step(batch *b, const igd_draw *draws, bool first)
{
    const igd_climb *climb = &b->d->climb;
    igd_pass *pass = NULL;

    for (int64_t j = 0; j < b->N * b->D; j++)
        b->at[j] = b->x[j] + b->delta[j];
    IGD_TRY(igd_pass_run(&pass, b->d->common.f, b->at, b->N, draws));
    for (int64_t i = 0; i < b->N; i++) {
        const float *z = igd_pass_logits(pass) + i * b->C;
        if (first) // the pass that gives the prediction is that of the first step
            b->label[i] = igd_argmax(z, b->C);
        igd_softmax(b->q, z, b->C);
        climb->weigh(b->weight + i * b->C, b->q, b->C, b->label[i]);
    }
    const igd_status st = igd_pass_grad(b->grad, pass, b->weight, false);
    igd_pass_free(pass);
    for (int64_t i = 0; i < b->N && st == IGD_OK; i++)
        climb->move(b->delta + i * b->D, b->x + i * b->D, b->grad + i * b->D, b->D,
                    &b->d->common);
    return st;
}

// How far the climb moves the images x; a constant, whatever s records.
static igd_tensor *offset(igd_scope *s, const igd_defense_view *v, const igd_tensor *x,
                          const igd_draw *draws)
{
    const igd_climber *d = (const igd_climber *)v->defense;
    const int64_t *shape = d->common.f->shape;
    igd_tensor *delta = NULL;
    batch b;
    igd_status st;

    if (!igd_scope_ok(s))
        return NULL;
    if ((st = batch_init(&b, d, igd_tensor_length(x, 0))) != IGD_OK) {
        igd_scope_fail(s, st);
        return NULL;
    }
    igt_read(s, x, b.x, b.N * b.D);
    if (d->climb.start != NULL)
        start(&b, v, draws);
    for (int i = 0; i < d->climb.num_steps && igd_scope_ok(s); i++)
        if ((st = step(&b, draws, i == 0)) != IGD_OK)
            igd_scope_fail(s, st);
    delta = igt_floats(s, b.delta, (int64_t[]){b.N, shape[0], shape[1], shape[2]}, 4,
                       d->common.f->device);
    batch_free(&b);
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
    const igd_climb *climb = &((const igd_climber *)view->defense)->climb;
    if (climb->num_steps == 0 && climb->start == NULL)
        return; // it does not move
    f->self = view;
    f->logits = climbing_logits;
    f->deterministic = f->deterministic && (climb->start == NULL || view->fixed_noise);
    f->num_passes *= climb->num_steps + 1;
    f->num_backward_passes = climb->num_steps;
}

static igd_status check(const igd_model *base, const igd_climb *climb,
                        const igd_climb_size *sizes, int num)
{
    const char *why = igd_model_no_gradient(base);
    if (climb->num_steps < 0 || climb->num_steps > MOST_STEPS)
        return igd_error(IGD_EINVAL, "steps are %d, outside 0 to %d", climb->num_steps,
                         MOST_STEPS);
    if (climb->num_steps > 0 && why != NULL)
        return igd_error(IGD_EINVAL, "%s: the defense climbs its gradient, but %s",
                         igd_model_path(base), why);
    for (int k = 0; k < num; k++)
        if (!(isfinite(sizes[k].value) && sizes[k].value > 0.0))
            return igd_error(IGD_EINVAL, "%s is %g, not a number > 0", sizes[k].what,
                             sizes[k].value);
    return IGD_OK;
}

igd_status igd_climber_begin(igd_defense **out, size_t size, const igd_model *base,
                             const igd_defense_type *type, const igd_climb *climb,
                             const igd_climb_size *sizes, int num)
{
    *out = NULL;
    IGD_TRY(check(base, climb, sizes, num));
    IGD_TRY(igd_defense_begin(out, size, base, type));
    ((igd_climber *)*out)->climb = *climb;
    igd_json_add_number((*out)->settings, "steps", climb->num_steps);
    for (int k = 0; k < num; k++)
        igd_json_add_number((*out)->settings, sizes[k].key, sizes[k].value);
    return IGD_OK;
}
