// What may be said of an evaluation whenever one looks at it: confidence sequences, which
// hold at all numbers of images at once, and the random order that they need.
#ifndef IGD_RESULT_ANYTIME_H
#define IGD_RESULT_ANYTIME_H

#include <stdint.h>

#include "igdef/status.h"
#include "result/interval.h"

#define IGD_ANYTIME_METHOD "prior-posterior ratio, uniform prior"

// Rows [n] in the order of a seed, which depends on their indices alone: a part of the
// images has the order that it has within the whole.
igd_status igd_anytime_order(int64_t *rows, const int64_t *index, int64_t n,
                             uint64_t seed);

// The accuracy on all `planned` images, of which the first n in random order gave `hits`;
// with `planned` 0 that behind images of the same kind, of which these are a sample. With
// a probability of IGD_INTERVAL_LEVEL it lies in the intervals of every n.
// Source: Waudby-Smith and Ramdas, "Confidence sequences for sampling without
// replacement", NeurIPS 2020, with the uniform prior: a value stays as long as the
// probability that it gives the count, times n + 1, is above 1 less the level.
igd_interval igd_anytime_of(int64_t hits, int64_t n, int64_t planned);

// The same for the difference of two accuracies on images of a kind, of which n gave
// `won` right to the first alone and `lost` to the second alone: with the uniform prior
// on the shares of both.
igd_interval igd_anytime_of_difference(int64_t won, int64_t lost, int64_t n);

#endif
