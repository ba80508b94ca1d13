// Owns what each kind of analysis looks like.
#include "chart/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart/analysis_check.h"
#include "chart/chart_bars.h"
#include "chart/chart_landscape.h"
#include "chart/chart_lines.h"
#include "chart/markup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/number.h"

#define HEADING 34.0 // of a file of its own
#define MARGIN 16.0

// What is drawn: one of three kinds of chart, and what it borrows.
typedef struct drawing {
    enum { BARS, LINES, LANDSCAPE } shape;
    igd_bars bars;
    igd_lines lines;
    igd_landscape landscape;
    double *numbers;               // owned
    char (*texts)[IGD_VALUE_TEXT]; // owned
    const char **text_of;          // owned
    char note[2][IGD_VALUE_TEXT];
} drawing;

static void drawing_free(drawing *d)
{
    igd_bars_free(&d->bars);
    free(d->numbers);
    free(d->texts);
    free((void *)d->text_of);
}

static igd_status no_memory(void)
{
    return igd_error(IGD_ENOMEM, "no memory for the chart");
}

// --- bars

static void add_shift(igd_bars *b, const cJSON *part, const char *outcome, int series)
{
    char heading[IGD_BAR_TEXT];
    char count[IGD_DECIMALS_TEXT];
    const cJSON *item;
    igd_decimal_text(count, igd_number_of(part, "count"), 0);
    snprintf(heading, sizeof(heading), "%s (%s images)", outcome, count);
    igd_bars_heading(b, heading);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(part, "groups"))
    {
        char label[IGD_BAR_TEXT];
        snprintf(label, sizeof(label), "%s", igd_string_of(item, "name"));
        if (igd_number_of(item, "count") != igd_number_of(part, "count")) {
            igd_decimal_text(count, igd_number_of(item, "count"), 0);
            snprintf(label, sizeof(label), "%.40s (%.20s images)",
                     igd_string_of(item, "name"), count);
        }
        igd_bars_add(b, label, series, 100.0 * igd_number_of(item, "mean"),
                     100.0 * igd_end_of(item, "interval", 0),
                     100.0 * igd_end_of(item, "interval", 1), NAN);
    }
}

static void build_shift(drawing *d, const cJSON *a)
{
    d->shape = BARS;
    d->bars.decimals = 1;
    d->bars.plus = true;
    d->bars.axis = "mean change, %; whiskers: 95 % interval";
    add_shift(&d->bars, cJSON_GetObjectItemCaseSensitive(a, "successful"),
              "Attack succeeded", 2);
    add_shift(&d->bars, cJSON_GetObjectItemCaseSensitive(a, "unsuccessful"),
              "Attack failed", 1);
}

static void build_rows(drawing *d, const cJSON *a)
{
    const cJSON *item;
    d->shape = BARS;
    d->bars.points = true;
    d->bars.decimals = 1;
    d->bars.axis = "accuracy; whiskers: 95 % interval";
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(a, "rows"))
    {
        igd_bars_heading(&d->bars, igd_string_of(item, "name"));
        igd_bars_add(&d->bars, "clean", 0, igd_number_of(item, "clean_acc"),
                     igd_end_of(item, "clean_interval", 0),
                     igd_end_of(item, "clean_interval", 1), NAN);
        igd_bars_add(&d->bars, igd_union_name(a), 1, igd_number_of(item, "worst_acc"),
                     igd_end_of(item, "worst_interval", 0),
                     igd_end_of(item, "worst_interval", 1), NAN);
    }
}

// Whether the settings have several values of a key.
static bool differs(const cJSON *settings, const char *key)
{
    const cJSON *item;
    const cJSON *first = cJSON_GetObjectItemCaseSensitive(settings->child, key);
    cJSON_ArrayForEach(item, settings)
    {
        if (!cJSON_Compare(first, cJSON_GetObjectItemCaseSensitive(item, key), true))
            return true;
    }
    return false;
}

// What tells a setting from the others of `all`, in as few words as that takes.
static void name_setting(char label[IGD_BAR_TEXT], const cJSON *item, const cJSON *all)
{
    char sigma[IGD_VALUE_TEXT], temperature[IGD_VALUE_TEXT], more[IGD_BAR_TEXT] = "";
    igd_radius_text(sigma, igd_number_of(item, "sigma"));
    igd_setting_text(temperature, cJSON_GetObjectItemCaseSensitive(item, "temperature"),
                     "");
    if (differs(all, "temperature"))
        igd_format(more, sizeof(more), ", temperature %.16s", temperature);
    igd_format(label, IGD_BAR_TEXT, "keep %.0f, sigma %.16s%s%s%.24s",
               igd_number_of(item, "keep"), sigma, more,
               differs(all, "layer") ? ", " : "",
               differs(all, "layer") ? igd_string_of(item, "layer") : "");
}

