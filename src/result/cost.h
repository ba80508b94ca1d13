// What steps of an evaluation cost.
#ifndef IGD_RESULT_COST_H
#define IGD_RESULT_COST_H

#include <stdint.h>

// What a step has cost so far, and what it met.
typedef struct igd_cost {
    int64_t forwards, backwards; // passes of one image through the attacked classifier
    double seconds;
    int64_t reused;     // images whose point came from the disk
    int64_t bad;        // points with logits or gradients that are not finite
    int64_t zero_grads; // gradients that were zero everywhere
    int64_t stalled;    // runs whose loss never rose in the first window
    int64_t unverified; // points that the attack took for adversarial, and are not
    int64_t outside;    // points outside the ball or [0, 1]
} igd_cost;

void igd_cost_add(igd_cost *to, const igd_cost *from);

#endif
