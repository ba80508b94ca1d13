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

#define BLOCK 128
#define LANES 8 // independent sums, which the compiler may keep in vector registers

// Sums over the coordinates.
typedef struct sums {
    double bound; // of |w| * room where the coordinate reaches its bound
    double slope; // of |w| * scale where it does not
    double area;  // of room^2 where it reaches its bound
} sums;

// Adds n coordinates, a multiple of LANES and at most BLOCK.
static inline void add_block(sums *all, igd_norm norm, const float *t, const float *w,
                             int64_t n, float sign, float step)
{
    float bound[LANES] = {0}, slope[LANES] = {0}, area[LANES] = {0};

    for (int64_t i = 0; i < n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            const float u = sign * w[i + l], a = fabsf(u);
            const float room = u > 0 ? t[i + l] : 1 - t[i + l];
            if (norm == IGD_NORM_LINF) {
                const bool full = room <= step;
                bound[l] += full ? a * room : 0;
                slope[l] += full ? 0 : a;
            } else {
                const float size = a > IGD_WAY_TINY ? a : 0;
                const bool full = room <= step * size;
                bound[l] += full ? size * room : 0;
                slope[l] += full ? 0 : size * size;
                area[l] += full && size > 0 ? room * room : 0;
            }
        }
    for (int l = 0; l < LANES; l++) {
        all->bound += (double)bound[l];
        all->slope += (double)slope[l];
        all->area += (double)area[l];
    }
}

static inline sums add_all(igd_norm norm, const float *t, const float *w, int64_t d,
                           float sign, float step)
{
    float last_t[LANES] = {0}, last_w[LANES] = {0}; // no weight adds nothing
    const int64_t whole = d - d % LANES;
    sums all = {0};

    for (int64_t i = 0; i < whole; i += BLOCK)
        add_block(&all, norm, t + i, w + i, whole - i < BLOCK ? whole - i : BLOCK, sign,
                  step);
    for (int64_t i = whole; i < d; i++) {
        last_t[i - whole] = t[i];
        last_w[i - whole] = w[i];
    }
    add_block(&all, norm, last_t, last_w, LANES, sign, step);
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
