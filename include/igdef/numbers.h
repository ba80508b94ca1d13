/**
 * @file numbers.h
 * What analyses found, as numbers: what their JSON is made of. Each function takes an
 * analysis of its own kind and gives NULL for others; what it gives lives as long as the
 * analysis.
 */
#ifndef IGDEF_NUMBERS_H
#define IGDEF_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/analysis.h"
#include "igdef/evaluate.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** How an attack changed the activations of one group of neurons. */
typedef struct igd_shift_group {
    const char *name; /**< "true-class", "predicted-class", "other-classes" or
                           "unimportant". */
    int64_t count;    /**< Images that entered. */
    int64_t guarded;  /**< Images left out, whose neurons of the group are not active. */
    double neurons;   /**< Neurons of the group, mean over the images; NAN without any. */
    double mean;      /**< Relative change, mean over the images; NAN without any. */
    double low, high; /**< Its interval at 95 %; NAN below two images. */
} igd_shift_group;

/** Attacks with one outcome. */
typedef struct igd_shift_outcome {
    int64_t count;                 /**< Attacks. */
    int num_groups;                /**< Length of `groups`. */
    const igd_shift_group *groups; /**< "predicted-class" only where attacks succeeded. */
} igd_shift_outcome;

/** What igd_analyze_shift() found. */
typedef struct igd_shift_numbers {
    int64_t num_images;             /**< Attacked: those classified correctly. */
    igd_shift_outcome successful;   /**< Where the label changed. */
    igd_shift_outcome unsuccessful; /**< Where it did not. */
} igd_shift_numbers;

/** @return borrowed, see above */
const igd_shift_numbers *igd_analysis_shift(const igd_analysis *a);

/** Clean accuracy with a number of kept neurons. */
typedef struct igd_keep_point {
    int keep;         /**< Neurons kept per class. */
    double clean_acc; /**< Of the defended model. */
} igd_keep_point;

/** What igd_analyze_search_keep() found. */
typedef struct igd_search_keep_numbers {
    int keep;                     /**< The smallest within the budget. */
    double clean_acc;             /**< With it. */
    double low, high;             /**< Its interval at 95 %. */
    double base_clean_acc;        /**< Of the base model. */
    bool one_pass;                /**< Whether every keep follows from one pass; else
                                       bisection. */
    double passes;                /**< Of the base network, per image. */
    int64_t num_images;           /**< Judged. */
    int num_points;               /**< Length of `points`. */
    const igd_keep_point *points; /**< Every keep that was tried, rising. */
} igd_search_keep_numbers;

/** @return borrowed, see above */
const igd_search_keep_numbers *igd_analysis_search_keep(const igd_analysis *a);

/** The loss of one model on the plane. */
typedef struct igd_surface {
    const char *name;      /**< "base" or "defended". */
    const double *loss;    /**< [grid, grid] mean cross-entropy over the images, in nats,
                                rows along the gradient's sign. */
    double flatness;       /**< Mean over the plane of the loss less that of the clean
                                images. */
    double clean_loss;     /**< In the middle. */
    double max_loss;       /**< The largest. */
    double gradient_error; /**< Median relative difference between the gradient and finite
                                differences. */
} igd_surface;

/** What igd_analyze_landscape() found. */
typedef struct igd_landscape_numbers {
    int grid;                    /**< Points along each axis. */
    const double *axis;          /**< [grid] steps in pixel units. */
    int64_t num_images;          /**< Looked at. */
    int num_surfaces;            /**< 2 with a defense, else 1. */
    const igd_surface *surfaces; /**< [num_surfaces] base first. */
} igd_landscape_numbers;

/** @return borrowed, see above */
const igd_landscape_numbers *igd_analysis_landscape(const igd_analysis *a);

/** One value of a sweep. */
typedef struct igd_sweep_point {
    const char *text;         /**< The value as it was given. */
    double value;             /**< As a number; NAN where layers are swept. */
    const igd_result *result; /**< Of the swept model with it. */
    const igd_result *base; /**< Of the base model where the value changes it as well and
                                 a defended model is swept; else NULL. */
} igd_sweep_point;

/** What igd_sweep() found. */
typedef struct igd_sweep_numbers {
    const char *option;            /**< What was swept, such as "keep". */
    const igd_result *base;        /**< Of the base model, where no value changes it and a
                                        defended model is swept; else NULL. */
    int num_points;                /**< Length of `points`. */
    const igd_sweep_point *points; /**< Numbers in rising order, layers as given. */
} igd_sweep_numbers;

/** @return borrowed, see above */
const igd_sweep_numbers *igd_analysis_sweep(const igd_analysis *a);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
