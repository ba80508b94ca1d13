// .npy arrays (format versions 1 and 2, little-endian, C order).
#ifndef IGD_CORE_NPY_H
#define IGD_CORE_NPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "igdef/status.h"

#define IGD_NPY_DIMS 8

typedef enum igd_npy_type {
    IGD_NPY_U8,
    IGD_NPY_I32,
    IGD_NPY_I64,
    IGD_NPY_F32,
    IGD_NPY_F64
} igd_npy_type;

typedef struct igd_npy {
    igd_npy_type type;
    int num_dims;
    int64_t shape[IGD_NPY_DIMS];
    int64_t size;  // number of elements
    size_t offset; // of the first element in the file
    void *data;    // owned; NULL where only the header was read
} igd_npy;

size_t igd_npy_element_size(igd_npy_type type);
// NumPy's name of it, such as "float64". Borrowed, static.
const char *igd_npy_type_name(igd_npy_type type);

// Reads header and data. igd_npy_free() releases.
igd_status igd_npy_read(igd_npy *out, const char *path);
// The same from a file's content; `path` starts the messages.
igd_status igd_npy_parse(igd_npy *out, const unsigned char *bytes, size_t size,
                         const char *path);
// Reads the header alone and checks it against the file's length; `tail` bytes, or none,
// may follow the array.
igd_status igd_npy_read_header(igd_npy *out, const char *path, size_t tail);
// Converts data in place to float32, from any type.
igd_status igd_npy_to_f32(igd_npy *a, const char *path);
// The header alone, to a stream that keeps failures of writing; `path` starts messages.
igd_status igd_npy_write_header(FILE *f, igd_npy_type type, const int64_t *shape,
                                int num_dims, const char *path);
igd_status igd_npy_write(const char *path, igd_npy_type type, const int64_t *shape,
                         int num_dims, const void *data);
void igd_npy_free(igd_npy *a);

#endif
