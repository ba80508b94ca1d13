// Arithmetic on one image's logits and gradients, as arrays of the host.
#ifndef IGD_CORE_LOGITS_H
#define IGD_CORE_LOGITS_H

#include <stddef.h>
#include <stdint.h>

// The class of the largest logit, ties to the lowest class.
int igd_argmax(const float *z, int C);

// q [C] := softmax(z).
void igd_softmax(double *q, const float *z, int C);

// The class at place `rank` (0 is the first) of z by falling value without class y; ties
// to the lowest class.
int igd_ranked_class(const float *z, int C, int y, int rank);

// The bits of the largest magnitude: 0 where all are zero, from IGD_INFINITE on where one
// is not finite. Magnitudes are ordered as their bits are, and integers need no care
// about NaN.
#define IGD_INFINITE 0x7f800000u
uint32_t igd_peak(const float *v, size_t n);

#endif
