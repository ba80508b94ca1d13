// An opaque array of float32 on some device.
#ifndef IGD_SHIM_TENSOR_H
#define IGD_SHIM_TENSOR_H

#include <stdint.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An immutable array. Threads may share it. */
typedef struct igd_tensor igd_tensor;

/**
 * Copy a host array into a tensor on the CPU.
 *
 * @param[out] out  owned, free with igd_tensor_free(); NULL on failure
 * @param data      borrowed; row-major, as many floats as the shape says
 * @param shape     borrowed; [num_dims], every length >= 0
 * @return IGD_OK, IGD_EINVAL, IGD_ENOMEM, IGD_ETORCH
 */
igd_status igd_tensor_from_floats(igd_tensor **out, const float *data,
                                  const int64_t *shape, int num_dims);

/**
 * Copy a tensor into a host array, row-major.
 *
 * @param[out] data  room for `size` floats
 * @param size       must equal igd_tensor_size()
 * @return IGD_OK, IGD_EINVAL if the size differs, IGD_ETORCH
 */
igd_status igd_tensor_to_floats(const igd_tensor *t, float *data, int64_t size);

/** Number of axes; 0 for NULL. */
int igd_tensor_dims(const igd_tensor *t);

/** Length of an axis; negative axes count from the end; 0 where there is none. */
int64_t igd_tensor_length(const igd_tensor *t, int axis);

/** Number of elements; 0 for NULL. */
int64_t igd_tensor_size(const igd_tensor *t);

/** Free a tensor; NULL is fine. */
void igd_tensor_free(igd_tensor *t);

#ifdef __cplusplus
}
#endif

#endif
