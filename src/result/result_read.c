// Owns reading results back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/require.h"
#include "core/seal.h"
#include "result/result_anytime.h"
#include "result/result_impl.h"

#define FORMAT "igdef.result/1"
#define IMAGES_LIMIT ((size_t)1 << 32)

// Keys of a result that say what was run, in the order of the file.
static const char *const provenance_keys[] = {
    "command", "versions", "model",      "data",    "defense", "threat",
    "seed",    "device",   "batch_size", "threads", "settings"};
#define NUM_PROVENANCE_KEYS ((int)(sizeof(provenance_keys) / sizeof(provenance_keys[0])))

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
    static const char *const derived[] = {
        IGD_WARN_ZERO_GRADIENTS, IGD_WARN_NOT_FINITE,    IGD_WARN_UNVERIFIED,
        IGD_WARN_OUTSIDE,        IGD_WARN_BLACK_BOX,     IGD_WARN_TRANSFER,
        IGD_WARN_STALLED,        IGD_WARN_NO_SATURATION, IGD_WARN_HUGE_RADIUS,
        IGD_WARN_AUDIT,          IGD_WARN_PLANTED};
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

// What the line says beside its flags must follow from them.
static igd_status check_line(const igd_result *r, int64_t i, const cJSON *o,
                             const char *path)
{
    const igd_flags *t = &r->flags;
    const char *by = igd_result_fooled_by(r, i);
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(o, "fooled_by");
    bool robust;
    IGD_TRY(igd_json_bool(&robust, o, "robust", path));
    if ((t->clean[i] == t->label[i]) != (igd_flags_column(t, 0)[i] == IGD_ROBUST))
        return bad_line(path, i, "'clean' and 'flags' do not agree");
    if (robust != (by == NULL))
        return bad_line(path, i, "'robust' and 'flags' do not agree");
    if (by == NULL ? !cJSON_IsNull(said)
                   : !cJSON_IsString(said) || strcmp(said->valuestring, by) != 0)
        return bad_line(path, i, "'fooled_by' and 'flags' do not agree");
    return IGD_OK;
}

// The text of the lines; owned. Its lines are counted before there is memory for what
// they say.
static igd_status read_text(char **out, size_t *size, const char *path, const char *sum,
                            int64_t num_images)
{
    char found[IGD_SHA256_LENGTH];
    unsigned char *text = NULL;
    int64_t num = 0;
    *out = NULL;
    IGD_TRY(igd_file_read(&text, size, path, IMAGES_LIMIT));
    igd_status st = IGD_OK;
    if (sum != NULL && (st = igd_sha256_bytes(found, text, *size)) == IGD_OK &&
        strcmp(sum, found) != 0)
        st =
            igd_error(IGD_EFORMAT,
                      "%s: damaged or edited: not what the result's SHA-256 is of", path);
    for (size_t k = 0; k < *size && st == IGD_OK; k++)
        num += text[k] == '\n';
    if (st == IGD_OK && *size > 0 && text[*size - 1] != '\n')
        st = bad_line(path, num, "cut off");
    else if (st == IGD_OK && num != num_images)
        st = igd_error(IGD_EFORMAT, "%s: %lld lines for %lld images", path,
                       (long long)num, (long long)num_images);
    if (st == IGD_OK)
        *out = (char *)text;
    else
        free(text);
    return st;
}

static igd_status read_images(igd_result *r, const char *text, size_t size,
                              const char *path)
{
    const char *line = text, *end = text + size;
    for (int64_t i = 0; line < end; i++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        cJSON *o = NULL;
        igd_status st = igd_json_parse(&o, line, (size_t)(stop - line), path);
        if (st == IGD_OK && (st = read_image(r, i, o, path)) == IGD_OK)
            st = check_line(r, i, o, path);
        cJSON_Delete(o);
        if (st != IGD_OK)
            return st;
        line = stop + 1;
    }
    return IGD_OK;
}

