// How many threads libtorch and OpenBLAS use for what one of our own threads computes.
#ifndef IGD_SHIM_THREADS_H
#define IGD_SHIM_THREADS_H

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Makes libtorch use no other thread for what the calling thread computes, ever after.
igd_status igd_thread_compute_alone(void);
// Makes OpenBLAS do so for all threads, until igd_set_num_threads().
igd_status igd_blas_compute_alone(void);

#ifdef __cplusplus
}
#endif

#endif
