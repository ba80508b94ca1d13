// Owns the search for the smallest radius at which each image falls.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/attack_list.h"
#include "analyze/series.h"
#include "analyze/series_text.h"
#include "analyze/sweep_impl.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/options.h"
#include "core/require.h"
#include "data/dataset_impl.h"
#include "result/interval.h"
#include "result/result_impl.h"

#define MOST_HALVINGS 12
#define MOST_SUBJECTS 2 // the base model, and the defended one
#define NUM_SHARES ((int)(sizeof(shares) / sizeof(shares[0])))

static const double shares[] = {0.1, 0.25, 0.5, 0.75, 0.9};

// What is known of the images of one classifier, in steps of the range: image i
// withstands step low[i] and falls at step high[i]. Wrong when clean: both 0. Not at the
// largest radius: high[i] is beyond the last step.
typedef struct subject {
    const char *name;
    const igd_defense *defense;
    igd_adaptive adaptive;
    int first;       // member of the series at the largest radius
    int *low, *high; // [n], in the steps of the search
} subject;

typedef struct search {
    const igd_radius_options *options;
    const igd_model *base;
    const igd_dataset *data;
    int64_t n;
    int steps; // 2^halvings
    subject subjects[MOST_SUBJECTS];
    int num_subjects;
    igd_shorter shorter; // of the attacks, for what has no pseudo-label
    igd_series series;
    int64_t *rows; // owned [n]
    int *ends;     // owned [MOST_SUBJECTS, 2, n]: low and high of each subject
} search;

static double largest(const search *s)
{
    return s->options->series.evaluate.threat.eps;
}

static double eps_of(const search *s, int step)
{
    const double from = s->options->from;
    return step == s->steps
               ? largest(s)
               : from + (largest(s) - from) * (double)step / (double)s->steps;
}

static igd_status search_init(search *s)
{
    s->rows = malloc(((size_t)s->n + 1) * sizeof(*s->rows));
    s->ends = calloc((size_t)s->n + 1, sizeof(*s->ends) * 2 * MOST_SUBJECTS);
    return s->rows != NULL && s->ends != NULL
               ? IGD_OK
               : igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)s->n);
}

static void search_free(search *s)
{
    igd_shorter_free(&s->shorter);
    igd_series_free(&s->series);
    free(s->rows);
    free(s->ends);
}

static void add_subject(search *s, const char *name, const igd_defense *defense)
{
    int *low = s->ends + 2 * s->n * s->num_subjects;
    s->subjects[s->num_subjects++] = (subject){
        .name = name,
        .defense = defense,
        .adaptive = defense != NULL ? igd_defense_adaptive(defense) : IGD_ADAPTIVE_NONE,
        .low = low,
        .high = low + s->n};
}

static igd_evaluate_options options_of(const search *s, const subject *u)
{
    igd_evaluate_options o = s->options->series.evaluate;
    o.report = IGD_REPORT_UNION;
    if (u->adaptive == IGD_ADAPTIVE_NONE)
        igd_shorter_apply(&o, &s->shorter);
    return o;
}

static igd_status check_options(const search *s)
{
    const igd_radius_options *o = s->options;
    if (o->halvings < 1 || o->halvings > MOST_HALVINGS)
        return igd_error(IGD_EINVAL, "%d halvings, outside 1 to %d", o->halvings,
                         MOST_HALVINGS);
    if (!(o->from >= 0.0 && o->from < largest(s)))
        return igd_error(IGD_EINVAL, "radii from %g to %g", o->from, largest(s));
    for (int k = 0; k < s->num_subjects; k++) {
        const subject *u = &s->subjects[k];
        const igd_evaluate_options e = options_of(s, u);
        if (strcmp(e.attacks, "clean") == 0)
            return igd_error(IGD_EINVAL, "radii need an attack; \"clean\" is none");
        IGD_TRY(igd_evaluate_check(&e, u->defense != NULL, u->adaptive));
    }
    return IGD_OK;
}

// --- asking

// The place of an evaluation in the list of an analysis.
static const cJSON *find_evaluation(const cJSON *analysis, const void *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, igd_get(analysis, "evaluations"))
    {
        if (strcmp(igd_string_of(item, "name"), name) == 0)
            return item;
    }
    return NULL;
}

