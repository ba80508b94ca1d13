// What is written down of an evaluation.
#ifndef IGD_EVALUATE_SETTINGS_H
#define IGD_EVALUATE_SETTINGS_H

#include "evaluate/session.h"

// All that decides about flags, for the state file; owned.
cJSON *igd_settings_state(const igd_session *s, const char *data_sha256);

// The provenance of the result, "command" to "settings"; owned.
cJSON *igd_settings_provenance(const igd_session *s, const char *data_sha256);

// Leaves of a provenance what decides about flags.
void igd_settings_identify(cJSON *provenance);

#endif
