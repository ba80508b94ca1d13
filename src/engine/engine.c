// Owns the engine that runs one attack over many images.
//
// The engine works in rounds. In a round every run in flight has one point; the
// classifier answers all of them in one pass, or in two where some will not ask for
// gradients; every run is told, gradients are taken for those that ask, and runs that
// ended make room for the next run of their image, for the next image, or, when no image
// is left, for runs of the images in flight that would otherwise wait for their turn.
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack/ball.h"
#include "core/error.h"
#include "core/logits.h"
#include "engine/engine_impl.h"
#include "engine/places.h"
#include "engine/round.h"
#include "engine/speculate.h"
#include "engine/vote.h"
#include "engine/workers.h"
#include "igdef/runtime.h"

typedef igd_engine engine;
typedef igd_item item;
typedef igd_slot slot;
typedef igd_tally tally;

// Rows that a thread should have: more add little speed on a CPU.
#define GOOD_PART 16
// Runs for each thread up to which some are started before it is known whether they are
// needed. More than the above: those of a round that ask for gradients go through a pass
// of their own, and its parts should be good ones too.
#define AHEAD_PART 64

// Hands an image's outcome over and makes its item free.
static igd_status item_deliver(engine *e, item *m)
{
    const bool show = m->fooled || e->job->mode == IGD_RETURN_HIGH_LOSS;
    igd_outcome o = {.image = m->target.image,
                     .fooled = m->fooled,
                     .run = m->fooled ? m->winner : -1,
                     .loss = m->loss,
                     .distance = INFINITY,
                     .x_adv = show && m->winner >= 0 ? m->x_adv : m->target.x};

    for (int i = 0; i < e->num_runs && (!m->fooled || i <= m->winner); i++) {
        const tally *t = igd_item_tallies(e, m) + i;
        o.forwards += t->forwards;
        o.backwards += t->backwards;
        o.bad += t->bad;
        o.zero_grads += t->zero_grads;
        o.stalled += t->stalled;
        o.plateaus += t->plateaus;
        o.queries += t->queries;
        o.distance = fmin(o.distance, t->distance);
    }
    m->used = false;
    return e->feed->done(&o, e->feed->payload);
}

// Fetches the next image into m; m->used stays false when there is none.
static igd_status item_fetch(engine *e, item *m)
{
    igd_target target = {0};

    IGD_TRY(e->feed->next(&target, e->feed->payload));
    if (target.x == NULL) {
        e->dry = true;
        return IGD_OK;
    }
    if (target.label < 0 || target.label >= e->job->num_classes)
        return igd_error(IGD_EINVAL, "image %lld has label %d, the classifier %d classes",
                         (long long)target.image, target.label, e->job->num_classes);
    m->used = true;
    m->target = target;
    m->next = m->active = 0;
    m->limit = e->num_runs;
    m->winner = -1;
    m->fooled = false;
    m->loss = -INFINITY;
    for (int i = 0; i < e->num_runs; i++)
        igd_item_tallies(e, m)[i] = (tally){0};
    igd_ball_bounds(m->lower, m->upper, target.x, (int64_t)e->d, &e->job->threat);
    if (e->job->mode == IGD_RETURN_FOOLED && e->job->deterministic &&
        igd_argmax(target.clean, e->job->num_classes) != target.label) {
        m->fooled = true; // by itself: no run is needed, x is the answer
        return item_deliver(e, m);
    }
    return IGD_OK;
}

static bool item_over(const item *m)
{
    return m->active == 0 && m->next >= m->limit;
}

// Goes on with an image where an earlier sitting left it, if one did.
static igd_status item_resume(engine *e, item *m)
{
    size_t size = 0;
    const unsigned char *bytes = NULL;
    if (e->feed->earlier != NULL)
        bytes = e->feed->earlier(&size, m->target.image, e->feed->payload);
    if (bytes != NULL)
        (void)igd_item_take_up(e, m, bytes, size);
    return item_over(m) ? item_deliver(e, m) : IGD_OK;
}

// Notes the end of the run in p and, where it fooled the classifier, that later runs of
// its image are not needed.
static void run_ended(engine *e, slot *p)
{
    const igd_run *r = &p->run;
    item *m = p->item;
    const bool above = r->loss > m->loss || (r->loss == m->loss && r->index < m->winner);
    const bool wins =
        r->fooled ? !m->fooled || r->index < m->winner : !m->fooled && above;

    p->tally.stalled += r->stalled;
    p->tally.plateaus += r->plateaus;
    p->tally.queries = r->queries;
    p->tally.distance = r->distance;
    igd_item_tallies(e, m)[r->index] = p->tally;
    m->active--;
    p->item = NULL;
    if (!wins)
        return;
    m->winner = r->index;
    m->loss = r->loss;
    m->fooled = r->fooled;
    memcpy(m->x_adv, r->x_adv, e->d * sizeof(float));
    if (!r->fooled)
        return;
    m->limit = r->index;
    for (int i = 0; i < e->num; i++) {
        slot *q = &e->slots[i];
        if (q->item == m && q->run.index > m->limit) {
            q->item = NULL;
            m->active--;
        }
    }
}

// The item whose next run is to be started: one that waits for it; else, when the feed is
// dry and the batch wants more, the one with the fewest runs in flight.
static item *item_to_go_on(const engine *e)
{
    item *best = NULL;
    for (int i = 0; i < e->capacity; i++) {
        item *m = &e->items[i];
        const bool preparing = e->prepares && m->next == 1 && m->active == 1;
        if (m->used && m->next < m->limit && !preparing &&
            (best == NULL || m->active < best->active))
            best = m;
    }
    const bool ahead = e->dry && e->num < e->ahead;
    return best == NULL || (best->active > 0 && !ahead) ? NULL : best;
}

