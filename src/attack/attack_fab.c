// Owns FAB and its targeted form FAB-T, which look for the smallest perturbation: each
// step goes to the boundary of the classifier as it is linearised at the current point,
// drawn back a little towards the clean image, and from a misclassified point a part of
// the way back. Source: Croce and Hein, ICML 2020, "Minimally distorted adversarial
// examples with a fast adaptive boundary attack", Algorithm 1; targets as in AutoAttack.
#include <math.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "attack/ball.h"
#include "attack/hyperplane.h"
#include "core/error.h"
#include "core/logits.h"
#include "core/pixels.h"

#define MAX_CLASSES 100 // more make the untargeted attack slower than it is worth

// Which answer is awaited.
typedef enum phase {
    RANK,      // logits of the clean image, which name the target
    LINEARISE, // logits at the point whose gradient comes next
    STEP       // logits after a step
} phase;

// Places in the tables of parameters below.
enum { STEPS, RESTARTS, ALPHA_MAX, ETA, BETA, FAB_FORCE, FAB_T_TARGETS = FAB_FORCE };

// Arrays of a run.
enum {
    HEAP,     // room to sort numbers of pixels in, under L1
    NEAREST_W // untargeted: gradient of the nearest boundary so far
};

typedef struct fab {
    phase phase;
    bool targeted;
    bool reuse;   // whether logits after a step can be those that the next starts with
    bool outside; // whether the last step led to a misclassified point
    int step, num_steps;
    int other; // the class whose boundary with the label is linearised
    double alpha_max, eta, beta;
    double gap;  // z_other - z_label at the point
    double near; // untargeted: distance to the nearest boundary so far
    int nearest; // untargeted: its class; -1 for none
} fab;

static int fab_num_arrays(const igd_attack_job *job)
{
    (void)job;
    return NEAREST_W + 1;
}

static int fab_t_num_arrays(const igd_attack_job *job)
{
    return job->threat.norm == IGD_NORM_L1 ? HEAP + 1 : 0;
}

static int fab_num_runs(const igd_attack_job *job)
{
    return (int)job->value[RESTARTS];
}

static int num_targets(const igd_attack_job *job)
{
    const int T = (int)job->value[FAB_T_TARGETS];
    return T < job->num_classes - 1 ? T : job->num_classes - 1;
}

static int fab_t_num_runs(const igd_attack_job *job)
{
    return num_targets(job) * (int)job->value[RESTARTS];
}

// It asks again where a step ended beyond the boundary.
static igd_passes fab_t_most_passes(const igd_attack_job *job)
{
    return (igd_passes){.forwards = 2.0 * job->value[STEPS],
                        .backwards = job->value[STEPS]};
}

static igd_passes fab_most_passes(const igd_attack_job *job)
{
    return (igd_passes){.forwards = 2.0 * job->value[STEPS],
                        .backwards = job->value[STEPS] * job->num_classes};
}

static igd_status fab_check(const igd_attack_job *job)
{
    if (job->num_classes > MAX_CLASSES && job->value[FAB_FORCE] == 0)
        return igd_error(
            IGD_EINVAL,
            "fab: takes a gradient for each of %d classes in every step; use "
            "fab-t, or set force=1",
            job->num_classes);
    return IGD_OK;
}

// The first run of a target starts at the image, each restart at half the radius.
static void go_to_start(igd_run *r, int restart)
{
    const int64_t d = r->job->num_pixels;
    const igd_norm norm = r->job->threat.norm;
    double size = 0;

    if (restart == 0) {
        memcpy(r->point, r->x, (size_t)d * sizeof(float));
        return;
    }
    const igd_stream stream = igd_run_stream(r, 0);
    if (norm == IGD_NORM_LINF)
        igd_random_uniform(r->point, (size_t)d, &stream);
    else
        igd_random_normal(r->point, (size_t)d, &stream);
    for (int64_t i = 0; i < d; i++) {
        if (norm == IGD_NORM_LINF)
            r->point[i] = 2 * r->point[i] - 1;
        const double u = fabs((double)r->point[i]);
        size = norm == IGD_NORM_LINF ? fmax(size, u)
                                     : size + (norm == IGD_NORM_L2 ? u * u : u);
    }
    if (norm == IGD_NORM_L2)
        size = sqrt(size);
    const float scale = size > 0 ? (float)(r->job->threat.eps / size / 2) : 0;
    for (int64_t i = 0; i < d; i++)
        r->point[i] = igd_clamp(r->x[i] + scale * r->point[i], 0, 1);
}

// Asks for the gradient of z_other - z_label.
static igd_want want_boundary(igd_run *r, int other)
{
    fab *s = r->state;
    s->other = other;
    memset(r->weight, 0, (size_t)r->job->num_classes * sizeof(float));
    r->weight[other] = 1;
    r->weight[r->label] = -1;
    return IGD_WANT_GRAD;
}

