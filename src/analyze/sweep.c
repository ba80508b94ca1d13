// Owns sweeps: one option over a list of values.
#include "analyze/sweep_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis_impl.h"
#include "analyze/series.h"
#include "analyze/series_text.h"
#include "analyze/sweep_values.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/options.h"
#include "core/require.h"
#include "result/result_impl.h"

// A sweep in progress. Every array has one item per value.
typedef struct sweep {
    const igd_sweep_values *from;
    const igd_series_options *options;
    igd_values values;
    bool defended;
    igd_defense **defenses; // owned; NULLs where the base model alone is swept
    char **sets;            // owned [2 * num]; of points, then of the base model
    igd_shorter shorter;    // for the base model
    int *points, *bases;    // owned; members of the series, -1 for none
    igd_series series;
} sweep;

static void sweep_free(sweep *s)
{
    for (int k = 0; k < s->values.num; k++) {
        if (s->defenses != NULL)
            igd_defense_free(s->defenses[k]);
        if (s->sets != NULL) {
            free(s->sets[k]);
            free(s->sets[s->values.num + k]);
        }
    }
    free(s->defenses);
    free(s->sets);
    igd_shorter_free(&s->shorter);
    free(s->points);
    free(s->bases);
    igd_series_free(&s->series);
    igd_values_free(&s->values);
}

