// igdef defend: its settings and its action.
#ifndef IGDEF_OPTIONS_DEFEND_H
#define IGDEF_OPTIONS_DEFEND_H

#include "options.h"

typedef struct defend_settings {
    common_settings common;
    input_settings in;
    bool allow_nonfinite;
    defense_settings defense;
    cli_texts images;
    cli_list input; // {C, H, W}
    const char *output;
    const char *export_path;
} defend_settings;

extern const cli_command command_defend;
int cmd_defend(const void *settings); // in the plugin

#endif
