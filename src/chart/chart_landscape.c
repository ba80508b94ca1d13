// Owns the layout of loss surfaces.
#include "chart/chart_landscape.h"

#include <math.h>

#include "chart/axis.h"
#include "chart/contour.h"
#include "chart/markup.h"
#include "core/error.h"

#define HEAD 28.0   // name of a surface
#define FOOT 26.0   // its horizontal axis
#define MARGIN 56.0 // its vertical axis
#define LEGEND 92.0

static bool side_by_side(const igd_landscape *l, double width)
{
    return width >= 560.0 && l->num_surfaces > 1;
}

static double side_of(const igd_landscape *l, double width)
{
    const double room = (side_by_side(l, width) ? 0.5 * width : width) - MARGIN - 14.0;
    return fmin(room, 320.0);
}

double igd_landscape_height(const igd_landscape *l, double width)
{
    const int rows = side_by_side(l, width) ? (l->num_surfaces + 1) / 2 : l->num_surfaces;
    return rows * (HEAD + side_of(l, width) + FOOT) + LEGEND;
}

static int band_of(const igd_axis *scale, int level) // the colour above a level
{
    const int last = scale->num_ticks - 2;
    return last > 0 ? level * (IGD_BANDS - 1) / last : 0;
}

static igd_axis scale_of(const igd_landscape *l)
{
    igd_axis scale;
    double min = NAN, max = NAN;
    for (int k = 0; k < l->num_surfaces; k++)
        for (int i = 0; i < l->size * l->size; i++) {
            min = fmin(min, l->surface[k].loss[i]);
            max = fmax(max, l->surface[k].loss[i]);
        }
    igd_axis_make(&scale, min, max, 8, true);
    return scale;
}

static void draw_axes(FILE *f, const igd_landscape *l, double x, double y, double side)
{
    igd_axis a;
    igd_axis_make(&a, l->from, l->to, 3, false);
    for (int k = 0; k < a.num_ticks; k++) {
        char text[IGD_TICK_TEXT];
        igd_axis_text(text, &a, a.tick[k], false);
        a.from = x;
        a.to = x + side;
        const double across = igd_axis_at(&a, a.tick[k]);
        igd_svg_line(f, "axis", across, y + side, across, y + side + 4.0);
        igd_svg_text(f, "quiet", across, y + side + 18.0, IGD_MIDDLE, text);
        a.from = y + side;
        a.to = y;
        const double up = igd_axis_at(&a, a.tick[k]);
        igd_svg_line(f, "axis", x - 4.0, up, x, up);
        igd_svg_text(f, "quiet", x - 8.0, up + 4.5, IGD_END, text);
    }
}

static igd_status draw_surface(FILE *f, const igd_landscape *l, const igd_surface *s,
                               const igd_axis *scale, double x, double y, double side)
{
    igd_svg_label(f, "strong", x, y + 18.0, IGD_START, s->name, side);
    y += HEAD;
    igd_svg_rect(f, "b0", x, y, side, side);
    for (int k = 1; k < scale->num_ticks - 1; k++) {
        fprintf(f, "<path class=\"b%d contour\" d=\"", band_of(scale, k));
        IGD_TRY(igd_contour_put(f, s->loss, l->size, scale->tick[k], x, y + side, side));
        fputs("\"/>\n", f);
    }
    igd_svg_rect(f, "frame", x, y, side, side);
    // The image itself.
    const double cx = x + side * (0.0 - l->from) / (l->to - l->from);
    const double cy = y + side - side * (0.0 - l->from) / (l->to - l->from);
    igd_svg_line(f, "halo", cx - 6.0, cy, cx + 6.0, cy);
    igd_svg_line(f, "halo", cx, cy - 6.0, cx, cy + 6.0);
    igd_svg_line(f, "whisker", cx - 6.0, cy, cx + 6.0, cy);
    igd_svg_line(f, "whisker", cx, cy - 6.0, cx, cy + 6.0);
    draw_axes(f, l, x, y, side);
    return IGD_OK;
}

static void draw_legend(FILE *f, const igd_axis *scale, double x, double y, double width)
{
    const int num = scale->num_ticks - 1;
    const double step = width / num;
    double taken = -1e9;
    igd_svg_text(f, "quiet", x, y + 14.0, IGD_START,
                 "across: along the gradient\xe2\x80\x99s sign");
    igd_svg_text(f, "quiet", x, y + 31.0, IGD_START,
                 "up: at right angles to it; +: the image");
    y += 44.0;
    for (int k = 0; k < num; k++) {
        char classes[24];
        snprintf(classes, sizeof(classes), "b%d", band_of(scale, k));
        igd_svg_rect(f, classes, x + step * k, y, step, 14.0);
    }
    igd_svg_rect(f, "frame", x, y, width, 14.0);
    for (int k = 0; k <= num; k++) {
        char text[IGD_TICK_TEXT];
        igd_axis_text(text, scale, scale->tick[k], false);
        const double half = 0.5 * igd_text_width(text);
        if (x + step * k - half < taken + 8.0)
            continue;
        igd_svg_text(f, "quiet", x + step * k, y + 31.0, IGD_MIDDLE, text);
        taken = x + step * k + half;
    }
    igd_svg_text(f, "quiet", x - 10.0, y + 12.0, IGD_END, "loss");
}

igd_status igd_landscape_draw(FILE *f, const igd_landscape *l, double width, double y)
{
    const igd_axis scale = scale_of(l);
    const double side = side_of(l, width);
    const bool beside = side_by_side(l, width);
    for (int k = 0; k < l->num_surfaces; k++) {
        const double x = MARGIN + (beside && k % 2 == 1 ? 0.5 * width : 0.0);
        IGD_TRY(draw_surface(f, l, &l->surface[k], &scale, x, y, side));
        if (!beside || k % 2 == 1 || k == l->num_surfaces - 1)
            y += HEAD + side + FOOT;
    }
    draw_legend(f, &scale, MARGIN, y, beside ? 0.5 * width + side : side);
    return IGD_OK;
}
