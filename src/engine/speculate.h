// What runs without gradients will probably ask next.
//
// A search by queries mostly learns that its last proposal was no better, and then the
// next one does not depend on the answer. Places of the batch that no run needs are
// filled with such proposals. An answer counts only if its run then asks for the very
// same point, so nothing changes but how many queries a pass answers.
#ifndef IGD_ENGINE_SPECULATE_H
#define IGD_ENGINE_SPECULATE_H

#include "engine/engine_impl.h"

// Fills free places after the runs in flight, shared out among these. Copies of runs live
// there; they have no item. @return how many places are in use
int igd_speculate(igd_engine *e);

// The place whose point, and whose draw of the classifier's noise, are those of p's k-th
// guess, if that is what p asks for now; else NULL.
const igd_slot *igd_speculated(const igd_engine *e, const igd_slot *p, int k);

#endif
