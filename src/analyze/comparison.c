// Owns the comparison of defenses.
// Source: Kulkarni and Weng, ECCV 2024, Table 8.
#include <limits.h>
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
#include "result/interval.h"
#include "result/result_impl.h"

#define MOST_ROWS 32

typedef struct table_row {
    const char *name; // borrowed
    int forwards, backwards;
} table_row;

typedef struct comparison {
    table_row rows[MOST_ROWS];
    int num;
    bool cumulative;
    // For rows without a pseudo-label: with nothing for adaptive attacks, with a
    // surrogate.
    igd_shorter shorter[IGD_ADAPTIVE_PSEUDO_LABEL];
    igd_series series;
    const char *columns[IGD_MAX_STEPS]; // borrowed from the results
    int num_columns;
} comparison;

static igd_status add_rows(comparison *c, const igd_compared *rows,
                           const igd_series_options *options)
{
    for (int k = 0; k < c->num; k++) {
        igd_evaluate_options o = options->evaluate;
        const igd_defense *d = rows[k].defense;
        c->rows[k] = (table_row){.name = rows[k].name, .forwards = 1};
        if (d != NULL)
            igd_defense_passes(d, &c->rows[k].forwards, &c->rows[k].backwards);
        const igd_adaptive adaptive =
            d != NULL ? igd_defense_adaptive(d) : IGD_ADAPTIVE_NONE;
        if (adaptive < IGD_ADAPTIVE_PSEUDO_LABEL)
            igd_shorter_apply(&o, &c->shorter[adaptive]);
        IGD_TRY(igd_evaluate_check(&o, d != NULL, adaptive));
        igd_series_add(&c->series, c->rows[k].name, d, &o);
    }
    return IGD_OK;
}

// The worst case of the paper has its members as columns, and is itself the last one.
static bool is_column(const igd_entry *e)
{
    static const char whole[] = "worst-case";
    return e->ensemble[0] == '\0' ? strcmp(e->name, whole) != 0
                                  : strcmp(e->ensemble, whole) == 0;
}

static const igd_entry *entry_of(const igd_result *r, const char *name)
{
    for (int k = 0; k < r->num_entries; k++)
        if (is_column(&r->entries[k]) && strcmp(r->entries[k].name, name) == 0)
            return &r->entries[k];
    return NULL;
}

// The columns of all rows, in the order in which they were met.
static void find_columns(comparison *c)
{
    for (int k = 0; k < c->num; k++) {
        const igd_result *r = c->series.results[k];
        for (int e = 0; e < r->num_entries; e++) {
            bool known = !is_column(&r->entries[e]);
            for (int j = 0; j < c->num_columns; j++)
                known = known || strcmp(c->columns[j], r->entries[e].name) == 0;
            if (!known && c->num_columns < IGD_MAX_STEPS)
                c->columns[c->num_columns++] = r->entries[e].name;
        }
    }
}

// Negative where the row has no such attack.
static double accuracy_of(const comparison *c, int row, int column)
{
    const igd_result *r = c->series.results[row];
    const igd_entry *e = entry_of(r, c->columns[column]);
    return e == NULL ? -1.0 : igd_result_attack(r, (int)(e - r->entries)).robust_acc;
}

static cJSON *row_json(const comparison *c, int k)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "name", c->rows[k].name);
    cJSON *list = igd_json_add_array(o, "robust_acc");
    for (int j = 0; j < c->num_columns; j++) {
        const double accuracy = accuracy_of(c, k, j);
        igd_json_append(list, accuracy < 0.0 ? cJSON_CreateNull()
                                             : cJSON_CreateNumber(accuracy));
    }
    igd_series_add_accuracies(o, c->series.results[k], false);
    cJSON *passes = igd_json_add_object(o, "passes");
    igd_json_add_number(passes, "forwards", c->rows[k].forwards);
    igd_json_add_number(passes, "backwards", c->rows[k].backwards);
    cJSON *defense =
        cJSON_GetObjectItemCaseSensitive(c->series.results[k]->provenance, "defense");
    igd_json_add_copy(o, "defense", defense);
    igd_json_add_item(o, "result", igd_series_file_json(&c->series, k));
    return o;
}

