// How APGD chooses its step size under Linf and L2: it looks at the losses of a window of
// iterates and halves the step where they rose too rarely or not at all. Known apart from
// the iterates, of which it needs nothing.
// Source: Croce and Hein, ICML 2020, section 3.
#ifndef IGD_ATTACK_APGD_STEPS_H
#define IGD_ATTACK_APGD_STEPS_H

#include <stdbool.h>

typedef struct igd_apgd_steps {
    double size;          // of the next step
    double best;          // largest loss so far
    bool improved;        // whether the loss just told is the largest
    bool stalled;         // the first window ended without a larger loss than the start's
    int window;           // iterates from one checkpoint to the next
    int shortest, shrink; // windows get shorter by `shrink`, down to `shortest`
    int seen, rising;     // iterates of this window; those above their predecessor
    double rho;           // share of rising iterates that keeps the step
    double last;          // loss of the previous iterate
    double best_at_check; // `best` at the previous checkpoint
    bool reduced;         // whether that halved the step
    bool first_checkpoint; // still to come
    bool compare_with_start;
} igd_apgd_steps;

// For num_steps iterates and a first step of `size`. The published code compares the
// first iterate with a loss of 0 in place of that of the start; `compare_with_start`
// does what the paper says.
void igd_apgd_steps_begin(igd_apgd_steps *s, int num_steps, double size, double rho,
                          bool compare_with_start);
// Tells the loss at the start.
void igd_apgd_steps_start(igd_apgd_steps *s, double loss);
// Tells the loss of the next iterate. True if the step was halved: then the best point
// is where to go on from.
bool igd_apgd_steps_next(igd_apgd_steps *s, double loss);

#endif
