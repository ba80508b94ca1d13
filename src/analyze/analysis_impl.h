// How analyses come about.
#ifndef IGD_ANALYZE_ANALYSIS_IMPL_H
#define IGD_ANALYZE_ANALYSIS_IMPL_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "igdef/analysis.h"
#include "igdef/numbers.h"

// An analysis of `json`, which becomes its own even on failure and whose last key is
// "seconds". Its text is what `head` writes of it, an empty line, what `body` writes, and
// the warnings. @return IGD_OK, IGD_ENOMEM
igd_status igd_analysis_make(igd_analysis **out, cJSON *json,
                             void (*head)(FILE *f, const cJSON *json),
                             void (*body)(FILE *f, const void *payload),
                             const void *payload);

// What an analysis found, of which there is one kind.
typedef struct igd_found {
    igd_shift_numbers *shift;
    igd_search_keep_numbers *search_keep;
    igd_landscape_numbers *landscape;
    igd_sweep_numbers *sweep;
    igd_result **results; // owned [num_results], what `sweep` borrows
    int num_results;
    // Of an analysis that was joined: where its joined results go, owned [num_results],
    // each too, NULL for nowhere; and whether also where others are.
    char **files;
    bool replace;
} igd_found;

// Gives it to an analysis; each pointer is owned, one block of memory.
void igd_analysis_hold(igd_analysis *a, const igd_found *found);

#endif
