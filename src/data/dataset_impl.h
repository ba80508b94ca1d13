// What the formats of data sets share.
//
// A source is a whole data set as it lies on disk; igd_dataset is what options chose of
// it. A format opens a source: it fills in size, shape, labels and class names, and says
// through a table of functions how pixels are had.
#ifndef IGD_DATA_DATASET_IMPL_H
#define IGD_DATA_DATASET_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/digest.h"
#include "core/lines.h"
#include "data/class_map.h"
#include "data/listing.h"
#include "data/notes.h"
#include "data/resample.h"
#include "igdef/dataset.h"

#define IGD_MAX_CLASSES (1 << 20)

typedef struct igd_source_functions {
    // Image i as [C, H, W] in [0, 1].
    igd_status (*read)(const void *self, float *image, int64_t i);
    // Adds the bytes that image i is stored in.
    igd_status (*digest)(const void *self, igd_sha256 *h, int64_t i);
    // Adds enough to tell image i from others, where that is less work; else NULL.
    igd_status (*mark)(const void *self, igd_sha256 *h, int64_t i);
    // Relative path of image i, borrowed; NULL for formats whose images have none.
    const char *(*name)(const void *self, int64_t i);
    // Finds the shape from image i, where it is not known before one is decoded; else
    // NULL.
    igd_status (*find_shape)(void *self, int64_t shape[3], int64_t i);
    // Changes what read() gives, where the stored form does not say it; else NULL.
    void (*set_channels)(void *self, int channels);
    void (*free)(void *self);
} igd_source_functions;

typedef struct igd_source {
    const igd_source_functions *functions;
    void *self; // owned, functions->free
    char *path; // owned; starts messages
    int64_t num;
    int64_t shape[3]; // {C, H, W}
    int32_t *labels;  // owned; [num]
    int num_classes;
    bool open_classes; // num_classes is a guess from the labels: more may have names
    igd_lines classes; // names; none where classes.num is 0
    bool named;        // classes are numbered by the names of folders or labels
    bool mapped;       // by a file of classes, whose number of classes it is
    igd_notes notes;

    // What options say of how it is opened.
    const igd_class_map *map; // borrowed; NULL where names stand for themselves
    char *map_path;           // owned
    bool numeric_order;
    bool partial;
    bool clamp_pixels;
    bool labels_unused;
    int channels; // of image files

    const char *preprocess; // static name of what images get; NULL for none
} igd_source;

struct igd_dataset {
    igd_source source;
    bool borrows;    // the source is that of another data set
    int64_t *chosen; // owned; [size], index in the source
    int64_t size;
    igd_part part;              // what is left of the images that options chose
    char of[IGD_SHA256_LENGTH]; // digest of their indices; "" where nothing is divided
};

// Releases everything and leaves an empty source.
void igd_source_free(igd_source *s);

// Opens whatever lies at a path, by its content.
igd_status igd_source_open(igd_source *s, const char *path, const igd_dataset_options *o);
// Each opens a format; `path` is known to be of it. On failure nothing is left to free
// but what igd_source_free() does.
igd_status igd_source_cifar(igd_source *s, const char *path, bool hundred, bool train);
igd_status igd_source_cifar_python(igd_source *s, const char *path, bool hundred,
                                   bool train);
igd_status igd_source_idx(igd_source *s, const char *path, bool train);
// `labels` is NULL where the images have none.
igd_status igd_source_npy(igd_source *s, const char *images, const char *labels);
igd_status igd_source_class_folders(igd_source *s, const char *path,
                                    const igd_preprocess *p);
igd_status igd_source_flat_folder(igd_source *s, const char *path, const char *labels,
                                  const igd_preprocess *p);

// Paths of files [num], copied; labels are -1.
igd_status igd_source_files(igd_source *s, const char *const *paths, int64_t num,
                            const igd_preprocess *p);
// 8-bit images of the program, copied or borrowed as they say; names [num_classes] or
// NULL.
igd_status igd_source_pixels(igd_source *s, const igd_pixels *pixels,
                             const int32_t *labels, int num_classes,
                             const char *const *class_names);
