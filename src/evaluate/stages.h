// The way of an evaluation through its images: all at once in the data's order; in random
// order a few by all attacks, then the next, until a budget or a question ends it.
#ifndef IGD_EVALUATE_STAGES_H
#define IGD_EVALUATE_STAGES_H

#include "evaluate/session.h"
#include "result/result_impl.h"

// Whether what options ask of order, budget and end goes together.
igd_status igd_stages_check(const igd_evaluate_options *o);

// Gives the session its images in the order asked for.
igd_status igd_stages_order(igd_session *s);

// Judges the clean images in play. @return IGD_EINVAL where logits are not finite, unless
// that is allowed
igd_status igd_stages_clean(igd_session *s);

// Evaluates. @return IGD_OK, also where s->stop says why images are left; else, before
// any image was finished in random order, IGD_ECANCELED where it was interrupted and
// IGD_EINVAL where the budget ended
igd_status igd_stages_run(igd_session *s);

// Images that every step is done with and all before them: a fair sample of all.
int64_t igd_stages_finished(const igd_session *s);

// Their flags, less the columns of checks, in the order of the data.
igd_status igd_stages_flags(igd_flags *out, const igd_session *s);

// Notes in a result how far a run in random order came, and why no further.
igd_status igd_stages_describe(igd_result *r, const igd_session *s);

#endif
