// Owns reading whole files and replacing them atomically.
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/error.h"

#define CHUNK 65536

static igd_status too_large(const char *path, size_t limit)
{
    return igd_error(IGD_EFORMAT, "%s: larger than %zu bytes", path, limit);
}

// Bytes that grow by doubling up to `limit`; one more is kept for the final zero.
typedef struct growing {
    unsigned char *data; // owned
    size_t size, room, limit;
} growing;

static igd_status grow(growing *g, const char *path)
{
    if (g->size == g->limit)
        return too_large(path, g->limit);
    size_t room = g->room < CHUNK / 2 ? CHUNK : g->room * 2;
    if (g->room > g->limit / 2 || room > g->limit)
        room = g->limit;
    unsigned char *data = realloc(g->data, room + 1);
    if (data == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %zu bytes", path, room);
    g->data = data;
    g->room = room;
    return IGD_OK;
}

static igd_status read_all(growing *g, int file, const char *path)
{
    for (;;) {
        unsigned char beyond;
        // A full buffer may be the whole file: look before it grows.
        const bool full = g->size == g->room;
        unsigned char *to = full ? &beyond : g->data + g->size;
        const ssize_t got = read(file, to, full ? 1 : g->room - g->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
        if (got == 0)
            return IGD_OK;
        if (full) {
            IGD_TRY(grow(g, path));
            g->data[g->size] = beyond;
        }
        g->size += (size_t)got;
    }
}

igd_status igd_file_read(unsigned char **out, size_t *size, const char *path,
                         size_t limit)
{
    // One byte of room below SIZE_MAX is the final zero's.
    growing g = {.limit = limit < SIZE_MAX ? limit : SIZE_MAX - 1};
    struct stat info;
    int file = -1;
    igd_status st = IGD_OK;

    *out = NULL;
    *size = 0;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) != 0) {
        st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (S_ISDIR(info.st_mode)) {
        st = igd_error(IGD_EIO, "%s: is a folder, not a file", path);
        goto done;
    }
    if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > g.limit) {
        st = too_large(path, g.limit);
        goto done;
    }
    g.room = S_ISREG(info.st_mode) ? (size_t)info.st_size : 0;
    g.data = malloc(g.room + 1);
    if (g.data == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %zu bytes", path, g.room);
        goto done;
    }
    st = read_all(&g, file, path);
    if (st != IGD_OK)
        goto done;
    g.data[g.size] = '\0';
    *out = g.data;
    *size = g.size;
    g.data = NULL;

done:
    if (file >= 0)
        close(file);
    free(g.data);
    return st;
}

bool igd_is_gzip(const unsigned char *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static igd_status inflate_all(growing *g, z_stream *z, const unsigned char *data,
                              size_t size, const char *path)
{
    size_t given = 0; // bytes of `data` that zlib was shown; avail_in has only 32 bits
    for (;;) {
        if (z->avail_in == 0 && given < size) {
            const size_t left = size - given;
            z->next_in = (z_const Bytef *)(data + given);
            z->avail_in = left < (1u << 30) ? (uInt)left : 1u << 30;
            given += z->avail_in;
        }
        if (g->size == g->room)
            IGD_TRY(grow(g, path));
        const size_t room = g->room - g->size;
        const uInt offered = room < (1u << 30) ? (uInt)room : 1u << 30;
        z->next_out = g->data + g->size;
        z->avail_out = offered;
        const int rc = inflate(z, Z_NO_FLUSH);
        g->size += offered - z->avail_out;
        if (rc == Z_STREAM_END) {
            if (z->avail_in == 0 && given == size)
                return IGD_OK;
            // Another member follows, as `cat a.gz b.gz` makes it.
            if (inflateReset(z) != Z_OK)
                return igd_error(IGD_EFORMAT, "%s: damaged gzip data", path);
        } else if (rc == Z_MEM_ERROR) {
            return igd_error(IGD_ENOMEM, "%s: no memory to decompress", path);
        } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
            return igd_error(IGD_EFORMAT, "%s: damaged gzip data", path);
        } else if (z->avail_in == 0 && given == size && z->avail_out > 0) {
            return igd_error(IGD_EFORMAT, "%s: truncated gzip data", path);
        }
    }
}

igd_status igd_gunzip(unsigned char **out, size_t *out_size, const unsigned char *data,
                      size_t size, const char *path, size_t limit)
{
    growing g = {.limit = limit < SIZE_MAX ? limit : SIZE_MAX - 1};
    z_stream z = {0};
    igd_status st = IGD_OK;

    *out = NULL;
    *out_size = 0;
    if (inflateInit2(&z, 15 + 16) != Z_OK) // the largest window; gzip's framing
        return igd_error(IGD_ENOMEM, "%s: no memory to decompress", path);
    st = inflate_all(&g, &z, data, size, path);
    if (st != IGD_OK)
        goto done;
    g.data[g.size] = '\0';
    *out = g.data;
    *out_size = g.size;
    g.data = NULL;

done:
    inflateEnd(&z);
    free(g.data);
    return st;
}

igd_status igd_file_read_gzip(unsigned char **out, size_t *size, const char *path,
                              size_t limit)
{
    unsigned char *raw = NULL;
    size_t raw_size = 0;

    *out = NULL;
    *size = 0;
    IGD_TRY(igd_file_read(&raw, &raw_size, path, limit));
    if (!igd_is_gzip(raw, raw_size)) {
        *out = raw;
        *size = raw_size;
        return IGD_OK;
    }
    const igd_status st = igd_gunzip(out, size, raw, raw_size, path, limit);
    free(raw);
    return st;
}

