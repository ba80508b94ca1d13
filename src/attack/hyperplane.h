// The shortest way, in one of three norms, from a point of the unit box to a hyperplane,
// without leaving the box.
#ifndef IGD_ATTACK_HYPERPLANE_H
#define IGD_ATTACK_HYPERPLANE_H

#include <math.h>
#include <stdint.h>

#include "igdef/attack.h"

// Weights up to this size do not move their coordinate under L2 and L1.
#define IGD_WAY_TINY 1e-8f

// A displacement, given by a few numbers: igd_way_at() gives its coordinates, so nothing
// of the size of an image is stored.
typedef struct igd_way {
    igd_norm norm;
    float sign;    // 1 where <w, .> has to fall, else -1
    float step;    // Linf: how far a coordinate moves at most; L2: the same over |w|
    float pivot;   // L1: coordinates of larger |w| go to their bound
    int64_t last;  // L1: the coordinate that goes part of the way, of |w| = pivot; or d
    float part;    // L1: that part
    double length; // the norm of the displacement
} igd_way;

// The way from t [d] in the box to {u : <w, u> = <w, t> - gap}; where no point of the box
// lies in the plane, to the point of the box that is nearest. `heap` [d] is scratch, for
// L1 only.
igd_way igd_way_find(igd_norm norm, const float *t, const float *w, int64_t d, double gap,
                     int32_t *heap);

// How far a coordinate at t can go in the direction that lowers sign * w * t.
static inline float igd_way_room(float t, float signed_w)
{
    return signed_w > 0 ? t : signed_w < 0 ? 1 - t : 0;
}

// Coordinate i of the displacement, where t and w have these values.
static inline float igd_way_at(const igd_way *v, igd_norm norm, float t, float w,
                               int64_t i)
{
    const float u = v->sign * w;
    const float size = fabsf(u);
    const float room = igd_way_room(t, u);
    float move;

    if (norm == IGD_NORM_LINF)
        move = room < v->step ? room : v->step;
    else if (size <= IGD_WAY_TINY)
        move = 0;
    else if (norm == IGD_NORM_L2)
        move = room < v->step * size ? room : v->step * size;
    else if (size > v->pivot || (size == v->pivot && i < v->last))
        move = room;
    else
        move = i == v->last ? v->part : 0;
    return u > 0 ? -move : move;
}

#endif
