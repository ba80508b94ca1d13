// Owns the search for the setting of the defense that helps most.
#include "analyze/tune.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/attack_list.h"
#include "analyze/series.h"
#include "core/error.h"
#include "core/number.h"
#include "core/options.h"
#include "core/require.h"
#include "data/dataset_impl.h"
#include "evaluate/session.h"
#include "rank/ranking_impl.h"
#include "result/anytime.h"
#include "result/result_impl.h"

#define LAYER_MOST 32 // letters of a layer in the name of a file
#define LEAST_IMAGES 8
#define MEMBER_NAME ((int)sizeof(((igd_member *)NULL)->name))

static const double usual_temperatures[] = {0.01, 0.1};

#define NUM_OF(list) ((int)(sizeof(list) / sizeof((list)[0])))

typedef struct search {
    igd_tuned found;
    const igd_model *base;
    const igd_dataset *data;
    int64_t n;
    int64_t *rows;       // owned [n], in the order in which images are taken
    bool *base_ok;       // owned [2, n] in that order: right when clean, and attacked
    igd_shorter shorter; // of the attacks, for what has no pseudo-label
    igd_series series;
    int *place_of; // owned; of each member its setting, -1 for the base model
} search;

static void search_free(search *s)
{
    igd_series_free(&s->series);
    igd_shorter_free(&s->shorter);
    free(s->found.settings);
    free(s->found.tally);
    free(s->found.order);
    free(s->rows);
    free(s->base_ok);
    free(s->place_of);
}

// --- the grid

static igd_status check_numbers(const double *value, int num, const char *name, bool zero)
{
    if (value == NULL)
        return IGD_OK;
    if (num < 1)
        return igd_error(IGD_EINVAL, "no %s to choose from", name);
    for (int k = 0; k < num; k++) {
        if (!(value[k] > 0.0 || (zero && value[k] == 0.0)) || value[k] > 1e6)
            return igd_error(IGD_EINVAL, "%s %g is out of range", name, value[k]);
        for (int j = 0; j < k; j++)
            if (value[j] == value[k])
                return igd_error(IGD_EINVAL, "%s %g is there twice", name, value[k]);
    }
    return IGD_OK;
}

static igd_status check_keeps(const igd_tune_grid *g)
{
    if (g->keeps == NULL)
        return IGD_OK;
    if (g->num_keeps < 1)
        return igd_error(IGD_EINVAL, "no keep to choose from");
    for (int k = 0; k < g->num_keeps; k++) {
        if (g->keeps[k] < 1)
            return igd_error(IGD_EINVAL, "keep %d is out of range", g->keeps[k]);
        for (int j = 0; j < k; j++)
            if (g->keeps[j] == g->keeps[k])
                return igd_error(IGD_EINVAL, "keep %d is there twice", g->keeps[k]);
    }
    return IGD_OK;
}

igd_status igd_tune_check(const igd_tune_grid *grid, const igd_tune_options *options)
{
    IGD_REQUIRE(grid);
    IGD_OPTIONS(igd_tune_options, own, options);
    const igd_tune_options *o = &own;
    IGD_TRY(check_keeps(grid));
    IGD_TRY(check_numbers(grid->sigmas, grid->num_sigmas, "sigma", true));
    IGD_TRY(
        check_numbers(grid->temperatures, grid->num_temperatures, "temperature", false));
    if (!(o->budget_clean >= 0.0 && o->budget_clean <= 1.0))
        return igd_error(IGD_EINVAL, "the budget is %g, not a fraction from 0 to 1",
                         o->budget_clean);
    if (o->first_images < LEAST_IMAGES)
        return igd_error(IGD_EINVAL, "%lld first images are fewer than %d",
                         (long long)o->first_images, LEAST_IMAGES);
    if (strcmp(o->series.evaluate.attacks, "clean") == 0)
        return igd_error(IGD_EINVAL, "settings are judged under attack; \"clean\" is "
                                     "none");
    return igd_evaluate_check(&o->series.evaluate, true, IGD_ADAPTIVE_PSEUDO_LABEL);
}

// The fewest neurons of a ranking's layers.
static int smallest_layer(const igd_ranking *r)
{
    const int num = igd_ranking_num_layers(r);
    const int *neurons = igd_ranking_layer_neurons(r);
    int least = num > 1 ? INT_MAX : igd_ranking_num_neurons(r);
    for (int l = 0; num > 1 && l < num; l++)
        least = neurons[l] < least ? neurons[l] : least;
    return least;
}

