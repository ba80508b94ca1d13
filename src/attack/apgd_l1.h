// How APGD steps under L1: along the steepest coordinates alone, and how many these are
// and how far they go follows from how sparse the best perturbation is. Knows no loss.
// Source: Croce and Hein, ICML 2021, "Mind the box: l1-APGD for sparse adversarial
// attacks on image classifiers", Algorithm 1.
#ifndef IGD_ATTACK_APGD_L1_H
#define IGD_ATTACK_APGD_L1_H

#include "attack/ball.h"

typedef struct igd_apgd_l1 {
    float step_size;
    float sparsity; // share of the coordinates that the next step moves
    int64_t
        num_moved;    // coordinates in which the best point differed from x, a window ago
    int window, seen; // iterates of a window, and those of this one
} igd_apgd_l1;

// For num_steps iterates. They start at noise where `point` is NULL, else at that point
// of the ball.
void igd_apgd_l1_begin(igd_apgd_l1 *s, int num_steps, const igd_ball *ball,
                       const float *point);
// point := P(x + step along the steepest coordinates of grad), all [d]; x may be the
// point. work [d] is overwritten.
void igd_apgd_l1_move(float *point, const igd_apgd_l1 *s, const igd_ball *ball,
                      const float *x, const float *grad, float *work);
// Tells that one iterate more was seen, and the best point so far. True at the end of a
// window in which that got sparser: then it is where to go on from.
bool igd_apgd_l1_next(igd_apgd_l1 *s, const igd_ball *ball, const float *best);

#endif
