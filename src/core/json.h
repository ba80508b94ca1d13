// cJSON with typed getters whose messages name file and key.
#ifndef IGD_CORE_JSON_H
#define IGD_CORE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/file.h"
#include "igdef/status.h"

// Parses a file of at most 64 MiB; *out is owned (cJSON_Delete). Duplicate keys, text
// after the value and nesting deeper than cJSON allows are failures.
igd_status igd_json_read(cJSON **out, const char *path);
igd_status igd_json_parse(cJSON **out, const char *text, size_t size, const char *what);

// Writes it indented, whole or not at all. Consumes nothing.
igd_status igd_json_write(const cJSON *json, const char *path);

// The same, left to be committed.
igd_status igd_json_stage(igd_writer **out, const cJSON *json, const char *path);

// As text in UTF-8, whatever strings hold: bytes that are none are written as "\xff".
// Owned (free()); NULL when memory is exhausted or was while the value was built.
char *igd_json_text(const cJSON *json, bool indented);

// A member of an object by key. `what` starts the message: a path, say. Strings and items
// are borrowed. Integers must be whole and exactly representable.
igd_status igd_json_get(const cJSON **out, const cJSON *object, const char *key,
                        const char *what);
igd_status igd_json_string(const char **out, const cJSON *object, const char *key,
                           const char *what);
igd_status igd_json_number(double *out, const cJSON *object, const char *key,
                           const char *what);
igd_status igd_json_integer(int64_t *out, const cJSON *object, const char *key,
                            const char *what);
igd_status igd_json_bool(bool *out, const cJSON *object, const char *key,
                         const char *what);
igd_status igd_json_array(const cJSON **out, const cJSON *object, const char *key,
                          const char *what);
igd_status igd_json_object(const cJSON **out, const cJSON *object, const char *key,
                           const char *what);

// Of what was checked: a member, and as a number or text, NAN and "" where it is absent,
// null or something else.
const cJSON *igd_get(const cJSON *object, const char *key);
double igd_number_of(const cJSON *object, const char *key);
const char *igd_string_of(const cJSON *object, const char *key);
// End 0 or 1 of the interval under a key; NAN where it is absent or null.
double igd_end_of(const cJSON *object, const char *key, int end);
// The member of a member: igd_text_in(json, "model", "path").
const char *igd_text_in(const cJSON *json, const char *object, const char *key);
double igd_number_in(const cJSON *json, const char *object, const char *key);

// The first place where two values differ: "seed is 1 there, 0 here". Returns false where
// they are equal.
bool igd_json_difference(char *text, size_t size, const cJSON *there, const cJSON *here);
// The same of values made for the comparison, which are consumed. @return IGD_ENOMEM
// where there was no memory for one of them
igd_status igd_json_compare(bool *differ, char *text, size_t size, cJSON *there,
                            cJSON *here);

// Adds "seed": a number, or a string where a JSON number would not be exact.
void igd_json_add_seed(cJSON *object, uint64_t seed);
// Reads it back. `where` starts the message.
igd_status igd_json_seed(uint64_t *out, const cJSON *object, const char *where);

#endif