// What the parts have found of s->rows [num].
static igd_status join(search *s, const subject *u, const char *name, int64_t num)
{
    const int member = s->series.num;
    IGD_TRY(igd_series_join(&s->series, name, find_evaluation, name));
    const igd_flags *t = &s->series.results[member]->flags;
    const igd_flags *all = &s->series.results[u->first]->flags;
    bool same = t->num_images == num;
    for (int64_t i = 0; i < num && same; i++)
        same = t->index[i] == all->index[s->rows[i]];
    return same ? IGD_OK
                : igd_error(IGD_EFORMAT, "%s: not of the images that are asked there",
                            name);
}

// Evaluates s->rows [num] at a step and returns the member of the series.
static igd_status ask(search *s, const subject *u, int step, int64_t num, int *member)
{
    char eps[32], name[64];
    igd_dataset *some = NULL;
    igd_number_shortest(eps, sizeof(eps), eps_of(s, step));
    snprintf(name, sizeof(name), "%s eps %s", u->name, eps);
    *member = s->series.num;
    if (s->series.pieces != NULL)
        return join(s, u, name, num);
    igd_evaluate_options o = options_of(s, u);
    o.threat.eps = eps_of(s, step);
    o.checks = o.checks && step == s->steps;
    if (num < s->n) // all of them may be a part of a run, which is then said
        IGD_TRY(igd_dataset_take(&some, s->data, s->rows, num));
    igd_series_add(&s->series, name, u->defense, &o);
    const igd_status st =
        igd_series_run_one(&s->series, *member, s->base, some != NULL ? some : s->data);
    igd_dataset_free(some);
    return st;
}

static bool withstood(const search *s, int member, int64_t i)
{
    const igd_flags *t = &s->series.results[member]->flags;
    int columns[IGD_MAX_STEPS];
    for (int c = 1; c < t->num_columns; c++)
        columns[c - 1] = c;
    return igd_flags_survives(t, columns, t->num_columns - 1, i, IGD_MAJORITY);
}

// All images at the largest radius, and the images as they are.
static igd_status ask_ends(search *s, subject *u)
{
    int64_t num = 0, fallen = 0;
    int member;
    for (int64_t i = 0; i < s->n; i++)
        s->rows[i] = i;
    IGD_TRY(ask(s, u, s->steps, s->n, &u->first));
    const igd_flags *t = &s->series.results[u->first]->flags;
    for (int64_t i = 0; i < s->n; i++) {
        const bool right = igd_flags_correct(t, 0, i, IGD_MAJORITY);
        const bool beyond = withstood(s, u->first, i);
        u->low[i] = beyond ? s->steps : 0;
        u->high[i] = beyond ? s->steps + 1 : right ? s->steps : 0;
        if (right && !beyond)
            s->rows[num++] = i;
    }
    if (s->options->from == 0.0 || num == 0)
        return IGD_OK;
    IGD_TRY(ask(s, u, 0, num, &member));
    for (int64_t i = 0; i < num; i++)
        fallen += !withstood(s, member, i);
    return fallen == 0
               ? IGD_OK
               : igd_error(IGD_EINVAL,
                           "%s: %lld images fall at the smallest radius already, %g; "
                           "begin below it (0 is the clean image)",
                           u->name, (long long)fallen, s->options->from);
}

// The images that stand between two radii `width` steps apart, each in the middle.
static igd_status halve(search *s, subject *u, int width)
{
    for (int middle = width / 2; middle < s->steps; middle += width) {
        int64_t num = 0;
        int member;
        for (int64_t i = 0; i < s->n; i++)
            if (u->high[i] - u->low[i] == width && u->low[i] + width / 2 == middle)
                s->rows[num++] = i;
        if (num == 0)
            continue;
        IGD_TRY(ask(s, u, middle, num, &member));
        for (int64_t i = 0; i < num; i++)
            if (withstood(s, member, i))
                u->low[s->rows[i]] = middle;
            else
                u->high[s->rows[i]] = middle;
    }
    return IGD_OK;
}

static igd_status run(search *s)
{
    for (int k = 0; k < s->num_subjects; k++) {
        IGD_TRY(ask_ends(s, &s->subjects[k]));
        for (int width = s->steps; width > 1; width /= 2)
            IGD_TRY(halve(s, &s->subjects[k], width));
    }
    return IGD_OK;
}

// --- what is written down

