// The order that classes are numbered in where it follows from their names.
#ifndef IGD_DATA_CLASS_ORDER_H
#define IGD_DATA_CLASS_ORDER_H

#include "data/dataset_impl.h"

// Puts names [num], in byte order, into natural order where options ask for it, and warns
// where it is another. `what` the names are of stands in messages, as "class folders".
igd_status igd_class_order(igd_source *s, char **names, int64_t num, const char *what,
                           const char *path);

// Warns where labels alone, which are taken in the order of the images' names [s->num],
// may have been written in their natural order.
igd_status igd_class_order_check_images(igd_source *s, const char *const *names);

#endif
