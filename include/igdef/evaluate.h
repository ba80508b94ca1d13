/**
 * @file evaluate.h
 * Evaluation: clean and robust accuracy under lists of attacks, resumable, with the
 * worst case over all of them and warnings where the numbers deserve doubt.
 *
 *     igd_evaluate_options o = igd_evaluate_options_default();
 *     igd_result *result = NULL;
 *     o.attacks = "autoattack";
 *     o.state = "result.json.state"; // an interrupted call goes on from there
 *     if (igd_evaluate(&result, model, NULL, data, &o) != IGD_OK ||
 *         igd_result_save(result, "result.json") != IGD_OK)
 *         return fprintf(stderr, "%s\n", igd_error_message()), 1;
 *     printf("%s\n%.1f %% robust\n", igd_result_text(result),
 *            100.0 * igd_result_worst_acc(result));
 *     igd_result_free(result);
 */
#ifndef IGDEF_EVALUATE_H
#define IGDEF_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/attack.h"
#include "igdef/dataset.h"
#include "igdef/defense.h"
#include "igdef/model.h"
#include "igdef/pass_cache.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** The order in which images are attacked. */
typedef enum igd_order {
    IGD_ORDER_DATA,  /**< All of them by one attack after the other. */
    IGD_ORDER_RANDOM /**< A few, in an order of the seed, by all attacks, then the next:
                          whenever it stops, those that are finished are a fair sample. */
} igd_order;

/** How attacks compute on a CUDA device. Whatever they find is judged in IEEE float32. */
typedef enum igd_precision {
    IGD_PRECISION_IEEE, /**< In IEEE float32, as igd_compute_exactly() says. */
    IGD_PRECISION_TF32  /**< Products of factors with mantissas of 10 bits: faster on
                             tensor cores. A find that is none in IEEE float32 is dropped
                             and its search goes on, so no accuracy is too low by it; one
                             may be too high, since the search sees rounded gradients. */
} igd_precision;

/** Why an evaluation in random order took no further image. */
typedef enum igd_stop {
    IGD_STOP_NONE,       /**< There was none. */
    IGD_STOP_BUDGET,     /**< A budget, of seconds or of images, was spent. */
    IGD_STOP_WIDTH,      /**< The interval was as narrow as `until_width`. */
    IGD_STOP_DIFFERENCE, /**< `until_difference` was decided. */
    IGD_STOP_INTERRUPTED /**< `progress` asked for it. */
} igd_stop;

/** A result. Immutable: threads may share it. */
typedef struct igd_result igd_result;

/** Settings of an evaluation, below. */
typedef struct igd_evaluate_options igd_evaluate_options;

/**
 * Evaluate a base model or a defended one.
 *
 * On the CPU flags depend on model, data, threat, attacks and seed only: not on batch
 * size, threads, order or interruptions. On a CUDA device they are those of the same
 * card, library and batch size, which the result states.
 *
 * @param[out] out  owned, free with igd_result_free(); NULL on failure
 * @param base      borrowed
 * @param defense   borrowed; NULL to evaluate the base model
 * @param data      borrowed; images with labels
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK; IGD_EINVAL for options out of range; IGD_ESTATE if the state file or
 * the finished result is of another run, with the difference; IGD_ECANCELED if `progress`
 * asked to stop, the state being saved, IGD_EINVAL where a budget ends before any image;
 * IGD_ECHECK; IGD_EIO, IGD_EFORMAT, IGD_ENOMEM,
 * IGD_ETORCH
 *
 * Cost: what the forecast says, in the worst case.
 * Source: attack and ensembles as in AutoAttack (Croce and Hein, ICML 2020) and in the
 * image-wise worst case of Kulkarni and Weng, ECCV 2024.
 */
igd_status igd_evaluate(igd_result **out, const igd_model *base,
                        const igd_defense *defense, const igd_dataset *data,
                        const igd_evaluate_options *options);

/** What an attack of a list is run on. */
typedef enum igd_report_mode {
    IGD_REPORT_UNION,     /**< Only images that are still robust: accuracies are
                               cumulative. */
    IGD_REPORT_PER_ATTACK /**< Every member of the list on every image that is classified
                               correctly when clean. */
} igd_report_mode;

/** Settings of an evaluation. Start from igd_evaluate_options_default(). */
struct igd_evaluate_options {
    size_t size; /**< sizeof(igd_evaluate_options), as the default sets it. */

