// What becomes of an analysis.
#ifndef IGDEF_ACTION_ANALYSIS_H
#define IGDEF_ACTION_ANALYSIS_H

#include "igdef.h"
#include "options_analyze.h"

// Writes the files, then prints.
igd_status action_show_analysis(const igd_analysis *a, const analysis_output *out,
                                const common_settings *common);

#endif
