// Owns reading results back, and joining those of disjoint index ranges of one run.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "result/check_counts.h"
#include "result/result_impl.h"

#define FORMAT "igdef.result/1"
#define IMAGES_LIMIT ((size_t)1 << 32)

// Keys of a result that say what was run, in the order of the file.
static const char *const provenance_keys[] = {"command", "versions", "model", "data",
                                              "defense", "threat",   "seed",  "device",
                                              "threads", "settings"};
#define NUM_PROVENANCE_KEYS ((int)(sizeof(provenance_keys) / sizeof(provenance_keys[0])))

// --- one result

static igd_status copy_text(char *out, size_t size, const char *text, const char *what)
{
    // Names are printed into JSON and reports as they are.
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
            return igd_error(IGD_EFORMAT, "%s: a name with a special character", what);
    if (strlen(text) >= size)
        return igd_error(IGD_EFORMAT, "%s: the name '%.80s' is too long", what, text);
    memcpy(out, text, strlen(text) + 1);
    return IGD_OK;
}

static igd_status read_columns(int *columns, int *num, const cJSON *object,
                               const char *key, const char *path)
{
    const cJSON *array, *item;
    IGD_TRY(igd_json_array(&array, object, key, path));
    *num = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (*num == IGD_MAX_STEPS || !cJSON_IsNumber(item) || item->valueint < 1 ||
            item->valueint >= IGD_MAX_STEPS || item->valuedouble != item->valueint)
            return igd_error(IGD_EFORMAT, "%s: '%s' is no list of columns", path, key);
        columns[(*num)++] = item->valueint;
    }
    if (*num == 0)
        return igd_error(IGD_EFORMAT, "%s: '%s' is empty", path, key);
    return IGD_OK;
}

static igd_status read_optional(char *out, size_t size, const cJSON *object,
                                const char *key, const char *path)
{
    const char *text;
    out[0] = '\0';
    if (!cJSON_HasObjectItem(object, key))
        return IGD_OK;
    IGD_TRY(igd_json_string(&text, object, key, path));
    return copy_text(out, size, text, path);
}

static igd_status read_count(int64_t *out, const cJSON *object, const char *key,
                             const char *path)
{
    IGD_TRY(igd_json_integer(out, object, key, path));
    if (*out < 0)
        return igd_error(IGD_EFORMAT, "%s: '%s' is negative", path, key);
    return IGD_OK;
}

static igd_status read_entry(igd_entry *e, const cJSON *o, const char *path)
{
    const char *text;
    IGD_TRY(igd_json_string(&text, o, "name", path));
    IGD_TRY(copy_text(e->name, sizeof(e->name), text, path));
    IGD_TRY(igd_json_string(&text, o, "target", path));
    IGD_TRY(copy_text(e->target, sizeof(e->target), text, path));
    IGD_TRY(read_optional(e->ensemble, sizeof(e->ensemble), o, "ensemble", path));
    IGD_TRY(read_optional(e->same_as, sizeof(e->same_as), o, "same_as", path));
    IGD_TRY(igd_json_bool(&e->cumulative, o, "cumulative", path));
    IGD_TRY(igd_json_bool(&e->white_box, o, "white_box", path));
    if (cJSON_HasObjectItem(o, "black_box")) // not in the first results
        IGD_TRY(igd_json_bool(&e->black_box, o, "black_box", path));
    IGD_TRY(read_count(&e->cost.forwards, o, "forwards", path));
    IGD_TRY(read_count(&e->cost.backwards, o, "backwards", path));
    IGD_TRY(igd_json_number(&e->cost.seconds, o, "seconds", path));
    IGD_TRY(read_count(&e->cost.reused, o, "reused", path));
    IGD_TRY(read_count(&e->cost.bad, o, "not_finite", path));
    IGD_TRY(read_count(&e->cost.zero_grads, o, "zero_gradients", path));
    IGD_TRY(read_count(&e->cost.stalled, o, "stalled", path));
    IGD_TRY(read_count(&e->cost.unverified, o, "unverified", path));
    IGD_TRY(read_count(&e->cost.outside, o, "outside_ball", path));
    IGD_TRY(read_columns(e->columns, &e->num_columns, o, "columns", path));
    return read_columns(e->counts, &e->num_counts, o, "counts", path);
}

