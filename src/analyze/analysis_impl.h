// How analyses come about.
#ifndef IGD_ANALYZE_ANALYSIS_IMPL_H
#define IGD_ANALYZE_ANALYSIS_IMPL_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "igdef/analysis.h"

// An analysis of `json`, which becomes its own even on failure and whose last key is
// "seconds". Its text is what `head` writes of it, an empty line, what `body` writes, and
// the warnings. @return IGD_OK, IGD_ENOMEM
igd_status igd_analysis_make(igd_analysis **out, cJSON *json,
                             void (*head)(FILE *f, const cJSON *json),
                             void (*body)(FILE *f, const void *payload),
                             const void *payload);

#endif
