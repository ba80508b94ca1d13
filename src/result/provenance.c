// Owns what results and analyses begin with, as JSON.
#include "result/provenance.h"

#include <string.h>

#include "core/json.h"
#include "igdef/version.h"
#include "result/state.h"

void igd_provenance_reduce(cJSON *settings)
{
    cJSON *attack;
    if (strcmp(igd_string_of(settings, "precision"), "ieee") == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(settings, "precision");
    cJSON_ArrayForEach(attack, cJSON_GetObjectItemCaseSensitive(settings, "attacks"))
    {
        cJSON_DeleteItemFromObjectCaseSensitive(attack, "route");
        cJSON_DeleteItemFromObjectCaseSensitive(attack, "check");
    }
}

cJSON *igd_threat_json(const igd_threat *threat)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "norm", igd_norm_name(threat->norm));
    cJSON_AddNumberToObject(o, "eps", threat->eps);
    return o;
}

cJSON *igd_part_json(const igd_part *part)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "index", (double)part->index);
    cJSON_AddNumberToObject(o, "of", (double)part->of);
    cJSON_AddNumberToObject(o, "first", (double)part->first);
    cJSON_AddNumberToObject(o, "whole", (double)part->whole);
    return o;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static cJSON *data_json(const igd_provenance *h)
{
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "path", or_empty(h->data_path));
    cJSON_AddStringToObject(data, "split", or_empty(h->data_split));
    cJSON_AddNumberToObject(data, "count", (double)igd_dataset_size(h->data));
    const igd_part part = igd_dataset_part(h->data);
    if (part.of > 0)
        cJSON_AddItemToObject(data, "part", igd_part_json(&part));
    cJSON_AddStringToObject(data, "sha256", h->data_sha256);
    cJSON_AddStringToObject(data, "preprocess",
                            h->preprocess != NULL ? h->preprocess : "none");
    cJSON *classes = cJSON_AddArrayToObject(data, "classes");
    const int named = igd_dataset_num_classes(h->data);
    for (int c = 0; c < h->num_classes; c++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", c);
        const char *name = c < named ? igd_dataset_class_name(h->data, c) : number;
        if (h->names != NULL && strcmp(name, number) == 0) // the data do not say
            name = h->names[c];
        cJSON_AddItemToArray(classes, cJSON_CreateString(name));
    }
    return data;
}

cJSON *igd_provenance_json(const igd_provenance *h)
{
    cJSON *provenance = cJSON_CreateObject();
    cJSON_AddStringToObject(provenance, "command", or_empty(h->command));
    cJSON *versions = cJSON_AddObjectToObject(provenance, "versions");
    cJSON_AddStringToObject(versions, "igdef", igd_version());
    cJSON_AddStringToObject(versions, "libtorch", h->libtorch);
    cJSON_AddStringToObject(versions, "blas", h->blas);
    cJSON_AddStringToObject(versions, "cuda", h->cuda);
    cJSON *model = cJSON_AddObjectToObject(provenance, "model");
    cJSON_AddStringToObject(model, "path", h->model_path);
    cJSON_AddStringToObject(model, "sha256", h->model_sha256);
    cJSON_AddStringToObject(model, "identity", h->model_identity);
    cJSON_AddItemToObject(provenance, "data", data_json(h));
    cJSON_AddItemToObject(provenance, "defense",
                          h->defense != NULL ? cJSON_Duplicate(h->defense, true)
                                             : cJSON_CreateNull());
    if (h->threat != NULL)
        cJSON_AddItemToObject(provenance, "threat", igd_threat_json(h->threat));
    igd_json_add_seed(provenance, h->seed);
    cJSON_AddStringToObject(provenance, "device", h->device);
    cJSON_AddNumberToObject(provenance, "threads", h->threads);
    return provenance;
}
