/**
 * @file model.h
 * The base model: a trained image classifier, loaded from a TorchScript file.
 */
#ifndef IGDEF_MODEL_H
#define IGDEF_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/dataset.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** How a model is loaded. Start from igd_model_options_default(). */
typedef struct igd_model_options {
    size_t size;        /**< sizeof(igd_model_options), as the default sets it. */
    const char *device; /**< "cpu", "cuda" or "cuda:N". Default "cpu". */
    const float
        *mean; /**< [num_channels] of a normalisation put in front; NULL for none. */
    const float *std;   /**< [num_channels], each > 0; NULL for none. */
    int num_channels;   /**< Length of `mean` and `std`. Default 0. */
    const char *output; /**< Which output of a model with several: its number in a tuple
                             or list, its key in a dict, with dots into what is nested.
                             NULL (the default): the one that is a row of logits per
                             image, if there is just one. */
    bool plain;         /**< Keep batch norms and memory layout as in the file. */
    bool skip_check;    /**< Do not run the model to verify it. */
    /** Whether igd_model_predict() and igd_defense_predict() give an image the same
     * logits, bit for bit, whatever images are beside it, as evaluations always do. The
     * price: batches are filled up to a multiple of 8 images, so that one image costs
     * what eight do. Default false: an image costs what it costs, and the images beside
     * it may change its last bits. */
    bool batch_invariant;
    /** Take pixels that leave [0, 1] by at most 0.001 in those two calls, as resizing and
     * normalising back and forth leave them, for its ends. Default false: they are
     * refused. */
    bool clamp_pixels;
    /** On CUDA, do not call igd_compute_exactly(), which is for the whole process. */
    bool keep_cuda_settings;
} igd_model_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_model_options_init(igd_model_options *options, size_t size);

/** The defaults. */
static inline igd_model_options igd_model_options_default(void)
{
    igd_model_options options;
    igd_model_options_init(&options, sizeof(options));
    return options;
}

/** A base model. Immutable: threads may share it. */
typedef struct igd_model igd_model;

/**
 * Load a TorchScript file. It is a program: load only files from a source you trust.
 *
 * @param[out] out  owned, free with igd_model_free(); NULL on failure
 * @param path      written by torch.jit.save; its `forward` takes one batch of images
 * @param shape     {C, H, W} of the images that it will be given
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT if the file is damaged or not such a model,
 *         IGD_EDEVICE, IGD_EINVAL if an option is out of range, the model does not take
 *         such images or has no such output, IGD_ETORCH
 *
 * On a CUDA device it has libtorch compute in IEEE float32 and repeatably, for the whole
 * process: see igd_compute_exactly(), which `keep_cuda_settings` declines.
 *
 * The asserts of the model hold: images that they refuse are refused. What it prints goes
 * to standard error.
 *
 * Cost: reads the file twice (checksums, weights), runs the model on a few random images.
 */
igd_status igd_model_load(igd_model **out, const char *path, const int64_t shape[3],
                          const igd_model_options *options);

/**
 * The same of a file's bytes that the program holds, such as what it has decrypted. They
 * are not written to a disk.
 *
 * @param[out] out   owned, free with igd_model_free(); NULL on failure
 * @param bytes      borrowed for the call; [num_bytes]
 * @param num_bytes  length of the file
 * @param name       copied; starts messages and stands for the path in results
 * @param shape      {C, H, W} of the images that it will be given
 * @param options    borrowed; NULL for the defaults
 * @return what igd_model_load() returns
 *
 * Cost: igd_model_load()'s, and one more copy of the bytes meanwhile.
 */
igd_status igd_model_load_memory(igd_model **out, const void *bytes, size_t num_bytes,
                                 const char *name, const int64_t shape[3],
                                 const igd_model_options *options);

/** Number of classes: the length of a row of logits. */
int igd_model_num_classes(const igd_model *m);

/** Images that attacks on it should compute with at a time: 128, but 512 on a CUDA device
 * where an image has no more than 64 x 64 pixels; 0 for NULL. */
int igd_model_batch_size(const igd_model *m);