// Images that withstand a step; at step 0 those that are right when clean.
static int64_t standing(const search *s, const subject *u, int step)
{
    int64_t num = 0;
    for (int64_t i = 0; i < s->n; i++)
        num += u->high[i] > 0 && u->low[i] >= step;
    return num;
}

// The first step at which a share of the images has fallen, NAN where none is.
static double radius_of(const search *s, const subject *u, double share)
{
    for (int step = 0; step <= s->steps; step++) {
        const int64_t fallen = s->n - standing(s, u, step);
        if ((double)fallen >= share * (double)s->n - 1e-9)
            return step == 0 ? 0.0 : eps_of(s, step);
    }
    return NAN;
}

static cJSON *number_or_null(double v)
{
    return isnan(v) ? cJSON_CreateNull() : cJSON_CreateNumber(v);
}

static cJSON *image_json(const search *s, const subject *u, int64_t i)
{
    cJSON *o = cJSON_CreateObject();
    const bool wrong = u->high[i] == 0;
    const igd_flags *t = &s->series.results[u->first]->flags;
    igd_json_add_number(o, "index", (double)t->index[i]);
    igd_json_add_number(o, "label", t->label[i]);
    igd_json_add_number(o, "low",
                        wrong || (u->low[i] == 0 && s->options->from == 0.0)
                            ? 0.0
                            : eps_of(s, u->low[i]));
    igd_json_add_item(o, "high",
                      number_or_null(wrong                   ? 0.0
                                     : u->high[i] > s->steps ? NAN
                                                             : eps_of(s, u->high[i])));
    return o;
}

static cJSON *subject_json(const search *s, const subject *u)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "name", u->name);
    igd_json_add_number(o, "wrong", (double)(s->n - standing(s, u, 0)));
    igd_json_add_number(o, "beyond", (double)standing(s, u, s->steps));
    cJSON *list = igd_json_add_array(o, "quantiles");
    for (int k = 0; k < NUM_SHARES; k++) {
        cJSON *q = cJSON_CreateObject();
        igd_json_add_number(q, "share", shares[k]);
        igd_json_add_item(q, "eps", number_or_null(radius_of(s, u, shares[k])));
        igd_json_append(list, q);
    }
    list = igd_json_add_array(o, "curve");
    for (int step = 0; step <= s->steps; step++) {
        const int64_t hits = standing(s, u, step);
        cJSON *p = cJSON_CreateObject();
        igd_json_add_number(p, "eps", eps_of(s, step));
        igd_json_add_number(p, "acc", (double)hits / (double)s->n);
        igd_json_add_item(p, "interval", igd_interval_json(igd_interval_of(hits, s->n)));
        igd_json_append(list, p);
    }
    list = igd_json_add_array(o, "images");
    for (int64_t i = 0; i < s->n; i++)
        igd_json_append(list, image_json(s, u, i));
    return o;
}

static cJSON *radius_json(const search *s)
{
    const int last = s->num_subjects - 1;
    cJSON *json = igd_series_provenance(&s->series, s->subjects[last].first, "radius");
    igd_json_add_number(json, "from", s->options->from);
    igd_json_add_number(json, "halvings", s->options->halvings);
    igd_json_add_copy(json, "attacks", s->series.attacks);
    cJSON *list = igd_json_add_array(json, "classifiers");
    for (int k = 0; k < s->num_subjects; k++)
        igd_json_append(list, subject_json(s, &s->subjects[k]));
    list = igd_json_add_array(json, "evaluations");
    for (int k = 0; k < s->series.num; k++) {
        cJSON *o = cJSON_CreateObject();
        igd_json_add_string(o, "name", s->series.members[k].name);
        igd_json_add_number(o, "images",
                            (double)igd_result_num_images(s->series.results[k]));
        igd_json_add_item(o, "result", igd_series_file_json(&s->series, k));
        igd_json_append(list, o);
    }
    igd_series_add_end(json, &s->series);
    return json;
}

static void print_radius(FILE *f, double eps)
{
    if (isnan(eps))
        fprintf(f, "  %7s", "beyond");
    else
        igd_print(f, "  %7.5f", eps);
}

