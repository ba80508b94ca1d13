// Owns data sets: where they come from, and the images that options chose of them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/file_kind.h"
#include "core/options.h"
#include "core/require.h"
#include "data/dataset_impl.h"
#include "data/unlabelled.h"

#define FEW_CLASSES 20 // of a model, below which a few images may well lack half of them

void igd_source_free(igd_source *s)
{
    if (s->self != NULL)
        s->functions->free(s->self);
    free(s->path);
    free(s->map_path);
    free(s->labels);
    igd_lines_free(&s->classes);
    igd_notes_free(&s->notes);
    *s = (igd_source){0};
}

// Classes without a name are called by their number.
static igd_status number_classes(igd_source *s)
{
    const size_t width = 12;
    igd_status st = IGD_OK;
    if (s->classes.num > 0 || s->num_classes == 0)
        return IGD_OK;
    char *text = malloc((size_t)s->num_classes * width);
    const char **items = malloc((size_t)s->num_classes * sizeof(*items));
    if (text == NULL || items == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d class names", s->num_classes);
        goto done;
    }
    for (int c = 0; c < s->num_classes; c++) {
        items[c] = text + (size_t)c * width;
        snprintf(text + (size_t)c * width, width, "%d", c);
    }
    st = igd_lines_copy(&s->classes, items, s->num_classes);

done:
    free(text);
    free(items);
    return st;
}

// Makes a data set of a source that `st` says was opened, which it takes over.
static igd_status finish(igd_dataset **out, igd_source *s, const igd_dataset_options *o,
                         igd_status st)
{
    igd_dataset *d = NULL;

    *out = NULL;
    if (st == IGD_OK)
        st = number_classes(s);
    if (st != IGD_OK)
        goto done;
    d = calloc(1, sizeof(*d));
    if (d == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for a data set");
        goto done;
    }
    d->source = *s;
    *s = (igd_source){0};
    st = igd_select(&d->chosen, &d->size, &d->source, o);
    if (st == IGD_OK && d->source.functions->find_shape != NULL)
        st = d->source.functions->find_shape(d->source.self, d->source.shape,
                                             d->chosen[0]);
    if (st != IGD_OK)
        goto done;
    *out = d;
    d = NULL;

done:
    igd_source_free(s);
    igd_dataset_free(d);
    return st;
}

static igd_status open_path(igd_dataset **out, const char *path,
                            const igd_dataset_options *options, bool labels_unused)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(path);
    IGD_OPTIONS(igd_dataset_options, o, options);
    igd_class_map *map = NULL;
    igd_source s = {.numeric_order = o.numeric_order,
                    .partial = o.partial,
                    .clamp_pixels = o.clamp_pixels,
                    .labels_unused = labels_unused,
                    .channels = o.channels};

    if (o.channels != 1 && o.channels != 3)
        return igd_error(IGD_EINVAL, "images of %d channels; 1 and 3 are possible",
                         o.channels);
    if (o.classes != NULL && o.numeric_order)
        return igd_error(IGD_EINVAL, "a file of classes orders them already");
    if (o.classes != NULL)
        IGD_TRY(igd_class_map_read(&map, o.classes));
    s.map = map;
    s.map_path = o.classes != NULL ? strdup(o.classes) : NULL;
    const igd_status st = o.classes != NULL && s.map_path == NULL
                              ? igd_error(IGD_ENOMEM, "%s: no memory", o.classes)
                              : igd_source_open(&s, path, &o);
    s.map = NULL; // read for the labels, which are there now
    igd_class_map_free(map);
    return finish(out, &s, &o, st);
}

igd_status igd_dataset_open(igd_dataset **out, const char *path,
                            const igd_dataset_options *options)
{
    return open_path(out, path, options, false);
}

igd_status igd_dataset_open_unlabelled(igd_dataset **out, const char *path,
                                       const igd_dataset_options *options)
{
    return open_path(out, path, options, true);
}

igd_status igd_dataset_from_floats(igd_dataset **out, const float *images,
                                   const int32_t *labels, int64_t num_images,
                                   const int64_t shape[3], int num_classes)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(images);
    IGD_REQUIRE(labels);
    IGD_REQUIRE(shape);
    const igd_dataset_options o = igd_dataset_options_default();
    igd_source s = {.partial = true}; // the caller says what the classes are
    return finish(out, &s, &o,
                  igd_source_floats(&s, images, labels, num_images, shape, num_classes));
}

