// Owns the table of images by the last part of their path, less the suffix.
#include "data/name_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "data/decode.h"

// A path up to its suffix, and where its last part starts.
typedef struct stem {
    const char *path;
    size_t start, end;
    int64_t image;
} stem;

struct igd_name_index {
    const char *const *names; // borrowed
    int64_t num;
    stem *stems; // owned; [num], sorted
};

static stem make_stem(const char *path, int64_t image)
{
    const char *slash = strrchr(path, '/');
    const size_t start = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    const size_t end =
        igd_image_has_suffix(path) ? (size_t)(strrchr(path, '.') - path) : strlen(path);
    return (stem){path, start, end < start ? start : end, image};
}

static int by_last_part(const void *a, const void *b)
{
    const stem *x = a, *y = b;
    const size_t n = x->end - x->start, m = y->end - y->start;
    const int order = memcmp(x->path + x->start, y->path + y->start, n < m ? n : m);
    return order != 0 ? order : (n > m) - (n < m);
}

// Whether the shorter of two paths is the end of the longer, at a '/'. A suffix counts
// where both have one.
static bool same_end(const stem *a, const stem *b)
{
    const bool suffixes = a->path[a->end] != '\0' && b->path[b->end] != '\0';
    const size_t n = suffixes ? strlen(a->path) : a->end;
    const size_t m = suffixes ? strlen(b->path) : b->end;
    const size_t least = n < m ? n : m;
    if (memcmp(a->path + n - least, b->path + m - least, least) != 0)
        return false;
    const char *longer = n > m ? a->path : b->path;
    const size_t rest = (n > m ? n : m) - least;
    return rest == 0 || longer[rest - 1] == '/';
}

igd_status igd_name_index_new(igd_name_index **out, const char *const *names, int64_t num)
{
    igd_name_index *x = calloc(1, sizeof(*x));
    *out = NULL;
    if (x != NULL)
        x->stems = malloc(((size_t)num + 1) * sizeof(*x->stems));
    if (x == NULL || x->stems == NULL) {
        free(x);
        return igd_error(IGD_ENOMEM, "no memory for %lld names", (long long)num);
    }
    x->names = names;
    x->num = num;
    for (int64_t i = 0; i < num; i++)
        x->stems[i] = make_stem(names[i], i);
    qsort(x->stems, (size_t)num, sizeof(*x->stems), by_last_part);
    *out = x;
    return IGD_OK;
}

void igd_name_index_free(igd_name_index *x)
{
    if (x == NULL)
        return;
    free(x->stems);
    free(x);
}

int64_t igd_name_index_find(const igd_name_index *x, const char *name)
{
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    const stem wanted = make_stem(name, -1);
    int64_t low = 0, high = x->num; // the first that is not less
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (by_last_part(&x->stems[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t found = -1;
    for (; low < x->num && by_last_part(&x->stems[low], &wanted) == 0; low++) {
        const stem *s = &x->stems[low];
        if (strcmp(s->path, name) == 0)
            return s->image;
        if (same_end(s, &wanted))
            found = found == -1 ? s->image : -2;
    }
    return found;
}
