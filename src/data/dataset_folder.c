// Owns image files as a source of pixels, decoded when they are asked for, and the flat
// folder of such with a file of labels.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/file.h"
#include "data/dataset_impl.h"
#include "data/decode.h"
#include "data/listing.h"

#define MAX_FILE ((size_t)256 << 20)
#define MARK_BYTES 8192

typedef struct folder {
    char *path; // owned; NULL where the names are whole paths
    const igd_preprocess *preprocess;
    int channels;
    int64_t shape[3];
    igd_lines names; // relative paths of the images
} folder;

// --- Pixels -------------------------------------------------------------------------

static igd_status read_file(unsigned char **out, size_t *size, char **path,
                            const folder *f, int64_t i)
{
    *out = NULL;
    const char *name = f->names.line[i];
    *path = f->path != NULL ? igd_path_join(f->path, name) : strdup(name);
    if (*path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", name);
    return igd_file_read(out, size, *path, MAX_FILE);
}

static igd_status prepare(igd_image *out, char **path, const folder *f, int64_t i)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    igd_image decoded = {0};

    *out = decoded;
    igd_status st = read_file(&bytes, &size, path, f, i);
    if (st == IGD_OK)
        st = igd_image_decode(&decoded, bytes, size, *path);
    if (st == IGD_OK) {
        st = igd_image_preprocess(out, &decoded, f->preprocess);
        if (st != IGD_OK)
            st = igd_error_prefix(st, *path);
    }
    if (st == IGD_OK && f->channels == 1)
        igd_image_to_grey(out);
    igd_image_free(&decoded);
    free(bytes);
    return st;
}

static igd_status read_image(const void *self, float *image, int64_t i)
{
    const folder *f = self;
    char *path = NULL;
    igd_image prepared;
    igd_status st = prepare(&prepared, &path, f, i);
    if (st == IGD_OK && (prepared.height != f->shape[1] || prepared.width != f->shape[2]))
        st = igd_error(IGD_EFORMAT,
                       "%s: %d x %d pixels where the first image has %lld x %lld; a "
                       "preprocess makes them equal",
                       path, prepared.width, prepared.height, (long long)f->shape[2],
                       (long long)f->shape[1]);
    if (st == IGD_OK)
        igd_image_to_floats(image, &prepared);
    igd_image_free(&prepared);
    free(path);
    return st;
}

static igd_status find_shape(void *self, int64_t shape[3], int64_t i)
{
    folder *f = self;
    char *path = NULL;
    igd_image prepared;
    const igd_status st = prepare(&prepared, &path, f, i);
    f->shape[0] = prepared.channels;
    f->shape[1] = prepared.height;
    f->shape[2] = prepared.width;
    memcpy(shape, f->shape, sizeof(f->shape));
    igd_image_free(&prepared);
    free(path);
    return st;
}

static igd_status digest_image(const void *self, igd_sha256 *h, int64_t i)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    char *path = NULL;
    const igd_status st = read_file(&bytes, &size, &path, self, i);
    if (st == IGD_OK)
        igd_sha256_add(h, bytes, size);
    free(bytes);
    free(path);
    return st;
}

// The length of the file and its first bytes: two images do not share both.
static igd_status mark_image(const void *self, igd_sha256 *h, int64_t i)
{
    const folder *f = self;
    const char *name = f->names.line[i];
    unsigned char head[MARK_BYTES];
    struct stat info;
    char *path = f->path != NULL ? igd_path_join(f->path, name) : strdup(name);
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    igd_status st = IGD_OK;

    if (file == NULL || fstat(fileno(file), &info) != 0) {
        st = igd_error(IGD_EIO, "%s: %s", name, strerror(errno));
    } else {
        const int64_t length = info.st_size;
        igd_sha256_add(h, &length, sizeof(length));
        igd_sha256_add(h, head, fread(head, 1, sizeof(head), file));
    }
    if (file != NULL)
        fclose(file);
    free(path);
    return st;
}

static const char *image_name(const void *self, int64_t i)
{
    const folder *f = self;
    return f->names.line[i];
}

static void set_channels(void *self, int channels)
{
    folder *f = self;
    f->channels = channels;
    f->shape[0] = channels;
}

static void free_folder(void *self)
{
    folder *f = self;
    igd_lines_free(&f->names);
    free(f->path);
    free(f);
}

static const igd_source_functions functions = {.read = read_image,
                                               .digest = digest_image,
                                               .mark = mark_image,
                                               .name = image_name,
                                               .find_shape = find_shape,
                                               .set_channels = set_channels,
                                               .free = free_folder};

// --- Opening ------------------------------------------------------------------------

igd_status igd_source_give_files(igd_source *s, const char *path, const igd_preprocess *p,
                                 const char *const *names, int64_t num)
{
    folder *f = calloc(1, sizeof(*f));
    if (f != NULL && path != NULL)
        f->path = strdup(path);
    if (f == NULL || (path != NULL && f->path == NULL)) {
        free(f);
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)num);
    }
    f->preprocess = p;
    f->channels = s->channels;
    s->preprocess = p->name;
    s->self = f;
    s->functions = &functions;
    s->num = num;
    return igd_lines_copy(&f->names, names, num);
}

igd_status igd_source_files(igd_source *s, const char *const *paths, int64_t num,
                            const igd_preprocess *p)
{
    IGD_TRY(igd_source_give_files(s, NULL, p, paths, num));
    return igd_labels_none(s);
}

igd_status igd_source_flat_folder(igd_source *s, const char *path, const char *labels,
                                  const igd_preprocess *p)
{
    igd_listing images = {0};
    igd_passed passed = {0};
    igd_status st = igd_listing_images(&images, path, true, &passed);
    if (st == IGD_OK && images.num == 0)
        st = igd_error(IGD_EFORMAT, "%s: folder without images", path);
    if (st == IGD_OK)
        st = igd_source_give_files(s, path, p, (const char *const *)images.name,
                                   images.num);
    if (st == IGD_OK)
        st = labels != NULL ? igd_labels_read(s, labels, (const char *const *)images.name)
                            : igd_labels_none(s);
    if (st == IGD_OK)
        st = igd_note_passed(&s->notes, &passed);
    igd_listing_free(&images);
    return st;
}
