// Owns the way from images and texts to CLIP's embeddings.
//
// Source: Radford et al., ICML 2021, and the preparation in its released code.
#include "rank/clip.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/archive.h"
#include "core/bpe.h"
#include "core/error.h"
#include "cut.h"
#include "data/resample.h"

#define ROWS 8        // images run in multiples of it, see src/model/classifier.c
#define TEXTS 64      // texts in one pass
#define MAX_SIZE 4096 // of an image's side
#define MAX_CONTEXT 4096

static const float clip_mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
static const float clip_std[3] = {0.26862954f, 0.26130258f, 0.27577711f};

struct igd_clip {
    char *path;
    char *device;
    igd_graph *graph;
    int size; // side of the images
    int64_t width;
    char sha256[IGD_SHA256_LENGTH];
    float *pixels; // [room, 3, size, size]
    int64_t room;
};

// encode_image or encode_text; of a file that holds one encoder only, its forward too.
static igd_status load(igd_graph **out, const char *path, const char *method, bool alone,
                       const char *device)
{
    char methods[64];
    const igd_graph_options options = {.device = device};
    *out = NULL;
    snprintf(methods, sizeof(methods), "%s%s", method, alone ? "|forward" : "");
    IGD_TRY(igd_archive_check(path));
    return igd_graph_load(out, path, methods, &options);
}

// The square root of n where n is a square, else 0.
static int64_t root(int64_t n)
{
    const int64_t r = n > 0 ? (int64_t)llround(sqrt((double)n)) : 0;
    return r * r == n ? r : 0;
}

// The side of the images: a number in OpenAI's archives, else from the number of
// positions, of which one is no place in the image.
static igd_status find_size(igd_clip *c, int wanted)
{
    int64_t size = wanted, shape[IGD_GRAPH_DIMS];
    int dims = 0;
    if (size == 0 && igd_graph_integer(&size, c->graph, "input_resolution") != IGD_OK) {
        size = 0;
        if (igd_graph_shape(shape, &dims, c->graph, "visual.positional_embedding") ==
                IGD_OK &&
            dims == 2) {
            const int64_t side = root(shape[0] - 1);
            if (igd_graph_shape(shape, &dims, c->graph, "visual.conv1.weight") ==
                    IGD_OK &&
                dims == 4)
                size = side * shape[3]; // a vision transformer's patches
        } else if (igd_graph_shape(shape, &dims, c->graph,
                                   "visual.attnpool.positional_embedding") == IGD_OK &&
                   dims == 2) {
            size = root(shape[0] - 1) * 32; // the ResNet's strides
        }
    }
    if (size == 0)
        return igd_error(
            IGD_EINVAL,
            "%s: the size of its images cannot be read from it; --image-size "
            "gives it",
            c->path);
    if (size < 1 || size > MAX_SIZE)
        return igd_error(IGD_EFORMAT, "%s: images of size %lld", c->path,
                         (long long)size);
    c->size = (int)size;
    return IGD_OK;
}

// Room for n images and the copies that fill the last rows.
static igd_status make_room(igd_clip *c, int64_t n)
{
    if (n <= c->room)
        return IGD_OK;
    const size_t plane = (size_t)c->size * (size_t)c->size;
    free(c->pixels);
    c->room = 0;
    c->pixels = malloc((size_t)n * 3 * plane * sizeof(*c->pixels));
    if (c->pixels == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %lld images", c->path,
                         (long long)n);
    c->room = n;
    return IGD_OK;
}

// Embeddings of the first n rows of c->pixels, of which `rows` are filled.
static igd_tensor *embed(igd_scope *s, const igd_clip *c, int64_t rows)
{
    igd_tensor *x =
        igt_view(s, c->pixels, (int64_t[]){rows, 3, c->size, c->size}, 4, c->device);
    igd_tensor *e = igt_graph_run(s, c->graph, x);
    if (e != NULL && (igd_tensor_dims(e) != 2 || igd_tensor_length(e, 0) != rows)) {
        igd_scope_fail(s,
                       igd_error(IGD_EFORMAT,
                                 "%s: the image encoder does not give one row per image",
                                 c->path));
        return NULL;
    }
    return e;
}

