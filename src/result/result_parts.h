// The parts that a run was divided into, as their results state them.
#ifndef IGD_RESULT_RESULT_PARTS_H
#define IGD_RESULT_RESULT_PARTS_H

#include "data/part_check.h"
#include "result/result_impl.h"

// Reads it; `of` is 0 where the result states no part. @return IGD_OK, IGD_EFORMAT
igd_status igd_parts_stated(igd_stated_part *out, const igd_result *r, const char *path);

// Whether two provenances are of one class of device: "cpu", or "cuda" whatever its
// number.
bool igd_parts_same_device(const cJSON *a, const cJSON *b);

#endif
