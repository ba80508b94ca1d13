/**
 * @file defense.h
 * Defended models: a base model with a masked second pass, and the test-time defenses
 * that it is compared with.
 */
#ifndef IGDEF_DEFENSE_H
#define IGDEF_DEFENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/model.h"
#include "igdef/ranking.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What a defended model does beside running its base model. */
typedef enum igd_defense_kind {
    IGD_DEFENSE_MASK,  /**< Masks neurons by their importance. */
    IGD_DEFENSE_CAAA,  /**< Moves the image toward its predicted class: anti-adversary. */
    IGD_DEFENSE_HEDGE, /**< Moves the image where all classes lose: hedge defense. */
    IGD_DEFENSE_MODEL, /**< Whatever another TorchScript file does. */
    IGD_DEFENSE_MEANSPARSE /**< Sets activations near their mean to it. */
} igd_defense_kind;

/** Which neurons a mask keeps. */
typedef enum igd_mask {
    IGD_MASK_RANKING, /**< Per class the `keep` most important ones of a ranking. */
    IGD_MASK_RANDOM,  /**< Per class `keep` ones by chance, from the seed. */
    IGD_MASK_NONE     /**< All of them. */
} igd_mask;

/**
 * Settings of the masked defense. Start from igd_defense_options_default(), which is the
 * defense itself; other `mask` and `one_pass` are for its ablation:
 *
 * - ranking, two passes: the defense, see igd_defense_new();
 * - random, two passes: the same with random masks;
 * - none, two passes: f(x), since the first pass has no mask to choose;
 * - ranking or random, one pass: mean_j g(f1(x + sigma e_j) * any), where any [K] is 1
 *   for neurons that the mask of any class keeps: no pass has told the class before;
 * - none, one pass: mean_j f(x + sigma e_j), smoothing alone.
 *
 * With sigma = 0 every mean is one pass at x itself.
 */
typedef struct igd_defense_options {
    size_t size;        /**< sizeof(igd_defense_options), as the default sets it. */
    int keep;           /**< Neurons kept per class, 1 .. num_neurons. Default 50. */
    double sigma;       /**< Standard deviation of the smoothing noise, in pixel units,
                             >= 0; 0 is no smoothing. Default 4/255. */
    int num_smooth;     /**< Noisy copies per image, >= 1. Default 1. */
    double temperature; /**< Divisor of the first-pass logits, > 0. Default 0.01. */
    uint64_t seed;      /**< Seed of the noise and of random masks. Default 0. */
    bool force;         /**< Take a ranking that was made on another model. */
    igd_mask mask;      /**< Default IGD_MASK_RANKING. */
    bool one_pass;      /**< Mask, and smooth, the only pass. Default false. */
} igd_defense_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_defense_options_init(igd_defense_options *options, size_t size);

/** The defaults. */
static inline igd_defense_options igd_defense_options_default(void)
{
    igd_defense_options options;
    igd_defense_options_init(&options, sizeof(options));
    return options;
}

/** Settings of CAAA. Start from igd_caaa_options_default(). */
typedef struct igd_caaa_options {
    size_t size;   /**< sizeof(igd_caaa_options), as the default sets it. */
    int num_steps; /**< >= 0; 0 is the base model. Default 2. */
    double alpha;  /**< Step of every pixel, in pixel units, > 0. Default 0.15. */
} igd_caaa_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_caaa_options_init(igd_caaa_options *options, size_t size);

/** The defaults. */
static inline igd_caaa_options igd_caaa_options_default(void)
{
    igd_caaa_options options;
    igd_caaa_options_init(&options, sizeof(options));
    return options;
}

/** Settings of the hedge defense. Start from igd_hedge_options_default(). */
typedef struct igd_hedge_options {
    size_t size;       /**< sizeof(igd_hedge_options), as the default sets it. */
    int num_steps;     /**< >= 0. Default 20. */
    double step_size;  /**< Step of every pixel, in pixel units, > 0. Default 4/255. */
    double eps;        /**< Linf radius, > 0. Default 8/255. */
    bool random_start; /**< Start anywhere in the ball rather than at the image. Default
                            true. */
    uint64_t seed;     /**< Seed of the start. Default 0. */
} igd_hedge_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_hedge_options_init(igd_hedge_options *options, size_t size);

/** The defaults. */
static inline igd_hedge_options igd_hedge_options_default(void)
{
    igd_hedge_options options;
    igd_hedge_options_init(&options, sizeof(options));
    return options;
}

/** Settings of MeanSparse. Start from igd_meansparse_options_default(). */
typedef struct igd_meansparse_options {
    size_t size;    /**< sizeof(igd_meansparse_options), as the default sets it. */
    double alpha;   /**< Threshold, in standard deviations, >= 0; 0 is the base model.
                         Default 0.2. */
    int batch_size; /**< Probe images per forward pass, 1 to 65536. Default 128. */
    igd_progress_fn progress; /**< Called after each batch; NULL for none. */
    void *payload;            /**< Handed to `progress` as it is. */
} igd_meansparse_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_meansparse_options_init(igd_meansparse_options *options, size_t size);

