// Axes of charts: round numbers, and where they lie.
#ifndef IGD_CHART_AXIS_H
#define IGD_CHART_AXIS_H

#include <stdbool.h>

#define IGD_MAX_TICKS 16
#define IGD_TICK_TEXT 48

#define IGD_LINE 17.0 // distance of two lines of text

typedef struct igd_axis {
    double min, max;  // of the values
    double from, to;  // in pixels; from > to for an axis that goes up
    bool logarithmic; // min > 0 then
    double tick[IGD_MAX_TICKS];
    int num_ticks;
    int decimals; // that the ticks take
} igd_axis;

// Round ticks, about `wanted` of them (2 .. 8). With `grow`, the axis reaches to the
// ticks around the values; else it keeps min and max.
void igd_axis_make(igd_axis *a, double min, double max, int wanted, bool grow);

// Where a value lies, in pixels; values outside at the ends.
double igd_axis_at(const igd_axis *a, double v);

// A tick as text; with `points` the number of percent of a fraction.
void igd_axis_text(char out[IGD_TICK_TEXT], const igd_axis *a, double v, bool points);

#endif
