// How images are attacked.
#ifndef IGDEF_OPTIONS_ATTACK_H
#define IGDEF_OPTIONS_ATTACK_H

#include "igdef/evaluate.h"
#include "options.h"

extern const cli_option attack_options[]; // of igd_evaluate_options

// @return CLI_GO_ON, or the exit code for a precision that the device does not have
int attack_check(const igd_evaluate_options *o, const common_settings *common);

#endif
