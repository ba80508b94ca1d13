// Owns the comparison of JSON values for people.
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"

static void print_value(char *text, size_t size, const cJSON *v)
{
    static const char *const shape[] = {"a list of values", "an object"};
    char printed[600] = "";
    if (v == NULL)
        snprintf(text, size, "missing");
    else if (cJSON_IsString(v) && strlen(v->valuestring) > 80)
        snprintf(text, size, "\"%.79s...", v->valuestring);
    else if (cJSON_PrintPreallocated((cJSON *)v, printed, sizeof(printed), false))
        snprintf(text, size, "%.80s%s", printed, strlen(printed) > 80 ? "..." : "");
    else
        snprintf(text, size, "%s", shape[cJSON_IsObject(v)]);
}

static bool leaves_differ(char *text, size_t size, const char *path, const cJSON *there,
                          const cJSON *here)
{
    char a[96] = "", b[96] = "";
    print_value(a, sizeof(a), there);
    print_value(b, sizeof(b), here);
    snprintf(text, size, "%s is %s there, %s here", path, a, b);
    return true;
}

static bool values_differ(char *text, size_t size, const char *path, const cJSON *there,
                          const cJSON *here);

static bool objects_differ(char *text, size_t size, const char *path, const cJSON *there,
                           const cJSON *here)
{
    char below[256];
    const cJSON *item;
    const char *dot = path[0] == '\0' ? "" : ".";
    cJSON_ArrayForEach(item, here)
    {
        snprintf(below, sizeof(below), "%s%s%s", path, dot, item->string);
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(there, item->string);
        if (values_differ(text, size, below, other, item))
            return true;
    }
    cJSON_ArrayForEach(item, there)
    {
        if (cJSON_GetObjectItemCaseSensitive(here, item->string) != NULL)
            continue;
        snprintf(below, sizeof(below), "%s%s%s", path, dot, item->string);
        return leaves_differ(text, size, below, item, NULL);
    }
    return false;
}

static bool arrays_differ(char *text, size_t size, const char *path, const cJSON *there,
                          const cJSON *here)
{
    char below[256];
    const int num = cJSON_GetArraySize(here), num_there = cJSON_GetArraySize(there);
    if (num != num_there) {
        snprintf(text, size, "%s has %d entries there, %d here", path, num_there, num);
        return true;
    }
    for (int i = 0; i < num; i++) {
        snprintf(below, sizeof(below), "%s[%d]", path, i);
        if (values_differ(text, size, below, cJSON_GetArrayItem(there, i),
                          cJSON_GetArrayItem(here, i)))
            return true;
    }
    return false;
}

static bool values_differ(char *text, size_t size, const char *path, const cJSON *there,
                          const cJSON *here)
{
    if (cJSON_IsObject(there) && cJSON_IsObject(here))
        return objects_differ(text, size, path, there, here);
    if (cJSON_IsArray(there) && cJSON_IsArray(here))
        return arrays_differ(text, size, path, there, here);
    return !cJSON_Compare(there, here, true) &&
           leaves_differ(text, size, path, there, here);
}

bool igd_json_difference(char *text, size_t size, const cJSON *there, const cJSON *here)
{
    return values_differ(text, size, "", there, here);
}

igd_status igd_json_compare(bool *differ, char *text, size_t size, cJSON *there,
                            cJSON *here)
{
    const bool whole = igd_json_whole(there) && igd_json_whole(here);
    *differ = whole && igd_json_difference(text, size, there, here);
    cJSON_Delete(there);
    cJSON_Delete(here);
    return whole ? IGD_OK : igd_error(IGD_ENOMEM, "no memory to compare settings");
}
