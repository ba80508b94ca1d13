// Whether two lists of class names contradict each other: the same names in another order
// are labels of other classes.
#ifndef IGD_DATA_NAME_ORDER_H
#define IGD_DATA_NAME_ORDER_H

#include "igdef/dataset.h"

typedef struct igd_class_names {
    const char *of;          // what has them, as a message calls it
    const char *const *name; // [num]; space around a name is none of it
    int64_t num;             // 0 where it has none
} igd_class_names;

// Fails where `a` and `b` have the same names in another order; numbers are no names.
// `remedy` ends the message. @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
igd_status igd_class_names_check(const igd_class_names *a, const igd_class_names *b,
                                 const char *remedy);

// Those of a data set, or of its file of classes; borrowed.
igd_class_names igd_dataset_class_names(const igd_dataset *d);

#endif
