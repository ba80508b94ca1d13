// Owns the safetensors format: eight bytes of header length, a JSON header, the data.
#include "core/safetensors.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/json_build.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "elements are copied as they lie");

#define LENGTH_SIZE 8
#define MAX_HEADER ((size_t)100 << 20) // the format's own limit
#define METADATA "__metadata__"

typedef struct entry {
    igd_named_array array;
    int64_t begin, end; // in bytes from the end of the header
} entry;

struct igd_safetensors {
    cJSON *header; // owned; has the names and the metadata
    int num;
    entry *entries; // owned; by rising `begin`
    float *data;    // owned
};

// Product of a shape, -1 where it does not fit a size in bytes.
static int64_t count_elements(const int64_t *shape, int num_dims)
{
    int64_t size = 1;
    for (int i = 0; i < num_dims; i++)
        if (shape[i] == 0)
            return 0;
    for (int i = 0; i < num_dims; i++) {
        if (size > INT64_MAX / (int64_t)sizeof(float) / shape[i])
            return -1;
        size *= shape[i];
    }
    return size;
}

// A length or offset: a whole number >= 0.
static bool whole(int64_t *out, const cJSON *item)
{
    const bool good = cJSON_IsNumber(item) && item->valuedouble >= 0 &&
                      item->valuedouble <= 0x1p53 &&
                      item->valuedouble == (double)(int64_t)item->valuedouble;
    *out = good ? (int64_t)item->valuedouble : 0;
    return good;
}

static igd_status parse_entry(entry *out, const cJSON *item, const char *path)
{
    const char *dtype;
    const cJSON *shape, *offsets, *length;
    igd_named_array *a = &out->array;

    a->name = item->string;
    igd_status st = igd_json_string(&dtype, item, "dtype", path);
    if (st == IGD_OK)
        st = igd_json_array(&shape, item, "shape", path);
    if (st == IGD_OK)
        st = igd_json_array(&offsets, item, "data_offsets", path);
    if (st != IGD_OK)
        return st;
    if (strcmp(dtype, "F32") != 0)
        return igd_error(IGD_EFORMAT, "%s: tensor \"%s\" is %s, not F32", path, a->name,
                         dtype);
    cJSON_ArrayForEach(length, shape)
    {
        if (a->num_dims == IGD_SAFETENSORS_DIMS)
            return igd_error(IGD_EFORMAT, "%s: tensor \"%s\" has more than %d axes", path,
                             a->name, IGD_SAFETENSORS_DIMS);
        if (!whole(&a->shape[a->num_dims++], length))
            return igd_error(IGD_EFORMAT, "%s: tensor \"%s\" has a bad shape", path,
                             a->name);
    }
    a->size = count_elements(a->shape, a->num_dims);
    if (a->size < 0)
        return igd_error(IGD_EFORMAT, "%s: tensor \"%s\" has a bad shape", path, a->name);
    if (cJSON_GetArraySize(offsets) != 2 ||
        !whole(&out->begin, cJSON_GetArrayItem(offsets, 0)) ||
        !whole(&out->end, cJSON_GetArrayItem(offsets, 1)) || out->begin > out->end)
        return igd_error(IGD_EFORMAT, "%s: tensor \"%s\" has bad offsets", path, a->name);
    if (out->end - out->begin != a->size * (int64_t)sizeof(float))
        return igd_error(IGD_EFORMAT,
                         "%s: tensor \"%s\" has %lld bytes where its shape needs %lld",
                         path, a->name, (long long)(out->end - out->begin),
                         (long long)(a->size * (int64_t)sizeof(float)));
    return IGD_OK;
}

static igd_status check_metadata(const cJSON *metadata, const char *path)
{
    const cJSON *item;
    if (!cJSON_IsObject(metadata))
        return igd_error(IGD_EFORMAT, "%s: \"%s\" is not an object", path, METADATA);
    cJSON_ArrayForEach(item, metadata)
    {
        if (!cJSON_IsString(item))
            return igd_error(IGD_EFORMAT, "%s: metadata \"%s\" is not a string", path,
                             item->string);
    }
    return IGD_OK;
}

static int by_begin(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end); // empty ones first
}

