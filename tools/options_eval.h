// igdef eval: its settings and its action.
#ifndef IGDEF_OPTIONS_EVAL_H
#define IGDEF_OPTIONS_EVAL_H

#include <string.h>

#include "igdef/evaluate.h"
#include "options.h"
#include "options_attack.h"

typedef struct eval_settings {
    common_settings common;
    input_settings in;
    shard_settings shard;
    defense_settings defense;
    igd_evaluate_options evaluate;
    const char *order, *budget, *until_difference; // NULL where not given
    bool strict;
    double min_robust; // NAN where not given
    const char *min_robust_by;
    const char *output;
    cli_texts merge;
    const char *progress; // a folder; NULL where parts are not looked at
} eval_settings;

// The order of the images: random where the run may stop before its end, if nothing else
// is asked for.
static inline igd_order eval_order(const eval_settings *s)
{
    const bool may_stop =
        s->budget != NULL || s->until_difference != NULL || s->evaluate.until_width > 0.0;
    const bool random = s->order == NULL ? may_stop : strcmp(s->order, "random") == 0;
    return random ? IGD_ORDER_RANDOM : IGD_ORDER_DATA;
}

extern const cli_command command_eval;
int cmd_eval(const void *settings); // in the plugin

#endif
