// igdef eval: runs an evaluation, or joins the results of several.
#include "options_eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "action.h"
#include "action_attack.h"
#include "action_merge.h"
#include "action_robust.h"
#include "action_table.h"
#include "budget.h"
#include "core.h"
#include "print.h"
#include "progress.h"

#define CLEAN_MARGIN 0.01 // as of one run

// "PATH.state"; owned.
static char *state_beside(const char *path)
{
    char *out = malloc(strlen(path) + sizeof(".state"));
    if (out != NULL)
        snprintf(out, strlen(path) + sizeof(".state"), "%s.state", path);
    return out;
}

// What the options own beside the settings.
typedef struct names {
    char *state, *cache;
} names;

static igd_status fill(igd_evaluate_options *o, names *n, const eval_settings *s)
{
    *o = action_evaluation(&s->evaluate, &s->in, &s->common);
    o->order = eval_order(s);
    if (s->budget != NULL)
        (void)budget_parse(&o->budget_seconds, &o->budget_images, s->budget);
    // The worst case of a base model makes the sets of the defended ones.
    o->cache_all = o->cache != NULL || strstr(o->attacks, "worst-case") != NULL;
    if (s->output == NULL)
        return IGD_OK;
    n->state = state_beside(s->output);
    n->cache = action_cache_beside(s->output);
    if (n->state == NULL || n->cache == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the options");
    o->state = o->state != NULL ? o->state : n->state;
    o->finished = s->output;
    o->cache = o->cache != NULL ? o->cache : n->cache;
    return IGD_OK;
}

static igd_status run(igd_result **out, const igd_evaluate_options *o,
                      const eval_settings *s)
{
    igd_dataset *data = NULL;
    igd_model *base = NULL;
    igd_defense *defense = NULL;
    igd_result *other = NULL;
    igd_evaluate_options effective = *o;
    const defense_setting where = {&s->in, &s->common,
                                   o->threat.norm == IGD_NORM_LINF ? o->threat.eps : NAN};
    igd_status st = IGD_OK;

    if (s->until_difference != NULL)
        st = igd_result_load(&other, s->until_difference);
    effective.until_difference = other;
    if (st == IGD_OK &&
        (st = action_open_data(&data, &s->in, 1.0, s->common.seed)) == IGD_OK &&
        (st = action_take_part(data, &s->shard)) == IGD_OK &&
        (st = action_load_model_for(&base, data, &s->in, &s->common)) == IGD_OK &&
        (st = action_load_defense(&defense, base, &s->defense, &where)) == IGD_OK) {
        action_batch_size(&effective, base, &s->common);
        st = igd_evaluate(out, base, defense, data, &effective);
    }
    igd_result_free(other);
    igd_defense_free(defense);
    igd_model_free(base);
    igd_dataset_free(data);
    return st;
}

// What --min-robust asks for: said on standard error where it is not there, and in the
// report where it is.
static int check_robust(const igd_result *r, const eval_settings *s)
{
    char text[ROBUST_TEXT_MAX];
    bool enough;
    if (isnan(s->min_robust))
        return CLI_DONE;
    if (igd_result_num_attacks(r) == 0) {
        fflush(stdout);
        fprintf(stderr, "igdef eval: --min-robust: nothing was attacked\n");
        return CLI_CHECK_FAILED;
    }
    const igd_status st = robust_check(&enough, text, r, s->min_robust,
                                       strcmp(s->min_robust_by, "point") == 0);
    if (st != IGD_OK)
        return action_failed(&s->common, st);
    if (enough) {
        if (!s->common.json && !s->common.csv)
            print_out("check: %s\n", text);
        return CLI_DONE;
    }
    fflush(stdout);
    fprintf(stderr, "igdef eval: %s\n", text);
    return CLI_CHECK_FAILED;
}

static int show(const igd_result *r, const eval_settings *s)
{
    const int warnings = igd_result_num_warnings(r);
    progress_end();
    if (s->common.csv) {
        igd_status st = table_print_result(r);
        if (st == IGD_OK && s->output != NULL)
            st = table_save_images(r, s->output);
        if (st != IGD_OK)
            return action_failed(&s->common, st);
    } else if (s->common.json) {
        puts(igd_result_json(r));
    } else {
        print_safe(stdout, igd_result_text(r));
        if (s->output != NULL)
            print_out("\nresult: %s\n", s->output);
    }
    const int rc = check_robust(r, s);
    if (!s->strict || warnings == 0)
        return rc;
    fflush(stdout);
    fprintf(stderr, "igdef eval: %d reliability warning%s, first %s: %s\n", warnings,
            warnings == 1 ? "" : "s", igd_result_warning_id(r, 0),
            igd_result_warning_text(r, 0));
    return CLI_CHECK_FAILED;
}

// Writes the joined result, unless the same one is there; another one only with
// --restart.
static igd_status save_joined(const igd_result *r, const eval_settings *s)
{
    igd_result *there = NULL;
    if (igd_path_exists(s->output) && !s->evaluate.restart) {
        const igd_status st = igd_result_load(&there, s->output);
        const bool same =
            st == IGD_OK && strcmp(igd_result_json(there), igd_result_json(r)) == 0;
        igd_result_free(there);
        if (same) {
            progress_note("this is joined already; its result is shown");
            return IGD_OK;
        }
        if (st == IGD_OK)
            return igd_error(IGD_ESTATE,
                             "%s: another result; it is not overwritten without "
                             "--restart",
                             s->output);
        char why[400];
        snprintf(why, sizeof(why), "%s", igd_error_message());
        return igd_error(st, "%s; it is not overwritten without --restart", why);
    }
    return igd_result_save(r, s->output);
}

static igd_status check_joined(const igd_result *r, const eval_settings *s)
{
    const double expected = s->evaluate.expect_clean;
    const double accuracy = igd_result_clean_acc(r);
    if (expected >= 0.0 && fabs(accuracy - expected) > CLEAN_MARGIN + 1e-9)
        return igd_error(IGD_ECHECK, "clean accuracy is %.4f where %.4f was expected",
                         accuracy, expected);
    return IGD_OK;
}

static int merge(const eval_settings *s)
{
    merge_files files = {0};
    igd_result *r = NULL;
    igd_status st = merge_files_list(&files, &s->merge, ".json", s->output);
    if (st == IGD_OK)
        st = igd_result_merge(&r, (const char *const *)files.path, files.num);
    if (st == IGD_OK)
        st = check_joined(r, s);
    if (st == IGD_OK && s->output != NULL)
        st = save_joined(r, s);
    const int rc = st == IGD_OK ? show(r, s) : action_failed(&s->common, st);
    igd_result_free(r);
    merge_files_free(&files);
    return rc;
}

static int look(const eval_settings *s)
{
    igd_parts *all = NULL;
    const igd_status st = igd_parts_look(&all, s->progress);
    if (st != IGD_OK)
        return action_failed(&s->common, st);
    if (s->common.json)
        puts(igd_parts_json(all));
    else
        print_safe(stdout, igd_parts_text(all));
    igd_parts_free(all);
    return CLI_DONE;
}

static bool goes_on(const igd_result *r)
{
    return igd_result_num_planned(r) > igd_result_num_images(r);
}

int cmd_eval(const void *settings)
{
    const eval_settings *s = settings;
    igd_evaluate_options o;
    names n = {0};
    igd_result *r = NULL;
    igd_status st;
    int rc;

    if (s->progress != NULL)
        return look(s);
    if (s->merge.num > 0)
        return merge(s);
    if ((st = fill(&o, &n, s)) != IGD_OK) {
        rc = action_failed(&s->common, st);
        goto done;
    }
    if ((st = igd_evaluate_check(&o, defense_chosen(&s->defense) != NULL,
                                 defense_adaptive(&s->defense))) != IGD_OK) {
        action_failed(&s->common, st);
        rc = st == IGD_EINVAL ? CLI_USAGE : CLI_FAILED;
        goto done;
    }
    progress_goes_on_from(o.state, s->common.resume);
    if (o.state == NULL && strcmp(o.attacks, "clean") != 0)
        progress_note("without --output nothing is kept: a run that is stopped is lost");
    st = run(&r, &o, s);
    // One that was finished before stays as it is.
    if (st == IGD_OK && s->output != NULL &&
        (!igd_path_exists(s->output) || igd_path_exists(o.state)))
        st = igd_result_save(r, s->output);
    if (st == IGD_ECANCELED && progress_stopped())
        rc = action_interrupted(&s->common, o.state);
    else if (st != IGD_OK)
        rc = action_failed(&s->common, st);
    else {
        // What the state was for is in the result now, unless images are left.
        if (o.state != NULL && s->output != NULL && !goes_on(r))
            unlink(o.state);
        rc = show(r, s);
        if (igd_result_stop(r) == IGD_STOP_INTERRUPTED)
            rc = action_interrupted(&s->common, o.state);
        else if (goes_on(r) && o.state != NULL)
            progress_note("the same command with more budget goes on from %s", o.state);
    }

done:
    igd_result_free(r);
    free(n.state);
    free(n.cache);
    return rc;
}
