// APGD: gradient steps whose length falls when the loss stops rising, with a return to
// the best point seen. Untargeted, targeted, and for randomised classifiers.
// Sources: Croce and Hein, ICML 2020, Algorithm 1 and section 4; for L1 Croce and Hein,
// ICML 2021.
#include <math.h>
#include <string.h>

#include "attack/apgd_steps.h"
#include "attack/attack_impl.h"
#include "attack/ball.h"
#include "attack/loss.h"
#include "core/logits.h"
#include "core/pixels.h"

#define TINY 1e-12
#define MOMENTUM 0.75f // share of a step that is new; the rest is the previous move

// L1: which share of the coordinates moves, and how the step adapts.
#define FIRST_SHARE 0.2f
#define SHARE_DIVISOR 1.5f
#define STEP_DIVISOR 1.5f
#define STEP_RANGE 10.0f
#define SPARSER 0.95f
#define NUM_STAGES 3 // of the radius schedule: 3 eps, 2 eps, eps

// State of a run: 3 d floats.
typedef struct apgd {
    igd_loss loss;
    int target; // class, for targeted losses
    igd_ball ball;
    bool last_pass; // EoT as AutoAttack has it: loss and class of the last pass alone
    int step, num_steps;
    igd_apgd_steps steps; // the best loss and, under Linf and L2, the step size
    bool back;            // the next step goes from `best`
    float *best;          // [d] iterate of the largest loss
    float *best_grad;     // [d] gradient there
    float *old;           // [d] the iterate before the last step; under L1 room to sort
    // L1
    float step_size, share;
    int64_t moved; // coordinates in which `best` differed from x at the last checkpoint
    int window, in_window;
    int stage, num_stages; // from a large radius to eps
} apgd;

static size_t apgd_size(const igd_attack_job *job)
{
    return sizeof(apgd) + 3 * (size_t)job->num_pixels * sizeof(float);
}

// Coordinates in which point differs from x.
static int64_t num_moved(const float *point, const igd_ball *ball)
{
    int64_t num = 0;
    for (int64_t i = 0; i < ball->d; i++)
        num += point[i] != ball->x[i];
    return num;
}

// L1: begins the stage, from a point that lies in the stage's ball.
static void stage_begin(igd_run *r, apgd *s, bool from_noise)
{
    const int steps = (int)igd_job_value(r->job, "steps");
    const int early = (int)ceil(0.3 * steps); // of each stage but the last
    const bool last = s->stage == s->num_stages - 1;

    s->num_steps = last ? steps - (s->num_stages - 1) * early : early;
    s->step = 0;
    s->step_size = s->ball.eps;
    s->window = s->num_steps >= 25 ? (int)(0.04 * s->num_steps) : 1;
    s->in_window = 0;
    s->moved = s->ball.d;
    s->share = FIRST_SHARE;
    if (!from_noise) {
        s->moved = num_moved(r->point, &s->ball);
        s->share = (float)s->moved / (float)s->ball.d / SHARE_DIVISOR;
    }
}

static float stage_eps(const igd_run *r, const apgd *s)
{
    return (float)((s->num_stages - s->stage) * r->job->threat.eps);
}

static void apgd_attach(igd_run *r)
{
    const size_t d = (size_t)r->job->num_pixels;
    apgd *s = r->state;

    s->ball.x = r->x;
    s->ball.lower = r->lower;
    s->ball.upper = r->upper;
    s->best = (float *)(s + 1);
    s->best_grad = s->best + d;
    s->old = s->best_grad + d;
}

static igd_want apgd_start(igd_run *r, igd_loss loss, int target)
{
    const igd_attack_job *job = r->job;
    const igd_stream stream = igd_run_stream(r, 0);
    const bool l1 = job->threat.norm == IGD_NORM_L1;
    apgd *s = r->state;

    s->loss = igd_loss_for_classes(loss, job->num_classes);
    s->target = target;
    apgd_attach(r);
    s->ball.norm = job->threat.norm;
    s->ball.d = job->num_pixels;
    s->last_pass = igd_job_value(job, "eot_compat") != 0.0;
    s->num_steps = (int)igd_job_value(job, "steps");
    s->num_stages = 1;
    if (l1 && igd_job_value(job, "large_radii") != 0.0 && s->num_steps >= NUM_STAGES)
        s->num_stages = NUM_STAGES;
    s->ball.eps = stage_eps(r, s);
    igd_apgd_steps_begin(&s->steps, s->num_steps, 2.0 * job->threat.eps,
                         igd_job_value(job, "rho"),
                         igd_job_value(job, "first_window") != 0.0);
    // The code behind transfer attacks starts inside the ball, AutoAttack on its surface.
    if (job->mode == IGD_RETURN_HIGH_LOSS)
        igd_ball_start_inside(r->point, &s->ball, &stream);
    else
        igd_ball_start(r->point, &s->ball, &stream);
    if (l1)
        stage_begin(r, s, s->num_stages == 1);
    return IGD_WANT_LOGITS;
}

