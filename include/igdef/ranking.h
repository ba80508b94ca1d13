/**
 * @file ranking.h
 * Importance rankings: the neurons of a layer by importance, per class.
 */
#ifndef IGDEF_RANKING_H
#define IGDEF_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/dataset.h"
#include "igdef/model.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Neurons of a layer by importance, per class. Immutable: threads may share it. */
typedef struct igd_ranking igd_ranking;

/** Settings of LO-IR. Start from igd_loir_options_default(). */
typedef struct igd_loir_options {
    size_t size;    /**< sizeof(igd_loir_options), as the default sets it. */
    int batch_size; /**< Images per forward pass, >= 1. Default 128. */
    bool over_all;  /**< Average over all probe images, not those of the class. */
    bool plain;     /**< One suffix pass per neuron even where a closed form exists. */
    bool allow_nonfinite;     /**< Leave out images whose logits are NaN or infinite.
                                   Default: they are a failure. */
    igd_progress_fn progress; /**< Called after each batch; NULL for none. */
    void *payload;            /**< Handed to `progress` as it is. */
} igd_loir_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_loir_options_init(igd_loir_options *options, size_t size);

/** The defaults. */
static inline igd_loir_options igd_loir_options_default(void)
{
    igd_loir_options options;
    igd_loir_options_init(&options, sizeof(options));
    return options;
}

/**
 * Rank the neurons of a layer by leaving each one out (LO-IR).
 *
 * The score of neuron n for class c is the mean of |z_c - z'_c| over the images of class
 * c, where z are the logits and z' the logits with neuron n set to zero at every
 * position. Logits have no unit; higher is more important.
 *
 * @param[out] out  owned, free with igd_ranking_free(); NULL on failure
 * @param model     borrowed
 * @param layer     path of the mask layer, such as "layer4", or "penultimate"; several
 *                  with commas between are ranked at once, each by itself
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
 * @param class_names  borrowed; [num_classes of the model]; NULL, or a NULL among them,
 * for numbers
 * @return IGD_OK, IGD_EINVAL, IGD_ENOMEM, IGD_ETORCH
 */
igd_status igd_ranking_random(igd_ranking **out, const igd_model *model,
                              const char *layer, const char *const *class_names,
                              uint64_t seed);

/** How CD-IR measures the agreement of a neuron with a concept. */
typedef enum igd_similarity {
    IGD_SIMILARITY_SOFT_WPMI,   /**< Soft weighted pointwise mutual information. */
    IGD_SIMILARITY_WPMI,        /**< The same with equal weights. */
    IGD_SIMILARITY_COS,         /**< Cosine of activations and similarities. */
    IGD_SIMILARITY_COS_CUBED,   /**< The same of their cubes. */
    IGD_SIMILARITY_RANK_REORDER /**< How ordering by the neuron moves the concept. */
} igd_similarity;

/** Such as "soft-wpmi". @return borrowed, static */
const char *igd_similarity_name(igd_similarity similarity);

/** @return IGD_OK, IGD_EINVAL with the nearest known name */
igd_status igd_similarity_parse(igd_similarity *out, const char *name);

/** How the positions of a neuron become one activation. */
typedef enum igd_pool {
    IGD_POOL_AVG, /**< Their mean. */
    IGD_POOL_MAX  /**< The largest of them. */
} igd_pool;

/** "avg" or "max". @return borrowed, static */
const char *igd_pool_name(igd_pool pool);

/** @return IGD_OK, IGD_EINVAL with the known names */
igd_status igd_pool_parse(igd_pool *out, const char *name);

/**
 * Settings of CD-IR. Start from igd_cdir_options_default().
 *
 * CLIP comes as `clip`, one file with both encoders; or as `clip_image` and `clip_text`,
 * one file each; or as ready embeddings. Images and texts may come in different ways, as
 * long as both are embedded by the same CLIP.
 */