static igd_status parse_header(igd_safetensors *f, int64_t data_size, const char *path)
{
    const cJSON *item;
    if (!cJSON_IsObject(f->header))
        return igd_error(IGD_EFORMAT, "%s: safetensors header is not an object", path);
    f->entries = calloc((size_t)cJSON_GetArraySize(f->header) + 1, sizeof(*f->entries));
    if (f->entries == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its header", path);
    cJSON_ArrayForEach(item, f->header)
    {
        if (strcmp(item->string, METADATA) == 0)
            IGD_TRY(check_metadata(item, path));
        else
            IGD_TRY(parse_entry(&f->entries[f->num++], item, path));
    }
    // The format wants the tensors to fill the data without overlap or gap.
    qsort(f->entries, (size_t)f->num, sizeof(*f->entries), by_begin);
    int64_t at = 0;
    for (int i = 0; i < f->num; i++) {
        if (f->entries[i].begin != at)
            return igd_error(IGD_EFORMAT,
                             "%s: tensor \"%s\" starts at byte %lld instead of %lld",
                             path, f->entries[i].array.name,
                             (long long)f->entries[i].begin, (long long)at);
        at = f->entries[i].end;
    }
    if (at != data_size)
        return igd_error(IGD_EFORMAT, "%s: %lld bytes of data where its header says %lld",
                         path, (long long)data_size, (long long)at);
    return IGD_OK;
}

igd_status igd_safetensors_parse(igd_safetensors **out, const unsigned char *bytes,
                                 size_t size, const char *path)
{
    igd_safetensors *f = NULL;
    uint64_t length = 0;
    igd_status st = IGD_OK;

    *out = NULL;
    for (size_t i = LENGTH_SIZE; i > 0 && size >= LENGTH_SIZE; i--)
        length = length << 8 | bytes[i - 1];
    if (size < LENGTH_SIZE || length > size - LENGTH_SIZE || length > MAX_HEADER ||
        length == 0 || bytes[LENGTH_SIZE] != '{')
        return igd_error(IGD_EFORMAT, "%s: not a safetensors file, or truncated", path);
    const unsigned char *data = bytes + LENGTH_SIZE + length;
    const size_t data_size = size - LENGTH_SIZE - (size_t)length;

    f = calloc(1, sizeof(*f));
    if (f != NULL)
        f->data = malloc(data_size + 1);
    if (f == NULL || f->data == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory for %zu bytes", path, data_size);
        goto done;
    }
    st = igd_json_parse(&f->header, (const char *)bytes + LENGTH_SIZE, (size_t)length,
                        path);
    if (st != IGD_OK)
        goto done;
    st = parse_header(f, (int64_t)data_size, path);
    if (st != IGD_OK)
        goto done;
    memcpy(f->data, data, data_size);
    for (int i = 0; i < f->num; i++) // every begin is a sum of sizes of float32 arrays
        f->entries[i].array.data = f->data + f->entries[i].begin / (int64_t)sizeof(float);
    *out = f;
    f = NULL;

done:
    igd_safetensors_free(f);
    return st;
}

igd_status igd_safetensors_read(igd_safetensors **out, const char *path)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    IGD_TRY(igd_file_read(&bytes, &size, path, SIZE_MAX));
    const igd_status st = igd_safetensors_parse(out, bytes, size, path);
    free(bytes);
    return st;
}

void igd_safetensors_free(igd_safetensors *f)
{
    if (f == NULL)
        return;
    cJSON_Delete(f->header);
    free(f->entries);
    free(f->data);
    free(f);
}

int igd_safetensors_count(const igd_safetensors *f)
{
    return f->num;
}

const igd_named_array *igd_safetensors_at(const igd_safetensors *f, int i)
{
    assert(i >= 0 && i < f->num);
    return &f->entries[i].array;
}

const igd_named_array *igd_safetensors_find(const igd_safetensors *f, const char *name)
{
    for (int i = 0; i < f->num; i++)
        if (strcmp(f->entries[i].array.name, name) == 0)
            return &f->entries[i].array;
    return NULL;
}

const cJSON *igd_safetensors_metadata(const igd_safetensors *f)
{
    return cJSON_GetObjectItemCaseSensitive(f->header, METADATA);
}

// Adds one array to the header; `at` is where its data start and moves to their end.
static bool add_entry(cJSON *header, const igd_named_array *a, int64_t *at)
{
    const int64_t size = count_elements(a->shape, a->num_dims) * (int64_t)sizeof(float);
    cJSON *item = igd_json_add_object(header, a->name);
    if (item == NULL || !igd_json_add_string(item, "dtype", "F32"))
        return false;
    cJSON *shape = igd_json_add_array(item, "shape");
    bool good = shape != NULL;
    for (int i = 0; i < a->num_dims && good; i++)
        good = igd_json_append(shape, cJSON_CreateNumber((double)a->shape[i]));
    cJSON *offsets = igd_json_add_array(item, "data_offsets");
    good = good && offsets != NULL &&
           igd_json_append(offsets, cJSON_CreateNumber((double)*at)) &&
           igd_json_append(offsets, cJSON_CreateNumber((double)(*at + size)));
    *at += size;
    return good;
}

static igd_status make_header(char **out, const cJSON *metadata,
                              const igd_named_array *arrays, int num, const char *path)
{
    cJSON *header = NULL;
    int64_t at = 0;
    igd_status st = IGD_OK;

    *out = NULL;
    header = cJSON_CreateObject();
    bool good = header != NULL;
    if (good && metadata != NULL) {
        st = check_metadata(metadata, path);
        if (st != IGD_OK)
            goto done;
        good = igd_json_add_copy(header, METADATA, metadata);
    }
    for (int i = 0; i < num && good; i++)
        good = add_entry(header, &arrays[i], &at);
    if (good)
        *out = igd_json_text(header, false);
    if (*out == NULL)
        st = igd_error(IGD_ENOMEM, "%s: no memory for its header", path);

done:
    cJSON_Delete(header);
    return st;
}

igd_status igd_safetensors_write(const char *path, const cJSON *metadata,
                                 const igd_named_array *arrays, int num)
{
    char *header = NULL;
    igd_writer *w = NULL;
    igd_status st;

    for (int i = 0; i < num; i++)
        assert(arrays[i].num_dims <= IGD_SAFETENSORS_DIMS &&
               count_elements(arrays[i].shape, arrays[i].num_dims) >= 0);
    st = make_header(&header, metadata, arrays, num, path);
    if (st != IGD_OK)
        goto done;
    st = igd_writer_open(&w, path);
    if (st != IGD_OK)
        goto done;
    // Spaces after the header align the data for readers that map the file. The stream
    // keeps a failure, which the commit then reports.
    FILE *stream = igd_writer_stream(w);
    const size_t used = strlen(header);
    const uint64_t length = (used + LENGTH_SIZE - 1) / LENGTH_SIZE * LENGTH_SIZE;
    fwrite(&length, sizeof(length), 1, stream);
    fwrite(header, 1, used, stream);
    fprintf(stream, "%*s", (int)(length - used), "");
    for (int i = 0; i < num; i++)
        fwrite(arrays[i].data, sizeof(float),
               (size_t)count_elements(arrays[i].shape, arrays[i].num_dims), stream);
    st = igd_writer_commit(w);

done:
    cJSON_free(header);
    return st;
}
