// Losses of one image as functions of its logits, and their derivatives in closed form.
// All are maximised.
//
// Values are double: attacks compare losses of neighbouring iterates, and what float
// would round to a tie is a difference here. Derivatives come scaled by a power of two:
// attacks only use directions, and a classifier that is sure of itself has derivatives of
// cross-entropy that float cannot hold, which would stop the attack though nothing is
// flat.
#ifndef IGD_ATTACK_LOSS_H
#define IGD_ATTACK_LOSS_H

#include <stdbool.h>

typedef enum igd_loss {
    IGD_LOSS_CE,     // logsumexp(z) - z_y
    IGD_LOSS_CW,     // max_{j != y} z_j - z_y, no offset, no clamp
    IGD_LOSS_DLR,    // (max_{j != y} z_j - z_y) / (z_1st - z_3rd + 1e-12)
    IGD_LOSS_T_CE,   // z_t - logsumexp(z)
    IGD_LOSS_T_CW,   // z_t - z_y
    IGD_LOSS_T_DLR,  // (z_t - z_y) / (z_1st - (z_3rd + z_4th) / 2 + 1e-12)
    IGD_LOSS_MARGIN, // max_{j != y} q_j - q_y with q = softmax(z)
} igd_loss;

// The loss that takes the place of one that needs more than C classes.
igd_loss igd_loss_for_classes(igd_loss loss, int C);

// An image's loss at one set of logits.
typedef struct igd_loss_at {
    double value;
    int exponent; // weight * 2^exponent is the derivative; INT_MIN where that is zero
    bool plateau; // DLR is constant here: y is third, and the derivative vanishes
} igd_loss_at;

// weight [C] receives the scaled derivative by z [C], largest magnitude in [0.5, 1) or
// all zero; NULL if it is not wanted. y is the label, t the target of targeted losses.
igd_loss_at igd_loss_eval(float *weight, igd_loss loss, const float *z, int C, int y,
                          int t);

// The same for several draws z [samples, C] of a randomised classifier: the mean value,
// or, if `last`, that of the last draw; weight [samples, C] on one scale. A plateau is
// one of all draws.
igd_loss_at igd_loss_eval_samples(float *weight, igd_loss loss, const float *z,
                                  int samples, int C, int y, int t, bool last);

// GAMA's objective: the margin of q = softmax(z) plus lambda * |reference - q|^2, with
// reference [C]; NULL for the margin alone.
igd_loss_at igd_loss_eval_gama(float *weight, const float *z, int C, int y,
                               const double *reference, double lambda);

#endif