static igd_want linearise(igd_run *r, const float *z)
{
    fab *s = r->state;
    s->phase = STEP;
    if (s->targeted) {
        s->gap = (double)(z[s->other] - z[r->label]);
        return want_boundary(r, s->other);
    }
    for (int c = 0; c < r->job->num_classes; c++)
        r->per_class[c] = (double)z[c];
    s->nearest = -1;
    return want_boundary(r, r->label == 0 ? 1 : 0);
}

static igd_want begin(igd_run *r, bool targeted)
{
    const igd_attack_job *job = r->job;
    const int restarts = (int)job->value[RESTARTS];
    fab *s = r->state;

    *s = (fab){.targeted = targeted,
               .reuse = job->deterministic && job->shortcuts,
               .num_steps = (int)job->value[STEPS],
               .alpha_max = job->value[ALPHA_MAX],
               .eta = job->value[ETA],
               .beta = job->value[BETA]};
    r->distance = INFINITY;
    if (job->deterministic && igd_argmax(r->clean, job->num_classes) != r->label) {
        // Nothing is nearer than the image itself.
        memcpy(r->point, r->x, (size_t)job->num_pixels * sizeof(float));
        r->distance = 0;
        igd_run_found(r, 0);
        return IGD_WANT_END;
    }
    if (targeted && !s->reuse) {
        s->phase = RANK; // a randomised classifier may rank them differently each time
        go_to_start(r, 0);
        return IGD_WANT_LABEL;
    }
    s->phase = LINEARISE;
    s->other =
        igd_ranked_class(r->clean, job->num_classes, r->label, r->index / restarts);
    go_to_start(r, r->index % restarts);
    return IGD_WANT_LOGITS;
}

static igd_want fab_start(igd_run *r)
{
    return begin(r, false);
}

static igd_want fab_t_start(igd_run *r)
{
    return begin(r, true);
}

// Takes the point where a step led. True if the run may end.
static bool judge(igd_run *r)
{
    const fab *s = r->state;
    const double eps = r->job->threat.eps;
    const double dist =
        igd_ball_norm(r->point, r->x, r->job->num_pixels, r->job->threat.norm);
    bool end = false;

    // A randomised classifier's vote may have rejected the nearest point.
    if (dist <= eps && (dist < r->distance || !r->fooled))
        end = igd_run_found(r, -dist);
    r->distance = fmin(r->distance, dist);
    for (int64_t i = 0; i < r->job->num_pixels; i++)
        r->point[i] = r->x[i] + (r->point[i] - r->x[i]) * (float)s->beta;
    return end;
}

static igd_want fab_logits(igd_run *r, const float *z)
{
    const igd_attack_job *job = r->job;
    fab *s = r->state;

    if (s->phase == RANK) {
        const int restarts = (int)job->value[RESTARTS];
        s->phase = LINEARISE;
        s->other = igd_ranked_class(z, job->num_classes, r->label, r->index / restarts);
        go_to_start(r, r->index % restarts);
        return IGD_WANT_LOGITS;
    }
    if (s->phase == LINEARISE)
        return linearise(r, z);
    const bool can_reuse = s->reuse && !s->outside;
    s->outside = igd_run_prediction(r, z) != r->label;
    if ((s->outside && judge(r)) || ++s->step == s->num_steps)
        return IGD_WANT_END;
    if (!s->outside && can_reuse)
        return linearise(r, z); // these are the logits that the next step starts with
    s->phase = LINEARISE;
    return IGD_WANT_LOGITS;
}

static inline void mix(igd_run *r, const float *w, igd_norm norm, const igd_way *ahead,
                       const igd_way *direct, float alpha, float eta)
{
    for (int64_t i = 0; i < r->job->num_pixels; i++) {
        const float t = r->point[i], x = r->x[i];
        const float biased = t + eta * igd_way_at(ahead, norm, t, w[i], i);
        const float unbiased = x + eta * igd_way_at(direct, norm, x, w[i], i);
        r->point[i] = igd_clamp(biased * (1 - alpha) + unbiased * alpha, 0, 1);
    }
}

