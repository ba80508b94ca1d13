// igdef analyze sweep, ablation, defenses and radius: their settings and actions.
#ifndef IGDEF_OPTIONS_SERIES_H
#define IGDEF_OPTIONS_SERIES_H

#include "igdef/evaluate.h"
#include "options_analyze.h"
#include "options_attack.h"
#include "options_rank.h"

// What all of them take.
typedef struct series_settings {
    common_settings common;
    input_settings in;
    defense_settings defense;
    igd_evaluate_options evaluate;
    analysis_output out;
    analysis_parts parts;
} series_settings;

typedef struct sweep_settings {
    series_settings series;
    const char *over;
    const char *values;
    // Of sweeps that rank anew.
    input_settings probe;
    double fraction;
    const char *layer;
    ranking_settings ranking;
} sweep_settings;

typedef struct defenses_settings {
    series_settings series;
    const char *cdir;
    const char *rows;
} defenses_settings;

typedef struct radius_settings {
    series_settings series;
    double from;
    int halvings;
} radius_settings;

series_settings series_defaults(const char *command);
int series_check(const series_settings *s);
// --merge and what it is of use with. @return CLI_GO_ON where the options ask for a run
int series_merge_check(const series_settings *s, const cli_group *groups);

// Options of all of them; of those that make reliability checks; what must be given.
extern const cli_option series_file_options[], series_check_options[];
extern const char *const series_required[];

extern const cli_command command_sweep, command_ablation, command_defenses,
    command_radius;

int cmd_sweep(const void *settings); // in the plugin
int cmd_ablation(const void *settings);
int cmd_defenses(const void *settings);
int cmd_radius(const void *settings);

#endif