/** The defaults. */
static inline igd_meansparse_options igd_meansparse_options_default(void)
{
    igd_meansparse_options options;
    igd_meansparse_options_init(&options, sizeof(options));
    return options;
}

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
 * @param ranking   borrowed for the call; only its layer is used for IGD_MASK_RANDOM, and
 *                  nothing of it for IGD_MASK_NONE: NULL is fine then, and the layer of
 *                  random masks is "penultimate"
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, IGD_EINVAL if a setting is out of range or the ranking is missing or of
 *         another model, IGD_ENOMEM, IGD_ETORCH
 *
 * Cost of a prediction: two passes of the base model with one noisy copy (num_smooth + 1
 * in general), one prefix and two suffix passes with sigma = 0; see igd_defense_passes().
 * Source: Kulkarni and Weng, ECCV 2024, section 3 and the released evaluation code.
 */
igd_status igd_defense_new(igd_defense **out, const igd_model *base,
                           const igd_ranking *ranking,
                           const igd_defense_options *options);

/**
 * CAAA: with y = argmax f(x), repeats d := d - alpha sign(grad_d CE(f(x + d), y)) from
 * d = 0; the logits are f(x + d), which may be taken outside [0, 1]. Who differentiates
 * them sees d as a constant.
 *
 * @param base     borrowed, must outlive the defense; a gradient must reach its images
 * @param options  borrowed; NULL for the defaults
 * @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
 *
 * Cost of a prediction: num_steps + 1 forward and num_steps backward passes.
 * Source: Alfarra et al., AAAI 2022, and its released code.
 */
igd_status igd_defense_new_caaa(igd_defense **out, const igd_model *base,
                                const igd_caaa_options *options);

/**
 * Hedge defense: from d = 0, or d uniform in [-eps, eps], repeats d := clamp(d +
 * step_size sign(grad_d sum_c CE(f(x + d), c)), -eps, eps), then d := clamp(x + d, 0, 1)
 * - x; the logits are f(x + d). Who differentiates them sees d as a constant.
 *
 * @param base     borrowed, must outlive the defense; a gradient must reach its images
 * @param options  borrowed; NULL for the defaults
 * @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
 *
 * Cost of a prediction: num_steps + 1 forward and num_steps backward passes.
 * Source: Wu et al., 2021, as re-implemented by Croce et al., ICML 2022.
 */
igd_status igd_defense_new_hedge(igd_defense **out, const igd_model *base,
                                 const igd_hedge_options *options);

/**
 * MeanSparse: the logits are g(s(f1(x))), where f = g after f1 is cut at a layer, and s
 * sets every activation that is less than alpha sigma_k from mu_k to mu_k: mean and
 * standard deviation of its neuron, or channel, over the probe images and all positions.
 * Its derivative is 0 there and 1 elsewhere; "surrogate:NAME" attacks it with 1
 * everywhere.
 *
 * @param[out] out  owned, free with igd_defense_free(); NULL on failure
 * @param base      borrowed, must outlive the defense
 * @param layer     as of a ranking, such as "layer4"
 * @param probe     borrowed for the call; images of the model's shape, labels do not
 * count
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, IGD_EINVAL for an unknown layer, a setting out of range, images of
 *         another shape or activations that are not finite, IGD_ECANCELED if `progress`
 *         asked to stop, IGD_EIO, IGD_ENOMEM, IGD_ETORCH
 *
 * Cost: one prefix pass over the probe images; of a prediction, one pass.
 * Source: Amini et al., 2024 (arXiv 2406.05927), whose operator may stand at many layers.
 */
igd_status igd_defense_new_meansparse(igd_defense **out, const igd_model *base,
                                      const char *layer, const igd_dataset *probe,
                                      const igd_meansparse_options *options);

/**
 * A defense that somebody else exported, beside its base model: transferred attacks are
 * made on the base model, all others on the defense. It is loaded as the base model was,
 * on the same device and behind the same normalisation.
 *
 * @param base  borrowed, must outlive the defense
 * @param path  TorchScript file; its images and classes are those of the base model
 * @return what igd_model_load() returns; IGD_EINVAL if the number of classes differs
 */
igd_status igd_defense_new_model(igd_defense **out, const igd_model *base,
                                 const char *path);

/**
 * Logits of images, of the defended and of the base model.
 *
 * @param[out] logits       [n, num_classes]
 * @param[out] base_logits  [n, num_classes], or NULL; costs one more pass
 * @param images            borrowed; [n, C, H, W] in [0, 1]
 * @param indices           borrowed; [n] index of each image in its data set, which keys
 *                          its noise beside the seed: the numbers of an experiment can be
 *                          had again. NULL, for a server: fresh noise for every image,
 *                          which nobody can foresee, from the operating system
 * @return IGD_OK, IGD_EINVAL if a pixel lies outside [0, 1], IGD_ETORCH, IGD_ENOMEM
 */