static igd_status sweep_room(sweep *s)
{
    IGD_TRY(igd_values_read(&s->values, s->from));
    const size_t num = (size_t)s->values.num;
    s->defenses = calloc(num, sizeof(igd_defense *));
    s->sets = calloc(2 * num, sizeof(char *));
    s->points = calloc(num, sizeof(*s->points));
    s->bases = calloc(num, sizeof(*s->bases));
    if (s->defenses == NULL || s->sets == NULL || s->points == NULL || s->bases == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %zu values", num);
    return IGD_OK;
}

static igd_status sweep_init(sweep *s)
{
    IGD_TRY(sweep_room(s));
    IGD_TRY(igd_shorter_init(&s->shorter, &s->options->evaluate, IGD_ADAPTIVE_NONE));
    if (!s->defended && !s->values.changes_base)
        return igd_error(IGD_EINVAL, "to sweep %s there must be a ranking",
                         s->values.name);
    if (s->from->defense != NULL && !s->values.changes_base)
        return igd_error(IGD_EINVAL, "to sweep %s the defense must be a mask",
                         s->values.name);
    if (s->values.ranks && s->from->rank == NULL)
        return igd_error(IGD_EINVAL, "to sweep %s neurons must be ranked anew",
                         s->values.name);
    return IGD_OK;
}

// --- options of a point

// What adaptive attacks find in the defense, which is not made yet where it is a mask.
static igd_adaptive adaptive_of(const sweep *s)
{
    const igd_defense_options *d = &s->options->defense;
    if (s->from->defense != NULL)
        return igd_defense_adaptive(s->from->defense);
    return d->mask != IGD_MASK_NONE && !d->one_pass ? IGD_ADAPTIVE_PSEUDO_LABEL
                                                    : IGD_ADAPTIVE_NONE;
}

// Those of the k-th value, for the defended model or for the base model beside it.
static igd_status options_of(igd_evaluate_options *out, sweep *s, int k, bool base)
{
    const igd_values *v = &s->values;
    char **set = &s->sets[base ? v->num + k : k];
    const bool defended = s->defended && !base;
    *out = s->options->evaluate;
    if (base)
        igd_shorter_apply(out, &s->shorter);
    if (v->what == IGD_SWEPT_EPS)
        out->threat.eps = v->item[k].number;
    const igd_checked list = {.options = *out,
                              .defended = defended,
                              .adaptive = defended ? adaptive_of(s) : IGD_ADAPTIVE_NONE};
    IGD_TRY(igd_values_set(set, v, k, &list, base));
    out->set = (*set)[0] != '\0' ? *set : NULL;
    return igd_evaluate_check(out, defended, list.adaptive);
}

static igd_status check_options(sweep *s)
{
    igd_evaluate_options o;
    for (int k = 0; k < s->values.num; k++)
        for (int base = 0; base <= (int)s->defended; base++) {
            IGD_TRY(options_of(&o, s, k, base == 1));
            char **set = &s->sets[base == 1 ? s->values.num + k : k];
            free(*set);
            *set = NULL;
        }
    return IGD_OK;
}

igd_status igd_sweep_check(const igd_sweep_values *values,
                           const igd_series_options *options, bool defended)
{
    IGD_REQUIRE(values);
    IGD_OPTIONS(igd_series_options, o, options);
    sweep s = {.from = values, .options = &o, .defended = defended};
    igd_status st = sweep_init(&s);
    if (st == IGD_OK)
        st = check_options(&s);
    sweep_free(&s);
    return st;
}

// --- defenses

static igd_status make_defense(sweep *s, int k, const igd_model *base,
                               const igd_ranking *ranking)
{
    const igd_values *v = &s->values;
    const igd_value *value = &v->item[k];
    igd_defense_options o = s->options->defense;
    igd_ranking *own = NULL;
    igd_status st = IGD_OK;

    if (s->from->defense != NULL)
        return IGD_OK;
    switch (v->what) {
    case IGD_SWEPT_KEEP:
        o.keep = (int)value->number;
        break;
    case IGD_SWEPT_SIGMA:
        o.sigma = value->number;
        break;
    case IGD_SWEPT_SMOOTH:
        o.num_smooth = (int)value->number;
        break;
    case IGD_SWEPT_TEMPERATURE:
        o.temperature = value->number;
        break;
    case IGD_SWEPT_LAYER:
        st = s->from->rank(&own, base, value->text, 1.0, s->from->payload);
        break;
    case IGD_SWEPT_FRACTION:
        st = s->from->rank(&own, base, s->from->layer, value->number, s->from->payload);
        break;
    default:
        break;
    }
    if (st == IGD_OK)
        st = igd_defense_new(&s->defenses[k], base, own != NULL ? own : ranking, &o);
    igd_ranking_free(own);
    return st;
}

static igd_status make_defenses(sweep *s, const igd_model *base,
                                const igd_ranking *ranking)
{
    char name[80];
    for (int k = 0; k < s->values.num && s->defended; k++) {
        const igd_status st = make_defense(s, k, base, ranking);
        if (st == IGD_ECANCELED)
            return st;
        snprintf(name, sizeof(name), "%s %s", s->values.name, s->values.item[k].text);
        if (st != IGD_OK)
            return igd_error_prefix(st, name);
    }
    return IGD_OK;
}

// --- members of the series

// Of several eps an image that is broken at one is broken at the next: what was found
// lies in the larger ball as well. The union then means "broken at any smaller radius".
static void chain(sweep *s, int *members, int k)
{
    const bool rising = s->values.what == IGD_SWEPT_EPS &&
                        s->options->evaluate.report == IGD_REPORT_UNION;
    if (rising && k > 0)
        s->series.members[members[k]].smaller = members[k - 1];
}

static const igd_defense *defense_of(const sweep *s, int k)
{
    return s->from->defense != NULL ? s->from->defense : s->defenses[k];
}

// Whether the k-th value has a member for the base model beside its own.
static bool has_base(const sweep *s, int k)
{
    return s->defended && (k == 0 || s->values.changes_base);
}

#define NAME_SIZE 80
static void name_of(char name[NAME_SIZE], const sweep *s, int k, bool base)
{
    const igd_values *v = &s->values;
    if (base && !v->changes_base)
        snprintf(name, NAME_SIZE, "base");
    else
        snprintf(name, NAME_SIZE, "%s%s %s", base ? "base " : "", v->name,
                 v->item[k].text);
}

static igd_status add_members(sweep *s)
{
    const igd_values *v = &s->values;
    igd_evaluate_options o;
    char name[NAME_SIZE];

    IGD_TRY(igd_series_init(&s->series, 2 * v->num, s->options->folder,
                            s->options->evaluate.attacks));
    for (int k = 0; k < v->num; k++) {
        s->bases[k] = -1;
        if (has_base(s, k)) {
            name_of(name, s, k, true);
            IGD_TRY(options_of(&o, s, k, true));
            s->bases[k] = igd_series_add(&s->series, name, NULL, &o);
            chain(s, s->bases, k);
        }
        name_of(name, s, k, false);
        IGD_TRY(options_of(&o, s, k, false));
        s->points[k] = igd_series_add(&s->series, name, defense_of(s, k), &o);
        chain(s, s->points, k);
    }
    return IGD_OK;
}

// --- what is written down

static cJSON *accuracies_json(const sweep *s, int member)
{
    cJSON *o = cJSON_CreateObject();
    igd_series_add_accuracies(o, s->series.results[member], true);
    igd_json_add_item(o, "result", igd_series_file_json(&s->series, member));
    return o;
}

static cJSON *points_json(const sweep *s)
{
    const igd_values *v = &s->values;
    cJSON *list = cJSON_CreateArray();
    for (int k = 0; k < v->num; k++) {
        cJSON *o = cJSON_CreateObject();
        if (v->what == IGD_SWEPT_LAYER)
            igd_json_add_string(o, "value", v->item[k].text);
        else
            igd_json_add_number(o, "value", v->item[k].number);
        igd_json_add_string(o, "text", v->item[k].text);
        igd_series_add_accuracies(o, s->series.results[s->points[k]], true);
        igd_json_add_item(o, "result", igd_series_file_json(&s->series, s->points[k]));
        if (v->changes_base && s->defended)
            igd_json_add_item(o, "base", accuracies_json(s, s->bases[k]));
        igd_json_append(list, o);
    }
    return list;
}

static cJSON *sweep_json(const sweep *s)
{
    const igd_values *v = &s->values;
    cJSON *json = igd_series_provenance(&s->series, s->points[0], "sweep");
    // What is swept has no one value.
    cJSON *defense = cJSON_GetObjectItemCaseSensitive(json, "defense");
    cJSON_DeleteItemFromObjectCaseSensitive(defense, "mask_sha256");
    cJSON_DeleteItemFromObjectCaseSensitive(defense, v->name);
    if (v->what == IGD_SWEPT_EPS)
        cJSON_DeleteItemFromObjectCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(json, "threat"), "eps");
    igd_json_add_string(json, "option", v->name);
    igd_json_add_bool(json, "of_attack", v->changes_base);
    igd_json_add_copy(json, "attacks", s->series.attacks);
    igd_json_add_item(json, "points", points_json(s));
    igd_json_add_item(json, "base",
                      s->defended && !v->changes_base ? accuracies_json(s, s->bases[0])
                                                      : cJSON_CreateNull());
    igd_json_add_bool(json, "finished", true);
    igd_series_add_end(json, &s->series);
    return json;
}

