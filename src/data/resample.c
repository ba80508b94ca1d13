// Owns resizing 8-bit images: two passes of a separable filter, horizontal then vertical,
// each rounded to 8 bits. Pillow works so, and published accuracies on ImageNet depend on
// it; its arithmetic (weights in fixed point with 22 fractional bits) is kept exactly.
#include "data/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/nearest.h"

// 8 bits of a pixel, 22 of a weight, 2 for what negative weights add: 32 in all.
#define WEIGHT_BITS 22

void igd_image_free(igd_image *image)
{
    free(image->pixels);
    *image = (igd_image){0};
}

igd_status igd_image_new(igd_image *out, int width, int height, int channels)
{
    *out = (igd_image){0};
    if (width < 1 || height < 1 || width > IGD_IMAGE_MAX_PIXELS / height)
        return igd_error(IGD_EFORMAT, "an image of %d x %d pixels", width, height);
    unsigned char *pixels = malloc((size_t)width * (size_t)height * (size_t)channels);
    if (pixels == NULL)
        return igd_error(IGD_ENOMEM, "no memory for an image of %d x %d pixels", width,
                         height);
    *out = (igd_image){width, height, channels, pixels};
    return IGD_OK;
}

igd_status igd_image_from_floats(igd_image *out, const float *data,
                                 const int64_t shape[3])
{
    IGD_TRY(igd_image_new(out, (int)shape[2], (int)shape[1], (int)shape[0]));
    const int64_t C = shape[0], size = shape[1] * shape[2];
    for (int64_t c = 0; c < C; c++)
        for (int64_t i = 0; i < size; i++)
            out->pixels[i * C + c] = (unsigned char)lrintf(data[c * size + i] * 255.0f);
    return IGD_OK;
}

void igd_image_to_floats(float *out, const igd_image *image)
{
    const int64_t C = image->channels, size = (int64_t)image->width * image->height;
    for (int64_t c = 0; c < C; c++)
        for (int64_t i = 0; i < size; i++)
            out[c * size + i] = (float)image->pixels[i * C + c] / 255.0f;
}

void igd_image_to_grey(igd_image *image)
{
    const size_t positions = (size_t)image->width * (size_t)image->height;
    if (image->channels != 3)
        return;
    for (size_t p = 0; p < positions; p++) {
        const unsigned char *rgb = image->pixels + 3 * p;
        // ITU-R 601-2 luma in 16 binary digits, rounded.
        const uint32_t luma =
            rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u;
        image->pixels[p] = (unsigned char)(luma >> 16);
    }
    image->channels = 1;
}

// The triangle.
static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

// Keys' cubic convolution with a = -1/2 (IEEE TASSP 29, 1981).
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static const struct {
    double (*weight)(double x);
    double support; // the weight is zero from here on
} filters[] = {
    [IGD_FILTER_BILINEAR] = {bilinear, 1.0},
    [IGD_FILTER_BICUBIC] = {bicubic, 2.0},
};

// For each place of the output: where its pixels of the input start, how many they are
// and their weights.
typedef struct taps {
    int most;        // of the weights of one place
    int *first;      // [places]
    int *num;        // [places]
    int32_t *weight; // [places, most]
} taps;

static void free_taps(taps *t)
{
    free(t->first);
    free(t->num);
    free(t->weight);
}

