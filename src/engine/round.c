// Owns a pass of the classifier: who computes it, and which threads tell the runs.
//
// On the host every thread takes some of the runs through the whole pass. A device of its
// own gets calls from one thread only, which then waits for it; the other threads tell
// the runs of one half of the batch while the device computes the other.
#include "engine/round.h"

#include <assert.h>
#include <string.h>

#include "core/error.h"
#include "core/logits.h"
#include "engine/places.h"

typedef igd_engine engine;
typedef igd_slot slot;

// Rows below which another thread is not worth it; the classifier fills up to as many.
#define LEAST_PART 8

static void run_bad(slot *p)
{
    p->tally.bad++;
    p->want = IGD_WANT_END;
}

void igd_round_tell_logits(engine *e, slot *p, const float *z)
{
    p->evaluations++;
    p->tally.forwards += e->samples;
    if (igd_peak(z, (size_t)e->samples * e->C) >= IGD_INFINITE)
        run_bad(p);
    else
        p->want = e->attack->logits(&p->run, z);
}

static void tell_gradient(engine *e, slot *p, float *grad)
{
    p->tally.backwards += e->samples;
    for (size_t i = 0; e->samples > 1 && i < e->d; i++) {
        double sum = 0.0; // exact for equal samples, so that EoT collapses exactly
        for (int s = 0; s < e->samples; s++)
            sum += (double)grad[(size_t)s * e->d + i];
        grad[i] = (float)(sum / e->samples);
    }
    const uint32_t most = igd_peak(grad, e->d);
    p->tally.zero_grads += most == 0;
    if (most >= IGD_INFINITE)
        run_bad(p);
    else
        p->want = e->attack->gradient(&p->run, grad);
}

// Some of the slots in use.
typedef struct part {
    slot *slots;
    int num;
    float *points, *grads, *weights, *logits; // [num, samples, ...]
    igd_draw *draws;                          // [num * samples]
} part;

static part part_make(const engine *e, int first, int num)
{
    const size_t row = (size_t)first * (size_t)e->samples;
    return (part){.slots = e->slots + first,
                  .num = num,
                  .points = e->points + row * e->d,
                  .grads = e->grads + (e->attack->gradient == NULL ? 0 : row * e->d),
                  .weights = e->weights + row * e->C,
                  .logits = e->logits + row * e->C,
                  .draws = e->draws + row};
}

// Asks the classifier at the points of a part. *z are the logits, borrowed from the part,
// or from *pass, owned, where gradients may be taken.
static igd_status part_ask(const engine *e, const part *p, bool recorded, igd_pass **pass,
                           const float **z)
{
    const size_t each = (size_t)e->samples;
    const int64_t rows = (int64_t)p->num * e->samples;

    for (int i = 0; i < p->num; i++) {
        float *point = p->slots[i].run.point;
        for (size_t s = 0; s < each; s++) {
            if (s > 0)
                memcpy(point + s * e->d, point, e->d * sizeof(float));
            p->draws[(size_t)i * each + s] = igd_slot_draw(e, &p->slots[i], (int)s);
        }
    }
    if (!recorded) {
        *z = p->logits;
        return igd_classifier_logits(p->logits, e->f, p->points, rows, p->draws);
    }
    IGD_TRY(igd_pass_run(pass, e->f, p->points, rows, p->draws));
    *z = igd_pass_logits(*pass);
    return IGD_OK;
}

static void part_tell_logits(engine *e, const part *p, const float *z)
{
    for (int i = 0; i < p->num; i++)
        if (p->slots[i].item != NULL) // no guess
            igd_round_tell_logits(e, &p->slots[i],
                                  z + (size_t)i * (size_t)e->samples * e->C);
}

// Whether any run wants a gradient. The rows of the others take part in the pass, but
// nothing flows into them.
static bool part_wants(const engine *e, const part *p)
{
    bool any = false;
    for (int i = 0; i < p->num; i++) {
        slot *q = &p->slots[i];
        if (q->want == IGD_WANT_GRAD)
            any = true;
        else
            memset(q->run.weight, 0, (size_t)e->samples * e->C * sizeof(float));
    }
    return any;
}

static void part_tell_gradients(engine *e, const part *p)
{
    for (int i = 0; i < p->num; i++) {
        slot *q = &p->slots[i];
        if (q->want == IGD_WANT_GRAD)
            tell_gradient(e, q, p->grads + (size_t)i * (size_t)e->samples * e->d);
        assert(e->attack->many_grads || q->want != IGD_WANT_GRAD);
    }
}

