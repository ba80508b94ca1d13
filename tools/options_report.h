// igdef report: its settings and its action.
#ifndef IGDEF_OPTIONS_REPORT_H
#define IGDEF_OPTIONS_REPORT_H

#include "options.h"

typedef struct report_settings {
    common_settings common;
    cli_texts results;
    const char *output;     // NULL: no page
    const char *model_info; // NULL: none
    cli_texts info;
} report_settings;

extern const cli_command command_report;

#endif
