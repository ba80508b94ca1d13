// Running the steps of an evaluation, one column after another.
#ifndef IGD_EVALUATE_CASCADE_H
#define IGD_EVALUATE_CASCADE_H

#include "evaluate/session.h"

// Judges the clean images that are not judged yet.
igd_status igd_cascade_clean(igd_session *s);

// Takes over what options->smaller broke.
igd_status igd_cascade_known(igd_session *s);

// Runs all steps on the images that they want and that are not done yet. @return
// IGD_ECANCELED when the user wants to stop; what is finished is saved then.
igd_status igd_cascade_attacks(igd_session *s);

#endif
