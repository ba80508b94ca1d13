// Owns the reading of TorchScript archives: the check, by libzip, which compares the
// checksums of what is read, of names and of tensors' sizes, and extra files.
#include "core/archive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "core/archive_tensors.h"
#include "core/error.h"
#include "core/file_kind.h"
#include "core/letters.h"

#define CHUNK 65536
#define MOST_RATIO 100 // of contents to file; weights seldom shrink to a half
#define FREE_SIZE ((uint64_t)64 << 20) // of contents, whatever the file's size
#define EXTRA_MAX (1 << 24)            // bytes of an extra file

typedef struct file {
    const char *name; // borrowed from the archive
    uint64_t size;
    zip_uint64_t index;
} file;

// The files of an archive. libtorch looks them up without regard to case.
typedef struct names {
    file *files; // owned; sorted by name
    size_t num;
    const char *root; // borrowed; the folder that all are in
    size_t root_size;
} names;

static igd_status damaged(const char *path, const char *entry, zip_error_t *e)
{
    if (zip_error_code_zip(e) == ZIP_ER_CRC)
        return igd_error(IGD_EFORMAT, "%s: damaged: '%s' does not match its checksum",
                         path, entry);
    return igd_error(IGD_EFORMAT, "%s: damaged: '%s': %s", path, entry,
                     zip_error_strerror(e));
}

static igd_status too_much(const char *path, const char *entry)
{
    return igd_error(IGD_EFORMAT,
                     "%s: '%s' makes the contents larger than %d times the file", path,
                     entry, MOST_RATIO);
}

// `room` is how much more there may be.
static igd_status check_entry(zip_t *archive, const file *f, const char *path,
                              uint64_t *room)
{
    char chunk[CHUNK];
    zip_int64_t got;
    const char *name = f->name;
    uint64_t left = *room;
    if (f->size > left)
        return too_much(path, name);
    zip_file_t *entry = zip_fopen_index(archive, f->index, 0);
    if (entry == NULL)
        return damaged(path, name, zip_get_error(archive));
    // Contents may be more than they say.
    while ((got = zip_fread(entry, chunk, sizeof(chunk))) > 0 && (uint64_t)got <= left)
        left -= (uint64_t)got;
    const igd_status st =
        got < 0   ? damaged(path, name, zip_file_get_error(entry))
        : got > 0 ? too_much(path, name)
        : *room - left < f->size
            ? igd_error(IGD_EFORMAT, "%s: damaged: '%s' ends early", path, name)
            : IGD_OK;
    *room = left;
    zip_fclose(entry);
    return st;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

// *room becomes how large the contents of an archive may be; NULL: does not matter.
static igd_status check_kind(const char *path, uint64_t *room)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return igd_error(IGD_EIO, "%s: is a folder", path);
    if (room != NULL)
        *room = FREE_SIZE + MOST_RATIO * (uint64_t)info.st_size;
    return IGD_OK;
}

static int compare_letters(const char *a, const char *b)
{
    while (*a != '\0' && igd_lower(*a) == igd_lower(*b)) {
        a++;
        b++;
    }
    return igd_lower(*a) - igd_lower(*b);
}

static int compare_files(const void *a, const void *b)
{
    return compare_letters(((const file *)a)->name, ((const file *)b)->name);
}

// names.root is that of the first file, as libtorch takes it.
static igd_status list_names(names *out, zip_t *archive, const char *path)
{
    const zip_int64_t num = zip_get_num_entries(archive, 0);
    *out = (names){0};
    if (num <= 0)
        return IGD_OK;
    out->files = calloc((size_t)num, sizeof(*out->files));
    if (out->files == NULL)
        return igd_error(IGD_ENOMEM, "%s: out of memory", path);
    for (zip_int64_t i = 0; i < num; i++) {
        zip_stat_t info;
        const zip_uint64_t index = (zip_uint64_t)i;
        const char *name = zip_get_name(archive, index, ZIP_FL_ENC_RAW);
        if (name == NULL)
            return damaged(path, "a name", zip_get_error(archive));
        if (zip_stat_index(archive, index, 0, &info) != 0 ||
            (info.valid & ZIP_STAT_SIZE) == 0)
            return damaged(path, name, zip_get_error(archive));
        out->files[out->num++] = (file){name, info.size, index};
    }
    out->root = out->files[0].name;
    out->root_size = strcspn(out->root, "/");
    qsort(out->files, out->num, sizeof(*out->files), compare_files);
    return IGD_OK;
}

static igd_status check_names(const names *n, const char *path)
{
    for (size_t i = 1; i < n->num; i++)
        if (compare_files(&n->files[i - 1], &n->files[i]) == 0)
            return igd_error(IGD_EFORMAT,
                             "%s: damaged: '%s' is there twice, or differs from another "
                             "name in nothing but case",
                             path, n->files[i].name);
    return IGD_OK;
}

// ROOT/NAME; NULL where there is none.
static const file *find(const names *n, const char *name)
{
    char text[512];
    const int size =
        snprintf(text, sizeof(text), "%.*s/%s", (int)n->root_size, n->root, name);
    if (n->num == 0 || size < 0 || size >= (int)sizeof(text))
        return NULL;
    const file wanted = {.name = text};
    return bsearch(&wanted, n->files, n->num, sizeof(*n->files), compare_files);
}

