// What a run finds is put to the vote where the classifier that it asked does not decide
// alone: one lucky draw of a randomised classifier is not an adversarial image, nor is
// what only rounding misclassifies.
#ifndef IGD_ENGINE_VOTE_H
#define IGD_ENGINE_VOTE_H

#include "engine/engine_impl.h"

// Whether the run's find must be put to the vote now.
bool igd_vote_due(const igd_engine *e, const igd_slot *p);

// Puts all finds to the vote that are due.
igd_status igd_vote(igd_engine *e);

#endif
