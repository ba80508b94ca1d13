// What a base model is made of: for the files of this folder.
#ifndef IGD_MODEL_MODEL_PARTS_H
#define IGD_MODEL_MODEL_PARTS_H

#include <pthread.h>

#include "core/digest.h"
#include "external.h"
#include "model/model_impl.h"

// What the program brings in place of a graph.
typedef struct igd_outer {
    igd_external logits, prefix, suffix; // rows is NULL in those that there are not
    pthread_mutex_t lock;
    igd_layer layer; // of `prefix`
    char *name;      // of that layer; owned
    bool random;     // as the program says
} igd_outer;

struct igd_model {
    char *path;
    char sha256[IGD_SHA256_LENGTH];
    char identity[IGD_SHA256_LENGTH];
    igd_graph *graph; // owned; NULL for a model of callbacks
    igd_outer *outer; // owned; NULL for TorchScript
    igd_classifier classifier;
    char device[16];
    char *no_gradient; // why; NULL where a gradient reaches the images
    bool probabilities;
    float *mean, *std; // owned; of the normalisation, NULL for none
    int num_channels;
    char *output; // the one asked for of several; NULL for none
    bool plain, keep_cuda_settings;
};

// An empty model of images of `shape`, named by `path`; owned.
igd_status igd_model_begin(igd_model **out, const char *path, const int64_t shape[3],
                           const char *device);

// Runs the model on random images to find out whether it is a classifier of images and of
// what kind.
igd_status igd_model_check(igd_model *m, bool skip);

#define IGD_LOGITS_TOLERANCE 1e-4 // of the largest logit: what rounding usually does

// Whether two rows of logits [C] agree to a part of the largest.
bool igd_logits_agree(const float *a, const float *b, int64_t C, double tolerance);

void igd_outer_free(igd_outer *o); // NULL is fine
igd_status igd_outer_cut(igd_cut **out, const igd_model *m, const char *layer);

#endif
