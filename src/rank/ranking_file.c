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
#include "igdef/version.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"

#define FORMAT "igdef.ranking/1"
#define DIGEST_KEY "sha256"
#define MAX_LENGTH (1 << 24) // of either axis; keeps products within int64 and memory

static void add_json(cJSON *metadata, const char *key, const cJSON *value)
{
    char *text = igd_json_text(value, false);
    igd_json_add_item(metadata, key, text != NULL ? cJSON_CreateString(text) : NULL);
    cJSON_free(text);
}

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

static void add_shape(cJSON *metadata, const int64_t shape[3])
{
    char text[64];
    snprintf(text, sizeof(text), "%lld,%lld,%lld", (long long)shape[0],
             (long long)shape[1], (long long)shape[2]);
    igd_json_add_string(metadata, "input", text);
}

igd_status igd_ranking_save(const igd_ranking *r, const char *path)
{
    IGD_REQUIRE(r);
    IGD_REQUIRE(path);
    const int C = r->num_classes, K = r->num_neurons;
    const igd_named_array score = {
        .name = "score", .num_dims = 2, .shape = {C, K}, .data = r->score};
    cJSON *metadata = cJSON_CreateObject(), *names = cJSON_CreateArray();
    char num_images[24], sum[IGD_SHA256_LENGTH], *images = igd_sketch_text(&r->images);
    igd_status st = IGD_OK;

    for (int c = 0; c < C; c++)
        igd_json_append(names, cJSON_CreateString(r->class_names[c]));
    snprintf(num_images, sizeof(num_images), "%lld", (long long)r->num_images);
    igd_json_add_string(metadata, "format", FORMAT);
    igd_json_add_string(metadata, "method", r->method);
    igd_json_add_string(metadata, "layer", r->layer);
    igd_json_add_string(metadata, "model_sha256", r->model_sha256);
    igd_json_add_string(metadata, "num_images", num_images);
    add_json(metadata, "classes", names);
    add_json(metadata, "options", r->options);
    igd_json_add_string(metadata, "igdef_version", IGDEF_VERSION);
    if (r->shape[0] > 0)
        add_shape(metadata, r->shape);
    if (r->normalization != NULL)
        igd_json_add_string(metadata, "normalization", r->normalization);
    if (images != NULL && r->images.num > 0)
        igd_json_add_string(metadata, "images", images);
    if (!igd_json_whole(metadata) || images == NULL)
        st = igd_error(IGD_ENOMEM, "%s: no memory for its metadata", path);
    else if ((st = digest_of(sum, metadata, r->score, C, K, path)) == IGD_OK) {
        igd_json_add_string(metadata, DIGEST_KEY, sum);
        st = igd_safetensors_write(path, metadata, &score, 1);
    }
    cJSON_Delete(names);
    cJSON_Delete(metadata);
    free(images);
    return st;
}

// Parses a member of the metadata whose text is JSON.
static igd_status parse_member(cJSON **out, const char *text, const char *key,
                               const char *path)
{
    char what[512];
    snprintf(what, sizeof(what), "%s: '%s'", path, key);
    return igd_json_parse(out, text, strlen(text), what);
}

// The names of the classes, from the metadata's JSON text. *out is owned, as are its
// strings through *list.
static igd_status parse_classes(const char ***out, cJSON **list, const char *text, int C,
                                const char *path)
{
    *out = NULL;
    IGD_TRY(parse_member(list, text, "classes", path));
    if (!cJSON_IsArray(*list) || cJSON_GetArraySize(*list) != C)
        return igd_error(IGD_EFORMAT, "%s: 'classes' is not a list of %d names", path, C);
    const char **names = malloc((size_t)C * sizeof(*names));
    if (names == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d class names", path, C);
    int c = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, *list)
    {
        if (!cJSON_IsString(item)) {
            free(names);
            return igd_error(IGD_EFORMAT, "%s: class %d has a name that is no text", path,
                             c);
        }
        names[c++] = item->valuestring;
    }
    *out = names;
    return IGD_OK;
}

static igd_status parse_count(int64_t *out, const char *text, const char *path)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0)
        return igd_error(IGD_EFORMAT, "%s: 'num_images' is '%s', not a number", path,
                         text);
    *out = value;
    return IGD_OK;
}

