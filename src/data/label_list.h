// Text files of labels: which image has which label's text.
#ifndef IGD_DATA_LABEL_LIST_H
#define IGD_DATA_LABEL_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/lines.h"

typedef struct igd_label_line {
    const char *text; // of the label, borrowed from the lines
    int64_t place;    // line of the file, from 1
} igd_label_line;

// *out [*num] is owned. Lines hold an image's name and its label, in any order, and *out
// is in that of the images `names` [num_names]; or a label each, and *out is in theirs.
// *has_names says which.
// `names` is NULL where images have none. Cuts the lines into pieces.
igd_status igd_label_list(igd_label_line **out, int64_t *num, bool *has_names,
                          igd_lines *lines, const char *path, const char *const *names,
                          int64_t num_names);

#endif
