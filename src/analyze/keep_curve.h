// The number of images that a defended model classifies correctly, for every keep at
// once, where the suffix is affine.
#ifndef IGD_ANALYZE_KEEP_CURVE_H
#define IGD_ANALYZE_KEEP_CURVE_H

#include "cut.h"
#include "igdef/ranking.h"
#include "model/classifier.h"

// A pseudo-label without its zeros.
typedef struct igd_sparse {
    int *class;  // [num]
    float *part; // [num]
    int num;
} igd_sparse;

// The mask row of an image, sum_c p_c m_c, as the defense makes it.
void igd_keep_mask(float *row, const igd_ranking *ranking, const igd_sparse *p, int keep);

typedef struct igd_keep_curve {
    const igd_cut *cut;
    const igd_classifier *f; // of the base model
    const igd_ranking *ranking;
    igd_tensor *jacobian; // [C, K, P], borrowed
    int C, K;
    int64_t *correct; // [K + 1] images so far, by keep; added to
} igd_keep_curve;

// Adds the images of a batch. `act` and `carried` are the prefix at its `rows` rows, of
// which the first n count; labels [n]; pseudo [n]. Fails like the operations of s.
igd_status igd_keep_curve_add(igd_keep_curve *c, igd_scope *s, const igd_tensor *act,
                              const igd_carried *carried, int64_t rows, int64_t n,
                              const int *labels, const igd_sparse *pseudo);

#endif
