// Successive halving over settings of a defense, and the choice among those that are
// left: from counts of images alone. After each round the better half goes on to more
// images, which are added to those that it has.
// Source: Jamieson and Talwalkar, "Non-stochastic best arm identification and
// hyperparameter optimization", AISTATS 2016.
#ifndef IGD_ANALYZE_HALVING_H
#define IGD_ANALYZE_HALVING_H

#include <stdbool.h>

#include "igdef/status.h"
#include "result/interval.h"

#define IGD_FINALISTS 4 // settings that all images judge, where there are as many

// A setting beside the base model, on the same images.
typedef struct igd_tally {
    int64_t n;                // images
    int64_t clean, robust;    // right with the setting
    int64_t clean_won, won;   // of those, wrong with the base model
    int64_t clean_lost, lost; // right with the base model alone
} igd_tally;

typedef struct igd_halving {
    const igd_tally *tally; // [num], borrowed
    int num;                // settings that are looked at
    double budget;          // clean accuracy that may be lost
} igd_halving;

// What each of `num` intervals needs to hold at, so that all of them hold together with a
// probability of IGD_INTERVAL_LEVEL, however they are chosen among (Bonferroni).
double igd_halving_level(int num);

// The interval of a setting's gain in robust accuracy over the base model, at a level.
igd_interval igd_tally_gain(const igd_tally *t, double level);

// Whether clean accuracy lost is within a budget.
bool igd_tally_is_within(const igd_tally *t, double budget);

// Settings that go on, of so many; images that they are then judged on, of `all`.
int igd_halving_survivors(int alive);
int64_t igd_halving_images(int64_t before, int survivors, int64_t all);

// What settings are sorted by. While few images have judged them, the gain itself: its
// lower end would favour settings that change nothing.
typedef enum igd_sort_by { IGD_BY_GAIN, IGD_BY_LOWER_END } igd_sort_by;

// Sorts settings alive [num], the best first: those whose clean accuracy is within the
// budget, or may be by its interval, before the others; then by the gain or the lower end
// of its interval at igd_halving_level(), the other of the two, clean accuracy, and their
// places. @return IGD_OK, IGD_ENOMEM
igd_status igd_halving_sort(int *alive, int num, const igd_halving *h, igd_sort_by by);

// The first of those alive [num], sorted by their lower ends, that is within the budget;
// -1 for none. Whether it helps is whether that lower end is above 0.
int igd_halving_choose(const int *alive, int num, const igd_halving *h);

#endif
