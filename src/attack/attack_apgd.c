// APGD: gradient steps whose length falls when the loss stops rising, with a return to
// the best point seen. Untargeted, and for randomised classifiers.
// Sources: Croce and Hein, ICML 2020, Algorithm 1 and section 4; for L1 Croce and Hein,
// ICML 2021.
//
// Algorithm 1, for a loss f that is to rise, a projection P on the ball, N steps and
// checkpoints W; the state machine's parts stand beside its lines:
//
//   x(0) at random in the ball                                   igd_apgd_start
//   for k = 0 .. N - 1
//       z(k+1) = P(x(k) + eta grad f(x(k)))                      move_linf, move_l2
//       x(k+1) = P(x(k) + alpha (z(k+1) - x(k))                  the same; alpha is 1
//                       + (1 - alpha) (x(k) - x(k-1)))           in the first step
//       if f(x(k+1)) is the largest so far                       improved
//           x_max = x(k+1)
//       if k is in W, and condition 1 or condition 2 holds       igd_apgd_steps_next
//           eta = eta / 2, x(k+1) = x_max                        igd_apgd_gradient
//
// igd_apgd_logits takes f(x(k)), igd_apgd_gradient takes grad f(x(k)) and makes the step.
#include "attack/attack_apgd.h"

#include <math.h>
#include <string.h>

#include "core/logits.h"
#include "core/pixels.h"

#define TINY 1e-12
#define ALPHA 0.75f  // share of a step that is new; the rest is the previous move
#define NUM_STAGES 3 // of the L1 schedule of radii: 3 eps, 2 eps, eps
#define EARLY 0.3    // share of the steps that each stage but the last takes

// Arrays of a run.
enum {
    BEST,      // iterate of the largest loss
    BEST_GRAD, // gradient there
    OLD,       // the iterate before the last step; under L1 room to work in
    NUM_ARRAYS
};

int igd_apgd_num_arrays(const igd_attack_job *job)
{
    (void)job;
    return NUM_ARRAYS;
}

igd_passes igd_apgd_most_passes(const igd_attack_job *job)
{
    return (igd_passes){.forwards = job->value[APGD_STEPS] + 1.0,
                        .backwards = job->value[APGD_STEPS]};
}

// --- stages: L1 goes from a large radius to eps, the others have one

static bool in_last_stage(const igd_apgd *s)
{
    return s->stage == s->num_stages - 1;
}

static igd_ball stage_ball(const igd_run *r)
{
    const igd_apgd *s = r->state;
    return igd_run_ball_of(r, (s->num_stages - s->stage) * r->job->threat.eps);
}

// Begins the stage, at noise or at a point of its ball.
static void stage_begin(igd_run *r, bool at_noise)
{
    const int steps = (int)r->job->value[APGD_STEPS];
    const int early = (int)ceil(EARLY * steps);
    const igd_ball ball = stage_ball(r);
    igd_apgd *s = r->state;

    s->num_steps = in_last_stage(s) ? steps - (s->num_stages - 1) * early : early;
    s->step = 0;
    igd_apgd_l1_begin(&s->l1, s->num_steps, &ball, at_noise ? NULL : r->point);
}

// Goes on with the next radius, from the best point of this one.
static igd_want stage_next(igd_run *r)
{
    igd_apgd *s = r->state;

    s->stage++;
    const igd_ball ball = stage_ball(r);
    memcpy(r->point, r->array[BEST], (size_t)ball.d * sizeof(float));
    igd_ball_project(r->point, &ball);
    stage_begin(r, false);
    return IGD_WANT_LOGITS;
}

// --- x(0)

igd_want igd_apgd_start(igd_run *r, igd_loss loss, int target)
{
    const igd_attack_job *job = r->job;
    const igd_stream stream = igd_run_stream(r, 0);
    const bool l1 = job->threat.norm == IGD_NORM_L1;
    const int num_steps = (int)job->value[APGD_STEPS];
    igd_apgd *s = r->state;

    s->loss = igd_loss_for_classes(loss, job->num_classes);
    s->target = target;
    s->num_steps = num_steps;
    s->num_stages = 1;
    if (l1 && job->value[APGD_LARGE_RADII] != 0.0 && num_steps >= NUM_STAGES)
        s->num_stages = NUM_STAGES;
    igd_apgd_steps_begin(&s->steps, num_steps, 2.0 * job->threat.eps,
                         job->value[APGD_RHO], job->value[APGD_FIRST_WINDOW] != 0.0);
    const igd_ball ball = stage_ball(r);
    // The code behind transfer attacks starts inside the ball, AutoAttack on its surface.
    if (job->mode == IGD_RETURN_HIGH_LOSS)
        igd_ball_start_inside(r->point, &ball, &stream);
    else
        igd_ball_start(r->point, &ball, &stream);
    if (l1)
        stage_begin(r, s->num_stages == 1);
    return IGD_WANT_LOGITS;
}

// --- the step: takes x and its gradient, which are the point and its own or the best
// ones, writes the next point and keeps x as the old one. x may be the point.

