// igdef analyze sweep, ablation, defenses and radius: run series of evaluations.
#include "options_series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "action_analysis.h"
#include "action_attack.h"
#include "action_rank.h"
#include "action_series.h"
#include "core.h"
#include "progress.h"

// What the folders of a series are called, behind its output.
#define SWEEP ".sweep"
#define ROWS ".rows"
#define RADIUS ".radius"

// ---- sweep

// A ranking of its own for a value, on a share of the probe images.
static igd_status rank_anew(igd_ranking **out, const igd_model *base, const char *layer,
                            double fraction, void *payload)
{
    const sweep_settings *s = payload;
    const common_settings *common = &s->series.common;
    input_settings probe = s->probe;
    igd_dataset *data = NULL;
    igd_status st;

    *out = NULL;
    probe.preprocess = s->series.in.preprocess;
    probe.classes = s->series.in.classes;
    probe.class_order = s->series.in.class_order;
    probe.partial = s->series.in.partial;
    probe.clamp_pixels = s->series.in.clamp_pixels;
    if ((st = action_open_data(&data, &probe, fraction * s->fraction, common->seed)) ==
            IGD_OK &&
        (st = igd_dataset_set_channels(data, (int)igd_model_shape(base)[0])) == IGD_OK)
        st = action_rank_joined(out, base, layer, data, &s->ranking, common);
    igd_dataset_free(data);
    return st;
}

// The texts between the commas of --values, in a copy that the first one owns. *out is
// owned, NULL on failure.
static igd_status split(char ***out, int *num, const char *list)
{
    char *copy = strdup(list);
    char **values = malloc((strlen(list) + 1) * sizeof(char *));
    *out = NULL;
    *num = 0;
    if (copy == NULL || values == NULL) {
        free(copy);
        free(values);
        return igd_error(IGD_ENOMEM, "no memory for the values");
    }
    for (char *at = copy;;) {
        const size_t length = strcspn(at, ",");
        const bool last = at[length] == '\0';
        values[(*num)++] = at;
        at[length] = '\0';
        if (last)
            break;
        at += length + 1;
    }
    *out = values;
    return IGD_OK;
}

static igd_status run_sweep(series_work *w, const sweep_settings *s,
                            igd_sweep_values *values)
{
    const series_settings *series = &s->series;
    const defense_row *row = defense_chosen(&series->defense);
    igd_ranking *ranking = NULL;
    igd_defense *other = NULL;
    igd_status st = action_series_open(w, series);

    if (st == IGD_OK && series->defense.ranking != NULL)
        st = action_load_ranking(&ranking, series->defense.ranking);
    if (st == IGD_OK && row != NULL && row->kind != IGD_DEFENSE_MASK)
        st = action_series_defense(&other, w, series, &series->defense);
    values->defense = other;
    if (st == IGD_OK)
        st = igd_sweep(&w->analysis, w->base, ranking, w->data, values, &w->options);
    igd_defense_free(other);
    igd_ranking_free(ranking);
    return st;
}

int cmd_sweep(const void *settings)
{
    sweep_settings copy = *(const sweep_settings *)settings; // the payload is not const
    const sweep_settings *s = &copy;
    series_work w;
    char **values = NULL;
    igd_status st;
    int rc;

    if (s->series.parts.merge.num > 0)
        return action_series_merge("sweep", SWEEP, &s->series);
    const bool anew = strcmp(s->over, "layer") == 0 || strcmp(s->over, "fraction") == 0;
    igd_sweep_values v = {.option = s->over,
                          .layer = s->layer,
                          .rank = anew ? rank_anew : NULL,
                          .payload = &copy};
    st = action_series_init(&w, &s->series, SWEEP);
    if (st == IGD_OK)
        st = split(&values, &v.num, s->values);
    v.value = (const char *const *)values;
    if (st == IGD_OK &&
        (st = igd_sweep_check(&v, &w.options,
                              anew || defense_chosen(&s->series.defense) != NULL)) ==
            IGD_EINVAL) {
        action_series_end(&w, &s->series, st);
        rc = CLI_USAGE;
        goto done;
    }
    if (st == IGD_OK)
        st = run_sweep(&w, s, &v);
    rc = action_series_end(&w, &s->series, st);

done:
    if (values != NULL)
        free(values[0]);
    free(values);
    return rc;
}

// ---- ablation

int cmd_ablation(const void *settings)
{
    const series_settings *s = settings;
    series_work w;
    igd_ranking *ranking = NULL;
    igd_status st;

    if (s->parts.merge.num > 0)
        return action_series_merge("ablation", ROWS, s);
    if ((st = action_series_init(&w, s, ROWS)) == IGD_OK &&
        (st = action_series_open(&w, s)) == IGD_OK &&
        (st = action_load_ranking(&ranking, s->defense.ranking)) == IGD_OK)
        st = igd_ablation(&w.analysis, w.base, ranking, w.data, &w.options);
    igd_ranking_free(ranking);
    return action_series_end(&w, s, st);
}

// ---- defenses

#define MOST_ROWS 16

typedef struct table {
    const defenses_settings *settings;
    series_work work;
    igd_compared rows[MOST_ROWS];
    igd_defense *defenses[MOST_ROWS]; // owned
    char names[MOST_ROWS][32];
    int num;
} table;

