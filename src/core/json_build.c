// Owns the only calls that make JSON longer.
#include "core/json_build.h"

#include <math.h>

#define MISSING                                                                          \
    (1 << 16) // beside cJSON's flags in `type`, of which it uses the lowest ten

bool igd_json_whole(const cJSON *json)
{
    const cJSON *item;
    if (json == NULL || (json->type & MISSING) != 0)
        return false;
    cJSON_ArrayForEach(item, json)
    {
        if (!igd_json_whole(item))
            return false;
    }
    return true;
}

// Marks what an item is missing from and gives up the item.
static bool lack(cJSON *from, cJSON *item)
{
    if (from != NULL)
        from->type |= MISSING;
    cJSON_Delete(item);
    return false;
}

bool igd_json_add_item(cJSON *object, const char *key, cJSON *item)
{
    return (item != NULL && cJSON_AddItemToObject(object, key, item)) ||
           lack(object, item);
}

bool igd_json_append(cJSON *array, cJSON *item)
{
    return (item != NULL && cJSON_AddItemToArray(array, item)) || lack(array, item);
}

bool igd_json_add_copy(cJSON *object, const char *key, const cJSON *item)
{
    return item == NULL || igd_json_add_item(object, key, cJSON_Duplicate(item, true));
}

void igd_json_replace(cJSON *object, const char *key, cJSON *item)
{
    if (item == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(object, key, item))
        lack(object, item);
    else if (item->string == NULL) // it is there, without its key
        lack(object, NULL);
}

bool igd_json_add_string(cJSON *object, const char *key, const char *text)
{
    return text == NULL || igd_json_add_item(object, key, cJSON_CreateString(text));
}

bool igd_json_add_number(cJSON *object, const char *key, double value)
{
    return igd_json_add_item(object, key, cJSON_CreateNumber(value));
}

bool igd_json_add_finite(cJSON *object, const char *key, double value)
{
    return isfinite(value) ? igd_json_add_number(object, key, value)
                           : igd_json_add_null(object, key);
}

bool igd_json_add_bool(cJSON *object, const char *key, bool value)
{
    return igd_json_add_item(object, key, cJSON_CreateBool(value));
}

bool igd_json_add_null(cJSON *object, const char *key)
{
    return igd_json_add_item(object, key, cJSON_CreateNull());
}

cJSON *igd_json_add_object(cJSON *object, const char *key)
{
    cJSON *item = cJSON_CreateObject();
    return igd_json_add_item(object, key, item) ? item : NULL;
}

cJSON *igd_json_add_array(cJSON *object, const char *key)
{
    cJSON *item = cJSON_CreateArray();
    return igd_json_add_item(object, key, item) ? item : NULL;
}