static igd_status read_entries(igd_result *r, const cJSON *json, const char *path)
{
    const cJSON *array, *item;
    IGD_TRY(igd_json_array(&array, json, "attacks", path));
    const int num = cJSON_GetArraySize(array);
    if (num > 2 * IGD_MAX_STEPS)
        return igd_error(IGD_EFORMAT, "%s: %d attacks", path, num);
    r->entries = calloc((size_t)num + 1, sizeof(*r->entries));
    if (r->entries == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d attacks", path, num);
    cJSON_ArrayForEach(item, array)
    {
        IGD_TRY(read_entry(&r->entries[r->num_entries++], item, path));
    }
    return IGD_OK;
}

static igd_status read_classes(igd_result *r, const char *path)
{
    const cJSON *data, *array, *item;
    IGD_TRY(igd_json_object(&data, r->provenance, "data", path));
    IGD_TRY(igd_json_array(&array, data, "classes", path));
    const int num = cJSON_GetArraySize(array);
    r->class_names = calloc((size_t)num + 1, sizeof(*r->class_names));
    if (r->class_names == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d classes", path, num);
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            return igd_error(IGD_EFORMAT, "%s: a class without a name", path);
        char *name = malloc(strlen(item->valuestring) + 1);
        if (name == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory for %d classes", path, num);
        memcpy(name, item->valuestring, strlen(item->valuestring) + 1);
        r->class_names[r->num_classes++] = name;
    }
    return IGD_OK;
}

static igd_status read_warnings(igd_result *r, const cJSON *json, const char *path)
{
    // Those that follow from flags and costs are made anew from the joined ones.
    static const char *const derived[] = {IGD_WARN_ZERO_GRADIENTS, IGD_WARN_NOT_FINITE,
                                          IGD_WARN_UNVERIFIED,     IGD_WARN_OUTSIDE,
                                          IGD_WARN_BLACK_BOX,      IGD_WARN_TRANSFER,
                                          IGD_WARN_STALLED,        IGD_WARN_NO_SATURATION,
                                          IGD_WARN_HUGE_RADIUS,    IGD_WARN_AUDIT};
    const cJSON *array, *item;
    IGD_TRY(igd_json_array(&array, json, "warnings", path));
    cJSON_ArrayForEach(item, array)
    {
        const char *id, *text;
        bool again = false;
        IGD_TRY(igd_json_string(&id, item, "id", path));
        IGD_TRY(igd_json_string(&text, item, "text", path));
        for (size_t k = 0; k < sizeof(derived) / sizeof(derived[0]); k++)
            again = again || strcmp(id, derived[k]) == 0;
        if (!again)
            igd_warn(&r->warnings, id, "%s", text);
    }
    return IGD_OK;
}

static igd_status bad_line(const char *path, int64_t line, const char *what)
{
    return igd_error(IGD_EFORMAT, "%s: line %lld: %s", path, (long long)line + 1, what);
}

static igd_status read_votes(igd_flags *t, int64_t i, const cJSON *o, const char *path)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(o, "votes"), *item;
    int c = 0;
    if (cJSON_GetArraySize(array) != t->num_columns)
        return bad_line(path, i, "'votes' is missing or of another length");
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsNumber(item) || item->valueint < 0 || item->valueint > t->num_draws)
            return bad_line(path, i, "'votes' out of range");
        t->votes[(size_t)c++ * (size_t)t->num_images + (size_t)i] =
            (uint8_t)item->valueint;
    }
    return IGD_OK;
}

