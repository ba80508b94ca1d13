// What is asked of an attack: which one, under what threat model, with what settings.
#ifndef IGD_ATTACK_ATTACK_JOB_H
#define IGD_ATTACK_ATTACK_JOB_H

#include "igdef/attack.h"
#include "model/classifier.h"

#define IGD_MAX_PARAMETERS 16

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
    bool doubted; // whether another classifier decides what is a find: f->exact
    bool differentiable;
} igd_attack_job;

// A job with default settings. @return IGD_EINVAL if the attack does not know the norm or
// eps is not in its range
igd_status igd_attack_job_init(igd_attack_job *job, const igd_attack *a,
                               const igd_threat *threat, const igd_classifier *f,
                               uint64_t seed);
// Sets a parameter. @return IGD_EINVAL if there is none of that name, with the nearest
// one, or the value is out of range
igd_status igd_attack_job_set(igd_attack_job *job, const char *name, double value);
// The same from a text: a number, or the name of a choice.
igd_status igd_attack_job_set_text(igd_attack_job *job, const char *name,
                                   const char *text);
// A parameter and its value in the job; NULL where the attack has none of that name.
const igd_parameter *igd_attack_job_get(const igd_attack_job *job, const char *name,
                                        double *value);
// Draws of the classifier's noise for each point.
int igd_attack_job_samples(const igd_attack_job *job);
// The most passes that an image takes, all runs and samples counted.
void igd_attack_job_passes(const igd_attack_job *job, double *forwards,
                           double *backwards);
// What is done in place of what was asked; NULL for nothing. @return borrowed, static
const char *igd_attack_substitution(const igd_attack_job *job);

#endif
