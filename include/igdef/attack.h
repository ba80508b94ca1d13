/**
 * @file attack.h
 * Attacks: their names, their parameters, and the threat model.
 */
#ifndef IGDEF_ATTACK_H
#define IGDEF_ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/defense.h"
#include "igdef/model.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** How the size of a perturbation is measured, over all channels and pixels of an image.
 */
typedef enum igd_norm {
    IGD_NORM_LINF, /**< The largest change of a value. */
    IGD_NORM_L2,   /**< The root of the sum of squared changes. */
    IGD_NORM_L1    /**< The sum of the changes' magnitudes. */
} igd_norm;

/** "Linf", "L2" or "L1". @return borrowed, static */
const char *igd_norm_name(igd_norm norm);

/** @return IGD_OK, IGD_EINVAL with the known names */
igd_status igd_norm_parse(igd_norm *out, const char *name);

/** What an attacker may do: move an image by at most `eps` within [0, 1]. */
typedef struct igd_threat {
    igd_norm norm; /**< How `eps` is measured. */
    double eps;    /**< In pixel units, > 0. */
} igd_threat;

/** One parameter of an attack. */
typedef struct igd_parameter {
    const char *name; /**< Such as "steps". */
    double value;     /**< Default. */
    double min, max;  /**< Allowed range, both ends included. */
    bool integer;     /**< Whether only whole numbers are allowed. */
    const char *help; /**< One line on what it does. */
    /** Names of the whole numbers from 0 to `max`, which stand for choices; NULL where it
     * is a quantity. */
    const char *const *names;
} igd_parameter;

/** An attack of the table. */
typedef struct igd_attack igd_attack;

/** Number of attacks in the table. */
int igd_attack_count(void);

/** The attack at a place of the table, 0 <= i < igd_attack_count(); NULL elsewhere.
 * @return borrowed, static */
const igd_attack *igd_attack_at(int i);

/** An attack by name. @return IGD_OK, IGD_EINVAL naming the nearest known name */
igd_status igd_attack_find(const igd_attack **out, const char *name);

/** Such as "apgd-ce". @return borrowed, static */
const char *igd_attack_name(const igd_attack *a);

/** One line on what it does. @return borrowed, static */
const char *igd_attack_help(const igd_attack *a);

/** Whether it works under a norm. */
bool igd_attack_has_norm(const igd_attack *a, igd_norm norm);

/** Its parameters. @return borrowed, static, [*num] */
const igd_parameter *igd_attack_parameters(const igd_attack *a, int *num);

/** Settings of igd_attack_images(). Start from igd_attack_options_default(). */
typedef struct igd_attack_options {
    size_t size;     /**< sizeof(igd_attack_options), as the default sets it. */
    const char *set; /**< Changed parameters between commas, such as "steps=20"; NULL (the
                          default) for none. */
    uint64_t seed;   /**< Of every random choice of the attack. Default 0. */
    int batch_size;  /**< Images at a time, 1 .. 65536; outcomes do not depend on it.
                          Default 128. */
    bool highest_loss;      /**< Go on after the first success and return the point of
                                 highest loss, where the attack has one. */
    bool fixed_noise;       /**< Attack one fixed draw of a defense's noise per image. */
    const int64_t *indices; /**< [n] different numbers >= 0 that key each image's random
                                 choices and noise; NULL (the default) for 0 .. n-1. */
    igd_progress_fn progress; /**< Called after each batch, with images finished and
                                   images in all; to stop, answer anything but 0. NULL
                                   for none. */
    void *payload;            /**< Handed to `progress` as it is. */
} igd_attack_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_attack_options_init(igd_attack_options *options, size_t size);

/** The defaults. */
static inline igd_attack_options igd_attack_options_default(void)
{
    igd_attack_options options;
    igd_attack_options_init(&options, sizeof(options));
    return options;
}

/** What became of one image. */
typedef struct igd_attack_outcome {
    bool fooled;     /**< x_adv is misclassified; of a random classifier, by the majority
                          of five draws. An image that is misclassified as it is counts. */
    double loss;     /**< Of x_adv, by the attack's own loss; not a number without one. */
    double distance; /**< Of the smallest perturbation found, in the ball or not, in the
                          threat's norm, by attacks that look for it; else infinite. */
    int64_t forwards, backwards; /**< Passes of this image through what was attacked. */
    int64_t queries;             /**< Of attacks with a budget of them; else 0. */
} igd_attack_outcome;

/**
 * Attack images that the program holds in memory.
 *
 * Each x_adv lies in the ball around its image and in [0, 1]. Outcomes depend on the
 * classifier, image, label, index, threat, attack and its settings only. Threads may
 * attack at the same time.
 *
 * @param[out] x_adv     [n, C, H, W], apart from `images`; the image itself where nothing
 *                       better was found
 * @param[out] outcomes  [n], or NULL
 * @param base      borrowed
 * @param defense   borrowed; attacked in place of the base model; NULL for the base model
 * @param attack    such as "apgd-ce"; see igd_attack_at()
 * @param threat    borrowed
 * @param options   borrowed; NULL for the defaults
 * @param images    borrowed; [n, C, H, W] in [0, 1]
 * @param labels    borrowed; [n] in 0 .. num_classes-1
 * @param n         >= 0
 * @return IGD_OK; IGD_EINVAL for an argument out of range, an unknown attack or
 * parameter, a norm that the attack does not know, and gradients that the model does not
 *         give; IGD_ECANCELED if `progress` asked to stop, IGD_ECALLBACK, IGD_ENOMEM,
 *         IGD_ETORCH. After a failure x_adv and outcomes of some images may be written.
 *
 * Cost: one pass over the images, and the attack.
 */
igd_status igd_attack_images(float *x_adv, igd_attack_outcome *outcomes,
                             const igd_model *base, const igd_defense *defense,
                             const char *attack, const igd_threat *threat,
                             const igd_attack_options *options, const float *images,
                             const int32_t *labels, int64_t n);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
