// Owns what results and analyses begin with, as JSON.
#include "result/provenance.h"

#include <string.h>

#include "core/json.h"
#include "core/json_build.h"
#include "data/part_check.h"
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
    igd_json_add_string(o, "norm", igd_norm_name(threat->norm));
    igd_json_add_number(o, "eps", threat->eps);
    return o;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static cJSON *data_json(const igd_provenance *h)
{
    cJSON *data = cJSON_CreateObject();
    igd_json_add_string(data, "path", or_empty(h->data_path));
    igd_json_add_string(data, "split", or_empty(h->data_split));
    igd_json_add_number(data, "count", (double)igd_dataset_size(h->data));
    const igd_part part = igd_dataset_part(h->data);
    if (part.of > 0)
        igd_json_add_item(data, "part", igd_part_json(&part));
    igd_json_add_string(data, "sha256", h->data_sha256);
    igd_json_add_string(data, "preprocess",
                        h->preprocess != NULL ? h->preprocess : "none");
    cJSON *classes = igd_json_add_array(data, "classes");
    const int named = igd_dataset_num_classes(h->data);
    bool by_model = false;
    for (int c = 0; c < h->num_classes; c++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", c);
        const char *name = c < named ? igd_dataset_class_name(h->data, c) : number;
        if (h->names != NULL && strcmp(name, number) == 0) { // the data do not say
            name = h->names[c];
            by_model = true;
        }
        igd_json_append(classes, cJSON_CreateString(name));
    }
    if (by_model)
        igd_json_add_string(data, "classes_of", "model");
    return data;
}

cJSON *igd_provenance_part(const cJSON *data)
{
    static const char *const keys[] = {"path", "count", "sha256"};
    cJSON *part = cJSON_CreateObject();
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        igd_json_add_copy(part, keys[k], igd_get(data, keys[k]));
    return part;
}

void igd_provenance_join(cJSON *data, cJSON *parts, double count)
{
    cJSON_DeleteItemFromObjectCaseSensitive(data, "sha256");
    cJSON_DeleteItemFromObjectCaseSensitive(data, "part");
    cJSON_DeleteItemFromObjectCaseSensitive(data, "parts");
    igd_json_replace(data, "count", cJSON_CreateNumber(count));
    igd_json_add_item(data, "parts", parts);
}

cJSON *igd_provenance_json(const igd_provenance *h)
{
    cJSON *provenance = cJSON_CreateObject();
    igd_json_add_string(provenance, "command", or_empty(h->command));
    cJSON *versions = igd_json_add_object(provenance, "versions");
    igd_json_add_string(versions, "igdef", igd_version());
    igd_json_add_string(versions, "libtorch", h->libtorch);
    igd_json_add_string(versions, "blas", h->blas);
    igd_json_add_string(versions, "cuda", h->cuda);
    cJSON *model = igd_json_add_object(provenance, "model");
    igd_json_add_string(model, "path", h->model_path);
    igd_json_add_string(model, "sha256", h->model_sha256);
    igd_json_add_string(model, "identity", h->model_identity);
    igd_json_add_item(provenance, "data", data_json(h));
    igd_json_add_item(provenance, "defense",
                      h->defense != NULL ? cJSON_Duplicate(h->defense, true)
                                         : cJSON_CreateNull());
    if (h->threat != NULL)
        igd_json_add_item(provenance, "threat", igd_threat_json(h->threat));
    igd_json_add_seed(provenance, h->seed);
    igd_json_add_string(provenance, "device", h->device);
    if (h->batch_size > 0)
        igd_json_add_number(provenance, "batch_size", h->batch_size);
    igd_json_add_number(provenance, "threads", h->threads);
    return provenance;
}
