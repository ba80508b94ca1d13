// Owns RayS: the distance to the boundary along rays of +-1, found from labels alone.
// Source: Chen and Gu, KDD 2020, "RayS: A Ray Searching Method for Hard-label Adversarial
// Attack", Algorithms 1 to 3.
#include <math.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "attack/ball.h"
#include "core/logits.h"
#include "core/pixels.h"

#define TOLERANCE 1e-3f // of the bisection, in L2 units

enum { QUERIES, VOTES };   // places in the table of parameters
enum { SIGN, NUM_ARRAYS }; // arrays of a run: the best ray, of +-1

// Lengths along a ray are in L2 units, in float as in the reference: a bisection repeats
// its comparisons to the last bit.
typedef struct rays {
    bool bisecting;
    float unit; // 1 / sqrt(d): what a pixel moves when the ray grows by 1
    float dist; // best so far, INFINITY before the first
    float low, high;
    int level;
    int64_t block;
    int64_t first, last; // flipped pixels of the ray that is tried: [first, last)
    int64_t quiet;       // single pixels in a row that were flipped in vain
    int64_t asked, num_queries;
} rays;

static int rays_num_arrays(const igd_attack_job *job)
{
    (void)job;
    return NUM_ARRAYS;
}

static int rays_num_runs(const igd_attack_job *job)
{
    (void)job;
    return 1;
}

static int rays_num_samples(const igd_attack_job *job)
{
    return (int)job->value[VOTES];
}

static igd_passes rays_most_passes(const igd_attack_job *job)
{
    return (igd_passes){.forwards = job->value[QUERIES] + 1.0};
}

// point, pixels [from, to) := the place at `dist` along the ray, whose pixels are turned
// if `flip` is -1.
static void walk(igd_run *r, float dist, int64_t from, int64_t to, int flip)
{
    const rays *s = r->state;
    const float up = dist * (s->unit * (float)flip);
    const float *sign = r->array[SIGN];

    for (int64_t i = from; i < to; i++)
        r->point[i] = igd_clamp(r->x[i] + (sign[i] > 0 ? up : -up), 0, 1);
}

// point := the place at `dist` along the ray that is tried.
static void walk_all(igd_run *r, float dist)
{
    const rays *s = r->state;
    walk(r, dist, 0, s->first, 1);
    walk(r, dist, s->first, s->last, -1);
    walk(r, dist, s->last, r->job->num_pixels, 1);
}

static int64_t level_size(int64_t d, int level)
{
    const int64_t blocks = (int64_t)1 << level;
    return (d + blocks - 1) / blocks;
}

static igd_want ask(igd_run *r)
{
    rays *s = r->state;
    s->asked++;
    if (!r->fooled) // the number that the first success took is what stays
        r->queries = s->asked < s->num_queries ? s->asked : s->num_queries;
    return IGD_WANT_LOGITS;
}

// Fast check: asks at the best distance along the best ray with its next block turned.
// point holds that ray but for [first, last), unless the best has changed.
static igd_want try_block(igd_run *r, bool changed)
{
    const int64_t d = r->job->num_pixels;
    rays *s = r->state;
    const bool skip = r->job->shortcuts && r->job->deterministic;

    if (s->asked >= s->num_queries)
        return IGD_WANT_END;
    if (skip && s->quiet >= d) {
        // Each pixel was flipped in vain since the ray was last changed, so every further
        // query repeats one whose answer is known.
        if (!r->fooled)
            r->queries = s->num_queries;
        return IGD_WANT_END;
    }
    if (!changed)
        walk(r, s->dist, s->first, s->last, 1);
    const int64_t size = level_size(d, s->level);
    s->first = s->block * size;
    s->last = s->first + size < d ? s->first + size : d;
    if (changed)
        walk_all(r, s->dist);
    else
        walk(r, s->dist, s->first, s->last, -1);
    return ask(r);
}

static void next_block(rays *s, int64_t d)
{
    s->block++;
    if (s->last < d && s->block < (int64_t)1 << s->level)
        return;
    s->block = 0;
    if ((int64_t)1 << s->level < d) // once blocks are single pixels they stay so
        s->level++;
}

static igd_want rays_start(igd_run *r)
{
    const igd_attack_job *job = r->job;
    rays *s = r->state;

    s->unit = 1 / sqrtf((float)job->num_pixels);
    s->dist = INFINITY;
    s->num_queries = (int64_t)job->value[QUERIES];
    for (int64_t i = 0; i < job->num_pixels; i++)
        r->array[SIGN][i] = 1;
    r->distance = INFINITY;
    return try_block(r, true);
}

// Labels of more than half of the draws differ from the true one.
static bool misled(const igd_run *r, const float *z)
{
    const int C = r->job->num_classes;
    int wrong = 0;
    for (int i = 0; i < r->samples; i++)
        wrong += igd_argmax(z + (size_t)i * (size_t)C, C) != r->label;
    return 2 * wrong > r->samples;
}

// Makes the ray that was tried the best one. True if the run may end.
static bool adopt(igd_run *r)
{
    const int64_t d = r->job->num_pixels;
    rays *s = r->state;

    s->dist = s->high;
    walk_all(r, s->dist);
    for (int64_t i = s->first; i < s->last; i++)
        r->array[SIGN][i] = -r->array[SIGN][i];
    s->first = s->last = 0;
    r->distance = igd_ball_norm(r->point, r->x, d, IGD_NORM_LINF);
    // A later, shorter ray is less clipped, so it may move a pixel by more than eps;
    // x_adv is the last one that does not.
    return r->distance <= r->job->threat.eps && igd_run_found(r, -r->distance);
}

static igd_want rays_logits(igd_run *r, const float *z)
{
    const int64_t d = r->job->num_pixels;
    rays *s = r->state;
    const bool wrong = misled(r, z);
    bool changed = false;

    if (s->bisecting) {
        const float middle = (s->low + s->high) / 2;
        if (wrong)
            s->high = middle;
        else
            s->low = middle;
    } else if (wrong) {
        const float whole = sqrtf((float)d); // reaches the bound of every pixel
        s->bisecting = true;
        s->low = 0;
        s->high = s->dist < whole ? s->dist : whole;
    }
    if (s->bisecting) {
        if (s->high - s->low > TOLERANCE) {
            walk_all(r, (s->low + s->high) / 2);
            return ask(r);
        }
        s->bisecting = false;
        changed = true;
    }
    const bool single = s->last - s->first == 1;
    const bool better = changed && s->high < s->dist;
    next_block(s, d);
    s->quiet = better || !single ? 0 : s->quiet + 1;
    if (better && adopt(r))
        return IGD_WANT_END;
    return try_block(r, changed);
}

// clang-format off
static const igd_parameter rays_parameters[] = {
    [QUERIES] = {"queries", 10000, 1, 1e9, true, "labels asked for", NULL},
    [VOTES]   = {"votes",   1,     1, 1e4, true, "draws of a randomised classifier whose majority is a label", NULL},
};
// clang-format on

const igd_attack igd_attack_rays = {
    .name = "rays",
    .help = "shortest ray of equal steps, from labels alone",
    .norms = 1u << IGD_NORM_LINF,
    .only_finds = true,
    .num_parameters = sizeof(rays_parameters) / sizeof(rays_parameters[0]),
    .parameters = rays_parameters,
    .num_runs = rays_num_runs,
    .num_samples = rays_num_samples,
    .most_passes = rays_most_passes,
    .state_size = sizeof(rays),
    .num_arrays = rays_num_arrays,
    .start = rays_start,
    .logits = rays_logits,
};