static igd_status read_image(igd_result *r, int64_t i, const cJSON *o, const char *path)
{
    static const char letters[] = {IGD_ROBUST, IGD_FOOLED, IGD_SKIPPED, '\0'};
    igd_flags *t = &r->flags;
    int64_t label, clean, bounds;
    const char *flags;
    IGD_TRY(igd_json_integer(&t->index[i], o, "index", path));
    IGD_TRY(igd_json_integer(&label, o, "label", path));
    IGD_TRY(igd_json_integer(&clean, o, "clean", path));
    IGD_TRY(igd_json_string(&flags, o, "flags", path));
    if (label < 0 || label >= r->num_classes || clean < 0 || clean >= r->num_classes)
        return bad_line(path, i, "a class out of range");
    if (strlen(flags) != (size_t)t->num_columns ||
        strspn(flags, letters) != (size_t)t->num_columns || flags[0] == IGD_SKIPPED)
        return bad_line(path, i, "'flags' has other letters or another length");
    t->label[i] = (int32_t)label;
    t->clean[i] = (int32_t)clean;
    for (int c = 0; c < t->num_columns; c++)
        igd_flags_column(t, c)[i] = flags[c];
    if (r->bounds) {
        IGD_TRY(igd_json_integer(&bounds, o, "bounds", path));
        if (bounds < 0 || bounds > 31)
            return bad_line(path, i, "'bounds' out of range");
        t->bounds[i] = (uint8_t)bounds;
    }
    return t->votes != NULL ? read_votes(t, i, o, path) : IGD_OK;
}

static igd_status read_images(igd_result *r, int64_t num_images, const char *path)
{
    unsigned char *text = NULL;
    size_t size = 0;
    igd_status st = igd_file_read(&text, &size, path, IMAGES_LIMIT);
    char *line = (char *)text, *end;
    int64_t i = 0;
    for (; st == IGD_OK && (size_t)(line - (char *)text) < size; i++, line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL || i == num_images) {
            st = bad_line(path, i, end == NULL ? "cut off" : "more lines than images");
            break;
        }
        cJSON *o = NULL;
        st = igd_json_parse(&o, line, (size_t)(end - line), path);
        if (st == IGD_OK)
            st = read_image(r, i, o, path);
        cJSON_Delete(o);
    }
    if (st == IGD_OK && i != num_images)
        st = igd_error(IGD_EFORMAT, "%s: %lld lines for %lld images", path, (long long)i,
                       (long long)num_images);
    free(text);
    return st;
}

static igd_status read_json(igd_result *r, const cJSON *json, const char *path)
{
    const char *format;
    const cJSON *settings, *data;
    int64_t num_images, num_draws, num_columns = 1;

    IGD_TRY(igd_json_string(&format, json, "format", path));
    if (strcmp(format, FORMAT) != 0)
        return igd_error(IGD_EFORMAT, "%s: format '%.40s' where " FORMAT " is expected",
                         path, format);
    r->provenance = cJSON_CreateObject();
    for (int k = 0; k < NUM_PROVENANCE_KEYS; k++) {
        const cJSON *item;
        IGD_TRY(igd_json_get(&item, json, provenance_keys[k], path));
        cJSON_AddItemToObject(r->provenance, provenance_keys[k],
                              cJSON_Duplicate(item, true));
    }
    IGD_TRY(igd_json_object(&settings, json, "settings", path));
    IGD_TRY(igd_json_object(&data, json, "data", path));
    IGD_TRY(igd_json_integer(&num_images, data, "count", path));
    IGD_TRY(igd_json_integer(&num_draws, settings, "draws", path));
    IGD_TRY(igd_json_number(&r->seconds, json, "seconds", path));
    IGD_TRY(read_entries(r, json, path));
    IGD_TRY(read_classes(r, path));
    IGD_TRY(read_warnings(r, json, path));
    for (int k = 0; k < r->num_entries; k++)
        for (int c = 0; c < r->entries[k].num_columns; c++)
            if (r->entries[k].columns[c] >= num_columns)
                num_columns = r->entries[k].columns[c] + 1;
    for (int k = 0; k < r->num_entries; k++)
        for (int c = 0; c < r->entries[k].num_counts; c++)
            if (r->entries[k].counts[c] >= num_columns)
                return igd_error(IGD_EFORMAT, "%s: no column %d", path,
                                 r->entries[k].counts[c]);
    if (num_images < 1 || num_images > INT32_MAX || num_draws < 1 || num_draws > 255)
        return igd_error(IGD_EFORMAT, "%s: %lld images, %lld draws", path,
                         (long long)num_images, (long long)num_draws);
    r->bounds = cJSON_HasObjectItem(json, "bounds");
    r->checks = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(json, "checks"), true);
    return igd_flags_init(&r->flags, num_images, (int)num_columns,
                          cJSON_HasObjectItem(json, "randomised") ? (int)num_draws : 1);
}

