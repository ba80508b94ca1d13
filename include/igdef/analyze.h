/**
 * @file analyze.h
 * The paper's experiments on a model and its ranking: how attacks move the neurons, how
 * few of them can be kept, and what the loss looks like around an image.
 */
#ifndef IGDEF_ANALYZE_H
#define IGDEF_ANALYZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/analysis.h"
#include "igdef/attack.h"
#include "igdef/dataset.h"
#include "igdef/defense.h"
#include "igdef/model.h"
#include "igdef/ranking.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What all experiments are told. Start from igd_analyze_run_default(). */
typedef struct igd_analyze_run {
    size_t size;           /**< sizeof(igd_analyze_run), as the default sets it. */
    uint64_t seed;         /**< Of every random choice. Default 0. */
    int batch_size;        /**< Images at a time, 1 .. 65536; results do not depend on it.
                                Default 128. */
    const char *command;   /**< Recorded, like the next three; NULL for "". */
    const char *data_path; /**< Where the images come from. */
    const char *data_split;   /**< "train" or "test". */
    const char *preprocess;   /**< Name of their resize and crop. */
    igd_progress_fn progress; /**< Called after each batch; to stop, answer anything but
                                   0: the experiment then fails with IGD_ECANCELED. NULL
                                   for none. */
    void *payload;            /**< Handed to `progress` as it is. */
} igd_analyze_run;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_analyze_run_init(igd_analyze_run *options, size_t size);

/** The defaults. */
static inline igd_analyze_run igd_analyze_run_default(void)
{
    igd_analyze_run options;
    igd_analyze_run_init(&options, sizeof(options));
    return options;
}

/** Settings of igd_analyze_shift(). Start from igd_shift_options_default(). */
typedef struct igd_shift_options {
    size_t size;        /**< sizeof(igd_shift_options), as the default sets it. */
    igd_threat threat;  /**< Default Linf, 8/255. */
    const char *attack; /**< One attack by name. Default "pgd": 50 steps of eps/4. */
    const char *set;    /**< Changed parameters between commas, such as "pgd.steps=20".
                             Default NULL. "last" is 1 unless it is changed: the last
                             iterate counts. */
    int top;            /**< Neurons that count as important to a class, 1 .. num_neurons.
                             Default 50. */
    bool force;         /**< Take a ranking that was made on another model. */
    igd_analyze_run run; /**< What all experiments are told. */
} igd_shift_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_shift_options_init(igd_shift_options *options, size_t size);

/** The defaults. */
static inline igd_shift_options igd_shift_options_default(void)
{
    igd_shift_options options;
    igd_shift_options_init(&options, sizeof(options));
    return options;
}

/**
 * How an attack changes the activations of important and of other neurons.
 *
 * Every image that is classified correctly is attacked. The change of a group S of
 * neurons is mean_S(post - pre) / mean_S(pre), with the activations before and after as
 * means over positions; it is averaged over the images of successful and of unsuccessful
 * attacks apart, with 95 % intervals of Student's t. The groups are the `top` most
 * important neurons of the image's class; those of the class that is predicted after the
 * attack, where it succeeded; those of all other classes that are in neither; and those
 * that no class counts among its own. Images with mean_S(pre) = 0 do not enter a group's
 * mean and are counted ("guarded"); images for which S is empty do not enter either.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param ranking   borrowed; of the base model: says the layer and what is important
 * @param defense   borrowed; attacked in place of the base model; NULL for the base model
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK; IGD_EINVAL for options out of range, an unknown attack, a ranking of
 *         another model, images that do not fit or of which none is classified correctly;
 *         IGD_ECANCELED, IGD_EIO, IGD_EFORMAT, IGD_ENOMEM, IGD_ETORCH
 *
 * Cost: the attack, and four forward passes per image.
 * Source: Kulkarni and Weng, ECCV 2024, Figure 2 and Table 7.
 */
igd_status igd_analyze_shift(igd_analysis **out, const igd_model *base,
                             const igd_ranking *ranking, const igd_defense *defense,
                             const igd_dataset *data, const igd_shift_options *options);

/** Settings of igd_analyze_search_keep(). Start from igd_search_keep_options_default().
 */
