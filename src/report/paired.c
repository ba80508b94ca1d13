// Owns the comparison of a defended model with its base, image by image.
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "report/input.h"

// The columns of the table that a row counts. @return false where the result has no such
// attack
static bool columns_of(int columns[IGD_MAX_STEPS], int *num, const igd_inputs *in,
                       int result, int row)
{
    const igd_result *r = in->result[result].images;
    *num = 0;
    if (row == IGD_ROW_WORST)
        for (int c = 1; c < r->flags.num_columns; c++)
            columns[(*num)++] = c;
    if (row < 0)
        return true;
    const igd_row *wanted = &in->row[row];
    for (int k = 0; k < r->num_entries; k++) {
        const igd_entry *e = &r->entries[k];
        if (strcmp(e->name, wanted->name) != 0 ||
            strcmp(e->ensemble, wanted->ensemble) != 0)
            continue;
        memcpy(columns, e->counts, sizeof(*columns) * (size_t)e->num_counts);
        *num = e->num_counts;
        return true;
    }
    return false;
}

bool igd_inputs_paired(igd_paired *out, const igd_inputs *in, int result, int row)
{
    int first[IGD_MAX_STEPS], second[IGD_MAX_STEPS], num_first, num_second;
    const int base = in->result[result].base;
    if (base < 0 || in->result[base].images == NULL || in->result[result].images == NULL)
        return false;
    if (!columns_of(first, &num_first, in, base, row) ||
        !columns_of(second, &num_second, in, result, row))
        return false;
    const igd_flags *a = &in->result[base].images->flags;
    const igd_flags *b = &in->result[result].images->flags;
    int64_t lost = 0, won = 0;
    for (int64_t i = 0; i < a->num_images; i++) {
        const bool was = igd_flags_survives(a, first, num_first, i, IGD_MAJORITY);
        const bool is = igd_flags_survives(b, second, num_second, i, IGD_MAJORITY);
        lost += was && !is;
        won += !was && is;
    }
    *out = igd_mcnemar(a->num_images, lost, won);
    return true;
}

bool igd_inputs_random(const igd_inputs *in, int result)
{
    const igd_input *r = &in->result[result];
    return igd_get(r->json, "randomised") != NULL ||
           (r->base >= 0 && igd_get(in->result[r->base].json, "randomised") != NULL);
}

// --- the same attacks?

#define TRANSFER "transfer:"

// Those that a base model has as well: not transfers and not attacks on the defense's
// parts, which only make its worst case worse; nor the checks of reliability.
static bool of_both(const cJSON *attack)
{
    const char *route = igd_string_of(attack, "route");
    if (cJSON_IsTrue(igd_get(attack, "check")))
        return false;
    if (route[0] != '\0')
        return strcmp(route, "white-box") == 0;
    // Written before attacks said so: all these had a prefix.
    return strchr(igd_string_of(attack, "name"), ':') == NULL;
}

// On a base model a transferred attack is one of its own like any other.
static bool of_base(const cJSON *attack)
{
    return of_both(attack) ||
           (!cJSON_IsTrue(igd_get(attack, "check")) &&
            strncmp(igd_string_of(attack, "name"), TRANSFER, strlen(TRANSFER)) == 0);
}

static const cJSON *named(const cJSON *list, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (strcmp(igd_string_of(item, "name"), name) == 0)
            return item;
    }
    return NULL;
}

// The attacks of a result: with their parameters where it says them.
static const cJSON *attacks_of(const igd_input *r)
{
    const cJSON *list = igd_get(igd_get(r->json, "settings"), "attacks");
    return cJSON_IsArray(list) ? list : igd_get(r->json, "attacks");
}

// The attack of a defended model's list that is this one of its base model.
static const cJSON *counterpart(const cJSON *list, const char *name)
{
    const cJSON *found = named(list, name);
    return found == NULL && strncmp(name, TRANSFER, strlen(TRANSFER)) == 0
               ? named(list, name + strlen(TRANSFER))
               : found;
}

// The first attack of `base` that the defended model lacks; NULL for none.
static const char *lacking(const cJSON *base, const cJSON *defended)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, base)
    {
        const char *name = igd_string_of(item, "name");
        if (of_base(item) && counterpart(defended, name) == NULL)
            return name;
    }
    return NULL;
}

// The first attack of `defended` that its base model lacks; NULL for none.
static const char *surplus(const cJSON *defended, const cJSON *base)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, defended)
    {
        const char *name = igd_string_of(item, "name");
        if (of_both(item) && named(base, name) == NULL)
            return name;
    }
    return NULL;
}

static igd_status compare_runs(bool *differ, char *text, size_t size, const cJSON *a,
                               const cJSON *b)
{
    static const char *const harmless[] = {"shortcuts", "votes", "mode"};
    const cJSON *runs[2] = {igd_get(a, "runs"), igd_get(b, "runs")};
    *differ = false;
    if (runs[0] == NULL || runs[1] == NULL) // earlier versions did not say
        return IGD_OK;
    cJSON *lists[2] = {cJSON_Duplicate(runs[0], true), cJSON_Duplicate(runs[1], true)};
    cJSON *run;
    for (int k = 0; k < 2; k++)
        cJSON_ArrayForEach(run, lists[k])
        {
            for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
                cJSON_DeleteItemFromObjectCaseSensitive(run, harmless[i]);
        }
    return igd_json_compare(differ, text, size, lists[0], lists[1]);
}

igd_status igd_inputs_compare_attacks(bool *differ, char *out, size_t size,
                                      const igd_inputs *in, int result)
{
    const igd_input *r = &in->result[result], *base = &in->result[r->base];
    const cJSON *a = attacks_of(base), *b = attacks_of(r), *item;
    const char *missing = lacking(a, b), *more = surplus(b, a);
    *differ = missing != NULL || more != NULL;
    if (*differ) {
        snprintf(out, size, "%.40s attacked only %.120s", missing ? missing : more,
                 missing ? base->name : r->name);
        return IGD_OK;
    }
    cJSON_ArrayForEach(item, a)
    {
        char difference[300];
        const char *name = igd_string_of(item, "name");
        if (!of_base(item))
            continue;
        IGD_TRY(compare_runs(differ, difference, sizeof(difference), item,
                             counterpart(b, name)));
        if (!*differ)
            continue;
        snprintf(out, size, "in %.40s, %.200s (there: %.80s)", name, difference,
                 base->name);
        return IGD_OK;
    }
    return IGD_OK;
}
