// CLIP's two encoders, from TorchScript files, with their preparation of images and
// texts.
#ifndef IGD_RANK_CLIP_H
#define IGD_RANK_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/digest.h"
#include "igdef/status.h"

// The image encoder: encode_image of a file, or its forward where it has none and
// `alone` says that the file holds this encoder only.
typedef struct igd_clip igd_clip;

typedef struct igd_clip_options {
    const char *path;
    const char *device;
    bool alone;
    int image_size; // side of its images; 0: read from the model
} igd_clip_options;

igd_status igd_clip_open(igd_clip **out, const igd_clip_options *options);
void igd_clip_free(igd_clip *c); // NULL is fine

int igd_clip_image_size(const igd_clip *c);
int64_t igd_clip_width(const igd_clip *c);      // length of an embedding
const char *igd_clip_sha256(const igd_clip *c); // of the file, borrowed

// Embeddings [n, width] of images [n, C, H, W] in [0, 1], C 1 or 3.
igd_status igd_clip_embed(float *out, igd_clip *c, const float *images,
                          const int64_t shape[3], int64_t n);

// One image as CLIP wants it, before it subtracts a mean: out [3, size, size] in [0, 1],
// the short side resized bicubically, cut at the centre, in 256 steps.
igd_status igd_clip_prepare(float *out, int size, const float *image,
                            const int64_t shape[3]);

// The text encoder, used once: embeddings [num, *width], owned (free()). In `lengths`
// [num] each text's tokens with start and end; more than *context where it was cut.
typedef struct igd_clip_texts {
    const char *path; // has encode_text, or forward where `alone`
    const char *vocabulary;
    const char *device;
    bool alone;
    int context; // tokens per text; 0: read from the model
} igd_clip_texts;

igd_status igd_clip_embed_texts(float **out, int64_t *width, int *lengths, int *context,
                                char sha256[IGD_SHA256_LENGTH],
                                const igd_clip_texts *options, const char *const *texts,
                                int num);

#endif
