// Two classifiers on the same images: the paired test and the paired difference.
#ifndef IGD_RESULT_MCNEMAR_H
#define IGD_RESULT_MCNEMAR_H

#include <stdbool.h>
#include <stdint.h>

#include "result/interval.h"

// Fewer discordant images than this are tested exactly.
#define IGD_MCNEMAR_EXACT 25

typedef struct igd_paired {
    int64_t num;       // images
    int64_t lost;      // first right, second wrong
    int64_t won;       // first wrong, second right
    double difference; // of the accuracies, second less first
    double low, high;  // its 95 % interval, by Agresti and Min
    double p;          // two-sided
    bool exact;        // binomial; else chi-squared with continuity correction
} igd_paired;

// num >= 1, lost + won <= num.
igd_paired igd_mcnemar(int64_t num, int64_t lost, int64_t won);

// The interval of the difference alone, at any level in (0, 1).
// Source: Agresti and Min, Statistics in Medicine 24, 2005.
igd_interval igd_paired_interval(int64_t num, int64_t lost, int64_t won, double level);

#endif
