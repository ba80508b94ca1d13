// Owns access to matrices by rows: only what is asked for is in memory.
#include "rank/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/npy.h"

// A line behind the rows: what made them, and a digest.
#define SEAL "igdef.embeddings/2 "
#define PRINT_LENGTH (IGD_SHA256_LENGTH - 1)
#define SEAL_SIZE (sizeof(SEAL) - 1 + PRINT_LENGTH + 1 + IGD_SHA256_LENGTH)

struct igd_rows {
    char *name;
    int64_t num_rows, width;
    const float *data; // borrowed; NULL where the rows lie in a file
    FILE *file;
    int64_t offset; // of the first element in the file
    igd_npy_type type;
    bool writing; // the file's last operation was a write
};

// NULL when memory is exhausted.
static igd_rows *rows_new(const char *name, int64_t num_rows, int64_t width)
{
    igd_rows *r = calloc(1, sizeof(*r));
    if (r == NULL || (r->name = strdup(name)) == NULL) {
        free(r);
        return NULL;
    }
    r->num_rows = num_rows;
    r->width = width;
    r->type = IGD_NPY_F32;
    return r;
}

igd_status igd_rows_view(igd_rows **out, const char *name, const float *data,
                         int64_t num_rows, int64_t width)
{
    igd_rows *r = *out = rows_new(name, num_rows, width);
    if (r == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", name);
    r->data = data;
    return IGD_OK;
}

igd_status igd_rows_open(igd_rows **out, const char *path)
{
    igd_npy header = {0};
    *out = NULL;
    IGD_TRY(igd_npy_read_header(&header, path, SEAL_SIZE));
    if (header.num_dims != 2)
        return igd_error(IGD_EFORMAT, "%s: has %d axes where 2 are needed", path,
                         header.num_dims);
    if (header.shape[0] < 1 || header.shape[1] < 1)
        return igd_error(IGD_EFORMAT, "%s: is empty", path);
    igd_rows *r = rows_new(path, header.shape[0], header.shape[1]);
    if (r == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    r->offset = (int64_t)header.offset;
    r->type = header.type;
    r->file = fopen(path, "rb");
    if (r->file == NULL) {
        igd_rows_free(r);
        return igd_error(IGD_EIO, "%s: cannot be opened", path);
    }
    *out = r;
    return IGD_OK;
}

igd_status igd_rows_spool(igd_rows **out, const char *name, int64_t width)
{
    igd_rows *r = rows_new(name, 0, width);
    *out = NULL;
    if (r == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", name);
    r->file = tmpfile();
    if (r->file == NULL) {
        const igd_status st = igd_error(IGD_EIO, "%s: no temporary file can be made: %s",
                                        name, strerror(errno));
        igd_rows_free(r);
        return st;
    }
    *out = r;
    return IGD_OK;
}

static igd_status not_written(const igd_rows *r)
{
    return igd_error(IGD_EIO, "%s: the temporary file cannot be written: %s", r->name,
                     strerror(errno));
}

igd_status igd_rows_append(igd_rows *r, const float *rows, int64_t n)
{
    const size_t count = (size_t)(n * r->width);
    if (!r->writing && fseeko(r->file, 0, SEEK_END) != 0)
        return igd_error(IGD_EIO, "%s: cannot go on writing", r->name);
    r->writing = true;
    if (fwrite(rows, sizeof(*rows), count, r->file) != count)
        return not_written(r);
    r->num_rows += n;
    return IGD_OK;
}

int64_t igd_rows_count(const igd_rows *r)
{
    return r->num_rows;
}

int64_t igd_rows_width(const igd_rows *r)
{
    return r->width;
}

const char *igd_rows_name(const igd_rows *r)
{
    return r->name;
}

// Reads rows of another type through igd_npy_to_f32(), which owns the conversions.
static igd_status read_converted(igd_rows *r, float *out, int64_t count)
{
    igd_npy part = {.type = r->type, .num_dims = 1, .shape = {count}, .size = count};
    const size_t size = igd_npy_element_size(r->type);
    igd_status st = IGD_OK;

    part.data = malloc((size_t)count * size);
    if (part.data == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for a block of rows", r->name);
        goto done;
    }
    if (fread(part.data, size, (size_t)count, r->file) != (size_t)count) {
        st = igd_error(IGD_EIO, "%s: cannot be read", r->name);
        goto done;
    }
    if ((st = igd_npy_to_f32(&part, r->name)) != IGD_OK)
        goto done;
    memcpy(out, part.data, (size_t)count * sizeof(*out));

done:
    igd_npy_free(&part);
    return st;
}

static igd_status check_finite(const igd_rows *r, const float *rows, int64_t first,
                               int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const float *row = rows + i * r->width;
        uint32_t odd = 0; // its top bit: an exponent of ones, infinity or NaN
        for (int64_t j = 0; j < r->width; j++) {
            uint32_t bits;
            memcpy(&bits, &row[j], sizeof(bits));
            odd |= (bits & 0x7f800000u) + 0x00800000u;
        }
        if ((odd & 0x80000000u) != 0)
            return igd_error(IGD_EFORMAT,
                             "%s: row %" PRId64 " holds a number that is not finite",
                             r->name, first + i);
    }
    return IGD_OK;
}

igd_status igd_rows_read(igd_rows *r, float *out, int64_t first, int64_t n)
{
    const int64_t count = n * r->width;
    if (r->data != NULL) {
        memcpy(out, r->data + first * r->width, (size_t)count * sizeof(*out));
    } else {
        const int64_t size = (int64_t)igd_npy_element_size(r->type);
        const int64_t at = r->offset + first * r->width * size;
        if (r->writing && fflush(r->file) != 0)
            return not_written(r);
        r->writing = false;
        if (fseeko(r->file, at, SEEK_SET) != 0)
            return igd_error(IGD_EIO, "%s: cannot be read", r->name);
        if (r->type != IGD_NPY_F32)
            IGD_TRY(read_converted(r, out, count));
        else if (fread(out, sizeof(*out), (size_t)count, r->file) != (size_t)count)
            return igd_error(IGD_EIO, "%s: cannot be read", r->name);
    }
    return check_finite(r, out, first, n);
}

static igd_status seal_begin(igd_sha256 **out, const igd_rows *r, const char *print)
{
    IGD_TRY(igd_sha256_new(out));
    igd_sha256_add(*out, print, PRINT_LENGTH);
    igd_sha256_add(*out, &r->num_rows, sizeof(r->num_rows));
    igd_sha256_add(*out, &r->width, sizeof(r->width));
    return IGD_OK;
}

igd_status igd_rows_save(igd_rows *r, const char *path, const char *print)
{
    const int64_t shape[2] = {r->num_rows, r->width};
    char sum[IGD_SHA256_LENGTH];
    igd_sha256 *seal = NULL;
    igd_writer *w = NULL;
    float *row = malloc((size_t)r->width * sizeof(*row));
    igd_status st = IGD_OK;

    if (row == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    if ((st = seal_begin(&seal, r, print)) != IGD_OK ||
        (st = igd_writer_open(&w, path)) != IGD_OK ||
        (st = igd_npy_write_header(igd_writer_stream(w), IGD_NPY_F32, shape, 2, path)) !=
            IGD_OK)
        goto done;
    for (int64_t i = 0; i < r->num_rows; i++) {
        if ((st = igd_rows_read(r, row, i, 1)) != IGD_OK)
            goto done;
        // The stream keeps a failure, which the commit then reports.
        fwrite(row, sizeof(*row), (size_t)r->width, igd_writer_stream(w));
        igd_sha256_add(seal, row, (size_t)r->width * sizeof(*row));
    }
    if ((st = igd_sha256_hex(seal, sum)) != IGD_OK)
        goto done;
    fprintf(igd_writer_stream(w), SEAL "%.*s %s\n", PRINT_LENGTH, print, sum);
    st = igd_writer_commit(w);
    w = NULL;

done:
    igd_sha256_free(seal);
    igd_writer_free(w);
    free(row);
    return st;
}

// What follows the rows of an opened file; *length is 0 where nothing does.
static igd_status read_tail(char tail[SEAL_SIZE + 1], size_t *length, igd_rows *r)
{
    const int64_t size = (int64_t)igd_npy_element_size(r->type);
    if (fseeko(r->file, r->offset + r->num_rows * r->width * size, SEEK_SET) != 0)
        return igd_error(IGD_EIO, "%s: cannot be read", r->name);
    *length = fread(tail, 1, SEAL_SIZE, r->file);
    tail[*length] = '\0';
    return IGD_OK;
}

igd_status igd_rows_check_seal(igd_rows_seal *out, igd_rows *r, const char *print)
{
    const size_t begin = sizeof(SEAL) - 1;
    char there[SEAL_SIZE + 1], expected[SEAL_SIZE + 1], sum[IGD_SHA256_LENGTH];
    size_t length = 0;
    float *row = malloc((size_t)r->width * sizeof(*row));
    igd_sha256 *seal = NULL;
    igd_status st = IGD_OK;

    *out = IGD_ROWS_BROKEN;
    if (row == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", r->name);
        goto done;
    }
    if ((st = read_tail(there, &length, r)) != IGD_OK)
        goto done;
    if (length != SEAL_SIZE) {
        *out = length == 0 ? IGD_ROWS_UNSEALED : IGD_ROWS_BROKEN;
        goto done;
    }
    if (print == NULL)
        print = there + begin;
    if ((st = seal_begin(&seal, r, print)) != IGD_OK)
        goto done;
    for (int64_t i = 0; i < r->num_rows; i++) {
        if ((st = igd_rows_read(r, row, i, 1)) != IGD_OK)
            goto done;
        igd_sha256_add(seal, row, (size_t)r->width * sizeof(*row));
    }
    if ((st = igd_sha256_hex(seal, sum)) != IGD_OK)
        goto done;
    snprintf(expected, sizeof(expected), SEAL "%.*s %s\n", PRINT_LENGTH, print, sum);
    if (memcmp(there, expected, SEAL_SIZE) == 0)
        *out = IGD_ROWS_SEALED;

done:
    igd_sha256_free(seal);
    free(row);
    return st;
}

void igd_rows_free(igd_rows *r)
{
    if (r == NULL)
        return;
    if (r->file != NULL)
        fclose(r->file);
    free(r->name);
    free(r);
}
