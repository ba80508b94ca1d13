// Where libtorch may take factors of 10 bits for those of float32, on CUDA.
#ifndef IGD_SHIM_TF32_H
#define IGD_SHIM_TF32_H

#include <stdbool.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct igd_tf32 {
    bool convolutions, products;
} igd_tf32;

// Exchanges *allowed and what the process allows.
igd_status igd_tf32_swap(igd_tf32 *allowed);

#ifdef __cplusplus
}
#endif

#endif
