// igdef eval: its settings and its action.
#ifndef IGDEF_OPTIONS_EVAL_H
#define IGDEF_OPTIONS_EVAL_H

#include "options.h"
#include "options_attack.h"

typedef struct eval_settings {
    common_settings common;
    input_settings in;
    defense_settings defense;
    threat_settings threat;
    attack_settings attacks;
    bool bounds;
    double audit;
    double expect_clean; // NAN: not given
    bool strict;
    const char *output;
    const char *state;
    bool restart;
    const char *cache;
    const char *save_adversarial;
    cli_texts merge;
} eval_settings;

extern const cli_command command_eval;
int cmd_eval(const void *settings); // in the plugin

#endif
