// Confidence intervals of accuracies.
#ifndef IGD_RESULT_INTERVAL_H
#define IGD_RESULT_INTERVAL_H

#include <cjson/cJSON.h>
#include <stdint.h>

typedef struct igd_interval {
    double low, high;
} igd_interval;

#define IGD_INTERVAL_METHOD "clopper-pearson"
#define IGD_INTERVAL_LEVEL 0.95

// The exact (Clopper-Pearson) interval at that level of the probability behind `hits`
// successes in `trials` independent attempts; [0, 1] for no attempt at all.
igd_interval igd_interval_of(int64_t hits, int64_t trials);

// The same for the mean of `n` shares of which each counts `draws` attempts, with the
// variance between them: exact for as many attempts as would vary like these shares.
// Source: Korn and Graubard, Survey Methodology 24, 1998.
igd_interval igd_interval_of_share(double mean, double variance, int64_t n, int draws);

// Student's interval at that level of the mean behind `n` independent values, of which
// these are the mean and the sample's standard deviation; NAN for fewer than two values.
igd_interval igd_interval_of_mean(double mean, double deviation, int64_t n);

// [low, high]; null where there is none (NAN); owned.
cJSON *igd_interval_json(igd_interval v);

// The logarithm of the gamma function, for x > 0.
double igd_log_gamma(double x);

// The regularised incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1].
double igd_incomplete_beta(double a, double b, double x);

#endif
