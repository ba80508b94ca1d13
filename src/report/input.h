// The files of a report, read and checked: results in the order of the page, the base
// models first, then analyses.
#ifndef IGD_REPORT_INPUT_H
#define IGD_REPORT_INPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "chart/analysis_check.h"
#include "igdef/report.h"
#include "report/mcnemar.h"
#include "result/interval.h"
#include "result/result_impl.h"

#define IGD_INPUT_NAME 160

typedef struct igd_input {
    const char *path; // borrowed
    cJSON *json;      // owned
    // Of a result:
    igd_result *images; // owned; NULL where no lines of images lie beside it
    char name[IGD_INPUT_NAME];
    int base;   // the result of its base model that it is compared with; -1: none
    int series; // its colour in charts: 0 for base models
    // Of an analysis:
    igd_kind kind;
} igd_input;

// A line of attack lists, in every result that has it.
typedef struct igd_row {
    const char *name, *ensemble;                // borrowed; "" for no ensemble
    const cJSON *entry[IGD_REPORT_MAX_RESULTS]; // NULL where a result lacks it
    igd_interval interval[IGD_REPORT_MAX_RESULTS];
} igd_row;

typedef struct igd_inputs {
    igd_input result[IGD_REPORT_MAX_RESULTS];
    int num_results;
    igd_input analysis[IGD_REPORT_MAX_FILES];
    int num_analyses;
    igd_row *row; // owned [num_rows]
    int num_rows;
} igd_inputs;

// Reads all of them. igd_inputs_free() releases, after a failure too.
igd_status igd_inputs_read(igd_inputs *in, const char *const *paths, int num);
void igd_inputs_free(igd_inputs *in);

// result_check.c: everything in a result that the page reads. `path` starts the messages.
igd_status igd_result_check(const cJSON *result, const char *path);
// Whether two results are of the same images under the same threat; IGD_EINVAL says what
// differs.
igd_status igd_results_match(const igd_input *a, const igd_input *b);

// Images that a result and its base both have judged, under the clean images (row -2),
// the worst case (row -1) or a row of the list. @return false where that is not known
#define IGD_ROW_CLEAN (-2)
#define IGD_ROW_WORST (-1)
bool igd_inputs_paired(igd_paired *out, const igd_inputs *in, int result, int row);

// Why the worst cases of a result and its base are not of the same attacks, as a
// sentence; false where they are.
bool igd_inputs_attacked_differently(char *out, size_t size, const igd_inputs *in,
                                     int result);

const cJSON *igd_get(const cJSON *object, const char *key);
// The member of a member: igd_text_in(json, "model", "path"); "" and NAN where absent.
const char *igd_text_in(const cJSON *json, const char *object, const char *key);
double igd_number_in(const cJSON *json, const char *object, const char *key);

#endif