static item *item_free(const engine *e)
{
    for (int i = 0; i < e->capacity; i++)
        if (!e->items[i].used)
            return &e->items[i];
    return NULL;
}

// Starts the next run of m in slot p.
static void run_start(engine *e, slot *p, item *m)
{
    igd_run *r = &p->run;

    assert(r->state != NULL);
    memset(r->state, 0, e->state_size);
    p->item = m;
    p->evaluations = 0;
    p->tally = (tally){0};
    igd_run_enter(r, m);
    r->index = m->next++;
    r->loss = -INFINITY;
    r->fooled = r->stalled = false;
    r->plateaus = r->queries = 0;
    r->distance = INFINITY;
    memcpy(r->x_adv, r->x, e->d * sizeof(float));
    m->active++;
    p->want = e->attack->start(r);
}

// Delivers what is over and fills the batch.
static igd_status refill(engine *e)
{
    igd_places_compact(e);
    for (int i = 0; i < e->capacity; i++)
        if (e->items[i].used && item_over(&e->items[i]))
            IGD_TRY(item_deliver(e, &e->items[i]));
    while (e->num < e->capacity) {
        item *m = item_to_go_on(e);
        if (m == NULL) {
            if (e->dry || (m = item_free(e)) == NULL)
                return IGD_OK;
            IGD_TRY(item_fetch(e, m));
            if (m->used)
                IGD_TRY(item_resume(e, m));
            continue;
        }
        slot *p = &e->slots[e->num++];
        run_start(e, p, m);
        if (p->want == IGD_WANT_END) {
            run_ended(e, p);
            igd_places_compact(e);
            if (item_over(m))
                IGD_TRY(item_deliver(e, m));
        }
    }
    return IGD_OK;
}

// A pass without gradients, whose free places speculate.
static igd_status round_labels(engine *e)
{
    const int used = e->job->shortcuts ? igd_speculate(e) : e->num;
    IGD_TRY(igd_round_pass(e, 0, used, false));
    for (int i = 0; i < e->num && used > e->num; i++) {
        slot *p = &e->slots[i];
        const slot *q;
        for (int k = 0; !igd_vote_due(e, p) && (q = igd_speculated(e, p, k)) != NULL; k++)
            igd_round_tell_logits(
                e, p, e->logits + (size_t)(q - e->slots) * (size_t)e->samples * e->C);
    }
    return IGD_OK;
}

// Every run in flight gets its answer.
static igd_status round_all(engine *e)
{
    if (e->attack->gradient == NULL)
        return round_labels(e);
    const int labels = igd_places_labels_first(e);
    IGD_TRY(igd_round_pass(e, 0, labels, false));
    return igd_round_pass(e, labels, e->num, true);
}

static igd_status job_check(const igd_attack_job *job, const igd_classifier *f,
                            int batch_size)
{
    if (batch_size < 1)
        return igd_error(IGD_EINVAL, "the batch size is %d, which is below 1",
                         batch_size);
    if (job->votes < 1)
        return igd_error(IGD_EINVAL, "%d votes cannot decide anything", job->votes);
    if (job->num_classes != f->num_classes ||
        job->num_pixels != igd_classifier_pixels(f) ||
        job->deterministic != f->deterministic || job->doubted != (f->exact != NULL))
        return igd_error(IGD_EINVAL, "the attack was set up for another classifier");
    return job->attack->check == NULL ? IGD_OK : job->attack->check(job);
}

igd_status igd_engine_run(const igd_attack_job *job, const igd_classifier *f,
                          int batch_size, const igd_engine_feed *feed)
{
    const igd_attack *a = job->attack;
    engine e = {.job = job, .attack = a, .f = f, .feed = feed};
    igd_status st;

    IGD_TRY(job_check(job, f, batch_size));
    e.d = (size_t)job->num_pixels;
    e.C = (size_t)job->num_classes;
    e.num_runs = a->num_runs(job);
    e.prepares = a->prepares != NULL && a->prepares(job);
    e.state_size = igd_run_size(job);
    e.samples = igd_attack_job_samples(job);
    e.capacity = e.samples >= batch_size ? 1 : batch_size / e.samples;
    snprintf(e.purpose, sizeof(e.purpose), "noise under %s", a->name);
    e.enough = e.ahead = e.capacity;
    const int threads = igd_num_threads();
    if ((f->off_host || threads > 1) && (st = igd_workers_start(&e.workers)) != IGD_OK)
        return st;
    if (!f->off_host) {
        e.enough = threads * GOOD_PART / e.samples;
        e.ahead = threads * AHEAD_PART / e.samples;
    }
    if ((st = igd_places_make(&e)) != IGD_OK)
        goto done;
    for (;;) {
        if ((st = refill(&e)) != IGD_OK || e.num == 0)
            goto done;
        if ((st = round_all(&e)) != IGD_OK || (st = igd_vote(&e)) != IGD_OK)
            goto done;
        for (int i = 0; i < e.num; i++)
            if (e.slots[i].item != NULL && e.slots[i].want == IGD_WANT_END)
                run_ended(&e, &e.slots[i]);
        if (feed->tick != NULL && (st = feed->tick(&e, feed->payload)) != IGD_OK)
            goto done;
    }

done:
    igd_places_free(&e);
    return st;
}
