// igdef analyze tune: its settings and its action.
#ifndef IGDEF_OPTIONS_TUNE_H
#define IGDEF_OPTIONS_TUNE_H

#include "igdef/tune.h"
#include "options_series.h"

#define TUNED_IMAGES 512 // without --count

typedef struct tune_settings {
    series_settings series;
    const char *layers;                   // those masked at once joined by "+"
    cli_list keeps, sigmas, temperatures; // none: the library's
    int64_t ranked;                       // images ranked on; 0 for the usual number
    ranking_settings ranking;
    double budget;
    int64_t first_images;
} tune_settings;

extern const cli_command command_tune;
int cmd_tune(const void *settings); // in the plugin

#endif
