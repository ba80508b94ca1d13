// Balls: bounds, starts, norms, and projections against brute force.
#include "fixture.h"

#include <math.h>

#include "attack/ball.h"

#define D 200

static float x[D], lower[D], upper[D], point[D];

static igd_ball ball_of(igd_norm norm, double eps)
{
    const igd_threat threat = {norm, eps};
    igd_ball_bounds(lower, upper, x, D, &threat);
    return (igd_ball){norm, (float)eps, x, lower, upper, D};
}

// Images from `low` to `high`.
static void images(float low, float high)
{
    const igd_stream s = igd_stream_make(3, "test ball", 0, 0);
    igd_random_uniform(x, D, &s);
    for (int i = 0; i < D; i++)
        x[i] = low + (high - low) * x[i];
}

static void test_ball__bounds_meet_eps_and_unit_interval(void **state)
{
    (void)state;
    images(0.0f, 1.0f);
    const igd_ball ball = ball_of(IGD_NORM_LINF, 0.1);
    for (int i = 0; i < D; i++) {
        assert_true(ball.lower[i] == (x[i] - 0.1f > 0.0f ? x[i] - 0.1f : 0.0f));
        assert_true(ball.upper[i] == (x[i] + 0.1f < 1.0f ? x[i] + 0.1f : 1.0f));
    }
    (void)ball_of(IGD_NORM_L2, 0.1);
    assert_true(lower[5] == 0.0f && upper[5] == 1.0f);
}

static void test_ball__norms_are_those_of_the_difference(void **state)
{
    (void)state;
    const float a[3] = {1.0f, 2.0f, 3.0f}, b[3] = {1.5f, 2.0f, 1.0f};
    assert_true(igd_ball_norm(a, b, 3, IGD_NORM_LINF) == 2.0);
    assert_true(igd_ball_norm(a, b, 3, IGD_NORM_L2) == sqrt(4.25));
    assert_true(igd_ball_norm(a, b, 3, IGD_NORM_L1) == 2.5);
}

static void test_ball__start_lies_on_the_surface(void **state)
{
    (void)state;
    const igd_stream s = igd_stream_make(0, "start", 4, 0);
    images(0.4f, 0.6f); // nothing is clipped
    for (int norm = IGD_NORM_LINF; norm <= IGD_NORM_L1; norm++) {
        const igd_ball ball = ball_of((igd_norm)norm, 0.25);
        igd_ball_start(point, &ball, &s);
        const double length = igd_ball_norm(point, x, D, ball.norm);
        assert_true(fabs(length - 0.25) < 1e-6);
    }
}

static void test_ball__start_stays_within_the_image(void **state)
{
    (void)state;
    const igd_stream s = igd_stream_make(0, "start", 4, 0);
    images(0.0f, 1.0f);
    for (int norm = IGD_NORM_LINF; norm <= IGD_NORM_L1; norm++) {
        const igd_ball ball = ball_of((igd_norm)norm, 0.75);
        for (int inside = 0; inside < 2; inside++) {
            if (inside)
                igd_ball_start_inside(point, &ball, &s);
            else
                igd_ball_start(point, &ball, &s);
            assert_true(igd_ball_norm(point, x, D, ball.norm) <= 0.75 + 1e-6);
            for (int i = 0; i < D; i++)
                assert_true(point[i] >= 0.0f && point[i] <= 1.0f);
        }
    }
}

static void test_ball__uniform_start_fills_the_box(void **state)
{
    (void)state;
    const igd_stream s = igd_stream_make(0, "start", 4, 0);
    double mean = 0.0, most = 0.0;
    images(0.4f, 0.6f);
    const igd_ball ball = ball_of(IGD_NORM_LINF, 0.1);
    igd_ball_start_inside(point, &ball, &s);
    for (int i = 0; i < D; i++) {
        mean += fabs((double)point[i] - (double)x[i]) / D;
        most = fmax(most, fabs((double)point[i] - (double)x[i]));
    }
    assert_true(fabs(mean - 0.05) < 0.01);
    assert_true(most < 0.1); // the start on the surface has one pixel at 0.1
}

static void test_ball__l2_projection_scales_then_clips(void **state)
{
    (void)state;
    float z[2] = {0.5f, 0.9f}, p[2] = {0.5f + 3.0f, 0.9f + 4.0f};
    const float zero[2] = {0.0f, 0.0f}, one[2] = {1.0f, 1.0f};
    const igd_ball ball = {IGD_NORM_L2, 0.5f, z, zero, one, 2};
    igd_ball_project(p, &ball);
    assert_true(fabsf(p[0] - 0.8f) < 1e-6f); // 0.5 + 0.5 * 3/5
    assert_true(p[1] == 1.0f);               // 0.9 + 0.5 * 4/5 is outside
    p[0] = 0.6f;
    p[1] = 1.1f;
    igd_ball_project(p, &ball);
    assert_true(p[0] == 0.6f && p[1] == 1.0f); // inside the ball: clipped only
}

