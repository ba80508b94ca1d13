// Owns the files of adversarial sets.
#include "evaluate/advset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/claim.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"

#define MAGIC "igdef.adversarials/2\n"
#define KEY_LENGTH (IGD_SHA256_LENGTH - 1)
#define FILE_HEADER ((off_t)(sizeof(MAGIC) - 1 + KEY_LENGTH + 1))
#define END ".adv"
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

// A file of the set.
typedef struct set_file {
    char *path;    // owned
    off_t scanned; // up to which its records are known
} set_file;

typedef struct place {
    int file; // -1 where there is no record
    off_t at;
} place;

struct igd_advset {
    char *folder, *key; // owned
    set_file *files;    // owned [num]
    int num;
    int open, fd;     // the file that is open for reading, -1 for none
    int own, own_fd;  // the one that this process appends to, -1 before its first record
    off_t own_end;    // where its next record goes
    igd_claim *claim; // NULL where none is held
    int64_t n, d;
    int64_t least, most;  // of the indices
    place *places;        // [n] of the row's record
    const int64_t *image; // [n] by row, borrowed
    row_of *rows;         // [n] by image
};

static int by_image(const void *a, const void *b)
{
    const row_of *p = a, *q = b;
    return (p->image > q->image) - (p->image < q->image);
}

static igd_status failed(const char *path, const char *what)
{
    return igd_error(IGD_EIO, "%s: %s: %s", path, what, strerror(errno));
}

static igd_status no_memory(const igd_advset *s)
{
    return igd_error(IGD_ENOMEM, "%s: no memory", s->folder);
}

// --- reading

// Opens one of the files; one that is gone holds nothing.
static bool open_file(igd_advset *s, int file)
{
    if (s->open == file)
        return true;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = open(s->files[file].path, O_RDONLY | O_CLOEXEC);
    s->open = s->fd >= 0 ? file : -1;
    return s->fd >= 0;
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
            return failed(s->files[s->open].path, "cannot read");
        if (got == 0)
            return IGD_OK;
        to += got;
        at += got;
        size -= (size_t)got;
    }
    *whole = true;
    return IGD_OK;
}

static void remember(igd_advset *s, int64_t image, int file, off_t at)
{
    const row_of wanted = {.image = image};
    const row_of *found =
        bsearch(&wanted, s->rows, (size_t)s->n, sizeof(*s->rows), by_image);
    if (found != NULL)
        s->places[found->row] = (place){file, at};
}

// Finds the records that were not known; a last one that is not whole is being written,
// or what a killed process left.
static igd_status scan(igd_advset *s, int file)
{
    set_file *f = &s->files[file];
    char header[sizeof(MAGIC) + KEY_LENGTH + 1], there[sizeof(header)] = "";
    struct stat info;
    bool whole;

    if (!open_file(s, file))
        return IGD_OK;
    snprintf(header, sizeof(header), MAGIC "%.*s\n", KEY_LENGTH, s->key);
    if (fstat(s->fd, &info) != 0)
        return failed(f->path, "cannot read");
    if (f->scanned == 0) {
        IGD_TRY(read_at(s, there, (size_t)FILE_HEADER, 0, &whole));
        if (!whole || memcmp(there, header, (size_t)FILE_HEADER) != 0)
            return IGD_OK;
        f->scanned = FILE_HEADER;
    }
    for (;;) {
        record_header h;
        IGD_TRY(read_at(s, &h, sizeof(h), f->scanned, &whole));
        if (!whole || h.magic != RECORD_MAGIC ||
            (h.num_pixels != 0 && h.num_pixels != s->d))
            return IGD_OK;
        const off_t size = (off_t)sizeof(h) + (off_t)h.num_pixels * (off_t)sizeof(float);
        if (f->scanned + size > info.st_size)
            return IGD_OK;
        remember(s, h.image, file, f->scanned);
        f->scanned += size;
    }
}

