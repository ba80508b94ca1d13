// What becomes of an analysis.
#ifndef IGDEF_ACTION_ANALYSIS_H
#define IGDEF_ACTION_ANALYSIS_H

#include "action.h"
#include "options_analyze.h"

// Whether a part may be written: its place is free, or holds the same part of a run.
igd_status action_check_part(const analysis_output *out, const igd_dataset *data);

// Joins parts of a kind, "sweep", and shows what they found. `suffix` makes the name of
// the folder of joined results of the output's, NULL for none; `restart` says whether
// what is there and differs may be replaced. @return the exit code
int action_merge_analyses(const char *kind, const char *suffix, const analysis_parts *s,
                          const analysis_output *out, const common_settings *common,
                          bool restart);

// Writes the files, then prints.
igd_status action_show_analysis(const igd_analysis *a, const analysis_output *out,
                                const common_settings *common);

#endif
