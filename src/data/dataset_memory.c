// Owns sources that are held in memory: one byte a pixel from binary files, floats from
// the program.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "data/dataset_impl.h"

typedef struct memory {
    unsigned char *bytes; // owned; [num, d], or NULL
    float *floats;        // owned; [num, d], or NULL
    size_t d;             // C * H * W
} memory;

static igd_status read_memory(const void *self, float *image, int64_t i)
{
    const memory *m = self;
    if (m->floats != NULL) {
        memcpy(image, m->floats + (size_t)i * m->d, m->d * sizeof(*image));
        return IGD_OK;
    }
    const unsigned char *from = m->bytes + (size_t)i * m->d;
    for (size_t j = 0; j < m->d; j++)
        image[j] = (float)from[j] / 255.0f;
    return IGD_OK;
}

static igd_status digest_memory(const void *self, igd_sha256 *h, int64_t i)
{
    const memory *m = self;
    if (m->floats != NULL)
        igd_sha256_add(h, m->floats + (size_t)i * m->d, m->d * sizeof(*m->floats));
    else
        igd_sha256_add(h, m->bytes + (size_t)i * m->d, m->d);
    return IGD_OK;
}

static void free_memory(void *self)
{
    memory *m = self;
    free(m->bytes);
    free(m->floats);
    free(m);
}

static const igd_source_functions functions = {
    .read = read_memory, .digest = digest_memory, .free = free_memory};

static igd_status give(igd_source *s, unsigned char *bytes, float *floats)
{
    memory *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        free(bytes);
        free(floats);
        return igd_error(IGD_ENOMEM, "no memory for a data set");
    }
    *m = (memory){bytes, floats, (size_t)(s->shape[0] * s->shape[1] * s->shape[2])};
    s->functions = &functions;
    s->self = m;
    return IGD_OK;
}

void igd_bytes_free(igd_bytes *b)
{
    free(b->pixels);
    free(b->labels);
    *b = (igd_bytes){0};
}

igd_status igd_bytes_give(igd_bytes *b, igd_source *s)
{
    s->num = b->num;
    memcpy(s->shape, b->shape, sizeof(s->shape));
    s->labels = b->labels;
    unsigned char *pixels = b->pixels;
    *b = (igd_bytes){0};
    return give(s, pixels, NULL);
}

// Number of floats of a data set; fails where no memory could hold them.
static igd_status count_floats(size_t *out, int64_t num, const int64_t shape[3])
{
    size_t size = (size_t)num * sizeof(float);
    for (int i = 0; i < 3; i++) {
        if (num < 1 || shape[i] < 1 || size > (size_t)INT64_MAX / (size_t)shape[i])
            return igd_error(IGD_EINVAL, "%lld images of %lld x %lld x %lld",
                             (long long)num, (long long)shape[0], (long long)shape[1],
                             (long long)shape[2]);
        size *= (size_t)shape[i];
    }
    *out = size / sizeof(float);
    return IGD_OK;
}

igd_status igd_source_floats(igd_source *s, const float *images, const int32_t *labels,
                             int64_t num, const int64_t shape[3], int num_classes)
{
    size_t size = 0;
    if (num > INT64_MAX / (int64_t)sizeof(float))
        return igd_error(IGD_EINVAL, "%lld images", (long long)num);
    IGD_TRY(count_floats(&size, num, shape));
    if (num_classes < 1 || num_classes > IGD_MAX_CLASSES)
        return igd_error(IGD_EINVAL, "%d classes", num_classes);
    for (int64_t i = 0; i < num; i++)
        if (labels[i] < 0 || labels[i] >= num_classes)
            return igd_error(IGD_EINVAL, "image %lld has label %d, of %d classes",
                             (long long)i, (int)labels[i], num_classes);
    for (size_t i = 0; i < size; i++)
        if (!(images[i] >= 0.0f && images[i] <= 1.0f)) // a NaN is neither
            return igd_error(IGD_EINVAL, "image %zu has a pixel of %.9g, outside [0, 1]",
                             i / (size / (size_t)num), (double)images[i]);
    float *floats = malloc(size * sizeof(*floats));
    s->labels = malloc((size_t)num * sizeof(*s->labels));
    if (floats == NULL || s->labels == NULL) {
        free(floats);
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)num);
    }
    memcpy(floats, images, size * sizeof(*floats));
    memcpy(s->labels, labels, (size_t)num * sizeof(*labels));
    s->num = num;
    memcpy(s->shape, shape, sizeof(s->shape));
    s->num_classes = num_classes;
    return give(s, NULL, floats);
}
