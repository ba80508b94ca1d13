// Owns the way from options to the settings of an evaluation.
#include "action_attack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "core.h"
#include "progress.h"

static void message(const char *line, void *payload)
{
    (void)payload;
    progress_note("%s", line);
}

igd_status action_attacks(igd_evaluate_options *o, char **set, const attack_settings *a,
                          const threat_settings *threat, const input_settings *in,
                          const common_settings *common)
{
    *o = igd_evaluate_options_default();
    IGD_TRY(igd_norm_parse(&o->threat.norm, threat->norm));
    o->threat.eps = threat->eps;
    o->attacks = a->attack;
    o->report =
        strcmp(a->report, "union") == 0 ? IGD_REPORT_UNION : IGD_REPORT_PER_ATTACK;
    o->seed = common->seed;
    o->batch_size = common->batch_size;
    o->num_draws = a->draws;
    o->fixed_noise = a->fixed_noise;
    o->shortcuts = a->shortcuts;
    o->checks = a->checks;
    o->surrogate_temperature = a->surrogate_temperature;
    o->joint_weight = a->joint_weight;
    o->command = common->line;
    o->data_path = in->data;
    o->data_split = in->split;
    o->preprocess = in->preprocess;
    o->progress = progress_report;
    o->message = message;
    *set = action_join(&a->set);
    if (*set == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the options");
    o->set = *set;
    return IGD_OK;
}

char *action_cache_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    const int folder = slash == NULL ? 0 : (int)(slash - path + 1);
    char *out = malloc((size_t)folder + sizeof("igdef-cache"));
    if (out != NULL)
        snprintf(out, (size_t)folder + sizeof("igdef-cache"), "%.*sigdef-cache", folder,
                 path);
    return out;
}
