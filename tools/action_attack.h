// From options to the settings of an evaluation.
#ifndef IGDEF_ACTION_ATTACK_H
#define IGDEF_ACTION_ATTACK_H

#include "igdef.h"
#include "options.h"
#include "options_attack.h"

// Everything about attacks, threat, images and progress. *set is what o->set points to,
// owned (free()).
igd_status action_attacks(igd_evaluate_options *o, char **set, const attack_settings *a,
                          const threat_settings *threat, const input_settings *in,
                          const common_settings *common);

// "igdef-cache" in the folder of a path; owned.
char *action_cache_beside(const char *path);

#endif
