// The file of --save-adversarial: an .npy array [N, C, H, W] that fills up as images are
// fooled. Until it is complete it has another name, under which an interrupted run finds
// it again.
#ifndef IGD_EVALUATE_IMAGE_FILE_H
#define IGD_EVALUATE_IMAGE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/status.h"

typedef struct igd_image_file igd_image_file;

// How much of the images is there already.
typedef enum igd_image_file_mode {
    IGD_IMAGES_NEW,     // nothing
    IGD_IMAGES_RESUMED, // `path`.part, whole and of that shape
    IGD_IMAGES_COMPLETE // all of them: `path`.part, or `path` if the run was cut off
                        // after the file had got its name and before the result was saved
} igd_image_file_mode;

igd_status igd_image_file_open(igd_image_file **out, const char *path, int64_t n,
                               const int64_t shape[3], igd_image_file_mode mode);

igd_status igd_image_file_put(igd_image_file *f, int64_t row, const float *x);
igd_status igd_image_file_get(igd_image_file *f, int64_t row, float *x);
igd_status igd_image_file_sync(igd_image_file *f);

// Gives the file its name; f is free then, even on failure.
igd_status igd_image_file_commit(igd_image_file *f);
void igd_image_file_free(igd_image_file *f); // leaves `path`.part; NULL is fine

#endif