static void build_tune(drawing *d, const cJSON *a)
{
    const cJSON *item, *chosen = cJSON_GetObjectItemCaseSensitive(a, "chosen");
    const cJSON *settings = cJSON_GetObjectItemCaseSensitive(a, "settings");
    int shown = 0;
    d->shape = BARS;
    d->bars.decimals = 1;
    d->bars.plus = true;
    d->bars.axis = "robust points gained; whiskers: corrected interval";
    cJSON_ArrayForEach(item, settings)
    {
        char label[IGD_BAR_TEXT];
        const bool stands_out =
            cJSON_IsObject(chosen) && cJSON_Compare(item, chosen, true);
        if (shown++ == IGD_TUNE_SHOWN)
            break;
        name_setting(label, item, settings);
        igd_bars_add(&d->bars, label, stands_out ? 1 : 0,
                     100.0 * igd_number_of(item, "gain"),
                     100.0 * igd_end_of(item, "corrected_interval", 0),
                     100.0 * igd_end_of(item, "corrected_interval", 1), NAN);
    }
}

// --- lines

// Room for the settings and for `columns` numbers at each of them.
static igd_status make_room(drawing *d, int num, int columns)
{
    d->numbers = malloc((size_t)num * (size_t)(columns + 1) * sizeof(*d->numbers));
    d->texts = malloc((size_t)num * sizeof(*d->texts));
    d->text_of = malloc((size_t)num * sizeof(*d->text_of));
    if (d->numbers == NULL || d->texts == NULL || d->text_of == NULL)
        return no_memory();
    for (int i = 0; i < num; i++)
        d->text_of[i] = d->texts[i];
    d->shape = LINES;
    d->lines.num_points = num;
    d->lines.x_text = d->text_of;
    d->lines.marked = -1;
    d->lines.points = true;
    return IGD_OK;
}

static void refer(drawing *d, const char *name, int series, double value)
{
    char *note = d->note[d->lines.num_references];
    char text[IGD_DECIMALS_TEXT];
    igd_decimal_text(text, 100.0 * value, 1);
    snprintf(note, IGD_VALUE_TEXT, "%s %s", name, text);
    d->lines.reference[d->lines.num_references++] = (igd_reference){note, series, value};
}

static igd_status build_sweep(drawing *d, const cJSON *a)
{
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(a, "points"), *item;
    const cJSON *base = cJSON_GetObjectItemCaseSensitive(a, "base");
    const int num = cJSON_GetArraySize(points);
    const char *option = igd_string_of(a, "option");
    bool numeric = true;
    int i = 0;
    bool bases = false;
    IGD_TRY(make_room(d, num, 8));
    double *column[9];
    for (int k = 0; k < 9; k++)
        column[k] = d->numbers + (size_t)k * (size_t)num;
    cJSON_ArrayForEach(item, points)
    {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "value");
        igd_setting_text(d->texts[i], value, option);
        numeric = numeric && cJSON_IsNumber(value);
        column[0][i] = igd_number_of(item, "value");
        column[1][i] = igd_number_of(item, "clean_acc");
        column[2][i] = igd_end_of(item, "clean_interval", 0);
        column[3][i] = igd_end_of(item, "clean_interval", 1);
        column[4][i] = igd_number_of(item, "worst_acc");
        column[5][i] = igd_end_of(item, "worst_interval", 0);
        column[6][i] = igd_end_of(item, "worst_interval", 1);
        const cJSON *beside = cJSON_GetObjectItemCaseSensitive(item, "base");
        column[7][i] = igd_number_of(beside, "worst_acc");
        column[8][i] = NAN;
        bases = bases || !isnan(column[7][i]);
        i++;
    }
    d->lines.x = numeric ? column[0] : NULL;
    d->lines.x_axis = option;
    d->lines.line[0] = (igd_line){"clean", 3, column[1], column[2], column[3]};
    d->lines.line[1] = (igd_line){igd_union_name(a), 1, column[4], column[5], column[6]};
    d->lines.num_lines = 2;
    if (bases) // at each value: the attacks on it change as well
        d->lines.line[d->lines.num_lines++] =
            (igd_line){"base attacked", 0, column[7], column[8], column[8]};
    if (cJSON_IsObject(base)) {
        refer(d, "base clean", 0, igd_number_of(base, "clean_acc"));
        refer(d, "base attacked", 0, igd_number_of(base, "worst_acc"));
    }
    return IGD_OK;
}

