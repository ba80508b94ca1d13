// The images in flight of a run that keeps a state, in a file beside it: "STATE.flight".
// With it an interrupted attack goes on in the middle of its images. The file is only
// worth time: whatever is missing, damaged or of another run counts as absent, and the
// images start again, to the same end.
#ifndef IGD_EVALUATE_CHECKPOINT_H
#define IGD_EVALUATE_CHECKPOINT_H

#include "attack/attack_impl.h"
#include "evaluate/session.h"

typedef struct igd_flights igd_flights;

// Opens what an earlier sitting left of one attack: the `place`-th job of a column.
// Reads nothing and keeps nothing where the run has no state.
igd_status igd_flights_open(igd_flights **out, const igd_session *s, int column,
                            int place);
void igd_flights_free(igd_flights *f); // NULL is fine

// What was left of an image, for igd_attack_feed.earlier; NULL for nothing.
const unsigned char *igd_flights_of(const igd_flights *f, size_t *size, int64_t image);

// Whether it is time to save: every so many seconds, but never a large share of them.
bool igd_flights_due(const igd_flights *f);
igd_status igd_flights_save(igd_flights *f, const igd_flight *flight);

// Removes the file of a state; nothing where there is none.
void igd_flights_remove(const char *state);

#endif
