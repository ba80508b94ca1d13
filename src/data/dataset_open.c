// Owns recognising a data set by its content, and what its classes are called. What is
// none, but nearly, is explained by data_hint.c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/file_kind.h"
#include "data/class_names.h"
#include "data/dataset_impl.h"
#include "data/splits.h"

#define SHOWN_CLASSES 10

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
        igd_path_exists(beside) || s->labels_unused
            ? igd_source_npy(s, images, igd_path_exists(beside) ? beside : NULL)
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
    static const char *const arrays[] = {"images.npy", NULL};
    bool found;
    for (int i = 0; i < 4; i++) {
        *out = i < 2 ? CIFAR : CIFAR_PYTHON;
        *hundred = i % 2 != 0;
        IGD_TRY(*out == CIFAR ? igd_is_cifar(&found, folder, *hundred)
                              : igd_is_cifar_python(&found, folder, *hundred));
        if (found)
            return IGD_OK;
    }
    *hundred = false;
    IGD_TRY(igd_is_idx(&found, folder));
    *out = IDX;
    if (found)
        return IGD_OK;
    IGD_TRY(igd_folder_holds(&found, folder, arrays));
    *out = found ? ARRAYS : IMAGES;
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
    if (kind == IGD_FOLDER_FLAT && labels == NULL && !s->labels_unused)
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
    if (f != IMAGES && o->numeric_order && !(f == ARRAYS && o->labels != NULL))
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

igd_status igd_source_open(igd_source *s, const char *path, const igd_dataset_options *o)
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
        st = igd_split_folder(&split, path, o->split,
                              o->labels == NULL && !s->labels_unused);
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
    if (st == IGD_OK && !s->labels_unused)
        st = s->map == NULL ? igd_class_names_read(s, folder) : map_own_classes(s, path);
    if (st == IGD_OK && !s->labels_unused)
        st = note_classes(s);

done:
    free(split);
    free(folder);
    return st;
}
