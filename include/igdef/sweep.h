/**
 * @file sweep.h
 * Series of evaluations: one option swept over a list of values, the ablation of the
 * defense, and its comparison with others.
 */
#ifndef IGDEF_SWEEP_H
#define IGDEF_SWEEP_H

#include <stddef.h>

#include "igdef/analysis.h"
#include "igdef/evaluate.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Makes a ranking of `layer` on a `fraction` of the probe images. *out is owned. */
typedef igd_status (*igd_rank_fn)(igd_ranking **out, const igd_model *base,
                                  const char *layer, double fraction, void *payload);

/** Settings that all series share. Start from igd_series_options_default(). */
typedef struct igd_series_options {
    size_t size; /**< sizeof(igd_series_options), as the default sets it. */
    /** Of every evaluation. `state`, `finished`, `smaller` and `save_adversarial` are the
     * series's own affair and not looked at. */
    igd_evaluate_options evaluate;
    igd_defense_options defense; /**< Of every masked defense, but for what varies. */
    /** Folder, made when missing, of the files of every evaluation: its result, and while
     * it is not finished its state. The same call goes on from there. NULL for none. */
    const char *folder;
} igd_series_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_series_options_init(igd_series_options *options, size_t size);

/** The defaults. */
static inline igd_series_options igd_series_options_default(void)
{
    igd_series_options options;
    igd_series_options_init(&options, sizeof(options));
    return options;
}

/** What is swept, and over what. */
typedef struct igd_sweep_values {
    /** "keep", "sigma", "smooth" or "temperature" of the defense; "layer", of which each
     * is ranked anew; "fraction" of the probe images that are ranked on; "eps"; "steps"
     * of every attack of the list that takes any; or one parameter, "apgd-ce.steps". */
    const char *option;
    const char *const *value; /**< [num] numbers, fractions such as 2/255, or layers. */
    int num;                  /**< >= 1. */
    const char *layer;        /**< Ranked for "fraction". Default "penultimate". */
    /** Attacked at every "eps", "steps" or parameter instead of a masked defense;
     * borrowed, NULL for none. */
    const igd_defense *defense;
    igd_rank_fn rank; /**< Needed for "layer" and "fraction", else NULL. */
    void *payload;    /**< Handed to `rank` as it is. */
} igd_sweep_values;

/**
 * Check a sweep as far as that is possible without model and data.
 *
 * @param defended  whether there is a ranking
 * @return IGD_OK; IGD_EINVAL for an unknown option, with the nearest known one, and for a
 *         value that is none, out of range or there twice
 */
igd_status igd_sweep_check(const igd_sweep_values *values,
                           const igd_series_options *options, bool defended);

/**
 * Evaluate the defended model at each value of one option, and the base model beside it.
 *
 * Points are what igd_evaluate() finds at that value, but for "eps" with
 * IGD_REPORT_UNION: an image that is broken at one is not attacked again at
 * the next larger one. Numbers are taken in rising order.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param ranking   borrowed; NULL where it is ranked anew, where options->defense.mask is
 *                  not IGD_MASK_RANKING, and to sweep "eps", "steps" or
 *                  a parameter on the base model alone
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, what igd_sweep_check() and igd_evaluate() return. All values are
 *         checked before the first is evaluated.
 *
 * Cost: igd_evaluate() for each point; attacks on the base model are made once.
 * Source: Kulkarni and Weng, ECCV 2024, the analyses of the defense's settings.
 */
igd_status igd_sweep(igd_analysis **out, const igd_model *base,
                     const igd_ranking *ranking, const igd_dataset *data,
                     const igd_sweep_values *values, const igd_series_options *options);

/**
 * Evaluate what each part of the defense adds. The rows:
 *
 *   mask             passes  smoothing
 *   none             one     without (the base model), with
 *   none             two     without: the first pass has nothing to choose
 *   random, ranking  one     without: neurons that the mask of any class keeps
 *   random, ranking  two     without, with: the last row is the defense
 *
 * Attacks that need a pseudo-label, "surrogate:" and "joint:", are left out of the rows
 * that have none.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param ranking   borrowed
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults; defense.sigma must be above 0
 * @return IGD_OK, what igd_defense_new() and igd_evaluate() return
 *
 * Cost: igd_evaluate() for nine rows; attacks on the base model are made once.
 * Source: Kulkarni and Weng, ECCV 2024, Table 6.
 */
igd_status igd_ablation(igd_analysis **out, const igd_model *base,
                        const igd_ranking *ranking, const igd_dataset *data,
                        const igd_series_options *options);

/** A row of igd_compare_defenses(). */
typedef struct igd_compared {
    const char *name;           /**< Unique among the rows; such as "loir". */
    const igd_defense *defense; /**< Borrowed; NULL for the base model. */
} igd_compared;

/**
 * Evaluate several defenses of one base model under the same attacks.
 *
 * "worst-case" has its nine members as columns, any other attack or ensemble is one.
 * Columns are full runs only with IGD_REPORT_PER_ATTACK. Where a defense has no
 * pseudo-label, "surrogate:" and "joint:" are left out.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param rows      borrowed; [num]
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, what igd_evaluate() returns
 *
 * Cost: igd_evaluate() for each row; attacks on the base model are made once.
 * Source: Kulkarni and Weng, ECCV 2024, Table 8.
 */
igd_status igd_compare_defenses(igd_analysis **out, const igd_model *base,
                                const igd_compared *rows, int num,
                                const igd_dataset *data,
                                const igd_series_options *options);

/** Settings of igd_radius(). Start from igd_radius_options_default(). */
typedef struct igd_radius_options {
    size_t size;               /**< sizeof(igd_radius_options), as the default sets it. */
    igd_series_options series; /**< series.evaluate.threat.eps is the largest radius that
                                    is looked at; series.defense is not. */
    double from;  /**< The smallest, >= 0 and below that; 0, the default, is the clean
                       image. */
    int halvings; /**< Of that range, 1 .. 12: each image's radius is known to within a
                       2^halvings-th of it. Default 6. */
} igd_radius_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_radius_options_init(igd_radius_options *options, size_t size);

/** The defaults. */
static inline igd_radius_options igd_radius_options_default(void)
{
    igd_radius_options options;
    igd_radius_options_init(&options, sizeof(options));
    return options;
}

/**
 * Find for each image the smallest radius at which the attacks of a list break it, of the
 * base model and, where there is one, of the defended model.
 *
 * A search for each image over radii that all share: images that are to be asked at one
 * radius are evaluated together. A point that fools is drawn further in by forward passes
 * as long as it does; from there the search goes down in small steps until the attacks
 * fail, each beginning with the point drawn into its ball, an attack "larger-eps", and
 * halves what is left. Attacks find no more than upper ends: a stronger list may find
 * smaller radii. What breaks an image at one radius is taken to break it at every larger
 * one, whose ball holds the point.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param defense   borrowed; NULL for the base model alone
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK; IGD_EINVAL for options out of range, a list without an attack, and
 * where images that are right when clean fall at `from`; what igd_evaluate() returns
 *
 * Cost: for each classifier igd_evaluate() of every image at the largest radius, as a
 * rule once or twice where it withstands everything, and a few times, one for each step
 * down, to the attack that breaks it. Beside each result lie its points, 4 bytes a pixel
 * and channel.
 */
igd_status igd_radius(igd_analysis **out, const igd_model *base,
                      const igd_defense *defense, const igd_dataset *data,
                      const igd_radius_options *options);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
