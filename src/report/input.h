// The files of a report, read and checked: results in the order of the page, the base
// models first, then analyses. Results of one classifier on the same images are one: an
// image counts only if it survives the attacks of all of them.
#ifndef IGD_REPORT_INPUT_H
#define IGD_REPORT_INPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "chart/analysis_check.h"
#include "igdef/report.h"
#include "result/interval.h"
#include "result/mcnemar.h"
#include "result/result_impl.h"

#define IGD_INPUT_NAME 160

typedef struct igd_input {
    const char *path; // borrowed; of the first, where several are joined
    cJSON *json;      // owned
    bool sealed;      // whether the file carries its digest
    // Of a result:
    igd_result *images; // owned; NULL where no lines of images lie beside it
    char name[IGD_INPUT_NAME];
    int base;   // the result of its base model that it is compared with; -1: none
    int series; // its colour in charts: 0 for base models
    bool split; // another result of the same classifier could not be joined with it
    // Of an analysis:
    igd_kind kind;
} igd_input;

// A line of attack lists, in every result that has it.
typedef struct igd_row {
    const char *name, *ensemble;                // borrowed; "" for no ensemble
    const cJSON *entry[IGD_REPORT_MAX_RESULTS]; // NULL where a result lacks it
    igd_interval interval[IGD_REPORT_MAX_RESULTS];
} igd_row;

// A result as it was in its file, where that is not the whole of a column.
typedef struct igd_source {
    const char *path;  // borrowed
    const char *first; // the path of the result that it is part of
    cJSON *json;       // owned
} igd_source;

typedef struct igd_inputs {
    igd_input result[IGD_REPORT_MAX_RESULTS];
    int num_results;
    igd_source source[IGD_REPORT_MAX_FILES]; // of those that are joined from several
    int num_sources;
    igd_input analysis[IGD_REPORT_MAX_FILES];
    int num_analyses;
    igd_row *row; // owned [num_rows]
    int num_rows;
} igd_inputs;

// Reads all of them. igd_inputs_free() releases, after a failure too.
igd_status igd_inputs_read(igd_inputs *in, const char *const *paths, int num);
void igd_inputs_free(igd_inputs *in);

// File number `i` of the page: results, then analyses; NULL after the last. And what the
// page calls it.
const igd_input *igd_inputs_file(const igd_inputs *in, int i);
const char *igd_inputs_name(const igd_inputs *in, int i);

// result_check.c: everything in a result that the page reads. `path` starts the messages.
igd_status igd_result_check(const cJSON *result, const char *path);
// Whether two results are of the same images under the same threat; IGD_EINVAL says what
// differs.
igd_status igd_results_match(const igd_input *a, const igd_input *b);

// Whether classes of the two are told by their places: names that the data do not give
// may differ.
bool igd_results_by_place(const igd_input *a, const igd_input *b);

// The accuracy that stands for a result, on clean images or under all its attacks, with
// its interval: in expectation over the draws where the classifier is random.
typedef struct igd_headline_value {
    double accuracy, low, high;
    bool expected;
} igd_headline_value;
igd_headline_value igd_headline(const cJSON *result, bool clean);

// Whether the classifier of a result, or of its base, is random.
bool igd_inputs_random(const igd_inputs *in, int result);

// Images that a result and its base both have judged, by the majority of the draws, under
// the clean images (row -2), the worst case (row -1) or a row of the list. @return false
// where that is not known
#define IGD_ROW_CLEAN (-2)
#define IGD_ROW_WORST (-1)
bool igd_inputs_paired(igd_paired *out, const igd_inputs *in, int result, int row);

// Whether the worst cases of a result and its base are of different attacks; and why, as
// a sentence, which is left alone where they are not.
igd_status igd_inputs_compare_attacks(bool *differ, char *out, size_t size,
                                      const igd_inputs *in, int result);

#endif
