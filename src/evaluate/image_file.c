// Owns the partial .npy file.
#include "evaluate/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

#define HEADER 128 // bytes before the first number, a multiple of 64

struct igd_image_file {
    int fd;
    char *path, *part; // owned
    size_t bytes;      // of one image
};

static igd_status failed(const igd_image_file *f, const char *what)
{
    return igd_error(IGD_EIO, "%s: %s: %s", f->part, what, strerror(errno));
}

static char *part_of(const char *path)
{
    char *part = malloc(strlen(path) + sizeof(".part"));
    if (part != NULL)
        snprintf(part, strlen(path) + sizeof(".part"), "%s.part", path);
    return part;
}

static igd_status transfer(igd_image_file *f, bool writes, char *data, size_t size,
                           off_t at)
{
    while (size > 0) {
        const ssize_t done =
            writes ? pwrite(f->fd, data, size, at) : pread(f->fd, data, size, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failed(f, writes ? "cannot write" : "cannot read");
        if (done == 0)
            return igd_error(IGD_EFORMAT, "%s: cut off", f->part);
        data += done;
        at += done;
        size -= (size_t)done;
    }
    return IGD_OK;
}

// Version 1 of the .npy format: magic, length of the description, description, padding.
static void make_header(char out[HEADER], int64_t n, const int64_t shape[3])
{
    static const char start[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER - 10, 0};
    char text[HEADER];
    const int length = snprintf(text, sizeof(text),
                                "{'descr': '<f4', 'fortran_order': False, 'shape': "
                                "(%lld, %lld, %lld, %lld), }",
                                (long long)n, (long long)shape[0], (long long)shape[1],
                                (long long)shape[2]);
    memset(out, ' ', HEADER);
    memcpy(out, start, sizeof(start));
    memcpy(out + sizeof(start), text, (size_t)length);
    out[HEADER - 1] = '\n';
}

static igd_status prepare(igd_image_file *f, int64_t n, const int64_t shape[3],
                          igd_image_file_mode mode)
{
    const bool resumed = mode != IGD_IMAGES_NEW;
    char header[HEADER], there[HEADER];
    const off_t size = HEADER + (off_t)n * (off_t)f->bytes;
    struct stat info;

    make_header(header, n, shape);
    if (mode == IGD_IMAGES_COMPLETE && access(f->part, F_OK) != 0)
        rename(f->path, f->part); // where this fails, opening says so
    f->fd = open(f->part, O_RDWR | O_CLOEXEC | (resumed ? 0 : O_CREAT | O_TRUNC), 0666);
    if (f->fd < 0 && resumed)
        return igd_error(IGD_ESTATE,
                         "%s: the images of the interrupted run: %s; --restart begins "
                         "anew",
                         f->part, strerror(errno));
    if (f->fd < 0)
        return failed(f, "cannot open");
    if (!resumed) {
        // Reserved now, so that a full disk shows before hours of work.
        const int code = posix_fallocate(f->fd, 0, size);
        if (code != 0) {
            errno = code;
            return failed(f, "cannot reserve its space");
        }
        return transfer(f, true, header, HEADER, 0);
    }
    if (fstat(f->fd, &info) != 0)
        return failed(f, "cannot read");
    IGD_TRY(transfer(f, false, there, HEADER, 0));
    if (info.st_size != size || memcmp(header, there, HEADER) != 0)
        return igd_error(IGD_ESTATE, "%s: of another run; --restart begins anew",
                         f->part);
    return IGD_OK;
}

igd_status igd_image_file_open(igd_image_file **out, const char *path, int64_t n,
                               const int64_t shape[3], igd_image_file_mode mode)
{
    igd_image_file *f = calloc(1, sizeof(*f));
    igd_status st;

    *out = NULL;
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    f->fd = -1;
    f->bytes = (size_t)(shape[0] * shape[1] * shape[2]) * sizeof(float);
    f->part = part_of(path);
    f->path = malloc(strlen(path) + 1);
    if (f->path == NULL || f->part == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    memcpy(f->path, path, strlen(path) + 1);
    st = prepare(f, n, shape, mode);

done:
    if (st != IGD_OK) {
        if (mode == IGD_IMAGES_NEW && f->fd >= 0)
            unlink(f->part);
        igd_image_file_free(f);
        return st;
    }
    *out = f;
    return IGD_OK;
}

igd_status igd_image_file_put(igd_image_file *f, int64_t row, const float *x)
{
    union {
        const float *in;
        char *out;
    } data = {.in = x}; // pwrite only reads it
    return transfer(f, true, data.out, f->bytes, HEADER + (off_t)row * (off_t)f->bytes);
}

igd_status igd_image_file_get(igd_image_file *f, int64_t row, float *x)
{
    return transfer(f, false, (char *)x, f->bytes, HEADER + (off_t)row * (off_t)f->bytes);
}

igd_status igd_image_file_sync(igd_image_file *f)
{
    return fdatasync(f->fd) == 0 ? IGD_OK : failed(f, "cannot write");
}

igd_status igd_image_file_commit(igd_image_file *f)
{
    igd_status st = IGD_OK;
    if (fsync(f->fd) != 0 || rename(f->part, f->path) != 0)
        st = failed(f, "cannot finish");
    igd_image_file_free(f);
    return st;
}

void igd_image_file_free(igd_image_file *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f->part);
    free(f);
}