// One pass over a part, and what follows from it, on the calling thread.
static igd_status part_round(engine *e, const part *p)
{
    const bool many = e->attack->many_grads;
    igd_pass *pass = NULL;
    const float *z;

    IGD_TRY(part_ask(e, p, e->recorded, &pass, &z));
    part_tell_logits(e, p, z);
    igd_status st = IGD_OK;
    for (bool more = pass != NULL; more && part_wants(e, p); more = many) {
        if ((st = igd_pass_grad(p->grads, pass, p->weights, many)) != IGD_OK)
            break;
        part_tell_gradients(e, p);
    }
    igd_pass_free(pass);
    return st;
}

static igd_status round_part(void *payload, int number)
{
    engine *e = payload;
    const int first = e->first + number * e->part, left = e->past - first;
    const part p = part_make(e, first, left < e->part ? left : e->part);
    return part_round(e, &p);
}

// On the host the threads share the runs; where these are too few for that, libtorch
// shares out its operations.
static igd_status pass_shared(engine *e, int first, int past, bool recorded)
{
    const int threads = e->workers == NULL ? 1 : igd_workers_num(e->workers);
    const int num = past - first, rows = num * e->samples;
    int parts = rows / LEAST_PART < threads ? rows / LEAST_PART : threads;

    if (parts < 1 || 2 * parts < threads)
        parts = 1;
    e->first = first;
    e->past = past;
    e->recorded = recorded;
    e->part = (num + parts - 1) / parts;
    if (e->samples == 1 && parts > 1) // full blocks of rows need no filling up
        e->part = (e->part + LEAST_PART - 1) / LEAST_PART * LEAST_PART;
    parts = (num + e->part - 1) / e->part;
    return igd_workers_run(parts == 1 ? NULL : e->workers, parts, round_part, e);
}

// Half of a pass off the host: while the device computes one, the threads tell the other.
typedef struct half {
    engine *e;
    part part;
    igd_pass *pass;
    const float *z;
    int asked; // answers of the device so far: the logits, then gradients
    int share; // slots that a thread tells
} half;

// Tells a thread's share of a half what the device answered last.
static igd_status half_tell(void *payload, int number)
{
    const half *h = payload;
    engine *e = h->e;
    const int from = number * h->share, left = h->part.num - from;
    const int first = (int)(h->part.slots - e->slots) + from;
    const part p = part_make(e, first, left < h->share ? left : h->share);

    if (h->asked == 1)
        part_tell_logits(e, &p, h->z + (size_t)from * (size_t)e->samples * e->C);
    else
        part_tell_gradients(e, &p);
    return IGD_OK;
}

// Has the device answer what the runs of a half want. *over where they want nothing more.
static igd_status half_ask(half *h, bool recorded, bool *over)
{
    const engine *e = h->e;
    const bool many = e->attack->many_grads;
    const int asked = h->asked++;

    if (asked == 0)
        return part_ask(e, &h->part, recorded, &h->pass, &h->z);
    *over = h->pass == NULL || (asked > 1 && !many) || !part_wants(e, &h->part);
    return *over ? IGD_OK : igd_pass_grad(h->part.grads, h->pass, h->part.weights, many);
}

// Off the host the calling thread alone asks the device, in turns for two halves.
static igd_status pass_overlapped(engine *e, int first, int past, bool recorded)
{
    const int num = past - first;
    const int cut = ((num + 1) / 2 + LEAST_PART - 1) / LEAST_PART * LEAST_PART;
    const int count = cut < num ? 2 : 1, threads = igd_workers_num(e->workers);
    half halves[2] = {{.e = e, .part = part_make(e, first, count == 2 ? cut : num)}};
    bool over[2] = {false, count == 1};
    const half *told = NULL; // whose runs the threads are telling
    igd_status st = IGD_OK;

    if (count == 2)
        halves[1] = (half){.e = e, .part = part_make(e, first + cut, num - cut)};
    for (int turn = 0; st == IGD_OK && !(over[0] && over[1]); turn = 1 - turn) {
        half *h = &halves[turn];
        if (over[turn])
            continue;
        if (told == h) { // the other half is over
            st = igd_workers_wait(e->workers);
            told = NULL;
        }
        if (st == IGD_OK)
            st = half_ask(h, recorded, &over[turn]);
        if (st != IGD_OK || over[turn])
            continue;
        if (told != NULL)
            st = igd_workers_wait(e->workers);
        told = h;
        h->share = (h->part.num + threads - 1) / threads;
        igd_workers_begin(e->workers, (h->part.num + h->share - 1) / h->share, half_tell,
                          h);
    }
    if (told != NULL) {
        const igd_status last = igd_workers_wait(e->workers);
        st = st != IGD_OK ? st : last;
    }
    igd_pass_free(halves[0].pass);
    igd_pass_free(halves[1].pass);
    return st;
}

igd_status igd_round_pass(engine *e, int first, int past, bool recorded)
{
    if (past == first)
        return IGD_OK;
    return e->f->off_host ? pass_overlapped(e, first, past, recorded)
                          : pass_shared(e, first, past, recorded);
}
