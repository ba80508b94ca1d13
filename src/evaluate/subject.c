// Owns the way from models and defenses to the classifiers that an evaluation sees.
#include "evaluate/subject.h"

#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "defend/defense_impl.h"
#include "evaluate/state.h"
#include "model/model_impl.h"
#include "ops.h"

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

// The masks decide about the flags as the ranking's scores do not: keep cuts them off.
static igd_status mask_sha256(char out[IGD_SHA256_LENGTH], const igd_defense *defense)
{
    const igd_tensor *mask = igd_defense_mask(defense);
    const int64_t size = igd_tensor_size(mask);
    float *values = malloc((size_t)size * sizeof(float));
    igd_sha256 *sum = NULL;
    igd_status st;

    if (values == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the masks");
    if ((st = igd_tensor_to_floats(mask, values, size)) == IGD_OK &&
        (st = igd_sha256_new(&sum)) == IGD_OK) {
        igd_sha256_add(sum, values, (size_t)size * sizeof(float));
        st = igd_sha256_hex(sum, out);
    }
    igd_sha256_free(sum);
    free(values);
    return st;
}

igd_status igd_defense_json(cJSON **out, const igd_defense *defense)
{
    const igd_defense_options *o = igd_defense_settings(defense);
    char mask[IGD_SHA256_LENGTH];
    IGD_TRY(mask_sha256(mask, defense));
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "method", igd_defense_method(defense));
    cJSON_AddStringToObject(json, "layer", igd_defense_layer(defense));
    cJSON_AddNumberToObject(json, "keep", o->keep);
    cJSON_AddNumberToObject(json, "sigma", o->sigma);
    cJSON_AddNumberToObject(json, "smooth", o->num_smooth);
    cJSON_AddNumberToObject(json, "temperature", o->temperature);
    igd_json_add_seed(json, o->seed);
    cJSON_AddStringToObject(json, "mask_sha256", mask);
    *out = json;
    return IGD_OK;
}

igd_status igd_evaluate(igd_result **out, const igd_model *base,
                        const igd_defense *defense, const igd_dataset *data,
                        const igd_evaluate_options *options)
{
    const igd_evaluate_options o =
        options != NULL ? *options : igd_evaluate_options_default();
    int floor_class = 0;
    labels known = {0};
    cJSON *json = NULL;
    const igd_defense_view judged_view = {.defense = defense,
                                          .fixed_noise = o.fixed_noise};
    igd_defense_view surrogate_view = judged_view, joint_view = judged_view,
                     ceiling_view = judged_view, floor_view = judged_view;
    igd_classifier judged, surrogate, joint, ceiling, floor_of_all;
    const igd_classifier *f = igd_model_classifier(base);
    igd_subject subject = {.base = f,
                           .judged = f,
                           .model_path = igd_model_path(base),
                           .model_sha256 = igd_model_sha256(base),
                           .model_identity = igd_model_identity(base),
                           .device = f->device};
    igd_status st;

    *out = NULL;
    if (defense != NULL) {
        if ((st = labels_init(&known, data)) != IGD_OK ||
            (st = igd_defense_json(&json, defense)) != IGD_OK)
            goto done;
        surrogate_view.backward_temperature = o.surrogate_temperature;
        joint_view.first_pass_weight = o.joint_weight;
        ceiling_view.pseudo = floor_view.pseudo = IGD_PSEUDO_LABEL;
        ceiling_view.label = true_class;
        ceiling_view.payload = &known;
        floor_view.label = given_class;
        floor_view.payload = &floor_class;
        judged = igd_defense_classifier(&judged_view);
        surrogate = igd_defense_classifier(&surrogate_view);
        joint = igd_defense_classifier(&joint_view);
        ceiling = igd_defense_classifier(&ceiling_view);
        floor_of_all = igd_defense_classifier(&floor_view);
        subject.judged = &judged;
        subject.surrogate = &surrogate;
        subject.joint = &joint;
        subject.ceiling = &ceiling;
        subject.floor = &floor_of_all;
        subject.floor_class = &floor_class;
        subject.defense = json;
    }
    st = igd_evaluate_subject(out, &subject, data, &o);

done:
    free(known.item);
    cJSON_Delete(json);
    return st;
}
