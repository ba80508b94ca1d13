// What every defense is, and what its kind brings: one file and one igd_defense_type
// each.
#ifndef IGD_DEFEND_DEFENSE_KIND_H
#define IGD_DEFEND_DEFENSE_KIND_H

#include "core/lines.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"

typedef struct igd_defense_type {
    igd_defense_kind kind;
    const char *name; // in results
    // Makes f, which is the base model's, that of a view.
    void (*classifier)(igd_classifier *f, const igd_defense_view *view);
    void (*free)(igd_defense *d); // frees what the kind owns; NULL for nothing
    igd_adaptive (*adaptive)(const igd_defense *d); // NULL: IGD_ADAPTIVE_NONE
    // Writes one TorchScript file; NULL where no_export says why there can be none.
    igd_status (*export)(const igd_defense *d, const char *path);
    const char *no_export;
    bool unknown; // it is not known what a prediction costs
} igd_defense_type;

// The first member of every kind's own struct.
struct igd_defense {
    const igd_defense_type *type;
    const igd_model *base;
    const igd_classifier *f; // the base model's
    cJSON *settings;         // owned
    char *json;              // owned; the same as text
    igd_lines classes;       // of its ranking; none where it has none, or is forced
    igd_sketch probe;        // the images that it was made on, as far as it knows them
};

// A constructor's opening: `size` bytes that begin with an igd_defense, the rest zeros;
// owned. Its settings, which the constructor goes on with, name the kind.
// @return IGD_OK, IGD_ENOMEM
igd_status igd_defense_begin(igd_defense **out, size_t size, const igd_model *base,
                             const igd_defense_type *type);

// Ends a constructor: the settings are all there, *out is the defense. On failure, `st`
// or another, the defense is freed and *out NULL.
igd_status igd_defense_finish(igd_defense **out, igd_defense *d, igd_status st);

#endif
