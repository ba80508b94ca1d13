// Who is evaluated, as classifiers: evaluation knows nothing else of models.
#ifndef IGD_EVALUATE_VIEWS_H
#define IGD_EVALUATE_VIEWS_H

#include <cjson/cJSON.h>

#include "igdef/evaluate.h"
#include "model/classifier.h"

typedef struct igd_views {
    const igd_classifier *base;
    const igd_classifier *judged;    // the defended model, or base itself
    const igd_classifier *judging;   // the same, with passes that others share; or NULL
    const igd_classifier *surrogate; // judged, with gradients at a larger temperature
    const igd_classifier *joint;     // judged, with gradients of both passes
    const igd_classifier *ceiling;   // judged, with the mask of the true class
    const igd_classifier *floor;     // judged, with the mask of class *floor_class
    int *floor_class; // the last five are NULL where no pseudo-label chooses a mask
    const char *model_path;
    const char *model_sha256;
    const char *model_identity; // file and normalisation: what is kept on disk depends on
    const cJSON *defense;       // its settings; NULL for none
    const char *device;
} igd_views;

// The settings of a defense as files record them; *out is owned.
igd_status igd_defense_json(cJSON **out, const igd_defense *defense);

// igd_evaluate() on classifiers.
igd_status igd_evaluate_views(igd_result **out, const igd_views *views,
                              const igd_dataset *data,
                              const igd_evaluate_options *options);

#endif
