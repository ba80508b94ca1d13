// How attacks change the activations of important and of other neurons.
//
// Source: Kulkarni and Weng, ECCV 2024, Figure 2 and Table 7, and the released script.
#include <stdlib.h>
#include <string.h>

#include "analyze/experiment.h"
#include "analyze/shift_counts.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/json_build.h"
#include "core/logits.h"
#include "core/options.h"
#include "core/require.h"
#include "data/loader.h"
#include "defend/defense_impl.h"
#include "engine/engine.h"
#include "evaluate/plan.h"
#include "model/model_impl.h"
#include "rank/probe.h"
#include "rank/ranking_origin.h"

typedef struct shift {
    const igd_shift_options *o;
    const igd_dataset *data;
    const igd_classifier *base, *target;
    igd_cut *cut;
    igd_attack_job job;
    int C, K;
    int64_t d, N;
    unsigned char *top; // [C, K] whether a neuron is important to a class
    unsigned char *any; // [K] to any class
    int64_t finished;
    igd_shift_counts counts;

    // Correctly classified images that wait for the attack; arrays of `room` rows, a
    // multiple of IGD_BATCH_ROWS, of which at most `capacity` are used.
    int64_t capacity, room, num, handed;
    float *x, *adv;    // [room, d]
    float *clean;      // [room, C]
    float *logits;     // [room, C]
    float *pre, *post; // [room, K]
    int *label;
    igd_draw *draws;
} shift;

static void shift_free(shift *s)
{
    igd_cut_free(s->cut);
    cJSON_Delete(s->counts.images);
    free(s->top);
    free(s->any);
    free(s->x);
    free(s->adv);
    free(s->clean);
    free(s->logits);
    free(s->pre);
    free(s->post);
    free(s->label);
    free(s->draws);
}

static igd_status shift_init(shift *s, const igd_ranking *ranking)
{
    const int64_t batch = s->o->run.batch_size;
    s->capacity = batch < s->N ? batch : s->N;
    s->room = (s->capacity + IGD_BATCH_ROWS - 1) / IGD_BATCH_ROWS * IGD_BATCH_ROWS;
    const size_t rows = (size_t)s->room, C = (size_t)s->C, K = (size_t)s->K;
    s->top = calloc(C, K);
    s->any = calloc(K, 1);
    s->x = malloc(rows * (size_t)s->d * sizeof(float));
    s->adv = malloc(rows * (size_t)s->d * sizeof(float));
    s->clean = malloc(rows * C * sizeof(float));
    s->logits = malloc(rows * C * sizeof(float));
    s->pre = malloc(rows * K * sizeof(float));
    s->post = malloc(rows * K * sizeof(float));
    s->label = malloc(rows * sizeof(*s->label));
    s->draws = malloc(rows * sizeof(*s->draws));
    if (s->top == NULL || s->any == NULL || s->x == NULL || s->adv == NULL ||
        s->clean == NULL || s->logits == NULL || s->pre == NULL || s->post == NULL ||
        s->label == NULL || s->draws == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %zu images", rows);
    for (size_t c = 0; c < C; c++)
        for (int i = 0; i < s->o->top; i++) {
            const size_t k = (size_t)igd_ranking_order(ranking, (int)c)[i];
            s->top[c * K + k] = s->any[k] = 1;
        }
    return IGD_OK;
}

// --- groups

// The group of a neuron for an image of class y that is classified as p after the attack.
// The important neurons of y and of p may overlap, so those two are asked apart.
static bool belongs(const shift *s, igd_group g, int k, int y, int p)
{
    const bool of_true = s->top[y * s->K + k] != 0;
    const bool of_predicted = p != y && s->top[p * s->K + k] != 0;
    switch (g) {
    case IGD_TRUE_CLASS:
        return of_true;
    case IGD_PREDICTED_CLASS:
        return of_predicted;
    case IGD_OTHER_CLASSES:
        return s->any[k] != 0 && !of_true && !of_predicted;
    default:
        return s->any[k] == 0;
    }
}

static void add_image(shift *s, const float *pre, const float *post, int y, int p)
{
    igd_change changes[IGD_NUM_GROUPS] = {0};
    for (int g = 0; g < IGD_NUM_GROUPS; g++)
        for (int k = 0; k < s->K; k++)
            if (belongs(s, (igd_group)g, k, y, p)) {
                changes[g].before += (double)pre[k];
                changes[g].moved += (double)post[k] - (double)pre[k];
                changes[g].neurons++;
            }
    igd_shift_add(&s->counts, changes, p != y);
}

// --- the attack

static igd_status attack_next(igd_target *out, void *payload)
{
    shift *s = payload;
    if (s->handed == s->num)
        return IGD_OK;
    const int64_t i = s->handed++;
    *out = (igd_target){.image = s->draws[i].image,
                        .label = s->label[i],
                        .x = s->x + i * s->d,
                        .clean = s->clean + i * s->C};
    return IGD_OK;
}

static igd_status attack_done(const igd_outcome *o, void *payload)
{
    shift *s = payload;
    // An image that is listed twice is attacked alike twice.
    for (int64_t i = 0; i < s->num; i++)
        if (s->draws[i].image == o->image)
            memcpy(s->adv + i * s->d, o->x_adv, (size_t)s->d * sizeof(float));
    s->counts.bad += o->bad;
    s->counts.zero_grads += o->zero_grads;
    s->finished++;
    return IGD_OK;
}

static igd_status attack_tick(const igd_engine *engine, void *payload)
{
    const shift *s = payload;
    (void)engine;
    const int64_t past = s->counts.seen - s->num + s->finished - s->counts.attacked;
    return igd_experiment_tick(&s->o->run, s->o->attack, (double)past, (double)s->N);
}

// Attacks the images that wait and adds what became of them.
static igd_status flush(shift *s)
{
    const igd_engine_feed feed = {
        .next = attack_next, .done = attack_done, .tick = attack_tick, .payload = s};
    if (s->num == 0)
        return IGD_OK;
    IGD_TRY(igd_activate(s->pre, s->cut, s->base, s->x, s->num, IGD_POOL_AVG));
    s->handed = 0;
    IGD_TRY(igd_engine_run(&s->job, s->target, (int)s->capacity, &feed));
    IGD_TRY(igd_classifier_logits(s->logits, s->target, s->adv, s->num, s->draws));
    IGD_TRY(igd_activate(s->post, s->cut, s->base, s->adv, s->num, IGD_POOL_AVG));
    for (int64_t i = 0; i < s->num; i++)
        add_image(s, s->pre + i * s->K, s->post + i * s->K, s->label[i],
                  igd_argmax(s->logits + i * s->C, s->C));
    s->counts.attacked += s->num;
    s->num = 0;
    return IGD_OK;
}

// Takes the images of a batch that are classified correctly.
static igd_status take(shift *s, const igd_batch *b)
{
    const size_t row = (size_t)s->d * sizeof(float);
    float *z = malloc((size_t)b->n * (size_t)s->C * sizeof(float));
    igd_draw *draws = malloc((size_t)b->n * sizeof(*draws));
    igd_status st = IGD_OK;

    if (z == NULL || draws == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)b->n);
        goto done;
    }
    for (int64_t i = 0; i < b->n; i++)
        draws[i] =
            (igd_draw){.image = igd_dataset_index(s->data, b->which[i]), .draw = 0};
    if ((st = igd_classifier_logits(z, s->target, b->images, b->n, draws)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < b->n && st == IGD_OK; i++) {
        s->counts.seen++;
        if (igd_argmax(z + i * s->C, s->C) != b->labels[i])
            continue;
        memcpy(s->x + s->num * s->d, b->images + i * s->d, row);
        memcpy(s->clean + s->num * s->C, z + i * s->C, (size_t)s->C * sizeof(float));
        s->label[s->num] = b->labels[i];
        s->draws[s->num] = draws[i];
        if (++s->num == s->capacity)
            st = flush(s);
    }

done:
    free(z);
    free(draws);
    return st;
}

