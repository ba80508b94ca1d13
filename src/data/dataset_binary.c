// Owns the binary version of CIFAR-10 and CIFAR-100: records of labels and then 32 x 32
// pixels of red, of green and of blue.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "data/dataset_impl.h"

#define PIXELS ((size_t)3 * 32 * 32)
#define MAX_FILE ((size_t)4 << 30)

static const char *const ten_train[] = {"data_batch_1.bin", "data_batch_2.bin",
                                        "data_batch_3.bin", "data_batch_4.bin",
                                        "data_batch_5.bin", NULL};
static const char *const ten_test[] = {"test_batch.bin", NULL};
static const char *const hundred_train[] = {"train.bin", NULL};
static const char *const hundred_test[] = {"test.bin", NULL};

static const char *const *file_names(bool hundred, bool train)
{
    if (hundred)
        return train ? hundred_train : hundred_test;
    return train ? ten_train : ten_test;
}

igd_status igd_is_cifar(bool *out, const char *path, bool hundred)
{
    IGD_TRY(igd_folder_holds(out, path, file_names(hundred, true)));
    return *out ? IGD_OK : igd_folder_holds(out, path, file_names(hundred, false));
}

igd_status igd_bytes_add_cifar(igd_bytes *b, const unsigned char *bytes, size_t size,
                               bool hundred, const char *path)
{
    const size_t num_labels = hundred ? 2 : 1; // CIFAR-100's first is the coarse one
    const int num_classes = hundred ? 100 : 10;
    const size_t record = num_labels + PIXELS;
    const size_t num = size / record, before = (size_t)b->num;

    if (size == 0 || size % record != 0)
        return igd_error(IGD_EFORMAT, "%s: %zu bytes are no whole number of %zu", path,
                         size, record);
    unsigned char *pixels = realloc(b->pixels, (before + num) * PIXELS);
    if (pixels != NULL)
        b->pixels = pixels;
    int32_t *labels = realloc(b->labels, (before + num) * sizeof(*labels));
    if (labels != NULL)
        b->labels = labels;
    if (pixels == NULL || labels == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %zu images", path, num);
    for (size_t i = 0; i < num; i++) {
        const unsigned char *from = bytes + i * record;
        const int label = from[num_labels - 1];
        if (label >= num_classes)
            return igd_error(IGD_EFORMAT, "%s: image %zu has label %d, of %d classes",
                             path, i, label, num_classes);
        labels[before + i] = label;
        memcpy(pixels + (before + i) * PIXELS, from + num_labels, PIXELS);
    }
    b->num = (int64_t)(before + num);
    memcpy(b->shape, (const int64_t[]){3, 32, 32}, sizeof(b->shape));
    return IGD_OK;
}

// Adds a file where it is there: data sets may come with some of their files.
static igd_status add_file(igd_bytes *b, const char *folder, const char *name,
                           bool hundred)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    igd_status st = IGD_OK;
    char *path = igd_path_join(folder, name);
    if (path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
    if (igd_path_exists(path)) {
        st = igd_file_read(&bytes, &size, path, MAX_FILE);
        if (st == IGD_OK)
            st = igd_bytes_add_cifar(b, bytes, size, hundred, path);
    }
    free(bytes);
    free(path);
    return st;
}

// The names of CIFAR-10 in another order than that of its labels. Other names are another
// data set's of the same form.
static igd_status check_ten_names(const igd_lines *names, const char *path)
{
    static const char *const own[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                      "dog",      "frog",       "horse", "ship", "truck"};
    const int num = (int)(sizeof(own) / sizeof(own[0]));
    int known = 0, moved = -1;
    for (int c = 0; c < num && names->num == num; c++)
        for (int i = 0; i < num; i++)
            if (strcmp(names->line[c], own[i]) == 0) {
                known++;
                moved = moved < 0 && i != c ? c : moved;
            }
    if (known < num || moved < 0)
        return IGD_OK;
    return igd_error(IGD_EFORMAT, "%s: class %d is \"%s\", which CIFAR-10 calls \"%s\"",
                     path, moved, names->line[moved], own[moved]);
}

static igd_status read_class_names(igd_source *s, const char *folder, bool hundred)
{
    igd_status st = IGD_OK;
    char *path =
        igd_path_join(folder, hundred ? "fine_label_names.txt" : "batches.meta.txt");
    if (path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
    if (igd_path_exists(path))
        st = igd_lines_read(&s->classes, path);
    if (st == IGD_OK && s->classes.num != 0 && s->classes.num != s->num_classes)
        st = igd_error(IGD_EFORMAT, "%s: %lld class names for %d classes", path,
                       (long long)s->classes.num, s->num_classes);
    if (st == IGD_OK && !hundred)
        st = check_ten_names(&s->classes, path);
    free(path);
    return st;
}

igd_status igd_source_cifar(igd_source *s, const char *path, bool hundred, bool train)
{
    const char *const *names = file_names(hundred, train);
    igd_bytes b = {0};
    igd_status st = IGD_OK;

    for (int i = 0; names[i] != NULL; i++) {
        st = add_file(&b, path, names[i], hundred);
        if (st != IGD_OK)
            goto done;
    }
    if (b.num == 0) {
        st = igd_error(IGD_EINVAL, "%s: no %s images: %s is missing", path,
                       train ? "training" : "test", names[0]);
        goto done;
    }
    st = igd_bytes_give(&b, s);
    s->num_classes = hundred ? 100 : 10;
    if (st == IGD_OK)
        st = read_class_names(s, path, hundred);

done:
    igd_bytes_free(&b);
    return st;
}
