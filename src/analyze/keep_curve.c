// Owns the curve of accuracy over keep.
//
// With an affine suffix the logits are an offset plus one contribution per neuron, so
// those for keep k + 1 are those for keep k plus the contributions of the neurons that
// come next in the rankings of the pseudo-label's classes: every keep for the price of
// one. Sums are made in double, in another order than the suffix's own in float32; where
// that could decide about an image, the suffix itself is asked.
#include "analyze/keep_curve.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "rank/jacobian.h"

// A lead smaller than this share of the terms' magnitudes may be rounding: float32 sums
// of up to 10,000 terms err by 1e-5 of them at most, mostly by far less.
#define DOUBT 1e-5
#define MOST_PARTS (1 << 24) // floats of contributions held at once

// Keeps first .. last of one image whose verdict the suffix must give. The mask changes
// nothing between them.
typedef struct doubt {
    int64_t row;
    int first, last;
} doubt;

typedef struct doubts {
    doubt *item; // owned
    int64_t num, room;
} doubts;

void igd_keep_mask(float *row, const igd_ranking *ranking, const igd_sparse *p, int keep)
{
    memset(row, 0, (size_t)igd_ranking_num_neurons(ranking) * sizeof(*row));
    for (int i = 0; i < p->num; i++) {
        const int32_t *order = igd_ranking_order(ranking, p->class[i]);
        for (int k = 0; k < keep; k++)
            row[order[k]] += p->part[i];
    }
}

static igd_status doubts_add(doubts *d, int64_t row, int keep)
{
    if (d->num == d->room) {
        const int64_t room = d->room > 0 ? 2 * d->room : 64;
        doubt *item = realloc(d->item, (size_t)room * sizeof(*item));
        if (item == NULL)
            return igd_error(IGD_ENOMEM, "no memory for %lld masks", (long long)room);
        d->item = item;
        d->room = room;
    }
    d->item[d->num++] = (doubt){row, keep, keep};
    return IGD_OK;
}

static void count(igd_keep_curve *c, int first, int last, bool correct)
{
    for (int keep = first; keep <= last && correct; keep++)
        c->correct[keep]++;
}

static bool is_best(const float *z, int C, int label)
{
    for (int c = 0; c < C; c++)
        if (c < label ? z[c] >= z[label] : z[c] > z[label])
            return false;
    return true;
}

// --- what the neurons contribute

// Of one image: neuron k adds table[k * C + j] to the logit of class j, times act[k]
// unless that is NULL.
typedef struct contributions {
    const float *table, *act; // [K, C], [K]
} contributions;

// Logits of one image as keep grows, and the magnitude of the terms in each.
typedef struct walk {
    double *z, *magnitude; // [C]
} walk;

typedef enum verdict { WRONG, RIGHT, DOUBTFUL } verdict;

static verdict judge(const walk *w, int C, int label)
{
    double lead = INFINITY, largest = w->magnitude[label];
    for (int j = 0; j < C; j++) {
        if (j != label)
            lead = fmin(lead, w->z[label] - w->z[j]);
        largest = fmax(largest, w->magnitude[j]);
    }
    if (fabs(lead) <= DOUBT * largest)
        return DOUBTFUL;
    return lead > 0.0 ? RIGHT : WRONG;
}

// Adds the neurons that come at place k of the rankings. @return whether a logit moved
static bool step(walk *w, const igd_keep_curve *c, const contributions *from,
                 const igd_sparse *p, int k)
{
    bool moved = false;
    for (int i = 0; i < p->num; i++) {
        const int neuron = igd_ranking_order(c->ranking, p->class[i])[k];
        const float *row = from->table + (size_t)neuron * (size_t)c->C;
        const double by =
            (double)p->part[i] * (from->act != NULL ? (double)from->act[neuron] : 1.0);
        for (int j = 0; j < c->C; j++) {
            const double more = by * (double)row[j];
            w->z[j] += more;
            w->magnitude[j] += fabs(more);
            moved = moved || more != 0.0;
        }
    }
    return moved;
}

