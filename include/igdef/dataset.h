/**
 * @file dataset.h
 * Images with labels, decoded when they are asked for.
 */
#ifndef IGDEF_DATASET_H
#define IGDEF_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Which images of a data set, and how they are prepared. */
typedef struct igd_dataset_options {
    size_t size;        /**< sizeof(igd_dataset_options), as the default sets it. */
    const char *labels; /**< File of labels for a flat folder or an .npy file; or NULL. */
    const char *split;  /**< "train" or "test", where there are both. Default "test". */
    const char *ids; /**< File of names or indices (all digits), one a line, whose order
                          the images get; NULL for all. */
    const char *preprocess; /**< RobustBench's name of a resize and crop, or "none", the
                                 default. */
    bool preprocess_files;  /**< Leave `preprocess` where the images are no image files,
                                 rather than refuse it. Default false. */
    const char *classes;    /**< File of the model's classes in their order: names of
                                 folders and labels are looked up in it; NULL for none. */
    bool numeric_order;     /**< Classes count in the order of the numbers in the names of
                                 their folders or labels, not in that of bytes. */
    bool partial; /**< Labels are the model's indices, though the data have fewer classes
                       than the model. */
    bool clamp_pixels; /**< Pixels of float32 arrays that leave [0, 1] by at most 0.001
                            are moved to its ends. */
    int channels;  /**< Of image files: 3 (the default), or 1 for grey as Pillow's "L". */
    int64_t first; /**< First image, of those that `ids` leaves. Default 0. */
    int64_t count; /**< Number of images; 0 (the default) for all that follow. */
    double fraction; /**< Seeded subset of those, in (0, 1]. Default 1. */
    uint64_t seed;   /**< Seed of that subset. Default 0. */
} igd_dataset_options;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_dataset_options_init(igd_dataset_options *options, size_t size);

/** The defaults. */
static inline igd_dataset_options igd_dataset_options_default(void)
{
    igd_dataset_options options;
    igd_dataset_options_init(&options, sizeof(options));
    return options;
}

/** A data set. Immutable: threads may share it. */
typedef struct igd_dataset igd_dataset;

/**
 * Open a data set, recognised by its content:
 * - a folder in CIFAR-10's or CIFAR-100's binary format, with some or all of its files;
 * - an IDX folder (MNIST, Fashion-MNIST), plain or .gz;
 * - a folder of class folders of JPEG, PNG and BMP files, which become RGB; classes are
 *   numbered in byte order of their names, images at any depth in that of their paths.
 *   Hidden files, what systems leave behind and folders without images are passed over.
 *   Folders called "train", "test" and "val", and no others, are splits that hold such
 *   folders; "val" stands in for "test";
 * - a flat folder of images with a file of labels: a line for each image, of its name and
 *   its label, or of labels alone in byte order of the images' names. A label is a whole
 *   number or a class name, in all lines the same of both. Tiny ImageNet's
 *   val_annotations.txt and Kaggle's LOC_val_solution.csv are such files;
 * - an .npy file, or a folder with images.npy: uint8 or float32 in [0, 1], [N, C, H, W],
 *   [N, H, W, C] or [N, H, W], with labels in an .npy or text file (labels.npy beside it
 *   where none is given).
 *
 * A file classes.txt in the data's folder, one name a line, names the classes. An id is
 * an image's index or its path, or an end of its path, with or without the suffix.
 *
 * @param[out] out  owned, free with igd_dataset_free(); NULL on failure
 * @param path      folder or .npy file
 * @param options   borrowed; NULL for the defaults
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT, IGD_EINVAL if the options ask for what is not
 *         there, IGD_ENOMEM
 *
 * Cost: reads binary formats as bytes; lists folders, decodes one image of them; reads
 * float32 arrays once to check them.
 */
igd_status igd_dataset_open(igd_dataset **out, const char *path,
                            const igd_dataset_options *options);

