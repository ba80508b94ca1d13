// Owns the layout of line charts.
#include "chart/chart_lines.h"

#include <math.h>
#include <string.h>

#include "chart/axis.h"
#include "chart/markup.h"

#define HEAD 22.0 // room for the name of the marked point
#define FOOT 44.0
#define TICK 84.0 // room for a setting below the axis
#define MANY 24   // points that a line shows one by one

typedef struct picture {
    FILE *f;
    const igd_lines *l;
    igd_axis x, y;
} picture;

double igd_lines_height(double width)
{
    return HEAD + FOOT + (width >= 560.0 ? 280.0 : 220.0);
}

static void extend(double *min, double *max, double v)
{
    *min = fmin(*min, v); // skips NAN
    *max = fmax(*max, v);
}

static void make_y(igd_axis *a, const igd_lines *l)
{
    double min = NAN, max = NAN;
    for (int k = 0; k < l->num_lines; k++)
        for (int i = 0; i < l->num_points; i++) {
            extend(&min, &max, l->line[k].value[i]);
            extend(&min, &max, l->line[k].low[i]);
            extend(&min, &max, l->line[k].high[i]);
        }
    for (int k = 0; k < l->num_references; k++)
        extend(&min, &max, l->reference[k].value);
    igd_axis_make(a, isnan(min) ? 0.0 : min, isnan(max) ? 1.0 : max, 5, true);
}

// Settings such as 10, 50, 100, 500 are spread by their ratios, others by their distance.
static void make_x(igd_axis *a, const igd_lines *l)
{
    double min = NAN, max = NAN;
    if (l->x == NULL) {
        *a = (igd_axis){.min = 0.0, .max = l->num_points > 1 ? l->num_points - 1 : 1};
        return;
    }
    for (int i = 0; i < l->num_points; i++)
        extend(&min, &max, l->x[i]);
    *a = (igd_axis){.min = min, .max = max > min ? max : min + 1.0};
    a->logarithmic = min > 0.0 && max / min >= 20.0;
    if (l->num_points > MANY && !a->logarithmic)
        igd_axis_make(a, a->min, a->max, 5, false);
}

static double x_at(const picture *p, int i)
{
    return igd_axis_at(&p->x, p->l->x != NULL ? p->l->x[i] : i);
}

static void draw_tick(const picture *p, double x, const char *text)
{
    igd_svg_label(p->f, "quiet", x, p->y.from + 18.0, IGD_MIDDLE, text, TICK);
}

// The settings themselves; where they lie close, those that have room.
static void draw_settings(const picture *p, double width)
{
    double taken = -1e9; // up to where labels are
    for (int i = 0; i < p->l->num_points; i++) {
        const double x = x_at(p, i);
        const double half = 0.5 * fmin(igd_text_width(p->l->x_text[i]), TICK);
        const bool fits = x - half >= taken + 10.0 && x + half <= width;
        if (fits || p->l->num_points <= MANY)
            igd_svg_line(p->f, "axis", x, p->y.from, x, p->y.from + 4.0);
        if (!fits)
            continue;
        draw_tick(p, x, p->l->x_text[i]);
        taken = x + half;
    }
}

static void draw_frame(const picture *p, double width)
{
    for (int k = 0; k < p->y.num_ticks; k++) {
        char text[IGD_TICK_TEXT];
        const double y = igd_axis_at(&p->y, p->y.tick[k]);
        igd_axis_text(text, &p->y, p->y.tick[k], p->l->points);
        igd_svg_line(p->f, k == 0 ? "axis" : "grid", p->x.from - 8.0, y, p->x.to + 8.0,
                     y);
        igd_svg_text(p->f, "quiet", p->x.from - 14.0, y + 4.5, IGD_END, text);
    }
    for (int k = 0; k < p->x.num_ticks; k++) {
        char text[IGD_TICK_TEXT];
        const double x = igd_axis_at(&p->x, p->x.tick[k]);
        igd_axis_text(text, &p->x, p->x.tick[k], false);
        igd_svg_line(p->f, "axis", x, p->y.from, x, p->y.from + 4.0);
        draw_tick(p, x, text);
    }
    if (p->x.num_ticks == 0)
        draw_settings(p, width);
    igd_svg_label(p->f, "quiet", 0.5 * (p->x.from + p->x.to), p->y.from + 37.0,
                  IGD_MIDDLE, p->l->x_axis, p->x.to - p->x.from);
}

