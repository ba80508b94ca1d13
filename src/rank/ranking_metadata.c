// Owns what files say of a ranking beside its scores.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "igdef/version.h"
#include "rank/ranking_impl.h"

static void add_json(cJSON *metadata, const char *key, const cJSON *value)
{
    char *text = igd_json_text(value, false);
    igd_json_add_item(metadata, key, text != NULL ? cJSON_CreateString(text) : NULL);
    cJSON_free(text);
}

static void add_shape(cJSON *metadata, const int64_t shape[3])
{
    char text[64];
    snprintf(text, sizeof(text), "%lld,%lld,%lld", (long long)shape[0],
             (long long)shape[1], (long long)shape[2]);
    igd_json_add_string(metadata, "input", text);
}

cJSON *igd_ranking_metadata(const igd_ranking *r, const char *format)
{
    cJSON *metadata = cJSON_CreateObject(), *names = cJSON_CreateArray();
    char num_images[24], *images = igd_sketch_text(&r->images);

    for (int c = 0; c < r->num_classes; c++)
        igd_json_append(names, cJSON_CreateString(r->class_names[c]));
    snprintf(num_images, sizeof(num_images), "%lld", (long long)r->num_images);
    igd_json_add_string(metadata, "format", format);
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
    const bool whole = igd_json_whole(metadata) && images != NULL;
    cJSON_Delete(names);
    free(images);
    if (whole)
        return metadata;
    cJSON_Delete(metadata);
    return NULL;
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

igd_status igd_ranking_from_metadata(igd_ranking **out, const cJSON *metadata,
                                     const float *score, int C, int K, const char *path)
{
    cJSON *list = NULL, *options = NULL;
    const char **names = NULL;
    const char *method, *layer, *sha256, *count, *classes, *settings;
    int64_t num_images = 0, shape[3];
    igd_status st;

    *out = NULL;
    if ((st = igd_json_string(&method, metadata, "method", path)) != IGD_OK ||
        (st = igd_json_string(&layer, metadata, "layer", path)) != IGD_OK ||
        (st = igd_json_string(&sha256, metadata, "model_sha256", path)) != IGD_OK ||
        (st = igd_json_string(&count, metadata, "num_images", path)) != IGD_OK ||
        (st = igd_json_string(&classes, metadata, "classes", path)) != IGD_OK ||
        (st = igd_json_string(&settings, metadata, "options", path)) != IGD_OK ||
        (st = parse_count(&num_images, count, path)) != IGD_OK ||
        (st = parse_shape(shape, metadata, path)) != IGD_OK ||
        (st = parse_classes(&names, &list, classes, C, path)) != IGD_OK ||
        (st = parse_member(&options, settings, "options", path)) != IGD_OK)
        goto done;
    st = igd_ranking_make(out, method, layer, sha256, C, K, score, num_images, names,
                          options);
    options = NULL;
    if (st == IGD_OK)
        st = load_origin(*out, metadata, path);
    else
        st = igd_error_prefix(st, path);
    if (st == IGD_OK)
        memcpy((*out)->shape, shape, sizeof(shape));

done:
    if (st != IGD_OK) {
        igd_ranking_free(*out);
        *out = NULL;
    }
    free(names);
    cJSON_Delete(list);
    cJSON_Delete(options);
    return st;
}
