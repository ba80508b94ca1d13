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

#define MAGIC "igdef.adversarials/3\n"
#define KEY_LENGTH (IGD_SHA256_LENGTH - 1)
#define FILE_HEADER ((off_t)(sizeof(MAGIC) - 1 + KEY_LENGTH + 1))
#define END ".adv"
#define RECORD_MAGIC 0x32524149u // "IAR2"

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
    char clean[KEY_LENGTH];  // digest of the clean image
    char sha256[KEY_LENGTH]; // over the fields above and the point
} record_header;

typedef struct row_of {
    int64_t image, row;
} row_of;

// A file of the set.
typedef struct set_file {
    char *path;    // owned
    off_t scanned; // up to which its records are known
} set_file;

// Where a record lies. An image may have several: of other pixels, whose set has the same
// name, and ones that are damaged.
typedef struct place {
    off_t at;
    int64_t num_pixels;
    int64_t next; // place of the same row, -1 for none
    int file;
    bool damaged;
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
    int64_t least, most; // of the indices
    place *places;       // owned [num_places]
    int64_t num_places, room;
    int64_t *first;       // [n] of the row's places, the latest first, -1 for none
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
    const ssize_t got = igd_read_at(s->fd, data, size, at);
    *whole = got == (ssize_t)size;
    return got < 0 ? failed(s->files[s->open].path, "cannot read") : IGD_OK;
}

static igd_status add_place(igd_advset *s, int64_t row, int file, off_t at,
                            int64_t num_pixels)
{
    if (s->num_places == s->room) {
        const int64_t room = 2 * s->room + 64;
        place *more = realloc(s->places, (size_t)room * sizeof(*more));
        if (more == NULL)
            return no_memory(s);
        s->places = more;
        s->room = room;
    }
    s->places[s->num_places] = (place){at, num_pixels, s->first[row], file, false};
    s->first[row] = s->num_places++;
    return IGD_OK;
}

