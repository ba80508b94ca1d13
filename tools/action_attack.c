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

igd_evaluate_options action_evaluation(const igd_evaluate_options *asked,
                                       const input_settings *in,
                                       const common_settings *common)
{
    igd_evaluate_options o = *asked;
    o.seed = common->seed;
    o.batch_size = common_batch_size(common);
    o.keep_batch_size = common->batch_size > 0;
    o.command = common->line;
    o.data_path = in->data;
    o.data_split = in->split;
    o.preprocess = in->preprocess;
    o.progress = progress_report;
    o.message = message;
    return o;
}

void action_batch_size(igd_evaluate_options *o, const igd_model *base,
                       const common_settings *common)
{
    if (common->batch_size == 0)
        o->batch_size = igd_model_batch_size(base);
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
