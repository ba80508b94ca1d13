// Owns joining the results of disjoint index ranges of one run.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/require.h"
#include "result/check_counts.h"
#include "result/provenance.h"
#include "result/result_impl.h"
#include "result/result_parts.h"

// What must agree between parts: the provenance less what describes one of them.
static cJSON *identity_of(const igd_result *r)
{
    static const char *const own[] = {"command", "device", "threads"};
    static const char *const own_data[] = {"path", "count", "sha256", "part", "parts"};
    cJSON *o = cJSON_Duplicate(r->provenance, true);
    for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
        cJSON_DeleteItemFromObjectCaseSensitive(o, own[k]);
    for (size_t k = 0; k < sizeof(own_data) / sizeof(own_data[0]); k++)
        cJSON_DeleteItemFromObjectCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(o, "data"), own_data[k]);
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(o, "model"),
                                            "path");
    cJSON_DeleteItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(o, "defense"), "path");
    igd_provenance_reduce(cJSON_GetObjectItemCaseSensitive(o, "settings"));
    return o;
}

static igd_status same_run(const igd_result *a, const igd_result *b, const char *path_a,
                           const char *path_b)
{
    char difference[400];
    cJSON *first = identity_of(a), *second = identity_of(b);
    const bool differ =
        igd_json_difference(difference, sizeof(difference), first, second);
    cJSON_Delete(first);
    cJSON_Delete(second);
    if (differ)
        return igd_error(IGD_EINVAL, "%s: of another run than %s (\"there\"): %s", path_b,
                         path_a, difference);
    if (!igd_parts_same_device(a, b))
        return igd_error(IGD_EINVAL, "%s: computed on another kind of device than %s",
                         path_b, path_a);
    if (a->flags.num_columns != b->flags.num_columns ||
        a->num_entries != b->num_entries || a->flags.num_draws != b->flags.num_draws ||
        a->num_classes != b->num_classes || a->bounds != b->bounds)
        return igd_error(IGD_EINVAL, "%s: other attacks than %s", path_b, path_a);
    for (int k = 0; k < a->num_entries; k++)
        if (strcmp(a->entries[k].name, b->entries[k].name) != 0)
            return igd_error(IGD_EINVAL, "%s: other attacks than %s", path_b, path_a);
    return IGD_OK;
}

typedef struct place {
    int64_t index;
    int part;
    int64_t row;
} place;

static int by_index(const void *a, const void *b)
{
    const place *p = a, *q = b;
    return (p->index > q->index) - (p->index < q->index);
}

static void copy_row(igd_flags *to, int64_t i, const igd_flags *from, int64_t row)
{
    to->index[i] = from->index[row];
    to->label[i] = from->label[row];
    to->clean[i] = from->clean[row];
    to->bounds[i] = from->bounds[row];
    for (int c = 0; c < to->num_columns; c++) {
        igd_flags_column(to, c)[i] = igd_flags_column(from, c)[row];
        if (to->votes != NULL)
            to->votes[(size_t)c * (size_t)to->num_images + (size_t)i] =
                from->votes[(size_t)c * (size_t)from->num_images + (size_t)row];
    }
}

static igd_status join_flags(igd_result *out, igd_result *const *parts,
                             const char *const *paths, int num)
{
    int64_t total = 0, filled = 0;
    igd_flags joined = {0};
    igd_status st;

    for (int k = 0; k < num; k++)
        total += parts[k]->flags.num_images;
    place *places = malloc((size_t)total * sizeof(*places));
    if (places == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)total);
    for (int k = 0; k < num; k++)
        for (int64_t i = 0; i < parts[k]->flags.num_images; i++)
            places[filled++] = (place){parts[k]->flags.index[i], k, i};
    qsort(places, (size_t)total, sizeof(*places), by_index);
    for (int64_t i = 1; i < total; i++)
        if (places[i].index == places[i - 1].index) {
            st = igd_error(IGD_EINVAL, "%s: image %lld is in %s as well",
                           paths[places[i].part], (long long)places[i].index,
                           paths[places[i - 1].part]);
            goto done;
        }
    if ((st = igd_flags_init(&joined, total, out->flags.num_columns,
                             out->flags.num_draws)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < total; i++)
        copy_row(&joined, i, &parts[places[i].part]->flags, places[i].row);
    igd_flags_free(&out->flags);
    out->flags = joined;

done:
    free(places);
    return st;
}

