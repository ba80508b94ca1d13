// Owns the check of TorchScript archives; libzip compares the checksums of what is read.
#include "core/archive.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "core/error.h"
#include "core/file_kind.h"

#define CHUNK 65536

static igd_status damaged(const char *path, const char *entry, zip_error_t *e)
{
    if (zip_error_code_zip(e) == ZIP_ER_CRC)
        return igd_error(IGD_EFORMAT, "%s: damaged: '%s' does not match its checksum",
                         path, entry);
    return igd_error(IGD_EFORMAT, "%s: damaged: '%s': %s", path, entry,
                     zip_error_strerror(e));
}

static igd_status check_entry(zip_t *archive, zip_uint64_t i, const char *name,
                              const char *path)
{
    char chunk[CHUNK];
    zip_int64_t got;
    zip_file_t *entry = zip_fopen_index(archive, i, 0);
    if (entry == NULL)
        return damaged(path, name, zip_get_error(archive));
    do
        got = zip_fread(entry, chunk, sizeof(chunk));
    while (got > 0);
    const igd_status st =
        got < 0 ? damaged(path, name, zip_file_get_error(entry)) : IGD_OK;
    zip_fclose(entry);
    return st;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static igd_status check_kind(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return igd_error(IGD_EIO, "%s: is a folder", path);
    return IGD_OK;
}

igd_status igd_archive_check(const char *path)
{
    int code = 0;
    bool program = false;
    igd_status st = IGD_OK;

    IGD_TRY(check_kind(path));
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
        st = check_entry(archive, (zip_uint64_t)i, name, path);
    }
    if (st == IGD_OK && !program)
        st = igd_file_kind_refuse_model(path, "not a TorchScript file");
    zip_discard(archive);
    return st;
}