static void draw_line(const picture *p, int k)
{
    const igd_line *line = &p->l->line[k];
    bool open = false;
    for (int i = 0; i < p->l->num_points; i++) {
        const double x = x_at(p, i) + 3.0 * (k - 0.5 * (p->l->num_lines - 1));
        if (isnan(line->low[i]) || isnan(line->high[i]))
            continue;
        const double low = igd_axis_at(&p->y, line->low[i]);
        const double high = igd_axis_at(&p->y, line->high[i]);
        char classes[16];
        snprintf(classes, sizeof(classes), "l%d thin", line->series % 6);
        igd_svg_line(p->f, classes, x, low, x, high);
        igd_svg_line(p->f, classes, x - 3.0, low, x + 3.0, low);
        igd_svg_line(p->f, classes, x - 3.0, high, x + 3.0, high);
    }
    fprintf(p->f, "<path class=\"l%d\" d=\"", line->series % 6);
    for (int i = 0; i < p->l->num_points; i++) {
        if (isnan(line->value[i])) {
            open = false;
            continue;
        }
        fprintf(p->f, "%c%ld %ld", open ? 'L' : 'M', lround(x_at(p, i)),
                lround(igd_axis_at(&p->y, line->value[i])));
        open = true;
    }
    fputs("\"/>\n", p->f);
    for (int i = 0; i < p->l->num_points; i++)
        if (!isnan(line->value[i]) && (p->l->num_points <= MANY || i == p->l->marked))
            igd_svg_marker(p->f, line->series, x_at(p, i),
                           igd_axis_at(&p->y, line->value[i]));
}

// --- names at the right end, moved apart where they would overlap

typedef struct name {
    const char *text;
    int series;
    double y;
} name;

static int gather_names(name names[2 * IGD_LINES_MAX], const picture *p)
{
    int num = 0;
    for (int k = 0; k < p->l->num_lines; k++) {
        const igd_line *line = &p->l->line[k];
        for (int i = p->l->num_points - 1; i >= 0; i--)
            if (!isnan(line->value[i])) {
                names[num++] =
                    (name){line->name, line->series, igd_axis_at(&p->y, line->value[i])};
                break;
            }
    }
    for (int k = 0; k < p->l->num_references; k++)
        names[num++] = (name){p->l->reference[k].name, p->l->reference[k].series,
                              igd_axis_at(&p->y, p->l->reference[k].value)};
    for (int i = 1; i < num; i++) // by height
        for (int k = i; k > 0 && names[k].y < names[k - 1].y; k--) {
            const name swap = names[k];
            names[k] = names[k - 1];
            names[k - 1] = swap;
        }
    return num;
}

static void draw_names(const picture *p, double width)
{
    name names[2 * IGD_LINES_MAX];
    const int num = gather_names(names, p);
    for (int i = 1; i < num; i++)
        if (names[i].y < names[i - 1].y + IGD_LINE)
            names[i].y = names[i - 1].y + IGD_LINE;
    // What was pushed below the axis goes up again, and pushes in turn.
    for (int i = num - 1; i >= 0; i--) {
        const double lowest = i == num - 1 ? p->y.from : names[i + 1].y - IGD_LINE;
        if (names[i].y > lowest)
            names[i].y = lowest;
    }
    for (int i = 0; i < num; i++) {
        char classes[16];
        snprintf(classes, sizeof(classes), "t%d", names[i].series % 6);
        igd_svg_label(p->f, classes, p->x.to + 16.0, names[i].y + 4.5, IGD_START,
                      names[i].text, width - p->x.to - 16.0);
    }
}

static void draw_mark(const picture *p, double y)
{
    const double x = x_at(p, p->l->marked);
    const double half = 0.5 * igd_bold_width(p->l->mark_name);
    double at = x;
    at = at - half < p->x.from ? p->x.from + half : at;
    at = at + half > p->x.to + 8.0 ? p->x.to + 8.0 - half : at;
    igd_svg_line(p->f, "mark", x, y + HEAD - 4.0, x, p->y.from);
    igd_svg_text(p->f, "strong", at, y + 13.0, IGD_MIDDLE, p->l->mark_name);
}

void igd_lines_draw(FILE *f, const igd_lines *l, double width, double y)
{
    picture p = {.f = f, .l = l};
    double names = 30.0, ticks = 15.0;
    make_x(&p.x, l);
    make_y(&p.y, l);
    for (int k = 0; k < l->num_lines; k++)
        names = fmax(names, igd_text_width(l->line[k].name));
    for (int k = 0; k < l->num_references; k++)
        names = fmax(names, igd_text_width(l->reference[k].name));
    for (int k = 0; k < p.y.num_ticks; k++) {
        char text[IGD_TICK_TEXT];
        igd_axis_text(text, &p.y, p.y.tick[k], l->points);
        ticks = fmax(ticks, igd_text_width(text));
    }
    p.x.from = 18.0 + ticks;
    p.x.to = width - 20.0 - fmin(names, width >= 560.0 ? 200.0 : 112.0);
    p.y.from = y + igd_lines_height(width) - FOOT;
    p.y.to = y + HEAD;

    draw_frame(&p, width);
    for (int k = 0; k < l->num_references; k++) {
        char classes[24];
        const double at = igd_axis_at(&p.y, l->reference[k].value);
        snprintf(classes, sizeof(classes), "l%d dashed", l->reference[k].series % 6);
        igd_svg_line(f, classes, p.x.from - 8.0, at, p.x.to + 8.0, at);
    }
    if (l->marked >= 0)
        draw_mark(&p, y);
    for (int k = 0; k < l->num_lines; k++)
        draw_line(&p, k);
    draw_names(&p, width);
}