// Whether --rows has that name, or is not there.
static bool wanted(const table *t, const char *name)
{
    const size_t length = strlen(name);
    const char *at = t->settings->rows;
    if (at == NULL)
        return true;
    for (; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
            return true;
    return false;
}

static void add_row(table *t, const char *name, igd_defense *d)
{
    snprintf(t->names[t->num], sizeof(t->names[0]), "%s", name);
    t->defenses[t->num] = d;
    t->rows[t->num] = (igd_compared){t->names[t->num], d};
    t->num++;
}

// A kind of defense that needs no ranking, where what it needs is given.
static igd_status add_kind(table *t, const defense_row *row)
{
    const series_settings *s = &t->settings->series;
    defense_settings d = s->defense;
    igd_defense *made = NULL;
    if (row->compared == NULL || !wanted(t, row->compared) ||
        (row->needs != NULL && defense_needed(row, &d) == NULL))
        return IGD_OK;
    d.ranking = NULL;
    d.defense = row->name;
    d.defended = row->name == NULL ? d.defended : NULL;
    IGD_TRY(action_series_defense(&made, &t->work, s, &d));
    add_row(t, row->compared, made);
    return IGD_OK;
}

static igd_status add_ranking(table *t, const char *path)
{
    igd_ranking *ranking = NULL;
    igd_defense *made = NULL;
    igd_status st;

    if (path == NULL)
        return IGD_OK;
    if ((st = action_load_ranking(&ranking, path)) == IGD_OK &&
        wanted(t, igd_ranking_method(ranking)) &&
        (st = igd_defense_new(&made, t->work.base, ranking, &t->work.options.defense)) ==
            IGD_OK)
        add_row(t, igd_ranking_method(ranking), made);
    igd_ranking_free(ranking);
    return st;
}

// "none, caaa, sodef with --defended".
static void names_text(char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "none");
    for (const defense_row *row = defense_rows; row->options != NULL && used < size;
         row++)
        if (row->compared != NULL)
            used += (size_t)snprintf(out + used, size - used, ", %s%s%s", row->compared,
                                     row->needs != NULL ? " with --" : "",
                                     row->needs != NULL ? row->needs : "");
}

// Names in --rows that are none.
static igd_status check_rows(const table *t)
{
    char name[32], names[256];
    const char *at = t->settings->rows;
    for (; at != NULL && *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        bool known = false;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ","), at);
        for (int k = 0; k < t->num; k++)
            known = known || strcmp(t->names[k], name) == 0;
        names_text(names, sizeof(names));
        if (!known)
            return igd_error(IGD_EINVAL,
                             "--rows: there is no row '%s'; %s, and the methods of the "
                             "given rankings",
                             name, names);
    }
    return t->num > 0 ? IGD_OK : igd_error(IGD_EINVAL, "--rows: names none");
}

// In the order of the paper's table.
static igd_status add_rows(table *t)
{
    const defenses_settings *s = t->settings;
    if (wanted(t, "none"))
        add_row(t, "none", NULL);
    for (const defense_row *row = defense_rows; row->options != NULL; row++)
        IGD_TRY(add_kind(t, row));
    IGD_TRY(add_ranking(t, s->cdir));
    IGD_TRY(add_ranking(t, s->series.defense.ranking));
    return check_rows(t);
}

int cmd_defenses(const void *settings)
{
    const defenses_settings *s = settings;
    table t = {.settings = s};
    igd_status st;

    if (s->series.parts.merge.num > 0)
        return action_series_merge("defenses", ROWS, &s->series);
    if ((st = action_series_init(&t.work, &s->series, ROWS)) == IGD_OK &&
        (st = action_series_open(&t.work, &s->series)) == IGD_OK &&
        (st = add_rows(&t)) == IGD_OK)
        st = igd_compare_defenses(&t.work.analysis, t.work.base, t.rows, t.num,
                                  t.work.data, &t.work.options);
    for (int k = 0; k < t.num; k++)
        igd_defense_free(t.defenses[k]);
    return action_series_end(&t.work, &s->series, st);
}

// ---- radius

int cmd_radius(const void *settings)
{
    const radius_settings *s = settings;
    series_work w;
    igd_defense *defense = NULL;
    igd_radius_options o = igd_radius_options_default();
    const defense_settings *d = &s->series.defense;
    igd_status st;

    if (s->series.parts.merge.num > 0)
        return action_series_merge("radius", RADIUS, &s->series);
    st = action_series_init(&w, &s->series, RADIUS);
    if (st == IGD_OK &&
        (st = igd_evaluate_check(&w.options.evaluate, defense_chosen(d) != NULL,
                                 defense_adaptive(d))) == IGD_EINVAL) {
        action_series_end(&w, &s->series, st);
        return CLI_USAGE;
    }
    if (st == IGD_OK && (st = action_series_open(&w, &s->series)) == IGD_OK &&
        (st = action_series_defense(&defense, &w, &s->series, &s->series.defense)) ==
            IGD_OK) {
        o.series = w.options;
        o.from = s->from;
        o.halvings = s->halvings;
        st = igd_radius(&w.analysis, w.base, defense, w.data, &o);
    }
    igd_defense_free(defense);
    return action_series_end(&w, &s->series, st);
}
