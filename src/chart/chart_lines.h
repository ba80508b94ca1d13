// Lines over a setting, with intervals, reference values and one point marked.
#ifndef IGD_CHART_CHART_LINES_H
#define IGD_CHART_CHART_LINES_H

#include <stdbool.h>
#include <stdio.h>

#define IGD_LINES_MAX 4

typedef struct igd_line {
    const char *name; // borrowed, like all of these
    int series;
    const double *value;      // [num_points], NAN for none
    const double *low, *high; // [num_points], NAN for none
} igd_line;

// A value that does not depend on the setting.
typedef struct igd_reference {
    const char *name;
    int series;
    double value;
} igd_reference;

typedef struct igd_lines {
    int num_points;
    const double *x;           // [num_points]; NULL: equally spaced
    const char *const *x_text; // [num_points]
    igd_line line[IGD_LINES_MAX];
    int num_lines;
    igd_reference reference[IGD_LINES_MAX];
    int num_references;
    int marked;            // the point chosen; -1 for none
    const char *mark_name; // what is said there
    bool points;           // values are fractions, shown in percent
    const char *x_axis;
} igd_lines;

double igd_lines_height(double width);
void igd_lines_draw(FILE *f, const igd_lines *l, double width, double y);

#endif
