// The parts that a run was divided into, as files state them.
#ifndef IGD_DATA_PART_CHECK_H
#define IGD_DATA_PART_CHECK_H

#include <cjson/cJSON.h>

#include "igdef/dataset.h"

// {"index", "of", "first", "whole"} of one part of several; owned.
cJSON *igd_part_json(const igd_part *part);

// Reads that of a part of `num_images`. @return IGD_OK, IGD_EFORMAT
igd_status igd_part_read(igd_part *out, const cJSON *part, int64_t num_images,
                         const char *path);

// What a file says of itself.
typedef struct igd_stated_part {
    igd_part part; // of 0 where it states none
    int64_t num_images;
} igd_stated_part;

// Whether files that state which part they are make up the whole; those that do not state
// it may be any. @param paths  [num] whose they are, for messages
// @return IGD_OK, IGD_EINVAL naming what is missing, double or of another division,
// IGD_EFORMAT, IGD_ENOMEM
igd_status igd_parts_check(const igd_stated_part *parts, const char *const *paths,
                           int num);

#endif
