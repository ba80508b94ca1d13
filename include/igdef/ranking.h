/**
 * @file ranking.h
 * Importance rankings: the neurons of a layer by importance, per class.
 */
#ifndef IGDEF_RANKING_H
#define IGDEF_RANKING_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/dataset.h"
#include "igdef/model.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Neurons of a layer by importance, per class. Immutable: threads may share it. */
typedef struct igd_ranking igd_ranking;

/** Settings of LO-IR. Start from igd_loir_options_default(). */
typedef struct igd_loir_options {
    int batch_size; /**< Images per forward pass, >= 1. Default 128. */
    bool over_all;  /**< Average over all probe images, not those of the class. */
    bool plain;     /**< One suffix pass per neuron even where a closed form exists. */
    igd_progress_fn progress; /**< Called after each batch; NULL for none. */
    void *payload;            /**< Handed to `progress` as it is. */
} igd_loir_options;

igd_loir_options igd_loir_options_default(void);

/**
 * Rank the neurons of a layer by leaving each one out (LO-IR).
 *
 * The score of neuron n for class c is the mean of |z_c - z'_c| over the images of class
 * c, where z are the logits and z' the logits with neuron n set to zero at every
 * position. Logits have no unit; higher is more important.
 *
 * @param[out] out  owned, free with igd_ranking_free(); NULL on failure
 * @param model     borrowed
 * @param layer     path of the mask layer, such as "layer4", or "penultimate"
 * @param probe     borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, or IGD_EINVAL if the layer is unknown or cannot be cut or a class has
 * no image, IGD_ECANCELED if `progress` asked to stop, IGD_ENOMEM, IGD_ETORCH
 *
 * Cost: one prefix pass over the probe images where the suffix is affine (the scores then
 * have a closed form), else one prefix pass and num_neurons suffix passes.
 * Source: Kulkarni and Weng, ECCV 2024, leave-one-out importance ranking.
 */
igd_status igd_ranking_loir(igd_ranking **out, const igd_model *model, const char *layer,
                            const igd_dataset *probe, const igd_loir_options *options);

/**
 * Rank the neurons of a layer by chance: an independent permutation per class.
 *
 * @param[out] out  owned, free with igd_ranking_free(); NULL on failure
 * @param class_names  borrowed; [num_classes of the model], NULL for numbers
 * @return IGD_OK, IGD_EINVAL, IGD_ENOMEM, IGD_ETORCH
 */
igd_status igd_ranking_random(igd_ranking **out, const igd_model *model,
                              const char *layer, const char *const *class_names,
                              uint64_t seed);

/** "loir", "cdir" or "random". @return borrowed */
const char *igd_ranking_method(const igd_ranking *r);

/** Path of the mask layer, as it was asked for. @return borrowed */
const char *igd_ranking_layer(const igd_ranking *r);

/** SHA-256 of the ranked model's file, in hexadecimal. @return borrowed */
const char *igd_ranking_model_sha256(const igd_ranking *r);

int igd_ranking_num_classes(const igd_ranking *r);
int igd_ranking_num_neurons(const igd_ranking *r);
int64_t igd_ranking_num_images(const igd_ranking *r);

/** Name of class `c`. @return borrowed */
const char *igd_ranking_class_name(const igd_ranking *r, int c);

/** Importance scores of class `c`. @return borrowed, [num_neurons] */
const float *igd_ranking_score(const igd_ranking *r, int c);

/** Neurons of class `c`, most important first, ties by lower index. @return borrowed,
 * [num_neurons] */
const int32_t *igd_ranking_order(const igd_ranking *r, int c);

/**
 * Write a ranking as safetensors: tensor `score` F32 [C, K] and metadata.
 * The file appears whole or not at all.
 */
igd_status igd_ranking_save(const igd_ranking *r, const char *path);

/** Read a file that igd_ranking_save() wrote. @return IGD_OK, IGD_EIO, IGD_EFORMAT */
igd_status igd_ranking_load(igd_ranking **out, const char *path);

/**
 * Read the reference implementation's folder of `unit<n>.npy`, one array [C] per neuron.
 *
 * @param model  borrowed; whose layer the ranking belongs to
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT if a unit is missing or has another shape
 */
igd_status igd_ranking_from_units(igd_ranking **out, const char *folder,
                                  const igd_model *model, const char *layer,
                                  const char *method);

/** Write such a folder, made if it is missing. */
igd_status igd_ranking_to_units(const igd_ranking *r, const char *folder);

/** Free a ranking; NULL is fine. */
void igd_ranking_free(igd_ranking *r);

#ifdef __cplusplus
}
#endif

#endif
