// Owns the vote on what a randomised classifier was fooled by.
#include "engine/vote.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/logits.h"
#include "engine/places.h"

// Whether the run's find must be put to the vote now.
bool igd_vote_due(const igd_engine *e, const igd_slot *p)
{
    const bool due = e->job->mode == IGD_RETURN_FOOLED || p->want == IGD_WANT_END;
    return !e->job->deterministic && p->run.fooled && due;
}

// Puts the finds of runs on a randomised classifier to the vote: one lucky draw is not
// an adversarial image.
igd_status igd_vote(igd_engine *e)
{
    const int votes = e->job->votes;
    float *images = NULL, *z = NULL;
    igd_draw *draws = NULL;
    int num = 0;
    igd_status st = IGD_OK;

    for (int i = 0; i < e->num; i++)
        num += igd_vote_due(e, &e->slots[i]);
    if (num == 0)
        return IGD_OK;
    images = malloc((size_t)votes * e->d * sizeof(float));
    z = malloc((size_t)votes * e->C * sizeof(float));
    draws = malloc((size_t)votes * sizeof(*draws));
    if (images == NULL || z == NULL || draws == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d votes", votes);
        goto done;
    }
    for (int i = 0; i < e->num; i++) {
        igd_slot *p = &e->slots[i];
        int wrong = 0;
        if (!igd_vote_due(e, p))
            continue;
        for (int v = 0; v < votes; v++) {
            memcpy(images + (size_t)v * e->d, p->run.x_adv, e->d * sizeof(float));
            draws[v] = igd_slot_draw(e, p, v);
        }
        p->evaluations++;
        p->tally.forwards += votes;
        if ((st = igd_classifier_logits(z, e->f, images, votes, draws)) != IGD_OK)
            goto done;
        const bool finite = igd_peak(z, (size_t)votes * e->C) < IGD_INFINITE;
        p->tally.bad += !finite;
        for (int v = 0; v < votes; v++)
            wrong += igd_argmax(z + (size_t)v * e->C, (int)e->C) != p->run.label;
        p->run.fooled = finite && 2 * wrong > votes;
        if (p->run.fooled && e->job->mode == IGD_RETURN_FOOLED)
            p->want = IGD_WANT_END;
    }

done:
    free(images);
    free(z);
    free(draws);
    return st;
}
