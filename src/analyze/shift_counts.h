// What an attack changed in groups of neurons, counted image by image, and the analysis
// that is made of it.
#ifndef IGD_ANALYZE_SHIFT_COUNTS_H
#define IGD_ANALYZE_SHIFT_COUNTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "analyze/experiment.h"

typedef enum igd_group {
    IGD_TRUE_CLASS,
    IGD_PREDICTED_CLASS,
    IGD_OTHER_CLASSES,
    IGD_UNIMPORTANT,
    IGD_NUM_GROUPS
} igd_group;

// What an image adds to a group.
typedef struct igd_change {
    int neurons; // 0: it has none there
    double before, moved;
} igd_change;

// Sums over the images that entered a group.
typedef struct igd_group_sums {
    int64_t count, guarded;
    double neurons, sum, squares;
    bool below; // some activation was below zero, before or after
} igd_group_sums;

typedef struct igd_shift_counts {
    const char *attack; // its name, borrowed
    int num_classes;
    int64_t seen, attacked;
    int64_t bad, zero_grads;
    int64_t outcomes[2];                    // unsuccessful and successful attacks
    igd_group_sums sums[2][IGD_NUM_GROUPS]; // of each
    // Of a part of a run, what each image adds, from which all are joined; owned, NULL
    // for a whole one.
    cJSON *images;
} igd_shift_counts;

// An attacked image's changes, mean_S(post - pre) / mean_S(pre) of each group S.
void igd_shift_add(igd_shift_counts *c, const igd_change changes[IGD_NUM_GROUPS],
                   bool fooled);

// Makes the analysis of findings with the settings in them. @return IGD_EINVAL where a
// whole run has attacked nothing, IGD_ENOMEM
igd_status igd_shift_finish(igd_analysis **out, igd_shift_counts *c, igd_findings *found);

#endif
