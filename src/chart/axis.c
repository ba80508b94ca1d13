// Owns the choice of round numbers.
#include "chart/axis.h"

#include <math.h>
#include <stdio.h>

#include "chart/markup.h"

// 1, 2 or 5 times a power of ten.
static double round_step(double rough)
{
    const double power = pow(10.0, floor(log10(rough)));
    const double digit = rough / power;
    return power * (digit <= 1.0 ? 1.0 : digit <= 2.0 ? 2.0 : digit <= 5.0 ? 5.0 : 10.0);
}

void igd_axis_make(igd_axis *a, double min, double max, int wanted, bool grow)
{
    const double size = fmax(fabs(min), fabs(max));
    if (!(max - min > 1e-9 * size) || max - min < 1e-12) { // one value: around it
        const double room = size > 1e-12 ? 0.1 * size : 1.0;
        min -= room;
        max += room;
    }
    const double step = round_step((max - min) / wanted);
    const double tolerance = 1e-6 * step;
    if (grow) {
        min = step * floor((min + tolerance) / step);
        max = step * ceil((max - tolerance) / step);
    }
    *a = (igd_axis){.min = min, .max = max};
    const double first = ceil((min - tolerance) / step);
    for (int k = 0; k < IGD_MAX_TICKS; k++) {
        const double tick = step * (first + k);
        if (tick > max + tolerance)
            break;
        a->tick[a->num_ticks++] = fabs(tick) < tolerance ? 0.0 : tick;
        const int decimals = igd_decimals(tick, tolerance);
        a->decimals = decimals > a->decimals ? decimals : a->decimals;
    }
}

double igd_axis_at(const igd_axis *a, double v)
{
    double t = a->logarithmic ? log(v / a->min) / log(a->max / a->min)
                              : (v - a->min) / (a->max - a->min);
    t = t > 0.0 ? t : 0.0; // NAN as well
    return a->from + (t < 1.0 ? t : 1.0) * (a->to - a->from);
}

void igd_axis_text(char out[IGD_TICK_TEXT], const igd_axis *a, double v, bool points)
{
    char text[IGD_DECIMALS_TEXT];
    const int decimals = points ? (a->decimals > 2 ? a->decimals - 2 : 0) : a->decimals;
    igd_decimal_text(text, points ? 100.0 * v : v, decimals);
    snprintf(out, IGD_TICK_TEXT, "%s%s", text, points ? " %" : "");
}
