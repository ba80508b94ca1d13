// How images are attacked.
#ifndef IGDEF_OPTIONS_ATTACK_H
#define IGDEF_OPTIONS_ATTACK_H

#include "cli.h"

extern const cli_option attack_options[]; // of igd_evaluate_options

#endif
