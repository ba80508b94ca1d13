// What a result in random order says beside its intervals: how far it came, and what
// holds whenever one stops to look.
#ifndef IGD_RESULT_RESULT_ANYTIME_H
#define IGD_RESULT_RESULT_ANYTIME_H

#include <stdio.h>

#include "result/result_impl.h"

// The key "anytime" of a result with r->planned; owned.
cJSON *igd_result_anytime_json(const igd_result *r);

// The same as lines of the report.
void igd_result_anytime_print(FILE *f, const igd_result *r);

// Takes over what no flag says from a result's JSON; nothing where it has no such key.
igd_status igd_result_anytime_read(igd_result *r, const cJSON *json, int64_t num_images,
                                   const char *path);

#endif