// Of halves of a layer, or those asked for. @return how many
static int keeps_of(int out[], const igd_tune_grid *g, const igd_ranking *r)
{
    const int neurons = smallest_layer(r);
    int num = 0;
    for (int part = 32; g->keeps == NULL && part >= 2; part /= 2) {
        const int keep = (neurons + part - 1) / part;
        if (num == 0 || out[num - 1] != keep)
            out[num++] = keep;
    }
    for (int k = 0; g->keeps != NULL && k < g->num_keeps && k < IGD_TUNE_SETTINGS; k++)
        out[num++] = g->keeps[k];
    return num;
}

// @return how many
static int sigmas_of(const double **out, double room[4], const search *s)
{
    const igd_tune_grid *g = s->found.grid;
    const igd_threat *threat = &s->found.options->series.evaluate.threat;
    const double usual = threat->norm == IGD_NORM_LINF
                             ? threat->eps / 2.0
                             : igd_defense_options_default().sigma;
    *out = g->sigmas != NULL ? g->sigmas : room;
    for (int k = 0; k < 4; k++)
        room[k] = usual * (double[]){0.0, 0.5, 1.0, 2.0}[k];
    return g->sigmas != NULL ? g->num_sigmas : 4;
}

static igd_status add_ranking(search *s, int ranking)
{
    const igd_tune_grid *g = s->found.grid;
    const igd_ranking *r = g->rankings[ranking];
    static const char message[] = "more than %d settings to choose from";
    const bool usual = g->temperatures == NULL;
    const double *temperature = usual ? usual_temperatures : g->temperatures, *sigma;
    const int num_temperatures = usual ? NUM_OF(usual_temperatures) : g->num_temperatures;
    int keep[IGD_TUNE_SETTINGS];
    double room[4];
    const int num_keeps = keeps_of(keep, g, r), num_sigmas = sigmas_of(&sigma, room, s);
    for (int i = 0; i < num_keeps * num_sigmas * num_temperatures; i++) {
        if (s->found.num == IGD_TUNE_SETTINGS)
            return igd_error(IGD_EINVAL, message, IGD_TUNE_SETTINGS);
        const igd_setting one = {.ranking = ranking,
                                 .keep = keep[i / (num_sigmas * num_temperatures)],
                                 .sigma = sigma[i / num_temperatures % num_sigmas],
                                 .temperature = temperature[i % num_temperatures]};
        if (one.keep > smallest_layer(r))
            return igd_error(IGD_EINVAL, "cannot keep %d of the %d neurons of %s",
                             one.keep, smallest_layer(r), igd_ranking_layer(r));
        s->found.order[s->found.num] = s->found.num;
        s->found.settings[s->found.num++] = one;
    }
    return IGD_OK;
}

static int64_t first_end(const search *s)
{
    const int64_t first = s->found.options->first_images;
    return first > s->n || s->found.num <= IGD_FINALISTS ? s->n : first;
}

// Evaluations of all rounds, the base model's among them.
static int count_evaluations(const search *s)
{
    int alive = s->found.num, num = alive + 1;
    for (int64_t end = first_end(s); end < s->n;) {
        alive = igd_halving_survivors(alive);
        end = igd_halving_images(end, alive, s->n);
        num += alive + 1;
    }
    return num;
}

