// Owns the projections of FAB onto the boundary of a linearised classifier.
//
// With w turned so that <w, .> has to fall by gap >= 0, coordinate i moves against the
// sign of w_i by min(step * scale_i, room_i), where scale_i is 1 under Linf and |w_i|
// under L2, and the step solves
//     sum of |w_i| min(step * scale_i, room_i) = gap.
// The left side is concave and piecewise linear, so Newton's iteration from the left
// climbs to the solution and ends after finitely many passes, without a sort.
// Source: Croce and Hein, ICML 2020, section 3 of the FAB attack, solve the same problem
// by sorting.
#include "attack/hyperplane.h"

#include <float.h>

#define LANES 8 // independent sums, which the compiler may keep in vector registers

// Sums over the coordinates.
typedef struct sums {
    double bound; // of |w| * room where the coordinate reaches its bound
    double slope; // of |w| * scale where it does not
    double area;  // of room^2 where it reaches its bound
} sums;

static inline sums add_all(igd_norm norm, const float *t, const float *w, int64_t d,
                           float sign, float step)
{
    double bound[LANES] = {0}, slope[LANES] = {0}, area[LANES] = {0};
    sums all = {0};

    for (int64_t first = 0; first < d; first += LANES) {
        const int n = d - first < LANES ? (int)(d - first) : LANES;
        float size[LANES] = {0}, room[LANES] = {0}, least[LANES] = {0};

        for (int l = 0; l < n; l++) {
            const float u = sign * w[first + l];
            const bool moves = norm == IGD_NORM_LINF || fabsf(u) > IGD_WAY_TINY;
            size[l] = moves ? fabsf(u) : 0;
            room[l] = moves ? igd_way_room(t[first + l], u) : 0;
            least[l] = norm == IGD_NORM_LINF ? step : step * size[l];
        }
        for (int l = 0; l < LANES; l++) {
            const bool full = room[l] <= least[l];
            const double a = (double)size[l], r = (double)room[l];
            bound[l] += full ? a * r : 0;
            slope[l] += full ? 0 : norm == IGD_NORM_LINF ? a : a * a;
            if (norm != IGD_NORM_LINF)
                area[l] += full ? r * r : 0;
        }
    }
    for (int l = 0; l < LANES; l++) {
        all.bound += bound[l];
        all.slope += slope[l];
        all.area += area[l];
    }
    return all;
}

static inline void find_step(igd_way *v, igd_norm norm, const float *t, const float *w,
                             int64_t d, double gap)
{
    sums s;

    v->step = 0;
    for (;;) {
        s = add_all(norm, t, w, d, v->sign, v->step);
        if (s.slope <= 0) { // every coordinate is at its bound
            v->step = FLT_MAX;
            break;
        }
        const double next = fmin((gap - s.bound) / s.slope, FLT_MAX);
        if ((float)next <= v->step)
            break;
        v->step = (float)next;
    }
    if (norm == IGD_NORM_L2)
        v->length = s.slope > 0
                        ? sqrt(s.area + s.slope * (double)v->step * (double)v->step)
                        : sqrt(s.area);
    else if (s.slope > 0)
        v->length = (double)v->step;
    else
        for (int64_t i = 0; i < d; i++)
            v->length = fmax(v->length, (double)igd_way_room(t[i], v->sign * w[i]));
}

// Whether coordinate a is to move before b.
static bool before(const float *w, int32_t a, int32_t b)
{
    const float u = fabsf(w[a]), v = fabsf(w[b]);
    return u > v || (u == v && a < b);
}

static void sink(int32_t *heap, int64_t n, int64_t at, const float *w)
{
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n)
            return;
        if (child + 1 < n && before(w, heap[child + 1], heap[child]))
            child++;
        if (!before(w, heap[child], heap[at]))
            return;
        const int32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

// L1 pays the same for every coordinate, so those of the largest weights move first. Few
// of them do, which is why a heap serves better than a sort.
static void find_pivot(igd_way *v, const float *t, const float *w, int64_t d, double gap,
                       int32_t *heap)
{
    int64_t n = 0;

    for (int64_t i = 0; i < d; i++)
        if (fabsf(w[i]) > IGD_WAY_TINY)
            heap[n++] = (int32_t)i;
    for (int64_t i = n / 2; i-- > 0;)
        sink(heap, n, i, w);
    v->pivot = IGD_WAY_TINY;
    v->last = d;
    while (n > 0) {
        const int32_t i = heap[0];
        const double size = fabs((double)w[i]);
        const double room = (double)igd_way_room(t[i], v->sign * w[i]);
        if (size * room >= gap) {
            v->pivot = fabsf(w[i]);
            v->last = i;
            v->part = (float)(gap / size);
            v->length += gap / size;
            return;
        }
        gap -= size * room;
        v->length += room;
        heap[0] = heap[--n];
        sink(heap, n, 0, w);
    }
}

igd_way igd_way_find(igd_norm norm, const float *t, const float *w, int64_t d, double gap,
                     int32_t *heap)
{
    igd_way v = {.norm = norm, .sign = gap < 0 ? -1.0f : 1.0f};

    if (norm == IGD_NORM_LINF)
        find_step(&v, IGD_NORM_LINF, t, w, d, fabs(gap));
    else if (norm == IGD_NORM_L2)
        find_step(&v, IGD_NORM_L2, t, w, d, fabs(gap));
    else
        find_pivot(&v, t, w, d, fabs(gap), heap);
    return v;
}
