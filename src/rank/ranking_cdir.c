// CD-IR: the importance of a neuron for a class is how well its activations agree with
// CLIP's view of which images show the class's concept.
//
// Source: Kulkarni and Weng, ECCV 2024, CLIP-Dissect based importance ranking.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json_build.h"
#include "core/npy.h"
#include "core/options.h"
#include "core/require.h"
#include "cut.h"
#include "data/label_text.h"
#include "model/model_impl.h"
#include "rank/clip.h"
#include "rank/probe.h"
#include "rank/ranking_impl.h"
#include "rank/ranking_share.h"
#include "rank/rows.h"
#include "rank/similarity.h"

#define HOLE "{}"            // what a prompt has in the concept's place
#define FINGERPRINT_IMAGES 8 // whose decoded pixels go into a cache's fingerprint

typedef struct cdir {
    const igd_cdir_options *o;
    const igd_model *model;
    const char *layer;
    const igd_dataset *probe;
    int C;
    const char **names; // [C] concepts, borrowed; NULL each where no text is embedded
    char **texts;       // [C] prompts around them
    igd_clip *clip;     // where images are embedded
    float *text;        // [C, D]
    int64_t D;
    igd_rows *activations, *images; // [N, K], [N, D]
    float *score;                   // [C, K]
    char text_sha256[IGD_SHA256_LENGTH];
    char image_sha256[IGD_SHA256_LENGTH];
} cdir;

// Exactly one of the ways in which images and texts can come.
static igd_status check_sources(const igd_cdir_options *o)
{
    const int image_sources =
        (o->clip != NULL) + (o->clip_image != NULL) + (o->image_embeddings != NULL);
    const int text_sources =
        (o->clip != NULL) + (o->clip_text != NULL) + (o->text_embeddings != NULL);
    if (image_sources == 0 && text_sources == 0)
        return igd_error(IGD_EINVAL, "CD-IR needs CLIP: a file with both encoders, one "
                                     "of each, or embeddings");
    if (image_sources == 0 || text_sources == 0)
        return igd_error(IGD_EINVAL, "CD-IR has no source of %s embeddings",
                         image_sources == 0 ? "image" : "text");
    if (image_sources > 1 || text_sources > 1)
        return igd_error(IGD_EINVAL, "CD-IR has more than one source of %s embeddings",
                         image_sources > 1 ? "image" : "text");
    if (o->text_embeddings == NULL && o->vocabulary == NULL)
        return igd_error(IGD_EINVAL, "CLIP's texts need its vocabulary");
    return IGD_OK;
}

// Images that are ranked on in the end, by all parts together.
static int64_t num_probe(const cdir *r)
{
    const igd_part part = igd_dataset_part(r->probe);
    return part.of > 0 ? part.whole : igd_dataset_size(r->probe);
}

// Concepts, the names of the data's classes and those of the model are in one order.
static igd_status check_names(const cdir *r)
{
    static const char remedy[] = "--concepts FILE has a line for each class, in the "
                                 "model's order";
    const char *path = igd_model_path(r->model);
    const igd_class_names data = igd_dataset_class_names(r->probe);
    const igd_class_names concepts = {
        .of = "the concepts", .name = r->o->concepts, .num = r->o->num_concepts};
    IGD_TRY(igd_card_check_names(path, r->C, &data, NULL));
    if (r->o->concepts == NULL)
        return IGD_OK;
    IGD_TRY(igd_card_check_names(path, r->C, &concepts, remedy));
    return igd_class_names_check(&concepts, &data, remedy);
}

static igd_status check_options(const cdir *r)
{
    const igd_cdir_options *o = r->o;
    const int64_t N = num_probe(r);
    const igd_similarity_options published =
        igd_similarity_options_default(o->similarity);
    const int top_k = o->top_k == 0 ? published.top_k : o->top_k;
    const bool uses_top_k =
        o->similarity == IGD_SIMILARITY_SOFT_WPMI || o->similarity == IGD_SIMILARITY_WPMI;

    IGD_TRY(check_sources(o));
    if (o->batch_size < 1)
        return igd_error(IGD_EINVAL, "cannot run batches of %d images", o->batch_size);
    if (o->top_k < 0)
        return igd_error(IGD_EINVAL, "top_k of %d is negative", o->top_k);
    if (uses_top_k && N < top_k)
        return igd_error(IGD_EINVAL, "top_k of %d needs as many probe images, not %lld",
                         top_k, (long long)N);
    if (strstr(o->prompt, HOLE) == NULL)
        return igd_error(IGD_EINVAL, "the prompt '%s' has no %s for the concept",
                         o->prompt, HOLE);
    return IGD_OK;
}