static cJSON *comparison_json(const comparison *c)
{
    cJSON *json = igd_series_provenance(&c->series, 0, "defenses");
    igd_json_replace(json, "defense", cJSON_CreateNull());
    igd_json_add_copy(json, "attacks", c->series.attacks);
    igd_json_add_bool(json, "cumulative", c->cumulative);
    cJSON *columns = igd_json_add_array(json, "columns");
    for (int j = 0; j < c->num_columns; j++)
        igd_json_append(columns, cJSON_CreateString(c->columns[j]));
    cJSON *rows = igd_json_add_array(json, "rows");
    for (int k = 0; k < c->num; k++)
        igd_json_append(rows, row_json(c, k));
    igd_series_add_end(json, &c->series);
    return json;
}

#define BESIDE 4  // attacks that fit beside the other columns
#define A_TABLE 8 // attacks of a table of their own

static void print_attacks(FILE *f, const comparison *c, int k, int from, int to)
{
    for (int j = from; j < to; j++) {
        const double accuracy = accuracy_of(c, k, j);
        if (accuracy < 0.0)
            fprintf(f, " %7s", "-");
        else
            igd_print(f, " %7.2f", 100.0 * accuracy);
    }
}

static void print_numbers(FILE *f, int from, int to)
{
    for (int j = from; j < to; j++)
        fprintf(f, " %6d ", j + 1);
}

static void print_table(FILE *f, const comparison *c, const char *worst, int beside)
{
    fprintf(f, "%-12s %7s", "defense", "clean");
    print_numbers(f, 0, beside);
    fprintf(f, " %7s  passes\n", worst);
    for (int k = 0; k < c->num; k++) {
        const igd_result *r = c->series.results[k];
        igd_print(f, "%-12s %7.2f", c->rows[k].name, 100.0 * igd_result_clean_acc(r));
        print_attacks(f, c, k, 0, beside);
        igd_print(f, " %7.2f  %d F", 100.0 * igd_result_worst_acc(r),
                  c->rows[k].forwards);
        if (c->rows[k].backwards > 0)
            fprintf(f, " + %d B", c->rows[k].backwards);
        fputc('\n', f);
    }
}

static void comparison_print(FILE *f, const void *payload)
{
    const comparison *c = payload;
    const char *all = igd_result_union_name(c->series.results[0]);
    const bool whole = strcmp(all, "worst case") == 0;
    const int beside = c->num_columns <= BESIDE ? c->num_columns : 0;
    print_table(f, c, whole ? "worst" : "all", beside);
    for (int from = beside; from < c->num_columns; from += A_TABLE) {
        const int end = from + A_TABLE, to = end < c->num_columns ? end : c->num_columns;
        fprintf(f, "\n%-12s", "defense");
        print_numbers(f, from, to);
        fputc('\n', f);
        for (int k = 0; k < c->num; k++) {
            fprintf(f, "%-12s", c->rows[k].name);
            print_attacks(f, c, k, from, to);
            fputc('\n', f);
        }
    }
    fputs("\nAccuracies are in %. Passes: forwards and backwards of the base network for "
          "one image's prediction.\n",
          f);
    for (int j = 0; j < c->num_columns; j++)
        fprintf(f, "%s%d %s", j > 0 ? ", " : "Attacks: ", j + 1, c->columns[j]);
    fputs(c->num_columns > 0 ? ".\n" : "", f);
    const igd_interval v = igd_interval_of(
        (int64_t)(igd_result_worst_acc(c->series.results[0]) *
                      (double)igd_result_num_images(c->series.results[0]) +
                  0.5),
        igd_result_num_images(c->series.results[0]));
    igd_print(f, "The 95 %% interval of %s under %s%s is [%.2f, %.2f].\n",
              c->rows[0].name, whole ? "the " : "", all, 100.0 * v.low, 100.0 * v.high);
}

static igd_status finish(igd_analysis **out, comparison *c)
{
    find_columns(c);
    return igd_series_finish(out, comparison_json(c), comparison_print, c);
}

