// The table that a series ends with, and the analysis that holds it.
#ifndef IGD_ANALYZE_SERIES_TEXT_H
#define IGD_ANALYZE_SERIES_TEXT_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "igdef/sweep.h"

// A line of heads of the columns that igd_series_print_row() fills, the first being
// `what`; and a row.
void igd_series_print_head(FILE *f, const char *what);
void igd_series_print_row(FILE *f, const char *name, const igd_result *r);

// The names between the commas of a list; owned.
cJSON *igd_series_attacks_json(const char *attacks);

// An analysis of `json`, which becomes its own even on failure, and of what `print`
// writes. @return IGD_OK, IGD_ENOMEM
igd_status igd_series_finish(igd_analysis **out, cJSON *json,
                             void (*print)(FILE *f, const void *payload),
                             const void *payload);

#endif
