// Image files to 8-bit RGB.
#ifndef IGD_DATA_DECODE_H
#define IGD_DATA_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "data/resample.h"

// Whether a file's name ends like that of an image: .jpg, .jpeg, .jpe, .jfif, .png or
// .bmp.
bool igd_image_has_suffix(const char *name);

// Whether it ends like that of an image in another format.
bool igd_image_has_foreign_suffix(const char *name);

// Fails: an image in another format, and what makes one of these of it.
igd_status igd_image_refuse_foreign(const char *path);

// Decodes a JPEG, PNG or BMP file's content to RGB: grey is repeated, transparency
// dropped, CMYK converted as Pillow does. `path` starts the messages.
igd_status igd_image_decode(igd_image *out, const unsigned char *bytes, size_t size,
                            const char *path);

#endif
