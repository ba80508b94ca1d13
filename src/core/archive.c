// Owns the reading of TorchScript archives: the check, by libzip, which compares the
// checksums of what is read, and extra files.
#include "core/archive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "core/error.h"
#include "core/file_kind.h"

#define CHUNK 65536
#define MOST_RATIO 100 // of contents to file; weights seldom shrink to a half
#define FREE_SIZE ((uint64_t)64 << 20) // of contents, whatever the file's size
#define EXTRA_MAX (1 << 24)            // bytes of an extra file

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
static igd_status check_entry(zip_t *archive, zip_uint64_t i, const char *name,
                              const char *path, uint64_t *room)
{
    char chunk[CHUNK];
    zip_int64_t got;
    zip_stat_t info;
    uint64_t left = *room;
    if (zip_stat_index(archive, i, 0, &info) != 0 || (info.valid & ZIP_STAT_SIZE) == 0)
        return damaged(path, name, zip_get_error(archive));
    if (info.size > left)
        return too_much(path, name);
    zip_file_t *entry = zip_fopen_index(archive, i, 0);
    if (entry == NULL)
        return damaged(path, name, zip_get_error(archive));
    // Contents may be more than they say.
    while ((got = zip_fread(entry, chunk, sizeof(chunk))) > 0 && (uint64_t)got <= left)
        left -= (uint64_t)got;
    const igd_status st = got < 0   ? damaged(path, name, zip_file_get_error(entry))
                          : got > 0 ? too_much(path, name)
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

igd_status igd_archive_check(const char *path)
{
    int code = 0;
    bool program = false;
    uint64_t room = 0;
    igd_status st = IGD_OK;

    IGD_TRY(check_kind(path, &room));
    zip_t *archive = zip_open(path, ZIP_RDONLY, &code);
    if (archive == NULL) {
        if (code == ZIP_ER_MEMORY)
            return igd_error(IGD_ENOMEM, "%s: out of memory", path);
        return igd_file_kind_refuse_model(path, "not a TorchScript file, or truncated");
    }
    const zip_int64_t num = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; i < num && st == IGD_OK; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (name == NULL) {
            st = damaged(path, "a name", zip_get_error(archive));
            break;
        }
        program = program || ends_with(name, "/constants.pkl");
        st = check_entry(archive, (zip_uint64_t)i, name, path, &room);
    }
    if (st == IGD_OK && !program)
        st = igd_file_kind_refuse_model(path, "not a TorchScript file");
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
