// How attacks are written.
//
// An attack is a state machine over one image: it says at which point it wants the
// classifier's answer, is told the logits there, may ask for the gradient of a weighted
// sum of those logits, and moves on. The engine asks for many images at once, so a batch
// is always full, an image leaves as soon as its flag is known, and no image can
// influence another. The code of an attack therefore reads as the papers write it, for
// one image, on plain arrays.
//
// The work on an image is split into runs that do not depend on one another: restarts and
// targets. They are tried in order; the tail of a data set runs several at once. The
// outcome is that of the first run, in that order, that fooled the classifier, whatever
// order they end in.
#ifndef IGD_ATTACK_ATTACK_IMPL_H
#define IGD_ATTACK_ATTACK_IMPL_H

#include "attack/attack_job.h"
#include "attack/ball.h"
#include "core/random.h"

#define IGD_MAX_ARRAYS 4     // of d floats that a run works in
#define IGD_RUN_ALIGNMENT 64 // of its bytes: a line of the cache

// What a run wants next.
typedef enum igd_want {
    IGD_WANT_LOGITS, // the logits at run->point, and maybe a gradient there
    IGD_WANT_LABEL,  // the logits at run->point and no gradient there, which is cheaper
    IGD_WANT_GRAD,   // the gradient at the point just evaluated, of sum(weight * logits)
    IGD_WANT_END     // nothing: run->fooled and run->x_adv are final
} igd_want;

// One run on one image. Arrays live as long as the run.
typedef struct igd_run {
    const igd_attack_job *job;
    const float *x;     // [d] clean image
    const float *lower; // [d] max(x - eps, 0) under Linf, else 0
    const float *upper; // [d] min(x + eps, 1) under Linf, else 1
    const float *clean; // [num_classes] logits of x
    int label;
    int64_t image; // index in the data set, keys every random number
    int index;     // which of the image's runs, 0 .. num_runs-1
    int samples;   // draws of the classifier's noise per evaluation, >= 1

    float *point;     // [d] where the classifier is asked; written by the attack
    float *weight;    // [samples, num_classes] for IGD_WANT_GRAD; written by the attack
    float *x_adv;     // [d] result; equals x before anything better is found
    double loss;      // of x_adv, where the attack maximises one, for transfer mode; -inf
                      // before anything is found
    bool fooled;      // whether x_adv is misclassified
    bool stalled;     // the loss never rose in the first window; for a warning
    int64_t plateaus; // gradients of DLR that vanish identically and were replaced
    double distance;  // norm of the smallest perturbation found, in the ball or not, by
                      // attacks that look for it; INFINITY before that
    int64_t queries;  // of attacks with a budget of queries: those used up, including the
                      // ones whose answer was known

    double *shared; // [num_classes] of the image, where attack->prepares(): written by
                    // run 0, read by the others
    // What the attack declares, all zero when it starts. A run is saved and copied with
    // these bytes, so no pointer may be among them.
    void *state;                  // attack->state_size bytes, aligned for all
    double *per_class;            // [num_classes] where attack->per_class, else NULL
    float *array[IGD_MAX_ARRAYS]; // [d] each, the first attack->num_arrays(), else NULL
} igd_run;

// Passes of the classifier for one image.
typedef struct igd_passes {
    double forwards, backwards;
} igd_passes;

// The functions of an attack are called for several runs at once, from several threads,
// and write nothing but what their run points to.
struct igd_attack {
    const char *name;
    const char *help;
    unsigned norms;  // 1 << norm for each norm it knows
    bool many_grads; // whether gradient() may answer IGD_WANT_GRAD: another gradient at
                     // the same point, of the new weights
    bool only_finds; // whether it looks for a point beyond the boundary and knows no
                     // highest loss: nothing to transfer where it finds none
    int num_parameters;
    const igd_parameter *parameters;
    // NULL where every setting is fine; else the reason why this one is not.
    igd_status (*check)(const igd_attack_job *job);
    // What is done in place of what was asked, such as CW for DLR on two classes; one
    // line, static, NULL for nothing. The function may be NULL.
    const char *(*substitution)(const igd_attack_job *job);
    int (*num_runs)(const igd_attack_job *job);
    int (*num_samples)(const igd_attack_job *job); // EoT draws; NULL for 1
    // Whether run 0 prepares the others, which then wait for its end; NULL for never.
    bool (*prepares)(const igd_attack_job *job);
    // The most that a run takes, for each of its samples; on average where they differ.
    igd_passes (*most_passes)(const igd_attack_job *job);
    size_t state_size; // bytes of the attack's own struct
    bool per_class;    // whether a run has an array of doubles [num_classes]
    int (*num_arrays)(const igd_attack_job *job); // of [d]; NULL for none
    // Sets point and says IGD_WANT_LOGITS or IGD_WANT_LABEL, or IGD_WANT_END where there
    // is nothing to do.
    igd_want (*start)(igd_run *r);
    // Takes the logits [samples, num_classes] at point, all finite. An attack without
    // gradients is also told, on a copy of the run, that the label wins by far.
    igd_want (*logits)(igd_run *r, const float *z);
    // Takes the gradient [d], averaged over the samples, finite; NULL for attacks
    // without.
    igd_want (*gradient)(igd_run *r, const float *grad);
};

extern const igd_attack igd_attack_fgsm, igd_attack_pgd, igd_attack_gama_pgd;
extern const igd_attack igd_attack_apgd_ce, igd_attack_apgd_dlr, igd_attack_apgd_cw,
    igd_attack_apgd_t, igd_attack_apgd_pma, igd_attack_apgd_eot, igd_attack_malt;
extern const igd_attack igd_attack_fab, igd_attack_fab_t, igd_attack_square,
    igd_attack_rays;

// Bytes that a run's state and arrays take, a multiple of IGD_RUN_ALIGNMENT.
size_t igd_run_size(const igd_attack_job *job);
// Points the run's state and arrays into `bytes` of that size, so aligned.
void igd_run_lay_out(igd_run *r, void *bytes);

// The ball that the run may search, and one of another radius around the same image.
igd_ball igd_run_ball(const igd_run *r);
igd_ball igd_run_ball_of(const igd_run *r, double eps);
// The class that logits [samples, num_classes] name: the largest mean softmax, ties to
// the lowest class.
int igd_run_prediction(const igd_run *r, const float *z);
// Whether the engine puts a find to the vote, ends the run if the majority is wrong, and
// resets `fooled` if not: until then nothing is certain.
bool igd_job_votes(const igd_attack_job *job);
// Stores point as a misclassified x_adv. True if the run may end here: only the flag is
// wanted and it cannot change. It can where finds are put to the vote.
bool igd_run_found(igd_run *r, double loss);
// A stream of the run's random numbers; `counter` tells its streams apart.
igd_stream igd_run_stream(const igd_run *r, uint32_t counter);

#endif