static igd_status walk_image(igd_keep_curve *c, walk *w, doubts *d,
                             const contributions *from, const float *offset, int64_t row,
                             int label, const igd_sparse *p)
{
    for (int j = 0; j < c->C; j++) {
        w->z[j] = (double)offset[j];
        w->magnitude[j] = fabs((double)offset[j]);
    }
    // With nothing kept the logits are the suffix's own: no doubt is possible.
    verdict now = is_best(offset, c->C, label) ? RIGHT : WRONG;
    for (int k = 0; k < c->K; k++) {
        const bool moved = step(w, c, from, p, k);
        if (moved)
            now = judge(w, c->C, label);
        if (now != DOUBTFUL)
            count(c, k + 1, k + 1, now == RIGHT);
        else if (moved)
            IGD_TRY(doubts_add(d, row, k + 1));
        else
            d->item[d->num - 1].last = k + 1;
    }
    return IGD_OK;
}

// --- doubts

// Asks the suffix about doubts first .. first + num - 1, in as many rows. Where rows
// cannot be selected, all of the batch take part and one counts.
static igd_status ask(igd_keep_curve *c, const doubts *d, int64_t first, int64_t num,
                      const igd_tensor *act, const igd_carried *carried, int64_t rows,
                      const int *labels, const igd_sparse *pseudo)
{
    const bool tiles = igd_cut_tiles(c->cut);
    const int64_t size =
        tiles ? (num + IGD_BATCH_ROWS - 1) / IGD_BATCH_ROWS * IGD_BATCH_ROWS : rows;
    float *mask = calloc((size_t)size, (size_t)c->K * sizeof(*mask)); // [size, K]
    float *z = malloc((size_t)(size * c->C) * sizeof(*z));            // [size, C]
    int64_t *which = malloc((size_t)size * sizeof(*which));
    igd_scope t = igd_scope_begin(NULL);
    igd_status st = IGD_OK;

    if (mask == NULL || z == NULL || which == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %lld masks", (long long)size);
        goto done;
    }
    for (int64_t i = 0; i < size; i++) { // the last one fills the rows up
        const doubt *q = &d->item[first + (i < num ? i : num - 1)];
        which[i] = q->row;
        if (tiles || i == q->row)
            igd_keep_mask(mask + i * c->K, c->ranking, &pseudo[q->row], q->first);
    }
    if (tiles) {
        igd_tensor *indices = igt_indices(&t, which, size, c->f->device);
        act = igt_cut_rows(&t, c->cut, act, indices);
        carried = igt_carried_rows(&t, c->cut, carried, indices);
    }
    igd_tensor *m = igt_view(&t, mask, (int64_t[]){size, c->K}, 2, c->f->device);
    igt_read(&t, igt_suffix(&t, c->cut, igt_mask_neurons(&t, c->cut, act, m), carried), z,
             size * c->C);
    if ((st = t.status) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < num; i++) {
        const doubt *q = &d->item[first + i];
        const float *own = z + (tiles ? i : q->row) * c->C;
        count(c, q->first, q->last, is_best(own, c->C, labels[q->row]));
    }

done:
    igd_scope_end(&t);
    free(mask);
    free(z);
    free(which);
    return st;
}

static igd_status settle(igd_keep_curve *c, const doubts *d, const igd_tensor *act,
                         const igd_carried *carried, int64_t rows, const int *labels,
                         const igd_sparse *pseudo)
{
    const int64_t most = igd_cut_tiles(c->cut) ? rows : 1;
    for (int64_t first = 0; first < d->num; first += most) {
        const int64_t left = d->num - first;
        IGD_TRY(ask(c, d, first, left < most ? left : most, act, carried, rows, labels,
                    pseudo));
    }
    return IGD_OK;
}

// --- a batch

// Contributions of the images first .. first + num - 1, [num, K, C], from activations by
// neuron [rows, K, P].
static void read_parts(float *part, const igd_keep_curve *c, igd_scope *s,
                       const igd_tensor *by_neuron, int64_t first, int64_t num)
{
    igd_scope t = igd_scope_begin(s);
    igd_tensor *a = igt_move_axis(&t, igt_narrow(&t, by_neuron, 0, first, num), 1, 0);
    igd_tensor *J = igt_move_axis(&t, igt_move_axis(&t, c->jacobian, 0, 1), 1, 2);
    igd_tensor *all = igt_matmul(&t, a, J); // [K, num, P] x [K, P, C] -> [K, num, C]
    igt_read(&t, igt_move_axis(&t, all, 1, 0), part, num * c->K * c->C);
    igd_scope_end(&t);
}

