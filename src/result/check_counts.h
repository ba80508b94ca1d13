// What the checking steps of an evaluation counted: the object "checks" of a result. The
// counts of disjoint parts add up, and what they warn of follows from them alone.
#ifndef IGD_RESULT_CHECK_COUNTS_H
#define IGD_RESULT_CHECK_COUNTS_H

#include <cjson/cJSON.h>

#include "result/warnings.h"

// Adds the counts of another part, read from `path`. @return IGD_EFORMAT where they are
// not of the same checks
igd_status igd_counts_add(cJSON *to, const cJSON *part, const char *path);

// Adds what the counts warn of; `checks` may be NULL.
void igd_counts_warn(igd_warnings *w, const cJSON *checks, int num_classes);

#endif
