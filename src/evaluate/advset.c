// Owns the files of adversarial sets.
#include "evaluate/advset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/error.h"

#define MAGIC "igdef.adversarials/1\n"
#define KEY_LENGTH (IGD_SHA256_LENGTH - 1)
#define FILE_HEADER ((off_t)(sizeof(MAGIC) - 1 + KEY_LENGTH + 1))
#define RECORD_MAGIC 0x31524149u // "IAR1"

enum { FOOLED = 1, IS_CLEAN = 2 };

// In the machine's byte order: a set made on another kind of machine does not match its
// digests and is made again.
typedef struct record_header {
    uint32_t magic;
    uint32_t flags;
    int64_t image;
    int64_t num_pixels; // that follow: d, or 0 where the point is the clean image
    double loss;
    int64_t forwards, backwards, bad, zero_grads, stalled;
    char sha256[KEY_LENGTH]; // over the fields above, the clean image and the point
} record_header;

typedef struct row_of {
    int64_t image, row;
} row_of;

struct igd_advset {
    int fd;
    char *path;
    int64_t n, d;
    off_t *offset;        // [n] of the row's record, 0 where there is none
    const int64_t *image; // [n] by row, borrowed
    row_of *rows;         // [n] by image
};

static int by_image(const void *a, const void *b)
{
    const row_of *p = a, *q = b;
    return (p->image > q->image) - (p->image < q->image);
}

static igd_status failed(const igd_advset *s, const char *what)
{
    return igd_error(IGD_EIO, "%s: %s: %s", s->path, what, strerror(errno));
}

static igd_status read_at(const igd_advset *s, void *data, size_t size, off_t at,
                          bool *whole)
{
    char *to = data;
    *whole = false;
    while (size > 0) {
        const ssize_t got = pread(s->fd, to, size, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(s, "cannot read");
        if (got == 0)
            return IGD_OK;
        to += got;
        at += got;
        size -= (size_t)got;
    }
    *whole = true;
    return IGD_OK;
}

static igd_status write_at(const igd_advset *s, const void *data, size_t size, off_t at)
{
    const char *from = data;
    while (size > 0) {
        const ssize_t put = pwrite(s->fd, from, size, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed(s, "cannot write");
        from += put;
        at += put;
        size -= (size_t)put;
    }
    return IGD_OK;
}

// Other processes may work on the same set: they append under this lock.
static igd_status lock(const igd_advset *s, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET};
    while (fcntl(s->fd, F_SETLKW, &l) != 0)
        if (errno != EINTR)
            break; // where nothing can be locked, digests find what two have mixed
    return IGD_OK;
}

static void remember(igd_advset *s, int64_t image, off_t at)
{
    const row_of wanted = {.image = image};
    const row_of *found =
        bsearch(&wanted, s->rows, (size_t)s->n, sizeof(*s->rows), by_image);
    if (found != NULL)
        s->offset[found->row] = at;
}

// Finds the records; cuts off what a crash or damage left behind the last whole one.
static igd_status scan(igd_advset *s, const char *key)
{
    char header[sizeof(MAGIC) + KEY_LENGTH + 1];
    struct stat info;
    bool whole;

    snprintf(header, sizeof(header), MAGIC "%.*s\n", KEY_LENGTH, key);
    if (fstat(s->fd, &info) != 0)
        return failed(s, "cannot read");
    char there[sizeof(header)] = "";
    IGD_TRY(read_at(s, there, (size_t)FILE_HEADER, 0, &whole));
    if (!whole || memcmp(there, header, (size_t)FILE_HEADER) != 0) {
        if (ftruncate(s->fd, 0) != 0)
            return failed(s, "cannot write");
        return write_at(s, header, (size_t)FILE_HEADER, 0);
    }
    off_t at = FILE_HEADER;
    for (;;) {
        record_header h;
        IGD_TRY(read_at(s, &h, sizeof(h), at, &whole));
        if (!whole || h.magic != RECORD_MAGIC ||
            (h.num_pixels != 0 && h.num_pixels != s->d))
            break;
        const off_t size = (off_t)sizeof(h) + (off_t)h.num_pixels * (off_t)sizeof(float);
        if (at + size > info.st_size)
            break;
        remember(s, h.image, at);
        at += size;
    }
    if (at < info.st_size && ftruncate(s->fd, at) != 0)
        return failed(s, "cannot write");
    return IGD_OK;
}

igd_status igd_advset_open(igd_advset **out, const char *folder, const char *key,
                           const int64_t *index, int64_t n, int64_t d)
{
    igd_advset *s = calloc(1, sizeof(*s));
    const size_t length = strlen(folder) + strlen(key) + sizeof("/.adv");
    igd_status st;

    *out = NULL;
    if (s == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", folder);
    s->fd = -1;
    s->n = n;
    s->d = d;
    s->image = index;
    s->path = malloc(length);
    s->offset = calloc((size_t)n, sizeof(*s->offset));
    s->rows = malloc((size_t)n * sizeof(*s->rows));
    if (s->path == NULL || s->offset == NULL || s->rows == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %lld images", folder, (long long)n);
        goto done;
    }
    snprintf(s->path, length, "%s/%s.adv", folder, key);
    for (int64_t i = 0; i < n; i++)
        s->rows[i] = (row_of){index[i], i};
    qsort(s->rows, (size_t)n, sizeof(*s->rows), by_image);
    s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->fd < 0) {
        st = failed(s, "cannot open");
        goto done;
    }
    if ((st = lock(s, F_WRLCK)) != IGD_OK)
        goto done;
    st = scan(s, key);
    if (st == IGD_OK)
        st = lock(s, F_UNLCK);

done:
    if (st != IGD_OK) {
        igd_advset_free(s);
        return st;
    }
    *out = s;
    return IGD_OK;
}

void igd_advset_free(igd_advset *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd); // releases the lock as well
    free(s->path);
    free(s->offset);
    free(s->rows);
    free(s);
}