// Whether a name is of a file of this set with images that may be asked for:
// KEY.LEAST-MOST.TOKEN.adv.
static bool is_file(const igd_advset *s, const char *name)
{
    const size_t key = strlen(s->key), length = strlen(name), end = strlen(END);
    char *dash, *dot;
    if (length <= key + end || strncmp(name, s->key, key) != 0 || name[key] != '.' ||
        strcmp(name + length - end, END) != 0)
        return false;
    const long long least = strtoll(name + key + 1, &dash, 10);
    const long long most = *dash == '-' ? strtoll(dash + 1, &dot, 10) : least - 1;
    return *dash == '-' && *dot == '.' && least <= s->most && most >= s->least;
}

// Adds a file, unless it is there; takes over its path. @return its place, -1 without
// memory
static int add_file(igd_advset *s, char *path)
{
    for (int k = 0; k < s->num && path != NULL; k++)
        if (strcmp(s->files[k].path, path) == 0) {
            free(path);
            return k;
        }
    set_file *more =
        path != NULL ? realloc(s->files, ((size_t)s->num + 1) * sizeof(*more)) : NULL;
    if (more == NULL) {
        free(path);
        return -1;
    }
    s->files = more;
    s->files[s->num] = (set_file){.path = path};
    return s->num++;
}

igd_status igd_advset_refresh(igd_advset *s)
{
    DIR *dir = opendir(s->folder);
    igd_status st = IGD_OK;
    if (dir == NULL)
        return failed(s->folder, "cannot be read");
    for (const struct dirent *e; st == IGD_OK && (e = readdir(dir)) != NULL;)
        if (is_file(s, e->d_name) && add_file(s, igd_path_join(s->folder, e->d_name)) < 0)
            st = no_memory(s);
    closedir(dir);
    for (int k = 0; k < s->num && st == IGD_OK; k++)
        if (k != s->own)
            st = scan(s, k);
    return st;
}

