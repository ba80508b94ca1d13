// igdef analyze: what its kinds share, their settings and their actions.
#ifndef IGDEF_OPTIONS_ANALYZE_H
#define IGDEF_OPTIONS_ANALYZE_H

#include "igdef/analyze.h"
#include "options.h"
#include "options_defense.h"

// Images that are taken without --count, of larger data sets.
#define SHIFT_IMAGES 1000
#define LANDSCAPE_IMAGES 100
#define HELD_OUT_IMAGES 10000

// Where an analysis goes beside standard output.
typedef struct analysis_output {
    const char *output;
    const char *chart;
} analysis_output;

extern const cli_option analysis_output_options[];
int analysis_output_check(const analysis_output *s);

// Which part of the work is this process's, or whose parts are joined.
typedef struct analysis_parts {
    shard_settings shard;
    cli_texts merge;
} analysis_parts;

extern const cli_option analysis_merge_options[];
extern const char *const analysis_instead_of_inputs[];
int analysis_parts_check(const analysis_parts *s, const analysis_output *out);
// With --merge. `restart` says whether another result may be replaced.
int analysis_merge_check(const analysis_parts *s, const analysis_output *out,
                         const common_settings *common, bool restart,
                         const cli_group *groups);

typedef struct shift_settings {
    common_settings common;
    input_settings in;
    defense_settings defense;
    igd_shift_options shift;
    const char *target; // "base" or "defended"
    analysis_output out;
    analysis_parts parts;
} shift_settings;

typedef struct search_keep_settings {
    common_settings common;
    input_settings in;
    defense_settings defense;
    igd_search_keep_options search;
    analysis_output out;
} search_keep_settings;

typedef struct landscape_settings {
    common_settings common;
    input_settings in;
    defense_settings defense;
    igd_landscape_options landscape;
    analysis_output out;
} landscape_settings;

extern const cli_command command_analyze;

int cmd_shift(const void *settings); // in the plugin
int cmd_search_keep(const void *settings);
int cmd_landscape(const void *settings);

#endif
