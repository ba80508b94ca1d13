// Targeted APGD: one run for each target, until one fools the classifier, whatever it
// takes the image for then. AutoAttack's APGD-T, and MALT, which differ in the order of
// targets.
#include "attack/attack_apgd.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "attack/ball.h"
#include "core/error.h"
#include "core/logits.h"

// Places in the table of parameters.
enum { TARGETS = APGD_NUM_PARAMETERS, TARGETED_CE, ORDER, CANDIDATES };
enum { BY_LOGITS, BY_GRADIENT }; // values of ORDER

// Targets are the classes that the clean image is taken for most easily, label excluded:
// by falling logit, or as MALT has it, of the likeliest candidates by the distance of the
// boundary with the label, were the logits linear: gap of the logits over the dual norm
// of the gradient of that gap. Source: Melamed, Yehudai and Shamir, NeurIPS 2024, "MALT
// Powers Up Adversarial Attacks".

static bool by_gradient(const igd_attack_job *job)
{
    return (int)job->value[ORDER] == BY_GRADIENT;
}

static int at_most_wrong(const igd_attack_job *job, double wanted)
{
    return wanted < job->num_classes ? (int)wanted : job->num_classes - 1;
}

static int num_candidates(const igd_attack_job *job)
{
    return at_most_wrong(job, job->value[CANDIDATES]);
}

static int num_targets(const igd_attack_job *job)
{
    return at_most_wrong(job, job->value[TARGETS]);
}

static int targeted_runs(const igd_attack_job *job)
{
    return num_targets(job) * igd_apgd_restarts(job);
}

static igd_status targeted_check(const igd_attack_job *job)
{
    if (by_gradient(job) && job->value[CANDIDATES] < job->value[TARGETS])
        return igd_error(IGD_EINVAL, "%s: %g candidates cannot give %g targets",
                         job->attack->name, job->value[CANDIDATES], job->value[TARGETS]);
    return IGD_OK;
}

static igd_passes targeted_most_passes(const igd_attack_job *job)
{
    igd_passes p = igd_apgd_most_passes(job);
    if (by_gradient(job)) { // run 0 alone asks for them
        const double each = (double)num_candidates(job) / targeted_runs(job);
        p.forwards += each;
        p.backwards += each;
    }
    return p;
}

// The class that candidate k is: the likeliest one is 0.
static int candidate(const igd_run *r, int k)
{
    return igd_ranked_class(r->clean, r->job->num_classes, r->label, k);
}

// The candidate at a place by rising distance, which r->shared [num_candidates] holds;
// ties to the likelier one.
static int nearest_candidate(const igd_run *r, int place)
{
    const int num = num_candidates(r->job);
    for (int i = 0; i < num; i++) {
        int before = 0;
        for (int k = 0; k < num; k++)
            before +=
                r->shared[k] < r->shared[i] || (r->shared[k] == r->shared[i] && k < i);
        if (before == place)
            return candidate(r, i);
    }
    assert(false); // places are below the number of candidates
    return -1;
}

// The run's search, when its target is known.
static igd_want aim(igd_run *r)
{
    const igd_attack_job *job = r->job;
    const int place = r->index / igd_apgd_restarts(job);
    const int target =
        by_gradient(job) ? nearest_candidate(r, place) : candidate(r, place);
    const bool ce = job->value[TARGETED_CE] != 0.0;
    return igd_apgd_start(r, ce ? IGD_LOSS_T_CE : IGD_LOSS_T_DLR, target);
}

static igd_want targeted_start(igd_run *r)
{
    igd_apgd *s = r->state;

    if (!by_gradient(r->job) || r->index > 0)
        return aim(r);
    s->ranking = true;
    for (int k = 0; k < num_candidates(r->job); k++)
        r->shared[k] = INFINITY; // as long as its gradient is unknown
    memcpy(r->point, r->x, (size_t)r->job->num_pixels * sizeof(float));
    return IGD_WANT_LOGITS;
}

