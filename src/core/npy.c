// Owns the .npy format: a magic number, a version, a Python dictionary, the elements.
#include "core/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "elements are copied as they lie");

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define MAX_HEADER 65536 // NumPy's own stay below 200
#define ALIGNMENT 64

static const struct {
    const char *descr, *name;
    size_t size;
} types[] = {
    [IGD_NPY_U8] = {"|u1", "uint8", 1},    [IGD_NPY_I32] = {"<i4", "int32", 4},
    [IGD_NPY_I64] = {"<i8", "int64", 8},   [IGD_NPY_F32] = {"<f4", "float32", 4},
    [IGD_NPY_F64] = {"<f8", "float64", 8},
};
#define NUM_TYPES (sizeof(types) / sizeof(types[0]))

size_t igd_npy_element_size(igd_npy_type type)
{
    return types[type].size;
}

const char *igd_npy_type_name(igd_npy_type type)
{
    return types[type].name;
}

// A reader of the dictionary's text.
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n'))
        c->at++;
}

static bool take(cursor *c, const char *token)
{
    skip_space(c);
    const size_t length = strlen(token);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, token, length) != 0)
        return false;
    c->at += length;
    return true;
}

// A Python string without escapes, at most size - 1 characters.
static bool take_string(cursor *c, char *out, size_t size)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    const char quote = *c->at++;
    const char *stop = memchr(c->at, quote, (size_t)(c->end - c->at));
    if (stop == NULL || (size_t)(stop - c->at) >= size)
        return false;
    const size_t length = (size_t)(stop - c->at);
    memcpy(out, c->at, length);
    out[length] = '\0';
    c->at = stop + 1;
    return true;
}

