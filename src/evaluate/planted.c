// Owns the test of attacks on planted adversarial points.
#include "evaluate/planted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "attack/ball.h"
#include "core/error.h"
#include "core/json_build.h"
#include "core/logits.h"
#include "engine/engine.h"

#define MOST_IMAGES 8
#define IMAGES_SHARE 16 // one in so many images is planted
#define POINTS 64       // random points of the ball, of which the best is planted
#define DRAWS 5         // of a random classifier, whose feature is their mean
#define OTHERS 1e3f     // how far below the two classes the others stay
#define TOLERANCE 1e-6

// What the copy for one image is.
typedef struct plant {
    int64_t image; // index in the data set
    int label, other;
    float *feature;          // [C] w
    double threshold, slope; // margin of the label: slope * (threshold - <w, z>)
} plant;

typedef struct planted {
    igd_session *s;
    const igd_classifier *f; // that the copies are made of
    igd_classifier copy;     // of all images at once: rows say which image they are
    plant plant[MOST_IMAGES];
    int num;
    float *features; // [MOST_IMAGES, C]
    float *x;        // [MOST_IMAGES, d] the images
    float *clean;    // [MOST_IMAGES, C] their logits in the copy
    float *points;   // [POINTS, d]
    float *logits;   // [POINTS, C]
    igd_draw draws[POINTS];
    int next, found; // of the attack under test
} planted;

static void planted_free(planted *p)
{
    free(p->features);
    free(p->x);
    free(p->clean);
    free(p->points);
    free(p->logits);
}

// --- the copy

static const plant *plant_of(const planted *p, int64_t image)
{
    for (int k = 0; k < p->num; k++)
        if (p->plant[k].image == image)
            return &p->plant[k];
    return &p->plant[0]; // rows that fill a batch up
}

// z' = offset + direction <w, z>, row by row.
static igd_tensor *copy_logits(igd_scope *s, const void *self, const igd_tensor *x,
                               const igd_draw *draws)
{
    const planted *p = self;
    const int64_t C = p->f->num_classes;
    igd_tensor *z = p->f->logits(s, p->f->self, x, draws);
    const int64_t n = igd_scope_ok(s) ? igd_tensor_length(x, 0) : 0;
    float *rows = calloc((size_t)(3 * n * C) + 1, sizeof(*rows));
    if (rows == NULL || n == 0) {
        free(rows);
        return z;
    }
    float *w = rows, *offset = rows + n * C, *direction = rows + 2 * n * C;
    for (int64_t i = 0; i < n; i++) {
        const plant *k = plant_of(p, draws[i].image);
        const float half = (float)(0.5 * k->slope * k->threshold);
        memcpy(w + i * C, k->feature, (size_t)C * sizeof(*w));
        for (int64_t c = 0; c < C; c++)
            offset[i * C + c] = -fabsf(half) - OTHERS - (float)c;
        offset[i * C + k->label] = half;
        offset[i * C + k->other] = -half;
        direction[i * C + k->label] = (float)(-0.5 * k->slope);
        direction[i * C + k->other] = (float)(0.5 * k->slope);
    }
    const int64_t shape[] = {n, C}, column[] = {n, 1};
    const char *device = p->f->device;
    igd_tensor *each = igt_mul(s, z, igt_floats(s, w, shape, 2, device));
    igd_tensor *feature = igt_reshape(s, igt_sum_axis(s, each, 1), column, 2);
    igd_tensor *along = igt_mul(s, igt_floats(s, direction, shape, 2, device), feature);
    igd_tensor *out = igt_add(s, along, igt_floats(s, offset, shape, 2, device));
    free(rows);
    return out;
}

// --- planting

static double feature_of(const plant *k, const float *z, int C)
{
    double sum = 0.0;
    for (int c = 0; c < C; c++)
        sum += (double)k->feature[c] * (double)z[c];
    return sum;
}

// The mean features of `num` points over the draws.
static igd_status features_at(double *out, planted *p, const plant *k, const float *x,
                              int num)
{
    const int C = p->s->C, draws = p->f->deterministic ? 1 : DRAWS;
    for (int i = 0; i < num; i++)
        out[i] = 0.0;
    for (int r = 0; r < draws; r++) {
        for (int i = 0; i < num; i++)
            p->draws[i] =
                igd_judge_draw(p->s->options->seed, "planted", k->image, r * POINTS + i);
        IGD_TRY(igd_classifier_logits(p->logits, p->f, x, num, p->draws));
        for (int i = 0; i < num; i++)
            out[i] += feature_of(k, p->logits + (int64_t)i * C, C) / draws;
    }
    return IGD_OK;
}