static igd_want targeted_logits(igd_run *r, const float *z)
{
    const size_t C = (size_t)r->job->num_classes;
    const igd_apgd *s = r->state;

    if (!s->ranking)
        return igd_apgd_logits(r, z);
    memset(r->weight, 0, (size_t)r->samples * C * sizeof(float));
    for (size_t i = 0; i < (size_t)r->samples; i++) {
        r->weight[i * C + (size_t)candidate(r, s->num_ranked)] = 1.0f;
        r->weight[i * C + (size_t)r->label] = -1.0f;
    }
    return IGD_WANT_GRAD;
}

static igd_want targeted_gradient(igd_run *r, const float *grad)
{
    const igd_attack_job *job = r->job;
    igd_apgd *s = r->state;

    if (!s->ranking)
        return igd_apgd_gradient(r, grad);
    const double length = igd_ball_dual_norm(grad, job->num_pixels, job->threat.norm);
    const float gap = r->clean[r->label] - r->clean[candidate(r, s->num_ranked)];
    // A gap that does not change is out of reach, however small.
    if (length > 0.0)
        r->shared[s->num_ranked] = (double)gap / length;
    if (++s->num_ranked < num_candidates(job))
        return IGD_WANT_LOGITS;
    s->ranking = false;
    return aim(r);
}

static const char *targeted_substitution(const igd_attack_job *job)
{
    const bool ce = job->value[TARGETED_CE] != 0.0;
    const bool fewer = job->value[TARGETS] > num_targets(job);

    if (job->num_classes == 2 && !ce)
        return "2 classes: CW takes the place of targeted DLR, with one target";
    if (job->num_classes == 3 && !ce)
        return fewer ? "3 classes: the targeted margin takes the place of targeted DLR, "
                       "with two targets"
                     : "3 classes: the targeted margin takes the place of targeted DLR";
    return fewer ? "fewer wrong classes than targets: every one of them is a target"
                 : NULL;
}

// clang-format off
static const char *const order_names[] = {
    [BY_LOGITS] = "logits",
    [BY_GRADIENT] = "gradient",
};

#define TARGETED_PARAMETERS(order_default)                                               \
    APGD_PARAMETERS(1),                                                                  \
    [TARGETS] = {"targets", 9, 1, 1000, true, "wrong classes to aim at", NULL},          \
    [TARGETED_CE] = {"targeted_ce", 0, 0, 1, true,                                       \
                     "aim by cross-entropy (1), not by targeted DLR", NULL},             \
    [ORDER] = {"order", order_default, 0, 1, true,                                       \
               "which come first: the likeliest (logits), or those whose gap of the "    \
               "logits is small for its gradient (gradient)", order_names},              \
    [CANDIDATES] = {"candidates", 100, 1, 1000, true,                                    \
                    "likeliest wrong classes whose gradients are compared", NULL}

static const igd_parameter targeted_parameters[] = {TARGETED_PARAMETERS(BY_LOGITS)};
static const igd_parameter malt_parameters[] = {TARGETED_PARAMETERS(BY_GRADIENT)};

#define ATTACK(id, attack_name, text, table)                                             \
    const igd_attack id = {APGD_ATTACK(attack_name, text, table),                        \
                           .check = targeted_check,                                      \
                           .substitution = targeted_substitution,                        \
                           .num_runs = targeted_runs,                                    \
                           .prepares = by_gradient,                                      \
                           .most_passes = targeted_most_passes,                          \
                           .start = targeted_start,                                      \
                           .logits = targeted_logits,                                    \
                           .gradient = targeted_gradient}

ATTACK(igd_attack_apgd_t, "apgd-t", "APGD on targeted DLR, one target after another",
       targeted_parameters);
ATTACK(igd_attack_malt, "malt",
       "APGD on targeted DLR, targets by gap of the logits over its gradient",
       malt_parameters);
// clang-format on
