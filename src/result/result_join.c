// Owns joining results of one classifier on the same images under several lists of
// attacks: an image counts only if it survives all of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json_build.h"
#include "result/result_impl.h"

// Where the columns of the second go in the joined table. Its clean images get a column
// of their own where they were judged otherwise, by other draws.
typedef struct layout {
    int first; // columns of the first result
    bool clean;
    int num;
} layout;

static igd_status lay_out(layout *l, const igd_flags *a, const igd_flags *b,
                          const char *path)
{
    const size_t n = (size_t)a->num_images;
    *l = (layout){.first = a->num_columns};
    if (a->num_draws != b->num_draws)
        return igd_error(IGD_EINVAL,
                         "%s: judged by %d draws, another result of the same defense by "
                         "%d: they cannot be joined",
                         path, b->num_draws, a->num_draws);
    l->clean = memcmp(igd_flags_column(a, 0), igd_flags_column(b, 0), n) != 0 ||
               (a->votes != NULL && memcmp(a->votes, b->votes, n) != 0);
    l->num = a->num_columns + b->num_columns - (l->clean ? 0 : 1);
    if (l->num > IGD_MAX_STEPS)
        return igd_error(IGD_EINVAL, "%s: with it, %d attacks on one defense", path,
                         l->num);
    return IGD_OK;
}

static int moved(const layout *l, int column)
{
    return l->first + column - (l->clean ? 0 : 1);
}

static void copy_column(igd_flags *to, int column, const igd_flags *from, int which)
{
    const size_t n = (size_t)to->num_images;
    memcpy(igd_flags_column(to, column), igd_flags_column(from, which), n);
    if (to->votes != NULL)
        memcpy(to->votes + (size_t)column * n, from->votes + (size_t)which * n, n);
}

static igd_status join_tables(igd_result *to, const igd_result *from, const layout *l)
{
    const igd_flags *a = &to->flags, *b = &from->flags;
    igd_flags joined;
    IGD_TRY(igd_flags_init(&joined, a->num_images, l->num, a->num_draws));
    const size_t n = (size_t)a->num_images;
    memcpy(joined.index, a->index, n * sizeof(*a->index));
    memcpy(joined.label, a->label, n * sizeof(*a->label));
    memcpy(joined.clean, a->clean, n * sizeof(*a->clean));
    for (size_t i = 0; i < n; i++)
        joined.bounds[i] = a->bounds[i] & b->bounds[i];
    for (int c = 0; c < a->num_columns; c++)
        copy_column(&joined, c, a, c);
    for (int c = l->clean ? 0 : 1; c < b->num_columns; c++)
        copy_column(&joined, moved(l, c), b, c);
    igd_flags_free(&to->flags);
    to->flags = joined;
    return IGD_OK;
}

static bool has_entry(const igd_result *r, int num, const igd_entry *e)
{
    for (int k = 0; k < num; k++)
        if (strcmp(r->entries[k].name, e->name) == 0 &&
            strcmp(r->entries[k].ensemble, e->ensemble) == 0)
            return true;
    return false;
}

// Entries of equal names are told apart by the file of the second.
static void rename_entry(igd_entry *e, const char *file)
{
    const size_t used = strlen(e->name);
    snprintf(e->name + used, sizeof(e->name) - used, " (%.40s)", file);
    for (char *c = e->name + used; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
            *c = '?'; // names are printed as they are
}

static igd_status join_entries(igd_result *to, const igd_result *from, const layout *l,
                               const char *file)
{
    const int before = to->num_entries;
    const int most = before + from->num_entries + 1;
    igd_entry *all = realloc(to->entries, (size_t)most * sizeof(*all));
    if (all == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d attacks", most);
    to->entries = all;
    if (l->clean) {
        igd_entry *e = &all[to->num_entries++];
        *e = (igd_entry){.name = "clean", .num_columns = 1, .num_counts = 1};
        snprintf(e->target, sizeof(e->target), "%s",
                 from->num_entries > 0 ? from->entries[0].target : "");
        e->columns[0] = e->counts[0] = moved(l, 0);
        rename_entry(e, file);
    }
    for (int k = 0; k < from->num_entries; k++) {
        igd_entry *e = &all[to->num_entries++];
        *e = from->entries[k];
        for (int c = 0; c < e->num_columns; c++)
            e->columns[c] = moved(l, e->columns[c]);
        for (int c = 0; c < e->num_counts; c++)
            e->counts[c] = moved(l, e->counts[c]);
        if (has_entry(to, before, e))
            rename_entry(e, file);
    }
    return IGD_OK;
}

// What was set of the attacks of both.
static igd_status join_heads(igd_result *to, const igd_result *from)
{
    cJSON *settings = cJSON_GetObjectItemCaseSensitive(to->provenance, "settings");
    cJSON *list = cJSON_GetObjectItemCaseSensitive(settings, "attacks");
    const cJSON *item;
    cJSON_ArrayForEach(
        item,
        cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(from->provenance, "settings"), "attacks"))
    {
        if (!igd_json_append(list, cJSON_Duplicate(item, true)))
            return igd_error(IGD_ENOMEM, "no memory for the attacks");
    }
    return IGD_OK;
}

igd_status igd_result_join(igd_result *to, const igd_result *from, const char *path)
{
    const char *slash = strrchr(path, '/');
    layout l;
    IGD_TRY(lay_out(&l, &to->flags, &from->flags, path));
    IGD_TRY(join_tables(to, from, &l));
    IGD_TRY(join_entries(to, from, &l, slash != NULL ? slash + 1 : path));
    IGD_TRY(join_heads(to, from));
    to->bounds = to->bounds && from->bounds;
    // A sample of the one is not one of the other where they were stopped differently.
    to->planned = to->planned == from->planned ? to->planned : 0;
    to->compared = false;
    to->seconds += from->seconds;
    for (int w = 0; w < from->warnings.num; w++)
        igd_warn(&to->warnings, from->warnings.item[w].id, "%s",
                 from->warnings.item[w].text);
    // What the checks of either found is among its warnings.
    cJSON_Delete(to->checks);
    to->checks = NULL;
    cJSON_free(to->json);
    free(to->text);
    to->json = to->text = NULL;
    return igd_result_finish(to);
}