static void move_linf(igd_run *r, const float *x, const float *grad, float alpha)
{
    const float eta = (float)((const igd_apgd *)r->state)->steps.size;
    const float *lower = r->lower, *upper = r->upper;
    float *old = r->array[OLD], *point = r->point;

    for (int64_t i = 0; i < r->job->num_pixels; i++) {
        const float now = x[i], momentum = now - old[i];
        const float z = igd_clamp(now + eta * igd_sign(grad[i]), lower[i], upper[i]);
        const float next = now + (z - now) * alpha + momentum * (1.0f - alpha);
        old[i] = now;
        point[i] = igd_clamp(next, lower[i], upper[i]);
    }
}

static void move_l2(igd_run *r, const float *x, const float *grad, float alpha)
{
    const igd_ball ball = igd_run_ball(r);
    const double eta = ((const igd_apgd *)r->state)->steps.size;
    float *old = r->array[OLD], *point = r->point;
    double length = 0.0, far = 0.0;

    for (int64_t i = 0; i < ball.d; i++)
        length += (double)grad[i] * (double)grad[i];
    const float step = (float)(eta / (sqrt(length) + TINY));
    for (int64_t i = 0; i < ball.d; i++) {
        const double delta = (double)x[i] + (double)(step * grad[i]) - (double)r->x[i];
        far += delta * delta;
    }
    far = sqrt(far);
    const float shrink = far > (double)ball.eps ? (float)((double)ball.eps / far) : 1.0f;
    for (int64_t i = 0; i < ball.d; i++) {
        const float now = x[i], momentum = now - old[i];
        const float delta = now + step * grad[i] - r->x[i];
        const float z = igd_clamp(r->x[i] + delta * shrink, 0.0f, 1.0f);
        old[i] = now;
        point[i] = now + (z - now) * alpha + momentum * (1.0f - alpha);
    }
    igd_ball_project(point, &ball);
}

static void move(igd_run *r, const float *x, const float *grad)
{
    const igd_apgd *s = r->state;
    const float alpha = s->step == 0 ? 1.0f : ALPHA;
    const igd_ball ball = stage_ball(r);

    switch (ball.norm) {
    case IGD_NORM_LINF:
        move_linf(r, x, grad, alpha);
        break;
    case IGD_NORM_L2:
        move_l2(r, x, grad, alpha);
        break;
    case IGD_NORM_L1: // without momentum
        igd_apgd_l1_move(r->point, &s->l1, &ball, x, grad, r->array[OLD]);
        break;
    }
}

// --- f(x(k))

// The loss at the point, and into r->weight its derivative.
static double loss_at(igd_run *r, const float *z)
{
    const igd_attack_job *job = r->job;
    const igd_apgd *s = r->state;
    const igd_loss_at at =
        igd_loss_eval_samples(r->weight, s->loss, z, r->samples, job->num_classes,
                              r->label, s->target, job->value[APGD_EOT_COMPAT] != 0.0);

    // DLR is constant where the label is third. That matters only where a misclassified
    // point does not end the search: there CW, its numerator, shows the way on.
    if (at.plateau && job->mode == IGD_RETURN_HIGH_LOSS) {
        (void)igd_loss_eval_samples(r->weight, IGD_LOSS_CW, z, r->samples,
                                    job->num_classes, r->label, 0, false);
        r->plateaus++;
    }
    return at.value;
}

// The class of the point: that of the mean of the samples, or as AutoAttack has it of the
// last one.
static int class_at(const igd_run *r, const float *z)
{
    const size_t C = (size_t)r->job->num_classes;
    if (r->job->value[APGD_EOT_COMPAT] != 0.0)
        return igd_argmax(z + (size_t)(r->samples - 1) * C, (int)C);
    return igd_run_prediction(r, z);
}

// Takes a misclassified point. True if the run may end.
static bool found(igd_run *r, double loss)
{
    // AutoAttack keeps the last misclassified point, transfer mode the one of largest
    // loss.
    if (r->job->mode == IGD_RETURN_FOOLED || !r->fooled || loss > r->loss)
        return igd_run_found(r, loss);
    return false;
}

// Takes a point of larger loss than any before.
static void improved(igd_run *r, double loss)
{
    const igd_apgd *s = r->state;
    const size_t bytes = (size_t)r->job->num_pixels * sizeof(float);

    memcpy(r->array[BEST], r->point, bytes);
    if (r->fooled || !in_last_stage(s))
        return;
    r->loss = loss;
    if (r->job->mode == IGD_RETURN_HIGH_LOSS)
        memcpy(r->x_adv, r->point, bytes);
}

// Tells the loss to what chooses the step. True if the next one goes from x_max.
static bool adapt(igd_run *r, double loss)
{
    igd_apgd *s = r->state;
    bool back = false;

    if (s->step == 0)
        igd_apgd_steps_start(&s->steps, loss);
    else
        back = igd_apgd_steps_next(&s->steps, loss);
    if (s->steps.improved)
        improved(r, loss);
    r->stalled = s->steps.stalled;
    if (r->job->threat.norm != IGD_NORM_L1)
        return back;
    const igd_ball ball = stage_ball(r);
    return s->step > 0 && igd_apgd_l1_next(&s->l1, &ball, r->array[BEST]);
}

