// Owns the tables of analyses.
#include <math.h>

#include "chart/markup.h"
#include "core/json.h"
#include "core/number.h"
#include "report/page.h"

#define FOLDED "The numbers"
#define MOST_SAMPLES 7 // rows and columns of a surface in a table
#define MOST_KEEPS 48  // rows of a search, beside the chosen and the last

static void heads(const igd_page *p, const char *const *titles, int num)
{
    fputs("<thead><tr>", p->f);
    for (int i = 0; i < num; i++)
        igd_page_th(p, titles[i]);
    fputs("</tr></thead><tbody>\n", p->f);
}

static void accuracy(const igd_page *p, const cJSON *o, const char *key,
                     const char *interval)
{
    fputs("<td>", p->f);
    igd_page_percent(p, igd_number_of(o, key));
    if (interval != NULL)
        igd_page_interval(p, igd_end_of(o, interval, 0), igd_end_of(o, interval, 1));
    fputs("</td>", p->f);
}

static void number(const igd_page *p, double v, int decimals)
{
    fputs("<td>", p->f);
    igd_put_number(p->f, v, decimals);
    fputs("</td>", p->f);
}

// The heading of what is left under all attacks.
static void union_head(const igd_page *p, const cJSON *a)
{
    char text[40];
    snprintf(text, sizeof(text), "%s, %%", igd_union_name(a));
    text[0] = text[0] == 'w' ? 'W' : 'A';
    igd_page_th(p, text);
}

static double item_at(const cJSON *array, int i)
{
    return cJSON_GetArrayItem(array, i)->valuedouble;
}

static void shift_rows(const igd_page *p, const cJSON *part, const char *outcome)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, igd_get(part, "groups"))
    {
        fprintf(p->f, "<tr><th scope=\"row\">%s, ", outcome);
        igd_put(p->f, igd_string_of(item, "name"));
        fputs("</th>", p->f);
        number(p, igd_number_of(item, "neurons"), 1);
        number(p, igd_number_of(item, "count"), 0);
        fputs("<td>", p->f);
        igd_put_number(p->f, 100.0 * igd_number_of(item, "mean"), 1);
        if (!isnan(igd_end_of(item, "interval", 0))) {
            fputs("<span class=\"interval\">[", p->f);
            igd_put_number(p->f, 100.0 * igd_end_of(item, "interval", 0), 1);
            fputs(", ", p->f);
            igd_put_number(p->f, 100.0 * igd_end_of(item, "interval", 1), 1);
            fputs("]</span>", p->f);
        }
        fputs("</td></tr>\n", p->f);
    }
}

static void shift(const igd_page *p, const cJSON *a)
{
    static const char *const titles[] = {"Attack, group", "Neurons", "Images",
                                         "Change, %"};
    heads(p, titles, 4);
    shift_rows(p, igd_get(a, "successful"), "succeeded");
    shift_rows(p, igd_get(a, "unsuccessful"), "failed");
}

// Accuracy of a point of a sweep under an attack, NAN where it was not run.
static double under(const cJSON *point, int place)
{
    return igd_number_of(cJSON_GetArrayItem(igd_get(point, "attacks"), place),
                         "robust_acc");
}

// Whether the base model was evaluated at each value.
static bool has_bases(const cJSON *points)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, points)
    {
        if (cJSON_IsObject(igd_get(item, "base")))
            return true;
    }
    return false;
}

static void point(const igd_page *p, const cJSON *o, const char *name, int num,
                  bool bases)
{
    igd_page_row(p, name);
    accuracy(p, o, "clean_acc", "clean_interval");
    accuracy(p, o, "worst_acc", "worst_interval");
    if (bases)
        accuracy(p, igd_get(o, "base"), "worst_acc", "worst_interval");
    for (int k = 0; k < num; k++) {
        fputs("<td>", p->f);
        igd_page_percent(p, under(o, k));
        fputs("</td>", p->f);
    }
    fputs("</tr>\n", p->f);
}

static void sweep(const igd_page *p, const cJSON *a)
{
    const cJSON *points = igd_get(a, "points"), *item;
    const cJSON *attacks = igd_get(cJSON_GetArrayItem(points, 0), "attacks");
    const int num = cJSON_GetArraySize(attacks);
    const char *option = igd_string_of(a, "option");
    fputs("<thead><tr>", p->f);
    igd_page_th(p, option);
    igd_page_th(p, "Clean, %");
    union_head(p, a);
    if (has_bases(points))
        igd_page_th(p, "Base, attacked, %");
    cJSON_ArrayForEach(item, attacks)
    {
        igd_page_th(p, igd_string_of(item, "name"));
    }
    fputs("</tr></thead><tbody>\n", p->f);
    if (cJSON_IsObject(igd_get(a, "base")))
        point(p, igd_get(a, "base"), "base", num, has_bases(points));
    cJSON_ArrayForEach(item, points)
    {
        char value[IGD_VALUE_TEXT];
        igd_setting_text(value, igd_get(item, "value"), option);
        point(p, item, value, num, has_bases(points));
    }
}