// "3,32,32"; zeros where the metadata has none.
static igd_status parse_shape(int64_t shape[3], const cJSON *metadata, const char *path)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(metadata, "input");
    memset(shape, 0, 3 * sizeof(*shape));
    if (item == NULL)
        return IGD_OK;
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    bool good = true;
    for (int i = 0; i < 3 && good; i++) {
        char *end;
        good = text[0] >= '1' && text[0] <= '9';
        shape[i] = strtoll(text, &end, 10);
        good = good && shape[i] < 100000 && *end == (i < 2 ? ',' : '\0');
        text = end + 1;
    }
    if (!good)
        return igd_error(IGD_EFORMAT, "%s: 'input' is not channels, height and width",
                         path);
    return IGD_OK;
}

// What rankings of earlier versions lack.
static igd_status load_origin(igd_ranking *r, const cJSON *metadata, const char *path)
{
    char what[512];
    cJSON *json = NULL;
    const char *text;
    if (cJSON_HasObjectItem(metadata, "normalization")) {
        IGD_TRY(igd_json_string(&text, metadata, "normalization", path));
        IGD_TRY(parse_member(&json, text, "normalization", path));
        r->normalization = igd_json_text(json, false);
        cJSON_Delete(json);
        if (r->normalization == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory for its metadata", path);
    }
    if (!cJSON_HasObjectItem(metadata, "images"))
        return IGD_OK;
    IGD_TRY(igd_json_string(&text, metadata, "images", path));
    snprintf(what, sizeof(what), "%s: 'images'", path);
    return igd_sketch_parse(&r->images, text, what);
}

igd_status igd_ranking_load(igd_ranking **out, const char *path)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(path);
    igd_safetensors *file = NULL;
    cJSON *list = NULL, *options = NULL;
    const char **names = NULL;
    const char *format, *method, *layer, *sha256, *count, *classes, *settings;
    int64_t num_images = 0, shape[3];
    igd_status st = IGD_OK;

    if ((st = igd_safetensors_read(&file, path)) != IGD_OK)
        goto done;
    const cJSON *metadata = igd_safetensors_metadata(file);
    const igd_named_array *score = igd_safetensors_find(file, "score");
    if (metadata == NULL || !cJSON_HasObjectItem(metadata, "format") || score == NULL) {
        st = igd_error(IGD_EFORMAT, "%s: not a ranking", path);
        goto done;
    }
    if ((st = igd_json_string(&format, metadata, "format", path)) != IGD_OK)
        goto done;
    if (strcmp(format, FORMAT) != 0) {
        st = igd_error(IGD_EFORMAT, "%s: format is '%s', not '%s'", path, format, FORMAT);
        goto done;
    }
    if ((st = igd_json_string(&method, metadata, "method", path)) != IGD_OK ||
        (st = igd_json_string(&layer, metadata, "layer", path)) != IGD_OK ||
        (st = igd_json_string(&sha256, metadata, "model_sha256", path)) != IGD_OK ||
        (st = igd_json_string(&count, metadata, "num_images", path)) != IGD_OK ||
        (st = igd_json_string(&classes, metadata, "classes", path)) != IGD_OK ||
        (st = igd_json_string(&settings, metadata, "options", path)) != IGD_OK ||
        (st = parse_count(&num_images, count, path)) != IGD_OK ||
        (st = parse_shape(shape, metadata, path)) != IGD_OK)
        goto done;
    if (score->num_dims != 2 || score->shape[0] < 1 || score->shape[0] > MAX_LENGTH ||
        score->shape[1] < 1 || score->shape[1] > MAX_LENGTH) {
        st = igd_error(IGD_EFORMAT, "%s: 'score' is not a table of classes and neurons",
                       path);
        goto done;
    }
    const int C = (int)score->shape[0], K = (int)score->shape[1];
    bool sealed;
    if ((st = check_digest(&sealed, metadata, score->data, C, K, path)) != IGD_OK ||
        (st = parse_classes(&names, &list, classes, C, path)) != IGD_OK ||
        (st = parse_member(&options, settings, "options", path)) != IGD_OK)
        goto done;
    st = igd_ranking_make(out, method, layer, sha256, C, K, score->data, num_images,
                          names, options);
    options = NULL;
    if (st == IGD_OK)
        st = load_origin(*out, metadata, path);
    else
        st = igd_error_prefix(st, path);
    if (st == IGD_OK) {
        (*out)->sealed = sealed;
        memcpy((*out)->shape, shape, sizeof(shape));
    } else {
        igd_ranking_free(*out);
        *out = NULL;
    }

done:
    free(names);
    cJSON_Delete(list);
    cJSON_Delete(options);
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