static igd_status build_search(drawing *d, const cJSON *a)
{
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(a, "points"), *item;
    const int num = cJSON_GetArraySize(points);
    const double keep = igd_number_of(a, "keep");
    const double base = igd_number_of(a, "base_clean_acc");
    int i = 0;
    IGD_TRY(make_room(d, num, 3));
    double *column[4];
    for (int k = 0; k < 4; k++)
        column[k] = d->numbers + (size_t)k * (size_t)num;
    cJSON_ArrayForEach(item, points)
    {
        const bool chosen = igd_number_of(item, "keep") == keep;
        igd_setting_text(d->texts[i], cJSON_GetObjectItemCaseSensitive(item, "keep"), "");
        column[0][i] = igd_number_of(item, "keep");
        column[1][i] = igd_number_of(item, "clean_acc");
        column[2][i] = chosen ? igd_end_of(a, "interval", 0) : NAN;
        column[3][i] = chosen ? igd_end_of(a, "interval", 1) : NAN;
        if (chosen && d->lines.marked < 0) {
            d->lines.marked = i;
            d->lines.mark_name = d->note[1];
        }
        i++;
    }
    d->lines.x = column[0];
    d->lines.x_axis = "keep: neurons per class";
    d->lines.line[0] = (igd_line){"clean", 1, column[1], column[2], column[3]};
    d->lines.num_lines = 1;
    refer(d, "base", 0, base);
    d->lines.reference[1] =
        (igd_reference){"budget", 2, base - igd_number_of(a, "budget")};
    d->lines.num_references = 2;
    char text[IGD_DECIMALS_TEXT];
    igd_decimal_text(text, keep, 0);
    snprintf(d->note[1], IGD_VALUE_TEXT, "keep %s", text);
    return IGD_OK;
}

static igd_status build_radius(drawing *d, const cJSON *a)
{
    static const int series[] = {0, 1};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(a, "classifiers"), *item, *point;
    const int num =
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(list->child, "curve"));
    IGD_TRY(make_room(d, num, 3));
    double *column[4];
    for (int k = 0; k < 4; k++)
        column[k] = d->numbers + (size_t)k * (size_t)num;
    cJSON_ArrayForEach(item, list)
    {
        const int line = d->lines.num_lines++;
        int i = 0;
        cJSON_ArrayForEach(point, cJSON_GetObjectItemCaseSensitive(item, "curve"))
        {
            igd_radius_text(d->texts[i], igd_number_of(point, "eps"));
            column[0][i] = igd_number_of(point, "eps");
            column[1 + line][i] = igd_number_of(point, "acc");
            column[3][i] = NAN;
            i++;
        }
        d->lines.line[line] = (igd_line){igd_string_of(item, "name"), series[line],
                                         column[1 + line], column[3], column[3]};
    }
    d->lines.x = column[0];
    d->lines.x_axis = "eps";
    return IGD_OK;
}

// --- surfaces

static igd_status build_landscape(drawing *d, const cJSON *a)
{
    const cJSON *axis = cJSON_GetObjectItemCaseSensitive(a, "axis");
    const cJSON *surfaces = cJSON_GetObjectItemCaseSensitive(a, "surfaces");
    const cJSON *surface, *row, *item;
    igd_landscape *l = &d->landscape;
    d->shape = LANDSCAPE;
    l->size = cJSON_GetArraySize(axis);
    l->from = cJSON_GetArrayItem(axis, 0)->valuedouble;
    l->to = cJSON_GetArrayItem(axis, l->size - 1)->valuedouble;
    const size_t cells = (size_t)l->size * (size_t)l->size;
    d->numbers =
        malloc(cells * (size_t)cJSON_GetArraySize(surfaces) * sizeof(*d->numbers));
    if (d->numbers == NULL)
        return no_memory();
    cJSON_ArrayForEach(surface, surfaces)
    {
        double *loss = d->numbers + cells * (size_t)l->num_surfaces;
        l->surface[l->num_surfaces++] =
            (igd_surface){igd_string_of(surface, "name"), loss};
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(surface, "loss"))
        {
            cJSON_ArrayForEach(item, row)
            {
                *loss++ = item->valuedouble;
            }
        }
    }
    return IGD_OK;
}

// --- all

static igd_status build(drawing *d, const cJSON *a, igd_kind kind)
{
    switch (kind) {
    case IGD_SHIFT:
        build_shift(d, a);
        return d->bars.failed ? no_memory() : IGD_OK;
    case IGD_SWEEP:
        return build_sweep(d, a);
    case IGD_SEARCH_KEEP:
        return build_search(d, a);
    case IGD_RADIUS:
        return build_radius(d, a);
    case IGD_TUNE:
        build_tune(d, a);
        return d->bars.failed ? no_memory() : IGD_OK;
    case IGD_LANDSCAPE:
        return build_landscape(d, a);
    default:
        build_rows(d, a);
        return d->bars.failed ? no_memory() : IGD_OK;
    }
}

