// Where attacks get their images from: read ahead a batch at a time, with the clean
// logits.
#ifndef IGD_EVALUATE_FEED_H
#define IGD_EVALUATE_FEED_H

#include "data/loader.h"
#include "engine/engine.h"
#include "evaluate/session.h"

typedef struct igd_feed {
    igd_session *session;
    const igd_classifier *f; // attacked
    float *known;            // [n, C] its clean logits, as far as they are known
    igd_loader *loader;      // decodes the next batch meanwhile
    bool dry;                // it has no further batch
    int capacity;
    float *x;     // [capacity, d]
    int64_t *row; // [capacity] of the image there, -1 where the place is free
    bool *handed; // [capacity] out to the attack
} igd_feed;

// For the images `rows` [num].
igd_status igd_feed_init(igd_feed *feed, igd_session *s, const igd_classifier *f,
                         const int64_t *rows, int64_t num);
void igd_feed_free(igd_feed *feed);

// The next image; out->x stays NULL when there is none, or the user wants to stop.
igd_status igd_feed_next(igd_feed *feed, igd_target *out);

// The row and the clean image of a target that is out; its place becomes free at the next
// call of igd_feed_next().
int64_t igd_feed_return(igd_feed *feed, int64_t image, const float **x);

#endif