igd_status igd_defense_predict(float *logits, float *base_logits, const igd_defense *d,
                               const float *images, const int64_t *indices, int64_t n);

/**
 * What a defended prediction knows beside its logits. Start from igd_insight_default();
 * a pointer that is NULL, the default, asks for nothing.
 *
 * Images under attack are often unstable: where the two passes disagree, or other draws
 * of the noise name other classes, an attack is likelier than where they do not.
 */
typedef struct igd_insight {
    size_t size;         /**< sizeof(igd_insight), as the default sets it. */
    float *first_logits; /**< [n, num_classes] of the first pass: mean over its copies. */
    float *pseudo;       /**< [n, num_classes] the pseudo-label; each row sums to 1. */
    float *mask;         /**< [n, num_neurons] what the neurons were multiplied by. */
    float *passes_agree; /**< [n] fraction of the draws in which both passes name the same
                              class. */
    float *draws_agree;  /**< [n] fraction of the draws that name the class of the logits
                              that are returned. */
    int num_draws;       /**< Draws of the noise, >= 1; of the first are logits and all of
                              the above but the fractions. Default 1. */
} igd_insight;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_insight_init(igd_insight *options, size_t size);

/** The defaults. */
static inline igd_insight igd_insight_default(void)
{
    igd_insight options;
    igd_insight_init(&options, sizeof(options));
    return options;
}

/**
 * igd_defense_predict() that tells what it knows, for masked defenses of two passes.
 *
 * @param[out] logits   [n, num_classes], those of igd_defense_predict()
 * @param[out] insight  borrowed for the call; says where the rest goes
 * @param images        borrowed; [n, C, H, W] in [0, 1]
 * @param indices       borrowed; as for igd_defense_predict()
 * @return IGD_OK, IGD_EINVAL for other defenses, see igd_defense_has_pseudo_label(), and
 *         if a pixel lies outside [0, 1], IGD_ETORCH, IGD_ENOMEM
 *
 * Cost: num_draws predictions; nothing is computed twice.
 */
igd_status igd_defense_explain(float *logits, const igd_insight *insight,
                               const igd_defense *d, const float *images,
                               const int64_t *indices, int64_t n);

/**
 * Whether the labels of a data set can be the classes of the defense: what
 * igd_model_check_classes() says of its base model, and that the data do not have the
 * names of its ranking's classes in another order, unless `force` took the ranking.
 *
 * @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
 */
igd_status igd_defense_check_classes(const igd_defense *d, const igd_dataset *data);

/** What it does beside running its base model. */
igd_defense_kind igd_defense_kind_of(const igd_defense *d);

/** Its settings as the text of one JSON object, the one of result files: "kind", what the
 * kind has, and "cost", see igd_defense_passes(). @return borrowed */
const char *igd_defense_description(const igd_defense *d);

/**
 * What one prediction costs: passes of one image through the base network. Of an
 * IGD_DEFENSE_MODEL only that it is one pass of its own file is known.
 */
void igd_defense_passes(const igd_defense *d, int *forwards, int *backwards);

/** What adaptive attacks find in a defense. */
typedef enum igd_adaptive {
    IGD_ADAPTIVE_NONE,        /**< Nothing beside its own gradient. */
    IGD_ADAPTIVE_SURROGATE,   /**< Another backward pass, for "surrogate:NAME". */
    IGD_ADAPTIVE_PSEUDO_LABEL /**< That, and a pseudo-label that chooses a mask, for
                                   "joint:NAME" and bounds: a masked defense of two
                                   passes. */
} igd_adaptive;

/** What adaptive attacks find in a defense. */
igd_adaptive igd_defense_adaptive(const igd_defense *d);

/** Whether that is IGD_ADAPTIVE_PSEUDO_LABEL. */
bool igd_defense_has_pseudo_label(const igd_defense *d);

/** The options of a masked defense; NULL for other kinds. @return borrowed */
const igd_defense_options *igd_defense_settings(const igd_defense *d);

/** Method of its ranking: "loir", "cdir" or "random"; NULL where nothing is masked.
 * @return borrowed */
const char *igd_defense_method(const igd_defense *d);

/** Path of the mask layer; NULL where nothing is masked. @return borrowed */
const char *igd_defense_layer(const igd_defense *d);

/**
 * Write a defense as one TorchScript file with `forward(x)`. Noise comes from PyTorch's
 * global generator. The file appears whole or not at all.
 *
 * @return IGD_OK, IGD_EINVAL for kinds that no file can hold, such as those that take
 *         gradients in their forward, and for IGD_MASK_NONE, IGD_EIO, IGD_ETORCH
 */
igd_status igd_defense_export(const igd_defense *d, const char *path);

/** Free a defended model; NULL is fine. */
void igd_defense_free(igd_defense *d);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
