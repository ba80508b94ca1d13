// Owns the format of the state file: one line with the format's name and the SHA-256 of
// what follows, then one JSON object.
#include "result/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/number.h"
#include "result/provenance.h"

#define FORMAT "igdef.state/1"
#define HEADER "{\"format\":\"" FORMAT "\",\"sha256\":\""
#define HEADER_END "\"}\n"
#define MAX_SIZE ((size_t)1 << 30)

// The cost's fields, in the order of the file.
#define NUM_COSTS 9

igd_status igd_state_init(igd_state *s, const char *path, cJSON *settings,
                          int64_t num_images, int num_columns, int num_draws)
{
    igd_status st;

    *s = (igd_state){.path = path, .settings = settings};
    if ((st = igd_flags_init(&s->flags, num_images, num_columns, num_draws)) != IGD_OK)
        goto done;
    s->costs = calloc((size_t)num_columns, sizeof(*s->costs));
    s->printed = igd_json_text(settings, false);
    if (s->costs == NULL || s->printed == NULL)
        st = igd_error(IGD_ENOMEM, "no memory for the state of %lld images",
                       (long long)num_images);

done:
    if (st != IGD_OK)
        igd_state_free(s);
    return st;
}

void igd_state_free(igd_state *s)
{
    igd_flags_free(&s->flags);
    free(s->costs);
    cJSON_Delete(s->settings);
    cJSON_free(s->printed);
    *s = (igd_state){0};
}

// --- writing

static void put_bytes(FILE *f, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        fputc(digits[bytes[i] >> 4], f);
        fputc(digits[bytes[i] & 15], f);
    }
}

static void put_body(FILE *f, const igd_state *s)
{
    const igd_flags *t = &s->flags;
    const size_t n = (size_t)t->num_images;

    igd_print(f, "{\"settings\":%s,\"seconds\":%.17g,\"clean\":[", s->printed,
              s->seconds);
    for (size_t i = 0; i < n; i++)
        fprintf(f, i > 0 ? ",%d" : "%d", t->clean[i]);
    fputs("],\"bounds\":\"", f);
    put_bytes(f, t->bounds, n);
    fputs("\",\"columns\":[", f);
    for (int c = 0; c < t->num_columns; c++) {
        const igd_cost *k = &s->costs[c];
        fprintf(f, "%s{\"status\":\"%.*s\"", c > 0 ? "," : "", (int)n,
                igd_flags_column(t, c));
        if (t->votes != NULL) {
            fputs(",\"votes\":\"", f);
            put_bytes(f, t->votes + (size_t)c * n, n);
            fputc('"', f);
        }
        igd_print(f, ",\"costs\":[%.17g,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld]}",
                  k->seconds, (long long)k->forwards, (long long)k->backwards,
                  (long long)k->reused, (long long)k->bad, (long long)k->zero_grads,
                  (long long)k->unverified, (long long)k->outside, (long long)k->stalled);
    }
    fprintf(f, "],\"saved\":\"%s\"}\n", s->saved);
}

igd_status igd_state_save(const igd_state *s)
{
    char *body = NULL, sum[IGD_SHA256_LENGTH];
    size_t size = 0;
    igd_writer *w = NULL;
    igd_status st = IGD_OK;

    if (s->path == NULL)
        return IGD_OK;
    FILE *memory = open_memstream(&body, &size);
    if (memory == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for the state", s->path);
    put_body(memory, s);
    if (fclose(memory) != 0) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for the state", s->path);
        goto done;
    }
    if ((st = igd_sha256_bytes(sum, body, size)) != IGD_OK ||
        (st = igd_writer_open(&w, s->path)) != IGD_OK)
        goto done;
    // A failed write shows when the writer commits.
    fprintf(igd_writer_stream(w), HEADER "%s" HEADER_END, sum);
    fwrite(body, 1, size, igd_writer_stream(w));
    st = igd_writer_commit(w);
    w = NULL;

done:
    igd_writer_free(w);
    free(body);
    return st;
}

// --- reading

