// A ranking's fields, for the files that make, save and load one.
#ifndef IGD_RANK_RANKING_IMPL_H
#define IGD_RANK_RANKING_IMPL_H

#include <cjson/cJSON.h>

#include "cut.h"
#include "data/sketch.h"
#include "igdef/ranking.h"

// What a part of a divided ranking adds to the whole: ranking_share.h.
typedef struct igd_share igd_share;

struct igd_ranking {
    char *method;
    char *layer;
    char *model_sha256;
    int num_classes;    // C
    int num_neurons;    // K
    int64_t num_images; // of the probe
    float *score;       // [C, K]
    int32_t *order;     // [C, K]
    char **class_names; // [C]
    int num_layers;
    int *layer_neurons; // [num_layers], together K
    cJSON *options;
    bool sealed;         // made here, or read from a file with a digest
    int64_t shape[3];    // {C, H, W} of the model's images; zeros in older files
    char *normalization; // of the model, JSON; NULL where it is not known
    igd_sketch images;   // of the probe; empty where they are not known
    double clean_acc;    // of the model on the probe; NAN where it was not measured
    igd_share *share;    // owned; NULL for a ranking on all images
};

// Makes a ranking from scores [C, K]; the order follows from them. `class_names` [C];
// NULL, or a NULL among them, for numbers. `options` is consumed, also on failure.
igd_status igd_ranking_make(igd_ranking **out, const char *method, const char *layer,
                            const char *model_sha256, int C, int K, const float *score,
                            int64_t num_images, const char *const *class_names,
                            cJSON *options);

// All that a file says of a ranking beside its scores, less the digest; owned, NULL
// without memory. ranking_metadata.c
cJSON *igd_ranking_metadata(const igd_ranking *r, const char *format);

// Makes a ranking from such metadata and scores [C, K]. `path` starts the messages.
igd_status igd_ranking_from_metadata(igd_ranking **out, const cJSON *metadata,
                                     const float *score, int C, int K, const char *path);

// Writes down what model and images the ranking was made on; `probe` may be NULL.
igd_status igd_ranking_set_origin(igd_ranking *r, const igd_model *model,
                                  const igd_dataset *probe);

// Notes in the options which neurons belong to which layer, where the cut is at several.
igd_status igd_ranking_note_layers(igd_ranking *r, const igd_cut *cut);

#endif
