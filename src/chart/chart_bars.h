// Horizontal bars with intervals, in groups, each row with its label and its number.
#ifndef IGD_CHART_CHART_BARS_H
#define IGD_CHART_CHART_BARS_H

#include <stdbool.h>
#include <stdio.h>

#include "igdef/status.h"

#define IGD_BAR_TEXT 96

typedef struct igd_bar {
    bool heading; // of a group: only the label is drawn
    char label[IGD_BAR_TEXT];
    int series;       // its colour
    double value;     // NAN for none, which is said
    double low, high; // interval, NAN for none
    double behind;    // a second, longer value drawn pale behind it; NAN for none
} igd_bar;

typedef struct igd_bars {
    igd_bar *bar; // owned [num]
    int num;
    int room;
    bool failed; // no memory: what was added is lost
    bool points; // values are fractions, shown as 0 .. 100 %
    bool plus;   // positive values are shown with their sign
    int decimals;
    const char *axis; // what the axis shows; borrowed
} igd_bars;

// Adds a row, or a heading; a failure shows in igd_bars_draw(). Longer labels are cut.
void igd_bars_heading(igd_bars *b, const char *label);
void igd_bars_add(igd_bars *b, const char *label, int series, double value, double low,
                  double high, double behind);

// Height of the picture that igd_bars_draw() makes at a width.
double igd_bars_height(const igd_bars *b);

// Draws into an open SVG, from y down.
void igd_bars_draw(FILE *f, const igd_bars *b, double width, double y);

void igd_bars_free(igd_bars *b);

#endif
