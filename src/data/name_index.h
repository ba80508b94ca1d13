// Finding an image by a name that a list of another origin gives it.
#ifndef IGD_DATA_NAME_INDEX_H
#define IGD_DATA_NAME_INDEX_H

#include <stdint.h>

#include "igdef/status.h"

typedef struct igd_name_index igd_name_index;

// Of relative paths [num], which stay borrowed. *out is owned.
igd_status igd_name_index_new(igd_name_index **out, const char *const *names,
                              int64_t num);
void igd_name_index_free(igd_name_index *x);

// The image whose path is `name`, or of which one is the end of the other: "a/b.png",
// "val/a/b.png" and "b.png" are all image "a/b.png", and so is each without ".png".
// @return -1 where there is none, -2 where there are several
int64_t igd_name_index_find(const igd_name_index *x, const char *name);

#endif