// Squared distance of the point of [0, 1]^3 with |p - z|_1 <= eps nearest to `far`, by
// trying a grid of them.
static double nearest_on_grid(const float *z, const float *far, double eps)
{
    enum { STEPS = 60 };
    double best = INFINITY;
    double cost[3][STEPS + 1], size[3][STEPS + 1];
    for (int k = 0; k < 3; k++)
        for (int i = 0; i <= STEPS; i++) {
            const double p = (double)i / (double)STEPS;
            cost[k][i] = (p - (double)far[k]) * (p - (double)far[k]);
            size[k][i] = fabs(p - (double)z[k]);
        }
    for (int i = 0; i <= STEPS; i++)
        for (int j = 0; j <= STEPS; j++)
            for (int k = 0; k <= STEPS; k++)
                if (size[0][i] + size[1][j] + size[2][k] <= eps)
                    best = fmin(best, cost[0][i] + cost[1][j] + cost[2][k]);
    return best;
}

static void test_ball__l1_projection_is_the_nearest_point(void **state)
{
    (void)state;
    const float zero[3] = {0}, one[3] = {1.0f, 1.0f, 1.0f};
    for (int trial = 0; trial < 100; trial++) {
        float z[3], far[3], p[3], noise[4];
        const igd_stream s = igd_stream_make(1, "l1", trial, 0);
        igd_random_uniform(z, 3, &s);
        const igd_stream n = igd_stream_make(2, "l1", trial, 0);
        igd_random_normal(noise, 4, &n);
        const double eps = 0.1 + fabs((double)noise[3]);
        for (int k = 0; k < 3; k++) {
            z[k] = (float)(int)(z[k] * 60.0f) / 60.0f; // the centre is on the grid
            p[k] = far[k] = z[k] + 0.7f * noise[k];
        }
        const igd_ball ball = {IGD_NORM_L1, (float)eps, z, zero, one, 3};
        igd_ball_project(p, &ball);
        double cost = 0.0;
        for (int k = 0; k < 3; k++) {
            assert_true(p[k] >= 0.0f && p[k] <= 1.0f);
            cost += ((double)p[k] - (double)far[k]) * ((double)p[k] - (double)far[k]);
        }
        assert_true(igd_ball_norm(p, z, 3, IGD_NORM_L1) <= (double)ball.eps);
        assert_true(cost <= nearest_on_grid(z, far, eps) + 1e-6);
    }
}

static void test_ball__l1_projection_reaches_eps_or_the_bounds(void **state)
{
    (void)state;
    images(0.0f, 1.0f);
    for (int trial = 0; trial < 200; trial++) {
        float far[D];
        const igd_stream s = igd_stream_make(1, "l1 wide", trial, 0);
        igd_random_normal(far, D, &s);
        for (int i = 0; i < D; i++)
            point[i] = far[i] = x[i] + far[i];
        const igd_ball ball = ball_of(IGD_NORM_L1, 0.5 * trial + 0.5);
        igd_ball_project(point, &ball);
        double boxed = 0.0; // what [0, 1] alone leaves
        for (int i = 0; i < D; i++)
            boxed += fabs(fmin(fmax((double)far[i], 0.0), 1.0) - (double)x[i]);
        const double size = igd_ball_norm(point, x, D, IGD_NORM_L1);
        assert_true(size <= (double)ball.eps);
        assert_true(fabs(size - fmin(boxed, (double)ball.eps)) < 1e-4);
    }
}

static void test_ball__projection_leaves_points_inside_alone(void **state)
{
    (void)state;
    images(0.2f, 0.8f);
    for (int norm = IGD_NORM_LINF; norm <= IGD_NORM_L1; norm++) {
        float before[D];
        const igd_ball ball = ball_of((igd_norm)norm, 0.15);
        for (int i = 0; i < D; i++)
            point[i] = before[i] = x[i] + (i % 2 == 0 ? 0.1f / D : -0.1f / D);
        igd_ball_project(point, &ball);
        assert_memory_equal(point, before, sizeof(before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ball__bounds_meet_eps_and_unit_interval),
        cmocka_unit_test(test_ball__norms_are_those_of_the_difference),
        cmocka_unit_test(test_ball__start_lies_on_the_surface),
        cmocka_unit_test(test_ball__start_stays_within_the_image),
        cmocka_unit_test(test_ball__uniform_start_fills_the_box),
        cmocka_unit_test(test_ball__l2_projection_scales_then_clips),
        cmocka_unit_test(test_ball__l1_projection_is_the_nearest_point),
        cmocka_unit_test(test_ball__l1_projection_reaches_eps_or_the_bounds),
        cmocka_unit_test(test_ball__projection_leaves_points_inside_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