igd_want igd_apgd_logits(igd_run *r, const float *z)
{
    igd_apgd *s = r->state;
    const double loss = loss_at(r, z);
    const bool last_step = s->step == s->num_steps;

    if (class_at(r, z) != r->label && in_last_stage(s) && found(r, loss))
        return IGD_WANT_END;
    s->back = adapt(r, loss);
    if (last_step && !in_last_stage(s))
        return stage_next(r);
    // Nothing uses the gradient at the last iterate.
    return last_step && r->job->shortcuts ? IGD_WANT_END : IGD_WANT_GRAD;
}

// --- grad f(x(k))

igd_want igd_apgd_gradient(igd_run *r, const float *grad)
{
    const size_t bytes = (size_t)r->job->num_pixels * sizeof(float);
    igd_apgd *s = r->state;

    if (s->step == s->num_steps)
        return IGD_WANT_END;
    if (s->steps.improved)
        memcpy(r->array[BEST_GRAD], grad, bytes);
    if (s->step == 0) // there is no momentum yet
        memcpy(r->array[OLD], r->point, bytes);
    if (s->back)
        move(r, r->array[BEST], r->array[BEST_GRAD]);
    else
        move(r, r->point, grad);
    s->step++;
    return IGD_WANT_LOGITS;
}

// --- the attacks, which differ in their losses

int igd_apgd_samples(const igd_attack_job *job)
{
    return (int)job->value[APGD_EOT];
}

int igd_apgd_restarts(const igd_attack_job *job)
{
    return (int)job->value[APGD_RESTARTS];
}

static igd_want ce_start(igd_run *r)
{
    return igd_apgd_start(r, IGD_LOSS_CE, 0);
}

static igd_want dlr_start(igd_run *r)
{
    return igd_apgd_start(r, IGD_LOSS_DLR, 0);
}

static igd_want cw_start(igd_run *r)
{
    return igd_apgd_start(r, IGD_LOSS_CW, 0);
}

static igd_want pma_start(igd_run *r)
{
    return igd_apgd_start(r, IGD_LOSS_MARGIN, 0);
}

static const char *dlr_substitution(const igd_attack_job *job)
{
    return job->num_classes < 3 ? "2 classes: CW takes the place of DLR" : NULL;
}

// The two losses of AutoAttack's version for randomised defenses, one after the other.

enum { LOSSES = APGD_NUM_PARAMETERS }; // place in the table of parameters
enum { EOT_BOTH, EOT_CE, EOT_DLR };    // its values

static int eot_runs(const igd_attack_job *job)
{
    return ((int)job->value[LOSSES] == EOT_BOTH ? 2 : 1) * igd_apgd_restarts(job);
}

static igd_want eot_start(igd_run *r)
{
    const int losses = (int)r->job->value[LOSSES];
    const bool ce =
        losses == EOT_BOTH ? r->index < igd_apgd_restarts(r->job) : losses == EOT_CE;
    return igd_apgd_start(r, ce ? IGD_LOSS_CE : IGD_LOSS_DLR, 0);
}

// clang-format off
static const igd_parameter parameters[] = {APGD_PARAMETERS(1)};
static const igd_parameter eot_parameters[] = {
    APGD_PARAMETERS(20),
    [LOSSES] = {"losses", 0, 0, 2, true,
                "cross-entropy and DLR (0), or one of them alone (1, 2)", NULL},
};

#define ATTACK(id, attack_name, text, runs, table, begin, substitute)                    \
    const igd_attack id = {APGD_ATTACK(attack_name, text, table),                        \
                           .substitution = (substitute),                                 \
                           .num_runs = (runs),                                           \
                           .most_passes = igd_apgd_most_passes,                          \
                           .start = (begin),                                             \
                           .logits = igd_apgd_logits,                                    \
                           .gradient = igd_apgd_gradient}

ATTACK(igd_attack_apgd_ce, "apgd-ce", "APGD on cross-entropy",
       igd_apgd_restarts, parameters, ce_start, NULL);
ATTACK(igd_attack_apgd_dlr, "apgd-dlr", "APGD on the difference of logits ratio",
       igd_apgd_restarts, parameters, dlr_start, dlr_substitution);
ATTACK(igd_attack_apgd_cw, "apgd-cw", "APGD on the margin of the logits",
       igd_apgd_restarts, parameters, cw_start, NULL);
ATTACK(igd_attack_apgd_pma, "apgd-pma", "APGD on the margin of the probabilities",
       igd_apgd_restarts, parameters, pma_start, NULL);
ATTACK(igd_attack_apgd_eot, "apgd-eot",
       "APGD on cross-entropy, then DLR, with gradients averaged over random passes",
       eot_runs, eot_parameters, eot_start, dlr_substitution);
// clang-format on
