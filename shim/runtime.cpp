// Devices, threads and versions: the functions of igdef/runtime.h.
#include "igdef/runtime.h"

#include "tf32.h"
#include "threads.h"
#include "torch.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <cblas.h>
#include <dlfcn.h>
#include <sched.h>

#include <cstdlib>
#include <mutex>

namespace
{
// What stands between two texts in libtorch's own description of how it was built.
std::string configured(const std::string &config, const char *before, const char *after)
{
    const size_t at = config.find(before);
    if (at == std::string::npos)
        return "";
    const size_t start = at + std::string(before).size();
    return config.substr(start, config.find_first_of(after, start) - start);
}

// The file that holds an address, links followed; empty where that is not known.
std::string file_of(const void *address)
{
    Dl_info info;
    if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr)
        return "";
    char *real = realpath(info.dli_fname, nullptr);
    const std::string file = real != nullptr ? real : info.dli_fname;
    std::free(real);
    return file;
}

// The BLAS that libtorch calls: MKL inside it, or the library that its sgemm_ comes from.
std::string find_blas(const std::string &config, const std::string &torch)
{
    const std::string mkl = configured(config, "Math Kernel Library Version ", " \n");
    if (!mkl.empty())
        return "MKL " + mkl;
    std::string name = configured(config, "BLAS_INFO=", ", \n");
    void *handle = dlopen(torch.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (handle != nullptr) {
        const std::string file = file_of(dlsym(handle, "sgemm_"));
        if (!file.empty() && file != torch)
            name = file;
        dlclose(handle);
    }
    return name.empty() ? "unknown" : name;
}

struct description {
    std::string version, path, blas, cuda;
    description() noexcept
    {
        const igd_status failed = guarded("libtorch", [&] {
            const std::string config = at::show_config();
            version = configured(config, "TORCH_VERSION=", ", \n");
            cuda = configured(config, "CUDA_VERSION=", ", \n");
            path = file_of(reinterpret_cast<const void *>(&at::show_config));
            blas = find_blas(config, path);
        });
        if (failed != IGD_OK || version.empty())
            version = "unknown";
    }
};

const description &libtorch()
{
    static const description d;
    return d;
}
} // namespace

const char *igd_torch_version(void)
{
    return libtorch().version.c_str();
}

const char *igd_torch_path(void)
{
    return libtorch().path.c_str();
}

const char *igd_torch_blas(void)
{
    return libtorch().blas.c_str();
}

const char *igd_torch_cuda(void)
{
    return libtorch().cuda.c_str();
}

igd_status igd_torch_check(void)
{
    const auto minor = [](const std::string &version) {
        return version.substr(0, version.find('.', version.find('.') + 1));
    };
    const std::string &loaded = libtorch().version;
    if (minor(loaded) == minor(TORCH_VERSION))
        return IGD_OK;
    return igd_error(IGD_ETORCH,
                     "%s is libtorch %s, but igdef was built with %s: build it again, or "
                     "let it find that one",
                     libtorch().path.c_str(), loaded.c_str(), TORCH_VERSION);
}

int igd_num_cuda_devices(void)
{
    int n = 0;
    const igd_status st =
        guarded("cuda", [&] { n = static_cast<int>(at::getNumGPUs()); });
    return st == IGD_OK ? n : 0;
}

igd_status igd_compute_exactly(void)
{
    return guarded("CUDA", [] {
        // cuBLAS sums in one order only with a workspace of fixed size.
        setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
        at::Context &context = at::globalContext();
        context.setAllowTF32CuDNN(false);
        context.setAllowTF32CuBLAS(false);
        context.setBenchmarkCuDNN(false);
        context.setDeterministicCuDNN(true);
        context.setDeterministicAlgorithms(true, true); // where there is one
    });
}

igd_status igd_tf32_swap(igd_tf32 *allowed)
{
    return guarded("CUDA", [=] {
        at::Context &context = at::globalContext();
        const igd_tf32 before = {context.allowTF32CuDNN(), context.allowTF32CuBLAS()};
        context.setAllowTF32CuDNN(allowed->convolutions);
        context.setAllowTF32CuBLAS(allowed->products);
        *allowed = before;
    });
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

namespace
{
// One thread at a time: in a process that was forked, the first call replaces libtorch's
// pool of threads, and a second one meanwhile finds none and fails (2.x).
void set_libtorch_threads(int num_threads)
{
    static std::mutex lock;
    const std::lock_guard<std::mutex> held(lock);
    at::set_num_threads(num_threads);
}
} // namespace

igd_status igd_set_num_threads(int num_threads)
{
    if (num_threads < 0 || num_threads > IGD_MAX_THREADS)
        return igd_error(IGD_EINVAL, "cannot compute with %d threads", num_threads);
    if (num_threads == 0)
        num_threads = igd_num_cores();
    return guarded("threads", [&] {
        static std::once_flag once; // a second call of the first function throws
        std::call_once(once, [] { at::set_num_interop_threads(1); });
        set_libtorch_threads(num_threads);
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
    return guarded("threads", [&] { set_libtorch_threads(1); });
}

namespace
{
std::mutex blas_lock;
int blas_users = 0, blas_before = 1; // guarded by blas_lock
} // namespace

igd_status igd_blas_alone_begin(void)
{
    return guarded("threads", [] {
        const std::lock_guard<std::mutex> lock(blas_lock);
        if (blas_users++ > 0)
            return;
        blas_before = openblas_get_num_threads();
        openblas_set_num_threads(1);
    });
}

void igd_blas_alone_end(void)
{
    const std::lock_guard<std::mutex> lock(blas_lock);
    if (--blas_users == 0)
        openblas_set_num_threads(blas_before);
}

void igd_thread_give_back(int num_threads)
{
    (void)!guarded("threads", [&] { set_libtorch_threads(num_threads); });
}
