// Owns what evaluations of one base model keep of its passes.
#include "defend/pass_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/require.h"

#define KEY_LENGTH 32        // hexadecimal digits of a digest: 128 bits
#define MOST_WIDTH (1 << 14) // larger rows are cheaper to compute than to keep

typedef struct slot {
    char key[KEY_LENGTH];
    int64_t place; // of the row in the file, in bytes; -1 where the slot is free
    int64_t width;
} slot;

struct igd_pass_cache {
    FILE *file; // temporary
    int64_t end;
    slot *slots; // [num_slots], a power of two
    size_t num_slots, num_used;
    int64_t asked, made;
};

igd_status igd_pass_cache_new(igd_pass_cache **out)
{
    IGD_REQUIRE_OUT(out);
    igd_pass_cache *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return igd_error(IGD_ENOMEM, "no memory for shared passes");
    t->file = tmpfile();
    if (t->file == NULL) {
        free(t);
        return igd_error(IGD_EIO, "cannot make a temporary file for shared passes");
    }
    *out = t;
    return IGD_OK;
}

void igd_pass_cache_free(igd_pass_cache *t)
{
    if (t == NULL)
        return;
    fclose(t->file);
    free(t->slots);
    free(t);
}

void igd_pass_cache_counts(const igd_pass_cache *t, int64_t *asked, int64_t *made)
{
    *asked = t->asked;
    *made = t->made;
}

// --- the table

static size_t first_slot(const igd_pass_cache *t, const char *key)
{
    size_t hash = 0;
    for (int k = 0; k < 16; k++) // digits of a digest are as good as random
        hash = hash * 16 + (size_t)(key[k] <= '9' ? key[k] - '0' : key[k] - 'a' + 10);
    return hash & (t->num_slots - 1);
}

// The slot of a key, or the free one where it belongs. There must be slots.
static slot *find(const igd_pass_cache *t, const char *key)
{
    size_t i = first_slot(t, key);
    while (t->slots[i].place >= 0 && memcmp(t->slots[i].key, key, KEY_LENGTH) != 0)
        i = (i + 1) & (t->num_slots - 1);
    return &t->slots[i];
}

static igd_status grow(igd_pass_cache *t)
{
    const igd_pass_cache old = *t;
    if (2 * (t->num_used + 1) <= t->num_slots)
        return IGD_OK;
    t->num_slots = t->num_slots > 0 ? 2 * t->num_slots : 1024;
    t->slots = malloc(t->num_slots * sizeof(*t->slots));
    if (t->slots == NULL) {
        *t = old;
        return igd_error(IGD_ENOMEM, "no memory for shared passes");
    }
    for (size_t i = 0; i < t->num_slots; i++)
        t->slots[i].place = -1;
    for (size_t i = 0; i < old.num_slots; i++)
        if (old.slots[i].place >= 0)
            *find(t, old.slots[i].key) = old.slots[i];
    free(old.slots);
    return IGD_OK;
}

static igd_status failed(void)
{
    return igd_error(IGD_EIO, "cannot use the temporary file of shared passes");
}

static igd_status put(igd_pass_cache *t, const char *key, const float *row, int64_t width)
{
    IGD_TRY(grow(t));
    slot *at = find(t, key);
    if (at->place >= 0) // the same image twice in a batch
        return IGD_OK;
    if (fseek(t->file, t->end, SEEK_SET) != 0 ||
        fwrite(row, sizeof(float), (size_t)width, t->file) != (size_t)width)
        return failed();
    memcpy(at->key, key, KEY_LENGTH);
    at->place = t->end;
    at->width = width;
    t->end += width * (int64_t)sizeof(float);
    t->num_used++;
    return IGD_OK;
}

static igd_status get(const igd_pass_cache *t, const slot *at, float *row)
{
    const size_t width = (size_t)at->width;
    if (fseek(t->file, at->place, SEEK_SET) != 0 ||
        fread(row, sizeof(float), width, t->file) != width)
        return failed();
    return IGD_OK;
}

// --- a batch

typedef struct batch {
    int64_t N, d, width;
    float *x;         // [N, d]
    char *keys;       // [N, KEY_LENGTH]
    int64_t *missing; // [N + IGD_BATCH_ROWS] rows that are not there
    igd_draw *draws;  // [N + IGD_BATCH_ROWS] of those
    int64_t num;
    float *rows; // [N, width]
} batch;

static void batch_free(batch *b)
{
    free(b->x);
    free(b->keys);
    free(b->missing);
    free(b->draws);
    free(b->rows);
}

