// One pass of the classifier for some of the runs in flight.
#ifndef IGD_ENGINE_ROUND_H
#define IGD_ENGINE_ROUND_H

#include "engine/engine_impl.h"

// Asks the classifier at the points of the slots [first, past) and tells the runs, with
// the gradients that they want where the pass is recorded. Slots whose item is NULL are
// guesses, which are told nothing.
igd_status igd_round_pass(igd_engine *e, int first, int past, bool recorded);

// Tells a run the logits [samples, C] at its point.
void igd_round_tell_logits(igd_engine *e, igd_slot *p, const float *z);

#endif
