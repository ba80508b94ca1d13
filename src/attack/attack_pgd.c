// FGSM, PGD and GAMA-PGD.
// Sources: Goodfellow, Shlens and Szegedy, ICLR 2015 (FGSM); Wong, Rice and Kolter, ICLR
// 2020 (random start); Madry et al., ICLR 2018 (PGD); Sriramanan et al., NeurIPS 2020
// (GAMA-PGD).
#include <math.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "attack/ball.h"
#include "attack/loss.h"
#include "core/logits.h"
#include "core/pixels.h"

#define TINY 1e-12

// Places in the tables of parameters below; each attack has its own.
enum { FGSM_RANDOM_START, FGSM_EOT };
enum { STEPS, RESTARTS }; // of PGD and GAMA-PGD
enum { PGD_STEP_SIZE = RESTARTS + 1, PGD_LAST, PGD_EOT };
enum { GAMA_LAMBDA = RESTARTS + 1, GAMA_LAMBDA_STEPS, GAMA_LAST };

typedef struct pgd {
    int step, num_steps; // gradients taken, and to be taken
    float step_size;
    bool last; // whether the last iterate alone is judged
    // GAMA-PGD
    double lambda, lambda_steps;
    int drops[2]; // steps before which the step size falls
} pgd;

// point := P(point + step * direction of grad), which is its sign under Linf.
static void ascend(const igd_run *r, const float *grad, float step)
{
    const igd_ball ball = igd_run_ball(r);
    const int64_t d = ball.d;
    float *point = r->point;

    if (ball.norm == IGD_NORM_LINF) {
        for (int64_t i = 0; i < d; i++)
            point[i] += step * igd_sign(grad[i]);
    } else {
        double length = 0.0;
        for (int64_t i = 0; i < d; i++)
            length += (double)grad[i] * (double)grad[i];
        const float by = (float)((double)step / (sqrt(length) + TINY));
        for (int64_t i = 0; i < d; i++)
            point[i] += by * grad[i];
    }
    igd_ball_project(point, &ball);
}

// Judges an iterate. True if the run may end.
static bool judge(igd_run *r, pgd *s, const float *z, double loss)
{
    const bool ended = s->step == s->num_steps;
    const bool wrong = igd_run_prediction(r, z) != r->label;

    if (s->last ? ended && wrong : wrong && (!r->fooled || loss > r->loss))
        if (igd_run_found(r, loss))
            return true;
    // In transfer mode the point of highest loss stands in where nothing is
    // misclassified, or the last iterate where it alone counts.
    if (!r->fooled && (s->last ? ended : loss > r->loss)) {
        r->loss = loss;
        if (r->job->mode == IGD_RETURN_HIGH_LOSS)
            memcpy(r->x_adv, r->point, (size_t)r->job->num_pixels * sizeof(float));
    }
    return ended && r->job->shortcuts;
}

static igd_want pgd_logits(igd_run *r, const float *z)
{
    pgd *s = r->state;
    const igd_loss_at at = igd_loss_eval_samples(r->weight, IGD_LOSS_CE, z, r->samples,
                                                 r->job->num_classes, r->label, 0, false);
    return judge(r, s, z, at.value) ? IGD_WANT_END : IGD_WANT_GRAD;
}

static igd_want pgd_gradient(igd_run *r, const float *grad)
{
    pgd *s = r->state;
    if (s->step == s->num_steps)
        return IGD_WANT_END; // without shortcuts the last gradient is taken for nothing
    ascend(r, grad, s->step_size);
    s->step++;
    return IGD_WANT_LOGITS;
}

static int one_run(const igd_attack_job *job)
{
    (void)job;
    return 1;
}

static int restarts(const igd_attack_job *job)
{
    return (int)job->value[RESTARTS];
}

static igd_passes most_passes(const igd_attack_job *job)
{
    return (igd_passes){.forwards = job->value[STEPS] + 1.0,
                        .backwards = job->value[STEPS]};
}

