// igdef analyze: runs an experiment and shows what it found.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "action_analysis.h"
#include "core.h"
#include "options_analyze.h"
#include "progress.h"

static igd_analyze_run run_of(const common_settings *common, const input_settings *in)
{
    igd_analyze_run run = igd_analyze_run_default();
    run.seed = common->seed;
    run.batch_size = common_batch_size(common);
    run.command = common->line;
    run.data_path = in->data;
    run.data_split = in->split;
    run.preprocess = in->preprocess;
    run.progress = progress_report;
    return run;
}

// The images of the options; where these do not say how many, the first `most`.
static igd_status open_some(igd_dataset **out, const input_settings *in, int64_t most)
{
    input_settings some = *in;
    IGD_TRY(action_open_data(out, in, 1.0, 0));
    if (in->count > 0 || igd_dataset_size(*out) <= most)
        return IGD_OK;
    igd_dataset_free(*out);
    some.count = most;
    return action_open_data(out, &some, 1.0, 0);
}

int cmd_shift(const void *settings)
{
    const shift_settings *s = settings;
    igd_shift_options o = s->shift;
    igd_dataset *data = NULL;
    igd_model *base = NULL;
    igd_ranking *ranking = NULL;
    igd_defense *defense = NULL;
    igd_analysis *a = NULL;
    const defense_setting where = {&s->in, &s->common, NAN};
    const igd_attack *attack;
    igd_status st = igd_attack_find(&attack, o.attack);

    if (s->parts.merge.num > 0)
        return action_merge_analyses("shift", NULL, &s->parts, &s->out, &s->common,
                                     false);
    if (st != IGD_OK) {
        action_failed(&s->common, st);
        return CLI_USAGE;
    }
    o.force = s->defense.mask.force;
    o.run = run_of(&s->common, &s->in);
    if ((st = open_some(&data, &s->in, SHIFT_IMAGES)) == IGD_OK &&
        (st = action_take_part(data, &s->parts.shard)) == IGD_OK &&
        (st = action_check_part(&s->out, data)) == IGD_OK &&
        (st = action_load_model_for(&base, data, &s->in, &s->common)) == IGD_OK &&
        (st = action_load_ranking(&ranking, s->defense.ranking)) == IGD_OK &&
        (strcmp(s->target, "base") == 0 ||
         (st = action_load_defense(&defense, base, &s->defense, &where)) == IGD_OK) &&
        (st = igd_analyze_shift(&a, base, ranking, defense, data, &o)) == IGD_OK)
        st = action_show_analysis(a, &s->out, &s->common);
    igd_analysis_free(a);
    igd_defense_free(defense);
    igd_ranking_free(ranking);
    igd_model_free(base);
    igd_dataset_free(data);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}

// Images that the ranking has not seen, unless the options name others.
static igd_status open_held_out(igd_dataset **out, const search_keep_settings *s,
                                const igd_ranking *ranking)
{
    const int64_t ranked = igd_ranking_num_images(ranking);
    input_settings in = s->in;
    IGD_TRY(action_open_data(out, &in, 1.0, s->common.seed));
    if (in.first > 0 || in.count > 0 || in.ids != NULL)
        return IGD_OK;
    const int64_t size = igd_dataset_size(*out);
    if (strcmp(in.split, "train") == 0 && ranked < size)
        in.first = ranked;
    const double left = (double)(size - in.first);
    if (in.first == 0 && left <= HELD_OUT_IMAGES)
        return IGD_OK;
    igd_dataset_free(*out);
    return action_open_data(out, &in, fmin(1.0, HELD_OUT_IMAGES / left), s->common.seed);
}

int cmd_search_keep(const void *settings)
{
    const search_keep_settings *s = settings;
    igd_search_keep_options o = s->search;
    igd_dataset *data = NULL;
    igd_model *base = NULL;
    igd_ranking *ranking = NULL;
    igd_analysis *a = NULL;
    igd_status st;

    o.defense = action_mask_options(&s->defense, s->common.seed);
    o.run = run_of(&s->common, &s->in);
    if ((st = action_load_ranking(&ranking, s->defense.ranking)) == IGD_OK &&
        (st = open_held_out(&data, s, ranking)) == IGD_OK &&
        (st = action_load_model_for(&base, data, &s->in, &s->common)) == IGD_OK &&
        (st = igd_analyze_search_keep(&a, base, ranking, data, &o)) == IGD_OK)
        st = action_show_analysis(a, &s->out, &s->common);
    igd_analysis_free(a);
    igd_ranking_free(ranking);
    igd_model_free(base);
    igd_dataset_free(data);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}

int cmd_landscape(const void *settings)
{
    const landscape_settings *s = settings;
    igd_landscape_options o = s->landscape;
    igd_dataset *data = NULL;
    igd_model *base = NULL;
    igd_defense *defense = NULL;
    igd_analysis *a = NULL;
    igd_status st;

    const defense_setting where = {&s->in, &s->common, o.eps};
    o.run = run_of(&s->common, &s->in);
    if ((st = open_some(&data, &s->in, LANDSCAPE_IMAGES)) == IGD_OK &&
        (st = action_load_model_for(&base, data, &s->in, &s->common)) == IGD_OK &&
        (st = action_load_defense(&defense, base, &s->defense, &where)) == IGD_OK &&
        (st = igd_analyze_landscape(&a, base, defense, data, &o)) == IGD_OK)
        st = action_show_analysis(a, &s->out, &s->common);
    igd_analysis_free(a);
    igd_defense_free(defense);
    igd_model_free(base);
    igd_dataset_free(data);
    return st == IGD_OK ? CLI_DONE : action_failed(&s->common, st);
}
