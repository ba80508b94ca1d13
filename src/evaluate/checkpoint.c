// Owns the file of the images in flight: a line with the format's name, the key of the
// attack, one record per image, and the SHA-256 of all before it.
#include "evaluate/checkpoint.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "igdef/version.h"

#define FORMAT "igdef.checkpoint/1\n"
#define SUFFIX ".checkpoint"
#define FIRST_SUFFIX ".flight" // in igdef 0.1's first states
#define LIMIT ((size_t)1 << 36)
#define LEAST_SHARE 50.0 // of the time that saving takes, between two savings

// Before the bytes of an image.
typedef struct record {
    int64_t image;
    uint64_t size;
} record;

struct igd_checkpoint {
    const igd_session *session;
    char *path; // NULL where nothing is kept
    char key[IGD_SHA256_LENGTH];
    double interval, saved_at, cost; // seconds
    unsigned char *bytes;            // of the file; NULL where it is not of this attack
    const unsigned char *first, *end;
};

static char *path_beside(const char *state, const char *suffix)
{
    const size_t size = strlen(state) + strlen(suffix) + 1;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s%s", state, suffix);
    return path;
}

// The file holds states of attacks as they are in memory, so it is read only where nobody
// but the user can have written it.
static bool is_own(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Whether the records lie end to end.
static bool records_fit(const igd_checkpoint *f)
{
    const unsigned char *at = f->first;
    while (at < f->end) {
        record r;
        if ((size_t)(f->end - at) < sizeof(r))
            return false;
        memcpy(&r, at, sizeof(r));
        at += sizeof(r);
        if (r.size > (uint64_t)(f->end - at))
            return false;
        at += r.size;
    }
    return true;
}

static igd_status read_file(igd_checkpoint *f)
{
    const size_t prefix = strlen(FORMAT), sum = IGD_SHA256_LENGTH - 1;
    char found[IGD_SHA256_LENGTH];
    size_t size = 0;

    if (!is_own(f->path))
        return IGD_OK;
    const igd_status st = igd_file_read(&f->bytes, &size, f->path, LIMIT);
    if (st != IGD_OK)
        return st == IGD_ENOMEM ? st : IGD_OK;
    if (size >= prefix + 2 * sum && memcmp(f->bytes, FORMAT, prefix) == 0 &&
        memcmp(f->bytes + prefix, f->key, sum) == 0) {
        f->first = f->bytes + prefix + sum;
        f->end = f->bytes + size - sum;
        IGD_TRY(igd_sha256_bytes(found, f->bytes, size - sum));
        if (memcmp(found, f->end, sum) == 0 && records_fit(f))
            return IGD_OK;
    }
    free(f->bytes);
    f->bytes = NULL;
    return IGD_OK;
}

static igd_status make_key(igd_checkpoint *f, const igd_session *s, int column, int place)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a fingerprint");
    fprintf(memory, "%s %d %d %s", igd_version(), column, place, s->state.printed);
    igd_status st = fclose(memory) != 0
                        ? igd_error(IGD_ENOMEM, "no memory for a fingerprint")
                        : igd_sha256_bytes(f->key, text, size);
    free(text);
    return st;
}

igd_status igd_checkpoint_open(igd_checkpoint **out, const igd_session *s, int column,
                               int place)
{
    igd_status st = IGD_OK;
    igd_checkpoint *f = calloc(1, sizeof(*f));

    *out = NULL;
    if (f == NULL)
        return igd_error(IGD_ENOMEM, "no memory for images in flight");
    f->session = s;
    f->saved_at = igd_now();
    f->interval = s->options->save_seconds;
    if (s->state.path != NULL) {
        f->path = path_beside(s->state.path, SUFFIX);
        st = f->path == NULL ? igd_error(IGD_ENOMEM, "%s: no memory", s->state.path)
                             : make_key(f, s, column, place);
        if (st == IGD_OK)
            st = read_file(f);
    }
    if (st != IGD_OK) {
        igd_checkpoint_free(f);
        return st;
    }
    *out = f;
    return IGD_OK;
}

void igd_checkpoint_free(igd_checkpoint *f)
{
    if (f == NULL)
        return;
    free(f->path);
    free(f->bytes);
    free(f);
}

const unsigned char *igd_checkpoint_of(const igd_checkpoint *f, size_t *size,
                                       int64_t image)
{
    const unsigned char *at = f->first;
    while (f->bytes != NULL && at < f->end) {
        record r;
        memcpy(&r, at, sizeof(r));
        at += sizeof(r);
        if (r.image == image) {
            *size = (size_t)r.size;
            return at;
        }
        at += r.size;
    }
    return NULL;
}

bool igd_checkpoint_due(const igd_checkpoint *f)
{
    const double rest = f->cost * LEAST_SHARE;
    return f->path != NULL &&
           igd_now() - f->saved_at >= (rest > f->interval ? rest : f->interval);
}

// Where a file is written and its digest comes about.
typedef struct output {
    FILE *stream;
    igd_sha256 *sum;
} output;

static void put(const output *out, const void *data, size_t size)
{
    igd_sha256_add(out->sum, data, size);
    fwrite(data, 1, size, out->stream); // a failure shows when the writer commits
}

static igd_status put_record(int64_t image, const void *bytes, size_t size, void *payload)
{
    const record r = {.image = image, .size = size};
    put(payload, &r, sizeof(r));
    put(payload, bytes, size);
    return IGD_OK;
}

igd_status igd_checkpoint_save(igd_checkpoint *f, const igd_engine *engine)
{
    const double begin = igd_now();
    igd_writer *w = NULL;
    output out = {0};
    char sum[IGD_SHA256_LENGTH];
    igd_status st;

    if (f->path == NULL)
        return IGD_OK;
    if ((st = igd_writer_open(&w, f->path)) != IGD_OK ||
        (st = igd_sha256_new(&out.sum)) != IGD_OK)
        goto done;
    out.stream = igd_writer_stream(w);
    if (fchmod(fileno(out.stream), S_IRUSR | S_IWUSR) != 0) {
        // What others may write is not read back, so it is not written either: a run that
        // is interrupted here goes on from its last batch.
        igd_session_tell(f->session,
                         "%s: cannot be kept from others: images in work are not saved",
                         f->path);
        free(f->path);
        f->path = NULL;
        goto done;
    }
    put(&out, FORMAT, strlen(FORMAT));
    put(&out, f->key, IGD_SHA256_LENGTH - 1);
    if ((st = igd_engine_save(engine, put_record, &out)) != IGD_OK ||
        (st = igd_sha256_hex(out.sum, sum)) != IGD_OK)
        goto done;
    fwrite(sum, 1, IGD_SHA256_LENGTH - 1, out.stream);
    st = igd_writer_commit(w);
    w = NULL;
    f->saved_at = igd_now();
    f->cost = f->saved_at - begin;

done:
    igd_sha256_free(out.sum);
    igd_writer_free(w);
    return st;
}

// Asks for no memory, without which the file would stay behind. A longer name is no
// file's.
static bool remove_beside(const char *state, const char *suffix)
{
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof(path), "%s%s", state, suffix);
    return length > 0 && (size_t)length < sizeof(path) && unlink(path) == 0;
}

void igd_checkpoint_remove(const char *state)
{
    (void)remove_beside(state, SUFFIX);
}

bool igd_checkpoint_remove_first(const char *state)
{
    return remove_beside(state, FIRST_SUFFIX);
}