typedef struct igd_search_keep_options {
    size_t size; /**< sizeof(igd_search_keep_options), as the default sets it. */
    igd_defense_options defense; /**< All but `keep`, which is searched; mask and passes
                                      are those of the defense itself. */
    double budget;  /**< Clean accuracy that may be lost, a fraction in [0, 1]. Default
                         0.01. */
    bool bisection; /**< Bisect even where one pass gives every keep. */
    igd_analyze_run run; /**< What all experiments are told. */
} igd_search_keep_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_search_keep_options_init(igd_search_keep_options *options, size_t size);

/** The defaults. */
static inline igd_search_keep_options igd_search_keep_options_default(void)
{
    igd_search_keep_options options;
    igd_search_keep_options_init(&options, sizeof(options));
    return options;
}

/**
 * The smallest keep whose clean accuracy is within a budget of the base model's.
 *
 * Where the suffix is affine, one pass scores every keep from 1 to the number of neurons,
 * each as igd_defense_predict() would; the smallest of them that stays within the budget
 * is chosen. Elsewhere keep is bisected: that finds the smallest one if accuracy rises
 * with keep, and in any case one that stays within the budget. With all neurons the
 * defended model is the base model, so there always is one.
 *
 * To choose a setting by data is to fit it: `data` should be images that neither the
 * ranking nor the test of the defense uses. Where they are among the first of the
 * training images, as many as the ranking was made on, a warning "seen-images" says so.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param ranking   borrowed; of the base model
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK; IGD_EINVAL for options out of range, a ranking of another model or
 *         images that do not fit; IGD_ECANCELED, IGD_EIO, IGD_EFORMAT, IGD_ENOMEM,
 *         IGD_ETORCH
 *
 * Cost: with an affine suffix, one defended prediction per image and a small share for
 * all keeps together; else about log2(num_neurons) passes more.
 * Source: Kulkarni and Weng, ECCV 2024, appendix C.3.
 */
igd_status igd_analyze_search_keep(igd_analysis **out, const igd_model *base,
                                   const igd_ranking *ranking, const igd_dataset *data,
                                   const igd_search_keep_options *options);

/** Settings of igd_analyze_landscape(). Start from igd_landscape_options_default(). */
typedef struct igd_landscape_options {
    size_t size;         /**< sizeof(igd_landscape_options), as the default sets it. */
    double eps;          /**< Radius of the Linf ball, in (0, 1]. Default 8/255. */
    int grid;            /**< Points along each axis, odd, 3 .. 201. Default 21. */
    igd_analyze_run run; /**< What all experiments are told. */
} igd_landscape_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_landscape_options_init(igd_landscape_options *options, size_t size);

/** The defaults. */
static inline igd_landscape_options igd_landscape_options_default(void)
{
    igd_landscape_options options;
    igd_landscape_options_init(&options, sizeof(options));
    return options;
}

/**
 * The loss around images, on the plane of the gradient's sign and a second sign vector
 * orthogonal to it.
 *
 * loss[i][j] is the mean over the images of the cross-entropy at clip(x + a_i g1 + a_j
 * g2), where g1 = sign of the gradient of the cross-entropy at x; g2 is g1 with a random
 * half of its signs turned; a runs from -eps to eps; and clip returns to the Linf ball of
 * radius eps around x and to [0, 1].
 *
 * `clean_loss` is the loss at the images themselves, `max_loss` the largest of the grid.
 * `flatness` is the mean over the grid of the loss less `clean_loss`, in nats: 0 is a
 * flat surface. A surface that is flat where attacks succeed nevertheless hides its
 * gradients.
 *
 * `gradient_check` compares the gradient with central differences of the loss along a
 * random sign vector s per image, (L(x + h s) - L(x - h s)) / 2h with h = 1e-3. Its
 * `median_error` is the median over the images of |difference - gradient . s| divided by
 * the larger magnitude of the two.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param defense   borrowed; adds the surface of the defended model, whose noise is one
 *                  fixed draw per image; NULL for the base model alone
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK; IGD_EINVAL for options out of range, images that do not fit or a model
 *         without gradients; IGD_ECANCELED, IGD_EIO, IGD_EFORMAT, IGD_ENOMEM, IGD_ETORCH
 *
 * Cost: grid^2 + 3 forward passes and one backward pass per image and surface.
 * Source: Kulkarni and Weng, ECCV 2024, Figure 8.
 */
igd_status igd_analyze_landscape(igd_analysis **out, const igd_model *base,
                                 const igd_defense *defense, const igd_dataset *data,
                                 const igd_landscape_options *options);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
