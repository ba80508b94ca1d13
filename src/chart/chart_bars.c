// Owns the layout of bars.
#include "chart/chart_bars.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart/axis.h"
#include "chart/markup.h"

#define ROW 22.0
#define BAR 12.0
#define HEADING 30.0
#define FOOT 40.0

static void add(igd_bars *b, const igd_bar *row)
{
    if (b->num == b->room) {
        const int room = b->room > 0 ? 2 * b->room : 32;
        igd_bar *grown = realloc(b->bar, (size_t)room * sizeof(*grown));
        if (grown == NULL) {
            b->failed = true;
            return;
        }
        b->bar = grown;
        b->room = room;
    }
    b->bar[b->num++] = *row;
}

// Cut between characters.
static void copy_label(char out[IGD_BAR_TEXT], const char *text)
{
    size_t n = strlen(text);
    if (n >= IGD_BAR_TEXT)
        for (n = IGD_BAR_TEXT - 1; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    memcpy(out, text, n);
    out[n] = '\0';
}

void igd_bars_heading(igd_bars *b, const char *label)
{
    igd_bar row = {.heading = true, .value = NAN};
    copy_label(row.label, label);
    add(b, &row);
}

void igd_bars_add(igd_bars *b, const char *label, int series, double value, double low,
                  double high, double behind)
{
    igd_bar row = {
        .series = series, .value = value, .low = low, .high = high, .behind = behind};
    copy_label(row.label, label);
    add(b, &row);
}

void igd_bars_free(igd_bars *b)
{
    free(b->bar);
    *b = (igd_bars){0};
}

double igd_bars_height(const igd_bars *b)
{
    double height = FOOT;
    for (int i = 0; i < b->num; i++)
        height += b->bar[i].heading ? HEADING : ROW;
    return height;
}

static void value_text(char out[IGD_DECIMALS_TEXT], const igd_bars *b, double v)
{
    char text[IGD_DECIMALS_TEXT];
    igd_decimal_text(text, b->points ? 100.0 * v : v, b->decimals);
    const bool plus = b->plus && v > 0.0 && strspn(text, "0.") < strlen(text);
    snprintf(out, IGD_DECIMALS_TEXT, "%s%.38s", plus ? "+" : "", text);
}

typedef struct layout {
    double label;   // room for the labels
    bool intervals; // beside the values as text
    double width;
    double value_left;
    igd_axis axis;
} layout;

static layout arrange(const igd_bars *b, double width)
{
    const bool wide = width >= 560.0;
    layout l = {.width = width};
    double min = 0.0, max = 0.0;
    double label = 20.0, value = 20.0, interval = 0.0;
    for (int i = 0; i < b->num; i++) {
        const igd_bar *row = &b->bar[i];
        char text[IGD_DECIMALS_TEXT], low[IGD_DECIMALS_TEXT], high[IGD_DECIMALS_TEXT];
        if (row->heading)
            continue;
        value_text(text, b, row->value);
        value_text(low, b, row->low);
        value_text(high, b, row->high);
        const double both = igd_text_width(low) + igd_text_width(high) + 32.0;
        interval = isnan(row->low) ? interval : fmax(interval, both);
        value = fmax(value, igd_text_width(text));
        label = fmax(label, igd_text_width(row->label));
        const double all[] = {row->value, row->low, row->high, row->behind};
        for (int k = 0; k < 4; k++) {
            min = fmin(min, all[k]); // skips NAN
            max = fmax(max, all[k]);
        }
    }
    l.intervals = wide && interval > 0.0;
    l.label = fmin(label, wide ? 190.0 : 104.0);
    l.value_left = width - value - (l.intervals ? interval : 0.0);
    if (b->points)
        igd_axis_make(&l.axis, 0.0, 1.0, wide ? 5 : 2, false);
    else
        igd_axis_make(&l.axis, min, max > min ? max : 1.0, wide ? 5 : 3, true);
    l.axis.from = l.label + 10.0;
    l.axis.to = l.value_left - 14.0;
    return l;
}

static void draw_axis(FILE *f, const igd_bars *b, const layout *l, double y,
                      double bottom)
{
    for (int k = 0; k < l->axis.num_ticks; k++) {
        char text[IGD_TICK_TEXT];
        const double x = igd_axis_at(&l->axis, l->axis.tick[k]);
        igd_axis_text(text, &l->axis, l->axis.tick[k], b->points);
        igd_svg_line(f, l->axis.tick[k] == 0.0 ? "axis" : "grid", x, y, x, bottom);
        igd_svg_text(f, "quiet", x, bottom + 15.0, IGD_MIDDLE, text);
    }
    if (b->axis == NULL)
        return;
    // Under the middle of the axis, as far as that leaves it in the picture.
    const double half = 0.5 * igd_text_width(b->axis);
    const double middle = fmin(0.5 * (l->axis.from + l->axis.to), l->width - half);
    igd_svg_text(f, "quiet", fmax(middle, half), bottom + 33.0, IGD_MIDDLE, b->axis);
}

static void draw_bar(FILE *f, const char *kind, int series, double x0, double x1,
                     double y)
{
    char classes[24];
    snprintf(classes, sizeof(classes), "s%d%s", series % 6, kind);
    igd_svg_rect(f, classes, fmin(x0, x1), y - BAR / 2, fabs(x1 - x0), BAR);
}

static void draw_row(FILE *f, const igd_bars *b, const igd_bar *row, const layout *l,
                     double y)
{
    const double zero = igd_axis_at(&l->axis, 0.0);
    char text[IGD_DECIMALS_TEXT];
    igd_svg_label(f, "", 0.0, y + 4.5, IGD_START, row->label, l->label);
    if (!isnan(row->behind))
        draw_bar(f, " pale", row->series, zero, igd_axis_at(&l->axis, row->behind), y);
    if (!isnan(row->value))
        draw_bar(f, "", row->series, zero, igd_axis_at(&l->axis, row->value), y);
    if (!isnan(row->low) && !isnan(row->high)) {
        const double low = igd_axis_at(&l->axis, row->low);
        const double high = igd_axis_at(&l->axis, row->high);
        igd_svg_line(f, "halo", low, y, high, y);
        igd_svg_line(f, "whisker", low, y, high, y);
        igd_svg_line(f, "whisker", low, y - 4.0, low, y + 4.0);
        igd_svg_line(f, "whisker", high, y - 4.0, high, y + 4.0);
    }
    value_text(text, b, row->value);
    igd_svg_text(f, "number", l->value_left, y + 4.5, IGD_START, text);
    if (l->intervals && !isnan(row->low)) {
        char low[IGD_DECIMALS_TEXT], high[IGD_DECIMALS_TEXT];
        char both[2 * IGD_DECIMALS_TEXT + 8];
        value_text(low, b, row->low);
        value_text(high, b, row->high);
        snprintf(both, sizeof(both), "[%s, %s]", low, high);
        igd_svg_text(f, "quiet", l->width, y + 4.5, IGD_END, both);
    }
}

void igd_bars_draw(FILE *f, const igd_bars *b, double width, double y)
{
    const layout l = arrange(b, width);
    draw_axis(f, b, &l, y, y + igd_bars_height(b) - FOOT);
    for (int i = 0; i < b->num; i++) {
        const igd_bar *row = &b->bar[i];
        if (row->heading) {
            igd_svg_label(f, "strong", 0.0, y + 20.0, IGD_START, row->label, width);
            y += HEADING;
        } else {
            draw_row(f, b, row, &l, y + ROW / 2);
            y += ROW;
        }
    }
}
