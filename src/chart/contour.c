// Owns marching squares.
//
// Around the grid lies a ring of points that are never inside, at the places of the
// border itself: so every outline is closed, and where the region reaches the border the
// outline runs along it. Each outline is kept as a chain over the grid's edges that it
// crosses. Walking around a cell clockwise, the outline enters it over an edge that leads
// from inside to outside and leaves over one that leads back; the neighbour walks the
// same edge the other way, so every crossed edge has exactly one successor.
#include "chart/contour.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/error.h"

typedef struct grid {
    const double *value; // [size, size]
    int size;            // without the ring
    int all;             // with it
    double level;
    double x, y, side;
} grid;

static int clamped(const grid *g, int i)
{
    return i < 1 ? 0 : i > g->size ? g->size - 1 : i - 1;
}

static bool on_ring(const grid *g, int i, int j)
{
    return i < 1 || j < 1 || i > g->size || j > g->size;
}

static double value_at(const grid *g, int i, int j)
{
    return g->value[clamped(g, i) * g->size + clamped(g, j)];
}

static bool inside(const grid *g, int i, int j)
{
    return !on_ring(g, i, j) && value_at(g, i, j) >= g->level;
}

// The edge from (i, j) to (i, j + 1), or to (i + 1, j).
static int edge_up(const grid *g, int i, int j)
{
    return 2 * (i * g->all + j);
}

static int edge_right(const grid *g, int i, int j)
{
    return 2 * (i * g->all + j) + 1;
}

static void link_cell(const grid *g, int32_t *next, int i, int j)
{
    const bool in[4] = {inside(g, i, j), inside(g, i, j + 1), inside(g, i + 1, j + 1),
                        inside(g, i + 1, j)};
    const int edge[4] = {edge_up(g, i, j), edge_right(g, i, j + 1), edge_up(g, i + 1, j),
                         edge_right(g, i, j)};
    const int num = in[0] + in[1] + in[2] + in[3];
    if (num == 0 || num == 4)
        return;
    // Two opposite corners: the middle says whether they hang together.
    const bool saddle = num == 2 && in[0] == in[2];
    const double middle = 0.25 * (value_at(g, i, j) + value_at(g, i, j + 1) +
                                  value_at(g, i + 1, j + 1) + value_at(g, i + 1, j));
    for (int k = 0; k < 4; k++) {
        if (!in[k] || in[(k + 1) % 4])
            continue;
        int to = k;
        do // to the next edge that leads back inside; or, around a corner, the last
            to = saddle && middle < g->level ? (to + 3) % 4 : (to + 1) % 4;
        while (in[to] || !in[(to + 1) % 4]);
        next[edge[k]] = edge[to];
    }
}

static void put_crossing(FILE *f, const grid *g, int edge, char command)
{
    const int i = edge / 2 / g->all, j = edge / 2 % g->all;
    const int i2 = i + edge % 2, j2 = j + 1 - edge % 2;
    const double a = value_at(g, i, j), b = value_at(g, i2, j2);
    // On the ring both ends are one place, and any share of the way is right.
    const bool border = on_ring(g, i, j) || on_ring(g, i2, j2);
    const double t = border || a == b ? 0.5 : (g->level - a) / (b - a);
    const double step = g->side / (g->size - 1);
    const double u = clamped(g, i) + t * (clamped(g, i2) - clamped(g, i));
    const double v = clamped(g, j) + t * (clamped(g, j2) - clamped(g, j));
    const long x = lround(10.0 * (g->x + step * u));
    const long y = lround(10.0 * (g->y - step * v));
    fprintf(f, "%c%ld.%ld %ld.%ld", command, x / 10, x % 10, y / 10, y % 10);
}

igd_status igd_contour_put(FILE *f, const double *value, int size, double level, double x,
                           double y, double side)
{
    const grid g = {value, size, size + 2, level, x, y, side};
    const size_t num = 2 * (size_t)g.all * (size_t)g.all;
    int32_t *next = malloc(num * sizeof(*next)); // of each edge; -1: not crossed
    if (next == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the contours of %d x %d points", size,
                         size);
    for (size_t e = 0; e < num; e++)
        next[e] = -1;
    for (int i = 0; i < g.all - 1; i++)
        for (int j = 0; j < g.all - 1; j++)
            link_cell(&g, next, i, j);
    for (size_t first = 0; first < num; first++) {
        char command = 'M';
        for (int e = (int)first; next[e] >= 0;) {
            const int after = next[e];
            put_crossing(f, &g, e, command);
            next[e] = -1;
            e = after;
            command = 'L';
        }
        if (command == 'L')
            fputc('Z', f);
    }
    free(next);
    return IGD_OK;
}
