// Owns reading the analyses that are joined.
#include "analyze/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/seal.h"
#include "result/result_parts.h"

void igd_pieces_free(igd_pieces *p)
{
    for (int k = 0; k < p->num && p->json != NULL; k++)
        cJSON_Delete(p->json[k]);
    free(p->json);
    free(p->path);
    *p = (igd_pieces){0};
}

// What must agree: what was asked, less what describes one part.
static cJSON *identity_of(const cJSON *analysis)
{
    static const char *const keys[] = {
        "kind",    "versions",  "model",   "data",    "defense", "threat",     "seed",
        "option",  "of_attack", "attacks", "columns", "from",    "cumulative", "halvings",
        "ranking", "layer",     "top",     "attack",  "target",  "settings"};
    static const char *const own_data[] = {"path", "count", "sha256", "part", "parts"};
    cJSON *o = cJSON_CreateObject();
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        igd_json_add_copy(o, keys[k], igd_get(analysis, keys[k]));
    cJSON *data = cJSON_GetObjectItemCaseSensitive(o, "data");
    for (size_t k = 0; k < sizeof(own_data) / sizeof(own_data[0]); k++)
        cJSON_DeleteItemFromObjectCaseSensitive(data, own_data[k]);
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(o, "model"),
                                            "path");
    cJSON_DeleteItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(o, "defense"), "path");
    return o;
}

static igd_status same_run(const igd_pieces *p, int k)
{
    char difference[400];
    cJSON *first = identity_of(p->json[0]), *second = identity_of(p->json[k]);
    bool differ;
    IGD_TRY(igd_json_compare(&differ, difference, sizeof(difference), first, second));
    if (differ)
        return igd_error(IGD_EINVAL, "%s: of another run than %s (\"there\"): %s",
                         p->path[k], p->path[0], difference);
    if (!igd_parts_same_device(p->json[0], p->json[k]))
        return igd_error(IGD_EINVAL, "%s: computed on another kind of device than %s",
                         p->path[k], p->path[0]);
    return IGD_OK;
}

igd_status igd_piece_read(cJSON **out, igd_kind *kind, const char *path)
{
    bool sealed;
    IGD_TRY(igd_seal_read(out, &sealed, path));
    const igd_status st = igd_analysis_check(kind, *out, path);
    if (st == IGD_OK)
        return IGD_OK;
    cJSON_Delete(*out);
    *out = NULL;
    return st;
}

static igd_status read_one(igd_pieces *p, int k, const char *path)
{
    igd_kind kind;
    p->path[k] = path;
    IGD_TRY(igd_piece_read(&p->json[k], &kind, path));
    if (k == 0)
        p->kind = kind;
    return same_run(p, k);
}

typedef struct stated {
    igd_stated_part part;
    const char *path;
    cJSON *json;
} stated;

static int by_first_image(const void *a, const void *b)
{
    const igd_part *p = &((const stated *)a)->part.part,
                   *q = &((const stated *)b)->part.part;
    return (p->first > q->first) - (p->first < q->first);
}

igd_status igd_piece_stated(igd_stated_part *out, const cJSON *analysis, const char *path)
{
    const cJSON *data, *part;
    *out = (igd_stated_part){0};
    IGD_TRY(igd_json_object(&data, analysis, "data", path));
    IGD_TRY(igd_json_integer(&out->num_images, data, "count", path));
    part = igd_get(data, "part");
    return part != NULL ? igd_part_read(&out->part, part, out->num_images, path) : IGD_OK;
}

// Puts them in the order of their images where they say it, and checks that all are
// there.
static igd_status put_in_order(igd_pieces *p)
{
    stated *all = calloc((size_t)p->num, sizeof(*all));
    igd_stated_part *parts = calloc((size_t)p->num, sizeof(*parts));
    igd_status st = IGD_OK;
    if (all == NULL || parts == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d analyses", p->num);
        goto done;
    }
    for (int k = 0; k < p->num; k++) {
        all[k] = (stated){.path = p->path[k], .json = p->json[k]};
        if ((st = igd_piece_stated(&all[k].part, p->json[k], p->path[k])) != IGD_OK)
            goto done;
    }
    qsort(all, (size_t)p->num, sizeof(*all), by_first_image);
    for (int k = 0; k < p->num; k++) {
        parts[k] = all[k].part;
        p->path[k] = all[k].path;
        p->json[k] = all[k].json;
    }
    st = igd_parts_check(parts, p->path, p->num);

done:
    free(all);
    free(parts);
    return st;
}

igd_status igd_pieces_read(igd_pieces *out, const char *const *paths, int num)
{
    igd_status st = IGD_OK;
    *out = (igd_pieces){.num = num};
    out->path = calloc((size_t)num, sizeof(const char *));
    out->json = calloc((size_t)num, sizeof(cJSON *));
    if (out->path == NULL || out->json == NULL)
        st = igd_error(IGD_ENOMEM, "no memory for %d analyses", num);
    for (int k = 0; k < num && st == IGD_OK; k++)
        st = read_one(out, k, paths[k]);
    if (st == IGD_OK)
        st = put_in_order(out);
    if (st != IGD_OK)
        igd_pieces_free(out);
    return st;
}

// --- the results that they name

static bool names(const cJSON *place, const char *file)
{
    const char *text = igd_string_of(place, "result"), *slash = strrchr(text, '/');
    const char *here = slash != NULL ? slash + 1 : text;
    const size_t length = strlen(file);
    return strncmp(here, file, length) == 0 && strcmp(here + length, ".json") == 0;
}

// "FOLDER OF THE ANALYSIS/RESULT"; owned.
static igd_status path_of(char **out, const igd_pieces *p, int k, const cJSON *place)
{
    const char *name = igd_string_of(place, "result");
    if (name[0] == '\0')
        return igd_error(IGD_EINVAL,
                         "%s: names no files of its evaluations, which are what is "
                         "joined",
                         p->path[k]);
    char *folder = igd_path_folder(p->path[k]);
    *out = folder != NULL ? igd_path_join(folder, name) : NULL;
    free(folder);
    return *out != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "%s: no memory", p->path[k]);
}

// The paths of those pieces that have the place.
static igd_status list(char **paths, int *found, const igd_pieces *p, const char *file,
                       igd_place_fn find, const void *payload)
{
    *found = 0;
    for (int k = 0; k < p->num; k++) {
        const cJSON *place = find(p->json[k], payload);
        if (place == NULL)
            continue;
        IGD_TRY(path_of(&paths[*found], p, k, place));
        (*found)++;
        if (!names(place, file))
            return igd_error(IGD_EFORMAT, "%s: names %s where %s.json is expected",
                             p->path[k], igd_string_of(place, "result"), file);
    }
    return *found > 0 ? IGD_OK
                      : igd_error(IGD_EFORMAT, "%s: has no result %s", p->path[0], file);
}

igd_status igd_pieces_join(igd_result **out, const igd_pieces *p, const char *file,
                           igd_place_fn find, const void *payload)
{
    char **paths = calloc((size_t)p->num, sizeof(*paths));
    int num = 0;
    igd_status st;
    *out = NULL;
    if (paths == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d results", p->num);
    if ((st = list(paths, &num, p, file, find, payload)) == IGD_OK)
        st = igd_result_merge(out, (const char *const *)paths, num);
    for (int k = 0; k < num; k++)
        free(paths[k]);
    free(paths);
    return st;
}
