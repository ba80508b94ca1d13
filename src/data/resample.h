// 8-bit images: resizing as Pillow does it, cropping, and the named preparations of
// RobustBench that are made of both.
#ifndef IGD_DATA_RESAMPLE_H
#define IGD_DATA_RESAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/status.h"

#define IGD_IMAGE_MAX_PIXELS (1 << 26) // of an image, in whatever stage

typedef struct igd_image {
    int width, height, channels;
    unsigned char *pixels; // owned; [height, width, channels]
} igd_image;

void igd_image_free(igd_image *image);

// An image without content. Fails where it would be larger than IGD_IMAGE_MAX_PIXELS.
igd_status igd_image_new(igd_image *out, int width, int height, int channels);

// From and to [C, H, W] in [0, 1]; from rounds to the nearest of 256 values.
igd_status igd_image_from_floats(igd_image *out, const float *data,
                                 const int64_t shape[3]);
void igd_image_to_floats(float *out, const igd_image *image);

// From RGB to one channel, by Pillow's weights; nothing where it has one already.
void igd_image_to_grey(igd_image *image);

typedef enum igd_filter { IGD_FILTER_BILINEAR, IGD_FILTER_BICUBIC } igd_filter;

// Antialiased: the filter widens where the image shrinks. Equals Pillow's result.
igd_status igd_image_resize(igd_image *out, const igd_image *in, int width, int height,
                            igd_filter filter);

// How images are prepared: a resize, then a crop of the centre.
typedef struct igd_preprocess {
    const char *name;
    int resize;  // length of the shorter side, the other in proportion; 0 for none
    bool square; // both sides get that length
    igd_filter filter;
    int crop; // both sides, black where the image is smaller; 0 for none
} igd_preprocess;

// By RobustBench's name: Res256Crop224, Crop288, Res224, BicubicRes256Crop224, none.
igd_status igd_preprocess_find(const igd_preprocess **out, const char *name);
igd_status igd_image_preprocess(igd_image *out, const igd_image *in,
                                const igd_preprocess *p);

#endif
