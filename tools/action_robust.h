// The check that --min-robust asks for.
#ifndef IGDEF_ACTION_ROBUST_H
#define IGDEF_ACTION_ROBUST_H

#include "igdef.h"

// Compares the robust accuracy of a result with `least`: by the lower end of its 95 %
// interval, or by itself where `by_point`. Writes what was found and what that means.
// `enough` is whether it is high enough.
#define ROBUST_TEXT_MAX 320
igd_status robust_check(bool *enough, char text[ROBUST_TEXT_MAX], const igd_result *r,
                        double least, bool by_point);

#endif
