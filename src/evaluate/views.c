// Owns the way from models and defenses to the classifiers that an evaluation sees.
#include "evaluate/views.h"

#include <stdlib.h>

#include "core/error.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"

typedef struct label_of {
    int64_t image;
    int label;
} label_of;

typedef struct labels {
    label_of *item; // owned, by image
    int64_t num;
} labels;

static int by_image(const void *a, const void *b)
{
    const label_of *p = a, *q = b;
    return (p->image > q->image) - (p->image < q->image);
}

static igd_status labels_init(labels *l, const igd_dataset *data)
{
    l->num = igd_dataset_size(data);
    l->item = malloc(((size_t)l->num + 1) * sizeof(*l->item));
    if (l->item == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld labels", (long long)l->num);
    for (int64_t i = 0; i < l->num; i++)
        l->item[i] = (label_of){igd_dataset_index(data, i), igd_dataset_label(data, i)};
    qsort(l->item, (size_t)l->num, sizeof(*l->item), by_image);
    return IGD_OK;
}

static int true_class(int64_t image, const void *payload)
{
    const labels *l = payload;
    const label_of wanted = {.image = image};
    const label_of *found =
        bsearch(&wanted, l->item, (size_t)l->num, sizeof(*l->item), by_image);
    return found != NULL ? found->label : 0;
}

static int given_class(int64_t image, const void *payload)
{
    (void)image;
    return *(const int *)payload;
}

igd_status igd_defense_json(cJSON **out, const igd_defense *defense)
{
    *out = cJSON_Duplicate(igd_defense_settings_json(defense), true);
    return *out != NULL ? IGD_OK
                        : igd_error(IGD_ENOMEM, "no memory for the defense's settings");
}

igd_status igd_evaluate(igd_result **out, const igd_model *base,
                        const igd_defense *defense, const igd_dataset *data,
                        const igd_evaluate_options *options)
{
    const igd_evaluate_options o =
        options != NULL ? *options : igd_evaluate_options_default();
    int floor_class = 0;
    labels known = {0};
    const igd_defense_view judged_view = {.defense = defense,
                                          .fixed_noise = o.fixed_noise};
    igd_defense_view surrogate_view = judged_view, joint_view = judged_view,
                     ceiling_view = judged_view, floor_view = judged_view;
    igd_defense_view judging_view = judged_view;
    igd_classifier judged, judging, surrogate, joint, ceiling, floor_of_all;
    const igd_classifier *f = igd_model_classifier(base);
    igd_views views = {.base = f,
                       .judged = f,
                       .model_path = igd_model_path(base),
                       .model_sha256 = igd_model_sha256(base),
                       .model_identity = igd_model_identity(base),
                       .device = f->device};

    *out = NULL;
    if (defense != NULL) {
        judged = igd_defense_classifier(&judged_view);
        views.judged = &judged;
        judging_view.pass_cache = o.pass_cache;
        judging = igd_defense_classifier(&judging_view);
        views.judging = o.pass_cache != NULL ? &judging : NULL;
        views.defense = igd_defense_settings_json(defense);
    }
    if (defense != NULL && igd_defense_has_pseudo_label(defense)) {
        IGD_TRY(labels_init(&known, data));
        surrogate_view.backward_temperature = o.surrogate_temperature;
        joint_view.first_pass_weight = o.joint_weight;
        ceiling_view.pseudo = floor_view.pseudo = IGD_PSEUDO_LABEL;
        ceiling_view.label = true_class;
        ceiling_view.payload = &known;
        floor_view.label = given_class;
        floor_view.payload = &floor_class;
        surrogate = igd_defense_classifier(&surrogate_view);
        joint = igd_defense_classifier(&joint_view);
        ceiling = igd_defense_classifier(&ceiling_view);
        floor_of_all = igd_defense_classifier(&floor_view);
        views.surrogate = &surrogate;
        views.joint = &joint;
        views.ceiling = &ceiling;
        views.floor = &floor_of_all;
        views.floor_class = &floor_class;
    }
    const igd_status st = igd_evaluate_views(out, &views, data, &o);
    free(known.item);
    return st;
}
