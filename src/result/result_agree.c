// Owns the comparison of the numbers that a result's file states with those that its
// lines of images give: what is said twice must be said alike.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "result/result_impl.h"

#define TOLERANCE 1e-9
#define PLACE_SIZE 160

static igd_status differ(const char *path, const char *place)
{
    return igd_error(IGD_EFORMAT,
                     "%s: damaged or edited: its lines of images give another '%s'", path,
                     place);
}

// Compares what both have; versions of igdef differ in what they write.
static igd_status compare(const cJSON *file, const cJSON *own, const char *place,
                          const char *path)
{
    char inner[PLACE_SIZE];
    const cJSON *item, *other;
    if (cJSON_IsNumber(own)) {
        const bool same = cJSON_IsNumber(file) &&
                          fabs(file->valuedouble - own->valuedouble) <= TOLERANCE;
        return same ? IGD_OK : differ(path, place);
    }
    if (cJSON_IsString(own))
        return cJSON_IsString(file) && strcmp(file->valuestring, own->valuestring) == 0
                   ? IGD_OK
                   : differ(path, place);
    if (cJSON_IsArray(own) || cJSON_IsArray(file)) {
        if (!cJSON_IsArray(file) || !cJSON_IsArray(own) ||
            cJSON_GetArraySize(file) != cJSON_GetArraySize(own))
            return differ(path, place);
        other = file->child;
        int k = 0;
        cJSON_ArrayForEach(item, own)
        {
            snprintf(inner, sizeof(inner), "%.120s[%d]", place, k++);
            IGD_TRY(compare(other, item, inner, path));
            other = other->next;
        }
        return IGD_OK;
    }
    cJSON_ArrayForEach(item, own)
    {
        other = cJSON_GetObjectItemCaseSensitive(file, item->string);
        snprintf(inner, sizeof(inner), "%.100s.%.50s", place, item->string);
        if (other != NULL)
            IGD_TRY(compare(other, item, inner, path));
    }
    return IGD_OK;
}

igd_status igd_result_agrees(const igd_result *r, const cJSON *file, const char *path)
{
    static const char *const keys[] = {"clean_acc",  "attacks", "worst_acc",
                                       "randomised", "bounds",  "per_class",
                                       "intervals",  "anytime"};
    cJSON *own = NULL;
    igd_status st = igd_json_parse(&own, r->json, strlen(r->json), path);
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]) && st == IGD_OK; k++) {
        const cJSON *here = cJSON_GetObjectItemCaseSensitive(own, keys[k]);
        const cJSON *there = cJSON_GetObjectItemCaseSensitive(file, keys[k]);
        if (here != NULL && there != NULL)
            st = compare(there, here, keys[k], path);
        else if (here != NULL || there != NULL)
            st = differ(path, keys[k]);
    }
    cJSON_Delete(own);
    return st;
}