// Copies images [num, C, H, W] in [0, 1] and labels [num].
igd_status igd_source_floats(igd_source *s, const float *images, const int32_t *labels,
                             int64_t num, const int64_t shape[3], int num_classes);

// A source of image files whose names below `path` are copied; labels come after.
// `path` is NULL where the names are whole paths.
igd_status igd_source_give_files(igd_source *s, const char *path, const igd_preprocess *p,
                                 const char *const *names, int64_t num);

// What a folder of neither binary format holds.
typedef enum igd_folder_kind {
    IGD_FOLDER_EMPTY,
    IGD_FOLDER_CLASSES, // folders with images
    IGD_FOLDER_SPLITS,  // folders with images, all of them called train, test or val
    IGD_FOLDER_FLAT     // images and no folder with any
} igd_folder_kind;
igd_status igd_folder_inspect(igd_folder_kind *out, const char *path);

// Images of a data set in any order: rows [num] of it, num >= 1. Borrows from `d`, which
// must outlive it. *out is owned, free with igd_dataset_free().
igd_status igd_dataset_take(igd_dataset **out, const igd_dataset *d, const int64_t *rows,
                            int64_t num);

// Whether a folder is of a format.
igd_status igd_is_cifar(bool *out, const char *path, bool hundred);
igd_status igd_is_cifar_python(bool *out, const char *path, bool hundred);
igd_status igd_is_idx(bool *out, const char *path);

// The parts of the binary formats that work on a file's content; `path` starts messages.
// Both append to pixels (1 byte each) and labels, which the caller frees.
typedef struct igd_bytes {
    unsigned char *pixels; // owned; [num, C, H, W]
    int32_t *labels;       // owned; [num]
    int64_t num;
    int64_t shape[3];
} igd_bytes;
igd_status igd_bytes_add_cifar(igd_bytes *b, const unsigned char *bytes, size_t size,
                               bool hundred, const char *path);
igd_status igd_bytes_add_cifar_python(igd_bytes *b, const unsigned char *bytes,
                                      size_t size, bool hundred, const char *path);
igd_status igd_bytes_add_idx_images(igd_bytes *b, const unsigned char *bytes, size_t size,
                                    const char *path);
igd_status igd_bytes_add_idx_labels(igd_bytes *b, const unsigned char *bytes, size_t size,
                                    const char *path);
void igd_bytes_free(igd_bytes *b);
// Moves them into a source.
igd_status igd_bytes_give(igd_bytes *b, igd_source *s);

// -1 for each image: there are no labels.
igd_status igd_labels_none(igd_source *s);
// Labels from a .npy file of integers, or a text file, see label_list.h. `names` [num],
// the images' names, is NULL for those that have none. Fills in labels, num_classes and
// classes, by the file of classes where there is one.
igd_status igd_labels_read(igd_source *s, const char *path, const char *const *names);
// Cuts the lines into pieces.
igd_status igd_labels_from_lines(igd_source *s, igd_lines *lines, const char *path,
                                 const char *const *names);
// Checks labels [num] that are in place already, and sets num_classes from them.
igd_status igd_labels_check(igd_source *s, const char *path);

// Looks labels [num] that are in place already up in the file of classes.
igd_status igd_labels_map_numbers(igd_source *s, const char *path);
// Takes number and names of the classes from the file of classes.
igd_status igd_class_map_take(igd_source *s);

// A hash that images of the same stored bytes share, and practically no others.
igd_status igd_dataset_mark(uint64_t *out, const igd_dataset *d, int64_t i);

// Which images options choose: *out is owned, [*num], in the order of the ids or of the
// data.
igd_status igd_select(int64_t **out, int64_t *num, const igd_source *s,
                      const igd_dataset_options *o);
igd_status igd_ids_from_lines(int64_t **out, int64_t *num, const igd_source *s,
                              const igd_lines *lines, const char *path);

#endif