igd_status igd_compare_defenses(igd_analysis **out, const igd_model *base,
                                const igd_compared *rows, int num,
                                const igd_dataset *data,
                                const igd_series_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_REQUIRE(rows);
    IGD_REQUIRE(data);
    IGD_OPTIONS(igd_series_options, own, options);
    const igd_series_options *o = &own;
    comparison c = {.num = num, .cumulative = o->evaluate.report == IGD_REPORT_UNION};
    igd_status st;

    if (num < 1 || num > MOST_ROWS)
        return igd_error(IGD_EINVAL, "cannot compare %d defenses, outside 1 to %d", num,
                         MOST_ROWS);
    for (int k = 0; k < num; k++)
        for (int j = 0; j < k; j++)
            if (strcmp(rows[j].name, rows[k].name) == 0)
                return igd_error(IGD_EINVAL, "two defenses are called '%s'",
                                 rows[k].name);
    if ((st = igd_series_init(&c.series, num, o->folder, o->evaluate.attacks)) ==
            IGD_OK &&
        (st = igd_shorter_init(&c.shorter[IGD_ADAPTIVE_NONE], &o->evaluate,
                               IGD_ADAPTIVE_NONE)) == IGD_OK &&
        (st = igd_shorter_init(&c.shorter[IGD_ADAPTIVE_SURROGATE], &o->evaluate,
                               IGD_ADAPTIVE_SURROGATE)) == IGD_OK &&
        (st = add_rows(&c, rows, o)) == IGD_OK &&
        (st = igd_series_run(&c.series, base, data)) == IGD_OK)
        st = finish(out, &c);
    igd_shorter_free(&c.shorter[IGD_ADAPTIVE_NONE]);
    igd_shorter_free(&c.shorter[IGD_ADAPTIVE_SURROGATE]);
    igd_series_free(&c.series);
    return st;
}

// --- joined

static const cJSON *find_row(const cJSON *analysis, const void *payload)
{
    const int *row = payload;
    return cJSON_GetArrayItem(igd_get(analysis, "rows"), *row);
}

static igd_status read_row(table_row *out, const cJSON *json, const char *path)
{
    const cJSON *passes;
    int64_t forwards, backwards;
    IGD_TRY(igd_json_string(&out->name, json, "name", path));
    IGD_TRY(igd_json_object(&passes, json, "passes", path));
    IGD_TRY(igd_json_integer(&forwards, passes, "forwards", path));
    IGD_TRY(igd_json_integer(&backwards, passes, "backwards", path));
    if (forwards < 0 || backwards < 0 || forwards > INT_MAX || backwards > INT_MAX)
        return igd_error(IGD_EFORMAT, "%s: %s has no such passes", path, out->name);
    out->forwards = (int)forwards;
    out->backwards = (int)backwards;
    return IGD_OK;
}

static igd_status join_rows(comparison *c, const igd_pieces *p)
{
    for (int k = 0; k < c->num; k++) {
        IGD_TRY(read_row(&c->rows[k], find_row(p->json[0], &k), p->path[0]));
        IGD_TRY(igd_series_join(&c->series, c->rows[k].name, find_row, &k));
    }
    return IGD_OK;
}

igd_status igd_comparison_join(igd_analysis **out, const igd_pieces *pieces)
{
    const char *path = pieces->path[0];
    comparison c = {.num = cJSON_GetArraySize(igd_get(pieces->json[0], "rows"))};
    igd_status st;

    if (c.num > MOST_ROWS)
        return igd_error(IGD_EFORMAT, "%s: %d rows", path, c.num);
    IGD_TRY(igd_json_bool(&c.cumulative, pieces->json[0], "cumulative", path));
    if ((st = igd_series_init_joined(&c.series, c.num, pieces)) == IGD_OK &&
        (st = join_rows(&c, pieces)) == IGD_OK && (st = finish(out, &c)) == IGD_OK)
        st = igd_series_hold(out, &c.series, NULL);
    igd_series_free(&c.series);
    return st;
}
