// Owns sketches of data sets. Of equal sets the smallest hashes are equal, so a bounded
// number of them is enough to find what two sets share.
#include "data/sketch.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "data/dataset_impl.h"

#define DIGITS 16

static int by_value(const void *a, const void *b)
{
    const uint64_t p = *(const uint64_t *)a, q = *(const uint64_t *)b;
    return (p > q) - (p < q);
}

igd_status igd_sketch_make(igd_sketch *out, const igd_dataset *d)
{
    const int64_t n = igd_dataset_size(d);
    uint64_t *all = malloc(((size_t)n + 1) * sizeof(*all));
    igd_status st = IGD_OK;
    int64_t kept = 0;

    *out = (igd_sketch){0};
    if (all == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld hashes", (long long)n);
    for (int64_t i = 0; i < n && st == IGD_OK; i++)
        st = igd_dataset_mark(&all[i], d, i);
    if (st != IGD_OK) {
        free(all);
        return st;
    }
    qsort(all, (size_t)n, sizeof(*all), by_value);
    for (int64_t i = 0; i < n && kept < IGD_SKETCH_SIZE; i++)
        if (kept == 0 || all[kept - 1] != all[i])
            all[kept++] = all[i];
    *out = (igd_sketch){all, (int)kept};
    return IGD_OK;
}

igd_status igd_sketch_copy(igd_sketch *out, const igd_sketch *s)
{
    *out = (igd_sketch){malloc(((size_t)s->num + 1) * sizeof(*out->hash)), s->num};
    if (out->hash == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d hashes", s->num);
    if (s->num > 0)
        memcpy(out->hash, s->hash, (size_t)s->num * sizeof(*out->hash));
    return IGD_OK;
}

void igd_sketch_free(igd_sketch *s)
{
    free(s->hash);
    *s = (igd_sketch){0};
}

char *igd_sketch_text(const igd_sketch *s)
{
    char *text = malloc((size_t)s->num * DIGITS + 1);
    if (text == NULL)
        return NULL;
    text[0] = '\0';
    for (int i = 0; i < s->num; i++)
        snprintf(text + (size_t)i * DIGITS, DIGITS + 1, "%016" PRIx64, s->hash[i]);
    return text;
}

igd_status igd_sketch_parse(igd_sketch *out, const char *text, const char *what)
{
    const size_t length = strlen(text);
    *out = (igd_sketch){0};
    if (length % DIGITS != 0 || length / DIGITS > IGD_SKETCH_SIZE ||
        text[strspn(text, "0123456789abcdef")] != '\0')
        return igd_error(IGD_EFORMAT, "%s: not hashes of images", what);
    out->hash = calloc(length / DIGITS + 1, sizeof(*out->hash));
    if (out->hash == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for hashes", what);
    for (size_t i = 0; i < length; i += DIGITS) {
        char digits[DIGITS + 1] = "";
        memcpy(digits, text + i, DIGITS);
        out->hash[out->num++] = strtoull(digits, NULL, 16);
    }
    for (int i = 1; i < out->num; i++)
        if (out->hash[i - 1] >= out->hash[i]) {
            igd_sketch_free(out);
            return igd_error(IGD_EFORMAT, "%s: hashes of images out of order", what);
        }
    return IGD_OK;
}

igd_status igd_sketch_compare(int64_t *known, int64_t *of, const igd_sketch *s,
                              const igd_dataset *d)
{
    *known = *of = 0;
    for (int64_t i = 0; i < igd_dataset_size(d) && s->num > 0; i++) {
        uint64_t hash;
        IGD_TRY(igd_dataset_mark(&hash, d, i));
        // Larger hashes than the last were dropped from a full sketch.
        if (s->num == IGD_SKETCH_SIZE && hash > s->hash[s->num - 1])
            continue;
        ++*of;
        *known += bsearch(&hash, s->hash, (size_t)s->num, sizeof(hash), by_value) != NULL;
    }
    return IGD_OK;
}
