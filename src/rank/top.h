// The most activating images of each neuron, found without sorting all images.
#ifndef IGD_RANK_TOP_H
#define IGD_RANK_TOP_H

#include <stdint.h>

#include "igdef/status.h"

// While it grows, a neuron's part is a heap whose root is the image that leaves next: the
// least activation, of equal ones the higher index. Once sorted, the most activating
// image is first.
typedef struct igd_top {
    int K, k;
    int filled;     // images in each heap; every neuron has as many
    float *value;   // [K, k]
    int32_t *image; // [K, k]
    float *bar;     // [K] the root's activation once the heap is full
} igd_top;

// The k most activating images of K neurons.
igd_status igd_top_init(igd_top *t, int K, int k);
// Takes the activations [K] of the next image; images come by rising index.
void igd_top_add(igd_top *t, const float *a, int32_t image);
void igd_top_sort(igd_top *t);
void igd_top_free(igd_top *t);

#endif
