// Owns reading JSON strictly: what cJSON lets pass and igdef does not is checked here.
#include "core/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json_build.h"
#include "core/json_syntax.h"
#include "core/text.h"

#define MAX_FILE ((size_t)64 << 20)

static size_t line_of(const char *text, const char *at)
{
    size_t line = 1;
    for (const char *p = text; p < at; p++)
        line += *p == '\n';
    return line;
}

// cJSON passes any bytes through, and stops silently at a zero.
static igd_status check_text(const char *text, size_t size, const char *what)
{
    for (size_t i = 0; i < size;) {
        const size_t n = igd_utf8_length((const unsigned char *)text + i, size - i);
        if (n == 0 || text[i] == '\0')
            return igd_error(IGD_EFORMAT, "%s: line %zu: not UTF-8 text", what,
                             line_of(text, text + i));
        i += n;
    }
    return IGD_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Sorted, so that a hostile file with a million keys costs no quadratic time. cJSON has
// limited the depth of the recursion.
static igd_status check_keys(const cJSON *json, const char *what)
{
    const char **keys = NULL;
    size_t num = 0;
    igd_status st = IGD_OK;
    const cJSON *item;

    cJSON_ArrayForEach(item, json)
    {
        st = check_keys(item, what);
        if (st != IGD_OK)
            goto done;
        num++;
    }
    if (!cJSON_IsObject(json) || num < 2)
        goto done;
    keys = malloc(num * sizeof(*keys));
    if (keys == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %zu keys", what, num);
        goto done;
    }
    num = 0;
    cJSON_ArrayForEach(item, json) keys[num++] = item->string;
    qsort(keys, num, sizeof(*keys), by_text);
    for (size_t i = 1; i < num && st == IGD_OK; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            st = igd_error(IGD_EFORMAT, "%s: key \"%s\" appears twice", what, keys[i]);

done:
    free(keys);
    return st;
}

igd_status igd_json_parse(cJSON **out, const char *text, size_t size, const char *what)
{
    cJSON *json = NULL;
    igd_status st;

    *out = NULL;
    IGD_TRY(check_text(text, size, what));
    const char *fault = igd_json_fault(text, size);
    if (fault != NULL)
        return igd_error(IGD_EFORMAT, "%s: line %zu: not valid JSON", what,
                         line_of(text, fault));
    json = cJSON_ParseWithLength(text, size);
    st = json != NULL ? check_keys(json, what)
                      : igd_error(IGD_ENOMEM, "%s: no memory for its JSON", what);
    if (st == IGD_OK)
        *out = json;
    else
        cJSON_Delete(json);
    return st;
}

igd_status igd_json_read(cJSON **out, const char *path)
{
    unsigned char *text = NULL;
    size_t size = 0;
    *out = NULL;
    IGD_TRY(igd_file_read(&text, &size, path, MAX_FILE));
    const igd_status st = igd_json_parse(out, (const char *)text, size, path);
    free(text);
    return st;
}

igd_status igd_json_stage(igd_writer **out, const cJSON *json, const char *path)
{
    char *text = igd_json_text(json, true);
    *out = NULL;
    if (text == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for the text", path);
    const igd_status st = igd_writer_open(out, path);
    if (st == IGD_OK) {
        // The stream keeps a failure, which the commit then reports.
        fputs(text, igd_writer_stream(*out));
        fputc('\n', igd_writer_stream(*out));
    }
    cJSON_free(text);
    return st;
}

igd_status igd_json_write(const cJSON *json, const char *path)
{
    igd_writer *w;
    IGD_TRY(igd_json_stage(&w, json, path));
    return igd_writer_commit(w);
}

igd_status igd_json_get(const cJSON **out, const cJSON *object, const char *key,
                        const char *what)
{
    *out = NULL;
    if (!cJSON_IsObject(object))
        return igd_error(IGD_EFORMAT, "%s: not an object, so without key \"%s\"", what,
                         key);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (item == NULL)
        return igd_error(IGD_EFORMAT, "%s: key \"%s\" is missing", what, key);
    *out = item;
    return IGD_OK;
}

static igd_status wrong_type(const char *what, const char *key, const char *wanted)
{
    return igd_error(IGD_EFORMAT, "%s: \"%s\" is not %s", what, key, wanted);
}

igd_status igd_json_string(const char **out, const cJSON *object, const char *key,
                           const char *what)
{
    const cJSON *item;
    *out = NULL;
    IGD_TRY(igd_json_get(&item, object, key, what));
    if (!cJSON_IsString(item))
        return wrong_type(what, key, "a string");
    *out = item->valuestring;
    return IGD_OK;
}

igd_status igd_json_number(double *out, const cJSON *object, const char *key,
                           const char *what)
{
    const cJSON *item;
    *out = 0;
    IGD_TRY(igd_json_get(&item, object, key, what));
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return wrong_type(what, key, "a finite number");
    *out = item->valuedouble;
    return IGD_OK;
}

igd_status igd_json_integer(int64_t *out, const cJSON *object, const char *key,
                            const char *what)
{
    double value;
    *out = 0;
    IGD_TRY(igd_json_number(&value, object, key, what));
    // Beyond 2^53 neighbouring integers are one double.
    if (value != trunc(value) || fabs(value) > 0x1p53)
        return wrong_type(what, key, "a whole number");
    *out = (int64_t)value;
    return IGD_OK;
}

igd_status igd_json_bool(bool *out, const cJSON *object, const char *key,
                         const char *what)
{
    const cJSON *item;
    *out = false;
    IGD_TRY(igd_json_get(&item, object, key, what));
    if (!cJSON_IsBool(item))
        return wrong_type(what, key, "true or false");
    *out = cJSON_IsTrue(item);
    return IGD_OK;
}

igd_status igd_json_array(const cJSON **out, const cJSON *object, const char *key,
                          const char *what)
{
    const cJSON *item;
    *out = NULL;
    IGD_TRY(igd_json_get(&item, object, key, what));
    if (!cJSON_IsArray(item))
        return wrong_type(what, key, "an array");
    *out = item;
    return IGD_OK;
}

igd_status igd_json_object(const cJSON **out, const cJSON *object, const char *key,
                           const char *what)
{
    const cJSON *item;
    *out = NULL;
    IGD_TRY(igd_json_get(&item, object, key, what));
    if (!cJSON_IsObject(item))
        return wrong_type(what, key, "an object");
    *out = item;
    return IGD_OK;
}

void igd_json_add_seed(cJSON *object, uint64_t seed)
{
    char text[24];
    if (seed <= (uint64_t)1 << 53) {
        igd_json_add_number(object, "seed", (double)seed);
        return;
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    igd_json_add_string(object, "seed", text);
}

igd_status igd_json_seed(uint64_t *out, const cJSON *object, const char *where)
{
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(object, "seed");
    char *end = NULL;
    if (cJSON_IsNumber(seed) && seed->valuedouble >= 0.0 &&
        seed->valuedouble <= 9007199254740992.0 &&
        seed->valuedouble == floor(seed->valuedouble)) {
        *out = (uint64_t)seed->valuedouble;
        return IGD_OK;
    }
    if (cJSON_IsString(seed) && seed->valuestring[0] >= '0' &&
        seed->valuestring[0] <= '9') {
        errno = 0;
        *out = strtoull(seed->valuestring, &end, 10);
        if (errno == 0 && *end == '\0')
            return IGD_OK;
    }
    return igd_error(IGD_EFORMAT, "%s: 'seed' is no seed", where);
}

char *igd_json_text(const cJSON *json, bool indented)
{
    if (!igd_json_whole(json))
        return NULL;
    char *text = indented ? cJSON_Print(json) : cJSON_PrintUnformatted(json);
    const size_t size = text != NULL ? strlen(text) : 0;
    size_t bad = 0, used = 0, length;
    for (size_t i = 0; i < size; i += length) {
        length = igd_utf8_length((const unsigned char *)text + i, size - i);
        bad += length == 0;
        length += length == 0;
    }
    if (bad == 0)
        return text;
    char *out = malloc(size + 4 * bad + 1); // each of them becomes five
    for (size_t i = 0; i < size && out != NULL; i += length) {
        length = igd_utf8_length((const unsigned char *)text + i, size - i);
        if (length == 0) {
            snprintf(out + used, 6, "\\\\x%02x", (unsigned)(unsigned char)text[i]);
            used += 5;
            length = 1;
        } else {
            memcpy(out + used, text + i, length);
            used += length;
        }
    }
    if (out != NULL)
        out[used] = '\0';
    free(text);
    return out;
}

// --- of what was checked

const cJSON *igd_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

double igd_number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

const char *igd_string_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

double igd_end_of(const cJSON *object, const char *key, int end)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    const cJSON *number = cJSON_GetArrayItem(item, end);
    return cJSON_IsNumber(number) ? number->valuedouble : NAN;
}

const char *igd_text_in(const cJSON *json, const char *object, const char *key)
{
    return igd_string_of(igd_get(json, object), key);
}

double igd_number_in(const cJSON *json, const char *object, const char *key)
{
    return igd_number_of(igd_get(json, object), key);
}
