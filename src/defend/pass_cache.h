// Passes that several defenses of one base model have in common: the first pass's logits,
// where the noise is the same, and the activation at the mask layer. What was computed of
// an image is kept in a temporary file, by a digest of all that it depends on, so memory
// does not grow with it.
#ifndef IGD_DEFEND_PASS_CACHE_H
#define IGD_DEFEND_PASS_CACHE_H

#include "igdef/evaluate.h"
#include "model/classifier.h"

// Computes rows [n, width] of images x [n, C, H, W].
typedef igd_tensor *(*igd_cached_fn)(igd_scope *s, const void *self, const igd_tensor *x,
                                     const igd_draw *draws);

// What is computed, and what decides about it beside the images.
typedef struct igd_cached_pass {
    const char *name; // says all of it
    bool drawn;       // the draws decide as well
    const igd_classifier *f;
    igd_cached_fn make;
    const void *self;
} igd_cached_pass;

// Rows [N, width] of x [N, C, H, W]: those that are there as they are, the others made.
// A row does not depend on the rows beside it, so the sum of both is what `make` gives.
igd_tensor *igt_cached(igd_scope *s, igd_pass_cache *t, const igd_cached_pass *part,
                       const igd_tensor *x, const igd_draw *draws);

// How many rows were asked for, and how many of them made.
void igd_pass_cache_counts(const igd_pass_cache *t, int64_t *asked, int64_t *made);

#endif
