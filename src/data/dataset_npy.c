// Owns data sets in .npy files: images as bytes or floats, read when they are asked for.
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"
#include "core/npy.h"
#include "data/dataset_impl.h"

#define ROUNDING 0.001f // what --clamp-pixels forgives: more is another range
#define NORMALISED 5.0f // pixels after a usual normalisation stay within it

typedef struct array {
    char *path; // owned
    int file;   // owned descriptor
    igd_npy header;
    int64_t shape[3];  // {C, H, W}
    size_t image_size; // in bytes
    bool channels_last;
    bool clamp;
} array;

// The bytes of image i, wherever the file position is: threads share the descriptor.
static igd_status read_bytes(const array *a, void *out, int64_t i)
{
    const off_t start = (off_t)(a->header.offset + (size_t)i * a->image_size);
    const ssize_t got = igd_read_at(a->file, out, a->image_size, start);
    return got == (ssize_t)a->image_size
               ? IGD_OK
               : igd_error(IGD_EIO, "%s: image %lld: %s", a->path, (long long)i,
                           got < 0 ? strerror(errno) : "the file became shorter");
}

// Element (c, p) of a stored image, p counting positions.
static size_t place(const array *a, size_t c, size_t p)
{
    const size_t C = (size_t)a->shape[0], positions = (size_t)(a->shape[1] * a->shape[2]);
    return a->channels_last ? p * C + c : c * positions + p;
}

// The end of [0, 1] that a value has left by a rounding, such as that of undoing a
// normalisation.
static float clamped(float value)
{
    if (value < 0.0f && value >= -ROUNDING)
        return 0.0f;
    return value > 1.0f && value <= 1.0f + ROUNDING ? 1.0f : value;
}

static igd_status refuse_pixel(const array *a, int64_t i, float value)
{
    const bool rounding = clamped(value) != value && !isnan(value);
    const char *advice = "";
    if (rounding)
        advice = ", as a rounding leaves it; --clamp-pixels moves such to 0 or 1";
    else if (value > NORMALISED && value <= 255.0f)
        advice = "; save 0 to 255 as uint8, or divide by 255";
    else if (fabsf(value) <= NORMALISED)
        advice =
            "; images that are normalised already are saved as they were before, and "
            "--mean and --std say how";
    return igd_error(IGD_EFORMAT, "%s: image %lld has a pixel of %.9g, outside [0, 1]%s",
                     a->path, (long long)i, (double)value, advice);
}