igd_status igd_dataset_from_pixels(igd_dataset **out, const igd_pixels *pixels,
                                   const int32_t *labels, int num_classes,
                                   const char *const *class_names)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(pixels);
    IGD_REQUIRE(labels);
    IGD_OPTIONS(igd_pixels, p, pixels);
    IGD_REQUIRE(p.data);
    const igd_dataset_options o = igd_dataset_options_default();
    igd_source s = {.partial = true}; // the caller says what the classes are
    for (int c = 0; class_names != NULL && c < num_classes; c++)
        IGD_REQUIRE(class_names[c]);
    return finish(out, &s, &o,
                  igd_source_pixels(&s, &p, labels, num_classes, class_names));
}

igd_status igd_dataset_from_files(igd_dataset **out, const char *const *paths,
                                  int64_t num, const igd_dataset_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(paths);
    IGD_OPTIONS(igd_dataset_options, given, options);
    const igd_dataset_options o = igd_dataset_options_default(); // nothing is chosen
    const char *name = given.preprocess;
    const igd_preprocess *p;
    igd_source s = {.channels = given.channels};

    if (s.channels != 1 && s.channels != 3)
        return igd_error(IGD_EINVAL, "images of %d channels; 1 and 3 are possible",
                         s.channels);
    if (num < 1)
        return igd_error(IGD_EINVAL, "%lld image files", (long long)num);
    for (int64_t i = 0; i < num; i++)
        IGD_REQUIRE(paths[i]);
    IGD_TRY(igd_preprocess_find(&p, name == NULL ? "none" : name));
    return finish(out, &s, &o, igd_source_files(&s, paths, num, p));
}

igd_status igd_dataset_take(igd_dataset **out, const igd_dataset *d, const int64_t *rows,
                            int64_t num)
{
    igd_dataset *v = calloc(1, sizeof(*v));
    *out = NULL;
    if (v != NULL)
        v->chosen = malloc((size_t)num * sizeof(*v->chosen));
    if (v == NULL || v->chosen == NULL) {
        free(v);
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)num);
    }
    v->source = d->source;
    v->borrows = true;
    v->size = num;
    for (int64_t i = 0; i < num; i++)
        v->chosen[i] = d->chosen[rows[i]];
    if (num == d->size) // the same images in another order
        v->part = d->part;
    *out = v;
    return IGD_OK;
}

// --- Use ----------------------------------------------------------------------------

int64_t igd_dataset_size(const igd_dataset *d)
{
    return d != NULL ? d->size : 0;
}

const char *igd_dataset_preprocess(const igd_dataset *d)
{
    return d != NULL && d->source.preprocess != NULL ? d->source.preprocess : "none";
}

int igd_dataset_num_classes(const igd_dataset *d)
{
    return d != NULL ? d->source.num_classes : 0;
}

const int64_t *igd_dataset_shape(const igd_dataset *d)
{
    return d != NULL ? d->source.shape : NULL;
}

igd_status igd_dataset_set_channels(igd_dataset *d, int channels)
{
    IGD_REQUIRE(d);
    igd_source *s = &d->source;
    if (s->shape[0] == channels)
        return IGD_OK;
    if (s->functions->set_channels == NULL || (channels != 1 && channels != 3))
        return igd_error(IGD_EINVAL, "images of %lld channels cannot get %d",
                         (long long)s->shape[0], channels);
    s->functions->set_channels(s->self, channels);
    s->shape[0] = channels;
    return IGD_OK;
}

const char *igd_dataset_class_name(const igd_dataset *d, int c)
{
    if (d == NULL || c < 0 || c >= d->source.classes.num)
        return "";
    return d->source.classes.line[c];
}

// What is wrong with the number of classes, beside the numbers.
static const char *count_hint(const igd_source *s, int num_classes)
{
    int32_t least = INT32_MAX;
    for (int64_t i = 0; i < s->num; i++)
        least = s->labels[i] < least ? s->labels[i] : least;
    if (s->num_classes == num_classes + 1 && least == 1 && s->open_classes)
        return "; labels count from 0, and these begin at 1";
    if (s->num_classes > num_classes)
        return "; --classes FILE can say which of the model's they are";
    return "; --classes FILE says which of the model's they are, or --partial that "
           "labels are the model's indices";
}

