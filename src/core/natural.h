// Natural order of texts: runs of digits count as numbers, so that 2 comes before 10.
#ifndef IGD_CORE_NATURAL_H
#define IGD_CORE_NATURAL_H

#include <stdint.h>

// As strcmp() but for runs of digits; 0 for the same bytes alone.
int igd_natural_compare(const char *a, const char *b);

// The first of names [num], in byte order, that has another place in natural order, with
// the name of that place in *instead; NULL where all have the same.
const char *igd_natural_first_moved(const char **instead, const char *const *names,
                                    int64_t num);

#endif
