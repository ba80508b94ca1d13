// Folders that hold a data set's parts for training and testing beside one another.
#ifndef IGD_DATA_SPLITS_H
#define IGD_DATA_SPLITS_H

#include <stdbool.h>

#include "igdef/status.h"

// The folder below `path` that is the split "train" or "test". Folders that look like
// splits but are not called so are refused, and where labels are missing, a split without
// class folders beside one that has them. *out is owned; NULL where there are no splits.
igd_status igd_split_folder(char **out, const char *path, const char *split,
                            bool needs_classes);

#endif