struct igd_writer {
    char *path;      // owned; symbolic links resolved
    char *temporary; // owned; NULL where the path is a device and written to directly
    FILE *stream;    // owned
    bool committed;
};

// A fresh file beside `path`. Not mkstemp(), whose files no other user may read.
static igd_status open_temporary(igd_writer *w)
{
    const size_t length = strlen(w->path) + 40;
    w->temporary = malloc(length);
    if (w->temporary == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", w->path);
    int file = -1;
    for (int i = 0; i < 1000 && file < 0; i++) {
        snprintf(w->temporary, length, "%s.%ld-%d.tmp", w->path, (long)getpid(), i);
        file = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno != EEXIST)
            break;
    }
    w->stream = file < 0 ? NULL : fdopen(file, "wb");
    if (w->stream != NULL)
        return IGD_OK;
    const igd_status st = igd_error(IGD_EIO, "%s: %s", w->path, strerror(errno));
    if (file >= 0) {
        close(file);
        unlink(w->temporary);
    }
    free(w->temporary);
    w->temporary = NULL;
    return st;
}

igd_status igd_writer_open(igd_writer **out, const char *path)
{
    igd_writer *w = NULL;
    struct stat info;
    igd_status st = IGD_OK;

    *out = NULL;
    st = igd_file_check_writable(path);
    if (st != IGD_OK)
        return st;
    w = calloc(1, sizeof(*w));
    const bool exists = stat(path, &info) == 0;
    if (w != NULL) // rename() would put a file in the place of a link
        w->path = exists ? realpath(path, NULL) : strdup(path);
    if (w == NULL || w->path == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
        goto done;
    }
    if (exists && !S_ISREG(info.st_mode)) { // /dev/stdout, say, which stays a device
        w->stream = fopen(path, "wb");
        if (w->stream == NULL)
            st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
    } else {
        st = open_temporary(w);
    }
    if (st != IGD_OK)
        goto done;
    *out = w;
    w = NULL;

done:
    igd_writer_free(w);
    return st;
}

FILE *igd_writer_stream(igd_writer *w)
{
    return w->stream;
}

const char *igd_writer_temporary(const igd_writer *w)
{
    return w->temporary != NULL ? w->temporary : w->path;
}

// The rename itself survives a power cut only when the folder is flushed too. Some file
// systems cannot; the file's content is safe without.
static void flush_folder(const char *path)
{
    char *folder = igd_path_folder(path);
    if (folder == NULL)
        return;
    const int file = open(folder, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
    free(folder);
}

igd_status igd_writer_commit(igd_writer *w)
{
    igd_status st = IGD_OK;

    errno = EIO; // for a write that failed earlier, whose own reason is gone
    bool good = ferror(w->stream) == 0 && fflush(w->stream) == 0;
    if (good && w->temporary != NULL)
        good = fsync(fileno(w->stream)) == 0;
    if (!good)
        st = igd_error(IGD_EIO, "%s: %s", w->path, strerror(errno));
    if (fclose(w->stream) != 0 && good)
        st = igd_error(IGD_EIO, "%s: %s", w->path, strerror(errno));
    w->stream = NULL;
    if (st != IGD_OK)
        goto done;
    if (w->temporary != NULL) {
        if (rename(w->temporary, w->path) != 0) {
            st = igd_error(IGD_EIO, "%s: %s", w->path, strerror(errno));
            goto done;
        }
        flush_folder(w->path);
    }
    w->committed = true;

done:
    igd_writer_free(w);
    return st;
}

void igd_writer_free(igd_writer *w)
{
    if (w == NULL)
        return;
    if (w->stream != NULL)
        fclose(w->stream);
    if (w->temporary != NULL && !w->committed)
        unlink(w->temporary);
    free(w->temporary);
    free(w->path);
    free(w);
}

igd_status igd_file_write(const char *path, const void *data, size_t size)
{
    igd_writer *w = NULL;
    IGD_TRY(igd_writer_open(&w, path));
    errno = 0;
    if (size > 0 && fwrite(data, 1, size, w->stream) != size) {
        const igd_status st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
        igd_writer_free(w);
        return st;
    }
    return igd_writer_commit(w);
}

igd_status igd_file_check_writable(const char *path)
{
    struct stat info;
    if (path[0] == '\0')
        return igd_error(IGD_EINVAL, "the name of a file to write is empty");
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return igd_error(IGD_EIO, "%s: is a folder, not a file", path);
    if (exists && access(path, W_OK) != 0)
        return igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
    if (exists && !S_ISREG(info.st_mode))
        return IGD_OK;

    char *folder = exists ? realpath(path, NULL) : strdup(path);
    if (folder == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", path);
    char *slash = strrchr(folder, '/');
    const char *where = slash == NULL ? "." : slash == folder ? "/" : folder;
    igd_status st = IGD_OK;
    if (slash != NULL && slash[1] == '\0')
        st = igd_error(IGD_EINVAL, "%s: is the name of a folder, not of a file", path);
    if (slash != NULL)
        *slash = '\0';
    if (st == IGD_OK && (stat(where, &info) != 0 || access(where, W_OK | X_OK) != 0))
        st = igd_error(IGD_EIO, "%s: its folder: %s", path, strerror(errno));
    else if (st == IGD_OK && !S_ISDIR(info.st_mode))
        st = igd_error(IGD_EIO, "%s: %s is not a folder", path, where);
    free(folder);
    return st;
}

char *igd_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

bool igd_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool igd_path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *igd_path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const size_t room = length + strlen(name) + 2;
    char *path = malloc(room);
    if (path != NULL) {
        const bool slash = length > 0 && folder[length - 1] == '/';
        snprintf(path, room, "%s%s%s", folder, slash ? "" : "/", name);
    }
    return path;
}
