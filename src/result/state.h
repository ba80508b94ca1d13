// The state file: what a run has found so far, and which run that is. It is replaced
// atomically after every batch, so that a run can be cut off at any moment.
#ifndef IGD_RESULT_STATE_H
#define IGD_RESULT_STATE_H

#include <cjson/cJSON.h>

#include "core/digest.h"
#include "core/json.h"
#include "result/cost.h"
#include "result/flags.h"

typedef struct igd_state {
    igd_flags flags;
    igd_cost *costs;               // [flags.num_columns]
    double seconds;                // of all sittings
    cJSON *settings;               // owned; all that decides about the flags
    char *printed;                 // owned; the same as text
    char saved[IGD_SHA256_LENGTH]; // digest of the saved images once complete, else ""
    const char *path;              // borrowed; NULL for a run that keeps no state
} igd_state;

// An empty state. `settings` becomes its own, even on failure.
igd_status igd_state_init(igd_state *s, const char *path, cJSON *settings,
                          int64_t num_images, int num_columns, int num_draws);

// Takes up what the file at s->path says; nothing where there is no such file.
// @return IGD_OK, IGD_ESTATE naming the first setting that differs, IGD_EFORMAT for a
// damaged file, IGD_EIO, IGD_ENOMEM
igd_status igd_state_load(igd_state *s);

// Reads the state of any run, whose settings and sizes become those of the file; labels
// and indices stay 0. @return as igd_state_load()
igd_status igd_state_read(igd_state *s, const char *path);

igd_status igd_state_save(const igd_state *s);
void igd_state_free(igd_state *s);

#endif