typedef struct igd_cdir_options {
    size_t size;            /**< sizeof(igd_cdir_options), as the default sets it. */
    const char *clip;       /**< TorchScript with encode_image and encode_text; or NULL.
                                 Loads OpenAI's released archives as they are. */
    const char *clip_image; /**< TorchScript with encode_image or forward; or NULL. */
    const char *clip_text;  /**< TorchScript with encode_text or forward; or NULL. */
    const char *image_embeddings; /**< .npy [N, D] of the probe images; or NULL. */
    const char *text_embeddings;  /**< .npy [num_classes, D] of the concepts; or NULL. */
    const char *vocabulary; /**< CLIP's BPE merges, plain or gzip-compressed; or a folder
                                 or vocab.json of Hugging Face's with merges.txt beside
                                 it. Needed where texts are embedded. */
    const char *const *concepts; /**< [num_concepts] one per class of the model; NULL for
                                      the class names of the probe images. */
    int num_concepts;            /**< Length of `concepts`. Default 0. */
    const char *prompt; /**< Text given to CLIP, {} standing for the concept. Default
                             "{}". */
    igd_similarity similarity; /**< Default IGD_SIMILARITY_SOFT_WPMI. */
    igd_pool pool;             /**< Default IGD_POOL_AVG. */
    int top_k;      /**< Images looked at per neuron, for soft-wpmi and wpmi; 0 (the
                         default) for the published 100 and 28. */
    int image_size; /**< Side of CLIP's images; 0 (the default): read from the model. */
    int context;    /**< Tokens per text; 0 (the default): read from the model. */
    const char *cache;  /**< Folder where image embeddings are kept for the next run; NULL
                             (the default) for nowhere. */
    const char *device; /**< Where CLIP runs: "cpu", "cuda" or "cuda:N". Default "cpu". */
    int batch_size;     /**< Images per forward pass, >= 1. Default 64. */
    igd_progress_fn progress; /**< Called after each batch of a stage; NULL for none. */
    void (*message)(const char *line, void *payload); /**< Called with each warning about
                                                           concepts; NULL for none. */
    void *payload; /**< Handed to `progress` and `message` as it is. */
} igd_cdir_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_cdir_options_init(igd_cdir_options *options, size_t size);

/** The defaults. */
static inline igd_cdir_options igd_cdir_options_default(void)
{
    igd_cdir_options options;
    igd_cdir_options_init(&options, sizeof(options));
    return options;
}

/**
 * Rank the neurons of a layer by their agreement with each class's concept (CD-IR).
 *
 * The score of neuron n for class c is how well the activations of n over the probe
 * images agree with the cosine similarities of CLIP's embeddings of the images and of the
 * concept of c. Needs no labels.
 *
 * @param[out] out  owned, free with igd_ranking_free(); NULL on failure
 * @param model     borrowed
 * @param layer     path of the mask layer, such as "layer4", or "penultimate"
 * @param probe     borrowed; its labels are not used
 * @param options   borrowed; says where CLIP is
 * @return IGD_OK, or IGD_EINVAL if the layer is unknown or cannot be cut, an option is
 *         missing or out of range, or concepts and classes differ in number; IGD_EFORMAT
 *         or IGD_EIO if a file is not what it should be; IGD_ECANCELED if `progress`
 *         asked to stop, IGD_ENOMEM, IGD_ETORCH
 *
 * Cost: one prefix pass and, unless embeddings are given or cached, one pass of CLIP's
 * image encoder over the probe images.
 * Source: Kulkarni and Weng, ECCV 2024, CLIP-Dissect based importance ranking; Oikarinen
 * and Weng, ICLR 2023, for the similarity.
 */
igd_status igd_ranking_cdir(igd_ranking **out, const igd_model *model, const char *layer,
                            const igd_dataset *probe, const igd_cdir_options *options);

/**
 * A ranking of importance scores that the program has computed.
 *
 * @param[out] out     owned, free with igd_ranking_free(); NULL on failure
 * @param model        borrowed; whose layer the scores are of
 * @param layer        path of the mask layer
 * @param method       copied; what igd_ranking_method() says
 * @param score        copied; [num_classes of the model, num_neurons], higher is more
 *                     important
 * @param num_neurons  length of a row
 * @param class_names  borrowed; [num_classes]; NULL, or a NULL among them, for numbers
 * @return IGD_OK, IGD_EINVAL if the layer is unknown, cannot be cut or has another number
 *         of neurons, IGD_EFORMAT if a score is not finite, IGD_ENOMEM, IGD_ETORCH
 */
igd_status igd_ranking_from_scores(igd_ranking **out, const igd_model *model,
                                   const char *layer, const char *method,
                                   const float *score, int num_neurons,
                                   const char *const *class_names);