// What walking a batch needs on the host.
typedef struct host {
    float *offset;   // [rows, C] logits with nothing kept
    float *act;      // [rows, K] summed over positions, where these are alike
    float *jacobian; // [K, C], likewise
    float *part;     // [chunk, K, C], elsewhere
    int64_t chunk;   // images whose contributions are held at once
    walk w;
} host;

static void host_free(host *h)
{
    free(h->offset);
    free(h->act);
    free(h->jacobian);
    free(h->part);
    free(h->w.z);
    free(h->w.magnitude);
}

static igd_status host_init(host *h, const igd_keep_curve *c, bool alike, int64_t rows,
                            int64_t n)
{
    const size_t C = (size_t)c->C, K = (size_t)c->K;
    h->chunk = MOST_PARTS / (int64_t)(C * K) + 1;
    h->chunk = alike || h->chunk > n ? n : h->chunk;
    h->offset = malloc((size_t)rows * C * sizeof(float));
    h->act = malloc(alike ? (size_t)rows * K * sizeof(float) : 1);
    h->jacobian = malloc(alike ? C * K * sizeof(float) : 1);
    h->part = malloc(alike ? 1 : (size_t)h->chunk * K * C * sizeof(float));
    h->w.z = malloc(C * sizeof(double));
    h->w.magnitude = malloc(C * sizeof(double));
    if (h->offset == NULL || h->act == NULL || h->jacobian == NULL || h->part == NULL ||
        h->w.z == NULL || h->w.magnitude == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %zu neurons", K);
    return IGD_OK;
}

// The logits with nothing kept.
static void read_offset(float *offset, const igd_keep_curve *c, igd_scope *s,
                        const igd_tensor *act, const igd_carried *carried, int64_t rows,
                        const float *zeros)
{
    igd_scope t = igd_scope_begin(s);
    igd_tensor *none = igt_view(&t, zeros, (int64_t[]){1, c->K}, 2, c->f->device);
    igd_tensor *z =
        igt_suffix(&t, c->cut, igt_mask_neurons(&t, c->cut, act, none), carried);
    igt_read(&t, z, offset, rows * c->C);
    igd_scope_end(&t);
}

igd_status igd_keep_curve_add(igd_keep_curve *c, igd_scope *s, const igd_tensor *act,
                              const igd_carried *carried, int64_t rows, int64_t n,
                              const int *labels, const igd_sparse *pseudo)
{
    const bool alike = igd_tensor_length(c->jacobian, 2) == 1;
    float *zeros = calloc((size_t)c->K, sizeof(*zeros));
    host h = {0};
    doubts d = {0};
    igd_status st = host_init(&h, c, alike, rows, n);

    if (st == IGD_OK && zeros == NULL)
        st = igd_error(IGD_ENOMEM, "no memory for a mask");
    if (st != IGD_OK)
        goto done;
    read_offset(h.offset, c, s, act, carried, rows, zeros);
    igd_tensor *by_neuron = igt_by_neuron(s, c->cut, act); // [rows, K, P]
    if (alike) {
        igt_read(s, igt_sum_axis(s, by_neuron, 2), h.act, rows * c->K);
        igt_read(s, igt_move_axis(s, c->jacobian, 0, 1), h.jacobian,
                 (int64_t)c->C * c->K);
    }
    for (int64_t i = 0; i < n && (st = s->status) == IGD_OK; i++) {
        contributions from = {.table = h.jacobian, .act = h.act + i * c->K};
        if (!alike) {
            if (i % h.chunk == 0) {
                const int64_t left = n - i;
                read_parts(h.part, c, s, by_neuron, i, left < h.chunk ? left : h.chunk);
                if ((st = s->status) != IGD_OK)
                    break;
            }
            from = (contributions){.table = h.part + i % h.chunk * c->K * c->C};
        }
        if ((st = walk_image(c, &h.w, &d, &from, h.offset + i * c->C, i, labels[i],
                             &pseudo[i])) != IGD_OK)
            goto done;
    }
    if (st == IGD_OK)
        st = settle(c, &d, act, carried, rows, labels, pseudo);

done:
    host_free(&h);
    free(d.item);
    free(zeros);
    return st;
}
