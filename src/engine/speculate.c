// Owns the guesses of what comes next, by telling a copy of a run that it failed.
#include "engine/speculate.h"

#include <string.h>

// Places to fill: those that cost nothing, since the classifier would fill them up
// anyway, and on few images as many as keep the threads busy.
static int room(const igd_engine *e)
{
    const int block = e->samples == 1 ? (int)igd_classifier_rows(e->f, e->num) : e->num;
    const int wanted = block > e->enough ? block : e->enough;
    return (wanted < e->capacity ? wanted : e->capacity) - e->num;
}

// q := p after an answer that favours the label. False if it asks nothing then.
static bool guess(const igd_engine *e, igd_slot *q, const igd_slot *p)
{
    const igd_run own = q->run;

    *q = *p;
    q->item = NULL;
    q->evaluations++;
    q->run.point = own.point;
    q->run.weight = own.weight;
    q->run.x_adv = own.x_adv;
    igd_run_lay_out(&q->run, own.state);
    memcpy(q->run.point, p->run.point, e->d * sizeof(float));
    memcpy(q->run.x_adv, p->run.x_adv, e->d * sizeof(float));
    memcpy(q->run.state, p->run.state, e->state_size);
    // Where the answers will be is room for one that is made up.
    float *z = e->logits + (size_t)(q - e->slots) * (size_t)e->samples * e->C;
    memset(z, 0, (size_t)e->samples * e->C * sizeof(float));
    for (int s = 0; s < e->samples; s++)
        z[(size_t)s * e->C + (size_t)q->run.label] = 1e6f;
    q->want = e->attack->logits(&q->run, z);
    return q->want == IGD_WANT_LOGITS;
}

int igd_speculate(igd_engine *e)
{
    const int free_places = room(e);
    int used = e->num;

    for (int i = 0; i < e->num; i++) {
        igd_slot *p = &e->slots[i];
        const igd_slot *last = p;
        const int share = free_places / e->num + (i < free_places % e->num);
        p->guess = &e->slots[used];
        p->num_guesses = 0;
        while (p->num_guesses < share && guess(e, &e->slots[used], last)) {
            last = &e->slots[used++];
            p->num_guesses++;
        }
    }
    return used;
}

const igd_slot *igd_speculated(const igd_engine *e, const igd_slot *p, int k)
{
    const igd_slot *q = p->guess + k;
    const bool same = k < p->num_guesses && p->want == IGD_WANT_LOGITS &&
                      p->evaluations == q->evaluations &&
                      memcmp(p->run.point, q->run.point, e->d * sizeof(float)) == 0;
    return same ? q : NULL;
}
