// Owns the files of a ranking: igdef.ranking/1 in safetensors, and the reference
// implementation's folder of unit<n>.npy.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/npy.h"
#include "core/require.h"
#include "core/safetensors.h"
#include "cut.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"
#include "rank/ranking_share.h"

#define FORMAT "igdef.ranking/1"
#define DIGEST_KEY "sha256"
#define MAX_LENGTH (1 << 24) // of either axis; keeps products within int64 and memory

// Of all that the file says: its metadata, less the digest, and the scores.
static igd_status digest_of(char out[IGD_SHA256_LENGTH], const cJSON *metadata,
                            const float *score, int C, int K, const char *path)
{
    igd_sha256 *sum = NULL;
    cJSON *said = cJSON_Duplicate(metadata, true);
    cJSON_DeleteItemFromObjectCaseSensitive(said, DIGEST_KEY);
    char *text = igd_json_text(said, false);
    igd_status st = text == NULL ? igd_error(IGD_ENOMEM, "%s: no memory", path)
                                 : igd_sha256_new(&sum);
    if (st == IGD_OK) {
        igd_sha256_add(sum, text, strlen(text));
        igd_sha256_add(sum, score, (size_t)C * (size_t)K * sizeof(*score));
        st = igd_sha256_hex(sum, out);
    }
    igd_sha256_free(sum);
    cJSON_free(text);
    cJSON_Delete(said);
    return st;
}

static igd_status check_digest(bool *sealed, const cJSON *metadata, const float *score,
                               int C, int K, const char *path)
{
    char sum[IGD_SHA256_LENGTH];
    const char *there;
    *sealed = cJSON_HasObjectItem(metadata, DIGEST_KEY);
    if (!*sealed)
        return IGD_OK;
    IGD_TRY(igd_json_string(&there, metadata, DIGEST_KEY, path));
    IGD_TRY(digest_of(sum, metadata, score, C, K, path));
    return strcmp(there, sum) == 0
               ? IGD_OK
               : igd_error(IGD_EFORMAT,
                           "%s: damaged or edited: not what its SHA-256 is of", path);
}

igd_status igd_ranking_save(const igd_ranking *r, const char *path)
{
    IGD_REQUIRE(r);
    IGD_REQUIRE(path);
    const int C = r->num_classes, K = r->num_neurons;
    const igd_named_array score = {
        .name = "score", .num_dims = 2, .shape = {C, K}, .data = r->score};
    char sum[IGD_SHA256_LENGTH];
    igd_status st;

    if (r->share != NULL)
        return igd_share_save(r, path);
    cJSON *metadata = igd_ranking_metadata(r, FORMAT);
    if (metadata == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its metadata", path);
    if ((st = digest_of(sum, metadata, r->score, C, K, path)) == IGD_OK) {
        igd_json_add_string(metadata, DIGEST_KEY, sum);
        st = igd_safetensors_write(path, metadata, &score, 1);
    }
    cJSON_Delete(metadata);
    return st;
}

static igd_status check_format(const cJSON *metadata, const char *path)
{
    const char *format;
    if (metadata == NULL || !cJSON_HasObjectItem(metadata, "format"))
        return igd_error(IGD_EFORMAT, "%s: not a ranking", path);
    IGD_TRY(igd_json_string(&format, metadata, "format", path));
    if (strcmp(format, IGD_SHARE_FORMAT) == 0)
        return igd_error(IGD_EFORMAT,
                         "%s: a part of a ranking; igdef rank --merge joins all of them",
                         path);
    if (strcmp(format, FORMAT) != 0)
        return igd_error(IGD_EFORMAT, "%s: format is '%s', not '%s'", path, format,
                         FORMAT);
    return IGD_OK;
}

igd_status igd_ranking_load(igd_ranking **out, const char *path)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(path);
    igd_safetensors *file = NULL;
    bool sealed = false;
    igd_status st;

    if ((st = igd_safetensors_read(&file, path)) != IGD_OK)
        goto done;
    const cJSON *metadata = igd_safetensors_metadata(file);
    const igd_named_array *score = igd_safetensors_find(file, "score");
    if ((st = check_format(metadata, path)) != IGD_OK)
        goto done;
    if (score == NULL) {
        st = igd_error(IGD_EFORMAT, "%s: not a ranking", path);
        goto done;
    }
    if (score->num_dims != 2 || score->shape[0] < 1 || score->shape[0] > MAX_LENGTH ||
        score->shape[1] < 1 || score->shape[1] > MAX_LENGTH) {
        st = igd_error(IGD_EFORMAT, "%s: 'score' is not a table of classes and neurons",
                       path);
        goto done;
    }
    const int C = (int)score->shape[0], K = (int)score->shape[1];
    if ((st = check_digest(&sealed, metadata, score->data, C, K, path)) == IGD_OK &&
        (st = igd_ranking_from_metadata(out, metadata, score->data, C, K, path)) ==
            IGD_OK)
        (*out)->sealed = sealed;

done:
    igd_safetensors_free(file);
    return st;
}