static igd_status remember(igd_advset *s, const record_header *h, int file, off_t at)
{
    const row_of wanted = {.image = h->image};
    const row_of *found =
        bsearch(&wanted, s->rows, (size_t)s->n, sizeof(*s->rows), by_image);
    return found != NULL ? add_place(s, found->row, file, at, h->num_pixels) : IGD_OK;
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
        if (!whole)
            return IGD_OK;
        if (memcmp(there, header, (size_t)FILE_HEADER) != 0) {
            unlink(f->path); // damaged: nobody reads it, or ever will
            return IGD_OK;
        }
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
        IGD_TRY(remember(s, &h, file, f->scanned));
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
    s->first = malloc((size_t)n * sizeof(*s->first));
    s->rows = malloc((size_t)n * sizeof(*s->rows));
    if (s->folder == NULL || s->key == NULL || s->first == NULL || s->rows == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %lld images", folder, (long long)n);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        s->rows[i] = (row_of){index[i], i};
        s->first[i] = -1;
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
    free(s->first);
    free(s->rows);
    free(s);
}

bool igd_advset_has(const igd_advset *s, int64_t row)
{
    for (int64_t k = s->first[row]; k >= 0; k = s->places[k].next)
        if (!s->places[k].damaged)
            return true;
    return false;
}

static igd_status digest_of(char out[IGD_SHA256_LENGTH], const igd_advset *s,
                            const record_header *h, const float *x_adv)
{
    igd_sha256 *sum = NULL;
    IGD_TRY(igd_sha256_new(&sum));
    igd_sha256_add(sum, h, offsetof(record_header, sha256));
    if (h->num_pixels > 0)
        igd_sha256_add(sum, x_adv, (size_t)s->d * sizeof(float));
    const igd_status st = igd_sha256_hex(sum, out);
    igd_sha256_free(sum);
    return st;
}

// Reads the record at a place. *whole is false where it is not what was written.
static igd_status read_record(igd_advset *s, const place *p, record_header *h,
                              float *x_adv, bool *whole)
{
    char sum[IGD_SHA256_LENGTH];
    *whole = false;
    if (!open_file(s, p->file))
        return IGD_OK;
    IGD_TRY(read_at(s, h, sizeof(*h), p->at, whole));
    if (*whole && h->num_pixels != p->num_pixels)
        *whole = false;
    if (*whole && h->num_pixels > 0)
        IGD_TRY(read_at(s, x_adv, (size_t)s->d * sizeof(float), p->at + (off_t)sizeof(*h),
                        whole));
    if (!*whole)
        return IGD_OK;
    IGD_TRY(digest_of(sum, s, h, x_adv));
    *whole = memcmp(sum, h->sha256, KEY_LENGTH) == 0;
    return IGD_OK;
}

// The record of these pixels among those of the row; places that hold others' are
// forgotten.
static igd_status find_record(igd_advset *s, int64_t row, const char *clean,
                              record_header *h, float *x_adv, bool *found)
{
    int64_t *link = &s->first[row];
    *found = false;
    while (*link >= 0) {
        place *p = &s->places[*link];
        bool whole = false;
        if (!p->damaged)
            IGD_TRY(read_record(s, p, h, x_adv, &whole));
        if (whole && memcmp(h->clean, clean, KEY_LENGTH) == 0) {
            *found = true;
            return IGD_OK;
        }
        p->damaged = !whole;
        if (whole)
            *link = p->next;
        else
            link = &p->next;
    }
    return IGD_OK;
}

igd_status igd_advset_get(igd_advset *s, int64_t row, const float *x,
                          igd_adversarial *record, float *x_adv, bool *found)
{
    const size_t bytes = (size_t)s->d * sizeof(float);
    record_header h;
    char clean[IGD_SHA256_LENGTH];
    float *room = NULL;
    igd_status st;

    *found = false;
    if (!igd_advset_has(s, row))
        return IGD_OK;
    if (x_adv == NULL && (x_adv = room = malloc(bytes)) == NULL)
        return no_memory(s);
    if ((st = igd_sha256_bytes(clean, x, bytes)) != IGD_OK ||
        (st = find_record(s, row, clean, &h, x_adv, found)) != IGD_OK || !*found)
        goto done;
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
    return igd_write_at(s->own_fd, header, (size_t)FILE_HEADER, 0) == 0
               ? IGD_OK
               : failed(path, "cannot write");
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

// Writes a record over a damaged one of its image and size, whoever wrote that: readers
// who see half of it take it for damaged, and others who make it write the same bytes.
// @return whether there was one
static bool mend(igd_advset *s, int64_t row, const record_header *h, size_t size)
{
    bool mended = false;
    for (int64_t k = s->first[row]; k >= 0 && !mended; k = s->places[k].next) {
        place *p = &s->places[k];
        if (!p->damaged || p->num_pixels != h->num_pixels)
            continue;
        const int file = open(s->files[p->file].path, O_WRONLY | O_CLOEXEC);
        mended = file >= 0 && igd_write_at(file, h, size, p->at) == 0;
        if (file >= 0)
            mended = close(file) == 0 && mended;
        p->damaged = !mended;
    }
    return mended;
}

static igd_status append(igd_advset *s, int64_t row, const record_header *h, size_t size)
{
    if (s->own < 0)
        IGD_TRY(begin(s));
    if (igd_write_at(s->own_fd, h, size, s->own_end) != 0) {
        const igd_status st = failed(s->files[s->own].path, "cannot write");
        return ftruncate(s->own_fd, s->own_end) == 0
                   ? st
                   : failed(s->files[s->own].path, "cannot write");
    }
    IGD_TRY(add_place(s, row, s->own, s->own_end, h->num_pixels));
    s->own_end += (off_t)size;
    return IGD_OK;
}

igd_status igd_advset_put(igd_advset *s, int64_t row, const float *x,
                          const igd_adversarial *record, const float *x_adv)
{
    const size_t bytes = (size_t)s->d * sizeof(float);
    const size_t size = sizeof(record_header) + (record->is_clean ? 0 : bytes);
    char sum[IGD_SHA256_LENGTH];
    igd_status st;

    record_header *h = calloc(1, size); // padding is part of the digest
    if (h == NULL)
        return no_memory(s);
    h->magic = RECORD_MAGIC;
    h->flags = (record->fooled ? FOOLED : 0u) | (record->is_clean ? IS_CLEAN : 0u);
    h->num_pixels = record->is_clean ? 0 : s->d;
    h->loss = record->loss;
    h->forwards = record->forwards;
    h->backwards = record->backwards;
    h->bad = record->bad;
    h->zero_grads = record->zero_grads;
    h->stalled = record->stalled;
    h->image = s->image[row];
    if ((st = igd_sha256_bytes(sum, x, bytes)) != IGD_OK)
        goto done;
    memcpy(h->clean, sum, KEY_LENGTH);
    if ((st = digest_of(sum, s, h, x_adv)) != IGD_OK)
        goto done;
    memcpy(h->sha256, sum, KEY_LENGTH);
    if (!record->is_clean)
        memcpy(h + 1, x_adv, bytes);
    if (!mend(s, row, h, size))
        st = append(s, row, h, size);

done:
    free(h);
    return st;
}
