// Loss surfaces as filled contours, side by side, over one scale.
#ifndef IGD_CHART_CHART_LANDSCAPE_H
#define IGD_CHART_CHART_LANDSCAPE_H

#include <stdio.h>

#include "igdef/status.h"

#define IGD_SURFACES_MAX 4
#define IGD_BANDS 12 // colours from low to high, the classes b0 to b11

typedef struct igd_surface {
    const char *name; // borrowed
    double *loss;     // [size, size], finite
} igd_surface;

typedef struct igd_landscape {
    int size;
    double from, to; // offsets that both axes span, in pixel units
    igd_surface surface[IGD_SURFACES_MAX];
    int num_surfaces;
} igd_landscape;

double igd_landscape_height(const igd_landscape *l, double width);
igd_status igd_landscape_draw(FILE *f, const igd_landscape *l, double width, double y);

#endif