static bool take_length(cursor *c, int64_t *out)
{
    skip_space(c);
    const char *start = c->at;
    *out = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        const int digit = *c->at - '0';
        if (*out > (INT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    return c->at > start;
}

static bool take_shape(cursor *c, igd_npy *out)
{
    if (!take(c, "("))
        return false;
    out->num_dims = 0;
    while (!take(c, ")")) {
        if (out->num_dims == IGD_NPY_DIMS ||
            !take_length(c, &out->shape[out->num_dims++]))
            return false;
        if (!take(c, ",")) // one that ends the tuple is Python's for a single length
            return take(c, ")");
    }
    return true;
}

static igd_status parse_dictionary(igd_npy *out, cursor c, const char *path)
{
    bool have_descr = false, have_order = false, have_shape = false;
    char key[16], descr[32];

    if (!take(&c, "{"))
        return igd_error(IGD_EFORMAT, "%s: damaged .npy header", path);
    while (!take(&c, "}")) {
        bool good = take_string(&c, key, sizeof(key)) && take(&c, ":");
        if (good && strcmp(key, "descr") == 0 && !have_descr) {
            have_descr = good = take_string(&c, descr, sizeof(descr));
        } else if (good && strcmp(key, "fortran_order") == 0 && !have_order) {
            if (take(&c, "True"))
                return igd_error(IGD_EFORMAT,
                                 "%s: array is in Fortran order; "
                                 "numpy.ascontiguousarray(a) converts it",
                                 path);
            have_order = good = take(&c, "False");
        } else if (good && strcmp(key, "shape") == 0 && !have_shape) {
            have_shape = good = take_shape(&c, out);
        } else {
            good = false;
        }
        if (!good)
            return igd_error(IGD_EFORMAT, "%s: damaged .npy header", path);
        if (!take(&c, ",") && !take(&c, "}"))
            return igd_error(IGD_EFORMAT, "%s: damaged .npy header", path);
        if (c.at[-1] == '}')
            break;
    }
    skip_space(&c);
    if (c.at != c.end || !have_descr || !have_order || !have_shape)
        return igd_error(IGD_EFORMAT, "%s: damaged .npy header", path);
    for (size_t i = 0; i < NUM_TYPES; i++)
        if (strcmp(descr, types[i].descr) == 0) {
            out->type = (igd_npy_type)i;
            return IGD_OK;
        }
    return igd_error(IGD_EFORMAT,
                     "%s: array is of type '%s', not uint8, int32, int64, float32 or "
                     "float64, little-endian; a.astype('float32') or "
                     "a.astype('int64') converts it",
                     path, descr);
}

// `tail` bytes may follow the array.
static igd_status check_size(igd_npy *out, uint64_t file_size, size_t tail,
                             const char *path)
{
    uint64_t bytes = types[out->type].size;
    bool fits = true;
    bool empty = false;
    for (int i = 0; i < out->num_dims; i++)
        empty |= out->shape[i] == 0;
    for (int i = 0; i < out->num_dims && !empty && fits; i++) {
        fits = bytes <= (uint64_t)INT64_MAX / (uint64_t)out->shape[i];
        bytes *= fits ? (uint64_t)out->shape[i] : 1;
    }
    bytes = empty ? 0 : bytes;
    if (!fits || file_size < out->offset || bytes > file_size - out->offset)
        return igd_error(IGD_EFORMAT, "%s: truncated: shorter than its header says",
                         path);
    const uint64_t surplus = file_size - out->offset - bytes;
    if (surplus != 0 && surplus != tail)
        return igd_error(IGD_EFORMAT, "%s: %llu bytes follow the array", path,
                         (unsigned long long)surplus);
    out->size = (int64_t)(bytes / types[out->type].size);
    return IGD_OK;
}

// From the first `size` bytes of a file of `file_size`.
static igd_status parse_header(igd_npy *out, const unsigned char *bytes, size_t size,
                               uint64_t file_size, size_t tail, const char *path)
{
    if (size < MAGIC_SIZE + 2 || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return igd_error(IGD_EFORMAT, "%s: not an .npy file", path);
    const int version = bytes[MAGIC_SIZE];
    if (version != 1 && version != 2)
        return igd_error(IGD_EFORMAT, "%s: .npy version %d is not supported", path,
                         version);
    const size_t start = version == 1 ? MAGIC_SIZE + 4 : MAGIC_SIZE + 6;
    size_t length = 0;
    for (size_t i = start; i > MAGIC_SIZE + 2 && size >= start; i--)
        length = length << 8 | bytes[i - 1];
    if (size >= start && length > MAX_HEADER)
        return igd_error(IGD_EFORMAT, "%s: .npy header of %zu bytes", path, length);
    if (size < start || length > size - start)
        return igd_error(IGD_EFORMAT, "%s: truncated .npy header", path);
    const char *text = (const char *)bytes + start;
    IGD_TRY(parse_dictionary(out, (cursor){text, text + length}, path));
    out->offset = start + length;
    return check_size(out, file_size, tail, path);
}

igd_status igd_npy_parse(igd_npy *out, const unsigned char *bytes, size_t size,
                         const char *path)
{
    igd_npy a = {0};
    *out = a;
    IGD_TRY(parse_header(&a, bytes, size, size, 0, path));
    a.data = malloc(size - a.offset + 1);
    if (a.data == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %zu bytes", path,
                         size - a.offset);
    memcpy(a.data, bytes + a.offset, size - a.offset);
    *out = a;
    return IGD_OK;
}

static igd_status read_file(igd_npy *out, const char *path, bool with_data, size_t tail)
{
    igd_npy a = {0};
    unsigned char *head = NULL;
    FILE *file = NULL;
    struct stat info;
    igd_status st = IGD_OK;

    *out = a;
    file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        st = igd_error(IGD_EIO, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        st = igd_error(IGD_EIO, "%s: is not a regular file", path);
        goto done;
    }
    head = malloc(MAX_HEADER + MAGIC_SIZE + 6);
    if (head == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for its header", path);
        goto done;
    }
    const size_t got = fread(head, 1, MAX_HEADER + MAGIC_SIZE + 6, file);
    if (ferror(file)) {
        st = igd_error(IGD_EIO, "%s: cannot be read", path);
        goto done;
    }
    st = parse_header(&a, head, got, (uint64_t)info.st_size, tail, path);
    if (st != IGD_OK || !with_data)
        goto done;
    const size_t size = (size_t)a.size * types[a.type].size;
    a.data = malloc(size + 1);
    if (a.data == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %zu bytes", path, size);
        goto done;
    }
    if (fseeko(file, (off_t)a.offset, SEEK_SET) != 0 ||
        fread(a.data, 1, size, file) != size)
        st = igd_error(IGD_EIO, "%s: cannot be read to its end", path);

done:
    if (st == IGD_OK)
        *out = a;
    else
        igd_npy_free(&a);
    free(head);
    if (file != NULL)
        fclose(file);
    return st;
}

igd_status igd_npy_read(igd_npy *out, const char *path)
{
    return read_file(out, path, true, 0);
}

igd_status igd_npy_read_header(igd_npy *out, const char *path, size_t tail)
{
    return read_file(out, path, false, tail);
}

igd_status igd_npy_to_f32(igd_npy *a, const char *path)
{
    if (a->type == IGD_NPY_F32)
        return IGD_OK;
    float *out = malloc((size_t)a->size * sizeof(*out) + 1);
    if (out == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %lld floats", path,
                         (long long)a->size);
    for (int64_t i = 0; i < a->size; i++) {
        double value = 0;
        switch (a->type) {
        case IGD_NPY_U8:
            value = ((const uint8_t *)a->data)[i];
            break;
        case IGD_NPY_I32:
            value = ((const int32_t *)a->data)[i];
            break;
        case IGD_NPY_I64:
            value = (double)((const int64_t *)a->data)[i];
            break;
        case IGD_NPY_F32:
            break;
        case IGD_NPY_F64:
            value = ((const double *)a->data)[i];
            if (isfinite(value) && fabs(value) > (double)0x1.fffffep127f) {
                free(out);
                return igd_error(IGD_EFORMAT, "%s: element %lld, %g, is no float32", path,
                                 (long long)i, value);
            }
            break;
        }
        out[i] = (float)value;
    }
    free(a->data);
    a->data = out;
    a->type = IGD_NPY_F32;
    return IGD_OK;
}

// "(3, 4)", or "(3,)" as Python writes a single length.
static void print_shape(char *out, size_t room, const int64_t *shape, int num_dims)
{
    size_t used = (size_t)snprintf(out, room, "(");
    for (int i = 0; i < num_dims; i++)
        used += (size_t)snprintf(out + used, room - used, "%s%lld", i > 0 ? ", " : "",
                                 (long long)shape[i]);
    snprintf(out + used, room - used, num_dims == 1 ? ",)" : ")");
}

igd_status igd_npy_write_header(FILE *f, igd_npy_type type, const int64_t *shape,
                                int num_dims, const char *path)
{
    unsigned char head[ALIGNMENT * 8];
    char text[32 * IGD_NPY_DIMS];
    size_t size = types[type].size;

    if (num_dims < 0 || num_dims > IGD_NPY_DIMS)
        return igd_error(IGD_EINVAL, "%s: an array of %d dimensions", path, num_dims);
    for (int i = 0; i < num_dims; i++) {
        if (shape[i] < 0 || (shape[i] > 0 && size > (size_t)INT64_MAX / (size_t)shape[i]))
            return igd_error(IGD_EINVAL, "%s: an axis of length %lld", path,
                             (long long)shape[i]);
        size *= (size_t)shape[i];
    }
    print_shape(text, sizeof(text), shape, num_dims);
    // Spaces and a line break pad the header so that the data are aligned.
    const size_t start = MAGIC_SIZE + 4;
    const int used = snprintf((char *)head + start, sizeof(head) - start,
                              "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                              types[type].descr, text);
    const size_t end = (start + (size_t)used + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    memset(head + start + used, ' ', end - start - (size_t)used);
    head[end - 1] = '\n';
    memcpy(head, MAGIC "\x01", MAGIC_SIZE + 2);
    head[MAGIC_SIZE + 2] = (unsigned char)((end - start) & 0xff);
    head[MAGIC_SIZE + 3] = (unsigned char)((end - start) >> 8);

    fwrite(head, 1, end, f);
    return IGD_OK;
}

igd_status igd_npy_write(const char *path, igd_npy_type type, const int64_t *shape,
                         int num_dims, const void *data)
{
    igd_writer *w = NULL;
    size_t size = types[type].size;

    IGD_TRY(igd_writer_open(&w, path));
    const igd_status st =
        igd_npy_write_header(igd_writer_stream(w), type, shape, num_dims, path);
    if (st != IGD_OK) {
        igd_writer_free(w);
        return st;
    }
    for (int i = 0; i < num_dims; i++)
        size *= (size_t)shape[i];
    // The stream keeps a failure, which the commit then reports.
    fwrite(data, 1, size, igd_writer_stream(w));
    return igd_writer_commit(w);
}

void igd_npy_free(igd_npy *a)
{
    free(a->data);
    a->data = NULL;
}