// The moves take x and its gradient, which are the point and its own or the best ones,
// write the next point and, but for L1, keep x as the old one. x may be the point.

static void move_linf(igd_run *r, apgd *s, const float *x, const float *grad, float keep)
{
    const float step = (float)s->steps.size;
    const float *lower = r->lower, *upper = r->upper;
    float *old = s->old, *point = r->point;

    for (int64_t i = 0; i < s->ball.d; i++) {
        const float now = x[i], momentum = now - old[i];
        const float ahead = igd_clamp(now + step * igd_sign(grad[i]), lower[i], upper[i]);
        const float next = now + (ahead - now) * keep + momentum * (1.0f - keep);
        old[i] = now;
        point[i] = igd_clamp(next, lower[i], upper[i]);
    }
}

static void move_l2(igd_run *r, apgd *s, const float *x, const float *grad, float keep)
{
    const igd_ball *ball = &s->ball;
    float *old = s->old, *point = r->point;
    double length = 0.0, far = 0.0;

    for (int64_t i = 0; i < ball->d; i++)
        length += (double)grad[i] * (double)grad[i];
    const float step = (float)(s->steps.size / (sqrt(length) + TINY));
    for (int64_t i = 0; i < ball->d; i++) {
        const double delta = (double)x[i] + (double)(step * grad[i]) - (double)r->x[i];
        far += delta * delta;
    }
    far = sqrt(far);
    const float shrink =
        far > (double)ball->eps ? (float)((double)ball->eps / far) : 1.0f;
    for (int64_t i = 0; i < ball->d; i++) {
        const float now = x[i], momentum = now - old[i];
        const float delta = now + step * grad[i] - r->x[i];
        const float ahead = igd_clamp(r->x[i] + delta * shrink, 0.0f, 1.0f);
        old[i] = now;
        point[i] = now + (ahead - now) * keep + momentum * (1.0f - keep);
    }
    igd_ball_project(point, ball);
}

// The k-th smallest of v [n], which is reordered (Hoare's quickselect).
static float select_kth(float *v, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const float pivot = v[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                const float swap = v[i];
                v[i++] = v[j];
                v[j--] = swap;
            }
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return v[k];
}

// Only the coordinates of the steepest gradient move, all equally far.
static void move_l1(igd_run *r, apgd *s, const float *x, const float *grad)
{
    const int64_t d = s->ball.d;
    const float place = igd_clamp((1.0f - s->share) * (float)d, 0.0f, (float)(d - 1));
    float *point = r->point, *size = s->old;
    int64_t num = 0;

    for (int64_t i = 0; i < d; i++)
        size[i] = fabsf(grad[i]);
    const float least = select_kth(size, d, (int64_t)place);
    for (int64_t i = 0; i < d; i++)
        num += fabsf(grad[i]) >= least && grad[i] != 0.0f;
    const float step = s->step_size / ((float)num + 1e-10f);
    for (int64_t i = 0; i < d; i++)
        point[i] = x[i] + (fabsf(grad[i]) >= least ? step * igd_sign(grad[i]) : 0.0f);
    igd_ball_project(point, &s->ball);
}

