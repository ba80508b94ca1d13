// Owns reading whole files, and paths.
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
    size_t (*declared)(const unsigned char *head); // asked once; then NULL
} growing;

static igd_status grow(growing *g, const char *path)
{
    if (g->size >= g->limit)
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

ssize_t igd_read_at(int file, void *out, size_t size, off_t at)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t got =
            pread(file, (char *)out + done, size - done, at + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int igd_write_at(int file, const void *data, size_t size, off_t at)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t put =
            pwrite(file, (const char *)data + done, size - done, at + (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
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
        if (g->declared != NULL && g->size >= IGD_DECLARED_AFTER) {
            const size_t limit = g->declared(g->data);
            if (limit > g->limit) // the rest need not be seen
                return too_large(path, g->limit);
            g->limit = limit;
            g->declared = NULL;
        }
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
                      size_t size, const char *path, size_t limit,
                      size_t (*declared)(const unsigned char *head))
{
    growing g = {.limit = limit < SIZE_MAX ? limit : SIZE_MAX - 1, .declared = declared};
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
                              size_t limit, size_t (*declared)(const unsigned char *head))
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
    const igd_status st = igd_gunzip(out, size, raw, raw_size, path, limit, declared);
    free(raw);
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

igd_status igd_folder_holds(bool *out, const char *folder, const char *const *names)
{
    *out = false;
    for (; *names != NULL && !*out; names++) {
        char *path = igd_path_join(folder, *names);
        if (path == NULL)
            return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
        *out = igd_path_exists(path) && !igd_path_is_folder(path);
        free(path);
    }
    return IGD_OK;
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
