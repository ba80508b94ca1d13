// Owns the memory of a batch, and the order of runs in it.
#include "engine/places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/random.h"

#define WORDS 4 // random words of one block

void igd_places_free(igd_engine *e)
{
    igd_workers_free(e->workers);
    free(e->slots);
    free(e->items);
    for (int k = 0; k < 4; k++)
        igd_host_free(&e->copied[k]);
    free(e->pixels);
    free(e->shared);
    free(e->tallies);
    free(e->state);
    free(e->draws);
}

// What is copied to the classifier's device and back.
static igd_status copied_make(igd_engine *e, size_t rows)
{
    float **const parts[4] = {&e->points, &e->grads, &e->weights, &e->logits};
    const size_t pixels = rows * e->d, outputs = rows * e->C;
    const size_t sizes[4] = {pixels, e->attack->gradient == NULL ? e->d : pixels, outputs,
                             outputs};
    for (int k = 0; k < 4; k++) {
        IGD_TRY(igd_host_make(&e->copied[k], sizes[k], e->f->device));
        *parts[k] = e->copied[k].data;
    }
    return IGD_OK;
}

igd_status igd_places_make(igd_engine *e)
{
    assert(e->capacity >= 1 && e->samples >= 1 && e->num_runs >= 1);
    const size_t places = (size_t)e->capacity, rows = places * (size_t)e->samples;
    const size_t room = e->d * sizeof(float);

    e->slots = calloc(places, sizeof(*e->slots));
    e->items = calloc(places, sizeof(*e->items));
    e->pixels = calloc(places, 4 * room);
    e->shared = calloc(places, e->C * sizeof(double));
    e->tallies = calloc(places, (size_t)e->num_runs * sizeof(igd_tally));
    e->state = aligned_alloc(IGD_RUN_ALIGNMENT, places * e->state_size);
    e->draws = calloc(rows, sizeof(*e->draws));
    if (copied_make(e, rows) != IGD_OK || e->slots == NULL || e->items == NULL ||
        e->pixels == NULL || e->shared == NULL || e->tallies == NULL ||
        e->state == NULL || e->draws == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d images under %s", e->capacity,
                         e->attack->name);
    for (size_t i = 0; i < places; i++) {
        float *own = e->pixels + i * 4 * e->d;
        e->items[i].lower = own;
        e->items[i].upper = own + e->d;
        e->items[i].x_adv = own + 2 * e->d;
        e->items[i].shared = e->shared + i * e->C;
        e->slots[i].run = (igd_run){.job = e->job,
                                    .samples = e->samples,
                                    .point = e->points + i * (size_t)e->samples * e->d,
                                    .weight = e->weights + i * (size_t)e->samples * e->C,
                                    .x_adv = own + 3 * e->d};
        igd_run_lay_out(&e->slots[i].run, e->state + i * e->state_size);
    }
    return IGD_OK;
}

// Exchanges two runs. Rows of the batch stay where they are, so what they hold is
// exchanged; weights are written when they are needed.
void igd_places_swap(const igd_engine *e, igd_slot *a, igd_slot *b)
{
    const igd_slot old = *a;
    float *point = b->run.point, *weight = b->run.weight;

    for (size_t i = 0; i < e->d; i++) {
        const float held = old.run.point[i];
        old.run.point[i] = point[i];
        point[i] = held;
    }
    *a = *b;
    a->run.point = old.run.point;
    a->run.weight = old.run.weight;
    *b = old;
    b->run.point = point;
    b->run.weight = weight;
}

// Closes the gaps that ended runs left.
void igd_places_compact(igd_engine *e)
{
    int kept = 0;
    for (int i = 0; i < e->num; i++) {
        if (e->slots[i].item == NULL)
            continue;
        if (i != kept)
            igd_places_swap(e, &e->slots[kept], &e->slots[i]);
        kept++;
    }
    e->num = kept;
}

// Puts the runs that want no gradient first. @return how many they are
int igd_places_labels_first(const igd_engine *e)
{
    int num = 0;
    for (int i = 0; i < e->num; i++) {
        if (e->slots[i].want != IGD_WANT_LABEL)
            continue;
        if (i != num)
            igd_places_swap(e, &e->slots[num], &e->slots[i]);
        num++;
    }
    return num;
}

igd_tally *igd_item_tallies(const igd_engine *e, const igd_item *m)
{
    return e->tallies + (m - e->items) * e->num_runs;
}

void igd_run_enter(igd_run *r, const igd_item *m)
{
    r->x = m->target.x;
    r->lower = m->lower;
    r->upper = m->upper;
    r->shared = m->shared;
    r->clean = m->target.clean;
    r->label = m->target.label;
    r->image = m->target.image;
}

// Which draw of the classifier's noise a run's row is: a function of the attack, the run,
// how often the run has asked, and the sample, so that batches and order do not matter.
igd_draw igd_slot_draw(const igd_engine *e, const igd_slot *p, int sample)
{
    uint32_t words[2] = {0};
    if (!e->job->deterministic) {
        const igd_stream s =
            igd_stream_make(e->job->seed, e->purpose, p->run.image,
                            (uint64_t)p->run.index << 32 | p->evaluations);
        igd_random_words(words, 2, &s, (uint32_t)sample * WORDS);
    }
    return (igd_draw){.image = p->run.image, .draw = (uint64_t)words[0] << 32 | words[1]};
}