    // What is attacked, and how.
    igd_threat threat; /**< Default Linf, 8/255. */
    /** Names between commas: attacks; "clean", which is always included; the ensembles
     * "autoattack", "autoattack-plus", "autoattack-rand", "worst-case"; and on a defended
     * model "transfer:NAME" (made on the base model), "own:NAME" (the highest-loss points
     * of the defended model itself, judged anew), "surrogate:NAME" (gradients at a larger
     * temperature) and "joint:NAME" (a loss on both passes). Default "clean". */
    const char *attacks;
    /** Changed parameters between commas, such as "apgd-ce.steps=50"; a name without
     * prefix means the attack wherever it occurs. Default NULL. */
    const char *set;
    igd_report_mode report;  /**< Default IGD_REPORT_UNION. */
    uint64_t seed;           /**< Of every random choice of the attacks. Default 0. */
    int batch_size;          /**< Images at a time, 1 .. 65536. Default 128. */
    bool keep_batch_size;    /**< On a CUDA device, where another batch size may round
                                  otherwise: fail where memory does not suffice. Default:
                                  go on with half of it, as on the CPU always. */
    igd_precision precision; /**< Default IGD_PRECISION_IEEE; the other is for models on a
                                  CUDA device. For the whole process while it runs. */

    // How it is judged.
    int num_draws;        /**< R: draws for the final judgement of a randomised
                               classifier, 1 .. 255. Default 10. */
    bool fixed_noise;     /**< Attack and judge one fixed draw of the noise per image. */
    bool shortcuts;       /**< Skip work that cannot change a flag. Default true. */
    bool checks;          /**< Make the reliability checks that cost passes of their own.
                               Default true. */
    bool bounds;          /**< Bounds of a defended model by the masks of the true and of
                               the worst class, up to 100 classes. Default true. */
    double audit;         /**< Percentage of images that are attacked again without
                               shortcuts, 0 .. 100. Default 0. */
    bool allow_nonfinite; /**< Images whose clean logits are NaN or infinite count as
                               wrong, with a warning. Default: they end the run. */
    double expect_clean;  /**< Fail with IGD_ECHECK if the clean accuracy is more than
                               0.01 away; negative (the default) for no check. */
    double surrogate_temperature; /**< Of "surrogate:NAME", > 0. Default 1. */
    double joint_weight;          /**< Share of the first pass in "joint:NAME", > 0.
                                       Default 1. */
    /** Result of the same evaluation at a smaller eps, with any attacks; NULL for none.
     * What it found lies in the larger ball too: images that it broke count as broken, by
     * an attack "smaller-eps", and are not attacked. Only with IGD_REPORT_UNION. */
    const igd_result *smaller;
    /** Where clean and adversarial images are judged, first passes and activations are
     * taken from here if another evaluation of the same base model made them; borrowed,
     * NULL for none. Changes no flag. */
    igd_pass_cache *pass_cache;

    // In which order, and until when.
    igd_order order; /**< Default IGD_ORDER_DATA. With IGD_ORDER_RANDOM neither `smaller`
                          nor `save_adversarial`. What follows needs IGD_ORDER_RANDOM. */
    double budget_seconds; /**< Stop after so much time, all sittings together; 0 (the
                                default) for no limit. More of it goes on from `state`. */
    int64_t budget_images; /**< Stop after so many images; 0 (the default) for all. */
    double until_width;    /**< Stop when the sequential interval of the worst case on all
                                images is this narrow, < 1; 0 (the default) for never. */
    /** Stop when the worst case is more or less than that of this result of the same
     * images and threat, by the sequential interval of the difference; NULL for never. */
    const igd_result *until_difference;

    // Files.
    const char *state;    /**< File to continue from; NULL keeps none. */
    const char *finished; /**< Result file of a finished run: where it is there,
                               it is the answer. NULL for none. */
    bool restart;         /**< Discard these two. */
    double save_seconds;  /**< How often the images in flight are saved, beside `state` as
                               "STATE.checkpoint", so that a run that is killed loses no
                               more than this of its time; less often where saving takes
                               more than 2 % of it. Finished images are saved with them and
                               after every batch. Default 10. */
    const char *cache;    /**< Folder of the adversarial sets made on base models,
                               made if missing; NULL for a temporary one. */
    bool cache_all;       /**< Keep there all that is made on the base model, not
                               only what is transferred. */
    const char *save_adversarial; /**< .npy file of the first adversarial image found for
                                       each image, the clean image where there is none;
                                     NULL for none. */

    // Provenance: recorded in the result, changes nothing.
    const char *command; /**< Recorded in the result, like the next three; NULL for "". */
    const char *data_path;  /**< Where the images come from. */
    const char *data_split; /**< "train" or "test". */
    const char *preprocess; /**< Name of their resize and crop. */

    // Callbacks.
    /** Called after every batch, `stage` saying which attack of how
     * many, how many images of how many, and what is still robust;
     * to stop, answer anything but 0: images that are finished are saved, then
     * igd_evaluate() fails with IGD_ECANCELED. NULL for none. */
    igd_progress_fn progress;
    /** Takes lines for the user, such as the forecast of the cost; NULL for none. */
    void (*message)(const char *line, void *payload);
    void *payload; /**< Handed to `progress` and `message` as it is. */
};

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_evaluate_options_init(igd_evaluate_options *options, size_t size);

