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
#include "core/file.h"

#define HEADER 128 // bytes before the first number, a multiple of 64
#define MARK "igdef.images/1\n"
#define MARK_SIZE ((off_t)sizeof(MARK) - 1)
#define DIGEST ((off_t)IGD_SHA256_LENGTH - 1)
#define CHUNK 65536

// After the images, until they are complete: the mark, the key of the run, and a digest
// of every image.
struct igd_image_file {
    int fd;
    char *path, *part; // owned
    size_t bytes;      // of one image
    int64_t n;
    bool begun;                  // by this run, so that nothing in it is worth keeping
    char key[IGD_SHA256_LENGTH]; // zeros where nothing resumes the run
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

static igd_status read_at(igd_image_file *f, void *out, size_t size, off_t at)
{
    const ssize_t got = igd_read_at(f->fd, out, size, at);
    if (got < 0)
        return failed(f, "cannot read");
    return got == (ssize_t)size ? IGD_OK : igd_error(IGD_EFORMAT, "%s: cut off", f->part);
}

static igd_status write_at(igd_image_file *f, const void *data, size_t size, off_t at)
{
    return igd_write_at(f->fd, data, size, at) == 0 ? IGD_OK : failed(f, "cannot write");
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

static off_t end_of_images(const igd_image_file *f)
{
    return HEADER + (off_t)f->n * (off_t)f->bytes;
}

static off_t end_of_digests(const igd_image_file *f)
{
    return end_of_images(f) + MARK_SIZE + DIGEST * (1 + (off_t)f->n);
}

static off_t digest_at(const igd_image_file *f, int64_t row)
{
    return end_of_images(f) + MARK_SIZE + DIGEST * (1 + (off_t)row);
}

// Of an image that belongs to this run, in this place.
static igd_status digest_of(char out[IGD_SHA256_LENGTH], const igd_image_file *f,
                            int64_t row, const void *x)
{
    igd_sha256 *sum = NULL;
    IGD_TRY(igd_sha256_new(&sum));
    igd_sha256_add(sum, f->key, (size_t)DIGEST);
    igd_sha256_add(sum, &row, sizeof(row));
    igd_sha256_add(sum, x, f->bytes);
    const igd_status st = igd_sha256_hex(sum, out);
    igd_sha256_free(sum);
    return st;
}

static igd_status write_key(igd_image_file *f)
{
    IGD_TRY(write_at(f, MARK, (size_t)MARK_SIZE, end_of_images(f)));
    return write_at(f, f->key, (size_t)DIGEST, end_of_images(f) + MARK_SIZE);
}

static igd_status begin(igd_image_file *f, const char header[HEADER])
{
    // Reserved now, so that a full disk shows before hours of work.
    const int code = posix_fallocate(f->fd, 0, end_of_digests(f));
    if (code != 0) {
        errno = code;
        return failed(f, "cannot reserve its space");
    }
    IGD_TRY(write_at(f, header, HEADER, 0));
    return write_key(f);
}

static igd_status of_another_run(const igd_image_file *f)
{
    return igd_error(IGD_ESTATE, "%s: of another run; option restart begins anew",
                     f->part);
}

// Digests for images that have none.
static igd_status add_digests(igd_image_file *f)
{
    char sum[IGD_SHA256_LENGTH];
    char *x = malloc(f->bytes);
    igd_status st =
        x != NULL ? write_key(f) : igd_error(IGD_ENOMEM, "%s: no memory", f->part);
    for (int64_t i = 0; i < f->n && st == IGD_OK; i++)
        if ((st = read_at(f, x, f->bytes, HEADER + (off_t)i * (off_t)f->bytes)) ==
                IGD_OK &&
            (st = digest_of(sum, f, i, x)) == IGD_OK)
            st = write_at(f, sum, (size_t)DIGEST, digest_at(f, i));
    free(x);
    return st;
}

// What an interrupted run left, which must be this one.
static igd_status check(igd_image_file *f, bool *sealed, const char header[HEADER],
                        const char *expected)
{
    char there[HEADER], mark[sizeof(MARK)] = "", key[IGD_SHA256_LENGTH] = "";
    char sum[IGD_SHA256_LENGTH];
    struct stat info;
    if (fstat(f->fd, &info) != 0)
        return failed(f, "cannot read");
    if (info.st_size < HEADER)
        return of_another_run(f);
    IGD_TRY(read_at(f, there, HEADER, 0));
    if (memcmp(header, there, HEADER) != 0)
        return of_another_run(f);
    if (info.st_size == end_of_images(f)) {
        // Complete, or of an older version.
        IGD_TRY(igd_image_file_sum(f, sum));
        *sealed = expected[0] != '\0';
        if (*sealed && strcmp(sum, expected) != 0)
            return of_another_run(f);
        return add_digests(f);
    }
    if (info.st_size != end_of_digests(f))
        return of_another_run(f);
    IGD_TRY(read_at(f, mark, (size_t)MARK_SIZE, end_of_images(f)));
    IGD_TRY(read_at(f, key, (size_t)DIGEST, end_of_images(f) + MARK_SIZE));
    return strcmp(mark, MARK) == 0 && strcmp(key, f->key) == 0 ? IGD_OK
                                                               : of_another_run(f);
}

// Whether the file that is there holds the images of a run that can be resumed and is not
// this one. The size that the other has is not known: its key is looked for.
static igd_status check_foreign(const igd_image_file *f)
{
    const size_t most = (size_t)(MARK_SIZE + DIGEST);
    char window[CHUNK + sizeof(MARK) + IGD_SHA256_LENGTH];
    size_t kept = 0;
    off_t at = HEADER;
    for (;;) {
        const ssize_t got = pread(f->fd, window + kept, CHUNK, at);
        if (got < 0)
            return failed(f, "cannot read");
        if (got == 0)
            return IGD_OK;
        at += got;
        const size_t size = kept + (size_t)got;
        for (size_t k = 0; k + most <= size; k++) {
            const char *key = window + k + MARK_SIZE;
            if (memcmp(window + k, MARK, (size_t)MARK_SIZE) != 0)
                continue;
            if (key[0] == '-' || memcmp(key, f->key, (size_t)DIGEST) == 0)
                return IGD_OK;
            return igd_error(
                IGD_ESTATE,
                "%s: holds the images of another interrupted run; option restart "
                "or removing it discards them",
                f->part);
        }
        kept = size < most ? size : most;
        memmove(window, window + size - kept, kept);
    }
}

static igd_status prepare(igd_image_file *f, bool *sealed, const igd_images_of *of)
{
    char header[HEADER];

    make_header(header, of->n, of->shape);
    bool moved = false;
    if (of->mode == IGD_IMAGES_COMPLETE && access(f->part, F_OK) != 0)
        moved = rename(f->path, f->part) == 0; // where this fails, opening says so
    const bool resumed = of->mode != IGD_IMAGES_NEW;
    f->fd = open(f->part, O_RDWR | O_CLOEXEC | (resumed ? 0 : O_CREAT), 0666);
    if (f->fd < 0 && resumed)
        return igd_error(
            IGD_ESTATE,
            "%s: the images of the interrupted run: %s; option restart begins "
            "anew",
            f->part, strerror(errno));
    if (f->fd < 0)
        return failed(f, "cannot open");
    if (resumed) {
        const igd_status st = check(f, sealed, header, of->sum);
        if (st != IGD_OK && moved)
            rename(f->part, f->path); // it is somebody else's
        return st;
    }
    if (!of->discard)
        IGD_TRY(check_foreign(f));
    f->begun = true;
    if (ftruncate(f->fd, 0) != 0)
        return failed(f, "cannot write");
    return begin(f, header);
}

igd_status igd_image_file_open(igd_image_file **out, bool *sealed, const char *path,
                               const igd_images_of *of)
{
    igd_image_file *f = calloc(1, sizeof(*f));
    igd_status st;

    *out = NULL;
    *sealed = true;
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    f->fd = -1;
    f->n = of->n;
    f->bytes = (size_t)(of->shape[0] * of->shape[1] * of->shape[2]) * sizeof(float);
    memset(f->key, '-', sizeof(f->key) - 1);
    if (of->key != NULL)
        memcpy(f->key, of->key, sizeof(f->key));
    f->part = part_of(path);
    f->path = malloc(strlen(path) + 1);
    if (f->path == NULL || f->part == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    memcpy(f->path, path, strlen(path) + 1);
    st = prepare(f, sealed, of);

done:
    if (st != IGD_OK) {
        if (f->begun)
            unlink(f->part);
        igd_image_file_free(f);
        return st;
    }
    *out = f;
    return IGD_OK;
}

igd_status igd_image_file_put(igd_image_file *f, int64_t row, const float *x)
{
    char sum[IGD_SHA256_LENGTH];
    IGD_TRY(digest_of(sum, f, row, x));
    IGD_TRY(write_at(f, x, f->bytes, HEADER + (off_t)row * (off_t)f->bytes));
    return write_at(f, sum, (size_t)DIGEST, digest_at(f, row));
}

igd_status igd_image_file_get(igd_image_file *f, int64_t row, float *x)
{
    char sum[IGD_SHA256_LENGTH], there[IGD_SHA256_LENGTH] = "";
    IGD_TRY(read_at(f, x, f->bytes, HEADER + (off_t)row * (off_t)f->bytes));
    IGD_TRY(read_at(f, there, (size_t)DIGEST, digest_at(f, row)));
    IGD_TRY(digest_of(sum, f, row, x));
    if (strcmp(sum, there) == 0)
        return IGD_OK;
    return igd_error(
        IGD_EFORMAT,
        "%s: image %lld is damaged: not what its SHA-256 is of; option restart "
        "begins anew",
        f->part, (long long)row);
}

igd_status igd_image_file_sum(igd_image_file *f, char out[IGD_SHA256_LENGTH])
{
    char chunk[CHUNK];
    const off_t end = end_of_images(f);
    igd_sha256 *sum = NULL;
    IGD_TRY(igd_sha256_new(&sum));
    igd_status st = IGD_OK;
    for (off_t at = 0; at < end && st == IGD_OK;) {
        const size_t size = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        st = read_at(f, chunk, size, at);
        igd_sha256_add(sum, chunk, size);
        at += (off_t)size;
    }
    if (st == IGD_OK)
        st = igd_sha256_hex(sum, out);
    igd_sha256_free(sum);
    return st;
}

igd_status igd_image_file_sync(igd_image_file *f)
{
    return fdatasync(f->fd) == 0 ? IGD_OK : failed(f, "cannot write");
}

igd_status igd_image_file_commit(igd_image_file *f)
{
    igd_status st = IGD_OK;
    if (ftruncate(f->fd, end_of_images(f)) != 0 || fsync(f->fd) != 0 ||
        rename(f->part, f->path) != 0)
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