/** SHA-256 of the file, in hexadecimal. @return borrowed */
const char *igd_model_sha256(const igd_model *m);

/** The path it was loaded from. @return borrowed */
const char *igd_model_path(const igd_model *m);

/** {C, H, W} of its images. @return borrowed */
const int64_t *igd_model_shape(const igd_model *m);

/** Which of several outputs is taken for the logits; "" where there is only one.
 * @return borrowed */
const char *igd_model_output(const igd_model *m);

/** Why no gradient reaches the images; NULL where one does. Such a model can be
 * evaluated, but attacks that follow gradients say nothing about it. @return borrowed */
const char *igd_model_no_gradient(const igd_model *m);

/** Whether two passes over the same images give the same logits. */
bool igd_model_is_deterministic(const igd_model *m);

/** Whether its rows are probabilities rather than logits, on random images. */
bool igd_model_gives_probabilities(const igd_model *m);

/**
 * Names of its methods that take images or other tensors, "forward" first.
 * @param[out] num  how many
 * @return borrowed from the model, [*num]
 */
const char *const *igd_model_methods(const igd_model *m, int *num);

/** One place where a mask can act. */
typedef struct igd_layer {
    const char *path;    /**< Such as "layer4" or "features.7:input". */
    const char *kind;    /**< Class of the module, such as "Conv2d". */
    int64_t shape[6];    /**< Shape of the activation for one image. */
    int num_dims;        /**< Length of `shape`. */
    int batch_axis;      /**< Axis of `shape` that counts images; mostly 0. */
    int neuron_axis;     /**< Axis of `shape` that counts neurons. */
    bool axis_guessed;   /**< Whether that axis is a guess. */
    int64_t num_neurons; /**< Its length along that axis. */
    bool affine;      /**< Whether the logits are an affine function of the activation. */
    bool penultimate; /**< Whether it is the input of the product that yields the logits.
                       */
    const char *reason; /**< Why the model cannot be cut here; NULL where it can. */
} igd_layer;

/**
 * The layers of a model, in the order in which they run.
 *
 * @param[out] layers  borrowed from the model
 * @param[out] num     how many
 */
igd_status igd_model_layers(const igd_model *m, const igd_layer **layers, int *num);

/**
 * Logits of images.
 *
 * @param[out] logits  [n, num_classes]
 * @param images       borrowed; [n, C, H, W] in [0, 1]
 * @return IGD_OK, IGD_EINVAL if a pixel lies outside [0, 1], IGD_ETORCH, IGD_ENOMEM
 */
igd_status igd_model_predict(float *logits, const igd_model *m, const float *images,
                             int64_t n);

/**
 * What a model's file says about itself, where the exporter wrote it. Texts hold no
 * control characters; NULL and 0 where it does not say.
 */
typedef struct igd_model_card {
    const char *name;           /**< Such as "Wong2020Fast". */
    const char *source;         /**< The package and table that it is from. */
    const char *weights;        /**< Files or tensors, with their SHA-256. */
    const char *normalization;  /**< Mean and std, and where it is done. */
    const char *preprocess;     /**< Name of the resize and crop that it was made for. */
    int64_t shape[3];           /**< {C, H, W} of its images. */
    int num_classes;            /**< Length of `classes`, and of a row of logits. */
    const char *const *classes; /**< [num_classes] names, or NULL. */
} igd_model_card;

/**
 * Read what a model's file says about itself; the program in it is not run.
 *
 * @param[out] out  owned, free with igd_model_card_free(); NULL on failure, and where the
 *                  file says nothing
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT if what it says is damaged, IGD_ENOMEM
 */
igd_status igd_model_card_read(igd_model_card **out, const char *path);

/** Free a card; NULL is fine. */
void igd_model_card_free(igd_model_card *card);

/**
 * Whether the labels of a data set can be the classes of the model: what
 * igd_dataset_check_classes() says of their number, and that the data do not have the
 * names of the model's card in another order.
 *
 * @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
 */
igd_status igd_model_check_classes(const igd_model *m, const igd_dataset *data);

/** Free a model; NULL is fine. */
void igd_model_free(igd_model *m);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
