// What an evaluation runs: the list of attacks with its ensembles taken apart into steps,
// each with one column of the flags, and the lines of the report over them.
#ifndef IGD_EVALUATE_PLAN_H
#define IGD_EVALUATE_PLAN_H

#include <cjson/cJSON.h>

#include "attack/attack_job.h"
#include "evaluate/views.h"
#include "result/result_impl.h"

// How a step's points come about.
typedef enum igd_route {
    IGD_ROUTE_WHITE,     // made on what is judged
    IGD_ROUTE_TRANSFER,  // made on the base model
    IGD_ROUTE_OWN,       // the highest-loss points of what is judged
    IGD_ROUTE_SURROGATE, // with gradients at a larger temperature
    IGD_ROUTE_JOINT      // with a loss on both passes
} igd_route;

typedef enum igd_step_kind {
    IGD_STEP_CLEAN,
    IGD_STEP_ATTACK,
    IGD_STEP_KNOWN,      // broken at a smaller radius; no job
    IGD_STEP_GIVEN,      // points of a larger radius, see igd_start; no job
    IGD_STEP_AUDIT,      // another step again, without shortcuts, on some images
    IGD_STEP_SATURATION, // another step again with twice the steps, on some images
    IGD_STEP_RADIUS,     // another step again at a huge radius, on some images
    IGD_STEP_BESIDE      // another step on the images that it did not get to see, since
                         // attacks of another role had fooled them
} igd_step_kind;

// What an attack knows of what is judged. An attack that knows less should not win.
typedef enum igd_role {
    IGD_ROLE_NONE,
    IGD_ROLE_GRADIENT,  // its gradients
    IGD_ROLE_BLACK_BOX, // its answers
    IGD_ROLE_TRANSFER   // the base model alone
} igd_role;

#define IGD_STEP_JOBS 6

typedef struct igd_step {
    char name[IGD_NAME_LENGTH];
    igd_step_kind kind;
    igd_route route;
    // Tried in this order until one fools what it runs on. More than one only where the
    // points are made on the base model.
    igd_attack_job jobs[IGD_STEP_JOBS];
    int num_jobs;
    int group;   // steps of a group attack only what the earlier ones of it left
    int half_of; // column of the step whose other half it is, under another loss; 0 for
                 // none
    int repeats; // column of the step that it repeats; 0 for none
} igd_step;

typedef struct igd_plan {
    igd_step steps[IGD_MAX_STEPS]; // step k fills column k; 0 is the clean images
    int num_steps;
    int num_main; // columns 0 .. num_main-1 are the result's, the others checks
    igd_entry entries[IGD_MAX_STEPS];
    int num_entries;
} igd_plan;

// Takes options->attacks and options->set apart. @return IGD_EINVAL naming the nearest
// known name; IGD_ENOMEM. *out is owned (free()).
igd_status igd_plan_make(igd_plan **out, const igd_views *views,
                         const igd_evaluate_options *options);

// The classifier that a step attacks.
const igd_classifier *igd_step_attacked(const igd_step *s, const igd_views *views);

// Whether it runs an attack: clean images, and what is taken over, need none.
bool igd_step_attacks(const igd_step *s);

igd_role igd_step_role(const igd_step *s, const igd_views *views);

// Whether its points are made on the base model for another one or for later runs.
bool igd_step_is_set(const igd_step *s);

// Everything about the attacks that decides about flags; owned, NULL without memory.
cJSON *igd_plan_json(const igd_plan *p);
cJSON *igd_job_json(const igd_attack_job *job);

// plan_checks.c: appends the checking steps to the attacks.
igd_status igd_plan_add_checks(igd_plan *p, const igd_views *views,
                               const igd_evaluate_options *options);

// Adds a warning for every attack that does something else than was asked.
void igd_plan_warn(const igd_plan *p, igd_warnings *w);

#endif