// The state of a run of so many steps as the user wants.
static pgd *steps_start(igd_run *r, double step_size, bool last)
{
    pgd *s = r->state;
    *s = (pgd){.num_steps = (int)r->job->value[STEPS],
               .last = last,
               .step_size = (float)step_size};
    return s;
}

// FGSM: one step of length eps from the image itself, and nothing else is judged.

static int fgsm_samples(const igd_attack_job *job)
{
    return (int)job->value[FGSM_EOT];
}

static igd_passes fgsm_most_passes(const igd_attack_job *job)
{
    (void)job;
    return (igd_passes){.forwards = 2.0, .backwards = 1.0};
}

static igd_want fgsm_start(igd_run *r)
{
    const double eps = r->job->threat.eps;
    pgd *s = r->state;

    *s = (pgd){.num_steps = 1, .last = true, .step_size = (float)eps};
    memcpy(r->point, r->x, (size_t)r->job->num_pixels * sizeof(float));
    if (r->job->value[FGSM_RANDOM_START] != 0.0) {
        const igd_stream stream = igd_run_stream(r, 0);
        const igd_ball ball = igd_run_ball(r);
        igd_ball_start_inside(r->point, &ball, &stream);
        s->step_size = (float)(1.25 * eps);
    }
    return IGD_WANT_LOGITS;
}

#define NUM(parameters) (int)(sizeof(parameters) / sizeof(*(parameters)))

static const igd_parameter fgsm_parameters[] = {
    [FGSM_RANDOM_START] = {"random_start", 0, 0, 1, true,
                           "start at random, with a step of 1.25 eps (R-FGSM)", NULL},
    [FGSM_EOT] = {"eot", 1, 1, 1000, true, "random passes whose gradients are averaged",
                  NULL},
};

const igd_attack igd_attack_fgsm = {
    .name = "fgsm",
    .help = "one step along the sign of the gradient of cross-entropy",
    .norms = 1u << IGD_NORM_LINF | 1u << IGD_NORM_L2,
    .num_parameters = NUM(fgsm_parameters),
    .parameters = fgsm_parameters,
    .num_runs = one_run,
    .num_samples = fgsm_samples,
    .most_passes = fgsm_most_passes,
    .state_size = sizeof(pgd),
    .start = fgsm_start,
    .logits = pgd_logits,
    .gradient = pgd_gradient,
};

// PGD.

static int pgd_samples(const igd_attack_job *job)
{
    return (int)job->value[PGD_EOT];
}

static igd_want pgd_start(igd_run *r)
{
    const igd_stream stream = igd_run_stream(r, 0);
    const igd_ball ball = igd_run_ball(r);

    (void)steps_start(r, r->job->value[PGD_STEP_SIZE] * r->job->threat.eps,
                      r->job->value[PGD_LAST] != 0.0);
    igd_ball_start_inside(r->point, &ball, &stream);
    return IGD_WANT_LOGITS;
}

static const igd_parameter pgd_parameters[] = {
    [STEPS] = {"steps", 50, 1, 100000, true, "gradient steps", NULL},
    [RESTARTS] = {"restarts", 1, 1, 1000, true, "runs, each from its own random start",
                  NULL},
    [PGD_STEP_SIZE] = {"step_size", 0.25, 1e-6, 2, false,
                       "length of a step, in units of eps", NULL},
    [PGD_LAST] = {"last", 0, 0, 1, true,
                  "judge the last iterate alone (1) or every one (0)", NULL},
    [PGD_EOT] = {"eot", 1, 1, 1000, true, "random passes whose gradients are averaged",
                 NULL},
};

