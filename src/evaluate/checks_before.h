// Reliability checks: what is asked of the classifier before the attacks.
#ifndef IGD_EVALUATE_CHECKS_BEFORE_H
#define IGD_EVALUATE_CHECKS_BEFORE_H

#include "evaluate/session.h"

// What a pass of one image takes, in seconds.
typedef struct igd_speed {
    double judged_forward, judged_backward;
    double base_forward, base_backward;
} igd_speed;

// Asks the classifier about its first images: is it random, does it give probabilities,
// do images influence one another, is there a gradient. Adds warnings and measures the
// speed.
igd_status igd_checks_before(igd_session *s, igd_speed *speed);

// Tells the user what the attacks will cost at most.
void igd_checks_forecast(const igd_session *s, const igd_speed *speed);

#endif
