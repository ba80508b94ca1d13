// What the forms of APGD share: the state of a run, Algorithm 1, and the rows of their
// tables.
#ifndef IGD_ATTACK_ATTACK_APGD_H
#define IGD_ATTACK_ATTACK_APGD_H

#include "attack/apgd_l1.h"
#include "attack/apgd_steps.h"
#include "attack/attack_impl.h"
#include "attack/loss.h"

// Places in the tables of parameters; those of the targeted forms go on from there.
enum {
    APGD_STEPS,
    APGD_RESTARTS,
    APGD_RHO,
    APGD_EOT,
    APGD_EOT_COMPAT,
    APGD_FIRST_WINDOW,
    APGD_LARGE_RADII,
    APGD_NUM_PARAMETERS
};

typedef struct igd_apgd {
    igd_loss loss;
    int target; // class, for targeted losses
    int step, num_steps;
    bool back;             // the next step goes from x_max
    igd_apgd_steps steps;  // the best loss and, under Linf and L2, eta
    igd_apgd_l1 l1;        // what it has instead under L1
    int stage, num_stages; // from a large radius to eps
    // Targeted by gradients:
    bool ranking;   // run 0 is still putting the targets in order
    int num_ranked; // candidates whose distance it knows
} igd_apgd;

// Begins a run at x(0); r->state is an igd_apgd, zeroed but for what is named above.
igd_want igd_apgd_start(igd_run *r, igd_loss loss, int target);
// Take f(x(k)) and its gradient.
igd_want igd_apgd_logits(igd_run *r, const float *z);
igd_want igd_apgd_gradient(igd_run *r, const float *grad);

int igd_apgd_num_arrays(const igd_attack_job *job);
int igd_apgd_samples(const igd_attack_job *job);
int igd_apgd_restarts(const igd_attack_job *job);
igd_passes igd_apgd_most_passes(const igd_attack_job *job);

// clang-format off
#define APGD_PARAMETERS(eot_default)                                                     \
    [APGD_STEPS] = {"steps", 100, 1, 100000, true, "gradient steps", NULL},              \
    [APGD_RESTARTS] = {"restarts", 1, 1, 1000, true,                                     \
                       "runs, each from its own random start", NULL},                    \
    [APGD_RHO] = {"rho", 0.75, 0, 1, false,                                              \
                  "share of rising steps that keeps the step size", NULL},               \
    [APGD_EOT] = {"eot", eot_default, 1, 1000, true,                                     \
                  "random passes whose gradients are averaged", NULL},                   \
    [APGD_EOT_COMPAT] = {"eot_compat", 0, 0, 1, true,                                    \
                         "1: judge by the last pass alone, as AutoAttack does", NULL},   \
    [APGD_FIRST_WINDOW] = {"first_window", 0, 0, 1, true,                                \
        "compare the first loss with 0, as AutoAttack does, or with the start's (1)",    \
        NULL},                                                                           \
    [APGD_LARGE_RADII] = {"large_radii", 1, 0, 1, true,                                  \
                          "L1: go through 3 eps and 2 eps to eps (1)", NULL}

// What the rows of the attacks have in common.
#define APGD_ATTACK(attack_name, text, table)                                            \
    .name = (attack_name),                                                               \
    .help = (text),                                                                      \
    .norms = 1u << IGD_NORM_LINF | 1u << IGD_NORM_L2 | 1u << IGD_NORM_L1,                \
    .num_parameters = (int)(sizeof(table) / sizeof(*(table))),                           \
    .parameters = (table),                                                               \
    .num_samples = igd_apgd_samples,                                                     \
    .state_size = sizeof(igd_apgd),                                                      \
    .num_arrays = igd_apgd_num_arrays
// clang-format on

#endif