static igd_status result_load(igd_result **out, const char *path)
{
    cJSON *json = NULL;
    char *images = igd_result_images_path(path);
    igd_result *r = calloc(1, sizeof(*r));
    igd_status st;

    *out = NULL;
    if (r == NULL || images == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    if ((st = igd_json_read(&json, path)) == IGD_OK &&
        (st = read_json(r, json, path)) == IGD_OK)
        st = read_images(r, r->flags.num_images, images);

done:
    cJSON_Delete(json);
    free(images);
    if (st != IGD_OK) {
        igd_result_free(r);
        return st;
    }
    *out = r;
    return IGD_OK;
}

igd_status igd_result_load(igd_result **out, const char *path)
{
    igd_result *r = NULL;
    *out = NULL;
    IGD_TRY(result_load(&r, path));
    const igd_status st = igd_result_finish(r);
    if (st != IGD_OK) {
        igd_result_free(r);
        return st;
    }
    *out = r;
    return IGD_OK;
}

// --- several

// What must agree between parts: the provenance less what describes one of them.
static cJSON *identity_of(const igd_result *r)
{
    static const char *const own[] = {"command", "device", "threads"};
    static const char *const own_data[] = {"path", "count", "sha256", "parts"};
    cJSON *o = cJSON_Duplicate(r->provenance, true);
    for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
        cJSON_DeleteItemFromObjectCaseSensitive(o, own[k]);
    for (size_t k = 0; k < sizeof(own_data) / sizeof(own_data[0]); k++)
        cJSON_DeleteItemFromObjectCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(o, "data"), own_data[k]);
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(o, "model"),
                                            "path");
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
    cJSON_DeleteItemFromObjectCaseSensitive(data, "parts");
    cJSON_ReplaceItemInObjectCaseSensitive(
        data, "count", cJSON_CreateNumber((double)out->flags.num_images));
    cJSON_AddItemToObject(data, "parts", list);
}

igd_status igd_result_merge(igd_result **out, const char *const *paths, int num)
{
    igd_result **parts = NULL;
    igd_status st = IGD_OK;

    *out = NULL;
    if (num < 1)
        return igd_error(IGD_EINVAL, "no results to join");
    parts = calloc((size_t)num, sizeof(igd_result *));
    if (parts == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d results", num);
    for (int k = 0; k < num; k++) {
        if ((st = result_load(&parts[k], paths[k])) != IGD_OK ||
            (st = same_run(parts[0], parts[k], paths[0], paths[k])) != IGD_OK)
            goto done;
    }
    if ((st = join_flags(parts[0], parts, paths, num)) != IGD_OK)
        goto done;
    join_provenances(parts[0], parts, num);
    for (int k = 1; k < num && parts[0]->checks != NULL; k++)
        if ((st = igd_counts_add(parts[0]->checks, parts[k]->checks, paths[k])) != IGD_OK)
            goto done;
    for (int k = 1; k < num; k++) {
        parts[0]->seconds += parts[k]->seconds;
        for (int e = 0; e < parts[0]->num_entries; e++)
            igd_cost_add(&parts[0]->entries[e].cost, &parts[k]->entries[e].cost);
        for (int w = 0; w < parts[k]->warnings.num; w++)
            if (!igd_warned(&parts[0]->warnings, parts[k]->warnings.item[w].id))
                igd_warn(&parts[0]->warnings, parts[k]->warnings.item[w].id, "%s",
                         parts[k]->warnings.item[w].text);
    }
    st = igd_result_finish(parts[0]);
    if (st == IGD_OK) {
        *out = parts[0];
        parts[0] = NULL;
    }

done:
    for (int k = 0; k < num; k++)
        igd_result_free(parts[k]);
    free(parts);
    return st;
}