static igd_status key_of(char *key, const igd_cached_pass *part, const float *x,
                         int64_t d, const igd_draw *draw)
{
    char hex[IGD_SHA256_LENGTH];
    igd_sha256 *sum = NULL;
    IGD_TRY(igd_sha256_new(&sum));
    igd_sha256_add(sum, part->name, strlen(part->name) + 1);
    if (part->drawn) {
        igd_sha256_add(sum, &draw->image, sizeof(draw->image));
        igd_sha256_add(sum, &draw->draw, sizeof(draw->draw));
    }
    igd_sha256_add(sum, x, (size_t)d * sizeof(float));
    const igd_status st = igd_sha256_hex(sum, hex);
    igd_sha256_free(sum);
    memcpy(key, hex, KEY_LENGTH);
    return st;
}

static igd_status look_up(batch *b, const igd_pass_cache *t, const igd_cached_pass *part,
                          const igd_draw *draws)
{
    const size_t room = (size_t)(b->N + IGD_BATCH_ROWS);
    b->keys = malloc((size_t)b->N * KEY_LENGTH);
    b->missing = malloc(room * sizeof(*b->missing));
    b->draws = malloc(room * sizeof(*b->draws));
    if (b->keys == NULL || b->missing == NULL || b->draws == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld rows", (long long)b->N);
    for (int64_t i = 0; i < b->N; i++) {
        char *key = b->keys + i * KEY_LENGTH;
        IGD_TRY(key_of(key, part, b->x + i * b->d, b->d, &draws[i]));
        const slot *at = t->num_slots > 0 ? find(t, key) : NULL;
        if (at != NULL && at->place >= 0)
            b->width = at->width;
        else
            b->missing[b->num++] = i;
    }
    return IGD_OK;
}

// Makes what is missing, in whole blocks of rows as classifier.c has them.
static igd_tensor *make_missing(igd_scope *s, batch *b, const igd_cached_pass *part,
                                const igd_tensor *x, const igd_draw *draws)
{
    int64_t padded = b->num;
    for (; padded % IGD_BATCH_ROWS != 0; padded++)
        b->missing[padded] = b->missing[b->num - 1];
    for (int64_t i = 0; i < padded; i++)
        b->draws[i] = draws[b->missing[i]];
    igd_tensor *which = igt_indices(s, b->missing, padded, part->f->device);
    return part->make(s, part->self, igt_rows(s, x, which), b->draws);
}

static igd_status fill(igd_scope *s, batch *b, igd_pass_cache *t, const igd_tensor *made)
{
    float *rows = NULL;
    if (made != NULL)
        b->width = igd_tensor_size(made) / igd_tensor_length(made, 0);
    b->rows = malloc((size_t)(b->N * b->width + 1) * sizeof(float));
    if (made != NULL)
        rows = malloc((size_t)igd_tensor_size(made) * sizeof(float));
    if (b->rows == NULL || (made != NULL && rows == NULL)) {
        free(rows);
        return igd_error(IGD_ENOMEM, "no memory for %lld rows", (long long)b->N);
    }
    igd_status st = IGD_OK;
    if (made != NULL) {
        igt_read(s, made, rows, igd_tensor_size(made));
        st = s->status;
    }
    for (int64_t i = 0, k = 0; i < b->N && st == IGD_OK; i++) {
        const char *key = b->keys + i * KEY_LENGTH;
        float *to = b->rows + i * b->width;
        if (rows != NULL && k < b->num && b->missing[k] == i) {
            memcpy(to, rows + k++ * b->width, (size_t)b->width * sizeof(float));
            if (b->width <= MOST_WIDTH)
                st = put(t, key, to, b->width);
        } else {
            st = get(t, find(t, key), to);
        }
    }
    free(rows);
    return st;
}

igd_tensor *igt_cached(igd_scope *s, igd_pass_cache *t, const igd_cached_pass *part,
                       const igd_tensor *x, const igd_draw *draws)
{
    batch b = {.N = igd_scope_ok(s) ? igd_tensor_length(x, 0) : 0,
               .d = igd_classifier_pixels(part->f)};
    igd_tensor *out = NULL, *made = NULL;
    igd_scope u = igd_scope_begin(s);
    igd_status st = IGD_OK;

    if (b.N == 0)
        goto done;
    b.x = malloc((size_t)(b.N * b.d) * sizeof(float));
    if (b.x == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)b.N);
        goto done;
    }
    igt_read(&u, x, b.x, b.N * b.d);
    if ((st = u.status) != IGD_OK || (st = look_up(&b, t, part, draws)) != IGD_OK)
        goto done;
    if (b.num > 0) {
        made = make_missing(&u, &b, part, x, draws);
        if ((st = u.status) != IGD_OK)
            goto done;
    }
    if ((st = fill(&u, &b, t, made)) != IGD_OK)
        goto done;
    t->asked += b.N;
    t->made += b.num;
    out = igt_floats(&u, b.rows, (const int64_t[]){b.N, b.width}, 2, part->f->device);

done:
    if (st != IGD_OK)
        igd_scope_fail(&u, st);
    batch_free(&b);
    return igd_scope_return(&u, out);
}
