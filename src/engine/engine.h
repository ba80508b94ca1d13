// Running one attack over many images.
#ifndef IGD_ENGINE_ENGINE_H
#define IGD_ENGINE_ENGINE_H

#include <stddef.h>

#include "attack/attack_job.h"

// An image to attack.
typedef struct igd_target {
    int64_t image; // index in the data set
    int label;
    const float *x;     // [d] in [0, 1], borrowed until its outcome was delivered
    const float *clean; // [num_classes] logits of x, borrowed likewise
} igd_target;

// What became of it. Costs and counts are those of the runs up to the one that fooled it,
// so they depend on nothing but the image; what later runs spent that were started ahead
// is not counted.
typedef struct igd_outcome {
    int64_t image;
    bool fooled;
    int run;     // which run fooled the classifier; -1 if none did
    double loss; // the largest of its runs' where none did
    const float
        *x_adv; // [d], borrowed for the call; the clean image where nothing is better
    int64_t forwards, backwards; // of single images
    int64_t bad;        // points with non-finite logits or gradients, which ended a run
    int64_t zero_grads; // gradients that were zero everywhere
    int64_t stalled;    // runs whose loss never rose in the first window
    int64_t plateaus;   // gradients of DLR that vanish identically and were replaced
    double distance;    // the least of its runs'; INFINITY where none was found
    int64_t queries;    // of attacks with a budget of queries, else 0
} igd_outcome;

// The images in flight, between two batches.
typedef struct igd_engine igd_engine;

// Writes them, one after another, each as it is handed to `put` as one piece: so that a
// later igd_engine_run() of the same job, of any batch size, goes on where this one is.
igd_status igd_engine_save(const igd_engine *e,
                           igd_status (*put)(int64_t image, const void *bytes,
                                             size_t size, void *payload),
                           void *payload);

// How many images' worth of work was done on those in flight, where one that survives
// takes so many passes at most.
double igd_engine_work(const igd_engine *e, double forwards, double backwards);

// Where images come from and outcomes go. All functions are called from the thread that
// called igd_engine_run(); anything but IGD_OK stops the attack and is passed on.
typedef struct igd_engine_feed {
    // Gives the next image; leaves out->x NULL when there is none left.
    igd_status (*next)(igd_target *out, void *payload);
    // Takes an outcome, in the order in which images finish.
    igd_status (*done)(const igd_outcome *o, void *payload);
    // Called after every batch, so that a user can interrupt and the images in flight can
    // be saved. May be NULL.
    igd_status (*tick)(const igd_engine *engine, void *payload);
    void *payload;
    // What igd_engine_save() gave for an image in an earlier sitting, borrowed until the
    // next call; NULL for nothing. May be NULL itself.
    const unsigned char *(*earlier)(size_t *size, int64_t image, void *payload);
} igd_engine_feed;

// Attacks every image of the feed, up to `batch_size` at a time. In IGD_RETURN_FOOLED
// mode an image that a deterministic classifier misclassifies as it is counts as fooled,
// by itself.
//
// Memory: for each of batch_size runs, d floats for each of: point (times its samples),
// gradient (likewise), x_adv, and, per image, both bounds and the best x_adv; plus the
// attack's state, igd_run_size().
igd_status igd_engine_run(const igd_attack_job *job, const igd_classifier *f,
                          int batch_size, const igd_engine_feed *feed);

#endif
