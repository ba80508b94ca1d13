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
// targets. They are tried in order; the tail of a data set runs several at once. The
// outcome is that of the first run, in that order, that fooled the classifier, whatever
// order they end in.
#ifndef IGD_ATTACK_IMPL_H
#define IGD_ATTACK_IMPL_H

#include "core/random.h"
#include "igdef/attack.h"
#include "model/classifier.h"

#define IGD_MAX_PARAMETERS 16

// What a run wants next.
typedef enum igd_want {
    IGD_WANT_LOGITS, // the logits at run->point, and maybe a gradient there
    IGD_WANT_LABEL,  // the logits at run->point and no gradient there, which is cheaper
    IGD_WANT_GRAD,   // the gradient at the point just evaluated, of sum(weight * logits)
    IGD_WANT_END     // nothing: run->fooled and run->x_adv are final
} igd_want;

// What a caller wants from an attack.
typedef enum igd_return {
    IGD_RETURN_FOOLED,   // AutoAttack mode: the flag; may stop at the first success
    IGD_RETURN_HIGH_LOSS // transfer mode: a misclassified point, else that of highest
                         // loss
} igd_return;

// Everything that all images of one attack share. Immutable while it runs. Made by
// igd_attack_job_init().
typedef struct igd_attack_job {
    const igd_attack *attack;
    igd_threat threat;
    double value[IGD_MAX_PARAMETERS]; // of the attack's parameters, in their order
    igd_return mode;                  // default IGD_RETURN_FOOLED
    bool shortcuts;                   // skip work that cannot change a flag; default true
    uint64_t seed;
    int votes; // draws of a randomised classifier that decide whether it is fooled;
               // default 5, the majority of which must be wrong
    int num_classes;
    int64_t num_pixels; // d = C * H * W
    int64_t shape[3];
    bool deterministic;
    bool differentiable;
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

    void *state; // the attack's own, attack->state_size bytes, zeroed, aligned for all
} igd_run;

// The functions of an attack are called for several runs at once, from several threads,
// and write nothing but what their run points to.
struct igd_attack {
    const char *name;
    const char *help;
    unsigned norms;  // 1 << norm for each norm it knows
    bool many_grads; // whether gradient() may answer IGD_WANT_GRAD: another gradient at
                     // the same point, of the new weights
    int num_parameters;
    const igd_parameter *parameters;
    // NULL where every setting is fine; else the reason why this one is not.
    igd_status (*check)(const igd_attack_job *job);
    // What is done in place of what was asked, such as CW for DLR on two classes; one
    // line, static, NULL for nothing. The function may be NULL.
    const char *(*substitution)(const igd_attack_job *job);
    int (*num_runs)(const igd_attack_job *job);
    int (*num_samples)(const igd_attack_job *job); // EoT draws; NULL for 1
    size_t (*state_size)(const igd_attack_job *job);
    // Points what pointers the state has into the run, after the state was read back from
    // a file; NULL for a state without pointers.
    void (*attach)(igd_run *r);
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
    igd_attack_apgd_t, igd_attack_apgd_pma, igd_attack_apgd_eot;
extern const igd_attack igd_attack_fab, igd_attack_fab_t, igd_attack_square,
    igd_attack_rays;

// For attacks.

// Value of a parameter by name; the name must be one of the attack's.
double igd_job_value(const igd_attack_job *job, const char *name);
// The class that logits [samples, num_classes] name: the largest mean softmax, ties to
// the lowest class.
int igd_run_prediction(const igd_run *r, const float *z);
// Stores point as a misclassified x_adv. True if the run may end here: only the flag is
// wanted and it cannot change. On a randomised classifier it never may: the engine puts
// x_adv to the vote, ends the run if the majority is wrong, and resets `fooled` if not.
bool igd_run_found(igd_run *r, double loss);
// A stream of the run's random numbers; `counter` tells its streams apart.
igd_stream igd_run_stream(const igd_run *r, uint32_t counter);

// For callers.

// A job with default settings. @return IGD_EINVAL if the attack does not know the norm or
// eps is not in its range
igd_status igd_attack_job_init(igd_attack_job *job, const igd_attack *a,
                               const igd_threat *threat, const igd_classifier *f,
                               uint64_t seed);
// Sets a parameter. @return IGD_EINVAL if there is none of that name, with the nearest
// one, or the value is out of range
igd_status igd_attack_job_set(igd_attack_job *job, const char *name, double value);
// What is done in place of what was asked; NULL for nothing. @return borrowed, static
const char *igd_attack_substitution(const igd_attack_job *job);

// An image to attack.
typedef struct igd_target {
    int64_t image; // index in the data set
    int label;
    const float *x;     // [d] in [0, 1], borrowed until its outcome was delivered
    const float *clean; // [num_classes] logits of x, borrowed likewise
} igd_target;

// What became of it. Costs and counts are those of the runs up to the one that fooled it,
// so they depend on nothing but the image; what later runs spent that were started ahead
// is not counted.
typedef struct igd_outcome {
    int64_t image;
    bool fooled;
    int run;     // which run fooled the classifier; -1 if none did
    double loss; // the largest of its runs' where none did
    const float
        *x_adv; // [d], borrowed for the call; the clean image where nothing is better
    int64_t forwards, backwards; // of single images
    int64_t bad;        // points with non-finite logits or gradients, which ended a run
    int64_t zero_grads; // gradients that were zero everywhere
    int64_t stalled;    // runs whose loss never rose in the first window
    int64_t plateaus;   // gradients of DLR that vanish identically and were replaced
    double distance;    // the least of its runs'; INFINITY where none was found
    int64_t queries;    // of attacks with a budget of queries, else 0
} igd_outcome;

// The images in flight, between two batches.
typedef struct igd_engine igd_engine;

// Writes them, one after another, each as it is handed to `put` as one piece: so that a
// later igd_attack_run() of the same job, of any batch size, goes on where this one is.
igd_status igd_engine_save(const igd_engine *e,
                           igd_status (*put)(int64_t image, const void *bytes,
                                             size_t size, void *payload),
                           void *payload);

// How many images' worth of work was done on those in flight, where one that survives
// takes so many passes at most.
double igd_engine_work(const igd_engine *e, double forwards, double backwards);

// Where images come from and outcomes go. All functions are called from the thread that
// called igd_attack_run(); anything but IGD_OK stops the attack and is passed on.
typedef struct igd_attack_feed {
    // Gives the next image; leaves out->x NULL when there is none left.
    igd_status (*next)(igd_target *out, void *payload);
    // Takes an outcome, in the order in which images finish.
    igd_status (*done)(const igd_outcome *o, void *payload);
    // Called after every batch, so that a user can interrupt and the images in flight can
    // be saved. May be NULL.
    igd_status (*tick)(const igd_engine *engine, void *payload);
    void *payload;
    // What igd_engine_save() gave for an image in an earlier sitting, borrowed until the
    // next call; NULL for nothing. May be NULL itself.
    const unsigned char *(*earlier)(size_t *size, int64_t image, void *payload);
} igd_attack_feed;

// Attacks every image of the feed, up to `batch_size` at a time. In IGD_RETURN_FOOLED
// mode an image that a deterministic classifier misclassifies as it is counts as fooled,
// by itself.
//
// Memory: for each of batch_size runs, d floats for each of: point (times its samples),
// gradient (likewise), x_adv, and, per image, both bounds and the best x_adv; plus the
// attack's state, given beside its state_size().
igd_status igd_attack_run(const igd_attack_job *job, const igd_classifier *f,
                          int batch_size, const igd_attack_feed *feed);

#endif