// "folder/unit<n>.npy", owned.
static igd_status unit_path(char **out, const char *folder, int n)
{
    char name[32];
    snprintf(name, sizeof(name), "unit%d.npy", n);
    *out = igd_path_join(folder, name);
    return *out != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "%s: no memory", folder);
}

// Column n of score [C, K] from its file.
static igd_status read_unit(float *score, const char *folder, int n, int C, int K)
{
    char *path = NULL;
    igd_npy unit = {0};
    igd_status st = IGD_OK;

    if ((st = unit_path(&path, folder, n)) != IGD_OK ||
        (st = igd_npy_read(&unit, path)) != IGD_OK ||
        (st = igd_npy_to_f32(&unit, path)) != IGD_OK)
        goto done;
    if (unit.size != C) {
        st = igd_error(IGD_EFORMAT, "%s: has %lld numbers, the model %d classes", path,
                       (long long)unit.size, C);
        goto done;
    }
    for (int c = 0; c < C; c++)
        score[(size_t)c * (size_t)K + (size_t)n] = ((const float *)unit.data)[c];

done:
    igd_npy_free(&unit);
    free(path);
    return st;
}

igd_status igd_ranking_from_units(igd_ranking **out, const char *folder,
                                  const igd_model *model, const char *layer,
                                  const char *method)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(folder);
    IGD_REQUIRE(model);
    IGD_REQUIRE(layer);
    IGD_REQUIRE(method);
    igd_cut *cut = NULL;
    float *score = NULL; // [C, K]
    char *surplus = NULL;
    igd_status st = IGD_OK;

    if (!igd_path_is_folder(folder))
        return igd_error(IGD_EIO, "%s: not a folder", folder);
    if ((st = igd_model_cut(&cut, model, layer)) != IGD_OK)
        goto done;
    const int C = igd_model_num_classes(model), K = (int)igd_cut_num_neurons(cut);
    if ((st = unit_path(&surplus, folder, K)) != IGD_OK)
        goto done;
    if (igd_path_exists(surplus)) {
        st = igd_error(IGD_EFORMAT, "%s: is there, but layer %s has %d neurons", surplus,
                       layer, K);
        goto done;
    }
    score = malloc((size_t)C * (size_t)K * sizeof(*score));
    if (score == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %d x %d scores", folder, C, K);
        goto done;
    }
    for (int n = 0; n < K; n++)
        if ((st = read_unit(score, folder, n, C, K)) != IGD_OK)
            goto done;
    st = igd_ranking_make(out, method, layer, igd_model_sha256(model), C, K, score, 0,
                          NULL, cJSON_CreateObject());
    if (st == IGD_OK)
        st = igd_ranking_set_origin(*out, model, NULL);
    if (st == IGD_OK)
        st = igd_ranking_note_layers(*out, cut);
    if (st != IGD_OK)
        st = igd_error_prefix(st, folder);

done:
    if (st != IGD_OK) {
        igd_ranking_free(*out);
        *out = NULL;
    }
    free(score);
    free(surplus);
    igd_cut_free(cut);
    return st;
}

igd_status igd_ranking_to_units(const igd_ranking *r, const char *folder)
{
    IGD_REQUIRE(r);
    IGD_REQUIRE(folder);
    const int C = r->num_classes, K = r->num_neurons;
    float *column = malloc((size_t)C * sizeof(*column));
    igd_status st = IGD_OK;

    if (column == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d scores", folder, C);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        st = igd_error(IGD_EIO, "%s: %s", folder, strerror(errno));
        goto done;
    }
    for (int n = 0; n < K && st == IGD_OK; n++) {
        char *path = NULL;
        for (int c = 0; c < C; c++)
            column[c] = r->score[(size_t)c * (size_t)K + (size_t)n];
        if ((st = unit_path(&path, folder, n)) == IGD_OK)
            st = igd_npy_write(path, IGD_NPY_F32, (int64_t[]){C}, 1, column);
        free(path);
    }

done:
    free(column);
    return st;
}
