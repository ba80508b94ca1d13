// Owns recognising a data set by its content, and the images that options chose of it.
// What is none, but nearly, is explained by data_hint.c.
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

#define SHOWN_CLASSES 10
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

// Whether all images lie in one folder below it, as those of Tiny ImageNet's "val" do.
static igd_status has_one_folder(bool *out, const char *path)
{
    igd_listing folders = {0}, empty = {0}, images = {0};
    igd_status st = igd_listing_folders(&folders, &empty, path, NULL);
    if (st == IGD_OK)
        st = igd_listing_images(&images, path, false, NULL);
    *out = st == IGD_OK && folders.num == 1 && images.num == 0;
    igd_listing_free(&folders);
    igd_listing_free(&empty);
    igd_listing_free(&images);
    return st;
}

// The formats that are folders of files with names of their own.
typedef enum format { CIFAR, CIFAR_PYTHON, IDX, ARRAYS, IMAGES } format;

static igd_status find_format(format *out, bool *hundred, const char *folder)
{
    char *images = igd_path_join(folder, "images.npy");
    if (images == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
    *out = IMAGES;
    *hundred = false;
    if (igd_is_cifar(folder, false) || igd_is_cifar(folder, true)) {
        *out = CIFAR;
        *hundred = !igd_is_cifar(folder, false);
    } else if (igd_is_cifar_python(folder, false) || igd_is_cifar_python(folder, true)) {
        *out = CIFAR_PYTHON;
        *hundred = !igd_is_cifar_python(folder, false);
    } else if (igd_is_idx(folder)) {
        *out = IDX;
    } else if (igd_path_exists(images)) {
        *out = ARRAYS;
    }
    free(images);
    return IGD_OK;
}

// Folders that hold a data set where programs that download it put it: one too high was
// given.
static igd_status refuse_folder_above(const char *path)
{
    static const char *const below[] = {"raw",
                                        "MNIST/raw",
                                        "FashionMNIST/raw",
                                        "KMNIST/raw",
                                        "cifar-10-batches-py",
                                        "cifar-10-batches-bin",
                                        "cifar-100-python",
                                        "cifar-100-binary",
                                        NULL};
    for (int i = 0; below[i] != NULL; i++) {
        format f = IMAGES;
        bool hundred;
        char *inner = igd_path_join(path, below[i]);
        if (inner == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
        igd_status st = IGD_OK;
        if (igd_path_is_folder(inner))
            st = find_format(&f, &hundred, inner);
        if (st == IGD_OK && f != IMAGES)
            st = igd_error(IGD_EFORMAT, "%s: no data set itself; give %s", path, inner);
        free(inner);
        IGD_TRY(st);
    }
    return IGD_OK;
}

static igd_status open_images(igd_source *s, const char *folder, const char *labels,
                              const igd_preprocess *p)
{
    igd_folder_kind kind;
    bool nested = false;
    IGD_TRY(igd_folder_inspect(&kind, folder));
    if (kind == IGD_FOLDER_CLASSES && labels != NULL)
        IGD_TRY(has_one_folder(&nested, folder));
    if (kind == IGD_FOLDER_FLAT && labels == NULL)
        return igd_error(IGD_EINVAL, "%s: images without class folders need labels",
                         folder);
    if (kind == IGD_FOLDER_FLAT || nested)
        return igd_source_flat_folder(s, folder, labels, p);
    if (kind == IGD_FOLDER_EMPTY)
        IGD_TRY(refuse_folder_above(folder));
    if (kind != IGD_FOLDER_CLASSES)
        return igd_error(IGD_EFORMAT,
                         "%s: no data set that igdef knows; 'igdef help "
                         "data' says which it does",
                         folder);
    if (labels != NULL)
        return igd_error(IGD_EINVAL, "%s: class folders are its labels", folder);
    return igd_source_class_folders(s, folder, p);
}

static igd_status check_options(const char *path, format f, const igd_dataset_options *o,
                                const igd_preprocess *p)
{
    if (f != IMAGES && !o->preprocess_files && (p->resize != 0 || p->crop != 0))
        return igd_error(IGD_EINVAL,
                         "%s: preprocess \"%s\" is for folders of image files", path,
                         p->name);
    if (f != IMAGES && o->numeric_order)
        return igd_error(IGD_EINVAL, "%s: a class order is for class folders", path);
    if (o->labels != NULL && (f == CIFAR || f == CIFAR_PYTHON || f == IDX))
        return igd_error(IGD_EINVAL, "%s: has labels of its own", path);
    return IGD_OK;
}

static igd_status open_folder(igd_source *s, const char *folder,
                              const igd_dataset_options *o, const igd_preprocess *p)
{
    const bool train = strcmp(o->split, "train") == 0;
    bool hundred = false;
    format f = IMAGES;
    IGD_TRY(find_format(&f, &hundred, folder));
    IGD_TRY(check_options(folder, f, o, p));
    switch (f) {
    case CIFAR:
        return igd_source_cifar(s, folder, hundred, train);
    case CIFAR_PYTHON:
        return igd_source_cifar_python(s, folder, hundred, train);
    case IDX:
        return igd_source_idx(s, folder, train);
    case ARRAYS: {
        char *images = igd_path_join(folder, "images.npy");
        const igd_status st = images != NULL
                                  ? open_arrays(s, folder, images, o->labels)
                                  : igd_error(IGD_ENOMEM, "%s: no memory", folder);
        free(images);
        return st;
    }
    default:
        return open_images(s, folder, o->labels, p);
    }
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
        kind = IGD_FOLDER_EMPTY;
        const igd_status st =
            igd_path_is_folder(folder) ? igd_folder_inspect(&kind, folder) : IGD_OK;
        if (st == IGD_OK && kind != IGD_FOLDER_EMPTY) {
            *out = folder;
            return IGD_OK;
        }
        free(folder);
        IGD_TRY(st);
    }
    return igd_error(IGD_EINVAL, "%s: has no folder \"%s\" with images", path, split);
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

// Looks the classes of a format that has labels of its own up in the file of classes: by
// name where they have names, else as numbers.
static igd_status map_own_classes(igd_source *s, const char *path)
{
    if (s->mapped)
        return IGD_OK;
    if (s->classes.num == 0)
        return igd_labels_map_numbers(s, path);
    for (int64_t i = 0; i < s->num; i++) {
        const char *name = s->classes.line[s->labels[i]];
        const int c = igd_class_map_find(s->map, name);
        if (c < 0)
            return igd_error(IGD_EINVAL, "%s: class \"%.80s\" %s %s", path, name,
                             c == -2 ? "could be several classes of" : "is no class of",
                             s->map_path);
        s->labels[i] = c;
    }
    igd_lines_free(&s->classes);
    return igd_class_map_take(s);
}

// Which class is which label, where that follows from names of folders or labels.
static igd_status note_classes(igd_source *s)
{
    char text[600];
    size_t used = 0;
    if (s->partial && s->classes.num == 0)
        return igd_notes_add(&s->notes, NULL,
                             "labels are the model's indices, here 0 to %d",
                             s->num_classes - 1);
    if (!s->named)
        return IGD_OK;
    for (int c = 0; c < s->num_classes; c++) {
        if (c == SHOWN_CLASSES && s->num_classes > SHOWN_CLASSES + 1) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, ", ...");
            c = s->num_classes - 1;
        }
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d %.30s",
                                 c > 0 ? ", " : "", c, s->classes.line[c]);
    }
    IGD_TRY(igd_notes_add(&s->notes, NULL, "classes%s: %s",
                          s->partial ? ", as indices of the model" : "", text));
    if (s->num_classes > 1 || s->mapped || s->partial)
        return IGD_OK;
    return igd_notes_add(&s->notes, IGD_NOTE_ONE_CLASS,
                         "there is one class alone, %s: all images are taken for class 0",
                         s->classes.line[0]);
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
    else if ((st = check_options(path, ARRAYS, o, p)) == IGD_OK)
        st = igd_file_kind_of(path) == IGD_FILE_NPY
                 ? open_arrays(s, folder, path, o->labels)
                 : igd_file_kind_refuse_data(path, "neither a folder nor an .npy file");
    if (st == IGD_OK)
        st = s->map == NULL ? read_class_names(s, folder) : map_own_classes(s, path);
    if (st == IGD_OK)
        st = note_classes(s);

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
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(path);
    IGD_OPTIONS(igd_dataset_options, o, options);
    igd_class_map *map = NULL;
    igd_source s = {.numeric_order = o.numeric_order,
                    .partial = o.partial,
                    .clamp_pixels = o.clamp_pixels,
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
                              : open_source(&s, path, &o);
    s.map = NULL; // read for the labels, which are there now
    igd_class_map_free(map);
    return finish(out, &s, &o, st);
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
