// What the classes of a data set are called by the file classes.txt in its folder.
#ifndef IGD_DATA_CLASS_NAMES_H
#define IGD_DATA_CLASS_NAMES_H

#include "data/dataset_impl.h"

// Takes the names from the folder's classes.txt where there is one, in place of those
// that the format has: image sets of IDX and .npy have none, and ImageNet's folders say
// n01440764. Names that only order the format's own anew are refused: labels would follow
// one order and names the other.
igd_status igd_class_names_read(igd_source *s, const char *folder);

#endif
