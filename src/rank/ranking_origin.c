// Owns what a ranking remembers of where it comes from: the images the model takes, the
// normalisation in front of it, and the probe images.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/require.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"
#include "rank/ranking_origin.h"

static cJSON *floats_json(const float *v, int num)
{
    cJSON *array = cJSON_CreateArray();
    for (int c = 0; c < num; c++)
        igd_json_append(array, cJSON_CreateNumber((double)v[c]));
    return array;
}

// {"mean": [...], "std": [...]}, or null for none; owned, NULL without memory.
static char *normalization_text(const igd_model *model)
{
    const float *mean, *std;
    const int num = igd_model_normalization(model, &mean, &std);
    cJSON *json = num > 0 ? cJSON_CreateObject() : cJSON_CreateNull();
    if (num > 0) {
        igd_json_add_item(json, "mean", floats_json(mean, num));
        igd_json_add_item(json, "std", floats_json(std, num));
    }
    char *text = igd_json_text(json, false);
    cJSON_Delete(json);
    return text;
}

igd_status igd_ranking_set_origin(igd_ranking *r, const igd_model *model,
                                  const igd_dataset *probe)
{
    memcpy(r->shape, igd_model_shape(model), sizeof(r->shape));
    r->normalization = normalization_text(model);
    if (r->normalization == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a ranking");
    return probe != NULL ? igd_sketch_make(&r->images, probe) : IGD_OK;
}

// As the options are written: "--mean 0.5 --std 0.25", "none".
static igd_status describe(char *out, size_t size, const char *text)
{
    cJSON *json = NULL;
    size_t used = 0;
    IGD_TRY(igd_json_parse(&json, text, strlen(text), "a normalisation"));
    snprintf(out, size, "none");
    for (int k = 0; k < 2; k++) {
        static const char *const keys[] = {"mean", "std"};
        const cJSON *item = NULL, *list = cJSON_GetObjectItemCaseSensitive(json, keys[k]);
        bool first = true;
        cJSON_ArrayForEach(item, list)
        {
            if (used < size)
                used += (size_t)igd_format(out + used, size - used, "%s%.4g",
                                           !first   ? ","
                                           : k == 0 ? "--mean "
                                                    : " --std ",
                                           cJSON_GetNumberValue(item));
            first = false;
        }
    }
    cJSON_Delete(json);
    return IGD_OK;
}

igd_status igd_ranking_check_normalization(const igd_ranking *r, const igd_model *model)
{
    char there[200], here[200];
    if (r->normalization == NULL)
        return IGD_OK;
    char *own = normalization_text(model);
    if (own == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a normalisation");
    if (strcmp(own, r->normalization) == 0) {
        free(own);
        return IGD_OK;
    }
    igd_status st = describe(there, sizeof(there), r->normalization);
    if (st == IGD_OK)
        st = describe(here, sizeof(here), own);
    free(own);
    if (st != IGD_OK)
        return st;
    return igd_error(IGD_EINVAL,
                     "the ranking was made under another normalisation (%s) than the "
                     "model's (%s); --force takes it all the same",
                     there, here);
}

igd_class_names igd_ranking_names(const igd_ranking *r)
{
    return (igd_class_names){.of = "the ranking",
                             .name = (const char *const *)r->class_names,
                             .num = r->num_classes};
}

igd_status igd_ranking_names_check(const igd_class_names *names, const igd_dataset *data)
{
    const igd_class_names of_data = igd_dataset_class_names(data);
    return igd_class_names_check(&of_data, names,
                                 "rank and evaluate with one --classes FILE");
}

const igd_sketch *igd_ranking_images(const igd_ranking *r)
{
    return &r->images;
}

igd_status igd_ranking_seen(int64_t *known, int64_t *of, const igd_ranking *r,
                            const igd_dataset *data)
{
    IGD_REQUIRE(known);
    IGD_REQUIRE(of);
    IGD_REQUIRE(r);
    IGD_REQUIRE(data);
    return igd_sketch_compare(known, of, &r->images, data);
}