// Chooses the form that the encoder is computed in, and finds the embeddings' length.
static igd_status try_encoder(igd_clip *c)
{
    IGD_TRY(make_room(c, ROWS));
    const int64_t count = (int64_t)c->size * c->size * 3 * ROWS;
    for (int64_t i = 0; i < count; i++)
        c->pixels[i] = (float)(i * 7919 % 1009) / 504.5f - 1; // any texture does
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *x =
        igt_view(&s, c->pixels, (int64_t[]){ROWS, 3, c->size, c->size}, 4, c->device);
    if (x != NULL)
        igd_scope_fail(&s, igd_graph_settle(c->graph, x));
    c->width = igd_tensor_length(embed(&s, c, ROWS), 1);
    const igd_status st = igd_scope_close(&s);
    return st == IGD_OK ? IGD_OK : igd_error_prefix(st, c->path);
}

igd_status igd_clip_open(igd_clip **out, const igd_clip_options *o)
{
    igd_clip *c = calloc(1, sizeof(*c));
    igd_status st = IGD_OK;

    *out = NULL;
    if (c == NULL || (c->path = strdup(o->path)) == NULL ||
        (c->device = strdup(o->device)) == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", o->path);
        goto done;
    }
    if ((st = igd_sha256_file(c->sha256, o->path)) != IGD_OK ||
        (st = load(&c->graph, o->path, "encode_image", o->alone, o->device)) != IGD_OK ||
        (st = find_size(c, o->image_size)) != IGD_OK || (st = try_encoder(c)) != IGD_OK)
        goto done;

done:
    if (st != IGD_OK)
        igd_clip_free(c);
    else
        *out = c;
    return st;
}

void igd_clip_free(igd_clip *c)
{
    if (c == NULL)
        return;
    igd_graph_free(c->graph);
    free(c->pixels);
    free(c->path);
    free(c->device);
    free(c);
}

int igd_clip_image_size(const igd_clip *c)
{
    return c->size;
}

int64_t igd_clip_width(const igd_clip *c)
{
    return c->width;
}

const char *igd_clip_sha256(const igd_clip *c)
{
    return c->sha256;
}

igd_status igd_clip_prepare(float *out, int size, const float *image,
                            const int64_t shape[3])
{
    const igd_preprocess p = {
        .name = "CLIP", .resize = size, .filter = IGD_FILTER_BICUBIC, .crop = size};
    const size_t plane = (size_t)size * (size_t)size;
    igd_image bytes = {0}, prepared = {0};
    igd_status st = IGD_OK;

    if ((st = igd_image_from_floats(&bytes, image, shape)) != IGD_OK ||
        (st = igd_image_preprocess(&prepared, &bytes, &p)) != IGD_OK)
        goto done;
    igd_image_to_floats(out, &prepared);
    for (int c = 1; c < 3 && shape[0] == 1; c++) // grey
        memcpy(out + (size_t)c * plane, out, plane * sizeof(*out));

done:
    igd_image_free(&bytes);
    igd_image_free(&prepared);
    return st;
}

// The image as the encoder takes it.
static igd_status prepare_row(const igd_clip *c, float *out, const float *image,
                              const int64_t shape[3])
{
    const int64_t plane = (int64_t)c->size * c->size;
    IGD_TRY(igd_clip_prepare(out, c->size, image, shape));
    for (int channel = 0; channel < 3; channel++)
        for (int64_t i = 0; i < plane; i++)
            out[channel * plane + i] =
                (out[channel * plane + i] - clip_mean[channel]) / clip_std[channel];
    return IGD_OK;
}

igd_status igd_clip_embed(float *out, igd_clip *c, const float *images,
                          const int64_t shape[3], int64_t n)
{
    const int64_t size = shape[0] * shape[1] * shape[2];
    const int64_t pixels = 3 * (int64_t)c->size * c->size;
    const int64_t rows = (n + ROWS - 1) / ROWS * ROWS;

    if (shape[0] != 1 && shape[0] != 3)
        return igd_error(IGD_EINVAL, "CLIP takes images of 1 or 3 channels, not %lld",
                         (long long)shape[0]);
    IGD_TRY(make_room(c, rows));
    for (int64_t i = 0; i < n; i++)
        IGD_TRY(prepare_row(c, c->pixels + i * pixels, images + i * size, shape));
    for (int64_t i = n; i < rows; i++)
        memcpy(c->pixels + i * pixels, c->pixels + (n - 1) * pixels,
               (size_t)pixels * sizeof(float));
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *e = embed(&s, c, rows);
    igt_read(&s, igt_narrow(&s, e, 0, 0, n), out, n * c->width);
    return igd_scope_close(&s);
}