// Where the base model changes with the value, it has a row under each.
static void print_row(FILE *f, const sweep *s, const char *name, int k)
{
    const int base = s->bases[k];
    igd_series_print_row(f, name, s->series.results[s->points[k]]);
    if (s->values.changes_base && s->defended && base >= 0)
        igd_series_print_row(f, "  base", s->series.results[base]);
}

static bool is_union(const sweep *s)
{
    const igd_result *r = s->series.results[s->points[0]];
    return strcmp(igd_text_in(r->provenance, "settings", "report"), "union") == 0;
}

static void sweep_print(FILE *f, const void *payload)
{
    const sweep *s = payload;
    const igd_values *v = &s->values;
    igd_series_print_head(f, v->name);
    if (s->defended && !v->changes_base)
        igd_series_print_row(f, "base", s->series.results[s->bases[0]]);
    for (int k = 0; k < v->num; k++)
        print_row(f, s, v->item[k].text, k);
    if (v->what == IGD_SWEPT_EPS && is_union(s))
        fputs(
            "An image that is broken at one eps counts as broken at every larger one.\n",
            f);
}

// The numbers with what they point to.
typedef struct sweep_numbers {
    igd_sweep_numbers of;
    igd_sweep_point points[];
} sweep_numbers;

static char *copy_text(char **to, const char *text)
{
    char *copy = *to;
    const size_t size = strlen(text) + 1;
    memcpy(copy, text, size);
    *to += size;
    return copy;
}

static const igd_result *result_of(const sweep *s, int member)
{
    return member >= 0 ? s->series.results[member] : NULL;
}