static double height_of(const drawing *d, double width)
{
    return d->shape == BARS    ? igd_bars_height(&d->bars)
           : d->shape == LINES ? igd_lines_height(width)
                               : igd_landscape_height(&d->landscape, width);
}

static igd_status draw(FILE *f, const drawing *d, double width, double y)
{
    if (d->shape == LANDSCAPE)
        return igd_landscape_draw(f, &d->landscape, width, y);
    if (d->shape == BARS)
        igd_bars_draw(f, &d->bars, width, y);
    else
        igd_lines_draw(f, &d->lines, width, y);
    return IGD_OK;
}

void igd_chart_title(char out[IGD_CHART_TITLE], const cJSON *a)
{
    const char *kind = igd_string_of(a, "kind");
    if (strcmp(kind, "shift") == 0)
        snprintf(out, IGD_CHART_TITLE, "Activation change at %.60s under %.60s",
                 igd_string_of(a, "layer"), igd_string_of(a, "attack"));
    else if (strcmp(kind, "sweep") == 0)
        snprintf(out, IGD_CHART_TITLE, "Accuracy over %.60s", igd_string_of(a, "option"));
    else if (strcmp(kind, "search-keep") == 0)
        snprintf(out, IGD_CHART_TITLE, "Clean accuracy over keep");
    else if (strcmp(kind, "radius") == 0)
        snprintf(out, IGD_CHART_TITLE, "Accuracy over the radius");
    else if (strcmp(kind, "tune") == 0)
        snprintf(out, IGD_CHART_TITLE, "Settings of the defense, on training images");
    else if (strcmp(kind, "landscape") == 0)
        snprintf(out, IGD_CHART_TITLE, "Loss around the images");
    else if (strcmp(kind, "ablation") == 0)
        snprintf(out, IGD_CHART_TITLE, "What each part of the defense adds");
    else
        snprintf(out, IGD_CHART_TITLE, "Test-time defenses compared");
}

igd_status igd_chart_put(FILE *f, const cJSON *analysis, const char *classes,
                         double width)
{
    drawing d = {0};
    igd_kind kind;
    char title[IGD_CHART_TITLE];
    igd_status st = igd_analysis_check(&kind, analysis, "the analysis");
    if (st != IGD_OK || (st = build(&d, analysis, kind)) != IGD_OK)
        goto done;
    igd_chart_title(title, analysis);
    igd_svg_open(f, classes, width, height_of(&d, width), title);
    st = draw(f, &d, width, 0.0);
    igd_svg_close(f);

done:
    drawing_free(&d);
    return st;
}

static igd_status put_file(FILE *f, const cJSON *analysis, igd_kind kind)
{
    drawing d = {0};
    char title[IGD_CHART_TITLE];
    igd_status st = build(&d, analysis, kind);
    if (st != IGD_OK)
        goto done;
    igd_chart_title(title, analysis);
    const double width = IGD_CHART_WIDE + 2.0 * MARGIN;
    const double height = height_of(&d, IGD_CHART_WIDE) + HEADING + 2.0 * MARGIN;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", f);
    igd_svg_open(f, "chart", width, height, title);
    fputs("<style>\n", f);
    igd_chart_style(f);
    fputs("</style>\n", f);
    igd_svg_rect(f, "paper", 0.0, 0.0, width, height);
    fprintf(f, "<g transform=\"translate(%d %d)\">\n", (int)MARGIN, (int)MARGIN);
    igd_svg_label(f, "strong", 0.0, 14.0, IGD_START, title, IGD_CHART_WIDE);
    st = draw(f, &d, IGD_CHART_WIDE, HEADING);
    fputs("</g>\n", f);
    igd_svg_close(f);

done:
    drawing_free(&d);
    return st;
}

igd_status igd_chart_svg(char **out, const cJSON *analysis)
{
    igd_kind kind;
    size_t size = 0;
    char *text = NULL;

    *out = NULL;
    IGD_TRY(igd_analysis_check(&kind, analysis, "the analysis"));
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return no_memory();
    igd_status st = put_file(f, analysis, kind);
    if (fclose(f) != 0 && st == IGD_OK)
        st = no_memory();
    if (st != IGD_OK) {
        free(text);
        return st;
    }
    *out = text;
    return IGD_OK;
}
