// The file of --save-adversarial: an .npy array [N, C, H, W] that fills up as images are
// fooled. Until it is complete it has another name, under which an interrupted run finds
// it again.
#ifndef IGD_EVALUATE_IMAGE_FILE_H
#define IGD_EVALUATE_IMAGE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/digest.h"
#include "igdef/status.h"

typedef struct igd_image_file igd_image_file;

// How much of the images is there already.
typedef enum igd_image_file_mode {
    IGD_IMAGES_NEW,     // nothing
    IGD_IMAGES_RESUMED, // `path`.part, whole and of that shape
    IGD_IMAGES_COMPLETE // all of them: `path`.part, or `path` if the run was cut off
                        // after the file had got its name and before the result was saved
} igd_image_file_mode;

// Whose images they are.
typedef struct igd_images_of {
    int64_t n;
    const int64_t *shape; // [3]
    igd_image_file_mode mode;
    const char *key; // digest of all that decides about them; NULL: nothing resumes it
    const char *sum; // digest of the complete file, where it was complete; or ""
    bool discard;    // images of another interrupted run
} igd_images_of;

// While it is incomplete the file ends with the run's key and a digest of every image.
// *sealed is false where a file of an older version has none; it gets them.
// @return IGD_OK, IGD_ESTATE where the file is another run's, IGD_EIO, IGD_ENOMEM
igd_status igd_image_file_open(igd_image_file **out, bool *sealed, const char *path,
                               const igd_images_of *of);

igd_status igd_image_file_put(igd_image_file *f, int64_t row, const float *x);
// @return IGD_EFORMAT where the image is not what its digest is of
igd_status igd_image_file_get(igd_image_file *f, int64_t row, float *x);
igd_status igd_image_file_sync(igd_image_file *f);

// The digest of the file as igd_image_file_commit() will leave it.
igd_status igd_image_file_sum(igd_image_file *f, char out[IGD_SHA256_LENGTH]);

// Gives the file its name; f is free then, even on failure.
igd_status igd_image_file_commit(igd_image_file *f);
void igd_image_file_free(igd_image_file *f); // leaves `path`.part; NULL is fine

#endif
