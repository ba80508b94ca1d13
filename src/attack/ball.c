// Owns the geometry of the threat models.
#include "attack/ball.h"

#include <assert.h>
#include <math.h>

#include "core/pixels.h"

#define TINY 1e-12 // what the reference adds to a norm before it divides by it

void igd_ball_bounds(float *lower, float *upper, const float *x, int64_t d,
                     const igd_threat *threat)
{
    const float eps = threat->norm == IGD_NORM_LINF ? (float)threat->eps : 1.0f;
    for (int64_t i = 0; i < d; i++) {
        lower[i] = fmaxf(x[i] - eps, 0.0f);
        upper[i] = fminf(x[i] + eps, 1.0f);
    }
}

double igd_ball_norm(const float *a, const float *b, int64_t d, igd_norm norm)
{
    double sum = 0.0;
    switch (norm) {
    case IGD_NORM_LINF:
        for (int64_t i = 0; i < d; i++)
            sum = fmax(sum, fabs((double)a[i] - (double)b[i]));
        return sum;
    case IGD_NORM_L2:
        for (int64_t i = 0; i < d; i++) {
            const double delta = (double)a[i] - (double)b[i];
            sum += delta * delta;
        }
        return sqrt(sum);
    case IGD_NORM_L1:
        for (int64_t i = 0; i < d; i++)
            sum += fabs((double)a[i] - (double)b[i]);
        return sum;
    }
    assert(false); // there is no other
    return 0.0;
}

double igd_ball_dual_norm(const float *w, int64_t d, igd_norm norm)
{
    double sum = 0, most = 0;
    for (int64_t i = 0; i < d; i++) {
        const double u = fabs((double)w[i]);
        sum += norm == IGD_NORM_L2 ? u * u : u;
        most = fmax(most, u);
    }
    return norm == IGD_NORM_LINF ? sum : norm == IGD_NORM_L2 ? sqrt(sum) : most;
}

// point := x + scale * point, clipped.
static void shift(float *point, const igd_ball *ball, float scale)
{
    for (int64_t i = 0; i < ball->d; i++)
        point[i] =
            igd_clamp(ball->x[i] + scale * point[i], ball->lower[i], ball->upper[i]);
}

void igd_ball_start(float *point, const igd_ball *ball, const igd_stream *s)
{
    const int64_t d = ball->d;
    double length = 0.0;

    if (ball->norm == IGD_NORM_LINF) {
        igd_random_uniform(point, (size_t)d, s);
        for (int64_t i = 0; i < d; i++) {
            point[i] = 2.0f * point[i] - 1.0f;
            length = fmax(length, fabs((double)point[i]));
        }
        shift(point, ball, (float)((double)ball->eps / (length + TINY)));
        return;
    }
    igd_random_normal(point, (size_t)d, s);
    if (ball->norm == IGD_NORM_L1) {
        for (int64_t i = 0; i < d; i++)
            point[i] += ball->x[i];
        igd_ball_project(point, ball);
        return;
    }
    for (int64_t i = 0; i < d; i++)
        length += (double)point[i] * (double)point[i];
    shift(point, ball, (float)((double)ball->eps / (sqrt(length) + TINY)));
}

void igd_ball_start_inside(float *point, const igd_ball *ball, const igd_stream *s)
{
    if (ball->norm != IGD_NORM_LINF) {
        igd_ball_start(point, ball, s);
        return;
    }
    igd_random_uniform(point, (size_t)ball->d, s);
    for (int64_t i = 0; i < ball->d; i++)
        point[i] = 2.0f * point[i] - 1.0f;
    shift(point, ball, ball->eps);
}

static void project_linf(float *point, const igd_ball *ball)
{
    for (int64_t i = 0; i < ball->d; i++)
        point[i] = igd_clamp(point[i], ball->lower[i], ball->upper[i]);
}

static void project_l2(float *point, const igd_ball *ball)
{
    const double length = igd_ball_norm(point, ball->x, ball->d, IGD_NORM_L2);
    if (length <= (double)ball->eps) {
        project_linf(point, ball);
        return;
    }
    for (int64_t i = 0; i < ball->d; i++)
        point[i] -= ball->x[i];
    shift(point, ball, (float)((double)ball->eps / length));
}

// One coordinate of the Euclidean projection on the L1 ball within [0, 1]: how far the
// perturbation delta of x is kept when everything shrinks by alpha.
static double kept(double delta, double x, double alpha)
{
    const double room = delta > 0.0 ? 1.0 - x : x;
    const double size = fabs(delta);
    return fmax(0.0, fmin(size - alpha, fmin(size, room)));
}

// The alpha >= 0 at which the kept sizes sum to eps, 0 if they do not exceed it. Their
// sum falls with alpha and is linear between the points where a coordinate leaves its
// bound or reaches zero, so Newton's method ends on the right piece; the bracket keeps it
// from cycling, since the sum is neither convex nor concave.
static double shrinkage(const float *point, const igd_ball *ball)
{
    const double eps = (double)ball->eps;
    double low = 0.0, high = 0.0, alpha = 0.0;

    for (int64_t i = 0; i < ball->d; i++)
        high = fmax(high, fabs((double)point[i] - (double)ball->x[i]));
    // Each round but the last moves an end of the bracket; halving alone needs 64.
    for (int round = 0; round < 200; round++) {
        double sum = 0.0, moving = 0.0;
        for (int64_t i = 0; i < ball->d; i++) {
            const double x = (double)ball->x[i], delta = (double)point[i] - x;
            const double size = fabs(delta), room = delta > 0.0 ? 1.0 - x : x;
            const double v = kept(delta, x, alpha);
            sum += v;
            // Counts the coordinates that shrink when alpha grows.
            moving += (double)(size > alpha && size - alpha <= room);
        }
        if (sum > eps)
            low = alpha;
        else if (alpha == 0.0)
            return 0.0;
        else
            high = alpha;
        double next = moving > 0.0 ? alpha + (sum - eps) / moving : -1.0;
        if (fabs(next - alpha) <= 1e-13 * high)
            return next;
        if (next <= low || next >= high)
            next = 0.5 * (low + high);
        if (next <= low || next >= high)
            return high; // neighbours in double precision
        alpha = next;
    }
    return high;
}

static void project_l1(float *point, const igd_ball *ball)
{
    const double alpha = shrinkage(point, ball);
    for (int64_t i = 0; i < ball->d; i++) {
        const double x = (double)ball->x[i], delta = (double)point[i] - x;
        const double v = kept(delta, x, alpha);
        float moved = (float)(x + copysign(v, delta));
        // Rounding must not add up to more than eps.
        if (fabs((double)moved - x) > v)
            moved = nextafterf(moved, ball->x[i]);
        point[i] = moved;
    }
}

void igd_ball_project(float *point, const igd_ball *ball)
{
    switch (ball->norm) {
    case IGD_NORM_LINF:
        project_linf(point, ball);
        break;
    case IGD_NORM_L2:
        project_l2(point, ball);
        break;
    case IGD_NORM_L1:
        project_l1(point, ball);
        break;
    }
}

void igd_ball_draw_in(float *point, const float *x, float *bounds, int64_t d,
                      const igd_threat *threat)
{
    const igd_ball ball = {.norm = threat->norm,
                           .eps = (float)threat->eps,
                           .x = x,
                           .lower = bounds,
                           .upper = bounds + d,
                           .d = d};
    igd_ball_bounds(bounds, bounds + d, x, d, threat);
    igd_ball_project(point, &ball);
}
