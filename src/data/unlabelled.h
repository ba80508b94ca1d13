// Images whose labels do not count.
#ifndef IGD_DATA_UNLABELLED_H
#define IGD_DATA_UNLABELLED_H

#include "igdef/dataset.h"

// As igd_dataset_open(); images that need a file of labels are taken without one where
// there is none, and each label is -1.
igd_status igd_dataset_open_unlabelled(igd_dataset **out, const char *path,
                                       const igd_dataset_options *options);

#endif