// The data of the whole are those of its parts, whose digests stay.
static void join_provenances(igd_result *out, igd_result *const *parts, int num)
{
    cJSON *data = cJSON_GetObjectItemCaseSensitive(out->provenance, "data");
    cJSON *list = cJSON_CreateArray();
    for (int k = 0; k < num; k++) {
        cJSON *from = cJSON_GetObjectItemCaseSensitive(parts[k]->provenance, "data");
        cJSON *o = cJSON_CreateObject();
        static const char *const keys[] = {"path", "count", "sha256"};
        for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++)
            cJSON_AddItemToObject(
                o, keys[j],
                cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(from, keys[j]), true));
        cJSON_AddItemToArray(list, o);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(data, "sha256");
    cJSON_DeleteItemFromObjectCaseSensitive(data, "part");
    cJSON_DeleteItemFromObjectCaseSensitive(data, "parts");
    cJSON_ReplaceItemInObjectCaseSensitive(
        data, "count", cJSON_CreateNumber((double)out->flags.num_images));
    cJSON_AddItemToObject(data, "parts", list);
}

// A result and the file that it comes from.
typedef struct input {
    igd_result *result; // owned
    const char *path;
    int64_t first; // the least of its indices
} input;

static int64_t first_image(const igd_result *r)
{
    int64_t first = r->flags.index[0];
    for (int64_t i = 1; i < r->flags.num_images; i++)
        first = r->flags.index[i] < first ? r->flags.index[i] : first;
    return first;
}

static igd_status finished(const igd_result *r, const char *path)
{
    const int64_t num = igd_result_num_images(r), planned = igd_result_num_planned(r);
    if (planned <= num)
        return IGD_OK;
    return igd_error(IGD_EINVAL,
                     "%s: stopped after %lld of %lld images: only finished parts can be "
                     "joined",
                     path, (long long)num, (long long)planned);
}

static int by_first_image(const void *a, const void *b)
{
    const input *p = a, *q = b;
    const int order = (p->first > q->first) - (p->first < q->first);
    return order != 0 ? order : strcmp(p->path, q->path);
}

// Reads results and puts them in the order of their images, so that the whole does not
// depend on that of the files.
static igd_status read_parts(igd_result **parts, const char **paths,
                             const char *const *given, int num)
{
    input *inputs = calloc((size_t)num, sizeof(*inputs));
    igd_status st = IGD_OK;
    if (inputs == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d results", num);
    for (int k = 0; k < num && st == IGD_OK; k++) {
        inputs[k].path = given[k];
        st = igd_result_read_part(&inputs[k].result, given[k]);
        if (st == IGD_OK)
            st = same_run(inputs[0].result, inputs[k].result, given[0], given[k]);
        if (st == IGD_OK)
            st = finished(inputs[k].result, given[k]);
        if (st == IGD_OK)
            inputs[k].first = first_image(inputs[k].result);
    }
    if (st == IGD_OK)
        qsort(inputs, (size_t)num, sizeof(*inputs), by_first_image);
    for (int k = 0; k < num; k++) {
        parts[k] = inputs[k].result;
        paths[k] = inputs[k].path;
    }
    free(inputs);
    return st;
}

// Adds what each part says beside its flags to the first one.
static igd_status join_rest(igd_result *const *parts, const char *const *paths, int num)
{
    igd_result *out = parts[0];
    for (int k = 1; k < num; k++) {
        if (out->checks != NULL)
            IGD_TRY(igd_counts_add(out->checks, parts[k]->checks, paths[k]));
        out->seconds += parts[k]->seconds;
        for (int e = 0; e < out->num_entries; e++)
            igd_cost_add(&out->entries[e].cost, &parts[k]->entries[e].cost);
        for (int w = 0; w < parts[k]->warnings.num; w++)
            if (!igd_warned(&out->warnings, parts[k]->warnings.item[w].id))
                igd_warn(&out->warnings, parts[k]->warnings.item[w].id, "%s",
                         parts[k]->warnings.item[w].text);
    }
    return IGD_OK;
}

igd_status igd_result_merge(igd_result **out, const char *const *paths, int num)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(paths);
    igd_result **parts = NULL;
    const char **names = NULL;
    igd_status st;

    if (num < 1)
        return igd_error(IGD_EINVAL, "no results to join");
    for (int k = 0; k < num; k++)
        IGD_REQUIRE(paths[k]);
    parts = calloc((size_t)num, sizeof(igd_result *));
    names = calloc((size_t)num, sizeof(*names));
    if (parts == NULL || names == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d results", num);
        goto done;
    }
    if ((st = read_parts(parts, names, paths, num)) != IGD_OK ||
        (st = igd_parts_check(parts, names, num)) != IGD_OK)
        goto done;
    // With all images of all parts, their order says nothing.
    parts[0]->planned = 0;
    parts[0]->compared = false;
    if ((st = join_flags(parts[0], parts, names, num)) != IGD_OK)
        goto done;
    join_provenances(parts[0], parts, num);
    if ((st = join_rest(parts, names, num)) == IGD_OK)
        st = igd_result_finish(parts[0]);
    if (st == IGD_OK) {
        *out = parts[0];
        parts[0] = NULL;
    }

done:
    for (int k = 0; parts != NULL && k < num; k++)
        igd_result_free(parts[k]);
    free(parts);
    free(names);
    return st;
}