// L1: adapts step and share at the end of a window.
static void adapt_l1(apgd *s)
{
    const float eps = s->ball.eps;

    s->back = false;
    if (++s->in_window < s->window)
        return;
    const int64_t moved = num_moved(s->best, &s->ball);
    s->share = (float)moved / (float)s->ball.d / SHARE_DIVISOR;
    s->back = (float)moved < SPARSER * (float)s->moved;
    s->step_size =
        s->back ? eps : igd_clamp(s->step_size / STEP_DIVISOR, eps / STEP_RANGE, eps);
    s->moved = moved;
    s->in_window = 0;
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
static void improved(igd_run *r, apgd *s, double loss)
{
    const size_t room = (size_t)s->ball.d * sizeof(float);

    memcpy(s->best, r->point, room);
    if (r->fooled || s->stage < s->num_stages - 1)
        return;
    r->loss = loss;
    if (r->job->mode == IGD_RETURN_HIGH_LOSS)
        memcpy(r->x_adv, r->point, room);
}

// L1: goes on with the next radius, from the best point of this one.
static igd_want stage_next(igd_run *r, apgd *s)
{
    s->stage++;
    s->ball.eps = stage_eps(r, s);
    memcpy(r->point, s->best, (size_t)s->ball.d * sizeof(float));
    igd_ball_project(r->point, &s->ball);
    stage_begin(r, s, false);
    return IGD_WANT_LOGITS;
}

static igd_want apgd_logits(igd_run *r, const float *z)
{
    const int C = r->job->num_classes;
    apgd *s = r->state;
    const bool last_stage = s->stage == s->num_stages - 1;
    const bool last_step = s->step == s->num_steps;
    const igd_loss_at at = igd_loss_eval_samples(r->weight, s->loss, z, r->samples, C,
                                                 r->label, s->target, s->last_pass);
    const int class = s->last_pass
                          ? igd_argmax(z + (size_t)(r->samples - 1) * (size_t)C, C)
                          : igd_run_prediction(r, z);

    if (class != r->label && last_stage && found(r, at.value))
        return IGD_WANT_END;
    // DLR is constant where the label is third. That matters only where a misclassified
    // point does not end the search: there CW, its numerator, shows the way on.
    if (at.plateau && r->job->mode == IGD_RETURN_HIGH_LOSS) {
        (void)igd_loss_eval_samples(r->weight, IGD_LOSS_CW, z, r->samples, C, r->label, 0,
                                    false);
        r->plateaus++;
    }
    s->back = false;
    if (s->step == 0)
        igd_apgd_steps_start(&s->steps, at.value);
    else
        s->back = igd_apgd_steps_next(&s->steps, at.value);
    if (s->steps.improved)
        improved(r, s, at.value);
    r->stalled = s->steps.stalled;
    if (s->ball.norm == IGD_NORM_L1 && s->step > 0)
        adapt_l1(s);
    if (last_step && !last_stage)
        return stage_next(r, s);
    // Nothing uses the gradient at the last iterate.
    return last_step && r->job->shortcuts ? IGD_WANT_END : IGD_WANT_GRAD;
}

static igd_want apgd_gradient(igd_run *r, const float *grad)
{
    apgd *s = r->state;

    if (s->step == s->num_steps)
        return IGD_WANT_END;
    if (s->steps.improved)
        memcpy(s->best_grad, grad, (size_t)s->ball.d * sizeof(float));
    if (s->step == 0 && s->ball.norm != IGD_NORM_L1)
        memcpy(s->old, r->point, (size_t)s->ball.d * sizeof(float));

    const float *x = s->back ? s->best : r->point;
    const float *ascent = s->back ? s->best_grad : grad;
    const float keep = s->step == 0 ? 1.0f : MOMENTUM;
    switch (s->ball.norm) {
    case IGD_NORM_LINF:
        move_linf(r, s, x, ascent, keep);
        break;
    case IGD_NORM_L2:
        move_l2(r, s, x, ascent, keep);
        break;
    case IGD_NORM_L1:
        move_l1(r, s, x, ascent);
        break;
    }
    s->step++;
    return IGD_WANT_LOGITS;
}

// The attacks, which differ in their losses.

static int eot_samples(const igd_attack_job *job)
{
    return (int)igd_job_value(job, "eot");
}

static int restarts(const igd_attack_job *job)
{
    return (int)igd_job_value(job, "restarts");
}

static igd_want ce_start(igd_run *r)
{
    return apgd_start(r, IGD_LOSS_CE, 0);
}

static igd_want dlr_start(igd_run *r)
{
    return apgd_start(r, IGD_LOSS_DLR, 0);
}

static igd_want cw_start(igd_run *r)
{
    return apgd_start(r, IGD_LOSS_CW, 0);
}

static igd_want pma_start(igd_run *r)
{
    return apgd_start(r, IGD_LOSS_MARGIN, 0);
}

static const char *dlr_substitution(const igd_attack_job *job)
{
    return job->num_classes < 3 ? "2 classes: CW takes the place of DLR" : NULL;
}

// Targets are the classes that the clean image is taken for most easily, label excluded.

static int num_targets(const igd_attack_job *job)
{
    const int wanted = (int)igd_job_value(job, "targets");
    return wanted < job->num_classes ? wanted : job->num_classes - 1;
}

static int targeted_runs(const igd_attack_job *job)
{
    return num_targets(job) * restarts(job);
}

static igd_want targeted_start(igd_run *r)
{
    const igd_attack_job *job = r->job;
    const int target =
        igd_ranked_class(r->clean, job->num_classes, r->label, r->index / restarts(job));
    const bool ce = igd_job_value(job, "targeted_ce") != 0.0;
    return apgd_start(r, ce ? IGD_LOSS_T_CE : IGD_LOSS_T_DLR, target);
}

static const char *targeted_substitution(const igd_attack_job *job)
{
    const bool ce = igd_job_value(job, "targeted_ce") != 0.0;
    const bool fewer = igd_job_value(job, "targets") > num_targets(job);

    if (job->num_classes == 2 && !ce)
        return "2 classes: CW takes the place of targeted DLR, with one target";
    if (job->num_classes == 3 && !ce)
        return fewer ? "3 classes: the targeted margin takes the place of targeted DLR, "
                       "with two targets"
                     : "3 classes: the targeted margin takes the place of targeted DLR";
    return fewer ? "fewer wrong classes than targets: every one of them is a target"
                 : NULL;
}

// The two losses of AutoAttack's version for randomised defenses, one after the other.

static int eot_runs(const igd_attack_job *job)
{
    return 2 * restarts(job);
}

static igd_want eot_start(igd_run *r)
{
    const bool first = r->index < restarts(r->job);
    return apgd_start(r, first ? IGD_LOSS_CE : IGD_LOSS_DLR, 0);
}

// clang-format off
#define PARAMETERS(eot_default)                                                          \
    {"steps", 100, 1, 100000, true, "gradient steps"},                                   \
    {"restarts", 1, 1, 1000, true, "runs, each from its own random start"},              \
    {"rho", 0.75, 0, 1, false, "share of rising steps that keeps the step size"},        \
    {"eot", eot_default, 1, 1000, true, "random passes whose gradients are averaged"},   \
    {"eot_compat", 0, 0, 1, true, "1: judge by the last pass alone, as AutoAttack does"},\
    {"first_window", 0, 0, 1, true,                                                      \
     "compare the first loss with 0, as AutoAttack does, or with the start's (1)"},      \
    {"large_radii", 1, 0, 1, true, "L1: go through 3 eps and 2 eps to eps (1)"}

static const igd_parameter parameters[] = {PARAMETERS(1)};
static const igd_parameter eot_parameters[] = {PARAMETERS(20)};
static const igd_parameter targeted_parameters[] = {
    PARAMETERS(1),
    {"targets", 9, 1, 1000, true, "wrong classes to aim at, the likeliest first"},
    {"targeted_ce", 0, 0, 1, true, "aim by cross-entropy (1), not by targeted DLR"},
};

#define ATTACK(id, attack_name, text, runs, table, begin, substitute)                    \
    const igd_attack id = {                                                              \
        .name = (attack_name),                                                           \
        .help = (text),                                                                  \
        .norms = 1u << IGD_NORM_LINF | 1u << IGD_NORM_L2 | 1u << IGD_NORM_L1,            \
        .num_parameters = (int)(sizeof(table) / sizeof(*(table))),                       \
        .parameters = (table),                                                           \
        .substitution = (substitute),                                                    \
        .num_runs = (runs),                                                              \
        .num_samples = eot_samples,                                                      \
        .state_size = apgd_size,                                                         \
        .attach = apgd_attach,                                                           \
        .start = (begin),                                                                \
        .logits = apgd_logits,                                                           \
        .gradient = apgd_gradient,                                                       \
    }

ATTACK(igd_attack_apgd_ce, "apgd-ce", "APGD on cross-entropy",
       restarts, parameters, ce_start, NULL);
ATTACK(igd_attack_apgd_dlr, "apgd-dlr", "APGD on the difference of logits ratio",
       restarts, parameters, dlr_start, dlr_substitution);
ATTACK(igd_attack_apgd_cw, "apgd-cw", "APGD on the margin of the logits",
       restarts, parameters, cw_start, NULL);
ATTACK(igd_attack_apgd_pma, "apgd-pma", "APGD on the margin of the probabilities",
       restarts, parameters, pma_start, NULL);
ATTACK(igd_attack_apgd_t, "apgd-t", "APGD on targeted DLR, one target after another",
       targeted_runs, targeted_parameters, targeted_start, targeted_substitution);
ATTACK(igd_attack_apgd_eot, "apgd-eot",
       "APGD on cross-entropy, then DLR, with gradients averaged over random passes",
       eot_runs, eot_parameters, eot_start, dlr_substitution);
// clang-format on