bool igd_advset_has(const igd_advset *s, int64_t row)
{
    return s->offset[row] != 0;
}

static igd_status digest_of(char out[IGD_SHA256_LENGTH], const igd_advset *s,
                            const record_header *h, const float *x, const float *x_adv)
{
    const size_t bytes = (size_t)s->d * sizeof(float);
    igd_sha256 *sum = NULL;
    IGD_TRY(igd_sha256_new(&sum));
    igd_sha256_add(sum, h, offsetof(record_header, sha256));
    igd_sha256_add(sum, x, bytes);
    if (h->num_pixels > 0)
        igd_sha256_add(sum, x_adv, bytes);
    const igd_status st = igd_sha256_hex(sum, out);
    igd_sha256_free(sum);
    return st;
}

igd_status igd_advset_get(igd_advset *s, int64_t row, const float *x,
                          igd_adversarial *record, float *x_adv, bool *found)
{
    const size_t bytes = (size_t)s->d * sizeof(float);
    const off_t at = s->offset[row];
    record_header h;
    char sum[IGD_SHA256_LENGTH];
    float *room = NULL;
    bool whole = false;
    igd_status st;

    *found = false;
    if (at == 0)
        return IGD_OK;
    if (x_adv == NULL && (x_adv = room = malloc(bytes)) == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for an image", s->path);
    if ((st = read_at(s, &h, sizeof(h), at, &whole)) != IGD_OK)
        goto done;
    if (whole && h.num_pixels == s->d)
        st = read_at(s, x_adv, bytes, at + (off_t)sizeof(h), &whole);
    if (st == IGD_OK && whole && (st = digest_of(sum, s, &h, x, x_adv)) == IGD_OK)
        *found = memcmp(sum, h.sha256, KEY_LENGTH) == 0;
    if (st != IGD_OK)
        goto done;
    if (!*found) {
        s->offset[row] = 0;
        goto done;
    }
    if (h.num_pixels == 0)
        memcpy(x_adv, x, bytes);
    *record = (igd_adversarial){.fooled = (h.flags & FOOLED) != 0,
                                .is_clean = (h.flags & IS_CLEAN) != 0,
                                .loss = h.loss,
                                .forwards = h.forwards,
                                .backwards = h.backwards,
                                .bad = h.bad,
                                .zero_grads = h.zero_grads,
                                .stalled = h.stalled};

done:
    free(room);
    return st;
}

igd_status igd_advset_put(igd_advset *s, int64_t row, const float *x,
                          const igd_adversarial *record, const float *x_adv)
{
    const size_t bytes = (size_t)s->d * sizeof(float);
    const size_t size = sizeof(record_header) + (record->is_clean ? 0 : bytes);
    struct stat info;
    char sum[IGD_SHA256_LENGTH];
    record_header h;
    igd_status st;

    memset(&h, 0, sizeof(h)); // padding is part of the digest
    h.magic = RECORD_MAGIC;
    h.flags = (record->fooled ? FOOLED : 0u) | (record->is_clean ? IS_CLEAN : 0u);
    h.num_pixels = record->is_clean ? 0 : s->d;
    h.loss = record->loss;
    h.forwards = record->forwards;
    h.backwards = record->backwards;
    h.bad = record->bad;
    h.zero_grads = record->zero_grads;
    h.stalled = record->stalled;
    h.image = s->image[row];
    char *whole = malloc(size);
    if (whole == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for an image", s->path);
    if ((st = digest_of(sum, s, &h, x, x_adv)) != IGD_OK)
        goto done;
    memcpy(h.sha256, sum, KEY_LENGTH);
    memcpy(whole, &h, sizeof(h));
    if (!record->is_clean)
        memcpy(whole + sizeof(h), x_adv, bytes);
    if ((st = lock(s, F_WRLCK)) != IGD_OK)
        goto done;
    if (fstat(s->fd, &info) != 0)
        st = failed(s, "cannot read");
    else if ((st = write_at(s, whole, size, info.st_size)) == IGD_OK)
        s->offset[row] = info.st_size;
    if (st == IGD_EIO && ftruncate(s->fd, info.st_size) != 0)
        st = failed(s, "cannot write"); // and a later run cuts the rest off
    if (lock(s, F_UNLCK) != IGD_OK && st == IGD_OK)
        st = failed(s, "cannot unlock");

done:
    free(whole);
    return st;
}
