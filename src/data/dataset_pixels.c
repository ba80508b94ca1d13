// Owns sources of 8-bit images that a program holds, in whatever order of axes, and
// resizing for it.
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/require.h"
#include "data/dataset_impl.h"

typedef struct pixels {
    igd_pixels p;         // stride is never 0
    unsigned char *owned; // what p.data points to; NULL where it is borrowed
} pixels;

static size_t size_of(const igd_pixels *p)
{
    return (size_t)(p->shape[0] * p->shape[1] * p->shape[2]);
}

// *out [C, H, W] := the bytes of image i; owned.
static igd_status gather(uint8_t **out, const igd_pixels *p, int64_t i)
{
    const uint8_t *image = p->data + i * p->stride[0];
    uint8_t *next = malloc(size_of(p));

    *out = next;
    if (next == NULL)
        return igd_error(IGD_ENOMEM, "no memory for an image");
    for (int64_t c = 0; c < p->shape[0]; c++)
        for (int64_t y = 0; y < p->shape[1]; y++)
            for (int64_t x = 0; x < p->shape[2]; x++)
                *next++ = image[c * p->stride[1] + y * p->stride[2] + x * p->stride[3]];
    return IGD_OK;
}

static igd_status read_pixels(const void *self, float *image, int64_t i)
{
    const pixels *m = self;
    uint8_t *bytes;
    IGD_TRY(gather(&bytes, &m->p, i));
    for (size_t k = 0; k < size_of(&m->p); k++)
        image[k] = (float)bytes[k] / 255.0f;
    free(bytes);
    return IGD_OK;
}

static igd_status digest_pixels(const void *self, igd_sha256 *h, int64_t i)
{
    const pixels *m = self;
    uint8_t *bytes;
    IGD_TRY(gather(&bytes, &m->p, i));
    igd_sha256_add(h, bytes, size_of(&m->p));
    free(bytes);
    return IGD_OK;
}

static void free_pixels(void *self)
{
    pixels *m = self;
    free(m->owned);
    free(m);
}

static const igd_source_functions functions = {
    .read = read_pixels, .digest = digest_pixels, .free = free_pixels};

// Fills in the strides, and says how many bytes there are from the first to the last.
static igd_status measure(igd_pixels *p, size_t *bytes)
{
    const int64_t *s = p->shape, most = INT64_MAX / 4;
    const int64_t length[4] = {p->num, s[0], s[1], s[2]};
    bool packed = true;
    int64_t whole = 1, last = 0;
    for (int a = 0; a < 4; a++) {
        if (length[a] < 1 || length[a] > most / whole)
            return igd_error(IGD_EINVAL, "%lld images of %lld x %lld x %lld",
                             (long long)p->num, (long long)s[0], (long long)s[1],
                             (long long)s[2]);
        whole *= length[a];
        packed = packed && p->stride[a] == 0;
    }
    if (packed) {
        const int64_t stride[4] = {s[0] * s[1] * s[2], 1, s[2] * s[0], s[0]};
        memcpy(p->stride, stride, sizeof(stride));
    }
    for (int a = 0; a < 4; a++) {
        if (p->stride[a] < 1 || p->stride[a] > most / length[a])
            return igd_error(IGD_EINVAL, "a stride of %lld bytes",
                             (long long)p->stride[a]);
        last += (length[a] - 1) * p->stride[a];
        if (last > most)
            return igd_error(IGD_EINVAL, "strides leave the address space");
    }
    *bytes = (size_t)last + 1;
    return IGD_OK;
}

igd_status igd_source_pixels(igd_source *s, const igd_pixels *given,
                             const int32_t *labels, int num_classes,
                             const char *const *class_names)
{
    igd_pixels p = *given;
    size_t bytes = 0;
    IGD_TRY(measure(&p, &bytes));
    if (num_classes < 1 || num_classes > IGD_MAX_CLASSES)
        return igd_error(IGD_EINVAL, "%d classes", num_classes);
    for (int64_t i = 0; i < p.num; i++)
        if (labels[i] < 0 || labels[i] >= num_classes)
            return igd_error(IGD_EINVAL, "image %lld has label %d, of %d classes",
                             (long long)i, (int)labels[i], num_classes);
    pixels *m = calloc(1, sizeof(*m));
    unsigned char *owned = p.borrow || m == NULL ? NULL : malloc(bytes);
    s->labels = malloc((size_t)p.num * sizeof(*s->labels));
    if (m == NULL || s->labels == NULL || (!p.borrow && owned == NULL)) {
        free(owned);
        free(m);
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)p.num);
    }
    if (owned != NULL) {
        memcpy(owned, p.data, bytes);
        p.data = owned;
    }
    *m = (pixels){p, owned};
    s->functions = &functions;
    s->self = m;
    memcpy(s->labels, labels, (size_t)p.num * sizeof(*labels));
    s->num = p.num;
    memcpy(s->shape, p.shape, sizeof(s->shape));
    s->num_classes = num_classes;
    return class_names != NULL ? igd_lines_copy(&s->classes, class_names, num_classes)
                               : IGD_OK;
}

igd_status igd_resize(uint8_t *out, int out_width, int out_height, const uint8_t *in,
                      int width, int height, int channels, igd_resize_filter filter)
{
    IGD_REQUIRE(out);
    IGD_REQUIRE(in);
    if (filter != IGD_RESIZE_BILINEAR && filter != IGD_RESIZE_BICUBIC)
        return igd_error(IGD_EINVAL, "filter %d is none", (int)filter);
    if (channels < 1 || channels > 4)
        return igd_error(IGD_EINVAL, "an image of %d channels", channels);
    if (width < 1 || height < 1 || out_width < 1 || out_height < 1 ||
        width > IGD_IMAGE_MAX_PIXELS / height ||
        out_width > IGD_IMAGE_MAX_PIXELS / out_height)
        return igd_error(IGD_EINVAL, "%d x %d pixels cannot become %d x %d", width,
                         height, out_width, out_height);
    igd_image from = {0}, to = {0};
    IGD_TRY(igd_image_new(&from, width, height, channels));
    memcpy(from.pixels, in, (size_t)width * (size_t)height * (size_t)channels);
    const igd_status st = igd_image_resize(
        &to, &from, out_width, out_height,
        filter == IGD_RESIZE_BICUBIC ? IGD_FILTER_BICUBIC : IGD_FILTER_BILINEAR);
    if (st == IGD_OK)
        memcpy(out, to.pixels, (size_t)out_width * (size_t)out_height * (size_t)channels);
    igd_image_free(&to);
    igd_image_free(&from);
    return st;
}
