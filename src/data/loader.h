// Batches of a data set, the next of which is decoded in a thread while the caller
// computes on the current one.
#ifndef IGD_DATA_LOADER_H
#define IGD_DATA_LOADER_H

#include "igdef/dataset.h"

typedef struct igd_batch {
    int64_t n;            // 0 at the end
    const int64_t *which; // [n] positions in the data set
    const int *labels;    // [n]
    const float *images;  // [n, C, H, W] in [0, 1]
} igd_batch;

typedef struct igd_loader igd_loader;

// Of the images which [num], in that order; NULL for all `num` first ones. *out is owned,
// igd_loader_free(); the data set must outlive it, the list need not.
igd_status igd_loader_open(igd_loader **out, const igd_dataset *d, const int64_t *which,
                           int64_t num, int batch_size);
// The next batch, which lives until the following call. A failure to decode ends it: the
// batches before it were delivered, and every later call fails alike.
igd_status igd_loader_next(igd_loader *l, igd_batch *out);
void igd_loader_free(igd_loader *l); // any time; NULL is fine

#endif
