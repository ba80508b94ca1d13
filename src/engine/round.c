// Owns a pass of the classifier: shares it out among the threads, and tells the runs.
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

// Some of the slots in use, which one thread takes through a round.
typedef struct part {
    slot *slots;
    int num;
    float *points, *grads, *weights, *logits; // [num, samples, ...]
    igd_draw *draws;                          // [num * samples]
} part;

// Asks for the gradients that runs want, until none does.
static igd_status backward(engine *e, const part *p, igd_pass *pass)
{
    const size_t each = (size_t)e->samples;

    for (;;) {
        bool any = false;
        for (int i = 0; i < p->num; i++) {
            slot *q = &p->slots[i];
            if (q->want == IGD_WANT_GRAD)
                any = true;
            else // its row takes part in the pass, but nothing flows into it
                memset(q->run.weight, 0, each * e->C * sizeof(float));
        }
        if (!any)
            return IGD_OK;
        IGD_TRY(igd_pass_grad(p->grads, pass, p->weights, e->attack->many_grads));
        for (int i = 0; i < p->num; i++) {
            slot *q = &p->slots[i];
            if (q->want == IGD_WANT_GRAD)
                tell_gradient(e, q, p->grads + (size_t)i * each * e->d);
            assert(e->attack->many_grads || q->want != IGD_WANT_GRAD);
        }
        if (!e->attack->many_grads)
            return IGD_OK;
    }
}

// One pass of the classifier over the points of a part, and what follows from it.
static igd_status part_round(engine *e, const part *p)
{
    const size_t each = (size_t)e->samples;
    const int64_t rows = (int64_t)p->num * e->samples;
    igd_pass *pass = NULL;
    const float *z = p->logits;

    for (int i = 0; i < p->num; i++) {
        float *point = p->slots[i].run.point;
        for (size_t s = 0; s < each; s++) {
            if (s > 0)
                memcpy(point + s * e->d, point, e->d * sizeof(float));
            p->draws[(size_t)i * each + s] = igd_slot_draw(e, &p->slots[i], (int)s);
        }
    }
    if (!e->recorded) {
        IGD_TRY(igd_classifier_logits(p->logits, e->f, p->points, rows, p->draws));
    } else {
        IGD_TRY(igd_pass_run(&pass, e->f, p->points, rows, p->draws));
        z = igd_pass_logits(pass);
    }
    for (int i = 0; i < p->num; i++)
        if (p->slots[i].item != NULL) // no guess
            igd_round_tell_logits(e, &p->slots[i], z + (size_t)i * each * e->C);
    const igd_status st = pass == NULL ? IGD_OK : backward(e, p, pass);
    igd_pass_free(pass);
    return st;
}

static igd_status round_part(void *payload, int number)
{
    engine *e = payload;
    const int first = e->first + number * e->part, left = e->past - first;
    const size_t row = (size_t)first * (size_t)e->samples;
    const part p = {.slots = e->slots + first,
                    .num = left < e->part ? left : e->part,
                    .points = e->points + row * e->d,
                    .grads = e->grads + (e->attack->gradient == NULL ? 0 : row * e->d),
                    .weights = e->weights + row * e->C,
                    .logits = e->logits + row * e->C,
                    .draws = e->draws + row};
    return part_round(e, &p);
}

// One pass for the slots [first, past). On a CPU the threads share the runs; where these
// are too few for that, libtorch shares out its operations.
igd_status igd_round_pass(engine *e, int first, int past, bool recorded)
{
    const int threads = e->workers == NULL ? 1 : igd_workers_num(e->workers);
    const int num = past - first, rows = num * e->samples;
    int parts = rows / LEAST_PART < threads ? rows / LEAST_PART : threads;

    if (num == 0)
        return IGD_OK;
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
