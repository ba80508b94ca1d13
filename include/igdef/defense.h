/**
 * @file defense.h
 * The defended model: a base model with a masked second pass.
 */
#ifndef IGDEF_DEFENSE_H
#define IGDEF_DEFENSE_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/model.h"
#include "igdef/ranking.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Settings of the defense. Start from igd_defense_options_default(). */
typedef struct igd_defense_options {
    int keep;           /**< Neurons kept per class, 1 .. num_neurons. Default 50. */
    double sigma;       /**< Standard deviation of the smoothing noise, in pixel units,
                             >= 0; 0 is no smoothing. Default 4/255. */
    int num_smooth;     /**< Noisy copies per image, >= 1. Default 1. */
    double temperature; /**< Divisor of the first-pass logits, > 0. Default 0.01. */
    uint64_t seed;      /**< Seed of the noise. Default 0. */
    bool force;         /**< Take a ranking that was made on another model. */
} igd_defense_options;

igd_defense_options igd_defense_options_default(void);

/** A defended model. Immutable: threads may share it. */
typedef struct igd_defense igd_defense;

/**
 * Put a masked second pass on a base model.
 *
 * pseudo = softmax(mean_j f(x + sigma e_j) / temperature); the logits are
 * g(f1(x) * (pseudo . mask)), where f = g after f1 is cut at the ranking's layer and mask
 * [C, K] is 1 for the `keep` most important neurons of each class, else 0.
 *
 * @param[out] out  owned, free with igd_defense_free(); NULL on failure
 * @param base      borrowed, must outlive the defense
 * @param ranking   borrowed for the call
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, IGD_EINVAL if a setting is out of range or the ranking is of another
 *         model, IGD_ENOMEM, IGD_ETORCH
 *
 * Cost of a prediction: two passes of the base model with one noisy copy (num_smooth + 1
 * in general), one prefix and two suffix passes with sigma = 0.
 * Source: Kulkarni and Weng, ECCV 2024, section 3 and the released evaluation code.
 */
igd_status igd_defense_new(igd_defense **out, const igd_model *base,
                           const igd_ranking *ranking,
                           const igd_defense_options *options);

/**
 * Logits of images, of the defended and of the base model.
 *
 * @param[out] logits       [n, num_classes]
 * @param[out] base_logits  [n, num_classes], or NULL; costs one more pass
 * @param images            borrowed; [n, C, H, W] in [0, 1]
 * @param indices           borrowed; [n] index of each image in its data set, which keys
 *                          its noise; NULL for 0 .. n-1
 * @return IGD_OK, IGD_EINVAL if a pixel lies outside [0, 1], IGD_ETORCH, IGD_ENOMEM
 */
igd_status igd_defense_predict(float *logits, float *base_logits, const igd_defense *d,
                               const float *images, const int64_t *indices, int64_t n);

/** The options it was made with. @return borrowed */
const igd_defense_options *igd_defense_settings(const igd_defense *d);

/** Method of its ranking: "loir", "cdir" or "random". @return borrowed */
const char *igd_defense_method(const igd_defense *d);

/** Path of the mask layer. @return borrowed */
const char *igd_defense_layer(const igd_defense *d);

/**
 * Write the whole defended model as one TorchScript file with `forward(x)`. Its noise
 * comes from PyTorch's global generator. The file appears whole or not at all.
 */
igd_status igd_defense_export(const igd_defense *d, const char *path);

/** Free a defended model; NULL is fine. */
void igd_defense_free(igd_defense *d);

#ifdef __cplusplus
}
#endif

#endif
