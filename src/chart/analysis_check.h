// What igdef analyze writes: igdef.analysis/1, checked once, then read freely.
#ifndef IGD_CHART_ANALYSIS_CHECK_H
#define IGD_CHART_ANALYSIS_CHECK_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "igdef/status.h"

#define IGD_ANALYSIS_FORMAT "igdef.analysis/1"

typedef enum igd_kind {
    IGD_SHIFT,
    IGD_SWEEP,
    IGD_SEARCH_KEEP,
    IGD_LANDSCAPE,
    IGD_ABLATION,
    IGD_DEFENSES,
    IGD_RADIUS,
    IGD_TUNE,
    IGD_NUM_KINDS
} igd_kind;

#define IGD_MAX_GRID 512

// Checks all that charts and pages read; `what` starts the message: a path, say.
igd_status igd_analysis_check(igd_kind *kind, const cJSON *analysis, const char *what);

// Whether a sweep is over something of the attacks, which nobody chooses for its
// accuracy.
bool igd_sweep_of_attack(const cJSON *sweep);
// What "worst_acc" of an analysis or of a result is: "worst case" only under the whole
// ensemble of that name, which is in its list of attacks or, where it has none, is the
// one that was taken apart.
const char *igd_union_name(const cJSON *analysis);

// The settings of a tune that charts and tables show, those that got furthest.
#define IGD_TUNE_SHOWN 24

#define IGD_VALUE_TEXT 64
// The value of a sweep's point; `option` says how numbers are written.
void igd_setting_text(char out[IGD_VALUE_TEXT], const cJSON *value, const char *option);

#endif
