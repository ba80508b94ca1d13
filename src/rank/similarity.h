// How well a neuron's activations agree with a concept over the probe images, from the
// images' and the concepts' CLIP embeddings.
#ifndef IGD_RANK_SIMILARITY_H
#define IGD_RANK_SIMILARITY_H

#include <stdint.h>

#include "igdef/ranking.h"
#include "igdef/status.h"
#include "rank/rows.h"

typedef struct igd_similarity_options {
    igd_similarity kind;
    int top_k;             // images looked at per neuron, <= number of images
    double sharpness;      // a: cosine similarities are multiplied by it before softmax
    double lambda;         // weight of the concept's own probability
    double p_start, p_end; // soft-wpmi: membership of the first and after the last image
    double min_prob;       // keeps the logarithms finite
    igd_progress_fn progress;
    void *payload;
} igd_similarity_options;

// The published settings of a kind: those of its reference implementation.
igd_similarity_options igd_similarity_options_default(igd_similarity kind);

// score [C, K] := agreement of each neuron with each concept, higher is better, from
// activations [N, K], image embeddings [N, D] and text embeddings text [C, D], which need
// not be normalised. Both matrices are read in blocks of rows: beyond the result, memory
// is 16 bytes per neuron and concept, 16 per neuron and top_k, and a few MiB.
igd_status igd_similarity_score(float *score, const igd_similarity_options *options,
                                igd_rows *activations, igd_rows *images,
                                const float *text, int num_concepts);

#endif