// Owned; NULL without memory. Borrows the results.
static igd_sweep_numbers *take_numbers(const sweep *s)
{
    const igd_values *v = &s->values;
    const bool alone = s->defended && !v->changes_base; // one base model for all values
    size_t size = strlen(v->name) + 1;
    for (int k = 0; k < v->num; k++)
        size += strlen(v->item[k].text) + 1;
    const size_t points = (size_t)v->num * sizeof(igd_sweep_point);
    sweep_numbers *n = malloc(sizeof(*n) + points + size);
    if (n == NULL)
        return NULL;
    char *text = (char *)n + sizeof(*n) + points;
    n->of = (igd_sweep_numbers){.option = copy_text(&text, v->name),
                                .base = alone ? result_of(s, s->bases[0]) : NULL,
                                .num_points = v->num,
                                .points = n->points};
    for (int k = 0; k < v->num; k++)
        n->points[k] = (igd_sweep_point){
            .text = copy_text(&text, v->item[k].text),
            .value = v->what == IGD_SWEPT_LAYER ? NAN : v->item[k].number,
            .result = result_of(s, s->points[k]),
            .base = s->defended && v->changes_base ? result_of(s, s->bases[k]) : NULL};
    return &n->of;
}

// The results go to the analysis.
static igd_status finish(igd_analysis **out, sweep *s)
{
    igd_sweep_numbers *numbers = take_numbers(s);
    if (numbers == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the analysis");
    const igd_status st = igd_series_finish(out, sweep_json(s), sweep_print, s);
    if (st == IGD_OK)
        return igd_series_hold(out, &s->series, numbers);
    free(numbers);
    return st;
}

igd_status igd_sweep(igd_analysis **out, const igd_model *base,
                     const igd_ranking *ranking, const igd_dataset *data,
                     const igd_sweep_values *values, const igd_series_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(data);
    IGD_REQUIRE(values);
    IGD_OPTIONS(igd_series_options, o, options);
    sweep s = {.from = values,
               .options = &o,
               .defended = ranking != NULL || values->rank != NULL ||
                           values->defense != NULL || o.defense.mask != IGD_MASK_RANKING};
    igd_status st;

    if ((st = sweep_init(&s)) == IGD_OK && (st = check_options(&s)) == IGD_OK &&
        (st = make_defenses(&s, base, ranking)) == IGD_OK &&
        (st = add_members(&s)) == IGD_OK &&
        (st = igd_series_run(&s.series, base, data)) == IGD_OK)
        st = finish(out, &s);
    sweep_free(&s);
    return st;
}

// --- joined

typedef struct place {
    int value;
    bool base;
} place;

static const cJSON *find_place(const cJSON *analysis, const void *payload)
{
    const place *p = payload;
    const cJSON *alone = igd_get(analysis, "base");
    const cJSON *point = cJSON_GetArrayItem(igd_get(analysis, "points"), p->value);
    if (!p->base)
        return point;
    return cJSON_IsObject(alone) ? alone : igd_get(point, "base");
}

static igd_status join_member(sweep *s, int k, bool base, int *member)
{
    const place where = {k, base};
    char name[NAME_SIZE];
    name_of(name, s, k, base);
    *member = s->series.num;
    return igd_series_join(&s->series, name, find_place, &where);
}

static igd_status join_members(sweep *s)
{
    for (int k = 0; k < s->values.num; k++) {
        s->bases[k] = -1;
        if (has_base(s, k))
            IGD_TRY(join_member(s, k, true, &s->bases[k]));
        IGD_TRY(join_member(s, k, false, &s->points[k]));
    }
    return IGD_OK;
}

// The texts of the points; owned, each borrowed, NULL without memory.
static igd_status read_texts(const char ***out, int *num, const igd_pieces *p)
{
    const cJSON *points = igd_get(p->json[0], "points"), *item;
    *num = 0;
    *out = calloc((size_t)cJSON_GetArraySize(points), sizeof(**out));
    if (*out == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", p->path[0]);
    cJSON_ArrayForEach(item, points)
    {
        IGD_TRY(igd_json_string(&(*out)[(*num)++], item, "text", p->path[0]));
    }
    return IGD_OK;
}

igd_status igd_sweep_join(igd_analysis **out, const igd_pieces *pieces)
{
    const place base = {0, true};
    const char **texts = NULL;
    igd_sweep_values values = {.option = igd_string_of(pieces->json[0], "option")};
    sweep s = {.from = &values, .defended = find_place(pieces->json[0], &base) != NULL};
    igd_status st = read_texts(&texts, &values.num, pieces);

    values.value = texts;
    if (st == IGD_OK && (st = sweep_room(&s)) == IGD_OK &&
        (st = igd_series_init_joined(&s.series, 2 * s.values.num, pieces)) == IGD_OK &&
        (st = join_members(&s)) == IGD_OK)
        st = finish(out, &s);
    sweep_free(&s);
    free(texts);
    return st;
}
