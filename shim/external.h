// Functions of rows that the program brings, as tensor operations with a gradient.
#ifndef IGD_SHIM_EXTERNAL_H
#define IGD_SHIM_EXTERNAL_H

#include <pthread.h>

#include "igdef/callbacks.h"
#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct igd_external {
    const char *name; // starts messages, such as "logits"; static
    igd_rows_fn rows;
    igd_gradient_fn gradient; // NULL for none
    void *payload;
    int64_t shape[2];      // of one row of the output
    int num_dims;          // of that row, 1 or 2
    pthread_mutex_t *lock; // held during calls; NULL where they may overlap
} igd_external;

// Rows [N, shape] of x [N, ...], on the CPU. A failure of the program's function becomes
// the scope's own. `e` must outlive s.
igd_tensor *igt_external(igd_scope *s, const igd_external *e, const igd_tensor *x);

#ifdef __cplusplus
}
#endif

#endif