// Random points of the ball around x.
static void scatter(planted *p, int64_t image, const float *x, float *bounds)
{
    const int64_t d = p->s->d;
    const igd_threat *threat = &p->s->options->threat;
    float *lower = bounds, *upper = bounds + d;
    igd_ball_bounds(lower, upper, x, d, threat);
    const igd_ball ball = {.norm = threat->norm,
                           .eps = (float)threat->eps,
                           .x = x,
                           .lower = lower,
                           .upper = upper,
                           .d = d};
    for (int i = 0; i < POINTS; i++) {
        const igd_stream stream =
            igd_stream_make(p->s->options->seed, "planted point", image, (uint64_t)i);
        igd_ball_start(p->points + i * d, &ball, &stream);
    }
}

// Whether the copy misclassifies a point by the majority of draws that nobody saw before.
static igd_status stands(bool *out, planted *p, const plant *k, const float *x)
{
    const int draws = p->f->deterministic ? 1 : DRAWS;
    int wrong = 0;
    for (int r = 0; r < draws; r++) {
        const igd_draw draw =
            igd_judge_draw(p->s->options->seed, "planted", k->image, DRAWS * POINTS + r);
        IGD_TRY(igd_classifier_logits(p->logits, &p->copy, x, 1, &draw));
        wrong += igd_argmax(p->logits, p->s->C) != k->label;
    }
    *out = 2 * wrong > draws;
    return IGD_OK;
}

// Plants a point for the image in place p->num, if its feature rises anywhere.
static igd_status plant_one(planted *p, int64_t row, double margin, float *bounds)
{
    const igd_session *s = p->s;
    const int C = s->C;
    plant *k = &p->plant[p->num];
    float *x = p->x + p->num * s->d;
    double at = 0.0, values[POINTS];
    *k = (plant){.image = s->state.flags.index[row],
                 .label = s->state.flags.label[row],
                 .feature = p->features + (int64_t)p->num * C};
    k->other = (k->label + 1) % C;
    const igd_stream stream =
        igd_stream_make(s->options->seed, "planted feature", k->image, 0);
    igd_random_normal(k->feature, (size_t)C, &stream);
    IGD_TRY(igd_dataset_read(s->data, x, &row, 1));
    IGD_TRY(features_at(&at, p, k, x, 1));
    scatter(p, k->image, x, bounds);
    IGD_TRY(features_at(values, p, k, p->points, POINTS));
    int best = 0, second = -1;
    for (int i = 1; i < POINTS; i++) {
        if (values[i] > values[best]) {
            second = best;
            best = i;
        } else if (second < 0 || values[i] > values[second]) {
            second = i;
        }
    }
    k->threshold = 0.5 * (values[best] + fmax(values[second], at));
    if (!(k->threshold > at))
        return IGD_OK;
    k->slope = margin / (k->threshold - at);
    if (!isfinite(k->slope))
        return IGD_OK;
    bool planted_point = false, wrong = true;
    p->num++;
    IGD_TRY(stands(&planted_point, p, k, p->points + best * s->d));
    IGD_TRY(stands(&wrong, p, k, x));
    if (!planted_point || wrong) { // the noise is wider than the gap
        p->num--;
        return IGD_OK;
    }
    const igd_draw draw = {.image = k->image};
    return igd_classifier_logits(p->clean + (int64_t)(p->num - 1) * C, &p->copy, x, 1,
                                 &draw);
}

// Of the points of the whole run, those that fall to its part of the images.
static int num_wanted(const igd_session *s)
{
    const int64_t whole = igd_session_whole(s), first = igd_dataset_part(s->data).first;
    const double in_play = (double)whole * (double)s->past / (double)s->n;
    const int64_t share = (int64_t)(in_play / IMAGES_SHARE);
    const int64_t all = share < 2 ? 2 : share < MOST_IMAGES ? share : MOST_IMAGES;
    return (int)(all * (first + s->n) / whole - all * first / whole);
}

