/**
 * @file runtime.h
 * What computes: libtorch's version, devices and threads.
 */
#ifndef IGDEF_RUNTIME_H
#define IGDEF_RUNTIME_H

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define IGD_MAX_THREADS 4096 /**< More are no machine's: the system would end us. */

/** Version of the libtorch in use, which it states itself, such as "2.6.0".
 *  @return borrowed, static */
const char *igd_torch_version(void);

/** File that libtorch was loaded from; "" where that is not known. @return borrowed,
 * static */
const char *igd_torch_path(void);

/** BLAS that libtorch computes with: "MKL" and its version, or a file.
 *  @return borrowed, static */
const char *igd_torch_blas(void);

/** Version of CUDA that libtorch was built for, such as "12.6"; "" for a build without.
 *  @return borrowed, static */
const char *igd_torch_cuda(void);

/**
 * Whether the libtorch in use is the one that igdef was built with, to its minor version.
 * Others have another layout of objects in memory: nothing else may be called then.
 *
 * @return IGD_OK, or IGD_ETORCH with both versions in the message
 */
igd_status igd_torch_check(void);

/** Number of CUDA devices that libtorch can use; 0 on a CPU-only build. */
int igd_num_cuda_devices(void);

/**
 * Make libtorch compute on CUDA in IEEE float32 and, where it can, repeatably: no TF32 in
 * cuDNN and cuBLAS, deterministic algorithms, no choice of them by timing, and
 * CUBLAS_WORKSPACE_CONFIG=:4096:8 unless the environment has another. For the whole
 * process.
 *
 * igd_model_load() calls it for a model on a CUDA device unless
 * igd_model_options.keep_cuda_settings says otherwise: with TF32, convolutions have
 * mantissas of 10 bits, and an accuracy may be off by more than its last digit.
 *
 * @return IGD_OK, IGD_ETORCH
 */
igd_status igd_compute_exactly(void);

/** Number of cores that the process may use, at least 1. */
int igd_num_cores(void);

/**
 * Set how many threads libtorch, OpenMP and OpenBLAS compute with, for the whole process.
 *
 * libtorch's own default can be 1. Call it before the first computation; waiting OpenMP
 * threads burn their cores unless OMP_WAIT_POLICY=passive was in the environment when the
 * program started (the command `igdef` sees to that itself).
 *
 * Beside this call, the first model that is loaded lets libtorch set OpenMP's number of
 * threads for the thread that loads it; and while attacks run, each on threads of its
 * own, OpenBLAS computes with one thread in the whole process. What it had is given back
 * after the last of them.
 *
 * @param num_threads  1 .. IGD_MAX_THREADS, or 0 for igd_num_cores()
 * @return IGD_OK, IGD_EINVAL, IGD_ETORCH
 */
igd_status igd_set_num_threads(int num_threads);

/** Number of threads in use. */
int igd_num_threads(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
