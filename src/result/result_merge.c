// Owns joining the results of disjoint index ranges of one run.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/require.h"
#include "result/check_counts.h"
#include "result/provenance.h"
#include "result/result_impl.h"
#include "result/result_parts.h"

// The digests of what a part took over from other radii, which is its own.
static void remove_found_digests(cJSON *provenance)
{
    cJSON *settings = cJSON_GetObjectItemCaseSensitive(provenance, "settings");
    cJSON_DeleteItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(settings, "smaller"), "sha256");
    cJSON_DeleteItemFromObjectCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(settings, "larger"), "sha256");
}

// What must agree between parts: the provenance less what describes one of them.
static cJSON *identity_of(const igd_result *r)
{
    static const char *const own[] = {"command", "device", "batch_size", "threads"};
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
    remove_found_digests(o);
    igd_provenance_reduce(cJSON_GetObjectItemCaseSensitive(o, "settings"));
    return o;
}

static igd_status same_run(const igd_result *a, const igd_result *b, const char *path_a,
                           const char *path_b)
{
    char difference[400];
    cJSON *first = identity_of(a), *second = identity_of(b);
    bool differ;
    IGD_TRY(igd_json_compare(&differ, difference, sizeof(difference), first, second));
    if (differ)
        return igd_error(IGD_EINVAL, "%s: of another run than %s (\"there\"): %s", path_b,
                         path_a, difference);
    if (!igd_parts_same_device(a->provenance, b->provenance))
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

// What a part adds to the whole, and no more: there may be very many of them.
typedef struct piece {
    const char *path; // borrowed
    igd_stated_part stated;
    int64_t first;         // the least of its indices
    igd_flags flags;       // owned, and so are the next ones
    cJSON *data, *checks;  // of its provenance; NULL for no checks
    igd_cost *costs;       // of the entries
    igd_warning *warnings; // [num_warnings]
    int num_warnings;
    double seconds;
} piece;

static void piece_free(piece *p)
{
    igd_flags_free(&p->flags);
    cJSON_Delete(p->data);
    cJSON_Delete(p->checks);
    free(p->costs);
    free(p->warnings);
}

static int64_t first_image(const igd_result *r)
{
    int64_t first = r->flags.index[0];
    for (int64_t i = 1; i < r->flags.num_images; i++)
        first = r->flags.index[i] < first ? r->flags.index[i] : first;
    return first;
}

// Moves out of a result what it adds; its numbers of columns and draws stay.
static igd_status piece_take(piece *p, igd_result *r)
{
    IGD_TRY(igd_parts_stated(&p->stated, r, p->path));
    p->first = first_image(r);
    p->seconds = r->seconds;
    p->flags = r->flags;
    r->flags =
        (igd_flags){.num_columns = p->flags.num_columns, .num_draws = p->flags.num_draws};
    p->checks = r->checks;
    r->checks = NULL;
    p->data = igd_provenance_part(igd_get(r->provenance, "data"));
    const size_t num = (size_t)r->warnings.num;
    p->costs = malloc(((size_t)r->num_entries + 1) * sizeof(*p->costs));
    p->warnings = malloc((num + 1) * sizeof(*p->warnings));
    if (p->costs == NULL || p->warnings == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", p->path);
    for (int e = 0; e < r->num_entries; e++)
        p->costs[e] = r->entries[e].cost;
    memcpy(p->warnings, r->warnings.item, num * sizeof(*p->warnings));
    p->num_warnings = r->warnings.num;
    return IGD_OK;
}

static int by_first_image(const void *a, const void *b)
{
    const piece *p = a, *q = b;
    const int order = (p->first > q->first) - (p->first < q->first);
    return order != 0 ? order : strcmp(p->path, q->path);
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

static igd_status join_flags(igd_result *out, const piece *pieces, int num)
{
    int64_t total = 0, filled = 0;
    igd_status st;

    for (int k = 0; k < num; k++)
        total += pieces[k].flags.num_images;
    place *places = malloc((size_t)total * sizeof(*places));
    if (places == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)total);
    for (int k = 0; k < num; k++)
        for (int64_t i = 0; i < pieces[k].flags.num_images; i++)
            places[filled++] = (place){pieces[k].flags.index[i], k, i};
    qsort(places, (size_t)total, sizeof(*places), by_index);
    for (int64_t i = 1; i < total; i++)
        if (places[i].index == places[i - 1].index) {
            st = igd_error(IGD_EINVAL, "%s: image %lld is in %s as well",
                           pieces[places[i].part].path, (long long)places[i].index,
                           pieces[places[i - 1].part].path);
            goto done;
        }
    if ((st = igd_flags_init(&out->flags, total, out->flags.num_columns,
                             out->flags.num_draws)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < total; i++)
        copy_row(&out->flags, i, &pieces[places[i].part].flags, places[i].row);

done:
    free(places);
    return st;
}

// The data of the whole are those of its parts, whose digests stay.
static void join_provenances(igd_result *out, piece *pieces, int num)
{
    cJSON *data = cJSON_GetObjectItemCaseSensitive(out->provenance, "data");
    cJSON *list = cJSON_CreateArray();
    for (int k = 0; k < num; k++) {
        igd_json_append(list, pieces[k].data);
        pieces[k].data = NULL;
    }
    igd_provenance_join(data, list, (double)out->flags.num_images);
    remove_found_digests(out->provenance);
}

// Adds what each piece says beside its flags.
static igd_status join_rest(igd_result *out, piece *pieces, int num)
{
    out->checks = pieces[0].checks;
    pieces[0].checks = NULL;
    for (int k = 1; k < num; k++) {
        const piece *p = &pieces[k];
        if (out->checks != NULL)
            IGD_TRY(igd_counts_add(out->checks, p->checks, p->path));
        out->seconds += p->seconds;
        for (int e = 0; e < out->num_entries; e++)
            igd_cost_add(&out->entries[e].cost, &p->costs[e]);
        for (int w = 0; w < p->num_warnings; w++)
            if (!igd_warned(&out->warnings, p->warnings[w].id))
                igd_warn(&out->warnings, p->warnings[w].id, "%s", p->warnings[w].text);
    }
    return IGD_OK;
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

// The results that are read whole: the first one, which the others are compared with, and
// the one of the least image, which becomes the whole. They may be the same.
typedef struct ends {
    igd_result *first, *least;
    int64_t least_image;
} ends;

static void ends_free(ends *e)
{
    if (e->least != e->first)
        igd_result_free(e->least);
    igd_result_free(e->first);
    *e = (ends){0};
}

static igd_status read_piece(piece *p, ends *e, const char *first_path)
{
    igd_result *r = NULL;
    igd_status st;
    IGD_TRY(igd_result_read_part(&r, p->path));
    if (e->first != NULL && (st = same_run(e->first, r, first_path, p->path)) != IGD_OK)
        goto done;
    if ((st = finished(r, p->path)) != IGD_OK || (st = piece_take(p, r)) != IGD_OK)
        goto done;
    if (e->first == NULL || p->first < e->least_image) {
        if (e->least != e->first)
            igd_result_free(e->least);
        e->first = e->first != NULL ? e->first : r;
        e->least = r;
        e->least_image = p->first;
        r = NULL;
    }

done:
    igd_result_free(r);
    return st;
}

// Reads results and puts them in the order of their images, so that the whole does not
// depend on that of the files.
static igd_status read_pieces(piece *pieces, ends *e, const char *const *given, int num)
{
    igd_stated_part *stated = calloc((size_t)num, sizeof(*stated));
    const char **paths = calloc((size_t)num, sizeof(*paths));
    igd_status st = IGD_OK;
    if (stated == NULL || paths == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d results", num);
        goto done;
    }
    for (int k = 0; k < num && st == IGD_OK; k++) {
        pieces[k].path = given[k];
        st = read_piece(&pieces[k], e, given[0]);
    }
    if (st != IGD_OK)
        goto done;
    qsort(pieces, (size_t)num, sizeof(*pieces), by_first_image);
    for (int k = 0; k < num; k++) {
        stated[k] = pieces[k].stated;
        paths[k] = pieces[k].path;
    }
    st = igd_parts_check(stated, paths, num);

done:
    free(stated);
    free(paths);
    return st;
}

igd_status igd_result_merge(igd_result **out, const char *const *paths, int num)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(paths);
    ends e = {0};
    igd_status st;

    if (num < 1)
        return igd_error(IGD_EINVAL, "no results to join");
    for (int k = 0; k < num; k++)
        IGD_REQUIRE(paths[k]);
    piece *pieces = calloc((size_t)num, sizeof(*pieces));
    if (pieces == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d results", num);
    if ((st = read_pieces(pieces, &e, paths, num)) != IGD_OK)
        goto done;
    // With all images of all parts, their order says nothing.
    e.least->planned = 0;
    e.least->compared = false;
    if ((st = join_flags(e.least, pieces, num)) != IGD_OK)
        goto done;
    join_provenances(e.least, pieces, num);
    if ((st = join_rest(e.least, pieces, num)) == IGD_OK)
        st = igd_result_finish(e.least);
    if (st == IGD_OK) {
        *out = e.least;
        e.first = e.first == e.least ? NULL : e.first;
        e.least = e.first; // it is the caller's now
    }

done:
    for (int k = 0; k < num; k++)
        piece_free(&pieces[k]);
    free(pieces);
    ends_free(&e);
    return st;
}
