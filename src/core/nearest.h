// The known name nearest to a mistyped one.
#ifndef IGD_CORE_NEAREST_H
#define IGD_CORE_NEAREST_H

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// @return one of names [num] that is at most a third of its letters away, else NULL;
// borrowed. Distance: insertions, deletions, substitutions, swaps of neighbours.
const char *igd_nearest(const char *name, const char *const *names, int num);

// The failure "no <what> 'NAME'", with the nearest of names [num] where one is near.
igd_status igd_unknown(const char *what, const char *name, const char *const *names,
                       int num);

#ifdef __cplusplus
}
#endif

#endif
