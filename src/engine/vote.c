// Owns the vote on what a classifier was fooled by: several draws of a randomised one,
// and always of the exact one.
#include "engine/vote.h"

#include <stdlib.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "core/error.h"
#include "core/logits.h"
#include "engine/places.h"

// Room for one batch of votes.
typedef struct ballot {
    int each, most;  // votes on a find, finds that a batch holds
    int num;         // finds in it
    int *finds;      // [most], their slots
    float *images;   // [most, each, d]
    float *z;        // [most, each, C]
    igd_draw *draws; // [most, each]
} ballot;

bool igd_vote_due(const igd_engine *e, const igd_slot *p)
{
    const bool due = e->job->mode == IGD_RETURN_FOOLED || p->want == IGD_WANT_END;
    return igd_job_votes(e->job) && p->run.fooled && due;
}

static void ballot_free(ballot *b)
{
    free(b->finds);
    free(b->images);
    free(b->z);
    free(b->draws);
}

// No batch has more rows than those of the attack, unless a single find's.
static igd_status ballot_make(ballot *b, const igd_engine *e, int num_due)
{
    const int each = e->job->deterministic ? 1 : e->job->votes;
    const int fit = e->capacity * e->samples / each;
    const int most = fit < 1 ? 1 : fit < num_due ? fit : num_due;
    const size_t rows = (size_t)most * (size_t)each;

    *b = (ballot){.each = each, .most = most};
    b->finds = malloc((size_t)most * sizeof(*b->finds));
    b->images = malloc(rows * e->d * sizeof(float));
    b->z = malloc(rows * e->C * sizeof(float));
    b->draws = malloc(rows * sizeof(*b->draws));
    if (b->finds != NULL && b->images != NULL && b->z != NULL && b->draws != NULL)
        return IGD_OK;
    ballot_free(b);
    return igd_error(IGD_ENOMEM, "no memory for %zu votes", rows);
}

static void ballot_add(ballot *b, const igd_engine *e, int slot)
{
    igd_slot *p = &e->slots[slot];
    const size_t first = (size_t)b->num * (size_t)b->each;
    for (int v = 0; v < b->each; v++) {
        memcpy(b->images + (first + (size_t)v) * e->d, p->run.x_adv,
               e->d * sizeof(float));
        b->draws[first + (size_t)v] = igd_slot_draw(e, p, v);
    }
    p->evaluations++;
    p->tally.forwards += b->each;
    b->finds[b->num++] = slot;
}

static igd_status ballot_count(ballot *b, const igd_engine *e)
{
    const int C = (int)e->C;
    IGD_TRY(igd_classifier_logits(b->z, igd_classifier_exact(e->f), b->images,
                                  (int64_t)b->num * b->each, b->draws));
    for (int k = 0; k < b->num; k++) {
        igd_slot *p = &e->slots[b->finds[k]];
        const float *z = b->z + (size_t)k * (size_t)b->each * e->C;
        const bool finite = igd_peak(z, (size_t)b->each * e->C) < IGD_INFINITE;
        int wrong = 0;
        p->tally.bad += !finite;
        for (int v = 0; v < b->each; v++)
            wrong += igd_argmax(z + (size_t)v * e->C, C) != p->run.label;
        p->run.fooled = finite && 2 * wrong > b->each;
        if (p->run.fooled && e->job->mode == IGD_RETURN_FOOLED)
            p->want = IGD_WANT_END;
    }
    b->num = 0;
    return IGD_OK;
}

igd_status igd_vote(igd_engine *e)
{
    int num = 0;
    ballot b;
    igd_status st = IGD_OK;

    for (int i = 0; i < e->num; i++)
        num += igd_vote_due(e, &e->slots[i]);
    if (num == 0)
        return IGD_OK;
    IGD_TRY(ballot_make(&b, e, num));
    for (int i = 0; i < e->num && st == IGD_OK; i++) {
        if (!igd_vote_due(e, &e->slots[i]))
            continue;
        ballot_add(&b, e, i);
        if (b.num == b.most)
            st = ballot_count(&b, e);
    }
    if (st == IGD_OK && b.num > 0)
        st = ballot_count(&b, e);
    ballot_free(&b);
    return st;
}