// Goes to the plane <w, u - point> + gap = 0 from the point and from the image, and then
// to a mean of the two that is nearer to the first.
static igd_want step(igd_run *r, const float *w)
{
    const int64_t d = r->job->num_pixels;
    const igd_norm norm = r->job->threat.norm;
    const fab *s = r->state;
    double sum[4] = {0}; // independent, so that additions need not wait for one another

    for (int64_t i = 0; i < d; i++)
        sum[i % 4] += (double)w[i] * (double)(r->x[i] - r->point[i]);
    const double gap = s->gap + sum[0] + sum[1] + sum[2] + sum[3]; // of the image
    // As many bytes as integers, which nothing else reads as floats.
    int32_t *heap = (int32_t *)(void *)r->array[HEAP];
    const igd_way ahead = igd_way_find(norm, r->point, w, d, s->gap, heap);
    const igd_way direct = igd_way_find(norm, r->x, w, d, gap, heap);
    const double a1 = fmax(ahead.length, 1e-8), a2 = fmax(direct.length, 1e-8);
    const float alpha = (float)fmin(a1 / (a1 + a2), s->alpha_max);
    const float eta = (float)s->eta;
    switch (norm) { // named in each call, so that the loops are compiled for the norm
    case IGD_NORM_LINF:
        mix(r, w, IGD_NORM_LINF, &ahead, &direct, alpha, eta);
        break;
    case IGD_NORM_L2:
        mix(r, w, IGD_NORM_L2, &ahead, &direct, alpha, eta);
        break;
    case IGD_NORM_L1:
        mix(r, w, IGD_NORM_L1, &ahead, &direct, alpha, eta);
        break;
    }
    // After a misclassified point another is likely, and that one is not stepped from.
    return s->reuse && !s->outside ? IGD_WANT_LOGITS : IGD_WANT_LABEL;
}

static igd_want fab_t_gradient(igd_run *r, const float *w)
{
    return step(r, w);
}

// Untargeted: one gradient for each wrong class, then a step to the nearest boundary.
static igd_want fab_gradient(igd_run *r, const float *w)
{
    const igd_attack_job *job = r->job;
    fab *s = r->state;
    const double gap =
        (double)((float)r->per_class[s->other] - (float)r->per_class[r->label]);
    const double near =
        fabs(gap) / (1e-12 + igd_ball_dual_norm(w, job->num_pixels, job->threat.norm));

    if (s->nearest < 0 || near < s->near) {
        s->near = near;
        s->nearest = s->other;
        s->gap = gap;
        memcpy(r->array[NEAREST_W], w, (size_t)job->num_pixels * sizeof(float));
    }
    int next = s->other + 1;
    if (next == r->label)
        next++;
    return next < job->num_classes ? want_boundary(r, next)
                                   : step(r, r->array[NEAREST_W]);
}

// clang-format off
#define COMMON \
    [STEPS]     = {"steps",     100, 1, 1e6, true,  "steps of a run", NULL}, \
    [RESTARTS]  = {"restarts",  1,   1, 1e4, true,  "runs, all but the first from a random point", NULL}, \
    [ALPHA_MAX] = {"alpha_max", 0.1, 0, 1,   false, "largest weight of the way from the clean image", NULL}, \
    [ETA]       = {"eta",       1.05, 1, 2,  false, "how far a step goes, over the way to the boundary", NULL}, \
    [BETA]      = {"beta",      0.9, 0, 1,   false, "what is left of the perturbation after a success", NULL}

static const igd_parameter fab_parameters[] = {
    COMMON,
    [FAB_FORCE] = {"force",     0,   0, 1,   true,  "1: run on more than 100 classes too", NULL},
};

static const igd_parameter fab_t_parameters[] = {
    COMMON,
    [FAB_T_TARGETS] = {"targets", 9,   1, 1e4, true,  "wrong classes tried, from the most likely one down", NULL},
};
// clang-format on

#define ALL_NORMS (1u << IGD_NORM_LINF | 1u << IGD_NORM_L2 | 1u << IGD_NORM_L1)

const igd_attack igd_attack_fab = {
    .name = "fab",
    .help = "smallest perturbation, through the nearest linearised boundary",
    .norms = ALL_NORMS,
    .only_finds = true,
    .many_grads = true,
    .num_parameters = sizeof(fab_parameters) / sizeof(fab_parameters[0]),
    .parameters = fab_parameters,
    .check = fab_check,
    .num_runs = fab_num_runs,
    .most_passes = fab_most_passes,
    .state_size = sizeof(fab),
    .per_class = true, // logits at the point
    .num_arrays = fab_num_arrays,
    .start = fab_start,
    .logits = fab_logits,
    .gradient = fab_gradient,
};

const igd_attack igd_attack_fab_t = {
    .name = "fab-t",
    .help = "smallest perturbation, towards one wrong class after the other",
    .norms = ALL_NORMS,
    .only_finds = true,
    .num_parameters = sizeof(fab_t_parameters) / sizeof(fab_t_parameters[0]),
    .parameters = fab_t_parameters,
    .num_runs = fab_t_num_runs,
    .most_passes = fab_t_most_passes,
    .state_size = sizeof(fab),
    .num_arrays = fab_t_num_arrays,
    .start = fab_t_start,
    .logits = fab_logits,
    .gradient = fab_t_gradient,
};
