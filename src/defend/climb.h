// Test-time defenses that move the image before they classify it: each climbs a gradient
// of the base model, then classifies what it came to.
//
// Who differentiates such a classifier sees the move as a constant: the gradient is that
// of the base model at the moved image (the identity in place of the climb's own
// gradient).
#ifndef IGD_DEFEND_CLIMB_H
#define IGD_DEFEND_CLIMB_H

#include "defend/defense_kind.h"

// How one of them climbs. D pixels, C classes.
typedef struct igd_climb {
    int num_steps;
    // delta [D] at the start, from the draw; NULL for 0 and nothing random.
    void (*start)(float *delta, int64_t D, const igd_defense *d, igd_draw draw);
    // weight [C] := d objective / d logits, where their softmax is q [C]; `label` is the
    // base model's prediction on the clean image.
    void (*weigh)(float *weight, const double *q, int C, int label);
    // delta [D], of the image x [D], moves along grad [D].
    void (*move)(float *delta, const float *x, const float *grad, int64_t D,
                 const igd_defense *d);
} igd_climb;

// A defense that climbs: what the struct of its kind begins with.
typedef struct igd_climber {
    igd_defense common;
    igd_climb climb;
} igd_climber;

// A size of a step or ball, which must be a number > 0. `key` is its name in results.
typedef struct igd_climb_size {
    const char *key, *what;
    double value;
} igd_climb_size;

// igd_defense_begin() for them: the steps and `num` sizes are checked and described, and
// on failure nothing is left.
igd_status igd_climber_begin(igd_defense **out, size_t size, const igd_model *base,
                             const igd_defense_type *type, const igd_climb *climb,
                             const igd_climb_size *sizes, int num);

// For the types: the classifier of a defense that climbs, and why it is not exported.
void igd_climbing_classifier(igd_classifier *f, const igd_defense_view *view);
#define IGD_CLIMB_NO_EXPORT                                                              \
    "a defense that takes gradients inside its forward cannot be exported"

#endif