static igd_status damaged(const igd_state *s, const char *what)
{
    return igd_error(IGD_EFORMAT,
                     "%s: damaged state file (%s); option restart discards it", s->path,
                     what);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_bytes(uint8_t *out, size_t n, const cJSON *item)
{
    if (!cJSON_IsString(item) || strlen(item->valuestring) != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const int high = digit(item->valuestring[2 * i]);
        const int low = digit(item->valuestring[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static bool get_clean(igd_flags *t, const cJSON *array)
{
    int64_t i = 0;
    const cJSON *item;
    if (!cJSON_IsArray(array))
        return false;
    cJSON_ArrayForEach(item, array)
    {
        if (i == t->num_images || !cJSON_IsNumber(item) || item->valuedouble < -1 ||
            item->valuedouble > INT32_MAX)
            return false;
        t->clean[i++] = (int32_t)item->valuedouble;
    }
    return i == t->num_images;
}

static bool get_costs(igd_cost *k, const cJSON *array)
{
    double v[NUM_COSTS];
    int i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (i == NUM_COSTS || !cJSON_IsNumber(item) ||
            !(item->valuedouble >= 0 && item->valuedouble < 0x1p63))
            return false;
        v[i++] = item->valuedouble;
    }
    if (!cJSON_IsArray(array) || i != NUM_COSTS)
        return false;
    *k = (igd_cost){.seconds = v[0],
                    .forwards = (int64_t)v[1],
                    .backwards = (int64_t)v[2],
                    .reused = (int64_t)v[3],
                    .bad = (int64_t)v[4],
                    .zero_grads = (int64_t)v[5],
                    .unverified = (int64_t)v[6],
                    .outside = (int64_t)v[7],
                    .stalled = (int64_t)v[8]};
    return true;
}

static bool get_column(igd_state *s, int c, const cJSON *column)
{
    static const char letters[] = {IGD_TODO, IGD_ROBUST, IGD_FOOLED, IGD_SKIPPED, '\0'};
    const size_t n = (size_t)s->flags.num_images;
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(column, "status");
    if (!cJSON_IsString(status) || strlen(status->valuestring) != n ||
        strspn(status->valuestring, letters) != n)
        return false;
    memcpy(igd_flags_column(&s->flags, c), status->valuestring, n);
    if (s->flags.votes != NULL &&
        !get_bytes(s->flags.votes + (size_t)c * n, n,
                   cJSON_GetObjectItemCaseSensitive(column, "votes")))
        return false;
    return get_costs(&s->costs[c], cJSON_GetObjectItemCaseSensitive(column, "costs"));
}

// Whether the settings of the file are not these, and where.
static igd_status compare(bool *differ, char *text, size_t size, const cJSON *there,
                          const cJSON *here)
{
    cJSON *a = cJSON_Duplicate(there, true), *b = cJSON_Duplicate(here, true);
    igd_provenance_reduce(cJSON_GetObjectItemCaseSensitive(a, "settings"));
    igd_provenance_reduce(cJSON_GetObjectItemCaseSensitive(b, "settings"));
    return igd_json_compare(differ, text, size, a, b);
}

static igd_status get_body(igd_state *s, const cJSON *body)
{
    char difference[400];
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(body, "settings");
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(body, "columns");
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(body, "seconds");

    if (!cJSON_IsObject(settings))
        return damaged(s, "no settings");
    bool differ;
    IGD_TRY(compare(&differ, difference, sizeof(difference), settings, s->settings));
    if (differ)
        return igd_error(IGD_ESTATE,
                         "%s: state of a different run: %s; option restart discards it",
                         s->path, difference);
    if (!cJSON_IsNumber(seconds) || !(seconds->valuedouble >= 0))
        return damaged(s, "no time");
    s->seconds = seconds->valuedouble;
    const cJSON *saved = cJSON_GetObjectItemCaseSensitive(body, "saved");
    if (saved != NULL &&
        (!cJSON_IsString(saved) || strlen(saved->valuestring) >= sizeof(s->saved)))
        return damaged(s, "saved images");
    if (saved != NULL) // not in the first states
        memcpy(s->saved, saved->valuestring, strlen(saved->valuestring) + 1);
    if (!get_clean(&s->flags, cJSON_GetObjectItemCaseSensitive(body, "clean")))
        return damaged(s, "clean predictions");
    if (!get_bytes(s->flags.bounds, (size_t)s->flags.num_images,
                   cJSON_GetObjectItemCaseSensitive(body, "bounds")))
        return damaged(s, "bounds");
    if (cJSON_GetArraySize(columns) != s->flags.num_columns)
        return damaged(s, "number of columns");
    int c = 0;
    const cJSON *column;
    cJSON_ArrayForEach(column, columns)
    {
        if (!get_column(s, c++, column))
            return damaged(s, "flags");
    }
    return IGD_OK;
}

// The checked JSON of a file; *body is owned, NULL on failure.
static igd_status read_body(cJSON **body, const igd_state *s)
{
    const size_t prefix = strlen(HEADER), suffix = strlen(HEADER_END);
    const size_t header = prefix + IGD_SHA256_LENGTH - 1 + suffix;
    unsigned char *text = NULL;
    char sum[IGD_SHA256_LENGTH];
    size_t size = 0;
    igd_status st;

    *body = NULL;
    IGD_TRY(igd_file_read(&text, &size, s->path, MAX_SIZE));
    if (size < header || memcmp(text, HEADER, prefix) != 0 ||
        memcmp(text + header - suffix, HEADER_END, suffix) != 0) {
        st = damaged(s, "not of format " FORMAT);
        goto done;
    }
    if ((st = igd_sha256_bytes(sum, text + header, size - header)) != IGD_OK)
        goto done;
    if (memcmp(sum, text + prefix, IGD_SHA256_LENGTH - 1) != 0) {
        st = damaged(s, "checksum");
        goto done;
    }
    st = igd_json_parse(body, (const char *)text + header, size - header, s->path);

done:
    free(text);
    return st;
}

igd_status igd_state_load(igd_state *s)
{
    cJSON *body = NULL;
    if (s->path == NULL || !igd_path_exists(s->path))
        return IGD_OK;
    IGD_TRY(read_body(&body, s));
    const igd_status st = get_body(s, body);
    cJSON_Delete(body);
    return st;
}

igd_status igd_state_read(igd_state *s, const char *path)
{
    cJSON *body = NULL;
    *s = (igd_state){.path = path};
    IGD_TRY(read_body(&body, s));
    const cJSON *settings = igd_get(body, "settings");
    const int num_columns = cJSON_GetArraySize(igd_get(body, "columns"));
    const int num_images = cJSON_GetArraySize(igd_get(body, "clean"));
    const double draws = igd_number_in(settings, "settings", "draws");
    igd_status st = num_columns < 1 || num_images < 1 || !(draws >= 1 && draws <= 255)
                        ? damaged(s, "its size")
                        : igd_state_init(s, path, cJSON_Duplicate(settings, true),
                                         num_images, num_columns, (int)draws);
    if (st == IGD_OK && (st = get_body(s, body)) != IGD_OK)
        igd_state_free(s);
    cJSON_Delete(body);
    return st;
}
