// Owns the form in which images in flight are kept over an interruption.
//
// Of an image's runs the first that has not ended is kept as it is; later ones, started
// ahead of their turn, start again and come to the same end. All numbers are in the byte
// order of this machine: the same program reads them that wrote them.
#include "engine/engine_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

// An image, before its tallies [num_runs], its x_adv [d], and its run.
typedef struct item_record {
    int64_t image, d, state_size;
    int num_runs, next, limit, winner;
    bool fooled, running;
    double loss;
} item_record;

// A run, before its point [d], its x_adv [d] and its state.
typedef struct run_record {
    int index;
    igd_want want;
    uint32_t evaluations;
    igd_tally tally;
    double loss, distance;
    int64_t plateaus, queries;
    bool fooled, stalled;
} run_record;

// The run of m that comes first; NULL where none is in work.
static const igd_slot *first_run(const igd_engine *e, const igd_item *m)
{
    const igd_slot *first = NULL;
    for (int i = 0; i < e->num; i++) {
        const igd_slot *p = &e->slots[i];
        if (p->item == m && (first == NULL || p->run.index < first->run.index))
            first = p;
    }
    return first;
}

static size_t shared_bytes(const igd_engine *e)
{
    return e->prepares ? e->C * sizeof(double) : 0;
}

static size_t bytes_of(const igd_engine *e, bool running)
{
    const size_t pixels = e->d * sizeof(float);
    const size_t run = sizeof(run_record) + 2 * pixels + e->state_size;
    return sizeof(item_record) + (size_t)e->num_runs * sizeof(igd_tally) +
           shared_bytes(e) + pixels + (running ? run : 0);
}

static unsigned char *append(unsigned char *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

static void write_item(unsigned char *to, const igd_engine *e, const igd_item *m)
{
    const size_t pixels = e->d * sizeof(float);
    const igd_slot *p = first_run(e, m);
    item_record item;
    run_record run;

    memset(&item, 0, sizeof(item)); // padding too: equal engines give equal bytes
    memset(&run, 0, sizeof(run));
    item.image = m->target.image;
    item.d = (int64_t)e->d;
    item.state_size = (int64_t)e->state_size;
    item.num_runs = e->num_runs;
    item.next = p == NULL ? m->next : p->run.index + 1;
    item.limit = m->limit;
    item.winner = m->winner;
    item.fooled = m->fooled;
    item.running = p != NULL;
    item.loss = m->loss;
    to = append(to, &item, sizeof(item));
    to = append(to, igd_item_tallies(e, m), (size_t)e->num_runs * sizeof(igd_tally));
    to = append(to, m->shared, shared_bytes(e));
    to = append(to, m->winner >= 0 ? m->x_adv : m->target.x, pixels);
    if (p == NULL)
        return;
    run.index = p->run.index;
    run.want = p->want;
    run.evaluations = p->evaluations;
    run.tally = p->tally;
    run.loss = p->run.loss;
    run.distance = p->run.distance;
    run.plateaus = p->run.plateaus;
    run.queries = p->run.queries;
    run.fooled = p->run.fooled;
    run.stalled = p->run.stalled;
    to = append(to, &run, sizeof(run));
    to = append(to, p->run.point, pixels);
    to = append(to, p->run.x_adv, pixels);
    append(to, p->run.state, e->state_size);
}

igd_status igd_engine_save(const igd_engine *e,
                           igd_status (*put)(int64_t image, const void *bytes,
                                             size_t size, void *payload),
                           void *payload)
{
    unsigned char *bytes = malloc(bytes_of(e, true));
    igd_status st = IGD_OK;

    if (bytes == NULL)
        return igd_error(IGD_ENOMEM, "no memory to save an image in flight");
    for (int i = 0; i < e->capacity && st == IGD_OK; i++) {
        const igd_item *m = &e->items[i];
        if (!m->used)
            continue;
        write_item(bytes, e, m);
        st = put(m->target.image, bytes, bytes_of(e, first_run(e, m) != NULL), payload);
    }
    free(bytes);
    return st;
}

static double share(int64_t passes, double most)
{
    return most > 0.0 ? (double)passes / most : 0.0;
}

double igd_engine_work(const igd_engine *e, double forwards, double backwards)
{
    double sum = 0.0;
    for (int i = 0; i < e->capacity; i++) {
        const igd_item *m = &e->items[i];
        int64_t f = 0, b = 0;
        if (!m->used)
            continue;
        for (int k = 0; k < e->num_runs; k++) {
            f += igd_item_tallies(e, m)[k].forwards;
            b += igd_item_tallies(e, m)[k].backwards;
        }
        for (int k = 0; k < e->num; k++)
            if (e->slots[k].item == m) {
                f += e->slots[k].tally.forwards;
                b += e->slots[k].tally.backwards;
            }
        sum += fmin(fmax(share(f, forwards), share(b, backwards)), 1.0);
    }
    return sum;
}

static const unsigned char *take(void *to, const unsigned char *from, size_t size)
{
    memcpy(to, from, size);
    return from + size;
}

static bool is_record_of(const item_record *h, const igd_engine *e, const igd_item *m,
                         size_t size)
{
    return h->image == m->target.image && h->d == (int64_t)e->d &&
           h->state_size == (int64_t)e->state_size && h->num_runs == e->num_runs &&
           h->next >= h->running && h->next <= e->num_runs && h->limit >= 0 &&
           h->limit <= e->num_runs && h->winner >= -1 && h->winner < e->num_runs &&
           size == bytes_of(e, h->running);
}

bool igd_item_take_up(igd_engine *e, igd_item *m, const unsigned char *bytes, size_t size)
{
    const size_t pixels = e->d * sizeof(float);
    item_record item;
    run_record run;

    if (size < sizeof(item))
        return false;
    bytes = take(&item, bytes, sizeof(item));
    if (!is_record_of(&item, e, m, size))
        return false;
    if (item.running) {
        memcpy(&run,
               bytes + (size_t)e->num_runs * sizeof(igd_tally) + shared_bytes(e) + pixels,
               sizeof(run));
        if (run.index != item.next - 1 ||
            (run.want != IGD_WANT_LOGITS && run.want != IGD_WANT_LABEL))
            return false;
    }
    m->next = item.next;
    m->limit = item.limit;
    m->winner = item.winner;
    m->fooled = item.fooled;
    m->loss = item.loss;
    bytes = take(igd_item_tallies(e, m), bytes, (size_t)e->num_runs * sizeof(igd_tally));
    bytes = take(m->shared, bytes, shared_bytes(e));
    bytes = take(m->x_adv, bytes, pixels);
    if (!item.running)
        return true;
    igd_slot *p = &e->slots[e->num++];
    igd_run *r = &p->run;
    bytes += sizeof(run);
    p->item = m;
    p->want = run.want;
    p->evaluations = run.evaluations;
    p->tally = run.tally;
    igd_run_enter(r, m);
    r->index = run.index;
    r->loss = run.loss;
    r->distance = run.distance;
    r->plateaus = run.plateaus;
    r->queries = run.queries;
    r->fooled = run.fooled;
    r->stalled = run.stalled;
    bytes = take(r->point, bytes, pixels);
    bytes = take(r->x_adv, bytes, pixels);
    (void)take(r->state, bytes, e->state_size);
    m->active++;
    return true;
}
