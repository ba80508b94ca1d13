// Owns recognising a data set by its content, and the images that options chose of it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "data/dataset_impl.h"

struct igd_dataset {
    igd_source source;
    int64_t *chosen; // owned; [size], index in the source
    int64_t size;
};

void igd_source_free(igd_source *s)
{
    if (s->self != NULL)
        s->functions->free(s->self);
    free(s->path);
    free(s->labels);
    igd_lines_free(&s->classes);
    *s = (igd_source){0};
}

// --- Recognition --------------------------------------------------------------------

static igd_status open_arrays(igd_source *s, const char *folder, const char *images,
                              const char *labels)
{
    char *beside = NULL;
    if (labels != NULL)
        return igd_source_npy(s, images, labels);
    beside = igd_path_join(folder, "labels.npy");
    if (beside == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", images);
    const igd_status st =
        igd_path_exists(beside)
            ? igd_source_npy(s, images, beside)
            : igd_error(IGD_EINVAL, "%s: no labels are given, and %s is missing", images,
                        beside);
    free(beside);
    return st;
}

static igd_status open_images(igd_source *s, const char *folder, const char *labels,
                              const igd_preprocess *p)
{
    igd_folder_kind kind;
    IGD_TRY(igd_folder_inspect(&kind, folder));
    if (kind == IGD_FOLDER_FLAT && labels == NULL)
        return igd_error(IGD_EINVAL, "%s: images without class folders need labels",
                         folder);
    if (kind == IGD_FOLDER_FLAT)
        return igd_source_flat_folder(s, folder, labels, p);
    if (kind != IGD_FOLDER_CLASSES)
        return igd_error(IGD_EFORMAT, "%s: no data set that igdef knows", folder);
    if (labels != NULL)
        return igd_error(IGD_EINVAL, "%s: class folders are its labels", folder);
    return igd_source_class_folders(s, folder, p);
}

static igd_status open_folder(igd_source *s, const char *folder,
                              const igd_dataset_options *o, const igd_preprocess *p)
{
    const bool train = strcmp(o->split, "train") == 0;
    const bool ten = igd_is_cifar(folder, false), hundred = igd_is_cifar(folder, true);
    const bool idx = igd_is_idx(folder);
    const bool prepared = p->resize != 0 || p->crop != 0;
    char *images = igd_path_join(folder, "images.npy");
    igd_status st;

    if (images == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
    const bool arrays = igd_path_exists(images);
    if (prepared && (ten || hundred || idx || arrays))
        st = igd_error(IGD_EINVAL, "%s: preprocess \"%s\" is for folders of image files",
                       folder, p->name);
    else if (o->labels != NULL && (ten || hundred || idx))
        st = igd_error(IGD_EINVAL, "%s: has labels of its own", folder);
    else if (ten || hundred)
        st = igd_source_cifar(s, folder, !ten, train);
    else if (idx)
        st = igd_source_idx(s, folder, train);
    else if (arrays)
        st = open_arrays(s, folder, images, o->labels);
    else
        st = open_images(s, folder, o->labels, p);
    free(images);
    return st;
}

// "train", "test" and "val" folders beside one another are one data set's splits. *out is
// owned; NULL where there are none.
static igd_status split_folder(char **out, const char *path, const char *split)
{
    const char *names[] = {split, strcmp(split, "test") == 0 ? "val" : split};
    igd_folder_kind kind;
    *out = NULL;
    IGD_TRY(igd_folder_inspect(&kind, path));
    if (kind != IGD_FOLDER_SPLITS)
        return IGD_OK;
    for (int i = 0; i < 2; i++) {
        char *folder = igd_path_join(path, names[i]);
        if (folder == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
        if (igd_path_is_folder(folder)) {
            *out = folder;
            return IGD_OK;
        }
        free(folder);
    }
    return igd_error(IGD_EINVAL, "%s: has no folder \"%s\"", path, split);
}

// Class names from the folder's classes.txt, one a line, in place of those that the
// format has: image sets of IDX and .npy have none, and ImageNet's folders say n01440764.
static igd_status read_class_names(igd_source *s, const char *folder)
{
    igd_lines lines = {0};
    igd_status st = IGD_OK;
    char *path = igd_path_join(folder, "classes.txt");
    if (path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
    if (!igd_path_exists(path))
        goto done;
    st = igd_lines_read(&lines, path);
    if (st != IGD_OK)
        goto done;
    if (lines.num > IGD_MAX_CLASSES || lines.num < s->num_classes ||
        (lines.num > s->num_classes && !s->open_classes)) {
        st = igd_error(IGD_EFORMAT, "%s: %lld class names for %d classes", path,
                       (long long)lines.num, s->num_classes);
        goto done;
    }
    igd_lines_free(&s->classes);
    s->classes = lines;
    s->num_classes = (int)lines.num;
    lines = (igd_lines){0};

done:
    igd_lines_free(&lines);
    free(path);
    return st;
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

static igd_status open_source(igd_source *s, const char *path,
                              const igd_dataset_options *o)
{
    const igd_preprocess *p;
    char *split = NULL, *folder = NULL;
    igd_status st;

    st = igd_preprocess_find(&p, o->preprocess == NULL ? "none" : o->preprocess);
    if (st != IGD_OK)
        goto done;
    if (o->split == NULL ||
        (strcmp(o->split, "train") != 0 && strcmp(o->split, "test") != 0)) {
        st = igd_error(IGD_EINVAL, "split \"%s\" is neither \"train\" nor \"test\"",
                       o->split == NULL ? "" : o->split);
        goto done;
    }
    if (!igd_path_exists(path)) {
        st = igd_error(IGD_EIO, "%s: no such file or folder", path);
        goto done;
    }
    const bool is_folder = igd_path_is_folder(path);
    if (is_folder)
        st = split_folder(&split, path, o->split);
    if (st != IGD_OK)
        goto done;
    folder = is_folder ? strdup(split != NULL ? split : path) : igd_path_folder(path);
    s->path = strdup(path);
    if (folder == NULL || s->path == NULL)
        st = igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
    else if (is_folder)
        st = open_folder(s, folder, o, p);
    else if (p->resize != 0 || p->crop != 0)
        st = igd_error(IGD_EINVAL, "%s: preprocess \"%s\" is for folders of image files",
                       path, p->name);
    else
        st = open_arrays(s, folder, path, o->labels);
    if (st == IGD_OK)
        st = read_class_names(s, folder);

done:
    free(split);
    free(folder);
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

igd_status igd_dataset_open(igd_dataset **out, const char *path,
                            const igd_dataset_options *options)
{
    const igd_dataset_options o =
        options != NULL ? *options : igd_dataset_options_default();
    igd_source s = {0};
    return finish(out, &s, &o, open_source(&s, path, &o));
}

igd_status igd_dataset_from_floats(igd_dataset **out, const float *images,
                                   const int32_t *labels, int64_t num_images,
                                   const int64_t shape[3], int num_classes)
{
    const igd_dataset_options o = igd_dataset_options_default();
    igd_source s = {0};
    return finish(out, &s, &o,
                  igd_source_floats(&s, images, labels, num_images, shape, num_classes));
}

igd_status igd_dataset_from_files(igd_dataset **out, const char *const *paths,
                                  int64_t num, const igd_dataset_options *options)
{
    const igd_dataset_options o = igd_dataset_options_default();
    const char *name = options != NULL ? options->preprocess : o.preprocess;
    const igd_preprocess *p;
    igd_source s = {0};

    *out = NULL;
    if (num < 1)
        return igd_error(IGD_EINVAL, "%lld image files", (long long)num);
    IGD_TRY(igd_preprocess_find(&p, name == NULL ? "none" : name));
    return finish(out, &s, &o, igd_source_files(&s, paths, num, p));
}

// --- Use ----------------------------------------------------------------------------

int64_t igd_dataset_size(const igd_dataset *d)
{
    return d->size;
}

int igd_dataset_num_classes(const igd_dataset *d)
{
    return d->source.num_classes;
}

const int64_t *igd_dataset_shape(const igd_dataset *d)
{
    return d->source.shape;
}

const char *igd_dataset_class_name(const igd_dataset *d, int c)
{
    return d->source.classes.line[c];
}

int igd_dataset_label(const igd_dataset *d, int64_t i)
{
    return d->source.labels[d->chosen[i]];
}

int64_t igd_dataset_index(const igd_dataset *d, int64_t i)
{
    return d->chosen[i];
}

igd_status igd_dataset_sha256(const igd_dataset *d, char out[65])
{
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

igd_status igd_dataset_read(const igd_dataset *d, float *images, const int64_t *which,
                            int64_t n)
{
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
    igd_source_free(&d->source);
    free(d->chosen);
    free(d);
}
