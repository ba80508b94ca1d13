// How images are attacked.
#ifndef IGDEF_OPTIONS_ATTACK_H
#define IGDEF_OPTIONS_ATTACK_H

#include "cli.h"

typedef struct attack_settings {
    const char *attack; // names between commas
    cli_texts set;
    const char *report; // "union" or "per-attack"
    int draws;
    bool fixed_noise;
    double surrogate_temperature, joint_weight;
    bool shortcuts, checks; // not in the table: each command says what they are for
} attack_settings;

extern const cli_option attack_options[];
attack_settings attack_defaults(void);

#endif
