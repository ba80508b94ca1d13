// How many threads libtorch and OpenBLAS use for what one of our own threads computes.
#ifndef IGD_SHIM_THREADS_H
#define IGD_SHIM_THREADS_H

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Makes libtorch use no other thread for what the calling thread computes, ever after.
igd_status igd_thread_compute_alone(void);
// Gives the calling thread, and those that begin to compute later, so many again.
void igd_thread_give_back(int num_threads);
// Makes OpenBLAS do so for all threads until the last of those that began ends.
igd_status igd_blas_alone_begin(void);
void igd_blas_alone_end(void);

#ifdef __cplusplus
}
#endif

#endif
