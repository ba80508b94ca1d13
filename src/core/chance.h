// Whether an accuracy says that images, labels or normalisation are wrong.
#ifndef IGD_CORE_CHANCE_H
#define IGD_CORE_CHANCE_H

#include <stdbool.h>
#include <stddef.h>

// Whether a clean accuracy, in [0, 1], is no better than guessing among the classes, or
// of five classes and more less than three times that. Then text [size] says so, and
// where the reason may be found.
bool igd_chance_remark(char *text, size_t size, double accuracy, int num_classes);

#endif
