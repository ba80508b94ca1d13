// What the commands that make series of evaluations share.
#ifndef IGDEF_ACTION_SERIES_H
#define IGDEF_ACTION_SERIES_H

#include "action.h"
#include "options_series.h"

// What a series needs; all owned.
typedef struct series_work {
    igd_series_options options;
    char *folder, *cache;
    igd_dataset *data;
    igd_model *base;
    igd_analysis *analysis;
} series_work;

// The options. `suffix` makes the folder's name of the output's.
igd_status action_series_init(series_work *w, const series_settings *s,
                              const char *suffix);

// Images and base model.
igd_status action_series_open(series_work *w, const series_settings *s);

// The defense that options ask for, against the threat of the attacks.
igd_status action_series_defense(igd_defense **out, const series_work *w,
                                 const series_settings *s, const defense_settings *d);

// Joins the parts of a series of a kind, "sweep", whose folders have that suffix. @return
// the exit code
int action_series_merge(const char *kind, const char *suffix, const series_settings *s);

// Shows what was found, or says what failed, and frees the work. @return the exit code
int action_series_end(series_work *w, const series_settings *s, igd_status st);

#endif
