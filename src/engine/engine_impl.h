// What the engine that runs an attack knows at any moment: the images in flight, their
// runs, and the places where these live. engine.c moves them, places.c holds them,
// engine_save.c writes them to a stream and takes them up again.
#ifndef IGD_ENGINE_ENGINE_IMPL_H
#define IGD_ENGINE_ENGINE_IMPL_H

#include "attack/attack_impl.h"
#include "engine/engine.h"
#include "engine/workers.h"
#include "host.h"

// What a run cost and met.
typedef struct igd_tally {
    int64_t forwards, backwards, bad, zero_grads, stalled, plateaus, queries;
    double distance;
} igd_tally;

// An image in flight. Its runs 0 .. next-1 were started; those from `limit` on cannot
// change its outcome.
typedef struct igd_item {
    bool used;
    igd_target target;
    float *lower, *upper; // [d]
    float *x_adv;         // [d] of the winning run so far
    double *shared;       // [C] what run 0 prepared, where the attack prepares
    int next, active, limit;
    int winner;  // -1 as long as there is none
    bool fooled; // whether the winner fooled the classifier
    double loss; // of the winner, and the largest where it did not
} igd_item;

// A place of the batch, where one run lives.
typedef struct igd_slot {
    igd_run run;
    igd_item *item;
    igd_want want;
    uint32_t evaluations; // so far, keys the classifier's noise
    igd_tally tally;
    // Copies of the run as it may ask next, in places of their own; see speculate.h.
    struct igd_slot *guess;
    int num_guesses;
} igd_slot;

struct igd_engine {
    const igd_attack_job *job;
    const igd_attack *attack;
    const igd_classifier *f;
    const igd_engine_feed *feed;
    size_t d, C;
    int capacity, num; // slots, of which the first num are in use
    int samples, num_runs;
    size_t state_size;
    bool prepares;        // whether run 0 of an image goes before its others
    bool dry;             // the feed has no further image
    igd_workers *workers; // NULL where one thread does everything
    int first, past;      // slots of the pass in progress
    int part;             // slots of a part of the pass, but for the last
    bool recorded;        // whether gradients may be taken of the pass
    int enough;           // points that keep the threads busy: no more are guessed
    int ahead;            // runs in flight from which on none is started ahead
    char purpose[64];     // of the classifier's noise
    igd_slot *slots;      // [capacity]
    igd_item *items;      // [capacity]
    float *points;        // [capacity, samples, d]; a run's point is its first row
    float *grads;         // [capacity, samples, d]
    float *weights;       // [capacity, samples, C]
    float *logits;        // [capacity, samples, C], of passes without gradients
    igd_host copied[4];   // where these four lie
    float *pixels;        // [capacity, 4, d]: bounds and x_adv of items, x_adv of runs
    double *shared;       // [capacity, C]
    igd_tally *tallies;   // [capacity, num_runs]
    unsigned char *state; // [capacity, state_size]
    igd_draw *draws;      // [capacity * samples]
};

// What the runs of m cost, [num_runs].
igd_tally *igd_item_tallies(const igd_engine *e, const igd_item *m);

// Gives r what the runs of an image share.
void igd_run_enter(igd_run *r, const igd_item *m);

// Takes up an image that was just fetched where the bytes [size] of an earlier engine
// left it; the run that was in work goes to the next slot, of which one must be free.
// False, and nothing happened, where the bytes are not of such an engine.
bool igd_item_take_up(igd_engine *e, igd_item *m, const unsigned char *bytes,
                      size_t size);

#endif
