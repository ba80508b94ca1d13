// Host memory that a device copies from and to without a detour through the driver's own.
#ifndef IGD_SHIM_HOST_H
#define IGD_SHIM_HOST_H

#include <stddef.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct igd_host {
    float *data; // [n], zeroed; borrowed
    void *owner;
} igd_host;

// For a CUDA device page-locked memory, where the system lets us; else plain memory.
// @return IGD_OK, IGD_ENOMEM
igd_status igd_host_make(igd_host *h, size_t n, const char *device);
void igd_host_free(igd_host *h); // zeroed is fine

#ifdef __cplusplus
}
#endif

#endif
