// The control of a random classifier: what as many looks find where nothing was attacked.
#ifndef IGD_EVALUATE_CONTROL_H
#define IGD_EVALUATE_CONTROL_H

#include <cjson/cJSON.h>

#include "evaluate/session.h"

// Adds "control" to `checks`: for every entry of the plan and for all of them together,
// how many clean images withstand as many looks as the judge took at attacked ones, by
// each protocol, and how many draws are right at the worst look. Nothing where the
// classifier is deterministic. Once everything is attacked.
igd_status igd_control_make(cJSON *checks, igd_session *s);

#endif
