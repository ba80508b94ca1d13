// Owns the Python version of CIFAR-10 and CIFAR-100: pickles of a dictionary each, with
// an array of 3072 bytes an image, all red before green before blue, and a list of
// labels.
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "data/dataset_impl.h"
#include "data/pickle.h"

#define PIXELS 3072
#define MAX_FILE ((size_t)4 << 30)

static const char *const ten_train[] = {"data_batch_1", "data_batch_2", "data_batch_3",
                                        "data_batch_4", "data_batch_5", NULL};
static const char *const ten_test[] = {"test_batch", NULL};
static const char *const hundred_train[] = {"train", NULL};
static const char *const hundred_test[] = {"test", NULL};

static const char *const *file_names(bool hundred, bool train)
{
    if (hundred)
        return train ? hundred_train : hundred_test;
    return train ? ten_train : ten_test;
}

// Other data sets have folders of these names.
igd_status igd_is_cifar_python(bool *out, const char *path, bool hundred)
{
    IGD_TRY(igd_folder_holds(out, path, file_names(hundred, true)));
    return *out ? IGD_OK : igd_folder_holds(out, path, file_names(hundred, false));
}

igd_status igd_bytes_add_cifar_python(igd_bytes *b, const unsigned char *bytes,
                                      size_t size, bool hundred, const char *path)
{
    const char *key = hundred ? "fine_labels" : "labels";
    const int num_classes = hundred ? 100 : 10;
    igd_pickle *p = NULL;
    const unsigned char *data = NULL;
    int64_t shape[2] = {0};
    IGD_TRY(igd_pickle_parse(&p, bytes, size, path));
    const igd_pickle_value labels = igd_pickle_member(p, key);
    igd_status st = IGD_OK;

    if (!igd_pickle_bytes(&data, shape, p, igd_pickle_member(p, "data")) ||
        shape[0] < 1 || shape[1] != PIXELS) {
        st = igd_error(IGD_EFORMAT, "%s: 'data' is no array of bytes [N, 3072]", path);
        goto done;
    }
    if (igd_pickle_length(p, labels) != shape[0]) {
        st = igd_error(IGD_EFORMAT, "%s: '%s' is no list of %lld labels", path, key,
                       (long long)shape[0]);
        goto done;
    }
    const size_t num = (size_t)shape[0], before = (size_t)b->num;
    unsigned char *pixels = realloc(b->pixels, (before + num) * PIXELS);
    b->pixels = pixels != NULL ? pixels : b->pixels;
    int32_t *all = realloc(b->labels, (before + num) * sizeof(*all));
    b->labels = all != NULL ? all : b->labels;
    if (pixels == NULL || all == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %zu images", path, num);
        goto done;
    }
    memcpy(pixels + before * PIXELS, data, num * PIXELS);
    for (size_t i = 0; i < num; i++) {
        int64_t label;
        if (!igd_pickle_integer(&label, p, labels, (int64_t)i) || label < 0 ||
            label >= num_classes) {
            st = igd_error(IGD_EFORMAT, "%s: the label of image %zu is none of %d", path,
                           i, num_classes);
            goto done;
        }
        all[before + i] = (int32_t)label;
    }
    b->num = (int64_t)(before + num);
    memcpy(b->shape, (const int64_t[]){3, 32, 32}, sizeof(b->shape));

done:
    igd_pickle_free(p);
    return st;
}

// Reads a file of a folder: its bytes and path, owned; no path where it is not there.
static igd_status read_member(unsigned char **bytes, size_t *size, char **path,
                              const char *folder, const char *name)
{
    *bytes = NULL;
    *size = 0;
    *path = NULL;
    bool there;
    IGD_TRY(igd_folder_holds(&there, folder, (const char *const[]){name, NULL}));
    if (!there)
        return IGD_OK;
    *path = igd_path_join(folder, name);
    if (*path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
    return igd_file_read(bytes, size, *path, MAX_FILE);
}

// Adds a file where it is there: data sets may come with some of their files.
static igd_status add_file(igd_bytes *b, const char *folder, const char *name,
                           bool hundred)
{
    unsigned char *bytes;
    size_t size;
    char *path;
    igd_status st = read_member(&bytes, &size, &path, folder, name);
    if (st == IGD_OK && path != NULL)
        st = igd_bytes_add_cifar_python(b, bytes, size, hundred, path);
    free(bytes);
    free(path);
    return st;
}

// The names of the classes in a pickle's list.
static igd_status take_names(igd_source *s, const igd_pickle *p, const char *key,
                             const char *path)
{
    const igd_pickle_value list = igd_pickle_member(p, key);
    if (igd_pickle_length(p, list) != s->num_classes)
        return igd_error(IGD_EFORMAT, "%s: '%s' is no list of %d names", path, key,
                         s->num_classes);
    char **names = calloc((size_t)s->num_classes, sizeof(*names));
    igd_status st = names != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "%s: no memory", path);
    for (int c = 0; c < s->num_classes && st == IGD_OK; c++) {
        const char *text;
        size_t size;
        if (!igd_pickle_text(&text, &size, p, list, c) || memchr(text, 0, size) != NULL)
            st = igd_error(IGD_EFORMAT, "%s: the name of class %d is no text", path, c);
        else if ((names[c] = strndup(text, size)) == NULL)
            st = igd_error(IGD_ENOMEM, "%s: no memory", path);
    }
    if (st == IGD_OK)
        st = igd_lines_copy(&s->classes, (const char *const *)names, s->num_classes);
    for (int c = 0; names != NULL && c < s->num_classes; c++)
        free(names[c]);
    free(names);
    return st;
}

static igd_status read_class_names(igd_source *s, const char *folder, bool hundred)
{
    const char *name = hundred ? "meta" : "batches.meta";
    unsigned char *bytes;
    size_t size;
    char *path;
    igd_pickle *p = NULL;
    igd_status st = read_member(&bytes, &size, &path, folder, name);
    if (st == IGD_OK && path != NULL)
        st = igd_pickle_parse(&p, bytes, size, path);
    if (st == IGD_OK && p != NULL)
        st = take_names(s, p, hundred ? "fine_label_names" : "label_names", path);
    igd_pickle_free(p);
    free(bytes);
    free(path);
    return st;
}

igd_status igd_source_cifar_python(igd_source *s, const char *path, bool hundred,
                                   bool train)
{
    igd_bytes b = {0};
    igd_status st = IGD_OK;
    for (const char *const *name = file_names(hundred, train);
         *name != NULL && st == IGD_OK; name++)
        st = add_file(&b, path, *name, hundred);
    if (st == IGD_OK && b.num == 0)
        st = igd_error(IGD_EINVAL, "%s: no %s images: %s is missing", path,
                       train ? "training" : "test", file_names(hundred, train)[0]);
    if (st == IGD_OK)
        st = igd_bytes_give(&b, s);
    s->num_classes = hundred ? 100 : 10;
    if (st == IGD_OK)
        st = read_class_names(s, path, hundred);
    igd_bytes_free(&b);
    return st;
}
