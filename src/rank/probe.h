// One pass over the probe images: activations of the mask layer and CLIP's embeddings.
#ifndef IGD_RANK_PROBE_H
#define IGD_RANK_PROBE_H

#include "cut.h"
#include "igdef/dataset.h"
#include "igdef/model.h"
#include "igdef/ranking.h"
#include "model/classifier.h"
#include "rank/clip.h"
#include "rank/rows.h"

typedef struct igd_probe_options {
    const igd_model *model;
    const char *layer;
    const igd_dataset *images;
    igd_clip *clip; // NULL where no image is to be embedded
    igd_pool pool;
    int batch_size;
    igd_progress_fn progress;
    void *payload;
} igd_probe_options;

// *activations [N, K], one number per neuron, where the mask acts; *embeddings [N, D],
// NULL without CLIP. Both are owned and lie in temporary files.
igd_status igd_probe_run(igd_rows **activations, igd_rows **embeddings,
                         const igd_probe_options *options);

// act [rows, K] := activations of images [rows, C, H, W], of which n are given; the rest,
// up to a multiple of IGD_BATCH_ROWS, is filled up here. Both have room for it.
igd_status igd_activate(float *act, const igd_cut *cut, const igd_classifier *f,
                        float *images, int64_t n, igd_pool pool);

#endif
