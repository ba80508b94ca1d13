// The state file: what a run has found so far, and which run that is. It is replaced
// atomically after every batch, so that a run can be cut off at any moment.
#ifndef IGD_EVALUATE_STATE_H
#define IGD_EVALUATE_STATE_H

#include <cjson/cJSON.h>

#include "evaluate/table.h"

// What a step has cost so far, and what it met.
typedef struct igd_cost {
    int64_t forwards, backwards; // passes of one image through the attacked classifier
    double seconds;
    int64_t reused;     // images whose point came from the disk
    int64_t bad;        // points with logits or gradients that are not finite
    int64_t zero_grads; // gradients that were zero everywhere
    int64_t stalled;    // runs whose loss never rose in the first window
    int64_t unverified; // points that the attack took for adversarial, and are not
    int64_t outside;    // points outside the ball or [0, 1]
} igd_cost;

void igd_cost_add(igd_cost *to, const igd_cost *from);

typedef struct igd_state {
    igd_table table;
    igd_cost *costs;  // [table.num_columns]
    double seconds;   // of all sittings
    cJSON *settings;  // owned; all that decides about the flags
    char *printed;    // owned; the same as text
    const char *path; // borrowed; NULL for a run that keeps no state
} igd_state;

// An empty state. `settings` becomes its own, even on failure.
igd_status igd_state_init(igd_state *s, const char *path, cJSON *settings,
                          int64_t num_images, int num_columns, int num_draws);

// Takes up what the file at s->path says; nothing where there is no such file.
// @return IGD_OK, IGD_ESTATE naming the first setting that differs, IGD_EFORMAT for a
// damaged file, IGD_EIO, IGD_ENOMEM
igd_status igd_state_load(igd_state *s);

igd_status igd_state_save(const igd_state *s);
void igd_state_free(igd_state *s);

// Adds "seed": a number, or a string where a JSON number would not be exact.
void igd_json_add_seed(cJSON *object, uint64_t seed);

// The first place where two values differ: "seed is 1 there, 0 here". Returns false where
// they are equal.
bool igd_json_difference(char *text, size_t size, const cJSON *there, const cJSON *here);

#endif