static void search(const igd_page *p, const cJSON *a)
{
    static const char *const titles[] = {"keep", "Clean, %", "Less than base, points"};
    const cJSON *item;
    const double base = igd_number_of(a, "base_clean_acc");
    const int step = 1 + (cJSON_GetArraySize(igd_get(a, "points")) - 1) / MOST_KEEPS;
    int i = 0;
    heads(p, titles, 3);
    cJSON_ArrayForEach(item, igd_get(a, "points"))
    {
        const bool chosen = igd_number_of(item, "keep") == igd_number_of(a, "keep");
        const bool between = i++ % step != 0 && item->next != NULL;
        if (between && !chosen)
            continue;
        fputs(chosen ? "<tr class=\"sum\"><th scope=\"row\">" : "<tr><th scope=\"row\">",
              p->f);
        igd_page_count(p, igd_number_of(item, "keep"));
        fputs(chosen ? " (chosen)</th>" : "</th>", p->f);
        accuracy(p, item, "clean_acc", NULL);
        number(p, 100.0 * (base - igd_number_of(item, "clean_acc")), p->decimals);
        fputs("</tr>\n", p->f);
    }
}

static void landscape(const igd_page *p, const cJSON *a)
{
    static const char *const titles[] = {"Surface", "Loss of the images", "Highest loss",
                                         "Flatness", "Error of the gradient"};
    const cJSON *item;
    heads(p, titles, 5);
    cJSON_ArrayForEach(item, igd_get(a, "surfaces"))
    {
        igd_page_row(p, igd_string_of(item, "name"));
        number(p, igd_number_of(item, "clean_loss"), 4);
        number(p, igd_number_of(item, "max_loss"), 4);
        number(p, igd_number_of(item, "flatness"), 4);
        number(p, igd_number_in(item, "gradient_check", "median_error"), 6);
        fputs("</tr>\n", p->f);
    }
}

// The loss of a surface at some of the points, those of the axes' ends among them.
static void put_grid(const igd_page *p, const cJSON *axis, const cJSON *surface)
{
    const int size = cJSON_GetArraySize(axis);
    const int num = size < MOST_SAMPLES ? size : MOST_SAMPLES;
    const char *name = igd_string_of(surface, "name");
    char summary[80];
    snprintf(summary, sizeof(summary), "Some of the losses: %.50s", name);
    igd_page_table(p, summary, name);
    fputs("<thead><tr><th scope=\"col\">", p->f);
    igd_put(p->f, name);
    fputs(": up \xe2\x86\x93 across \xe2\x86\x92</th>", p->f);
    for (int i = 0; i < num; i++) {
        fputs("<th scope=\"col\">", p->f);
        igd_put_number(p->f, item_at(axis, i * (size - 1) / (num - 1)), 3);
        fputs("</th>", p->f);
    }
    fputs("</tr></thead><tbody>\n", p->f);
    for (int j = num - 1; j >= 0; j--) { // as in the picture
        const int up = j * (size - 1) / (num - 1);
        fputs("<tr><th scope=\"row\">", p->f);
        igd_put_number(p->f, item_at(axis, up), 3);
        fputs("</th>", p->f);
        for (int i = 0; i < num; i++)
            number(p,
                   item_at(cJSON_GetArrayItem(igd_get(surface, "loss"),
                                              i * (size - 1) / (num - 1)),
                           up),
                   3);
        fputs("</tr>\n", p->f);
    }
    fputs("</tbody>", p->f);
    igd_page_table_end(p, "");
}

static void put_grids(const igd_page *p, const cJSON *a)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, igd_get(a, "surfaces"))
    {
        put_grid(p, igd_get(a, "axis"), item);
    }
}

static void ablation(const igd_page *p, const cJSON *a)
{
    static const char *const titles[] = {"Mask", "Passes", "Smoothed"};
    const cJSON *item;
    fputs("<thead><tr>", p->f);
    igd_page_th(p, "Variant");
    igd_page_th(p, "Clean, %");
    union_head(p, a);
    for (int i = 0; i < 3; i++)
        igd_page_th(p, titles[i]);
    fputs("</tr></thead><tbody>\n", p->f);
    cJSON_ArrayForEach(item, igd_get(a, "rows"))
    {
        igd_page_row(p, igd_string_of(item, "name"));
        accuracy(p, item, "clean_acc", "clean_interval");
        accuracy(p, item, "worst_acc", "worst_interval");
        igd_page_td(p, igd_string_of(item, "mask"));
        number(p, igd_number_of(item, "passes"), 0);
        igd_page_td(p, cJSON_IsTrue(igd_get(item, "smoothing")) ? "yes" : "no");
        fputs("</tr>\n", p->f);
    }
}

