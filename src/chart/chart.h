// The picture of an analysis.
#ifndef IGD_CHART_CHART_H
#define IGD_CHART_CHART_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "igdef/status.h"

// Widths that charts are drawn for, in pixels: text keeps its size at both.
#define IGD_CHART_WIDE 720.0
#define IGD_CHART_NARROW 340.0

// An SVG file of its own, with heading; light or dark as the viewer prefers.
// analysis: igdef.analysis/1, borrowed; IGD_EFORMAT where it is not. *out: owned
// (free()).
igd_status igd_chart_svg(char **out, const cJSON *analysis);

// An element of a page that has igd_chart_style(); `classes` are the element's, and
// `analysis` was checked.
igd_status igd_chart_put(FILE *f, const cJSON *analysis, const char *classes,
                         double width);

// Style rules of all charts.
void igd_chart_style(FILE *f);
// The colours of the series for borders of elements, as the classes k0 to k5.
void igd_chart_edges(FILE *f);

// One line that says what an analysis shows.
#define IGD_CHART_TITLE 256
void igd_chart_title(char out[IGD_CHART_TITLE], const cJSON *analysis);

#endif