static int32_t to_fixed(double weight)
{
    const double scaled = weight * (1 << WEIGHT_BITS);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

static igd_status make_taps(taps *out, int in_size, int out_size, igd_filter filter)
{
    const double scale = (double)in_size / out_size;
    const double stretch = scale < 1.0 ? 1.0 : scale; // of the filter, when shrinking
    const double support = filters[filter].support * stretch;
    double *exact = NULL; // [most]
    taps t = {.most = (int)ceil(support) * 2 + 1};
    igd_status st = IGD_OK;

    t.first = malloc((size_t)out_size * sizeof(*t.first));
    t.num = malloc((size_t)out_size * sizeof(*t.num));
    t.weight = malloc((size_t)out_size * (size_t)t.most * sizeof(*t.weight));
    exact = calloc((size_t)t.most, sizeof(*exact));
    if (t.first == NULL || t.num == NULL || t.weight == NULL || exact == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory to resize %d pixels to %d", in_size,
                       out_size);
        goto done;
    }
    for (int i = 0; i < out_size; i++) {
        const double centre = (i + 0.5) * scale;
        int first = (int)(centre - support + 0.5);
        int end = (int)(centre + support + 0.5);
        first = first < 0 ? 0 : first;
        end = end > in_size ? in_size : end;
        double sum = 0;
        for (int j = first; j < end; j++) {
            exact[j - first] =
                filters[filter].weight((j - centre + 0.5) * (1.0 / stretch));
            sum += exact[j - first];
        }
        t.first[i] = first;
        t.num[i] = end - first;
        for (int j = 0; j < end - first; j++)
            t.weight[(size_t)i * (size_t)t.most + (size_t)j] =
                to_fixed(sum != 0.0 ? exact[j] / sum : exact[j]);
    }
    *out = t;
    t = (taps){0};

done:
    free(exact);
    free_taps(&t);
    return st;
}

