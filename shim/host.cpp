// Owns memory of the host for copies from and to a device. What is page-locked is a
// tensor of libtorch's, which keeps what is given back for the next.
#include "host.h"

#include "torch.hpp"

#include <cstdlib>

igd_status igd_host_make(igd_host *h, size_t n, const char *device)
{
    *h = {nullptr, nullptr};
    // Where nothing can be locked, as beyond the system's limit, plain memory will do.
    const igd_status locked = guarded("page-locked memory", [&] {
        if (!at::Device(device).is_cuda())
            return;
        const at::Tensor t = at::zeros({static_cast<int64_t>(n)},
                                       at::TensorOptions(at::kFloat).pinned_memory(true));
        *h = {t.data_ptr<float>(), igd_tensor_make(t, nullptr)};
    });
    if (locked == IGD_OK && h->data != nullptr)
        return IGD_OK;
    h->data = static_cast<float *>(std::calloc(n > 0 ? n : 1, sizeof(float)));
    return h->data != nullptr ? IGD_OK
                              : igd_error(IGD_ENOMEM, "no memory for %zu numbers", n);
}

void igd_host_free(igd_host *h)
{
    if (h->owner != nullptr)
        igd_tensor_free(static_cast<igd_tensor *>(h->owner));
    else
        std::free(h->data);
    *h = {nullptr, nullptr};
}
