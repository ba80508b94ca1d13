/**
 * @file callbacks.h
 * Classifiers that the program itself runs: another inference engine, a simulator, a net
 * written by hand. What takes an igd_model or an igd_defense takes these too.
 */
#ifndef IGDEF_CALLBACKS_H
#define IGDEF_CALLBACKS_H

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

/**
 * Computes n rows from n rows, a row from its own alone.
 *
 * @param[out] out  room for n rows; every number of it is to be written
 * @param in        borrowed for the call; n rows
 * @param n         >= 1
 * @param payload   the pointer given beside the callbacks
 * @return IGD_OK; anything else ends the call of the library that asked, which returns
 *         it: IGD_ECANCELED to stop, IGD_ECALLBACK for any failure of one's own. Say what
 *         failed with igd_set_error(). A C++ exception counts as IGD_ECALLBACK.
 */
typedef igd_status (*igd_rows_fn)(float *out, const float *in, int64_t n, void *payload);

/**
 * Computes, for each row, the gradient of the sum of weight * output at `in`.
 *
 * @param[out] grad  room for n rows of the length of those of `in`
 * @param in         borrowed for the call; n rows
 * @param weights    borrowed for the call; n rows of the length of the outputs
 * @param n          >= 1
 * @param payload    the pointer given beside the callbacks
 * @return as for igd_rows_fn
 */
typedef igd_status (*igd_gradient_fn)(float *grad, const float *in, const float *weights,
                                      int64_t n, void *payload);

/** What a program brings. Start from igd_callbacks_default(); only `logits` is needed. */
typedef struct igd_callbacks {
    size_t size;        /**< sizeof(igd_callbacks), as igd_callbacks_default() sets it. */
    igd_rows_fn logits; /**< Images [n, C, H, W] to logits [n, num_classes]. */
    igd_gradient_fn gradient; /**< Of `logits`; NULL for none: attacks that need one are
                                   refused by name. */
    igd_rows_fn prefix; /**< Images to activations [n, num_neurons, num_positions] of the
                             mask layer; NULL (as `suffix` then) for a model that is not
                             masked. */
    igd_rows_fn suffix; /**< Those activations to logits. */
    igd_gradient_fn prefix_gradient; /**< Of `prefix`; NULL for none. */
    igd_gradient_fn suffix_gradient; /**< Of `suffix`; NULL for none. */
    const char *layer; /**< Name of the mask layer; copied. Default "penultimate". */
    int num_neurons;   /**< Of the mask layer, >= 1 with `prefix`. */
    int num_positions; /**< Of a neuron, such as H * W of a feature map. Default 1. */
    bool random;       /**< Whether the same image may get other logits each time. */
    bool thread_safe;  /**< Whether several threads may call at once. They may be threads
                            of the library. Default false: one call at a time. */
    const char *identity; /**< What tells these weights from others, such as a file's
                               digest; copied. Ranking, state and result files are kept
                               apart by it. NULL: what is made on the model is
                               of no use to another process. */
} igd_callbacks;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_callbacks_init(igd_callbacks *options, size_t size);

/** The defaults. */
static inline igd_callbacks igd_callbacks_default(void)
{
    igd_callbacks options;
    igd_callbacks_init(&options, sizeof(options));
    return options;
}

/**
 * A base model that the program runs.
 *
 * Flags of attacks are those of the same network in TorchScript, up to the rounding of
 * the two. Layers, rankings and masked defenses need `prefix` and `suffix`; masked
 * defenses that are attacked by gradients need all three gradients.
 *
 * @param[out] out     owned, free with igd_model_free(); NULL on failure
 * @param shape        {C, H, W} of the images, each >= 1
 * @param num_classes  >= 2
 * @param callbacks    borrowed for the call
 * @param payload      handed to every callback as it is; must outlive the model
 * @return IGD_OK; IGD_EINVAL for a setting out of range, `logits` missing, `prefix`
 *         without `suffix`, a prefix and suffix that do not give the logits, or a newer
 *         `size` than the library knows; IGD_EFORMAT where logits of random images are
 * not finite or depend on the images beside them; what a callback returned; IGD_ENOMEM
 *
 * Cost: a few passes over three random images.
 */
igd_status igd_model_from_callbacks(igd_model **out, const int64_t shape[3],
                                    int num_classes, const igd_callbacks *callbacks,
                                    void *payload);

/**
 * A defense that the program runs, beside its base model: transferred attacks are made on
 * the base model, all others on the defense.
 *
 * @param[out] out   owned, free with igd_defense_free(); NULL on failure
 * @param base       borrowed, must outlive the defense; says images and classes
 * @param callbacks  borrowed for the call; `logits` and `gradient` are used
 * @param payload    handed to every callback as it is; must outlive the defense
 * @return what igd_model_from_callbacks() returns
 *
 * Cost: a few passes over three random images.
 */
igd_status igd_defense_from_callbacks(igd_defense **out, const igd_model *base,
                                      const igd_callbacks *callbacks, void *payload);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
