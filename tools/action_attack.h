// From options to the settings of an evaluation.
#ifndef IGDEF_ACTION_ATTACK_H
#define IGDEF_ACTION_ATTACK_H

#include "igdef.h"
#include "options.h"
#include "options_attack.h"

// The settings of an evaluation: those asked for, with what all commands share.
igd_evaluate_options action_evaluation(const igd_evaluate_options *asked,
                                       const input_settings *in,
                                       const common_settings *common);

// As many images at a time as suit the model, where the options do not say.
void action_batch_size(igd_evaluate_options *o, const igd_model *base,
                       const common_settings *common);

// "igdef-cache" in the folder of a path; owned.
char *action_cache_beside(const char *path);

#endif