static igd_status search_init(search *s)
{
    igd_tuned *t = &s->found;
    const size_t n = (size_t)s->n, room = IGD_TUNE_SETTINGS;
    if (s->n < LEAST_IMAGES)
        return igd_error(IGD_EINVAL, "%lld images are too few to choose by",
                         (long long)s->n);
    t->settings = calloc(room, sizeof(*t->settings));
    t->tally = calloc(room, sizeof(*t->tally));
    t->order = calloc(room, sizeof(*t->order));
    s->rows = malloc(n * sizeof(*s->rows));
    s->base_ok = calloc(2 * n, sizeof(*s->base_ok));
    int64_t *index = malloc(n * sizeof(*index));
    igd_status st = IGD_OK;
    if (t->settings == NULL || t->tally == NULL || t->order == NULL || s->rows == NULL ||
        s->base_ok == NULL || index == NULL)
        st = igd_error(IGD_ENOMEM, "no memory for the settings");
    for (int64_t i = 0; i < s->n && st == IGD_OK; i++)
        index[i] = igd_dataset_index(s->data, i);
    if (st == IGD_OK)
        st = igd_anytime_order(s->rows, index, s->n, t->options->series.evaluate.seed);
    free(index);
    for (int k = 0; k < t->grid->num_rankings && st == IGD_OK; k++)
        st = add_ranking(s, k);
    t->alive = t->num;
    if (st != IGD_OK)
        return st;
    const int most = count_evaluations(s);
    s->place_of = calloc((size_t)most, sizeof(*s->place_of));
    if (s->place_of == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d evaluations", most);
    return igd_series_init(&s->series, most, t->options->series.folder,
                           t->options->series.evaluate.attacks);
}

// --- one evaluation

static void name_of(char out[MEMBER_NAME], const search *s, const igd_setting *v,
                    int64_t end)
{
    const char *layer = igd_ranking_layer(s->found.grid->rankings[v->ranking]);
    char place[32], sigma[32], temperature[32];
    snprintf(place, sizeof(place), "ranking %d", v->ranking + 1);
    igd_number_shortest(sigma, sizeof(sigma), v->sigma);
    igd_number_shortest(temperature, sizeof(temperature), v->temperature);
    snprintf(out, MEMBER_NAME, "%s keep %d sigma %s temperature %s to %lld",
             strlen(layer) > LAYER_MOST ? place : layer, v->keep, sigma, temperature,
             (long long)end);
}

static igd_evaluate_options options_of(const search *s, const igd_defense *d)
{
    igd_evaluate_options o = s->found.options->series.evaluate;
    o.report = IGD_REPORT_UNION;
    o.checks = false;
    o.bounds = false;
    if (d == NULL || igd_defense_adaptive(d) < IGD_ADAPTIVE_PSEUDO_LABEL)
        igd_shorter_apply(&o, &s->shorter);
    return o;
}

// Flags of a classifier on images first .. end - 1 of the order.
static igd_status ask(search *s, const igd_flags **out, const char *name, int place,
                      const igd_defense *d, int64_t first, int64_t end)
{
    const igd_evaluate_options o = options_of(s, d);
    igd_dataset *part = NULL;
    igd_status st;

    const int member = igd_series_add(&s->series, name, d, &o);
    s->place_of[member] = place;
    if (member == 0 && (st = igd_series_begin(&s->series)) != IGD_OK)
        return st;
    IGD_TRY(igd_dataset_take(&part, s->data, s->rows + first, end - first));
    st = igd_series_run_one(&s->series, member, s->base, part, NULL);
    igd_dataset_free(part);
    s->series.members[member].defense = NULL; // which its caller frees
    if (st == IGD_OK)
        *out = &s->series.results[member]->flags;
    return st;
}

static void look(bool *clean, bool *robust, const igd_flags *t, int64_t i)
{
    int columns[IGD_MAX_STEPS];
    for (int c = 1; c < t->num_columns; c++)
        columns[c - 1] = c;
    *clean = igd_flags_correct(t, 0, i, IGD_MAJORITY);
    *robust = igd_flags_survives(t, columns, t->num_columns - 1, i, IGD_MAJORITY);
}

static igd_status ask_base(search *s, int64_t first, int64_t end)
{
    const igd_flags *t = NULL;
    char name[64];
    snprintf(name, sizeof(name), "base to %lld", (long long)end);
    IGD_TRY(ask(s, &t, name, -1, NULL, first, end));
    for (int64_t i = first; i < end; i++)
        look(&s->base_ok[i], &s->base_ok[s->n + i], t, i - first);
    return IGD_OK;
}

static igd_status ask_setting(search *s, int place, int64_t first, int64_t end)
{
    const igd_setting *v = &s->found.settings[place];
    igd_tally *sum = &s->found.tally[place];
    igd_defense_options o = s->found.options->series.defense;
    igd_defense *d = NULL;
    const igd_flags *t = NULL;
    char name[MEMBER_NAME];

    o.keep = v->keep;
    o.sigma = v->sigma;
    o.temperature = v->temperature;
    name_of(name, s, v, end);
    igd_status st = igd_defense_new(&d, s->base, s->found.grid->rankings[v->ranking], &o);
    if (st == IGD_OK)
        st = ask(s, &t, name, place, d, first, end);
    igd_defense_free(d);
    for (int64_t i = first; i < end && st == IGD_OK; i++) {
        bool clean, robust;
        const bool base_clean = s->base_ok[i], base_robust = s->base_ok[s->n + i];
        look(&clean, &robust, t, i - first);
        sum->n++;
        sum->clean += clean;
        sum->robust += robust;
        sum->clean_won += clean && !base_clean;
        sum->clean_lost += !clean && base_clean;
        sum->won += robust && !base_robust;
        sum->lost += !robust && base_robust;
    }
    return st;
}

// --- the search

static void say_round(const search *s, int64_t end)
{
    const igd_evaluate_options *o = &s->found.options->series.evaluate;
    char text[120];
    if (o->message == NULL)
        return;
    snprintf(text, sizeof(text), "round %d: %d settings on %lld images",
             s->found.num_rounds + 1, s->found.alive, (long long)end);
    o->message(text, o->payload);
}

static igd_halving halving_of(const search *s)
{
    return (igd_halving){.tally = s->found.tally,
                         .num = s->found.num,
                         .budget = s->found.options->budget_clean};
}

static igd_status run(search *s)
{
    igd_tuned *t = &s->found;
    const igd_halving h = halving_of(s);
    int64_t first = 0;
    int64_t end = first_end(s);
    s->series.planned = count_evaluations(s);
    while (true) {
        say_round(s, end);
        IGD_TRY(ask_base(s, first, end));
        for (int k = 0; k < t->alive; k++) {
            IGD_TRY(ask_setting(s, t->order[k], first, end));
            t->settings[t->order[k]].round = t->num_rounds + 1;
        }
        IGD_TRY(igd_halving_sort(t->order, t->alive, &h,
                                 end < s->n ? IGD_BY_GAIN : IGD_BY_LOWER_END));
        t->rounds[t->num_rounds].settings = t->alive;
        t->rounds[t->num_rounds++].images = end;
        if (end == s->n)
            break;
        t->alive = igd_halving_survivors(t->alive);
        first = end;
        end = igd_halving_images(end, t->alive, s->n);
    }
    t->chosen = igd_halving_choose(t->order, t->alive, &h);
    return IGD_OK;
}

// --- what was found

// Those of the base model and of the best setting: what is wrong with others has cost
// them the choice. A kind of warning once, with the evaluation that it was first given
// in.
static void add_warnings(igd_warnings *out, const search *s)
{
    const igd_series *e = &s->series;
    for (int k = 0; k < e->num; k++)
        for (int w = 0; w < igd_result_num_warnings(e->results[k]); w++) {
            const char *id = igd_result_warning_id(e->results[k], w);
            if ((s->place_of[k] < 0 || s->place_of[k] == s->found.order[0]) &&
                !igd_warned(out, id))
                igd_warn(out, id, "%s: %s", e->members[k].name,
                         igd_result_warning_text(e->results[k], w));
        }
}

// The chosen defense, for the record; *out is NULL where there is none.
static igd_status make_chosen(igd_defense **out, const search *s)
{
    const igd_tuned *t = &s->found;
    igd_defense_options o = t->options->series.defense;
    *out = NULL;
    if (t->chosen < 0)
        return IGD_OK;
    const igd_setting *v = &t->settings[t->chosen];
    o.keep = v->keep;
    o.sigma = v->sigma;
    o.temperature = v->temperature;
    return igd_defense_new(out, s->base, t->grid->rankings[v->ranking], &o);
}

static igd_status write_down(igd_analysis **out, const search *s, double begun)
{
    const igd_evaluate_options *e = &s->found.options->series.evaluate;
    igd_analyze_run how = igd_analyze_run_default();
    igd_findings found = {0};
    igd_defense *chosen = NULL;
    how.seed = e->seed;
    how.batch_size = e->batch_size;
    how.command = e->command;
    how.data_path = e->data_path;
    how.data_split = e->data_split;
    igd_status st = make_chosen(&chosen, s);
    const igd_experiment who = {"tune", s->base, chosen, s->data, &e->threat, &how};
    if (st == IGD_OK)
        st = igd_findings_begin(&found, &who);
    igd_defense_free(chosen);
    if (st != IGD_OK)
        return st;
    found.begun = begun;
    igd_tuned_add(found.root, &s->found);
    add_warnings(&found.warnings, s);
    return igd_findings_end(out, &found, igd_tuned_print);
}

igd_status igd_tune(igd_analysis **out, const igd_model *base, const igd_dataset *data,
                    const igd_tune_grid *grid, const igd_tune_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(data);
    IGD_REQUIRE(grid);
    IGD_OPTIONS(igd_tune_options, own, options);
    search s = {.found = {.grid = grid, .options = &own},
                .base = base,
                .data = data,
                .n = igd_dataset_size(data)};
    const igd_series_options *o = &s.found.options->series;
    const double begun = igd_now();
    igd_status st;

    if (grid->num_rankings < 1 || grid->rankings == NULL)
        return igd_error(IGD_EINVAL, "no ranking to choose settings with");
    if ((st = igd_tune_check(grid, options)) == IGD_OK &&
        (st = igd_shorter_init(&s.shorter, &o->evaluate, IGD_ADAPTIVE_NONE)) == IGD_OK &&
        (st = search_init(&s)) == IGD_OK && (st = run(&s)) == IGD_OK)
        st = write_down(out, &s, begun);
    search_free(&s);
    return st;
}