static void warn(const igd_cdir_options *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void warn(const igd_cdir_options *o, const char *format, ...)
{
    char line[512];
    va_list args;
    if (o->message == NULL)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    o->message(line, o->payload);
}

// The first class of the same concept.
static int first_of(const char *const *names, int c)
{
    int d = 0;
    while (strcmp(names[d], names[c]) != 0)
        d++;
    return d;
}

// Published lists have a concept twice, as ImageNet's have "missile" and "sunglasses":
// what can be said of one class is said of the other, too.
static void warn_equal(const cdir *r)
{
    int num = 0, first = 0, second = 0;
    for (int c = 0; c < r->C; c++) {
        const int d = first_of(r->names, c);
        if (d == c)
            continue;
        if (num++ == 0) {
            first = d;
            second = c;
        }
    }
    if (num > 0)
        warn(r->o,
             "%d concept%s twice, so %s classes get equal scores; the first is "
             "'%.80s', of classes %d and %d",
             num, num == 1 ? " appears" : "s appear", num == 1 ? "its" : "their",
             r->names[first], first, second);
}

static igd_status check_concepts(const cdir *r)
{
    for (int c = 0; c < r->C; c++) {
        if (r->names[c][0] == '\0')
            return igd_error(IGD_EINVAL, "the concept of class %d is empty", c);
        if (r->o->concepts == NULL && igd_is_bare_name(r->names[c]))
            return igd_error(IGD_EINVAL,
                             "the name of class %d is '%s', which means nothing to CLIP; "
                             "--concepts FILE gives words for each class",
                             c, r->names[c]);
        if (igd_is_list_line(r->names[c], c))
            return igd_error(IGD_EINVAL,
                             "the concept of class %d is '%.80s', a line of a list; CLIP "
                             "needs the words alone",
                             c, r->names[c]);
    }
    warn_equal(r);
    return IGD_OK;
}

// A concept per class: those given, else the names of the data's classes.
static igd_status take_concepts(cdir *r)
{
    const igd_cdir_options *o = r->o;
    const bool own = o->concepts != NULL;
    const int num = own ? o->num_concepts : igd_dataset_num_classes(r->probe);
    if (num != r->C) {
        (void)igd_error(IGD_EINVAL, "there are %d %s, but the model has %d classes", num,
                        own ? "concepts" : "classes in the probe images", r->C);
        return IGD_EINVAL; // spelled out for clang-tidy, which sees names without a value
    }
    for (int c = 0; c < num; c++)
        r->names[c] = own ? o->concepts[c] : igd_dataset_class_name(r->probe, c);
    return check_concepts(r);
}

// The prompt with the concept in each of its holes; NULL when memory is exhausted.
static char *fill_prompt(const char *prompt, const char *concept)
{
    size_t size = strlen(prompt) + 1;
    for (const char *hole = prompt; (hole = strstr(hole, HOLE)) != NULL;
         hole += strlen(HOLE))
        size += strlen(concept);
    char *text = malloc(size), *end = text;
    if (text == NULL)
        return NULL;
    for (const char *hole; (hole = strstr(prompt, HOLE)) != NULL;
         prompt = hole + strlen(HOLE)) {
        memcpy(end, prompt, (size_t)(hole - prompt));
        end += hole - prompt;
        memcpy(end, concept, strlen(concept));
        end += strlen(concept);
    }
    memcpy(end, prompt, strlen(prompt) + 1);
    return text;
}

static igd_status read_text_embeddings(cdir *r)
{
    const char *path = r->o->text_embeddings;
    igd_rows *rows = NULL;
    igd_status st = IGD_OK;

    if ((st = igd_sha256_file(r->text_sha256, path)) != IGD_OK ||
        (st = igd_rows_open(&rows, path)) != IGD_OK)
        goto done;
    r->D = igd_rows_width(rows);
    if (igd_rows_count(rows) != r->C) {
        st = igd_error(IGD_EINVAL, "%s: has %lld rows, but the model has %d classes",
                       path, (long long)igd_rows_count(rows), r->C);
        goto done;
    }
    r->text = malloc((size_t)r->C * (size_t)r->D * sizeof(*r->text));
    if (r->text == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    st = igd_rows_read(rows, r->text, 0, r->C);

done:
    igd_rows_free(rows);
    return st;
}

// Texts of which CLIP sees the beginning alone.
static void warn_cut(const cdir *r, const int *lengths, int context)
{
    int num = 0, first = 0;
    for (int c = r->C - 1; c >= 0; c--)
        if (lengths[c] > context) {
            num++;
            first = c;
        }
    if (num > 0)
        warn(r->o,
             "%d text%s longer than CLIP's context of %d tokens and cut to it; the first "
             "is class %d's, '%.60s...'",
             num, num == 1 ? " is" : "s are", context, first, r->texts[first]);
}

// Classes of one concept get one row [width] of a table [C, width], whatever a batch or a
// block of a product made of its place.
static void share_equal(const cdir *r, float *table, int64_t width)
{
    for (int c = 0; c < r->C && r->names[0] != NULL; c++) {
        const int d = first_of(r->names, c);
        if (d != c)
            memcpy(table + c * width, table + d * width, (size_t)width * sizeof(*table));
    }
}

static igd_status embed_texts(cdir *r)
{
    const igd_cdir_options *o = r->o;
    if (o->text_embeddings != NULL)
        return read_text_embeddings(r);
    IGD_TRY(take_concepts(r));
    r->texts = calloc((size_t)(unsigned)r->C, sizeof(*r->texts));
    if (r->texts == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d texts", r->C);
    for (int c = 0; c < r->C; c++)
        if ((r->texts[c] = fill_prompt(o->prompt, r->names[c])) == NULL)
            return igd_error(IGD_ENOMEM, "no memory for %d texts", r->C);
    const igd_clip_texts texts = {.path = o->clip != NULL ? o->clip : o->clip_text,
                                  .vocabulary = o->vocabulary,
                                  .device = o->device,
                                  .alone = o->clip == NULL,
                                  .context = o->context};
    int *lengths = calloc((size_t)(unsigned)r->C, sizeof(*lengths)), context;
    if (lengths == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d texts", r->C);
    const igd_status st =
        igd_clip_embed_texts(&r->text, &r->D, lengths, &context, r->text_sha256, &texts,
                             (const char *const *)r->texts, r->C);
    if (st == IGD_OK) {
        warn_cut(r, lengths, context);
        share_equal(r, r->text, r->D);
    }
    free(lengths);
    return st;
}

// What embeddings of the probe images depend on: CLIP's file, the images with their
// order, and how they reach CLIP. The preparation that the data set applies shows in the
// pixels of a few images.
static igd_status fingerprint(char out[IGD_SHA256_LENGTH], const cdir *r)
{
    const int64_t *shape = igd_dataset_shape(r->probe);
    const int64_t N = igd_dataset_size(r->probe);
    const size_t size = (size_t)(shape[0] * shape[1] * shape[2]);
    char data[IGD_SHA256_LENGTH], text[256];
    igd_sha256 *h = NULL;
    float *pixels = malloc(size * sizeof(*pixels));
    igd_status st = IGD_OK;

    if (pixels == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for an image");
        goto done;
    }
    if ((st = igd_dataset_sha256(r->probe, data)) != IGD_OK ||
        (st = igd_sha256_new(&h)) != IGD_OK)
        goto done;
    const int length =
        snprintf(text, sizeof(text), "igdef.embeddings/1 %s %s %lld %lld,%lld,%lld %d",
                 igd_clip_sha256(r->clip), data, (long long)N, (long long)shape[0],
                 (long long)shape[1], (long long)shape[2], igd_clip_image_size(r->clip));
    igd_sha256_add(h, text, (size_t)length);
    for (int64_t i = 0; i < FINGERPRINT_IMAGES && i < N; i++) {
        const int64_t which = i * (N - 1) / FINGERPRINT_IMAGES;
        if ((st = igd_dataset_read(r->probe, pixels, &which, 1)) != IGD_OK)
            goto done;
        igd_sha256_add(h, pixels, size * sizeof(*pixels));
    }
    st = igd_sha256_hex(h, out);

done:
    igd_sha256_free(h);
    free(pixels);
    return st;
}

// Path of the cached embeddings, owned; NULL with IGD_OK where nothing is cached.
static igd_status cache_path(char **out, char print[IGD_SHA256_LENGTH], const cdir *r)
{
    char name[64];
    *out = NULL;
    if (r->o->cache == NULL)
        return IGD_OK;
    IGD_TRY(fingerprint(print, r));
    snprintf(name, sizeof(name), "clip-%.16s.npy", print);
    *out = igd_path_join(r->o->cache, name);
    if (*out == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", r->o->cache);
    return IGD_OK;
}

// Takes embeddings of an earlier run. A file that does not fit is made again, and so is
// one that is damaged, other than it says, or of an older version without digest.
static bool take_cached(cdir *r, const char *path, const char *print)
{
    igd_rows_seal seal;
    if (path == NULL || !igd_path_exists(path) ||
        igd_rows_open(&r->images, path) != IGD_OK)
        return false;
    if (igd_rows_count(r->images) == igd_dataset_size(r->probe) &&
        igd_rows_width(r->images) == igd_clip_width(r->clip) &&
        igd_rows_check_seal(&seal, r->images, print) == IGD_OK && seal == IGD_ROWS_SEALED)
        return true;
    igd_rows_free(r->images);
    r->images = NULL;
    return false;
}

// Where image embeddings come from a file, opens it, so that one that does not fit is
// found before the pass. A cache's file tells its damage; others carry no digest.
static igd_status open_images(cdir *r)
{
    const char *path = r->o->image_embeddings;
    igd_rows_seal seal;
    if (path == NULL)
        return IGD_OK;
    IGD_TRY(igd_sha256_file(r->image_sha256, path));
    IGD_TRY(igd_rows_open(&r->images, path));
    if (igd_rows_count(r->images) != num_probe(r))
        return igd_error(IGD_EINVAL, "%s: has %lld rows, but there are %lld probe images",
                         path, (long long)igd_rows_count(r->images),
                         (long long)num_probe(r));
    IGD_TRY(igd_rows_check_seal(&seal, r->images, NULL));
    if (seal == IGD_ROWS_BROKEN)
        return igd_error(IGD_EFORMAT, "%s: damaged or edited: not what its SHA-256 is of",
                         path);
    return IGD_OK;
}

static igd_status open_clip(cdir *r)
{
    const igd_cdir_options *o = r->o;
    if (o->image_embeddings != NULL)
        return IGD_OK;
    const igd_clip_options image = {.path = o->clip != NULL ? o->clip : o->clip_image,
                                    .device = o->device,
                                    .alone = o->clip == NULL,
                                    .image_size = o->image_size};
    IGD_TRY(igd_clip_open(&r->clip, &image));
    memcpy(r->image_sha256, igd_clip_sha256(r->clip), sizeof(r->image_sha256));
    return IGD_OK;
}

static igd_status check_lengths(const cdir *r)
{
    const igd_cdir_options *o = r->o;
    const int64_t D =
        r->clip != NULL ? igd_clip_width(r->clip) : igd_rows_width(r->images);
    if (D == r->D)
        return IGD_OK;
    return igd_error(IGD_EINVAL,
                     "%s: text embeddings have length %lld, image embeddings %lld",
                     o->text_embeddings != NULL ? o->text_embeddings
                     : o->clip_text != NULL     ? o->clip_text
                                                : o->clip,
                     (long long)r->D, (long long)D);
}

static igd_status run_probe(cdir *r)
{
    const igd_cdir_options *o = r->o;
    igd_probe_options pass = {.model = r->model,
                              .layer = r->layer,
                              .images = r->probe,
                              .clip = r->clip,
                              .pool = o->pool,
                              .batch_size = o->batch_size,
                              .progress = o->progress,
                              .payload = o->payload};
    igd_rows *embeddings = NULL;
    char *cache = NULL, print[IGD_SHA256_LENGTH];
    igd_status st = IGD_OK;

    if (r->clip != NULL && (st = cache_path(&cache, print, r)) != IGD_OK)
        goto done;
    if (cache != NULL && take_cached(r, cache, print))
        pass.clip = NULL;
    else if (cache != NULL && (st = igd_file_check_writable(cache)) != IGD_OK)
        goto done;
    if ((st = igd_probe_run(&r->activations, &embeddings, &pass)) != IGD_OK)
        goto done;
    if (embeddings != NULL) {
        r->images = embeddings;
        embeddings = NULL;
        if (cache != NULL)
            st = igd_rows_save(r->images, cache, print);
    }

done:
    igd_rows_free(embeddings);
    free(cache);
    return st;
}

// What the ranking's file says about how it was made. NULL when memory is exhausted.
static cJSON *describe(const cdir *r, const igd_similarity_options *s)
{
    const igd_cdir_options *o = r->o;
    cJSON *json = cJSON_CreateObject();
    igd_json_add_string(json, "similarity", igd_similarity_name(o->similarity));
    if (s->kind == IGD_SIMILARITY_SOFT_WPMI || s->kind == IGD_SIMILARITY_WPMI)
        igd_json_add_number(json, "top_k", s->top_k);
    igd_json_add_string(json, "pool", igd_pool_name(o->pool));
    igd_json_add_string(json,
                        o->image_embeddings != NULL ? "image_embeddings_sha256"
                                                    : "clip_image_sha256",
                        r->image_sha256);
    igd_json_add_string(
        json, o->text_embeddings != NULL ? "text_embeddings_sha256" : "clip_text_sha256",
        r->text_sha256);
    if (o->text_embeddings == NULL) {
        igd_json_add_string(json, "prompt", o->prompt);
        igd_json_add_item(json, "concepts", cJSON_CreateStringArray(r->names, r->C));
    }
    return json;
}

// Names of the classes: concepts that were given, else those of the data.
static igd_status make_ranking(igd_ranking **out, const cdir *r,
                               const igd_similarity_options *s)
{
    const char **classes = calloc((size_t)r->C, sizeof(*classes));
    if (classes == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d names", r->C);
    const bool own = r->o->concepts != NULL && r->o->num_concepts == r->C;
    const int named = igd_dataset_num_classes(r->probe);
    for (int c = 0; c < r->C; c++)
        classes[c] = own             ? r->o->concepts[c]
                     : named == r->C ? igd_dataset_class_name(r->probe, c)
                                     : NULL;
    igd_status st = igd_ranking_make(out, "cdir", r->layer, igd_model_sha256(r->model),
                                     r->C, (int)igd_rows_width(r->activations), r->score,
                                     igd_dataset_size(r->probe), classes, describe(r, s));
    if (st == IGD_OK)
        st = igd_ranking_set_origin(*out, r->model, r->probe);
    free(classes);
    return st;
}

static igd_status score(igd_ranking **out, cdir *r)
{
    const igd_cdir_options *o = r->o;
    igd_similarity_options s = igd_similarity_options_default(o->similarity);
    if (o->top_k > 0)
        s.top_k = o->top_k;
    s.progress = o->progress;
    s.payload = o->payload;
    const int64_t K = igd_rows_width(r->activations);
    r->score = malloc((size_t)r->C * (size_t)K * sizeof(*r->score));
    if (r->score == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d x %lld scores", r->C,
                         (long long)K);
    const igd_part part = igd_dataset_part(r->probe);
    if (part.of > 0) { // scores are those of all images
        memset(r->score, 0, (size_t)r->C * (size_t)K * sizeof(*r->score));
        IGD_TRY(make_ranking(out, r, &s));
        const int64_t first = r->o->image_embeddings != NULL ? part.first : 0;
        return igd_share_of_rows(*out, r->model, r->probe, r->activations, r->images,
                                 first, r->text);
    }
    IGD_TRY(igd_similarity_score(r->score, &s, r->activations, r->images, r->text, r->C));
    share_equal(r, r->score, K);
    return make_ranking(out, r, &s);
}

static igd_status note_layers(igd_ranking *r, const igd_model *model, const char *layer)
{
    igd_cut *cut = NULL;
    IGD_TRY(igd_model_cut(&cut, model, layer));
    const igd_status st = igd_ranking_note_layers(r, cut);
    igd_cut_free(cut);
    return st;
}

igd_status igd_ranking_cdir(igd_ranking **out, const igd_model *model, const char *layer,
                            const igd_dataset *probe, const igd_cdir_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(model);
    IGD_REQUIRE(layer);
    IGD_REQUIRE(probe);
    IGD_REQUIRE(options);
    IGD_OPTIONS(igd_cdir_options, o, options);
    cdir r = {.o = &o,
              .model = model,
              .layer = layer,
              .probe = probe,
              .C = igd_model_num_classes(model)};
    igd_status st = IGD_OK;

    r.names = calloc((size_t)r.C, sizeof(*r.names));
    if (r.names == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d concepts", r.C);
        goto done;
    }
    if ((st = check_options(&r)) != IGD_OK || (st = check_names(&r)) != IGD_OK ||
        (st = open_images(&r)) != IGD_OK || (st = embed_texts(&r)) != IGD_OK ||
        (st = open_clip(&r)) != IGD_OK || (st = check_lengths(&r)) != IGD_OK ||
        (st = run_probe(&r)) != IGD_OK)
        goto done;
    if ((st = score(out, &r)) == IGD_OK && strchr(layer, ',') != NULL)
        st = note_layers(*out, model, layer);

done:
    if (st != IGD_OK) {
        igd_ranking_free(*out);
        *out = NULL;
    }
    for (int c = 0; r.texts != NULL && c < r.C; c++)
        free(r.texts[c]);
    free(r.texts);
    free(r.names);
    free(r.text);
    free(r.score);
    igd_clip_free(r.clip);
    igd_rows_free(r.activations);
    igd_rows_free(r.images);
    return st;
}
