// How attacks are written and run.
//
// An attack is a state machine over one image: it says at which point it wants the
// classifier's answer, is told the logits there, may ask for the gradient of a weighted
// sum of those logits, and moves on. attack.c asks for many images at once, so a batch is
// always full, an image leaves as soon as its flag is known, and no image can influence
// another. The code of an attack therefore reads as the papers write it, for one image,
// on plain arrays.
//
// The work on an image is split into runs that do not depend on one another: restarts and
// targets. They are tried in order; the tail of a data set runs several at once.
#ifndef IGD_ATTACK_IMPL_H
#define IGD_ATTACK_IMPL_H

#include "igdef/attack.h"
#include "model/classifier.h"

#define IGD_MAX_PARAMETERS 16

// What a run wants next.
typedef enum igd_want {
    IGD_WANT_LOGITS, // the logits at run->point
    IGD_WANT_GRAD,   // the gradient at the point just evaluated, of sum(weight * logits)
    IGD_WANT_END     // nothing: run->fooled and run->x_adv are final
} igd_want;

// What a caller wants from an attack.
typedef enum igd_return {
    IGD_RETURN_FOOLED,   // AutoAttack mode: the flag; may stop at the first success
    IGD_RETURN_HIGH_LOSS // transfer mode: a misclassified point, else that of highest
                         // loss
} igd_return;

// Everything that all images of one attack share. Immutable while it runs.
typedef struct igd_attack_job {
    const igd_attack *attack;
    igd_threat threat;
    double value[IGD_MAX_PARAMETERS]; // of the attack's parameters, in their order
    igd_return mode;
    bool shortcuts; // skip work that cannot change a flag
    uint64_t seed;
    int num_classes;
    int64_t num_pixels; // d = C * H * W
    int64_t shape[3];
    bool deterministic;
} igd_attack_job;

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

    float *point;  // [d] where the classifier is asked; written by the attack
    float *weight; // [samples, num_classes] for IGD_WANT_GRAD; written by the attack
    float *x_adv;  // [d] result; equals x before anything better is found
    double loss;   // of x_adv, where the attack maximises one; for transfer mode
    bool fooled;   // whether x_adv is misclassified

    void *state; // the attack's own, attack->state_size bytes, zeroed
} igd_run;

struct igd_attack {
    const char *name;
    const char *help;
    unsigned norms; // 1 << norm for each norm it knows
    int num_parameters;
    const igd_parameter *parameters;
    // NULL where every setting is fine; else the reason why this one is not.
    igd_status (*check)(const igd_attack_job *job);
    int (*num_runs)(const igd_attack_job *job);
    int (*num_samples)(const igd_attack_job *job); // EoT draws; NULL for 1
    size_t (*state_size)(const igd_attack_job *job);
    // Sets point and says IGD_WANT_LOGITS, or IGD_WANT_END where there is nothing to do.
    igd_want (*start)(igd_run *r);
    // Takes the logits [samples, num_classes] at point.
    igd_want (*logits)(igd_run *r, const float *z);
    // Takes the gradient [d], averaged over the samples; NULL for attacks without.
    igd_want (*gradient)(igd_run *r, const float *grad);
};

// Value of a parameter by name; the name must be one of the attack's.
double igd_job_value(const igd_attack_job *job, const char *name);

// An image to attack.
typedef struct igd_target {
    int64_t image; // index in the data set
    int label;
    const float *x;     // [d], borrowed until its outcome was delivered
    const float *clean; // [num_classes] logits of x, borrowed likewise
} igd_target;

// What became of it.
typedef struct igd_outcome {
    int64_t image;
    bool fooled;
    double loss;
    const float
        *x_adv; // [d], borrowed for the call; the clean image where nothing is better
    int64_t forwards, backwards;
    int64_t bad;        // points with non-finite logits or gradients, which ended a run
    int64_t zero_grads; // gradients that were zero everywhere
} igd_outcome;

// Gives the next image; false when there is none left.
typedef bool (*igd_target_fn)(igd_target *out, void *payload);
// Takes an outcome, in the order in which images finish. Anything but IGD_OK stops the
// attack and is passed on.
typedef igd_status (*igd_outcome_fn)(const igd_outcome *o, void *payload);

// Attacks every image that `next` gives, up to `batch_size` at a time.
igd_status igd_attack_run(const igd_attack_job *job, const igd_classifier *f,
                          int batch_size, igd_target_fn next, igd_outcome_fn done,
                          void *payload);

#endif
