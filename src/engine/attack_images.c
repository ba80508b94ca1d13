// Owns attacks on images that a program holds: from its arrays to a feed and back.
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "core/error.h"
#include "core/number.h"
#include "core/options.h"
#include "defend/defense_impl.h"
#include "engine/engine.h"
#include "model/model_impl.h"

#define MOST_IMAGES ((int64_t)1 << 40)

// An image by the index that keys its random choices.
typedef struct entry {
    int64_t index;
    int64_t place; // in the program's arrays
} entry;

typedef struct arrays {
    const igd_attack_options *o;
    const char *attack;
    float *x_adv;
    igd_attack_outcome *outcomes;
    const float *images;
    const int32_t *labels;
    float *clean;    // [n, num_classes]
    entry *sorted;   // [n], by index
    igd_draw *draws; // [n]
    int64_t n, d, C;
    int64_t handed, finished;
} arrays;

static int by_index(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    return (p->index > q->index) - (p->index < q->index);
}

static igd_status check(const arrays *a, const igd_classifier *f)
{
    if (a->o->batch_size < 1 || a->o->batch_size > 65536)
        return igd_error(IGD_EINVAL, "batches of %d images", a->o->batch_size);
    for (int64_t i = 0; i < a->n; i++) {
        if (a->labels[i] < 0 || a->labels[i] >= f->num_classes)
            return igd_error(IGD_EINVAL, "image %lld has label %d, of %d classes",
                             (long long)i, (int)a->labels[i], f->num_classes);
        if (a->o->indices != NULL && a->o->indices[i] < 0)
            return igd_error(IGD_EINVAL, "image %lld has index %lld", (long long)i,
                             (long long)a->o->indices[i]);
    }
    return igd_check_pixels(a->images, a->n, a->d);
}

static igd_status sort_indices(arrays *a)
{
    for (int64_t i = 0; i < a->n; i++) {
        const int64_t index = a->o->indices != NULL ? a->o->indices[i] : i;
        a->sorted[i] = (entry){index, i};
        a->draws[i] = (igd_draw){.image = index};
    }
    qsort(a->sorted, (size_t)a->n, sizeof(*a->sorted), by_index);
    for (int64_t i = 1; i < a->n; i++)
        if (a->sorted[i].index == a->sorted[i - 1].index)
            return igd_error(IGD_EINVAL, "index %lld is there twice",
                             (long long)a->sorted[i].index);
    return IGD_OK;
}

// "steps=20,rho=0.5", each with "apgd-ce." in front or not.
static igd_status set_parameters(igd_attack_job *job, const char *attack, const char *set)
{
    const size_t prefix = strlen(attack);
    while (set != NULL && *set != '\0') {
        char text[128];
        double value = 0.0;
        const size_t length = strcspn(set, ",");
        if (length >= sizeof(text))
            return igd_error(IGD_EINVAL, "cannot set '%.80s'", set);
        memcpy(text, set, length);
        text[length] = '\0';
        set += set[length] == ',' ? length + 1 : length;
        char *name = text, *equals = strchr(text, '=');
        if (equals == NULL)
            return igd_error(IGD_EINVAL, "cannot set '%s': PARAMETER=VALUE expected",
                             text);
        *equals = '\0';
        if (!igd_number_parse(&value, equals + 1))
            return igd_error(IGD_EINVAL, "cannot set %s to '%s': not a number", name,
                             equals + 1);
        if (strncmp(name, attack, prefix) == 0 && name[prefix] == '.')
            name += prefix + 1;
        IGD_TRY(igd_attack_job_set(job, name, value));
    }
    return IGD_OK;
}

static igd_status next_image(igd_target *out, void *payload)
{
    arrays *a = payload;
    if (a->handed == a->n)
        return IGD_OK;
    const int64_t i = a->handed++;
    *out = (igd_target){.image = a->draws[i].image,
                        .label = a->labels[i],
                        .x = a->images + i * a->d,
                        .clean = a->clean + i * a->C};
    return IGD_OK;
}

