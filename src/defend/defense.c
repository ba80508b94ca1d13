// Owns what all kinds of defenses have: their life, their settings, predictions.
#include "defend/defense_kind.h"

#include <stdlib.h>

#include "core/entropy.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/require.h"
#include "rank/ranking_origin.h"

igd_status igd_defense_begin(igd_defense **out, size_t size, const igd_model *base,
                             const igd_defense_type *type)
{
    igd_defense *d = calloc(1, size);
    *out = d;
    if (d == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a defended model");
    d->type = type;
    d->base = base;
    d->f = igd_model_classifier(base);
    d->settings = cJSON_CreateObject();
    igd_json_add_string(d->settings, "kind", type->name);
    return IGD_OK;
}

static void add_cost(const igd_defense *d)
{
    int forwards, backwards;
    if (d->type->unknown)
        return;
    igd_defense_passes(d, &forwards, &backwards);
    cJSON *cost = igd_json_add_object(d->settings, "cost");
    igd_json_add_number(cost, "forwards", forwards);
    igd_json_add_number(cost, "backwards", backwards);
}

igd_status igd_defense_finish(igd_defense **out, igd_defense *d, igd_status st)
{
    if (st == IGD_OK) {
        add_cost(d);
        d->json = d->settings != NULL ? igd_json_text(d->settings, true) : NULL;
        if (d->json == NULL)
            st = igd_error(IGD_ENOMEM, "no memory for a defended model");
    }
    if (st != IGD_OK) {
        igd_defense_free(d);
        return st;
    }
    *out = d;
    return IGD_OK;
}

void igd_defense_free(igd_defense *d)
{
    if (d == NULL)
        return;
    if (d->type->free != NULL)
        d->type->free(d);
    cJSON_Delete(d->settings);
    cJSON_free(d->json);
    igd_lines_free(&d->classes);
    igd_sketch_free(&d->probe);
    free(d);
}

igd_classifier igd_defense_classifier(const igd_defense_view *view)
{
    const igd_defense *d = view->defense;
    igd_classifier f = *d->f;
    d->type->classifier(&f, view);
    return f;
}

// Without indices, draws that were never taken before and that nobody foresees, from the
// operating system.
igd_status igd_defense_draws(igd_draw *draws, const int64_t *indices, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (indices != NULL) {
            draws[i] = (igd_draw){.image = indices[i], .draw = 0};
            continue;
        }
        uint64_t chance[2];
        IGD_TRY(igd_entropy(chance, sizeof(chance)));
        draws[i] = (igd_draw){.image = (int64_t)(chance[0] >> 1), .draw = chance[1]};
    }
    return IGD_OK;
}

igd_status igd_defense_predict(float *logits, float *base_logits, const igd_defense *d,
                               const float *images, const int64_t *indices, int64_t n)
{
    IGD_REQUIRE(d);
    const igd_defense_view view = {.defense = d};
    const igd_classifier attacked = igd_defense_classifier(&view);
    const igd_classifier f = igd_classifier_alone(&attacked);
    const float *taken = NULL;
    float *owned = NULL;
    igd_draw *draws = NULL;
    igd_status st = IGD_OK;

    if (n < 0 || n > INT64_MAX / (int64_t)sizeof(*draws))
        return igd_error(IGD_EINVAL, "cannot predict %lld images", (long long)n);
    if (n > 0) {
        IGD_REQUIRE(logits);
        IGD_REQUIRE(images);
    }
    draws = malloc((size_t)n * sizeof(*draws) + 1);
    if (draws == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)n);
    if ((st = igd_check_or_clamp(&taken, &owned, d->f, images, n)) == IGD_OK)
        st = igd_defense_draws(draws, indices, n);
    if (st == IGD_OK)
        st = igd_classifier_logits(logits, &f, taken, n, draws);
    if (st == IGD_OK && base_logits != NULL) {
        const igd_classifier base = igd_classifier_alone(d->f);
        st = igd_classifier_logits(base_logits, &base, taken, n, draws);
    }
    free(owned);
    free(draws);
    return st;
}

igd_defense_kind igd_defense_kind_of(const igd_defense *d)
{
    return d != NULL ? d->type->kind : IGD_DEFENSE_MASK;
}

const char *igd_defense_description(const igd_defense *d)
{
    return d != NULL ? d->json : "{}";
}

const cJSON *igd_defense_settings_json(const igd_defense *d)
{
    return d->settings;
}

void igd_defense_passes(const igd_defense *d, int *forwards, int *backwards)
{
    if (forwards == NULL || backwards == NULL)
        return;
    *forwards = *backwards = 0;
    if (d == NULL)
        return;
    const igd_defense_view view = {.defense = d};
    const igd_classifier f = igd_defense_classifier(&view);
    *forwards = f.num_passes;
    *backwards = f.num_backward_passes;
}

igd_adaptive igd_defense_adaptive(const igd_defense *d)
{
    return d != NULL && d->type->adaptive != NULL ? d->type->adaptive(d)
                                                  : IGD_ADAPTIVE_NONE;
}

bool igd_defense_has_pseudo_label(const igd_defense *d)
{
    return igd_defense_adaptive(d) == IGD_ADAPTIVE_PSEUDO_LABEL;
}

const igd_sketch *igd_defense_probe(const igd_defense *d)
{
    return &d->probe;
}

igd_status igd_defense_check_names(const igd_defense *d, const igd_dataset *data)
{
    const igd_class_names names = {.of = "the ranking",
                                   .name = (const char *const *)d->classes.line,
                                   .num = d->classes.num};
    return igd_ranking_names_check(&names, data);
}

igd_status igd_defense_check_classes(const igd_defense *d, const igd_dataset *data)
{
    IGD_REQUIRE(d);
    IGD_TRY(igd_model_check_classes(d->base, data));
    return igd_defense_check_names(d, data);
}

igd_status igd_defense_export(const igd_defense *d, const char *path)
{
    IGD_REQUIRE(d);
    IGD_REQUIRE(path);
    if (d->type->export == NULL)
        return igd_error(IGD_EINVAL, "%s", d->type->no_export);
    return d->type->export(d, path);
}
