// Owns which images of a data set are used: by ids, by place, by a seeded subset.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/random.h"
#include "data/dataset_impl.h"
#include "data/name_index.h"

// An index is all digits; anything else is a name, and so are digits that an image is
// called by: 0001 is 0001.png where there is one.
static bool parse_index(int64_t *out, const char *text)
{
    if (text[strspn(text, "0123456789")] != '\0')
        return false;
    // 18 digits fit; more are beyond any data set.
    *out = strlen(text) > 18 ? INT64_MAX : strtoll(text, NULL, 10);
    return true;
}

igd_status igd_ids_from_lines(int64_t **out, int64_t *num, const igd_source *s,
                              const igd_lines *lines, const char *path)
{
    igd_name_index *index = NULL;
    const char **names = NULL;
    int64_t *chosen = NULL;
    bool *seen = NULL;
    const bool named = s->num > 0 && s->functions->name != NULL;
    igd_status st = IGD_OK;

    *out = NULL;
    *num = 0;
    chosen = malloc(((size_t)lines->num + 1) * sizeof(*chosen));
    seen = calloc((size_t)s->num + 1, sizeof(*seen));
    names = malloc(((size_t)s->num + 1) * sizeof(*names));
    if (chosen == NULL || seen == NULL || names == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %lld ids", path,
                       (long long)lines->num);
        goto done;
    }
    for (int64_t i = 0; i < s->num && named; i++)
        names[i] = s->functions->name(s->self, i);
    st = igd_name_index_new(&index, names, named ? s->num : 0);
    for (int64_t i = 0; i < lines->num && st == IGD_OK; i++) {
        const char *id = lines->line[i];
        int64_t image = igd_name_index_find(index, id);
        if (image == -1 && !parse_index(&image, id))
            image = -1;
        if (image == -2)
            st = igd_error(IGD_EINVAL, "%s: \"%.80s\" could be several images", path, id);
        else if (image < 0 || image >= s->num)
            st = igd_error(IGD_EINVAL, "%s: no image \"%.80s\" in %s", path, id, s->path);
        else if (seen[image])
            st = igd_error(IGD_EINVAL, "%s: image \"%.80s\" appears twice", path, id);
        else
            seen[chosen[i] = image] = true;
    }
    if (st != IGD_OK)
        goto done;
    *num = lines->num;
    *out = chosen;
    chosen = NULL;

done:
    igd_name_index_free(index);
    free(names);
    free(seen);
    free(chosen);
    return st;
}

static igd_status start(int64_t **out, int64_t *num, const igd_source *s, const char *ids)
{
    igd_lines lines;
    if (ids != NULL) {
        IGD_TRY(igd_lines_read(&lines, ids));
        const igd_status st = lines.num > 0
                                  ? igd_ids_from_lines(out, num, s, &lines, ids)
                                  : igd_error(IGD_EINVAL, "%s: names no image", ids);
        igd_lines_free(&lines);
        return st;
    }
    *out = malloc(((size_t)s->num + 1) * sizeof(**out));
    if (*out == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %lld indices", s->path,
                         (long long)s->num);
    for (int64_t i = 0; i < s->num; i++)
        (*out)[i] = i;
    *num = s->num;
    return IGD_OK;
}

// Keeps the seeded subset's members, in their order. A larger fraction with the same seed
// contains a smaller one.
static igd_status keep_fraction(int64_t *chosen, int64_t *num, double fraction,
                                uint64_t seed)
{
    if (*num > INT32_MAX)
        return igd_error(IGD_EINVAL, "a fraction of %lld images", (long long)*num);
    const int64_t wanted = llround(fraction * (double)*num);
    const int64_t keep = wanted < 1 ? 1 : wanted;
    int32_t *order = malloc((size_t)*num * sizeof(*order));
    bool *kept = calloc((size_t)*num, sizeof(*kept));
    if (order == NULL || kept == NULL) {
        free(order);
        free(kept);
        return igd_error(IGD_ENOMEM, "no memory for %lld indices", (long long)*num);
    }
    const igd_stream stream = igd_stream_make(seed, "subset", 0, 0);
    igd_random_permutation(order, (int32_t)*num, &stream);
    for (int64_t i = 0; i < keep; i++)
        kept[order[i]] = true;
    int64_t used = 0;
    for (int64_t i = 0; i < *num; i++)
        if (kept[i])
            chosen[used++] = chosen[i];
    *num = used;
    free(order);
    free(kept);
    return IGD_OK;
}

igd_status igd_select(int64_t **out, int64_t *num, const igd_source *s,
                      const igd_dataset_options *o)
{
    *out = NULL;
    *num = 0;
    if (o->first < 0 || o->count < 0)
        return igd_error(IGD_EINVAL, "first %lld and count %lld: neither can be negative",
                         (long long)o->first, (long long)o->count);
    if (!(o->fraction > 0 && o->fraction <= 1))
        return igd_error(IGD_EINVAL, "fraction %g is not in (0, 1]", o->fraction);
    igd_status st = start(out, num, s, o->ids);
    if (st != IGD_OK)
        goto done;
    if (o->first >= *num || o->count > *num - o->first) {
        st = igd_error(IGD_EINVAL, "%s: images %lld to %lld are wanted of %lld", s->path,
                       (long long)o->first,
                       (long long)(o->first + (o->count > 0 ? o->count - 1 : 0)),
                       (long long)*num);
        goto done;
    }
    *num = o->count > 0 ? o->count : *num - o->first;
    memmove(*out, *out + o->first, (size_t)*num * sizeof(**out));
    if (o->fraction < 1)
        st = keep_fraction(*out, num, o->fraction, o->seed);

done:
    if (st != IGD_OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}