static void radius_print(FILE *f, const void *payload)
{
    const search *s = payload;
    igd_print(f,
              "Smallest eps at which so many of the images have fallen, to within "
              "%.5f:\n\n%-10s %8s",
              (largest(s) - s->options->from) / s->steps, "", "clean");
    for (int k = 0; k < NUM_SHARES; k++)
        igd_print(f, "  %5.0f %%", 100.0 * shares[k]);
    fputs("  still right\n", f);
    for (int k = 0; k < s->num_subjects; k++) {
        const subject *u = &s->subjects[k];
        igd_print(f, "%-10s %6.2f %%", u->name,
                  100.0 * (double)standing(s, u, 0) / (double)s->n);
        for (int i = 0; i < NUM_SHARES; i++)
            print_radius(f, radius_of(s, u, shares[i]));
        igd_print(f, "  %9.2f %%\n",
                  100.0 * (double)standing(s, u, s->steps) / (double)s->n);
    }
    fputs(
        "Wrong images have fallen at 0. Attacks give upper ends: stronger ones may find "
        "smaller radii.\n",
        f);
}

igd_status igd_radius(igd_analysis **out, const igd_model *base,
                      const igd_defense *defense, const igd_dataset *data,
                      const igd_radius_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_radius_options, own, options);
    search s = {.options = &own, .base = base, .data = data, .n = igd_dataset_size(data)};
    const igd_series_options *o = &s.options->series;
    igd_status st;

    if ((st = search_init(&s)) != IGD_OK)
        goto done;
    add_subject(&s, "base", NULL);
    if (defense != NULL)
        add_subject(&s, "defended", defense);
    if ((st = igd_shorter_init(&s.shorter, &o->evaluate, IGD_ADAPTIVE_NONE)) != IGD_OK ||
        (st = check_options(&s)) != IGD_OK)
        goto done;
    s.steps = 1 << s.options->halvings;
    if ((st = igd_series_init(&s.series, s.num_subjects * (s.steps + 1), o->folder,
                              o->evaluate.attacks)) != IGD_OK ||
        (st = run(&s)) != IGD_OK)
        goto done;
    st = igd_series_finish(out, radius_json(&s), radius_print, &s);

done:
    search_free(&s);
    return st;
}

// --- joined

// What was asked, and of how many images.
static igd_status read_asked(search *s, igd_radius_options *o, const igd_pieces *p)
{
    const cJSON *threat, *data, *classifier;
    int64_t halvings, count;
    IGD_TRY(igd_json_object(&threat, p->json[0], "threat", p->path[0]));
    IGD_TRY(igd_json_number(&o->series.evaluate.threat.eps, threat, "eps", p->path[0]));
    IGD_TRY(igd_json_number(&o->from, p->json[0], "from", p->path[0]));
    IGD_TRY(igd_json_integer(&halvings, p->json[0], "halvings", p->path[0]));
    if (halvings < 1 || halvings > MOST_HALVINGS || !(o->from >= 0.0) ||
        !(o->from < o->series.evaluate.threat.eps))
        return igd_error(IGD_EFORMAT, "%s: not a search over radii", p->path[0]);
    o->halvings = (int)halvings;
    for (int k = 0; k < p->num; k++) {
        IGD_TRY(igd_json_object(&data, p->json[k], "data", p->path[k]));
        IGD_TRY(igd_json_integer(&count, data, "count", p->path[k]));
        if (count < 1 || count > INT32_MAX)
            return igd_error(IGD_EFORMAT, "%s: of %lld images", p->path[k],
                             (long long)count);
        s->n += count;
    }
    IGD_TRY(search_init(s));
    cJSON_ArrayForEach(classifier, igd_get(p->json[0], "classifiers"))
    {
        if (s->num_subjects < MOST_SUBJECTS) // igd_analysis_check() has counted them
            add_subject(s, igd_string_of(classifier, "name"), NULL);
    }
    return IGD_OK;
}

igd_status igd_radius_join(igd_analysis **out, const igd_pieces *pieces)
{
    igd_radius_options o = igd_radius_options_default();
    search s = {.options = &o, .n = 0, .num_subjects = 0};
    igd_status st;

    if ((st = read_asked(&s, &o, pieces)) != IGD_OK)
        goto done;
    s.steps = 1 << o.halvings;
    if ((st = igd_series_init_joined(&s.series, s.num_subjects * (s.steps + 1),
                                     pieces)) == IGD_OK &&
        (st = run(&s)) == IGD_OK &&
        (st = igd_series_finish(out, radius_json(&s), radius_print, &s)) == IGD_OK)
        st = igd_series_hold(out, &s.series, NULL);

done:
    search_free(&s);
    return st;
}
