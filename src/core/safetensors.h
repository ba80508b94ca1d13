// Safetensors files of float32: named arrays with text beside them.
#ifndef IGD_CORE_SAFETENSORS_H
#define IGD_CORE_SAFETENSORS_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/status.h"

#define IGD_SAFETENSORS_DIMS 8

typedef struct igd_named_array {
    const char *name;
    int num_dims;
    int64_t shape[IGD_SAFETENSORS_DIMS];
    int64_t size;      // number of elements; what writing takes from the shape
    const float *data; // [shape]
} igd_named_array;

// A file's content. Names, data and metadata live as long as it.
typedef struct igd_safetensors igd_safetensors;

// Reads a file, all of whose tensors must be float32. *out is owned,
// igd_safetensors_free().
igd_status igd_safetensors_read(igd_safetensors **out, const char *path);
// The same from a file's content; `path` starts the messages.
igd_status igd_safetensors_parse(igd_safetensors **out, const unsigned char *bytes,
                                 size_t size, const char *path);
void igd_safetensors_free(igd_safetensors *f);

int igd_safetensors_count(const igd_safetensors *f);
const igd_named_array *igd_safetensors_at(const igd_safetensors *f, int i); // borrowed
// NULL where there is none of that name; borrowed.
const igd_named_array *igd_safetensors_find(const igd_safetensors *f, const char *name);
// An object whose members are all strings; NULL where the file has none. Borrowed.
const cJSON *igd_safetensors_metadata(const igd_safetensors *f);

// Writes arrays [num] and metadata (an object of strings, or NULL), whole or not at all.
igd_status igd_safetensors_write(const char *path, const cJSON *metadata,
                                 const igd_named_array *arrays, int num);

#endif
