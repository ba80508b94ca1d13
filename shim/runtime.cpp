// Devices, threads and versions: the functions of igdef/runtime.h.
#include "igdef/runtime.h"

#include "threads.h"
#include "torch.hpp"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cblas.h>
#include <sched.h>

#include <mutex>

const char *igd_torch_version(void)
{
    return TORCH_VERSION;
}

int igd_num_cuda_devices(void)
{
    int n = 0;
    const igd_status st =
        guarded("cuda", [&] { n = static_cast<int>(at::getNumGPUs()); });
    return st == IGD_OK ? n : 0;
}

int igd_num_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    const int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

igd_status igd_set_num_threads(int num_threads)
{
    if (num_threads < 0)
        return igd_error(IGD_EINVAL, "cannot compute with %d threads", num_threads);
    if (num_threads == 0)
        num_threads = igd_num_cores();
    return guarded("threads", [&] {
        static std::once_flag once; // a second call of the first function throws
        std::call_once(once, [] { at::set_num_interop_threads(1); });
        at::set_num_threads(num_threads);
        openblas_set_num_threads(num_threads); // ignores libtorch's and OpenMP's setting
    });
}

int igd_num_threads(void)
{
    return at::get_num_threads();
}

igd_status igd_thread_compute_alone(void)
{
    // OpenMP keeps this setting per thread. libtorch's own copy of it, which threads that
    // never computed begin with, is put right by the next igd_set_num_threads().
    return guarded("threads", [&] { at::set_num_threads(1); });
}

igd_status igd_blas_compute_alone(void)
{
    return guarded("threads", [&] { openblas_set_num_threads(1); });
}
