// Outlines of the region in which a function on a grid is at least some level, by
// marching squares.
#ifndef IGD_CHART_CONTOUR_H
#define IGD_CHART_CONTOUR_H

#include <stdio.h>

#include "igdef/status.h"

// Writes closed outlines as the data of an SVG path, to be filled by the even-odd rule.
// value [size, size], its first index across the square (x, from the left) and its second
// up it; the square has its lower left corner at (x, y) and sides `side`, in pixels.
// Nothing is written where no value reaches the level. size >= 2.
igd_status igd_contour_put(FILE *f, const double *value, int size, double level, double x,
                           double y, double side);

#endif
