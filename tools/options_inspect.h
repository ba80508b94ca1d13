// igdef inspect: its settings and its action.
#ifndef IGDEF_OPTIONS_INSPECT_H
#define IGDEF_OPTIONS_INSPECT_H

#include "options.h"

#define PROBE_IMAGES 1000 // without --count; enough to tell normalisations apart

typedef struct inspect_settings {
    common_settings common;
    input_settings in;
    cli_list input; // {C, H, W}
} inspect_settings;

extern const cli_command command_inspect;
int cmd_inspect(const void *settings); // in the plugin

#endif