/** The defaults. */
static inline igd_evaluate_options igd_evaluate_options_default(void)
{
    igd_evaluate_options options;
    igd_evaluate_options_init(&options, sizeof(options));
    return options;
}

/**
 * Check options as far as that is possible without model and data.
 *
 * @param options   borrowed
 * @param defended  whether a defended model will be evaluated
 * @param adaptive  what "surrogate:" and "joint:" find in it, igd_defense_adaptive()
 * @return IGD_OK; IGD_EINVAL for a value out of range, or for an unknown attack or
 *         parameter, with the nearest known one
 */
igd_status igd_evaluate_check(const igd_evaluate_options *options, bool defended,
                              igd_adaptive adaptive);

/**
 * Join results of disjoint images of the same run: ranges of indices, or the parts of
 * igd_dataset_take_part(), which must all be there. The whole does not depend on the
 * order of the files.
 *
 * @param[out] out  owned, free with igd_result_free(); NULL on failure
 * @param paths     [num] result files; their per-image lines lie beside them
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT, IGD_EINVAL if the runs or their kinds of device
 *         differ, share an image, or lack a part
 */
igd_status igd_result_merge(igd_result **out, const char *const *paths, int num);

/** Write `path` (JSON) and, beside it, one line of JSON per image: "R.images.jsonl" for
 * "R.json". Both appear whole or not at all. */
igd_status igd_result_save(const igd_result *r, const char *path);

/** Read what igd_result_save() wrote. @return IGD_OK, IGD_EIO, IGD_EFORMAT, IGD_ENOMEM */
igd_status igd_result_load(igd_result **out, const char *path);

/** The same JSON as text. @return borrowed */
const char *igd_result_json(const igd_result *r);

/** A report to read. @return borrowed */
const char *igd_result_text(const igd_result *r);

/** One line of a result. */
typedef struct igd_attack_result {
    const char *name;             /**< Such as "apgd-ce" or "transfer:autoattack". */
    const char *target;           /**< "defended", "base" or "transfer". */
    double robust_acc;            /**< By the first draw of a randomised classifier. */
    double majority_acc, any_acc; /**< By the majority of all draws; by any wrong one. */
    double expected_acc;          /**< In expectation over the draws. */
    int64_t num_fooled;           /**< Images that it fooled, by the first draw. */
    int64_t forwards, backwards;  /**< Of single images, through what was attacked. */
    double seconds;               /**< That it took. */
} igd_attack_result;

/** Accuracy on the images as they are. */
double igd_result_clean_acc(const igd_result *r);

/** Fraction of images that survive every attack of the list. */
double igd_result_worst_acc(const igd_result *r);

/** Number of images that were evaluated. */
int64_t igd_result_num_images(const igd_result *r);

/** Images that were to be evaluated; more than igd_result_num_images() where a run in
 * random order stopped before its end. */
int64_t igd_result_num_planned(const igd_result *r);

/** Why it stopped before its end; IGD_STOP_NONE where it did not. */
igd_stop igd_result_stop(const igd_result *r);

/** What a result says of one image. */
typedef struct igd_image_result {
    int64_t index;         /**< In the whole data set. */
    int label, prediction; /**< `prediction` is of the clean image. */
    bool robust;           /**< Right when clean, and no attack has changed that. */
    const char *fooled_by; /**< The attack, "clean" where the prediction is wrong, NULL
                                where none did; borrowed. */
} igd_image_result;

/** Of image i, 0 <= i < igd_result_num_images(); else index, label and prediction are -1.
 */
igd_image_result igd_result_image(const igd_result *r, int64_t i);

/** Number of lines: attacks and ensembles. */
int igd_result_num_attacks(const igd_result *r);

/** Line i, 0 <= i < igd_result_num_attacks(); empty texts and zeros elsewhere. Its texts
 * are borrowed. */
igd_attack_result igd_result_attack(const igd_result *r, int i);

/** Number of reliability warnings. */
int igd_result_num_warnings(const igd_result *r);

/** Id of warning i, such as "zero-gradients"; "" for one that there is not.
 * @return borrowed */
const char *igd_result_warning_id(const igd_result *r, int i);

/** Its text, a sentence or more; "" likewise. @return borrowed */
const char *igd_result_warning_text(const igd_result *r, int i);

/** Free a result; NULL is fine. */
void igd_result_free(igd_result *r);

/** Number of ensembles that a list of attacks may name. */
int igd_ensemble_count(void);

/** Name of ensemble i, such as "autoattack"; "" for one that there is not.
 * @return borrowed, static */
const char *igd_ensemble_name(int i);

/** One line on it; "" likewise. @return borrowed, static */
const char *igd_ensemble_help(int i);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