static igd_status take_outcome(const igd_outcome *o, void *payload)
{
    arrays *a = payload;
    const entry wanted = {.index = o->image};
    const entry *found =
        bsearch(&wanted, a->sorted, (size_t)a->n, sizeof(*a->sorted), by_index);
    if (found == NULL)
        return igd_error(IGD_EINVAL, "an outcome of no image");
    memcpy(a->x_adv + found->place * a->d, o->x_adv, (size_t)a->d * sizeof(float));
    if (a->outcomes != NULL)
        a->outcomes[found->place] =
            (igd_attack_outcome){.fooled = o->fooled,
                                 .loss = isfinite(o->loss) ? o->loss : (double)NAN,
                                 .distance = o->distance,
                                 .forwards = o->forwards,
                                 .backwards = o->backwards,
                                 .queries = o->queries};
    a->finished++;
    return IGD_OK;
}

static igd_status tell(const igd_engine *engine, void *payload)
{
    const arrays *a = payload;
    (void)engine;
    if (a->o->progress != NULL &&
        a->o->progress(a->attack, (double)a->finished, (double)a->n, a->o->payload) != 0)
        return igd_error(IGD_ECANCELED, "the attack was stopped");
    return IGD_OK;
}

static igd_status clean_logits(arrays *a, const igd_classifier *f)
{
    for (int64_t i = 0; i < a->n; i += a->o->batch_size) {
        const int64_t left = a->n - i;
        const int64_t num = left < a->o->batch_size ? left : a->o->batch_size;
        IGD_TRY(igd_classifier_logits(a->clean + i * a->C, f, a->images + i * a->d, num,
                                      a->draws + i));
    }
    return IGD_OK;
}

static igd_status run(arrays *a, const igd_attack_job *job, const igd_classifier *f)
{
    const igd_engine_feed feed = {
        .next = next_image, .done = take_outcome, .tick = tell, .payload = a};
    igd_status st = IGD_OK;

    a->clean = malloc((size_t)(a->n * a->C) * sizeof(float));
    a->sorted = malloc((size_t)a->n * sizeof(*a->sorted));
    a->draws = malloc((size_t)a->n * sizeof(*a->draws));
    if (a->clean == NULL || a->sorted == NULL || a->draws == NULL)
        st = igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)a->n);
    if (st == IGD_OK && (st = sort_indices(a)) == IGD_OK &&
        (st = clean_logits(a, f)) == IGD_OK)
        st = igd_engine_run(job, f, a->o->batch_size, &feed);
    free(a->clean);
    free(a->sorted);
    free(a->draws);
    return st;
}

igd_status igd_attack_images(float *x_adv, igd_attack_outcome *outcomes,
                             const igd_model *base, const igd_defense *defense,
                             const char *attack, const igd_threat *threat,
                             const igd_attack_options *options, const float *images,
                             const int32_t *labels, int64_t n)
{
    igd_attack_options o = igd_attack_options_default();
    const igd_attack *which = NULL;
    igd_attack_job job;

    if (base == NULL || attack == NULL || threat == NULL)
        return igd_error(IGD_EINVAL, "%s is NULL",
                         base == NULL     ? "base"
                         : attack == NULL ? "attack"
                                          : "threat");
    if (n < 0 || n > MOST_IMAGES)
        return igd_error(IGD_EINVAL, "n is %lld", (long long)n);
    if (n > 0 && (x_adv == NULL || images == NULL || labels == NULL))
        return igd_error(IGD_EINVAL, "%s is NULL",
                         x_adv == NULL    ? "x_adv"
                         : images == NULL ? "images"
                                          : "labels");
    IGD_TRY(igd_options_take(&o, sizeof(o), options, "igd_attack_options"));
    const igd_defense_view view = {.defense = defense, .fixed_noise = o.fixed_noise};
    const igd_classifier f =
        defense != NULL ? igd_defense_classifier(&view) : *igd_model_classifier(base);
    arrays a = {.o = &o,
                .attack = attack,
                .x_adv = x_adv,
                .outcomes = outcomes,
                .images = images,
                .labels = labels,
                .n = n,
                .d = igd_classifier_pixels(&f),
                .C = f.num_classes};
    IGD_TRY(check(&a, &f));
    IGD_TRY(igd_attack_find(&which, attack));
    IGD_TRY(igd_attack_job_init(&job, which, threat, &f, o.seed));
    IGD_TRY(set_parameters(&job, attack, o.set));
    job.mode = o.highest_loss ? IGD_RETURN_HIGH_LOSS : IGD_RETURN_FOOLED;
    if (which->check != NULL)
        IGD_TRY(which->check(&job));
    return n > 0 ? run(&a, &job, &f) : IGD_OK;
}
