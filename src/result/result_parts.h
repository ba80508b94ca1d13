// The parts that a run was divided into, as their results state them.
#ifndef IGD_RESULT_RESULT_PARTS_H
#define IGD_RESULT_RESULT_PARTS_H

#include "result/result_impl.h"

// What a result says of itself.
typedef struct igd_stated_part {
    igd_part part; // of 0 where it states none
    int64_t num_images;
} igd_stated_part;

// Reads it; nothing where the result states no part. @return IGD_OK, IGD_EFORMAT
igd_status igd_parts_stated(igd_stated_part *out, const igd_result *r, const char *path);

// Whether results that state which part they are make up the whole; those that do not
// state it may be any. @param paths  [num] whose they are, for messages
// @return IGD_OK, IGD_EINVAL naming what is missing, double or of another division,
// IGD_EFORMAT, IGD_ENOMEM
igd_status igd_parts_check(const igd_stated_part *parts, const char *const *paths,
                           int num);

// Reads what is said of a part of `num_images`. @return IGD_OK, IGD_EFORMAT
igd_status igd_part_read(igd_part *out, const cJSON *part, int64_t num_images,
                         const char *path);

// Whether two results are of one class of device: "cpu", or "cuda" whatever its number.
bool igd_parts_same_device(const igd_result *a, const igd_result *b);

#endif
