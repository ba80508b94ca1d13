// Owns folders of image files: one folder a class, or flat with a file of labels. Files
// are decoded when their pixels are asked for.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/letters.h"
#include "data/dataset_impl.h"
#include "data/decode.h"

#define MAX_FILE ((size_t)256 << 20)

typedef struct folder {
    char *path; // owned; NULL where the names are whole paths
    const igd_preprocess *preprocess;
    int64_t shape[3];
    igd_lines names; // relative paths of the images
} folder;

// --- Listing ------------------------------------------------------------------------

typedef struct listing {
    char **name; // owned, each too; in byte order
    int64_t num, room;
} listing;

static void free_listing(listing *l)
{
    for (int64_t i = 0; i < l->num; i++)
        free(l->name[i]);
    free(l->name);
    *l = (listing){0};
}

// Takes over `name`, which may be NULL.
static igd_status add_name(listing *l, char *name, const char *path)
{
    if (l->num == l->room) {
        const int64_t room = l->room < 16 ? 16 : l->room * 2;
        char **names = realloc(l->name, (size_t)room * sizeof(*names));
        if (names != NULL) {
            l->name = names;
            l->room = room;
        }
    }
    if (name == NULL || l->num == l->room) {
        free(name);
        return igd_error(IGD_ENOMEM, "%s: no memory for its content", path);
    }
    l->name[l->num++] = name;
    return IGD_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Images that igdef cannot decode, but others count: leaving them out would move indices.
static bool is_foreign_image(const char *name)
{
    static const char *const suffixes[] = {".webp", ".tif", ".tiff", ".gif",
                                           ".ppm",  ".pgm", ".jp2",  ".heic"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (igd_same_letters(dot, suffixes[i]))
            return true;
    return false;
}

// Names in a folder, sorted: of images, or of the folders in it. Hidden ones are none.
static igd_status list(listing *out, const char *path, bool folders)
{
    listing l = {0};
    DIR *dir = NULL;
    igd_status st = IGD_OK;

    *out = l;
    dir = opendir(path);
    if (dir == NULL) {
        st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
        goto done;
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0)
                st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
            break;
        }
        const char *name = entry->d_name;
        const bool image = igd_image_has_suffix(name);
        if (name[0] == '.' || (image && folders))
            continue;
        if (!image && !folders && is_foreign_image(name)) {
            st = igd_error(IGD_EFORMAT, "%s/%s: neither a JPEG, a PNG nor a BMP file",
                           path, name);
            break;
        }
        bool wanted = image;
        if (folders) {
            char *full = igd_path_join(path, name);
            wanted = full != NULL && igd_path_is_folder(full);
            free(full);
        }
        if (wanted)
            st = add_name(&l, strdup(name), path);
        if (st != IGD_OK)
            break;
    }
    if (st != IGD_OK)
        goto done;
    if (l.num > 0)
        qsort(l.name, (size_t)l.num, sizeof(*l.name), by_text);
    *out = l;
    l = (listing){0};

done:
    free_listing(&l);
    if (dir != NULL)
        closedir(dir);
    return st;
}

igd_status igd_folder_inspect(igd_folder_kind *out, const char *path)
{
    listing folders = {0}, images = {0};
    *out = IGD_FOLDER_EMPTY;
    igd_status st = list(&folders, path, true);
    if (st == IGD_OK && folders.num == 0)
        st = list(&images, path, false);
    bool splits = folders.num > 0;
    for (int64_t i = 0; i < folders.num; i++)
        splits = splits && (strcmp(folders.name[i], "train") == 0 ||
                            strcmp(folders.name[i], "test") == 0 ||
                            strcmp(folders.name[i], "val") == 0);
    if (folders.num > 0)
        *out = splits ? IGD_FOLDER_SPLITS : IGD_FOLDER_CLASSES;
    else if (images.num > 0)
        *out = IGD_FOLDER_FLAT;
    free_listing(&folders);
    free_listing(&images);
    return st;
}

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

static const char *image_name(const void *self, int64_t i)
{
    const folder *f = self;
    return f->names.line[i];
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
                                               .name = image_name,
                                               .find_shape = find_shape,
                                               .free = free_folder};

// --- Opening ------------------------------------------------------------------------

// `path` is NULL where the names are whole paths.
static igd_status give(igd_source *s, const char *path, const igd_preprocess *p,
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
    s->self = f;
    s->functions = &functions;
    s->num = num;
    return igd_lines_copy(&f->names, names, num);
}

igd_status igd_source_files(igd_source *s, const char *const *paths, int64_t num,
                            const igd_preprocess *p)
{
    s->labels = malloc((size_t)num * sizeof(*s->labels));
    if (s->labels == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)num);
    for (int64_t i = 0; i < num; i++)
        s->labels[i] = -1;
    return give(s, NULL, p, paths, num);
}

// Appends the images of one class as "class/image".
static igd_status add_class(listing *images, const char *path, const char *name)
{
    listing l = {0};
    igd_status st;
    char *full = igd_path_join(path, name);
    if (full == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
    st = list(&l, full, false);
    if (st == IGD_OK && l.num == 0)
        st = igd_error(IGD_EFORMAT, "%s: class folder without images", full);
    for (int64_t i = 0; i < l.num && st == IGD_OK; i++)
        st = add_name(images, igd_path_join(name, l.name[i]), path);
    free_listing(&l);
    free(full);
    return st;
}

igd_status igd_source_class_folders(igd_source *s, const char *path,
                                    const igd_preprocess *p)
{
    listing classes = {0}, images = {0};
    int64_t *end = NULL; // [classes] number of images up to and with a class
    igd_status st = list(&classes, path, true);
    if (st != IGD_OK)
        goto done;
    if (classes.num > IGD_MAX_CLASSES) {
        st = igd_error(IGD_EFORMAT, "%s: %lld class folders", path,
                       (long long)classes.num);
        goto done;
    }
    end = malloc(((size_t)classes.num + 1) * sizeof(*end));
    if (end == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for its classes", path);
        goto done;
    }
    for (int64_t c = 0; c < classes.num && st == IGD_OK; c++) {
        st = add_class(&images, path, classes.name[c]);
        end[c] = images.num;
    }
    if (st != IGD_OK)
        goto done;
    s->labels = malloc(((size_t)images.num + 1) * sizeof(*s->labels));
    if (s->labels == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for its labels", path);
        goto done;
    }
    for (int64_t i = 0, c = 0; i < images.num; i++) {
        c += i == end[c];
        s->labels[i] = (int32_t)c;
    }
    s->num_classes = (int)classes.num;
    st = give(s, path, p, (const char *const *)images.name, images.num);
    if (st == IGD_OK)
        st = igd_lines_copy(&s->classes, (const char *const *)classes.name, classes.num);

done:
    free(end);
    free_listing(&classes);
    free_listing(&images);
    return st;
}

igd_status igd_source_flat_folder(igd_source *s, const char *path, const char *labels,
                                  const igd_preprocess *p)
{
    listing images = {0};
    igd_status st = list(&images, path, false);
    if (st == IGD_OK && images.num == 0)
        st = igd_error(IGD_EFORMAT, "%s: folder without images", path);
    if (st == IGD_OK)
        st = give(s, path, p, (const char *const *)images.name, images.num);
    if (st == IGD_OK)
        st = igd_labels_read(s, labels, (const char *const *)images.name);
    free_listing(&images);
    return st;
}