igd_status igd_dataset_check_classes(const igd_dataset *d, int num_classes)
{
    IGD_REQUIRE(d);
    const igd_source *s = &d->source;
    const int own = s->num_classes;
    const bool few = num_classes >= FEW_CLASSES && own <= num_classes / 2;
    if (own == 0 || own == num_classes)
        return IGD_OK; // 0: images without labels
    if (s->mapped)
        return igd_error(IGD_EINVAL, "%s: names %d classes, but the model has %d",
                         s->map_path, own, num_classes);
    // Of a single class there is no order to be wrong; a note says that it is class 0.
    const bool single = own == 1 && s->named;
    if (own < num_classes && (s->partial || single || (s->open_classes && !few)))
        return IGD_OK;
    return igd_error(IGD_EINVAL, "%s: the data have %d class%s, but the model %d%s",
                     s->path != NULL ? s->path : "images", own, own == 1 ? "" : "es",
                     num_classes, count_hint(s, num_classes));
}

int igd_dataset_num_notes(const igd_dataset *d)
{
    return d != NULL ? d->source.notes.num : 0;
}

const char *igd_dataset_note(const igd_dataset *d, int i, const char **warning)
{
    if (warning != NULL)
        *warning = NULL;
    if (i < 0 || i >= igd_dataset_num_notes(d) || warning == NULL)
        return NULL;
    const igd_note *n = &d->source.notes.item[i];
    *warning = n->warning;
    return n->text;
}

int igd_dataset_label(const igd_dataset *d, int64_t i)
{
    if (i < 0 || i >= igd_dataset_size(d))
        return -1;
    return d->source.labels[d->chosen[i]];
}

int64_t igd_dataset_index(const igd_dataset *d, int64_t i)
{
    if (i < 0 || i >= igd_dataset_size(d))
        return -1;
    return d->chosen[i];
}

igd_status igd_dataset_sha256(const igd_dataset *d, char out[65])
{
    IGD_REQUIRE(d);
    IGD_REQUIRE(out);
    const igd_source *s = &d->source;
    igd_sha256 *h = NULL;
    igd_status st;

    out[0] = '\0';
    st = igd_sha256_new(&h);
    if (st != IGD_OK)
        goto done;
    igd_sha256_add(h, s->shape, sizeof(s->shape));
    for (int64_t i = 0; i < d->size && st == IGD_OK; i++) {
        igd_sha256_add(h, &s->labels[d->chosen[i]], sizeof(*s->labels));
        st = s->functions->digest(s->self, h, d->chosen[i]);
    }
    if (st == IGD_OK)
        st = igd_sha256_hex(h, out);

done:
    igd_sha256_free(h);
    return st;
}

igd_status igd_dataset_mark(uint64_t *out, const igd_dataset *d, int64_t i)
{
    const igd_source_functions *f = d->source.functions;
    char hex[65] = "", start[17] = "";
    igd_sha256 *h = NULL;
    IGD_TRY(igd_sha256_new(&h));
    igd_status st =
        (f->mark != NULL ? f->mark : f->digest)(d->source.self, h, d->chosen[i]);
    if (st == IGD_OK)
        st = igd_sha256_hex(h, hex);
    igd_sha256_free(h);
    memcpy(start, hex, sizeof(start) - 1);
    *out = strtoull(start, NULL, 16);
    return st;
}

igd_status igd_dataset_read(const igd_dataset *d, float *images, const int64_t *which,
                            int64_t n)
{
    IGD_REQUIRE(d);
    if (n < 0)
        return igd_error(IGD_EINVAL, "%lld images are wanted", (long long)n);
    if (n > 0) {
        IGD_REQUIRE(images);
        IGD_REQUIRE(which);
    }
    const igd_source *s = &d->source;
    const int64_t size = s->shape[0] * s->shape[1] * s->shape[2];
    for (int64_t j = 0; j < n; j++) {
        if (which[j] < 0 || which[j] >= d->size)
            return igd_error(IGD_EINVAL, "image %lld is wanted of %lld",
                             (long long)which[j], (long long)d->size);
        IGD_TRY(s->functions->read(s->self, images + j * size, d->chosen[which[j]]));
    }
    return IGD_OK;
}

void igd_dataset_free(igd_dataset *d)
{
    if (d == NULL)
        return;
    if (!d->borrows)
        igd_source_free(&d->source);
    free(d->chosen);
    free(d);
}
