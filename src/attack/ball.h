// The L1, L2 or Linf ball around an image within [0, 1]: where an attack may go.
//
// The bounds are computed once, in float: every later step clamps to them, so that no
// perturbation is derived a second time and rounded past eps.
#ifndef IGD_ATTACK_BALL_H
#define IGD_ATTACK_BALL_H

#include "core/random.h"
#include "igdef/attack.h"

// Everything is borrowed.
typedef struct igd_ball {
    igd_norm norm;
    float eps;
    const float *x;     // [d] centre
    const float *lower; // [d] max(x - eps, 0) under Linf, else 0
    const float *upper; // [d] min(x + eps, 1) under Linf, else 1
    int64_t d;
} igd_ball;

// lower [d] and upper [d] of the ball around x [d].
void igd_ball_bounds(float *lower, float *upper, const float *x, int64_t d,
                     const igd_threat *threat);

// The norm of a - b, both [d].
double igd_ball_norm(const float *a, const float *b, int64_t d, igd_norm norm);

// The length of w [d] in the norm dual to `norm`: how much <w, x> may change in a ball of
// radius 1.
double igd_ball_dual_norm(const float *w, int64_t d, igd_norm norm);

// A random point, of noise scaled to length eps and clipped: uniform noise under Linf,
// normal noise under L2; under L1 normal noise projected on the ball.
void igd_ball_start(float *point, const igd_ball *ball, const igd_stream *s);
// The same under L2 and L1; under Linf uniform in the box.
void igd_ball_start_inside(float *point, const igd_ball *ball, const igd_stream *s);

// point [d] := its projection. Under L2 first on the sphere, then on [0, 1]; under Linf
// and L1 the nearest point of the ball within [0, 1].
void igd_ball_project(float *point, const igd_ball *ball);

// The same for one point on the ball around x [d]; `bounds` is room [2, d].
void igd_ball_draw_in(float *point, const float *x, float *bounds, int64_t d,
                      const igd_threat *threat);

#endif
