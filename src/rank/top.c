// Owns the selection of the most activating images: a heap per neuron.
#include "rank/top.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/error.h"

igd_status igd_top_init(igd_top *t, int K, int k)
{
    const size_t size = (size_t)K * (size_t)k;
    *t = (igd_top){.K = K, .k = k};
    t->value = calloc(size, sizeof(*t->value));
    t->image = calloc(size, sizeof(*t->image));
    t->bar = calloc((size_t)K, sizeof(*t->bar));
    if (t->value == NULL || t->image == NULL || t->bar == NULL) {
        igd_top_free(t);
        return igd_error(IGD_ENOMEM, "no memory for %d images of each of %d neurons", k,
                         K);
    }
    return IGD_OK;
}

void igd_top_free(igd_top *t)
{
    free(t->value);
    free(t->image);
    free(t->bar);
    *t = (igd_top){0};
}

static bool leaves_before(float value, int32_t image, float other, int32_t other_image)
{
    return value < other || (value == other && image > other_image);
}

// Puts an image at place i of a heap of n or below, where it belongs.
static void sift_down(float *value, int32_t *image, int n, int i, float v, int32_t id)
{
    for (;;) {
        int child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n &&
            leaves_before(value[child + 1], image[child + 1], value[child], image[child]))
            child++;
        if (!leaves_before(value[child], image[child], v, id))
            break;
        value[i] = value[child];
        image[i] = image[child];
        i = child;
    }
    value[i] = v;
    image[i] = id;
}

static void sift_up(float *value, int32_t *image, int i, float v, int32_t id)
{
    while (i > 0) {
        const int parent = (i - 1) / 2;
        if (!leaves_before(v, id, value[parent], image[parent]))
            break;
        value[i] = value[parent];
        image[i] = image[parent];
        i = parent;
    }
    value[i] = v;
    image[i] = id;
}

// Takes the activations [K] of the next image.
void igd_top_add(igd_top *t, const float *a, int32_t id)
{
    if (t->filled < t->k) {
        for (int n = 0; n < t->K; n++) {
            float *value = t->value + (int64_t)n * t->k;
            sift_up(value, t->image + (int64_t)n * t->k, t->filled, a[n], id);
            t->bar[n] = value[0];
        }
        t->filled++;
        return;
    }
    // Few images pass the bar once some have been seen: whole groups are passed over by
    // comparisons that need no branch.
    for (int start = 0; start < t->K; start += 16) {
        const int end = start + 16 < t->K ? start + 16 : t->K;
        int any = 0;
        for (int n = start; n < end; n++)
            any |= a[n] > t->bar[n];
        for (int n = start; any && n < end; n++) {
            if (a[n] > t->bar[n]) {
                float *value = t->value + (int64_t)n * t->k;
                sift_down(value, t->image + (int64_t)n * t->k, t->k, 0, a[n], id);
                t->bar[n] = value[0];
            }
        }
    }
}

// Heap sort: the image that leaves next goes last.
void igd_top_sort(igd_top *t)
{
    for (int n = 0; n < t->K; n++) {
        float *value = t->value + (int64_t)n * t->k;
        int32_t *image = t->image + (int64_t)n * t->k;
        for (int last = t->k - 1; last > 0; last--) {
            const float v = value[last];
            const int32_t id = image[last];
            value[last] = value[0];
            image[last] = image[0];
            sift_down(value, image, last, 0, v, id);
        }
    }
}
