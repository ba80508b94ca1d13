// Owns parts of rankings: what they hold, and their files.
#include "rank/ranking_share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/exact.h"
#include "core/json.h"
#include "core/json_build.h"
#include "data/dataset_impl.h"
#include "data/part_check.h"
#include "igdef/runtime.h"
#include "igdef/version.h"
#include "model/model_impl.h"
#include "rank/share_impl.h"

// Adds an array of zeros; NULL without memory.
static float *add_array(igd_share *s, const char *name, int num_dims,
                        const int64_t *shape)
{
    igd_named_array *a = &s->arrays[s->num_arrays];
    size_t size = 1;
    *a = (igd_named_array){.name = name, .num_dims = num_dims};
    for (int k = 0; k < num_dims; k++) {
        a->shape[k] = shape[k];
        size *= (size_t)shape[k];
    }
    a->data = s->data[s->num_arrays] = calloc(size, sizeof(float));
    return s->data[s->num_arrays++];
}

igd_part igd_ranking_part(const igd_ranking *r)
{
    igd_part part = {0};
    if (r == NULL || r->share == NULL ||
        igd_part_read(&part, r->share->about, 0, "part") != IGD_OK)
        return (igd_part){0};
    return part;
}

// What of the processor and the libraries decides about bits.
static cJSON *run_json(const igd_model *model)
{
    cJSON *o = cJSON_CreateObject();
    char device[32];
    const char *whole = igd_model_classifier(model)->device;
    snprintf(device, sizeof(device), "%.*s", (int)strcspn(whole, ":"), whole);
    igd_json_add_string(o, "igdef", igd_version());
    igd_json_add_string(o, "libtorch", igd_torch_version());
    igd_json_add_string(o, "blas", igd_torch_blas());
    igd_json_add_string(o, "cuda", igd_torch_cuda());
    igd_json_add_string(o, "device", device);
    return o;
}

static igd_status share_new(igd_ranking *r, const igd_model *model,
                            const igd_dataset *probe)
{
    const igd_part part = igd_dataset_part(probe);
    igd_share *s = calloc(1, sizeof(*s));
    r->share = s;
    if (s == NULL || (s->about = igd_part_json(&part)) == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a part of a ranking");
    igd_json_add_number(s->about, "count", (double)igd_dataset_size(probe));
    igd_json_add_string(s->about, "images_of", probe->of);
    igd_json_add_item(s->about, "run", run_json(model));
    return IGD_OK;
}

static igd_status no_memory(const igd_ranking *r)
{
    return igd_error(IGD_ENOMEM, "no memory for a part of a ranking of %d neurons",
                     r->num_neurons);
}

igd_status igd_share_of_sums(igd_ranking *r, const igd_model *model,
                             const igd_dataset *probe, const uint64_t *sum,
                             const int64_t *count, int64_t num_correct)
{
    const int64_t shape[3] = {r->num_classes, r->num_neurons, IGD_EXACT_DIGITS};
    IGD_TRY(share_new(r, model, probe));
    float *digits = add_array(r->share, "sum", 3, shape);
    if (digits == NULL)
        return no_memory(r);
    for (int64_t k = 0; k < shape[0] * shape[1]; k++)
        igd_exact_split(digits + k * IGD_EXACT_DIGITS, sum + k * IGD_EXACT_WORDS);
    igd_json_add_number(r->share->about, "correct", (double)num_correct);
    cJSON *counts = igd_json_add_array(r->share->about, "counts");
    for (int c = 0; c < r->num_classes; c++)
        igd_json_append(counts, cJSON_CreateNumber((double)count[c]));
    return igd_json_whole(counts) ? IGD_OK : no_memory(r);
}

igd_status igd_share_of_rows(igd_ranking *r, const igd_model *model,
                             const igd_dataset *probe, igd_rows *activations,
                             igd_rows *images, int64_t first, const float *text)
{
    const int64_t n = igd_dataset_size(probe), K = r->num_neurons, C = r->num_classes;
    const int64_t D = igd_rows_width(images);
    IGD_TRY(share_new(r, model, probe));
    float *a = add_array(r->share, "activations", 2, (const int64_t[]){n, K});
    float *x = add_array(r->share, "images", 2, (const int64_t[]){n, D});
    float *t = add_array(r->share, "text", 2, (const int64_t[]){C, D});
    if (a == NULL || x == NULL || t == NULL)
        return no_memory(r);
    memcpy(t, text, (size_t)C * (size_t)D * sizeof(*t));
    IGD_TRY(igd_rows_read(activations, a, 0, n));
    return igd_rows_read(images, x, first, n);
}

// --- the file

igd_status igd_share_digest(char out[IGD_SHA256_LENGTH], const cJSON *metadata,
                            const igd_named_array *arrays, int num, const char *path)
{
    igd_sha256 *sum = NULL;
    cJSON *said = cJSON_Duplicate(metadata, true);
    cJSON_DeleteItemFromObjectCaseSensitive(said, IGD_SHARE_DIGEST);
    char *text = said != NULL ? igd_json_text(said, false) : NULL;
    igd_status st = text == NULL ? igd_error(IGD_ENOMEM, "%s: no memory", path)
                                 : igd_sha256_new(&sum);
    if (st == IGD_OK) {
        igd_sha256_add(sum, text, strlen(text));
        for (int k = 0; k < num; k++) {
            size_t size = sizeof(float);
            for (int d = 0; d < arrays[k].num_dims; d++)
                size *= (size_t)arrays[k].shape[d];
            igd_sha256_add(sum, arrays[k].data, size);
        }
        st = igd_sha256_hex(sum, out);
    }
    igd_sha256_free(sum);
    free(text);
    cJSON_Delete(said);
    return st;
}

igd_status igd_share_save(const igd_ranking *r, const char *path)
{
    const igd_share *s = r->share;
    cJSON *metadata = igd_ranking_metadata(r, IGD_SHARE_FORMAT);
    char *about = igd_json_text(s->about, false), sum[IGD_SHA256_LENGTH];
    igd_status st;
    if (about == NULL || !igd_json_add_string(metadata, IGD_SHARE_KEY, about))
        st = igd_error(IGD_ENOMEM, "%s: no memory for its metadata", path);
    else if ((st = igd_share_digest(sum, metadata, s->arrays, s->num_arrays, path)) ==
             IGD_OK) {
        igd_json_add_string(metadata, IGD_SHARE_DIGEST, sum);
        st = igd_safetensors_write(path, metadata, s->arrays, s->num_arrays);
    }
    free(about);
    cJSON_Delete(metadata);
    return st;
}
