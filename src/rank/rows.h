// Rows of a float32 matrix that need not fit in memory: an array, an .npy file, or a
// temporary file that is written row by row.
#ifndef IGD_RANK_ROWS_H
#define IGD_RANK_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/status.h"

typedef struct igd_rows igd_rows;

// A view of data [num_rows, width], borrowed; `name` starts messages.
igd_status igd_rows_view(igd_rows **out, const char *name, const float *data,
                         int64_t num_rows, int64_t width);
// An .npy file with two axes, of any type that igd_npy_to_f32() converts.
igd_status igd_rows_open(igd_rows **out, const char *path);
// An empty matrix in a temporary file without a name, which its end removes.
igd_status igd_rows_spool(igd_rows **out, const char *name, int64_t width);
igd_status igd_rows_append(igd_rows *r, const float *rows, int64_t n);

int64_t igd_rows_count(const igd_rows *r);
int64_t igd_rows_width(const igd_rows *r);
const char *igd_rows_name(const igd_rows *r); // borrowed

// Reads rows first .. first + n - 1 into out [n, width]. A number that is not finite is
// a failure that names its row.
igd_status igd_rows_read(igd_rows *r, float *out, int64_t first, int64_t n);
// Writes all rows as an .npy file, whole or not at all. Behind them stand `print`, the
// fingerprint of what made the rows, and a digest of both; readers of .npy files do not
// see them.
igd_status igd_rows_save(igd_rows *r, const char *path, const char *print);

typedef enum igd_rows_seal {
    IGD_ROWS_UNSEALED, // nothing follows the rows
    IGD_ROWS_BROKEN,   // the digest is of other rows, or of another fingerprint
    IGD_ROWS_SEALED,
} igd_rows_seal;
// What the digest of the file that was opened says; NULL for whatever made the rows.
igd_status igd_rows_check_seal(igd_rows_seal *out, igd_rows *r, const char *print);
void igd_rows_free(igd_rows *r); // NULL is fine

#endif