static igd_status run(shift *s)
{
    igd_loader *loader = NULL;
    igd_batch batch;
    igd_status st = igd_loader_open(&loader, s->data, NULL, s->N, s->o->run.batch_size);
    while (st == IGD_OK && (st = igd_loader_next(loader, &batch)) == IGD_OK &&
           batch.n > 0)
        st = take(s, &batch);
    igd_loader_free(loader);
    if (st == IGD_OK)
        st = flush(s);
    return st;
}

// --- settings

static bool has_parameter(const igd_attack *a, const char *name)
{
    int num;
    const igd_parameter *p = igd_attack_parameters(a, &num);
    for (int i = 0; i < num; i++)
        if (strcmp(p[i].name, name) == 0)
            return true;
    return false;
}

// The job of the one attack, with the changed parameters as an evaluation reads them.
static igd_status make_job(shift *s)
{
    const igd_shift_options *o = s->o;
    const char *set = o->set != NULL ? o->set : "";
    const size_t room = strlen(o->attack) + strlen(set) + sizeof(".last=1,");
    const igd_attack *attack = NULL;
    igd_evaluate_options e = igd_evaluate_options_default();
    const igd_views views = {.base = s->target, .judged = s->target};
    igd_plan *plan = NULL;

    IGD_TRY(igd_attack_find(&attack, o->attack));
    char *changes = malloc(room);
    if (changes == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the attack");
    // Later changes win, so this one is a default.
    snprintf(changes, room, "%s%s%s%s", has_parameter(attack, "last") ? o->attack : "",
             has_parameter(attack, "last") ? ".last=1" : "",
             has_parameter(attack, "last") && set[0] != '\0' ? "," : "", set);
    e.threat = o->threat;
    e.attacks = o->attack;
    e.set = changes[0] != '\0' ? changes : NULL;
    e.seed = o->run.seed;
    e.checks = false;
    const igd_status st = igd_plan_make(&plan, &views, &e);
    if (st == IGD_OK) {
        s->job = plan->steps[1].jobs[0];
        s->job.mode = IGD_RETURN_HIGH_LOSS; // unsuccessful attacks end somewhere, too
    }
    free(plan);
    free(changes);
    return st;
}

static igd_status check_options(const shift *s, const igd_model *base,
                                const igd_ranking *ranking)
{
    if (!(s->o->threat.eps > 0.0 && s->o->threat.eps <= 1e6) ||
        (s->o->threat.norm == IGD_NORM_LINF && s->o->threat.eps > 1.0))
        return igd_error(IGD_EINVAL, "eps is %g, outside 0 to %g", s->o->threat.eps,
                         s->o->threat.norm == IGD_NORM_LINF ? 1.0 : 1e6);
    if (!s->o->force &&
        strcmp(igd_ranking_model_sha256(ranking), igd_model_sha256(base)) != 0)
        return igd_error(
            IGD_EINVAL,
            "the ranking was made on another model (sha256 %.12s, this is %.12s)",
            igd_ranking_model_sha256(ranking), igd_model_sha256(base));
    const igd_class_names names = igd_ranking_names(ranking);
    if (!s->o->force)
        IGD_TRY(igd_ranking_names_check(&names, s->data));
    if (igd_ranking_num_classes(ranking) != s->C ||
        igd_ranking_num_neurons(ranking) != s->K)
        return igd_error(IGD_EINVAL,
                         "the ranking has %d classes and %d neurons, the model %d and %d",
                         igd_ranking_num_classes(ranking),
                         igd_ranking_num_neurons(ranking), s->C, s->K);
    if (s->o->top < 1 || s->o->top > s->K)
        return igd_error(IGD_EINVAL,
                         "top is %d, outside 1 to the %d neurons of the layer", s->o->top,
                         s->K);
    return IGD_OK;
}

// --- what was found

static igd_status add_settings(igd_findings *f, const shift *s,
                               const igd_ranking *ranking)
{
    cJSON *root = f->root;
    char sha256[65];
    IGD_TRY(igd_sha256_bytes(sha256, s->top, (size_t)s->C * (size_t)s->K));
    cJSON *r = igd_json_add_object(root, "ranking");
    igd_json_add_string(r, "method", igd_ranking_method(ranking));
    igd_json_add_number(r, "num_images", (double)igd_ranking_num_images(ranking));
    igd_json_add_string(r, "top_sha256", sha256);
    igd_json_add_string(root, "layer", igd_ranking_layer(ranking));
    igd_json_add_number(root, "top", s->o->top);
    igd_json_add_string(root, "attack", s->o->attack);
    igd_json_add_string(root, "target", s->target == s->base ? "base" : "defended");
    igd_json_add_item(root, "settings", igd_job_json(&s->job));
    return IGD_OK;
}

igd_status igd_analyze_shift(igd_analysis **out, const igd_model *base,
                             const igd_ranking *ranking, const igd_defense *defense,
                             const igd_dataset *data, const igd_shift_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(ranking);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_shift_options, o, options);
    const igd_experiment who = {"shift", base, defense, data, &o.threat, &o.run};
    const igd_defense_view view = {.defense = defense};
    igd_classifier defended;
    shift s = {.o = &o,
               .data = data,
               .base = igd_model_classifier(base),
               .target = igd_model_classifier(base),
               .C = igd_model_num_classes(base)};
    s.counts = (igd_shift_counts){.attack = o.attack, .num_classes = s.C};
    igd_findings found = {0};
    igd_status st;

    IGD_TRY(igd_experiment_check(&who));
    if (igd_ranking_num_layers(ranking) > 1)
        return igd_error(IGD_EINVAL,
                         "the ranking is of several layers, %s; this takes "
                         "one of a single layer",
                         igd_ranking_layer(ranking));
    if (defense != NULL) {
        defended = igd_defense_classifier(&view);
        s.target = &defended;
    }
    s.N = igd_dataset_size(data);
    s.d = igd_classifier_pixels(s.base);
    if ((st = igd_model_cut(&s.cut, base, igd_ranking_layer(ranking))) != IGD_OK)
        goto done;
    s.K = (int)igd_cut_num_neurons(s.cut);
    if (igd_dataset_part(data).of > 0 &&
        (s.counts.images = cJSON_CreateArray()) == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for the analysis");
        goto done;
    }
    if ((st = check_options(&s, base, ranking)) != IGD_OK ||
        (st = make_job(&s)) != IGD_OK || (st = shift_init(&s, ranking)) != IGD_OK ||
        (st = igd_findings_begin(&found, &who)) != IGD_OK || (st = run(&s)) != IGD_OK)
        goto done;
    if ((st = add_settings(&found, &s, ranking)) == IGD_OK)
        st = igd_shift_finish(out, &s.counts, &found);

done:
    igd_findings_free(&found);
    shift_free(&s);
    return st;
}
