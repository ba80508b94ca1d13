// What an attack sees of a base or a defended model: images in, logits and their
// gradients out, on host arrays.
#ifndef IGD_MODEL_CLASSIFIER_H
#define IGD_MODEL_CLASSIFIER_H

#include <stddef.h>

#include "ops.h"

// Batches of TorchScript are filled up to a multiple of this with copies of their last
// image: the matrix
// products below libtorch round the last, incomplete block of rows differently, and an
// image's logits must not depend on the images beside it.
#define IGD_BATCH_ROWS 8

// Which image a row of a batch is and which draw of the classifier's noise it gets.
typedef struct igd_draw {
    int64_t image; // index in the data set
    uint64_t draw;
} igd_draw;

// How products of float32 are computed off the host.
typedef enum igd_rounding {
    IGD_ROUND_AS_IS, // as the process has it
    IGD_ROUND_IEEE,
    IGD_ROUND_TF32 // with factors of 10 bits
} igd_rounding;

typedef struct igd_classifier {
    const void *self;
    int num_classes;
    int64_t shape[3];   // {C, H, W} of an image
    const char *device; // where images go
    bool off_host;      // whether the host's threads are idle while it computes
    int block;          // batches are filled up to a multiple of this many rows; 0 for 1
    int lone_block;     // the same for predictions that a program asks for
    bool clamp_pixels;  // of those: take pixels a rounding error outside [0, 1]
    igd_rounding rounding;
    const struct igd_classifier *exact; // the same in IEEE float32, which decides what
                                        // fools this one; NULL where this does
    bool deterministic;                 // same image, same logits, whatever the draw
    bool differentiable;
    bool no_gradients;       // not even zeros: attacks that need any are refused
    bool own_noise;          // draws numbers that neither a seed nor igd_draw decides
    int num_passes;          // forward passes of the base network per forward of this
    int num_backward_passes; // and backward ones; > 0: the forward itself climbs
                             // gradients
    // Logits [N, num_classes] of x [N, C, H, W], recorded if s records. `draws` [N].
    igd_tensor *(*logits)(igd_scope *s, const void *self, const igd_tensor *x,
                          const igd_draw *draws);
} igd_classifier;

// What decides whether an image fools f.
static inline const igd_classifier *igd_classifier_exact(const igd_classifier *f)
{
    return f->exact != NULL ? f->exact : f;
}

// Number of floats of one image.
static inline int64_t igd_classifier_pixels(const igd_classifier *f)
{
    return f->shape[0] * f->shape[1] * f->shape[2];
}

// The rows that n images are filled up to. On the host just whole blocks; a device plans
// anew for each number of rows, so there they are four for each power of two at most.
int64_t igd_classifier_rows(const igd_classifier *f, int64_t n);

// Refuses images with a pixel outside [0, 1]; not-a-number is outside.
igd_status igd_check_pixels(const float *images, int64_t num_images, int64_t num_pixels);

// Images as predictions that a program asks for take them: as they are, or where f says
// so a copy whose pixels a rounding error outside [0, 1] are moved to its ends. *owned is
// free()d by the caller, NULL where there is no copy.
igd_status igd_check_or_clamp(const float **out, float **owned, const igd_classifier *f,
                              const float *images, int64_t n);

// The classifier as those predictions run it.
igd_classifier igd_classifier_alone(const igd_classifier *f);

// Logits [n, num_classes] of images [n, C, H, W].
igd_status igd_classifier_logits(float *logits, const igd_classifier *f,
                                 const float *images, int64_t n, const igd_draw *draws);

// One recorded forward pass, from which gradients at the images can be taken.
typedef struct igd_pass igd_pass;

igd_status igd_pass_run(igd_pass **out, const igd_classifier *f, const float *images,
                        int64_t n, const igd_draw *draws);
const float *igd_pass_logits(const igd_pass *p); // [n, num_classes], borrowed
// grad [n, C, H, W] := sum over classes of weight [n, num_classes] * d logits / d images.
// `again` says that another call follows for the same pass.
igd_status igd_pass_grad(float *grad, igd_pass *p, const float *weight, bool again);
void igd_pass_free(igd_pass *p); // NULL is fine

#endif
