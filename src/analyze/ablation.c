// Owns the ablation: what each part of the defense adds.
// Source: Kulkarni and Weng, ECCV 2024, Table 6, and the variants of its released models.
#include <stdio.h>
#include <stdlib.h>

#include "analyze/attack_list.h"
#include "analyze/series.h"
#include "analyze/series_text.h"
#include "analyze/sweep_impl.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/options.h"
#include "core/require.h"

static const struct row {
    const char *name;
    const char *mask_name;
    igd_mask mask;
    bool base; // the model itself, with nothing around it
    bool one_pass;
    bool smoothing;
} rows[] = {
    {"none", "none", IGD_MASK_NONE, true, true, false},
    {"smoothing alone", "none", IGD_MASK_NONE, false, true, true},
    {"two passes alone", "none", IGD_MASK_NONE, false, false, false},
    {"random one pass", "random", IGD_MASK_RANDOM, false, true, false},
    {"random two passes", "random", IGD_MASK_RANDOM, false, false, false},
    {"random smoothed", "random", IGD_MASK_RANDOM, false, false, true},
    {"ranking one pass", "ranking", IGD_MASK_RANKING, false, true, false},
    {"ranking two passes", "ranking", IGD_MASK_RANKING, false, false, false},
    {"ranking smoothed", "ranking", IGD_MASK_RANKING, false, false, true},
};

#define NUM_ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

typedef struct ablation {
    igd_defense *defenses[NUM_ROWS]; // owned
    igd_shorter shorter;             // for rows without a pseudo-label
    igd_series series;
} ablation;

static igd_status make_defense(ablation *a, int k, const igd_model *base,
                               const igd_ranking *ranking,
                               const igd_series_options *options)
{
    igd_defense_options o = options->defense;
    if (rows[k].base)
        return IGD_OK;
    o.mask = rows[k].mask;
    o.one_pass = rows[k].one_pass;
    if (!rows[k].smoothing)
        o.sigma = 0.0;
    const igd_status st = igd_defense_new(&a->defenses[k], base, ranking, &o);
    return st == IGD_OK ? IGD_OK : igd_error_prefix(st, rows[k].name);
}

static igd_status add_row(ablation *a, int k, const igd_series_options *options)
{
    igd_evaluate_options o = options->evaluate;
    const igd_defense *d = a->defenses[k];
    const igd_adaptive adaptive = d != NULL ? igd_defense_adaptive(d) : IGD_ADAPTIVE_NONE;
    if (adaptive == IGD_ADAPTIVE_NONE)
        igd_shorter_apply(&o, &a->shorter);
    IGD_TRY(igd_evaluate_check(&o, d != NULL, adaptive));
    igd_series_add(&a->series, rows[k].name, d, &o);
    return IGD_OK;
}

static cJSON *ablation_json(const ablation *a)
{
    cJSON *json = igd_series_provenance(&a->series, NUM_ROWS - 1, "ablation");
    igd_json_add_copy(json, "attacks", a->series.attacks);
    cJSON *list = igd_json_add_array(json, "rows");
    for (int k = 0; k < NUM_ROWS; k++) {
        cJSON *o = cJSON_CreateObject();
        igd_json_add_string(o, "name", rows[k].name);
        igd_json_add_string(o, "mask", rows[k].mask_name);
        igd_json_add_number(o, "passes", rows[k].one_pass ? 1 : 2);
        igd_json_add_bool(o, "smoothing", rows[k].smoothing);
        igd_series_add_accuracies(o, a->series.results[k], true);
        igd_json_add_item(o, "result", igd_series_file_json(&a->series, k));
        igd_json_append(list, o);
    }
    igd_series_add_end(json, &a->series);
    return json;
}

static void ablation_print(FILE *f, const void *payload)
{
    const ablation *a = payload;
    igd_series_print_head(f, "row");
    for (int k = 0; k < NUM_ROWS; k++)
        igd_series_print_row(f, rows[k].name, a->series.results[k]);
    fprintf(f, "\n%-24s mask     passes  smoothing\n", "row");
    for (int k = 0; k < NUM_ROWS; k++)
        fprintf(f, "%-24s %-8s %6d  %s\n", rows[k].name, rows[k].mask_name,
                rows[k].one_pass ? 1 : 2, rows[k].smoothing ? "yes" : "no");
}

igd_status igd_ablation(igd_analysis **out, const igd_model *base,
                        const igd_ranking *ranking, const igd_dataset *data,
                        const igd_series_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(ranking);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_series_options, own, options);
    const igd_series_options *o = &own;
    ablation a = {0};
    igd_status st;

    if (!(o->defense.sigma > 0.0))
        return igd_error(IGD_EINVAL, "an ablation of smoothing needs a sigma above 0");
    if ((st = igd_series_init(&a.series, NUM_ROWS, o->folder, o->evaluate.attacks)) !=
            IGD_OK ||
        (st = igd_shorter_init(&a.shorter, &o->evaluate, IGD_ADAPTIVE_NONE)) != IGD_OK)
        goto done;
    for (int k = 0; k < NUM_ROWS; k++)
        if ((st = make_defense(&a, k, base, ranking, o)) != IGD_OK ||
            (st = add_row(&a, k, o)) != IGD_OK)
            goto done;
    if ((st = igd_series_run(&a.series, base, data)) == IGD_OK)
        st = igd_series_finish(out, ablation_json(&a), ablation_print, &a);

done:
    for (int k = 0; k < NUM_ROWS; k++)
        igd_defense_free(a.defenses[k]);
    igd_shorter_free(&a.shorter);
    igd_series_free(&a.series);
    return st;
}

// --- joined

static const cJSON *find_row(const cJSON *analysis, const void *payload)
{
    const int *row = payload;
    return cJSON_GetArrayItem(igd_get(analysis, "rows"), *row);
}

igd_status igd_ablation_join(igd_analysis **out, const igd_pieces *pieces)
{
    ablation a = {0};
    igd_status st = igd_series_init_joined(&a.series, NUM_ROWS, pieces);
    for (int k = 0; k < NUM_ROWS && st == IGD_OK; k++)
        st = igd_series_join(&a.series, rows[k].name, find_row, &k);
    if (st == IGD_OK &&
        (st = igd_series_finish(out, ablation_json(&a), ablation_print, &a)) == IGD_OK)
        st = igd_series_hold(out, &a.series, NULL);
    igd_series_free(&a.series);
    return st;
}
