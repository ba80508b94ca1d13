// Test-time defenses that move the image before they classify it: each climbs a gradient
// of the base model, then classifies what it came to.
//
// Who differentiates such a classifier sees the move as a constant: the gradient is that
// of the base model at the moved image (the identity in place of the climb's own
// gradient).
#ifndef IGD_DEFEND_CLIMB_H
#define IGD_DEFEND_CLIMB_H

#include "defend/defense_impl.h"

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

// Whether so many steps can be climbed on the base model.
igd_status igd_climb_check(const igd_defense *d, const igd_climb *climb);
// Whether a size of a step or ball is a number > 0.
igd_status igd_climb_check_size(double v, const char *what);

// The classifier of a defense that climbs; its d->climb says how.
void igd_climbing_classifier(igd_classifier *f, const igd_defense_view *view);

#endif
