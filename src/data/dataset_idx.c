// Owns the IDX format of MNIST and its successors: a big-endian header of magic number
// and lengths, then bytes; images and labels in two files, plain or gzip-compressed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "data/dataset_impl.h"

#define MAGIC_IMAGES 0x00000803u   // unsigned bytes, three axes
#define MAGIC_LABELS 0x00000801u   // unsigned bytes, one axis
#define MAX_FILE ((size_t)1 << 30) // also of what a .gz becomes; MNIST is 47 MB

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// Checks magic number and lengths [num_axes]; returns the elements in *data.
static igd_status check(const unsigned char **data, size_t *lengths, int num_axes,
                        const unsigned char *bytes, size_t size, uint32_t magic,
                        const char *path)
{
    const size_t start = 4 + 4 * (size_t)num_axes;
    if (size < 4 || big32(bytes) != magic)
        return igd_error(IGD_EFORMAT, "%s: not an IDX file of %s", path,
                         num_axes == 3 ? "images" : "labels");
    if (size < start)
        return igd_error(IGD_EFORMAT, "%s: truncated IDX header", path);
    uint64_t left = size - start;
    for (int i = 0; i < num_axes; i++) {
        lengths[i] = big32(bytes + 4 + 4 * (size_t)i);
        if (lengths[i] == 0)
            return igd_error(IGD_EFORMAT, "%s: IDX file without content", path);
        left /= lengths[i];
    }
    uint64_t product = 1; // fits, because each division above left something
    for (int i = 0; i < num_axes && left > 0; i++)
        product *= lengths[i];
    if (left == 0 || product != size - start)
        return igd_error(IGD_EFORMAT, "%s: %zu bytes are not what its header says", path,
                         size);
    *data = bytes + start;
    return IGD_OK;
}

igd_status igd_bytes_add_idx_images(igd_bytes *b, const unsigned char *bytes, size_t size,
                                    const char *path)
{
    const unsigned char *data = NULL;
    size_t n[3] = {0};
    IGD_TRY(check(&data, n, 3, bytes, size, MAGIC_IMAGES, path));
    if (n[1] > IGD_IMAGE_MAX_PIXELS / n[2])
        return igd_error(IGD_EFORMAT, "%s: images of %zu x %zu pixels", path, n[1], n[2]);
    b->pixels = malloc(n[0] * n[1] * n[2]);
    if (b->pixels == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %zu images", path, n[0]);
    memcpy(b->pixels, data, n[0] * n[1] * n[2]);
    b->num = (int64_t)n[0];
    b->shape[0] = 1;
    b->shape[1] = (int64_t)n[1];
    b->shape[2] = (int64_t)n[2];
    return IGD_OK;
}

igd_status igd_bytes_add_idx_labels(igd_bytes *b, const unsigned char *bytes, size_t size,
                                    const char *path)
{
    const unsigned char *data = NULL;
    size_t num = 0;
    IGD_TRY(check(&data, &num, 1, bytes, size, MAGIC_LABELS, path));
    if ((int64_t)num != b->num)
        return igd_error(IGD_EFORMAT, "%s: %zu labels for %lld images", path, num,
                         (long long)b->num);
    b->labels = malloc(num * sizeof(*b->labels));
    if (b->labels == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %zu labels", path, num);
    for (size_t i = 0; i < num; i++)
        b->labels[i] = data[i];
    return IGD_OK;
}

// Path of the first of the spellings in use that exists, owned; *out is NULL where none
// does.
static igd_status find(char **out, const char *folder, bool train, bool images)
{
    static const char *const endings[] = {"-ubyte", "-ubyte.gz"};
    const char *part = images ? "images" : "labels";
    const int axes = images ? 3 : 1;
    *out = NULL;
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s-%s%cidx%d%s", train ? "train" : "t10k", part,
                 "-."[i % 2], axes, endings[i / 2]);
        char *path = igd_path_join(folder, name);
        if (path == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
        if (igd_path_exists(path)) {
            *out = path;
            return IGD_OK;
        }
        free(path);
    }
    return IGD_OK;
}

igd_status igd_is_idx(bool *out, const char *path)
{
    *out = false;
    for (int i = 0; i < 4 && !*out; i++) {
        char *file = NULL;
        IGD_TRY(find(&file, path, i % 2 != 0, i / 2 != 0));
        *out = file != NULL;
        free(file);
    }
    return IGD_OK;
}

// How long a file is by what it begins with: its number of axes and their lengths.
static size_t declared_size(const unsigned char *head)
{
    const int num_axes = head[3];
    uint64_t size = 1;
    if (num_axes < 1 || num_axes > 3)
        return MAX_FILE;
    for (int i = 0; i < num_axes; i++) {
        const uint64_t length = big32(head + 4 + 4 * (size_t)i);
        if (length > 0 && size > MAX_FILE / length)
            return SIZE_MAX;
        size *= length;
    }
    return 4 + 4 * (size_t)num_axes + (size_t)size;
}

igd_status igd_source_idx(igd_source *s, const char *path, bool train)
{
    char *images = NULL, *labels = NULL;
    unsigned char *bytes = NULL;
    size_t size;
    igd_bytes b = {0};
    igd_status st;

    st = find(&images, path, train, true);
    if (st == IGD_OK)
        st = find(&labels, path, train, false);
    if (st != IGD_OK)
        goto done;
    if (images == NULL || labels == NULL) {
        st = igd_error(IGD_EINVAL, "%s: no %s images: %s-%s-ubyte is missing", path,
                       train ? "training" : "test", train ? "train" : "t10k",
                       images == NULL ? "images-idx3" : "labels-idx1");
        goto done;
    }
    st = igd_file_read_gzip(&bytes, &size, images, MAX_FILE, declared_size);
    if (st == IGD_OK)
        st = igd_bytes_add_idx_images(&b, bytes, size, images);
    free(bytes);
    bytes = NULL;
    if (st == IGD_OK)
        st = igd_file_read_gzip(&bytes, &size, labels, MAX_FILE, declared_size);
    if (st == IGD_OK)
        st = igd_bytes_add_idx_labels(&b, bytes, size, labels);
    if (st == IGD_OK)
        st = igd_bytes_give(&b, s);
    if (st == IGD_OK)
        st = igd_labels_check(s, labels);

done:
    igd_bytes_free(&b);
    free(bytes);
    free(images);
    free(labels);
    return st;
}