/**
 * Images that the program holds in memory.
 *
 * @param[out] out  owned, free with igd_dataset_free(); NULL on failure
 * @param images    copied; [N, C, H, W] in [0, 1]
 * @param labels    copied; [N] in 0 .. num_classes-1
 * @param shape     {C, H, W}
 * @return IGD_OK, IGD_EINVAL if a pixel or a label is out of range, IGD_ENOMEM
 */
igd_status igd_dataset_from_floats(igd_dataset **out, const float *images,
                                   const int32_t *labels, int64_t num_images,
                                   const int64_t shape[3], int num_classes);

/** 8-bit images that the program holds in memory. Start from igd_pixels_default(). */
typedef struct igd_pixels {
    size_t size;         /**< sizeof(igd_pixels), as the default sets it. */
    const uint8_t *data; /**< The first byte of the first image. */
    int64_t num;         /**< Images, >= 1. */
    int64_t shape[3];    /**< {C, H, W}, each >= 1. */
    /** Bytes from one image, channel, row and column to the next, each >= 1. All 0, the
     * default: packed [N, H, W, C], as decoders give them; {C H W, H W, W, 1} is [N, C,
     * H, W]. */
    int64_t stride[4];
    bool borrow; /**< Keep the pointer, which must outlive the data set, rather than copy
                      the bytes. Default false. */
} igd_pixels;

/** Lay the defaults over the first `size` bytes of options, which begin with their size
 * then: a program that knows fewer of them gets those that it knows. */
void igd_pixels_init(igd_pixels *options, size_t size);

/** The defaults. */
static inline igd_pixels igd_pixels_default(void)
{
    igd_pixels options;
    igd_pixels_init(&options, sizeof(options));
    return options;
}

/**
 * 8-bit images that the program holds in memory: a byte b is the pixel b / 255.
 *
 * @param[out] out     owned, free with igd_dataset_free(); NULL on failure
 * @param pixels       borrowed for the call, `data` as it says
 * @param labels       copied; [num] in 0 .. num_classes-1
 * @param num_classes  >= 1
 * @param class_names  copied; [num_classes]; NULL for numbers
 * @return IGD_OK, IGD_EINVAL if a setting or a label is out of range, IGD_ENOMEM
 */
igd_status igd_dataset_from_pixels(igd_dataset **out, const igd_pixels *pixels,
                                   const int32_t *labels, int num_classes,
                                   const char *const *class_names);

/** How igd_resize() weighs pixels. */
typedef enum igd_resize_filter {
    IGD_RESIZE_BILINEAR, /**< Pillow's BILINEAR. */
    IGD_RESIZE_BICUBIC   /**< Pillow's BICUBIC. */
} igd_resize_filter;

/**
 * Resize an 8-bit image as Pillow does, to the bit: the filter widens where the image
 * shrinks.
 *
 * @param[out] out  [out_height, out_width, channels]
 * @param out_width, out_height  >= 1
 * @param in        borrowed; [height, width, channels]
 * @param width, height  >= 1; no image may have more than 2^26 pixels
 * @param channels  1 .. 4, each resized by itself
 * @param filter    how pixels are weighed
 * @return IGD_OK, IGD_EINVAL for a size out of range, IGD_ENOMEM
 */
igd_status igd_resize(uint8_t *out, int out_width, int out_height, const uint8_t *in,
                      int width, int height, int channels, igd_resize_filter filter);

/**
 * Image files without labels, in the order given: igd_dataset_label() is -1 for each and
 * igd_dataset_num_classes() is 0.
 *
 * @param[out] out  owned, free with igd_dataset_free(); NULL on failure
 * @param paths     copied; [num] JPEG, PNG or BMP files, all of one size where there is
 *                  no preprocessing: igd_dataset_read() fails with IGD_EFORMAT otherwise
 * @param num       >= 1
 * @param options   borrowed; only `preprocess` is used; NULL for the defaults
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT, IGD_EINVAL, IGD_ENOMEM
 */
igd_status igd_dataset_from_files(igd_dataset **out, const char *const *paths,
                                  int64_t num, const igd_dataset_options *options);