static igd_status find_context(int *context, const igd_graph *g, int wanted,
                               const char *path)
{
    int64_t found = wanted, shape[IGD_GRAPH_DIMS];
    int dims = 0;
    if (found == 0 && igd_graph_integer(&found, g, "context_length") != IGD_OK) {
        found = 0;
        if (igd_graph_shape(shape, &dims, g, "positional_embedding") == IGD_OK &&
            dims == 2)
            found = shape[0];
    }
    if (found == 0)
        return igd_error(IGD_EINVAL,
                         "%s: the number of tokens per text cannot be read from it; "
                         "--context-length gives it",
                         path);
    if (found < 3 || found > MAX_CONTEXT)
        return igd_error(IGD_EFORMAT, "%s: texts of %lld tokens", path, (long long)found);
    *context = (int)found;
    return IGD_OK;
}

// The model has as many tokens as the vocabulary, where it says how many it has.
static igd_status check_vocabulary(const igd_bpe *bpe, const igd_graph *g,
                                   const igd_clip_texts *o)
{
    int64_t size = 0, shape[IGD_GRAPH_DIMS];
    int dims = 0;
    if (igd_graph_shape(shape, &dims, g, "token_embedding.weight") == IGD_OK && dims == 2)
        size = shape[0];
    else if (igd_graph_integer(&size, g, "vocab_size") != IGD_OK)
        return IGD_OK;
    if (size == igd_bpe_size(bpe))
        return IGD_OK;
    return igd_error(IGD_EINVAL, "%s: has %lld tokens, but %s has %lld", o->vocabulary,
                     (long long)igd_bpe_size(bpe), o->path, (long long)size);
}

// Embeddings of tokens [n, context], appended to *out, where `done` rows lie.
static igd_status embed_tokens(float **out, int64_t *width, const igd_graph *g,
                               const igd_clip_texts *o, const int64_t *tokens,
                               int context, int done, int n)
{
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *flat = igt_indices(&s, tokens, (int64_t)n * context, o->device);
    igd_tensor *x = igt_reshape(&s, flat, (int64_t[]){n, context}, 2);
    igd_tensor *e = igt_graph_run(&s, g, x);
    if (e != NULL && (igd_tensor_dims(e) != 2 || igd_tensor_length(e, 0) != n ||
                      (done > 0 && igd_tensor_length(e, 1) != *width)))
        igd_scope_fail(&s, igd_error(IGD_EFORMAT,
                                     "the text encoder does not give one row per text"));
    if (igd_scope_ok(&s)) {
        *width = igd_tensor_length(e, 1);
        const size_t size = (size_t)(done + n) * (size_t)*width;
        float *grown = realloc(*out, size * sizeof(*grown));
        if (grown == NULL) {
            igd_scope_fail(&s, igd_error(IGD_ENOMEM, "no memory for %d texts", done + n));
        } else {
            *out = grown;
            igt_read(&s, e, grown + done * *width, n * *width);
        }
    }
    const igd_status st = igd_scope_close(&s);
    return st == IGD_OK ? IGD_OK : igd_error_prefix(st, o->path);
}

igd_status igd_clip_embed_texts(float **out, int64_t *width, int *lengths, int *context,
                                char sha256[IGD_SHA256_LENGTH], const igd_clip_texts *o,
                                const char *const *texts, int num)
{
    igd_bpe *bpe = NULL;
    igd_graph *graph = NULL;
    int64_t *tokens = NULL; // [TEXTS, context]
    igd_status st = IGD_OK;

    *out = NULL;
    *context = 0;
    if ((st = igd_bpe_load(&bpe, o->vocabulary)) != IGD_OK ||
        (st = igd_sha256_file(sha256, o->path)) != IGD_OK ||
        (st = load(&graph, o->path, "encode_text", o->alone, o->device)) != IGD_OK ||
        (st = find_context(context, graph, o->context, o->path)) != IGD_OK ||
        (st = check_vocabulary(bpe, graph, o)) != IGD_OK)
        goto done;
    tokens = malloc(TEXTS * (size_t)*context * sizeof(*tokens) + 1);
    if (tokens == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d texts", num);
        goto done;
    }
    for (int first = 0; first < num; first += TEXTS) {
        const int n = num - first < TEXTS ? num - first : TEXTS;
        for (int i = 0; i < n; i++)
            if ((st = igd_bpe_encode(tokens + (int64_t)i * *context, &lengths[first + i],
                                     bpe, texts[first + i], *context)) != IGD_OK)
                goto done;
        if ((st = embed_tokens(out, width, graph, o, tokens, *context, first, n)) !=
            IGD_OK)
            goto done;
    }

done:
    if (st != IGD_OK) {
        free(*out);
        *out = NULL;
    }
    free(tokens);
    igd_graph_free(graph);
    igd_bpe_free(bpe);
    return st;
}