static bool find_size(uint64_t *size, const void *self, const char *folder,
                      const char *key, size_t key_size)
{
    char text[256];
    // libtorch's look-up ends at a zero.
    if (key_size > 128 || memchr(key, '\0', key_size) != NULL)
        return false;
    snprintf(text, sizeof(text), "%s/%.*s", folder, (int)key_size, key);
    const file *found = find(self, text);
    *size = found != NULL ? found->size : 0;
    return found != NULL;
}

// The tensors that ROOT/FOLDER.pkl names, which lie in ROOT/FOLDER.
static igd_status check_tensors(zip_t *archive, const names *n, const char *folder,
                                const char *path)
{
    char name[64];
    snprintf(name, sizeof(name), "%s.pkl", folder);
    const file *pickle = find(n, name);
    if (pickle == NULL)
        return IGD_OK; // loading the model says what is wrong with it
    unsigned char *bytes = malloc((size_t)pickle->size + 1);
    if (bytes == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for '%s'", path, name);
    zip_file_t *entry = zip_fopen_index(archive, pickle->index, 0);
    const zip_int64_t got = entry != NULL ? zip_fread(entry, bytes, pickle->size) : -1;
    if (entry != NULL)
        zip_fclose(entry);
    const igd_archive_folder at = {folder, n, find_size};
    const igd_status st =
        got >= 0 && (uint64_t)got == pickle->size
            ? igd_archive_tensors_check(bytes, (size_t)pickle->size, &at, path)
            : igd_error(IGD_EFORMAT, "%s: damaged: '%s' cannot be read", path, name);
    free(bytes);
    return st;
}

static igd_status check_contents(zip_t *archive, const names *n, const char *path,
                                 uint64_t room)
{
    for (size_t i = 0; i < n->num; i++)
        IGD_TRY(check_entry(archive, &n->files[i], path, &room));
    // What libtorch reads for PyTorch 1.1, by other rules.
    if (find(n, "model.json") != NULL)
        return igd_error(IGD_EFORMAT, "%s: written by PyTorch 1.1 or older", path);
    if (find(n, "constants.pkl") == NULL)
        return igd_file_kind_refuse_model(path, "not a TorchScript file");
    IGD_TRY(check_names(n, path));
    IGD_TRY(check_tensors(archive, n, "constants", path));
    return check_tensors(archive, n, "data", path);
}

igd_status igd_archive_check(const char *path)
{
    int code = 0;
    names n = {0};
    uint64_t room = 0;
    igd_status st;

    IGD_TRY(check_kind(path, &room));
    zip_t *archive = zip_open(path, ZIP_RDONLY, &code);
    if (archive == NULL) {
        if (code == ZIP_ER_MEMORY)
            return igd_error(IGD_ENOMEM, "%s: out of memory", path);
        return igd_file_kind_refuse_model(path, "not a TorchScript file, or truncated");
    }
    if ((st = list_names(&n, archive, path)) == IGD_OK)
        st = check_contents(archive, &n, path, room);
    free(n.files);
    zip_discard(archive);
    return st;
}

static igd_status read_extra(char **out, zip_t *archive, zip_uint64_t i, const char *path,
                             const char *name)
{
    zip_stat_t about;
    if (zip_stat_index(archive, i, 0, &about) != 0 || (about.valid & ZIP_STAT_SIZE) == 0)
        return damaged(path, name, zip_get_error(archive));
    if (about.size > EXTRA_MAX)
        return igd_error(IGD_EFORMAT, "%s: '%s' has %llu bytes", path, name,
                         (unsigned long long)about.size);
    char *text = calloc(1, (size_t)about.size + 1);
    if (text == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for '%s'", path, name);
    zip_file_t *entry = zip_fopen_index(archive, i, 0);
    const zip_int64_t got = entry != NULL ? zip_fread(entry, text, about.size) : -1;
    if (entry != NULL)
        zip_fclose(entry);
    igd_status st = IGD_OK;
    if (got != (zip_int64_t)about.size)
        st = igd_error(IGD_EFORMAT, "%s: damaged: '%s' cannot be read", path, name);
    else if (strlen(text) != about.size)
        st = igd_error(IGD_EFORMAT, "%s: '%s' holds a zero byte", path, name);
    if (st != IGD_OK) {
        free(text);
        return st;
    }
    *out = text;
    return IGD_OK;
}

igd_status igd_archive_extra(char **out, const char *path, const char *name)
{
    char end[128];
    int code = 0;
    igd_status st = IGD_OK;

    *out = NULL;
    snprintf(end, sizeof(end), "/extra/%s", name);
    IGD_TRY(check_kind(path, NULL));
    zip_t *archive = zip_open(path, ZIP_RDONLY, &code);
    if (archive == NULL)
        return IGD_OK; // loading the model says what is wrong with it
    const zip_int64_t num = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; i < num; i++) {
        const char *entry = zip_get_name(archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (entry != NULL && ends_with(entry, end)) {
            st = read_extra(out, archive, (zip_uint64_t)i, path, name);
            break;
        }
    }
    zip_discard(archive);
    return st;
}