/** A part of the images that options chose, as several machines share them. */
typedef struct igd_part {
    int64_t index; /**< Which part, from 0 on. */
    int64_t of;    /**< How many there are; 0 where nothing is shared. */
    int64_t first; /**< Place of its first image among all that were chosen. */
    int64_t whole; /**< How many these were. */
} igd_part;

/**
 * Keep one of several parts of a data set's images, before anybody else uses it. Parts
 * are runs of images in their order; each of them has one at least, and they cost about
 * the same.
 *
 * @param d      borrowed; its size is the part's from now on
 * @param index  0 <= index < of
 * @param of     1 .. size
 * @param cheap  borrowed; [size], whether an image costs little, as one does that is
 *               misclassified before any attack; NULL where all cost the same
 * @return IGD_OK, IGD_EINVAL, also for a data set that is a part already
 *
 * Cost: O(size).
 */
igd_status igd_dataset_take_part(igd_dataset *d, int64_t index, int64_t of,
                                 const bool *cheap);

/** Which part of the chosen images this is. */
igd_part igd_dataset_part(const igd_dataset *d);

/** Name of the resize and crop that its images get; "none". @return borrowed */
const char *igd_dataset_preprocess(const igd_dataset *d);

/** Number of its images, which options chose. */
int64_t igd_dataset_size(const igd_dataset *d);

/** Number of classes of its labels; 0 for images without. */
int igd_dataset_num_classes(const igd_dataset *d);

/** {C, H, W} of every image. @return borrowed */
const int64_t *igd_dataset_shape(const igd_dataset *d);

/**
 * Give image files another number of channels than they were opened with. Only before
 * other threads use the data set.
 *
 * @param channels  3, or 1 for grey as Pillow's "L"
 * @return IGD_OK, IGD_EINVAL where the data are no image files and have another number
 */
igd_status igd_dataset_set_channels(igd_dataset *d, int channels);

/** Name of class c; its number where the data have no names, "" for a class that there is
 * not. @return borrowed */
const char *igd_dataset_class_name(const igd_dataset *d, int c);

/**
 * Whether the labels can be the classes of a model: the data have as many classes, or
 * fewer where `partial` or `classes` says that they may. Labels that are numbers alone
 * name no count, so the last classes may lack images; but where a model has at least 20
 * classes and not half of them appear, the data are taken for another set's. A single
 * named class passes, with a note that warns.
 *
 * @return IGD_OK, IGD_EINVAL
 */
igd_status igd_dataset_check_classes(const igd_dataset *d, int num_classes);

/** What opening the data passed over or took for granted: number of such remarks. */
int igd_dataset_num_notes(const igd_dataset *d);

/**
 * One of them.
 *
 * @param[out] warning  its id where labels may be wrong because of it, such as
 *                      "class-order"; NULL for a mere note
 * @return borrowed, a line without its end
 */
const char *igd_dataset_note(const igd_dataset *d, int i, const char **warning);

/** Label of image i, 0 <= i < size; -1 for others, and for images without. */
int igd_dataset_label(const igd_dataset *d, int64_t i);

/** Index of image i in the whole data set, before options chose some: what noise is keyed
 * by. -1 for an image that there is not. */
int64_t igd_dataset_index(const igd_dataset *d, int64_t i);

/**
 * SHA-256 over the chosen images' stored bytes and labels.
 *
 * @param[out] out  64 hexadecimal digits and the end
 * @return IGD_OK, IGD_EIO, IGD_ENOMEM
 *
 * Cost: reads every chosen image's file.
 */
igd_status igd_dataset_sha256(const igd_dataset *d, char out[65]);

/**
 * Decode images.
 *
 * @param[out] images  room for n images [n, C, H, W], in [0, 1]
 * @param which        [n], each 0 <= which[j] < size
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT, IGD_ENOMEM
 */
igd_status igd_dataset_read(const igd_dataset *d, float *images, const int64_t *which,
                            int64_t n);

/** Free a data set; NULL is fine. */
void igd_dataset_free(igd_dataset *d);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