static void defenses(const igd_page *p, const cJSON *a)
{
    const cJSON *row, *item;
    fputs("<thead><tr>", p->f);
    igd_page_th(p, "Defense");
    igd_page_th(p, "Clean, %");
    union_head(p, a);
    cJSON_ArrayForEach(item, igd_get(a, "columns"))
    {
        igd_page_th(p, item->valuestring);
    }
    igd_page_th(p, "Forwards");
    igd_page_th(p, "Backwards");
    fputs("</tr></thead><tbody>\n", p->f);
    cJSON_ArrayForEach(row, igd_get(a, "rows"))
    {
        igd_page_row(p, igd_string_of(row, "name"));
        accuracy(p, row, "clean_acc", "clean_interval");
        accuracy(p, row, "worst_acc", "worst_interval");
        cJSON_ArrayForEach(item, igd_get(row, "robust_acc"))
        {
            fputs("<td>", p->f);
            igd_page_percent(p, cJSON_IsNumber(item) ? item->valuedouble : NAN);
            fputs("</td>", p->f);
        }
        number(p, igd_number_in(row, "passes", "forwards"), 0);
        number(p, igd_number_in(row, "passes", "backwards"), 0);
        fputs("</tr>\n", p->f);
    }
}

static void radius(const igd_page *p, const cJSON *a)
{
    const cJSON *list = igd_get(a, "classifiers"), *item;
    const int num = cJSON_GetArraySize(igd_get(list->child, "quantiles"));
    fputs("<thead><tr>", p->f);
    igd_page_th(p, "Images that have fallen, %");
    cJSON_ArrayForEach(item, list)
    {
        igd_page_th(p, igd_string_of(item, "name"));
    }
    fputs("</tr></thead><tbody>\n", p->f);
    for (int k = 0; k < num; k++) {
        const cJSON *first = cJSON_GetArrayItem(igd_get(list->child, "quantiles"), k);
        fputs("<tr><th scope=\"row\">", p->f);
        igd_put_number(p->f, 100.0 * igd_number_of(first, "share"), 0);
        fputs("</th>", p->f);
        cJSON_ArrayForEach(item, list)
        {
            const double eps =
                igd_number_of(cJSON_GetArrayItem(igd_get(item, "quantiles"), k), "eps");
            if (isnan(eps))
                igd_page_td(p, "beyond");
            else
                number(p, eps, 5);
        }
        fputs("</tr>\n", p->f);
    }
}

static void points(const igd_page *p, const cJSON *o, const char *key)
{
    fputs("<td>", p->f);
    igd_put_number(p->f, 100.0 * igd_number_of(o, "gain"), 2);
    fputs("<span class=\"interval\">[", p->f);
    igd_put_number(p->f, 100.0 * igd_end_of(o, key, 0), 2);
    fputs(", ", p->f);
    igd_put_number(p->f, 100.0 * igd_end_of(o, key, 1), 2);
    fputs("]</span></td>", p->f);
}

static void tune(const igd_page *p, const cJSON *a)
{
    static const char *const titles[] = {
        "Layer",          "Keep",           "Sigma",
        "Temperature",    "Images",         "Clean, %",
        "Base, clean, %", "Attacked, %",    "Base, attacked, %",
        "Gain, alone",    "Gain, corrected"};
    const cJSON *item;
    int shown = 0;
    heads(p, titles, (int)(sizeof(titles) / sizeof(titles[0])));
    cJSON_ArrayForEach(item, igd_get(a, "settings"))
    {
        char text[IGD_VALUE_TEXT];
        if (shown++ == IGD_TUNE_SHOWN)
            break;
        igd_page_row(p, igd_string_of(item, "layer"));
        number(p, igd_number_of(item, "keep"), 0);
        igd_radius_text(text, igd_number_of(item, "sigma"));
        igd_page_td(p, text);
        igd_setting_text(text, igd_get(item, "temperature"), "");
        igd_page_td(p, text);
        number(p, igd_number_of(item, "num_images"), 0);
        accuracy(p, item, "clean_acc", NULL);
        accuracy(p, item, "base_clean_acc", NULL);
        accuracy(p, item, "robust_acc", NULL);
        accuracy(p, item, "base_robust_acc", NULL);
        points(p, item, "interval");
        points(p, item, "corrected_interval");
        fputs("</tr>\n", p->f);
    }
}

void igd_page_analysis_table(const igd_page *p, const igd_input *a)
{
    static void (*const tables[IGD_NUM_KINDS])(const igd_page *, const cJSON *) = {
        shift, sweep, search, landscape, ablation, defenses, radius, tune};
    igd_page_table(p, FOLDED, "The numbers of the chart");
    tables[a->kind](p, a->json);
    fputs("</tbody>", p->f);
    igd_page_table_end(p, FOLDED);
    if ((a->kind == IGD_SEARCH_KEEP &&
         cJSON_GetArraySize(igd_get(a->json, "points")) > MOST_KEEPS) ||
        (a->kind == IGD_TUNE &&
         cJSON_GetArraySize(igd_get(a->json, "settings")) > IGD_TUNE_SHOWN))
        fputs("<p class=\"note\">The table has some of the rows; the file has all.</p>\n",
              p->f);
    if (a->kind != IGD_LANDSCAPE)
        return;
    put_grids(p, a->json);
    fputs(
        "<p class=\"note\">Flatness is the mean over the plane of the loss less that of "
        "the images themselves, in nats: 0 is a plane. The file has every point.</p>\n",
        p->f);
}