// How large the table is that the result says it has.
typedef struct extent {
    int64_t num_images;
    int num_columns, num_draws;
} extent;

static igd_status read_json(igd_result *r, extent *e, const cJSON *json, const char *path)
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
        if (strcmp(provenance_keys[k], "batch_size") == 0 &&
            igd_get(json, "batch_size") == NULL)
            continue; // it is only where it decided about something
        IGD_TRY(igd_json_get(&item, json, provenance_keys[k], path));
        igd_json_add_copy(r->provenance, provenance_keys[k], item);
    }
    if (!igd_json_whole(r->provenance))
        return igd_error(IGD_ENOMEM, "%s: no memory for its settings", path);
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
    IGD_TRY(igd_result_anytime_read(r, json, num_images, path));
    r->bounds = cJSON_HasObjectItem(json, "bounds");
    const cJSON *checks = igd_get(json, "checks");
    r->checks = cJSON_Duplicate(checks, true);
    if (checks != NULL && r->checks == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its checks", path);
    *e = (extent){num_images, (int)num_columns,
                  cJSON_HasObjectItem(json, "randomised") ? (int)num_draws : 1};
    return IGD_OK;
}

// The digest of the lines that the result states; NULL where it carries none.
static igd_status lines_digest(const char **out, const igd_result *r, const cJSON *json,
                               const char *path)
{
    *out = NULL;
    if (r->sealed)
        return igd_json_string(out, json, IGD_IMAGES_DIGEST, path);
    if (cJSON_HasObjectItem(json, IGD_IMAGES_DIGEST))
        return igd_error(IGD_EFORMAT, "%s: damaged or edited: its SHA-256 is gone", path);
    return IGD_OK;
}

// Reads both files; the JSON stays in *json, owned.
static igd_status result_load(igd_result **out, cJSON **json, const char *path)
{
    char *images = igd_result_images_path(path), *text = NULL;
    igd_result *r = calloc(1, sizeof(*r));
    const char *sum;
    size_t size = 0;
    extent e = {0};
    igd_status st;

    *out = NULL;
    *json = NULL;
    if (r == NULL || images == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    if ((st = igd_seal_read(json, &r->sealed, path)) == IGD_OK &&
        (st = read_json(r, &e, *json, path)) == IGD_OK &&
        (st = lines_digest(&sum, r, *json, path)) == IGD_OK &&
        (st = read_text(&text, &size, images, sum, e.num_images)) == IGD_OK &&
        (st = igd_flags_init(&r->flags, e.num_images, e.num_columns, e.num_draws)) ==
            IGD_OK)
        st = read_images(r, text, size, images);

done:
    free(text);
    free(images);
    if (st != IGD_OK) {
        cJSON_Delete(*json);
        *json = NULL;
        igd_result_free(r);
        return st;
    }
    *out = r;
    return IGD_OK;
}

// Derives the numbers of what was read and compares them with those of the file.
static igd_status check(igd_result *r, const cJSON *json, const char *path)
{
    IGD_TRY(igd_result_finish(r));
    return igd_result_agrees(r, json, path);
}

igd_status igd_result_load(igd_result **out, const char *path)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(path);
    cJSON *json = NULL;
    IGD_TRY(result_load(out, &json, path));
    const igd_status st = check(*out, json, path);
    cJSON_Delete(json);
    if (st != IGD_OK) {
        igd_result_free(*out);
        *out = NULL;
    }
    return st;
}

igd_status igd_result_read_part(igd_result **out, const char *path)
{
    cJSON *json = NULL;
    *out = NULL;
    IGD_TRY(result_load(out, &json, path));
    igd_result *r = *out;
    const int num_warnings = r->warnings.num; // those that do not follow from flags
    const igd_status st = check(r, json, path);
    cJSON_Delete(json);
    r->warnings.num = num_warnings;
    cJSON_free(r->json);
    free(r->text);
    r->json = r->text = NULL;
    if (st != IGD_OK) {
        igd_result_free(r);
        *out = NULL;
    }
    return st;
}
