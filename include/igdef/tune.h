/**
 * @file tune.h
 * The setting of the masked defense that helps most, found on training images.
 */
#ifndef IGDEF_TUNE_H
#define IGDEF_TUNE_H

#include "igdef/sweep.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What igd_tune() chooses from: every ranking with every keep, sigma and temperature. */
typedef struct igd_tune_grid {
    const igd_ranking *const *rankings; /**< [num_rankings] borrowed; each of a layer, or
                                             of several that are masked at once. */
    const char *const *files; /**< [num_rankings] their files as a shell takes them, for
                                   the command that is printed; NULL for none. */
    int num_rankings;         /**< >= 1. */
    const int *keeps; /**< [num_keeps] neurons per class and layer; NULL for a 32nd to a
                           half of a layer's. */
    int num_keeps;    /**< Length of `keeps`. */
    const double *sigmas; /**< [num_sigmas] in pixel units, 0 being no smoothing; NULL for
                               0 and a half, one and two times the usual one. */
    int num_sigmas;       /**< Length of `sigmas`. */
    const double *temperatures; /**< [num_temperatures]; NULL for 0.01 and 0.1. */
    int num_temperatures;       /**< Length of `temperatures`. */
} igd_tune_grid;

/** Settings of igd_tune(). Start from igd_tune_options_default(). */
typedef struct igd_tune_options {
    size_t size; /**< sizeof(igd_tune_options), as the default sets it. */
    /** series.defense is of every setting, but for keep, sigma and temperature.
     * series.evaluate makes neither checks nor bounds here. Its default list of attacks
     * is IGD_TUNE_ATTACKS. */
    igd_series_options series;
    double budget_clean;      /**< Clean accuracy that may be lost, a fraction in [0, 1].
                                   Default 0.01. */
    int64_t first_images;     /**< That all settings are judged on, >= 8. Default 32. */
    const char *test_command; /**< What judges a setting on test images but for its
                                   options; NULL for no command in the findings. */
} igd_tune_options;

/** The default list of attacks of igd_tune(). */
#define IGD_TUNE_ATTACKS "transfer:apgd-t,apgd-t,own:apgd-ce"

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_tune_options_init(igd_tune_options *options, size_t size);

/** The defaults. */
static inline igd_tune_options igd_tune_options_default(void)
{
    igd_tune_options options;
    igd_tune_options_init(&options, sizeof(options));
    return options;
}

/**
 * Check a grid as far as that is possible without rankings.
 *
 * @return IGD_OK; IGD_EINVAL for a value out of range or there twice, more than 1024
 *         settings, options out of range, and what igd_evaluate_check() refuses
 */
igd_status igd_tune_check(const igd_tune_grid *grid, const igd_tune_options *options);

/**
 * Find the setting of the defense whose robust accuracy is surest to be above the base
 * model's.
 *
 * Successive halving: all settings are judged on the first images in an order of the
 * seed, the half of them with more gain on twice as many, and so on; the last four on
 * all. A setting whose clean accuracy is surely below the budget comes behind all others.
 * Under attack an image counts as right where most draws of the defense withstand every
 * attack of the list. The gain of a setting is the difference of its robust accuracy and
 * the base model's on the same images. Chosen is, of the settings that all images judged
 * and whose clean accuracy is within the budget, the one with the highest lower end of
 * the gain's paired interval (Agresti and Min). That interval is corrected for the number
 * of settings that were looked at (Bonferroni): at 1 - 0.05 / settings. Where its lower
 * end is not above 0, nothing is shown to help, and the findings say so.
 *
 * To choose a setting is to fit it: `data` should be images that neither the rankings nor
 * the test of the defense use.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param base      borrowed
 * @param data      borrowed; images with labels
 * @param grid      borrowed
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK; what igd_tune_check(), igd_defense_new() and igd_evaluate() return
 *
 * Cost: igd_evaluate() of every setting on `first_images`, and about half of that again
 * for each doubling of the images; attacks on the base model are made once.
 */
igd_status igd_tune(igd_analysis **out, const igd_model *base, const igd_dataset *data,
                    const igd_tune_grid *grid, const igd_tune_options *options);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
