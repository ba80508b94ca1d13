// Owns whether the parts of a divided run are all there.
#include "data/part_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"

#define MISSING_SHOWN 8

cJSON *igd_part_json(const igd_part *part)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_number(o, "index", (double)part->index);
    igd_json_add_number(o, "of", (double)part->of);
    igd_json_add_number(o, "first", (double)part->first);
    igd_json_add_number(o, "whole", (double)part->whole);
    return o;
}

igd_status igd_part_read(igd_part *out, const cJSON *part, int64_t num_images,
                         const char *path)
{
    IGD_TRY(igd_json_integer(&out->index, part, "index", path));
    IGD_TRY(igd_json_integer(&out->of, part, "of", path));
    IGD_TRY(igd_json_integer(&out->first, part, "first", path));
    IGD_TRY(igd_json_integer(&out->whole, part, "whole", path));
    if (out->index < 0 || out->index >= out->of || out->first < 0 ||
        out->first > out->whole || num_images > out->whole - out->first)
        return igd_error(IGD_EFORMAT, "%s: part %lld of %lld, from image %lld of %lld",
                         path, (long long)out->index, (long long)out->of,
                         (long long)out->first, (long long)out->whole);
    return IGD_OK;
}

static igd_status same_division(const igd_part *a, const igd_part *b, const char *path_a,
                                const char *path_b)
{
    if (a->of != b->of)
        return igd_error(IGD_EINVAL, "%s: part %lld of %lld, but %s is part %lld of %lld",
                         path_b, (long long)b->index, (long long)b->of, path_a,
                         (long long)a->index, (long long)a->of);
    if (a->whole != b->whole)
        return igd_error(IGD_EINVAL, "%s: a part of %lld images, but %s is one of %lld",
                         path_b, (long long)b->whole, path_a, (long long)a->whole);
    return IGD_OK;
}

// Names the parts that are nowhere in `at`.
static igd_status name_missing(const int *at, int64_t of, int num)
{
    char list[256];
    size_t used = 0;
    int shown = 0;
    const int64_t missing = of - num;
    for (int64_t k = 0; k < of && shown < MISSING_SHOWN; k++)
        if (at[k] < 0) {
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%lld",
                                     shown > 0 ? ", " : "", (long long)k);
            shown++;
        }
    if (missing == 1)
        return igd_error(IGD_EINVAL, "part %s of %lld is missing", list, (long long)of);
    return igd_error(IGD_EINVAL, "%lld of %lld parts are missing: %s%s",
                     (long long)missing, (long long)of, list,
                     missing > shown ? ", ..." : "");
}

// Whether each of the parts, in their order, begins where the one before it ends.
static igd_status check_seams(const igd_stated_part *parts, const int *at,
                              const char *const *paths)
{
    int64_t next = 0;
    const int64_t of = parts[0].part.of, whole = parts[0].part.whole;
    for (int64_t k = 0; k < of; k++) {
        const igd_part *p = &parts[at[k]].part;
        if (p->first != next)
            return igd_error(IGD_EINVAL,
                             "%s: begins at image %lld, where the part before it ends at "
                             "%lld: was the run divided by another clean result?",
                             paths[at[k]], (long long)p->first, (long long)next);
        next += parts[at[k]].num_images;
    }
    if (next != whole)
        return igd_error(IGD_EINVAL, "%s: the last part ends at image %lld of %lld",
                         paths[at[of - 1]], (long long)next, (long long)whole);
    return IGD_OK;
}

static igd_status check_stated(const igd_stated_part *parts, const char *const *paths,
                               int num)
{
    // More parts than images or results there cannot be: `of` is only then trusted.
    const int64_t of = parts[0].part.of, whole = parts[0].part.whole;
    if (of > INT32_MAX || of > whole)
        return igd_error(IGD_EFORMAT, "%s: a part of %lld of %lld images", paths[0],
                         (long long)of, (long long)whole);
    int *at = malloc((size_t)of * sizeof(*at));
    igd_status st = IGD_OK;
    if (at == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld parts", (long long)of);
    for (int64_t k = 0; k < of; k++)
        at[k] = -1;
    for (int k = 0; k < num && st == IGD_OK; k++) {
        int *place = &at[parts[k].part.index];
        if (*place >= 0)
            st =
                igd_error(IGD_EINVAL, "%s: part %lld of %lld, as %s is already", paths[k],
                          (long long)parts[k].part.index, (long long)of, paths[*place]);
        *place = k;
    }
    if (st == IGD_OK && num < of)
        st = name_missing(at, of, num);
    if (st == IGD_OK)
        st = check_seams(parts, at, paths);
    free(at);
    return st;
}

igd_status igd_parts_check(const igd_stated_part *parts, const char *const *paths,
                           int num)
{
    const bool stated = parts[0].part.of > 0;
    for (int k = 1; k < num; k++) {
        if ((parts[k].part.of > 0) != stated)
            return igd_error(IGD_EINVAL, "%s: is %s part of a divided run, and %s is %s",
                             paths[k], stated ? "no" : "a", paths[0],
                             stated ? "one" : "none");
        IGD_TRY(same_division(&parts[0].part, &parts[k].part, paths[0], paths[k]));
    }
    return stated ? check_stated(parts, paths, num) : IGD_OK;
}
