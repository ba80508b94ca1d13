// The places of a batch: where runs live, in what order, and which noise they get.
#ifndef IGD_ENGINE_PLACES_H
#define IGD_ENGINE_PLACES_H

#include "engine/engine_impl.h"

// Memory for e->capacity places; igd_places_free() releases, after a failure too.
igd_status igd_places_make(igd_engine *e);
void igd_places_free(igd_engine *e);

// Exchanges two runs.
void igd_places_swap(const igd_engine *e, igd_slot *a, igd_slot *b);
// Closes the gaps that ended runs left.
void igd_places_compact(igd_engine *e);
// Puts the runs that want no gradient first. @return how many they are
int igd_places_labels_first(const igd_engine *e);

// Which draw of the classifier's noise the row of a sample is.
igd_draw igd_slot_draw(const igd_engine *e, const igd_slot *p, int sample);

#endif
