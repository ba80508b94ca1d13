// What pages and charts are written with: escaped text, numbers, SVG elements. Everything
// goes to a stream in memory; whether that had enough of it shows when it is closed.
#ifndef IGD_CHART_MARKUP_H
#define IGD_CHART_MARKUP_H

#include <stdbool.h>
#include <stdio.h>

#define IGD_THIN_SPACE "\xe2\x80\xaf" // and no line is broken there

// Text from outside, safe between tags and in quoted attributes. Control characters, and
// those that turn the direction of writing, become U+FFFD.
void igd_put(FILE *f, const char *text);
// The same for a terminal, without entities.
void igd_put_plain(FILE *f, const char *text);

// The same, at most `most` characters: what is longer ends in an ellipsis.
void igd_put_short(FILE *f, const char *text, int most);

// A number with so many decimals, 0 .. 6, a point whatever the locale, and a true minus
// sign; an en dash for NAN, and what is beyond 1e15 as a power of ten.
#define IGD_DECIMALS_TEXT 40
void igd_decimal_text(char out[IGD_DECIMALS_TEXT], double v, int decimals);
void igd_put_number(FILE *f, double v, int decimals);

// The fewest decimals, at most 6, with which v differs from its text by less than
// `tolerance`.
int igd_decimals(double v, double tolerance);

// At least the width of a text in a chart, in pixels, whatever the sans-serif font.
double igd_text_width(const char *text);
double igd_bold_width(const char *text);

typedef enum igd_anchor { IGD_START, IGD_MIDDLE, IGD_END } igd_anchor;

// An image whose coordinates are pixels at its natural width; `label` is what a screen
// reader says.
void igd_svg_open(FILE *f, const char *classes, double width, double height,
                  const char *label);
void igd_svg_close(FILE *f);
void igd_svg_line(FILE *f, const char *classes, double x1, double y1, double x2,
                  double y2);
void igd_svg_rect(FILE *f, const char *classes, double x, double y, double width,
                  double height);
void igd_svg_text(FILE *f, const char *classes, double x, double y, igd_anchor anchor,
                  const char *text);
// As much as fits into so many pixels; the whole shows when the pointer rests on it.
void igd_svg_label(FILE *f, const char *classes, double x, double y, igd_anchor anchor,
                   const char *text, double room);
// One of several shapes, so that a series is told by more than its colour.
void igd_svg_marker(FILE *f, int series, double x, double y);

#endif
