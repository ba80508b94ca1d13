// Building JSON so that nothing is lost where memory runs out: what could not be added
// marks the object or array that it is missing from, and igd_json_text() makes no text of
// a value with such a mark in it. Nobody checks in between.
#ifndef IGD_CORE_JSON_BUILD_H
#define IGD_CORE_JSON_BUILD_H

#include <cjson/cJSON.h>
#include <stdbool.h>

// Whether nothing is missing from a value; false for NULL.
bool igd_json_whole(const cJSON *json);

// Adds a member, or an item at the end of an array. The item is consumed, also on
// failure; NULL is one that there was no memory for. @return whether it is there
bool igd_json_add_item(cJSON *object, const char *key, cJSON *item);
bool igd_json_append(cJSON *array, cJSON *item);

// Adds a copy. NULL, what there is not, is no member.
bool igd_json_add_copy(cJSON *object, const char *key, const cJSON *item);
// Puts an item, which is consumed, in the place of a member.
void igd_json_replace(cJSON *object, const char *key, cJSON *item);

// Adds a value. No text, NULL, is no member.
bool igd_json_add_string(cJSON *object, const char *key, const char *text);
bool igd_json_add_number(cJSON *object, const char *key, double value);
// null where the value is not finite
bool igd_json_add_finite(cJSON *object, const char *key, double value);
bool igd_json_add_bool(cJSON *object, const char *key, bool value);
bool igd_json_add_null(cJSON *object, const char *key);
// What was added, borrowed; NULL on failure, to which anything may be added.
cJSON *igd_json_add_object(cJSON *object, const char *key);
cJSON *igd_json_add_array(cJSON *object, const char *key);

#endif
