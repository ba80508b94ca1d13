// igdef rank: its settings and its action.
#ifndef IGDEF_OPTIONS_RANK_H
#define IGDEF_OPTIONS_RANK_H

#include "options.h"

typedef struct rank_settings {
    common_settings common;
    input_settings in;
    const char *method;
    const char *layer;
    const char *output;
    const char *over;
    double fraction;
    bool plain;
    const char *from_units;
    const char *to_units;
} rank_settings;

extern const cli_command command_rank;
int cmd_rank(const void *settings); // in the engine

#endif
