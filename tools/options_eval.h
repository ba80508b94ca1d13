// igdef eval: its settings and its action.
#ifndef IGDEF_OPTIONS_EVAL_H
#define IGDEF_OPTIONS_EVAL_H

#include "igdef/evaluate.h"
#include "options.h"
#include "options_attack.h"

typedef struct eval_settings {
    common_settings common;
    input_settings in;
    defense_settings defense;
    igd_evaluate_options evaluate;
    bool strict;
    const char *output;
    cli_texts merge;
} eval_settings;

extern const cli_command command_eval;
int cmd_eval(const void *settings); // in the plugin

#endif
