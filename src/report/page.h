// The page: what its parts share, and the parts in their order.
#ifndef IGD_REPORT_PAGE_H
#define IGD_REPORT_PAGE_H

#include <stdio.h>

#include "chart/chart_bars.h"
#include "report/input.h"
#include "report/verdict.h"

typedef struct igd_page {
    FILE *f;
    const igd_inputs *in;
    const igd_verdict *verdict; // [in->num_results]
    int decimals;               // of percentages
    bool *lacking;              // set where there was no memory for a value
} igd_page;

// --- the parts

void igd_page_style(FILE *f);                    // page_style.c
void igd_page_summary(const igd_page *p);        // page_summary.c
igd_status igd_page_results(const igd_page *p);  // page_results.c
igd_status igd_page_anytime(const igd_page *p);  // page_anytime.c
igd_status igd_page_classes(const igd_page *p);  // page_classes.c
igd_status igd_page_analyses(const igd_page *p); // page_analyses.c
void igd_page_warnings(const igd_page *p);       // page_warnings.c
void igd_page_cost(const igd_page *p);           // page_cost.c
void igd_page_reproduce(const igd_page *p);      // page_reproduce.c
// The table of an analysis; page_tables.c
void igd_page_analysis_table(const igd_page *p, const igd_input *a);

// --- what they share

void igd_page_section(const igd_page *p, const char *id, const char *title);
void igd_page_section_end(const igd_page *p);

// A fraction in percent, without and with the sign.
void igd_page_percent(const igd_page *p, double v);
void igd_page_percent_sign(const igd_page *p, double v);
// "[low, high]" in percent; nothing for NAN.
void igd_page_interval(const igd_page *p, double low, double high);
// A difference of fractions in points, with its sign.
void igd_page_points(const igd_page *p, double v);
void igd_page_p(const igd_page *p, double v); // "p = 0.031"
void igd_page_count(const igd_page *p, double v);

// A figure: the chart for wide and for narrow screens. Its table comes between
// igd_page_table() and igd_page_table_end(), then igd_page_figure_end().
igd_status igd_page_bars(const igd_page *p, const igd_bars *b, const char *label);
void igd_page_figure_end(const igd_page *p, const char *caption);

// A table that may be folded away (`summary` not NULL) and scrolls in itself. `label`
// says what it is for those who do not see it.
void igd_page_table(const igd_page *p, const char *summary, const char *label);
void igd_page_table_end(const igd_page *p, const char *summary);
// Cells: a heading of a column, a heading of a row, a number as it is.
void igd_page_th(const igd_page *p, const char *text);
void igd_page_row(const igd_page *p, const char *text);
void igd_page_td(const igd_page *p, const char *text);

#endif