const igd_attack igd_attack_pgd = {
    .name = "pgd",
    .help = "steps of fixed length on cross-entropy, from a random start",
    .norms = 1u << IGD_NORM_LINF | 1u << IGD_NORM_L2,
    .num_parameters = NUM(pgd_parameters),
    .parameters = pgd_parameters,
    .num_runs = restarts,
    .num_samples = pgd_samples,
    .most_passes = most_passes,
    .state_size = sizeof(pgd),
    .start = pgd_start,
    .logits = pgd_logits,
    .gradient = pgd_gradient,
};

// GAMA-PGD: the margin of the probabilities, at first with a term that drives them away
// from those at the start, whose weight falls linearly to zero.

static igd_want gama_start(igd_run *r)
{
    const igd_stream stream = igd_run_stream(r, 0);
    pgd *s = steps_start(r, 2.0 * r->job->threat.eps, r->job->value[GAMA_LAST] != 0.0);

    s->lambda = r->job->value[GAMA_LAMBDA];
    s->lambda_steps = r->job->value[GAMA_LAMBDA_STEPS];
    // 60 and 85 of 100 steps, in integers: 0.6 * 100 need not be 60.
    s->drops[0] = s->num_steps * 60 / 100;
    s->drops[1] = s->num_steps * 85 / 100;
    // A corner of the ball. The released script leaves [0, 1] here, to return there with
    // the first step; igdef asks a classifier about nothing but images.
    igd_random_uniform(r->point, (size_t)r->job->num_pixels, &stream);
    for (int64_t i = 0; i < r->job->num_pixels; i++)
        r->point[i] = r->point[i] < 0.5f ? r->lower[i] : r->upper[i];
    return IGD_WANT_LOGITS;
}

static igd_want gama_logits(igd_run *r, const float *z)
{
    const int C = r->job->num_classes;
    pgd *s = r->state;

    if (s->step == 0) // the reference point is the first iterate: one pass serves both
        igd_softmax(r->per_class, z, C);
    const double lambda = s->lambda * fmax(0.0, 1.0 - s->step / s->lambda_steps);
    (void)igd_loss_eval_gama(r->weight, z, C, r->label, r->per_class, lambda);
    // Iterates are compared by the margin alone, whatever lambda was.
    const igd_loss_at margin = igd_loss_eval(NULL, IGD_LOSS_MARGIN, z, C, r->label, 0);
    return judge(r, s, z, margin.value) ? IGD_WANT_END : IGD_WANT_GRAD;
}

static igd_want gama_gradient(igd_run *r, const float *grad)
{
    pgd *s = r->state;
    if (s->step == s->num_steps)
        return IGD_WANT_END;
    if (s->step == s->drops[0] || s->step == s->drops[1])
        s->step_size /= 10.0f;
    ascend(r, grad, s->step_size);
    s->step++;
    return IGD_WANT_LOGITS;
}

static const igd_parameter gama_parameters[] = {
    [STEPS] = {"steps", 100, 1, 100000, true,
               "gradient steps; the step shrinks at 60 and 85 %", NULL},
    [RESTARTS] = {"restarts", 1, 1, 1000, true, "runs, each from its own random start",
                  NULL},
    [GAMA_LAMBDA] = {"lambda", 50, 0, 1e6, false,
                     "first weight of the distance from the start", NULL},
    [GAMA_LAMBDA_STEPS] = {"lambda_steps", 25, 1, 100000, true,
                           "steps in which that weight falls to 0", NULL},
    [GAMA_LAST] = {"last", 0, 0, 1, true,
                   "judge the last iterate alone (1) or every one (0)", NULL},
};

const igd_attack igd_attack_gama_pgd = {
    .name = "gama-pgd",
    .help = "guided adversarial margin attack: the margin of probabilities, first guided",
    .norms = 1u << IGD_NORM_LINF,
    .num_parameters = NUM(gama_parameters),
    .parameters = gama_parameters,
    .num_runs = restarts,
    .most_passes = most_passes,
    .state_size = sizeof(pgd),
    .per_class = true, // softmax at the start
    .start = gama_start,
    .logits = gama_logits,
    .gradient = gama_gradient,
};