/**
 * Join the parts of a divided ranking. igd_ranking_loir() and igd_ranking_cdir() on a
 * part of a data set (igd_dataset_take_part()) make one: its scores mean nothing, and its
 * file, "igdef.ranking-part/1", is no ranking. Joined, in any order, they are the ranking
 * of all images, bit for bit.
 *
 * @param[out] out  owned, free with igd_ranking_free(); NULL on failure
 * @param paths     [num] files of igd_ranking_save()
 * @return IGD_OK; IGD_EINVAL where a part is missing, doubled, or of another ranking,
 *         release or class of device; IGD_EFORMAT for a file that is none or damaged;
 *         IGD_EIO, IGD_ENOMEM
 *
 * Cost: LO-IR reads each file twice. CD-IR holds the activations and embeddings in a
 * temporary file and compares them, as one process does.
 */
igd_status igd_ranking_merge(igd_ranking **out, const char *const *paths, int num);

/** Which part of the images it was made on; `of` is 0 for all of them. */
igd_part igd_ranking_part(const igd_ranking *r);

/** Which part a file of igd_ranking_save() is. @return IGD_OK, IGD_EIO, IGD_EFORMAT for a
 * file that is no part */
igd_status igd_ranking_part_read(igd_part *out, const char *path);

/** {C, H, W} of the model's images; NULL in files that do not say. @return borrowed */
const int64_t *igd_ranking_shape(const igd_ranking *r);

/** "loir", "cdir" or "random". @return borrowed */
const char *igd_ranking_method(const igd_ranking *r);

/** Path of the mask layer, as it was asked for. @return borrowed */
const char *igd_ranking_layer(const igd_ranking *r);

/** SHA-256 of the ranked model's file, in hexadecimal. @return borrowed */
const char *igd_ranking_model_sha256(const igd_ranking *r);

/** Share of the probe images that the model classifies correctly, where ranking measured
 * it: after igd_ranking_loir(). NaN elsewhere. */
double igd_ranking_clean_accuracy(const igd_ranking *r);

/** Number of classes. */
int igd_ranking_num_classes(const igd_ranking *r);

/** Number of neurons of the layer. */
int igd_ranking_num_neurons(const igd_ranking *r);

/** Number of probe images that it was made on; 0 where there were none. */
int64_t igd_ranking_num_images(const igd_ranking *r);

/** How many layers were ranked at once, each by itself; mostly 1. */
int igd_ranking_num_layers(const igd_ranking *r);

/** Neurons of each of those layers; a ranking numbers them one layer after the other.
 * @return borrowed, [num_layers] */
const int *igd_ranking_layer_neurons(const igd_ranking *r);

/** Name of class `c`. @return borrowed */
const char *igd_ranking_class_name(const igd_ranking *r, int c);

/** Importance scores of class `c`. @return borrowed, [num_neurons] */
const float *igd_ranking_score(const igd_ranking *r, int c);

/** Neurons of class `c`, most important first, ties by lower index. @return borrowed,
 * [num_neurons] */
const int32_t *igd_ranking_order(const igd_ranking *r, int c);

/**
 * How many neurons are among the `top` most important of class `c` in both rankings.
 *
 * @param[out] out  the number, 0 .. top
 * @param a, b      borrowed; of the same numbers of classes and neurons
 * @param top       1 .. num_neurons
 * @return IGD_OK, IGD_EINVAL if the rankings differ in size or `top` is out of range,
 *         IGD_ENOMEM
 */
igd_status igd_ranking_overlap(int *out, const igd_ranking *a, const igd_ranking *b,
                               int c, int top);

/**
 * Which of a data set's images a ranking was made on, by their stored bytes.
 *
 * @param[out] known  how many of those looked at
 * @param[out] of     how many were looked at: all, or of rankings on more than 4096
 * images a sample; 0 where the ranking does not know its images
 * @return IGD_OK, IGD_EINVAL for a missing argument, IGD_EIO, IGD_ENOMEM
 *
 * Cost: reads the beginning of every image.
 */
igd_status igd_ranking_seen(int64_t *known, int64_t *of, const igd_ranking *r,
                            const igd_dataset *data);

/**
 * Write a ranking as safetensors: tensor `score` F32 [C, K] and metadata.
 * The file appears whole or not at all.
 */
igd_status igd_ranking_save(const igd_ranking *r, const char *path);

/** Read a file that igd_ranking_save() wrote. @return IGD_OK, IGD_EIO, IGD_EFORMAT */
igd_status igd_ranking_load(igd_ranking **out, const char *path);

/** Whether it was made here or read from a file that carries a SHA-256, which was right;
 * files of older versions carry none. */
bool igd_ranking_has_digest(const igd_ranking *r);

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

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
