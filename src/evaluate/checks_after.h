// What the checking steps of an evaluation counted: the object "checks" of a result. The
// counts of disjoint parts add up, and what they warn of follows from them alone.
#ifndef IGD_EVALUATE_CHECKS_AFTER_H
#define IGD_EVALUATE_CHECKS_AFTER_H

#include <cjson/cJSON.h>

#include "evaluate/session.h"

// Counts what the audit and the other checking steps found; *out is owned.
igd_status igd_counts_make(cJSON **out, const igd_session *s);

#endif
