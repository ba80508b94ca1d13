// How often a random classifier is right: in expectation over its draws, of which a few
// were made for every image and attack.
#ifndef IGD_RESULT_EXPECTED_H
#define IGD_RESULT_EXPECTED_H

#include "result/flags.h"
#include "result/interval.h"

typedef struct igd_expected {
    double accuracy;
    igd_interval interval; // that counts images and draws
} igd_expected;

// The mean over the images of the share of draws that are right, at the worst of the
// columns [num] and the clean images: of several points an attacker shows the best, once.
// Where the classifier is deterministic this is the accuracy.
igd_expected igd_expected_of(const igd_flags *t, const int *columns, int num);

#endif
