// What is known of each part of a divided run.
#ifndef IGD_RESULT_PARTS_IMPL_H
#define IGD_RESULT_PARTS_IMPL_H

#include <cjson/cJSON.h>

#include "igdef/dataset.h"
#include "igdef/parts.h"
#include "result/result_impl.h"

// The images of a part in one step.
typedef struct igd_tally {
    int64_t attacked, skipped, todo;
    double seconds;
} igd_tally;

typedef struct igd_parts_file {
    char *path; // owned
    char holder[200];
    igd_part part;
    igd_part_progress seen;
    igd_tally steps[IGD_MAX_STEPS];
    int num_steps; // with the clean images, and with checks where a state says so
    bool random;   // images are taken in random order
    double least;  // seconds left in steps that some part has done
    int lacking;   // the first step left that none has done; 0 for none
} igd_parts_file;

struct igd_parts {
    igd_parts_file
        *files;  // owned [num]: parts in their order, then those that do not say
    int64_t num; // which they are
    int64_t num_stated;
    int64_t of, whole;   // parts and images of the whole; 0 where no file says
    double absent_least; // seconds of parts that are not begun, as `least` of a part
    int absent_lacking;
    cJSON *run;        // owned; what agrees between parts, NULL before the first state
    const char *first; // path that it is from
    char *text, *json; // owned
};

// parts_read.c: fills in what the files of a folder say, and their order.
igd_status igd_parts_read(igd_parts *all, const char *folder);

// The name of a step, "clean" for the first; borrowed from the run.
const char *igd_parts_step(const igd_parts *all, int step);
// Whether a step is a check, which no flag depends on.
bool igd_parts_is_check(const igd_parts *all, int step);

// parts_left.c: fills in seconds_left and step.
void igd_parts_expect(igd_parts *all);

// parts_text.c: fills text and json.
igd_status igd_parts_print(igd_parts *all);

#endif
