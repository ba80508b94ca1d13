// Who is evaluated, as classifiers: evaluation knows nothing else of models.
#ifndef IGD_EVALUATE_VIEWS_H
#define IGD_EVALUATE_VIEWS_H

#include <cjson/cJSON.h>

#include "defend/defense_impl.h"
#include "igdef/evaluate.h"
#include "model/classifier.h"

// Labels of images by their index in the data set.
typedef struct igd_label_of {
    int64_t image;
    int label;
} igd_label_of;

typedef struct igd_labels {
    igd_label_of *item; // owned, by image
    int64_t num;
} igd_labels;

// Points that were found at a larger radius, to be drawn into the ball and judged before
// any attack.
typedef struct igd_start {
    // Fills the point x_adv [pixels of an image] of a row of the data.
    igd_status (*point)(float *x_adv, int64_t row, void *payload);
    void *payload;
    const char *sha256; // borrowed; of everything that decides about the points
} igd_start;

#define IGD_MOST_VIEWS 16

// Where igd_views_make() keeps what it makes.
typedef struct igd_views_own {
    igd_defense_view judged, judging, surrogate, joint, ceiling, floor;
    igd_classifier classifier[IGD_MOST_VIEWS];
    int num_classifiers;
    igd_rounding exact; // of what judges
    int floor_class;
    igd_labels known;
} igd_views_own;

typedef struct igd_views {
    const igd_classifier *base;
    const igd_classifier *judged;    // the defended model, or base itself
    const igd_classifier *judging;   // the same, with passes that others share; or NULL
    const igd_classifier *surrogate; // judged, with another backward pass; or NULL
    const igd_classifier *joint;     // judged, with gradients of both passes
    const igd_classifier *ceiling;   // judged, with the mask of the true class
    const igd_classifier *floor;     // judged, with the mask of class *floor_class
    int *floor_class; // the last four are NULL where no pseudo-label chooses a mask
    const char *model_path;
    const char *model_sha256;
    const char *model_identity; // file and normalisation: what is kept on disk depends on
    const cJSON *defense;       // its settings; NULL for none
    const igd_sketch *probe;    // images that its ranking was made on; NULL for none
    const igd_start *start;     // NULL for none
    const char *device;
    igd_views_own own;
} igd_views;

// What an evaluation of a defended model sees of it, and of the base model. `v` stays
// where it is until igd_views_free(), which follows a failure too.
igd_status igd_views_make(igd_views *v, const igd_model *base, const igd_defense *defense,
                          const igd_dataset *data, const igd_evaluate_options *o);
void igd_views_free(igd_views *v);

#endif