igd_status igd_advset_open(igd_advset **out, const char *folder, const char *key,
                           const int64_t *index, int64_t n, int64_t d)
{
    igd_advset *s = calloc(1, sizeof(*s));
    igd_status st = IGD_OK;

    *out = NULL;
    if (s == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", folder);
    *s = (igd_advset){.open = -1,
                      .fd = -1,
                      .own = -1,
                      .own_fd = -1,
                      .n = n,
                      .d = d,
                      .image = index,
                      .least = n > 0 ? index[0] : 0};
    s->most = s->least;
    s->folder = strdup(folder);
    s->key = strdup(key);
    s->places = malloc((size_t)n * sizeof(*s->places));
    s->rows = malloc((size_t)n * sizeof(*s->rows));
    if (s->folder == NULL || s->key == NULL || s->places == NULL || s->rows == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %lld images", folder, (long long)n);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        s->rows[i] = (row_of){index[i], i};
        s->places[i] = (place){.file = -1};
        s->least = index[i] < s->least ? index[i] : s->least;
        s->most = index[i] > s->most ? index[i] : s->most;
    }
    qsort(s->rows, (size_t)n, sizeof(*s->rows), by_image);
    st = igd_advset_refresh(s);

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
    igd_claim_free(s->claim);
    if (s->fd >= 0)
        close(s->fd);
    if (s->own_fd >= 0)
        close(s->own_fd);
    for (int k = 0; k < s->num; k++)
        free(s->files[k].path);
    free(s->files);
    free(s->folder);
    free(s->key);
    free(s->places);
    free(s->rows);
    free(s);
}

bool igd_advset_has(const igd_advset *s, int64_t row)
{
    return s->places[row].file >= 0;
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
    const place p = s->places[row];
    record_header h;
    char sum[IGD_SHA256_LENGTH];
    float *room = NULL;
    bool whole = false;
    igd_status st;

    *found = false;
    if (p.file < 0 || !open_file(s, p.file))
        return IGD_OK;
    if (x_adv == NULL && (x_adv = room = malloc(bytes)) == NULL)
        return no_memory(s);
    if ((st = read_at(s, &h, sizeof(h), p.at, &whole)) != IGD_OK)
        goto done;
    if (whole && h.num_pixels == s->d)
        st = read_at(s, x_adv, bytes, p.at + (off_t)sizeof(h), &whole);
    if (st == IGD_OK && whole && (st = digest_of(sum, s, &h, x, x_adv)) == IGD_OK)
        *found = memcmp(sum, h.sha256, KEY_LENGTH) == 0;
    if (st != IGD_OK)
        goto done;
    if (!*found) {
        s->places[row].file = -1;
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

// --- writing

static igd_status write_at(const igd_advset *s, const void *data, size_t size, off_t at)
{
    const char *from = data;
    while (size > 0) {
        const ssize_t put = pwrite(s->own_fd, from, size, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed(s->files[s->own].path, "cannot write");
        from += put;
        at += put;
        size -= (size_t)put;
    }
    return IGD_OK;
}

// Makes a file of this process's own.
static igd_status begin(igd_advset *s)
{
    char name[KEY_LENGTH + 160], token[64], header[sizeof(MAGIC) + KEY_LENGTH + 1];
    igd_claim_token(token, sizeof(token));
    snprintf(name, sizeof(name), "%.*s.%lld-%lld.%s" END, KEY_LENGTH, s->key,
             (long long)s->least, (long long)s->most, token);
    s->own = add_file(s, igd_path_join(s->folder, name));
    if (s->own < 0)
        return no_memory(s);
    const char *path = s->files[s->own].path;
    s->own_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (s->own_fd < 0)
        return failed(path, "cannot open");
    s->own_end = FILE_HEADER;
    snprintf(header, sizeof(header), MAGIC "%.*s\n", KEY_LENGTH, s->key);
    return write_at(s, header, (size_t)FILE_HEADER, 0);
}

igd_status igd_advset_claim(igd_advset *s, bool *mine, char *who, size_t size)
{
    char name[KEY_LENGTH + 64], sum[IGD_SHA256_LENGTH];
    IGD_TRY(igd_sha256_bytes(sum, s->image, (size_t)s->n * sizeof(*s->image)));
    snprintf(name, sizeof(name), "%.*s.%.16s.claim", KEY_LENGTH, s->key, sum);
    char *path = igd_path_join(s->folder, name);
    if (path == NULL)
        return no_memory(s);
    const igd_status st = igd_claim_try(&s->claim, path, who, size);
    free(path);
    *mine = s->claim != NULL;
    return st;
}

void igd_advset_release(igd_advset *s)
{
    igd_claim_free(s->claim);
    s->claim = NULL;
}

void igd_advset_touch(igd_advset *s)
{
    igd_claim_touch(s->claim);
}

igd_status igd_advset_put(igd_advset *s, int64_t row, const float *x,
                          const igd_adversarial *record, const float *x_adv)
{
    const size_t bytes = (size_t)s->d * sizeof(float);
    const size_t size = sizeof(record_header) + (record->is_clean ? 0 : bytes);
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
        return no_memory(s);
    if ((st = digest_of(sum, s, &h, x, x_adv)) != IGD_OK)
        goto done;
    memcpy(h.sha256, sum, KEY_LENGTH);
    memcpy(whole, &h, sizeof(h));
    if (!record->is_clean)
        memcpy(whole + sizeof(h), x_adv, bytes);
    if (s->own < 0 && (st = begin(s)) != IGD_OK)
        goto done;
    if ((st = write_at(s, whole, size, s->own_end)) == IGD_OK) {
        s->places[row] = (place){s->own, s->own_end};
        s->own_end += (off_t)size;
    } else if (ftruncate(s->own_fd, s->own_end) != 0) {
        st = failed(s->files[s->own].path, "cannot write");
    }

done:
    free(whole);
    return st;
}
