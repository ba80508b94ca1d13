// What igdef analyze tune knows while it searches, for the file that writes it down.
#ifndef IGD_ANALYZE_TUNE_H
#define IGD_ANALYZE_TUNE_H

#include "analyze/experiment.h"
#include "analyze/halving.h"
#include "igdef/tune.h"

#define IGD_TUNE_SETTINGS 1024
#define IGD_TUNE_ROUNDS 64 // images double until they are all

typedef struct igd_setting {
    int ranking; // place in the grid
    int keep;
    double sigma, temperature;
    int round; // the last one that it was in
} igd_setting;

typedef struct igd_tuned {
    const igd_tune_grid *grid;
    const igd_tune_options *options;
    igd_setting *settings; // owned [num]
    igd_tally *tally;      // owned [num]
    int *order;            // owned [num]; what got further comes first
    int num;
    int alive; // of the order
    struct {
        int settings;
        int64_t images;
    } rounds[IGD_TUNE_ROUNDS];
    int num_rounds;
    int chosen; // -1 where none is within the budget
} igd_tuned;

// Whether the chosen setting is shown to help.
bool igd_tuned_helps(const igd_tuned *t);

// Adds what was found to the JSON, and writes the tables from it.
void igd_tuned_add(cJSON *root, const igd_tuned *t);
void igd_tuned_print(FILE *f, const void *json);

#endif