static igd_status read_image(const void *self, float *image, int64_t i)
{
    const array *a = self;
    const size_t C = (size_t)a->shape[0], positions = (size_t)(a->shape[1] * a->shape[2]);
    void *stored = malloc(a->image_size);
    if (stored == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for an image", a->path);
    igd_status st = read_bytes(a, stored, i);
    float worst = 0.5f; // the farthest from [0, 1], which shows what range was meant
    for (size_t c = 0; c < C && st == IGD_OK; c++)
        for (size_t p = 0; p < positions; p++) {
            const size_t at = place(a, c, p);
            const float value = a->header.type == IGD_NPY_U8
                                    ? (float)((const unsigned char *)stored)[at] / 255.0f
                                    : ((const float *)stored)[at];
            image[c * positions + p] = a->clamp ? clamped(value) : value;
            if (!(image[c * positions + p] >= 0.0f && // a NaN is neither
                  image[c * positions + p] <= 1.0f) &&
                !isnan(worst) && !(fabsf(value - 0.5f) <= fabsf(worst - 0.5f)))
                worst = value;
        }
    if (st == IGD_OK && !(worst >= 0.0f && worst <= 1.0f))
        st = refuse_pixel(a, i, worst);
    free(stored);
    return st;
}

static igd_status digest_image(const void *self, igd_sha256 *h, int64_t i)
{
    const array *a = self;
    void *stored = malloc(a->image_size);
    if (stored == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for an image", a->path);
    const igd_status st = read_bytes(a, stored, i);
    if (st == IGD_OK)
        igd_sha256_add(h, stored, a->image_size);
    free(stored);
    return st;
}

static void free_array(void *self)
{
    array *a = self;
    if (a->file >= 0)
        close(a->file);
    free(a->path);
    free(a);
}

static const igd_source_functions functions = {
    .read = read_image, .digest = digest_image, .free = free_array};

static bool is_channels(int64_t length)
{
    return length == 1 || length == 3;
}

// Axis 1 wins where both it and the last could be channels: PyTorch's order.
static igd_status find_shape(array *a)
{
    const igd_npy *h = &a->header;
    const int64_t *n = h->shape;
    if (h->type != IGD_NPY_U8 && h->type != IGD_NPY_F32)
        return igd_error(IGD_EFORMAT,
                         "%s: images are %s, neither uint8 nor float32; "
                         "numpy.save(path, x.astype('%s')) converts them",
                         a->path, igd_npy_type_name(h->type),
                         h->type == IGD_NPY_F64 ? "float32" : "uint8");
    for (int i = 0; i < h->num_dims; i++)
        if (n[i] < 1 || (i > 0 && n[i] > IGD_IMAGE_MAX_PIXELS))
            return igd_error(IGD_EFORMAT, "%s: axis %d has length %lld", a->path, i,
                             (long long)n[i]);
    if (h->num_dims == 3) {
        memcpy(a->shape, (const int64_t[]){1, n[1], n[2]}, sizeof(a->shape));
    } else if (h->num_dims == 4 && is_channels(n[1])) {
        memcpy(a->shape, (const int64_t[]){n[1], n[2], n[3]}, sizeof(a->shape));
    } else if (h->num_dims == 4 && is_channels(n[3])) {
        memcpy(a->shape, (const int64_t[]){n[3], n[1], n[2]}, sizeof(a->shape));
        a->channels_last = true;
    } else {
        return igd_error(IGD_EFORMAT,
                         "%s: not images of 1 or 3 channels: [N, C, H, W], [N, H, W, C] "
                         "or [N, H, W]",
                         a->path);
    }
    if (a->shape[1] > IGD_IMAGE_MAX_PIXELS / a->shape[2])
        return igd_error(IGD_EFORMAT, "%s: images of %lld x %lld pixels", a->path,
                         (long long)a->shape[1], (long long)a->shape[2]);
    a->image_size =
        (size_t)(a->shape[0] * a->shape[1] * a->shape[2]) * igd_npy_element_size(h->type);
    return IGD_OK;
}

// Reads every image once, so that a bad pixel is known before hours of work.
static igd_status check_pixels(const array *a)
{
    if (a->header.type == IGD_NPY_U8)
        return IGD_OK;
    float *image = malloc(a->image_size);
    if (image == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for an image", a->path);
    igd_status st = IGD_OK;
    for (int64_t i = 0; i < a->header.shape[0] && st == IGD_OK; i++)
        st = read_image(a, image, i);
    free(image);
    return st;
}

igd_status igd_source_npy(igd_source *s, const char *images, const char *labels)
{
    array *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for a data set", images);
    a->file = -1;
    s->self = a; // from here on igd_source_free() releases it
    s->functions = &functions;
    a->path = strdup(images);
    if (a->path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", images);
    IGD_TRY(igd_npy_read_header(&a->header, images, 0));
    IGD_TRY(find_shape(a));
    a->clamp = s->clamp_pixels;
    a->file = open(images, O_RDONLY | O_CLOEXEC);
    if (a->file < 0)
        return igd_error(IGD_EIO, "%s: %s", images, strerror(errno));
    s->num = a->header.shape[0];
    memcpy(s->shape, a->shape, sizeof(s->shape));
    IGD_TRY(labels != NULL ? igd_labels_read(s, labels, NULL) : igd_labels_none(s));
    return check_pixels(a);
}