static unsigned char to_byte(int32_t sum)
{
    const int32_t value = sum >> WEIGHT_BITS;
    return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// One pixel's channel: `step` is the distance between the input's pixels.
static unsigned char weigh(const unsigned char *in, size_t step, const int32_t *weight,
                           int num)
{
    int32_t sum = 1 << (WEIGHT_BITS - 1); // rounds to the nearest
    for (int i = 0; i < num; i++)
        sum += in[(size_t)i * step] * weight[i];
    return to_byte(sum);
}

static igd_status resize_rows(igd_image *out, const igd_image *in, int width,
                              igd_filter filter)
{
    const size_t C = (size_t)in->channels;
    taps t;
    IGD_TRY(igd_image_new(out, width, in->height, in->channels));
    const igd_status st = make_taps(&t, in->width, width, filter);
    if (st != IGD_OK) {
        igd_image_free(out);
        return st;
    }
    for (int y = 0; y < in->height; y++) {
        const unsigned char *from = in->pixels + (size_t)y * (size_t)in->width * C;
        unsigned char *to = out->pixels + (size_t)y * (size_t)width * C;
        for (int x = 0; x < width; x++)
            for (size_t c = 0; c < C; c++)
                *to++ = weigh(from + (size_t)t.first[x] * C + c, C,
                              t.weight + (size_t)x * (size_t)t.most, t.num[x]);
    }
    free_taps(&t);
    return IGD_OK;
}

static igd_status resize_columns(igd_image *out, const igd_image *in, int height,
                                 igd_filter filter)
{
    const size_t row = (size_t)in->width * (size_t)in->channels;
    taps t;
    IGD_TRY(igd_image_new(out, in->width, height, in->channels));
    const igd_status st = make_taps(&t, in->height, height, filter);
    if (st != IGD_OK) {
        igd_image_free(out);
        return st;
    }
    for (int y = 0; y < height; y++) {
        const unsigned char *from = in->pixels + (size_t)t.first[y] * row;
        unsigned char *to = out->pixels + (size_t)y * row;
        for (size_t x = 0; x < row; x++)
            to[x] = weigh(from + x, row, t.weight + (size_t)y * (size_t)t.most, t.num[y]);
    }
    free_taps(&t);
    return IGD_OK;
}

static igd_status copy(igd_image *out, const igd_image *in)
{
    IGD_TRY(igd_image_new(out, in->width, in->height, in->channels));
    memcpy(out->pixels, in->pixels,
           (size_t)in->width * (size_t)in->height * (size_t)in->channels);
    return IGD_OK;
}

igd_status igd_image_resize(igd_image *out, const igd_image *in, int width, int height,
                            igd_filter filter)
{
    igd_image wide = {0};
    *out = (igd_image){0};
    if (width < 1 || height < 1 || width > IGD_IMAGE_MAX_PIXELS / height)
        return igd_error(IGD_EFORMAT, "%d x %d pixels cannot become %d x %d", in->width,
                         in->height, width, height);
    // A pass that changes no length is left out.
    if (width == in->width)
        return height == in->height ? copy(out, in)
                                    : resize_columns(out, in, height, filter);
    if (height == in->height)
        return resize_rows(out, in, width, filter);
    IGD_TRY(resize_rows(&wide, in, width, filter));
    const igd_status st = resize_columns(out, &wide, height, filter);
    igd_image_free(&wide);
    return st;
}

// Half of a difference in length, a half pixel going to the even side as Python rounds.
static int half(int difference)
{
    const int floor = difference / 2;
    return difference % 2 != 0 && floor % 2 != 0 ? floor + 1 : floor;
}

static igd_status crop_centre(igd_image *out, const igd_image *in, int size)
{
    // Where the image is smaller it is put into the middle of black.
    const int left = in->width > size ? half(in->width - size) : 0;
    const int top = in->height > size ? half(in->height - size) : 0;
    const int right = in->width < size ? (size - in->width) / 2 : 0;
    const int down = in->height < size ? (size - in->height) / 2 : 0;
    const int width = in->width < size ? in->width : size;
    const int height = in->height < size ? in->height : size;
    const size_t C = (size_t)in->channels;

    IGD_TRY(igd_image_new(out, size, size, in->channels));
    memset(out->pixels, 0, (size_t)size * (size_t)size * C);
    for (int y = 0; y < height; y++)
        memcpy(out->pixels + ((size_t)(y + down) * (size_t)size + (size_t)right) * C,
               in->pixels + ((size_t)(y + top) * (size_t)in->width + (size_t)left) * C,
               (size_t)width * C);
    return IGD_OK;
}

// RobustBench's table; all but "none" are for ImageNet.
static const igd_preprocess presets[] = {
    {.name = "none"},
    {.name = "Res256Crop224", .resize = 256, .crop = 224},
    {.name = "Crop288", .crop = 288},
    {.name = "Res224", .resize = 224, .square = true},
    {.name = "BicubicRes256Crop224",
     .resize = 256,
     .filter = IGD_FILTER_BICUBIC,
     .crop = 224},
};
#define NUM_PRESETS ((int)(sizeof(presets) / sizeof(presets[0])))

igd_status igd_preprocess_find(const igd_preprocess **out, const char *name)
{
    const char *names[NUM_PRESETS];
    *out = NULL;
    for (int i = 0; i < NUM_PRESETS; i++) {
        names[i] = presets[i].name;
        if (strcmp(name, names[i]) == 0) {
            *out = &presets[i];
            return IGD_OK;
        }
    }
    const char *near = igd_nearest(name, names, NUM_PRESETS);
    return igd_error(IGD_EINVAL, "no preprocess is called \"%s\"%s%s%s", name,
                     near != NULL ? "; nearest: \"" : "", near != NULL ? near : "",
                     near != NULL ? "\"" : "");
}

// Lengths after the resize. The longer one may be absurd for a very narrow image.
static void resized(int64_t *width, int64_t *height, const igd_image *in,
                    const igd_preprocess *p)
{
    const bool upright = in->width <= in->height;
    const int64_t shorter = upright ? in->width : in->height;
    const int64_t longer = upright ? in->height : in->width;
    const int64_t other = p->square ? p->resize : p->resize * longer / shorter;
    *width = upright ? p->resize : other;
    *height = upright ? other : p->resize;
}

igd_status igd_image_preprocess(igd_image *out, const igd_image *in,
                                const igd_preprocess *p)
{
    igd_image sized = {0};
    igd_status st = IGD_OK;

    *out = (igd_image){0};
    if (p->resize > 0) {
        int64_t width, height;
        resized(&width, &height, in, p);
        if (width > IGD_IMAGE_MAX_PIXELS / height)
            return igd_error(IGD_EFORMAT, "%d x %d pixels cannot become %lld x %lld",
                             in->width, in->height, (long long)width, (long long)height);
        st = igd_image_resize(&sized, in, (int)width, (int)height, p->filter);
    } else {
        st = copy(&sized, in);
    }
    if (st != IGD_OK || p->crop == 0) {
        *out = sized;
        return st;
    }
    st = crop_centre(out, &sized, p->crop);
    igd_image_free(&sized);
    return st;
}
