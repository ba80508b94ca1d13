// The images in flight of a run that keeps a state, in a file beside it:
// "STATE.checkpoint". With it an interrupted attack goes on in the middle of its images.
// The file is only worth time: whatever is missing, damaged or of another run counts as
// absent, and the images start again, to the same end.
#ifndef IGD_EVALUATE_CHECKPOINT_H
#define IGD_EVALUATE_CHECKPOINT_H

#include "engine/engine.h"
#include "evaluate/session.h"

typedef struct igd_checkpoint igd_checkpoint;

// Opens what an earlier sitting left of one attack: the `place`-th job of a column.
// Reads nothing and keeps nothing where the run has no state.
igd_status igd_checkpoint_open(igd_checkpoint **out, const igd_session *s, int column,
                               int place);
void igd_checkpoint_free(igd_checkpoint *f); // NULL is fine

// What was left of an image, for igd_engine_feed.earlier; NULL for nothing.
const unsigned char *igd_checkpoint_of(const igd_checkpoint *f, size_t *size,
                                       int64_t image);

// Whether it is time to save: every so many seconds, but never a large share of them.
bool igd_checkpoint_due(const igd_checkpoint *f);
igd_status igd_checkpoint_save(igd_checkpoint *f, const igd_engine *engine);

// Removes the file of a state; nothing where there is none.
void igd_checkpoint_remove(const char *state);

// Removes what older versions kept beside a state, which is read no more; false where
// there is none.
bool igd_checkpoint_remove_first(const char *state);

#endif