static igd_status plant_all(planted *p)
{
    igd_session *s = p->s;
    const int most = num_wanted(s);
    const size_t d = (size_t)s->d, C = (size_t)s->C;
    float *bounds = malloc(2 * d * sizeof(*bounds));
    igd_status st = IGD_OK;
    p->features = malloc(MOST_IMAGES * C * sizeof(float));
    p->x = malloc(MOST_IMAGES * d * sizeof(float));
    p->clean = malloc(MOST_IMAGES * C * sizeof(float));
    p->points = malloc(POINTS * d * sizeof(float));
    p->logits = malloc(POINTS * C * sizeof(float));
    if (bounds == NULL || p->features == NULL || p->x == NULL || p->clean == NULL ||
        p->points == NULL || p->logits == NULL)
        st = igd_error(IGD_ENOMEM, "no memory for planted points");
    for (int64_t row = 0; row < s->past && p->num < most && st == IGD_OK; row++) {
        if (!igd_flags_correct(&s->state.flags, 0, row, IGD_MAJORITY))
            continue;
        const igd_draw draw = {.image = s->state.flags.index[row]};
        const int label = s->state.flags.label[row];
        double margin = INFINITY;
        if ((st = igd_dataset_read(s->data, p->points, &row, 1)) != IGD_OK ||
            (st = igd_classifier_logits(p->logits, p->f, p->points, 1, &draw)) != IGD_OK)
            break;
        for (int c = 0; c < s->C; c++)
            if (c != label)
                margin = fmin(margin, (double)p->logits[label] - (double)p->logits[c]);
        if (margin > 0.0 && isfinite(margin))
            st = plant_one(p, row, margin, bounds);
    }
    free(bounds);
    return st;
}

// --- testing

static igd_status test_next(igd_target *out, void *payload)
{
    planted *p = payload;
    if (p->next == p->num)
        return IGD_OK;
    const int k = p->next++;
    *out = (igd_target){.image = p->plant[k].image,
                        .label = p->plant[k].label,
                        .x = p->x + k * p->s->d,
                        .clean = p->clean + (int64_t)k * p->s->C};
    return IGD_OK;
}

static igd_status test_done(const igd_outcome *o, void *payload)
{
    planted *p = payload;
    const igd_threat *threat = &p->s->options->threat;
    const plant *k = plant_of(p, o->image);
    const float *x = p->x + (k - p->plant) * p->s->d;
    const double norm = igd_ball_norm(o->x_adv, x, p->s->d, threat->norm);
    p->found += o->fooled && norm <= threat->eps + TOLERANCE;
    p->s->done++;
    return IGD_OK;
}

static igd_status test_tick(const igd_engine *engine, void *payload)
{
    const planted *p = payload;
    (void)engine;
    return igd_session_tick(p->s);
}

static igd_status test_attack(cJSON *list, planted *p, const igd_step *step)
{
    const igd_engine_feed feed = {
        .next = test_next, .done = test_done, .tick = test_tick, .payload = p};
    igd_attack_job job = step->jobs[0];
    p->s->column = (int)(step - p->s->plan->steps);
    p->s->phase = " on planted points";
    p->s->accuracy_at = 0.0; // to be counted anew
    p->s->done = 0;
    p->s->total = p->num;
    job.mode = IGD_RETURN_FOOLED;
    job.doubted = false; // the copy is exact
    p->next = p->found = 0;
    if (p->num > 0)
        IGD_TRY(igd_engine_run(&job, &p->copy, p->s->batch_size, &feed));
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "attack", step->name);
    igd_json_add_number(o, "images", p->num);
    igd_json_add_number(o, "found", p->found);
    igd_json_append(list, o);
    return IGD_OK;
}

// Gradient attacks on what is judged itself.
static bool is_tested(const igd_step *step, const igd_views *views)
{
    return step->kind == IGD_STEP_ATTACK && step->route == IGD_ROUTE_WHITE &&
           igd_step_role(step, views) == IGD_ROLE_GRADIENT;
}

static int by_name(const void *a, const void *b)
{
    const igd_step *const *p = a, *const *q = b;
    return strcmp((*p)->name, (*q)->name);
}

igd_status igd_planted_test(cJSON **out, igd_session *s)
{
    planted p = {.s = s, .f = igd_classifier_exact(s->views->judged)};
    const igd_step *tested[IGD_MAX_STEPS]; // whatever their order in the list
    int num = 0;
    igd_status st;

    *out = NULL;
    for (int k = 1; k < s->plan->num_main; k++)
        if (is_tested(&s->plan->steps[k], s->views))
            tested[num++] = &s->plan->steps[k];
    if (num == 0 || !p.f->differentiable || p.f->own_noise)
        return IGD_OK;
    qsort((void *)tested, (size_t)num, sizeof(const igd_step *), by_name);
    p.copy = *p.f;
    p.copy.self = &p;
    p.copy.logits = copy_logits;
    cJSON *list = cJSON_CreateArray();
    st = plant_all(&p);
    for (int k = 0; k < num && st == IGD_OK; k++)
        st = test_attack(list, &p, tested[k]);
    s->phase = "";
    if (st == IGD_OK && !igd_json_whole(list))
        st = igd_error(IGD_ENOMEM, "no memory for the result");
    if (st == IGD_OK)
        *out = list;
    else
        cJSON_Delete(list);
    planted_free(&p);
    return st;
}
