// Owns what a series of evaluations needs, and its end.
#include "action_series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action_analysis.h"
#include "action_attack.h"
#include "core.h"
#include "progress.h"

static void action_series_free(series_work *w)
{
    igd_analysis_free(w->analysis);
    igd_model_free(w->base);
    igd_dataset_free(w->data);
    free(w->folder);
    free(w->cache);
}

igd_status action_series_init(series_work *w, const series_settings *s,
                              const char *suffix)
{
    igd_evaluate_options *o = &w->options.evaluate;
    *w = (series_work){.options = igd_series_options_default()};
    *o = action_evaluation(&s->evaluate, &s->in, &s->common);
    o->bounds = false; // of one evaluation, and part of no table here
    w->options.defense = action_mask_options(&s->defense, s->common.seed);
    if (s->out.output == NULL)
        return IGD_OK;
    const size_t length = strlen(s->out.output) + strlen(suffix) + 1;
    w->folder = malloc(length);
    w->cache = action_cache_beside(s->out.output);
    if (w->folder == NULL || w->cache == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the options");
    snprintf(w->folder, length, "%s%s", s->out.output, suffix);
    w->options.folder = w->folder;
    progress_goes_on_from(w->folder, s->common.resume);
    if (o->cache == NULL)
        o->cache = w->cache;
    return IGD_OK;
}

igd_status action_series_open(series_work *w, const series_settings *s)
{
    IGD_TRY(action_open_data(&w->data, &s->in, 1.0, s->common.seed));
    IGD_TRY(action_take_part(w->data, &s->parts.shard));
    IGD_TRY(action_check_part(&s->out, w->data));
    IGD_TRY(action_load_model_for(&w->base, w->data, &s->in, &s->common));
    action_batch_size(&w->options.evaluate, w->base, &s->common);
    return IGD_OK;
}

int action_series_merge(const char *kind, const char *suffix, const series_settings *s)
{
    return action_merge_analyses(kind, suffix, &s->parts, &s->out, &s->common,
                                 s->evaluate.restart);
}

int action_series_end(series_work *w, const series_settings *s, igd_status st)
{
    int rc = CLI_DONE;
    if (st == IGD_OK)
        st = action_show_analysis(w->analysis, &s->out, &s->common);
    if (st == IGD_ECANCELED && w->folder != NULL) {
        rc = action_interrupted(&s->common, w->folder);
    } else if (st != IGD_OK) {
        rc = action_failed(&s->common, st);
    }
    action_series_free(w);
    return rc;
}

igd_status action_series_defense(igd_defense **out, const series_work *w,
                                 const series_settings *s, const defense_settings *d)
{
    const igd_threat *threat = &s->evaluate.threat;
    const defense_setting where = {&s->in, &s->common,
                                   threat->norm == IGD_NORM_LINF ? threat->eps : NAN};
    return action_load_defense(out, w->base, d, &where);
}
