// Owns the class masks.
#include "defend/mask.h"

#include <stdlib.h>

#include "core/error.h"

igd_status igd_mask_build(igd_tensor **out, const igd_ranking *ranking, int keep)
{
    const int C = igd_ranking_num_classes(ranking);
    const int K = igd_ranking_num_neurons(ranking);
    float *mask = NULL; // [C, K]
    igd_status st = IGD_OK;

    *out = NULL;
    if (keep < 1 || keep > K)
        return igd_error(IGD_EINVAL, "cannot keep %d of %d neurons", keep, K);

    mask = calloc((size_t)C * (size_t)K, sizeof(*mask));
    if (mask == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d x %d masks", C, K);
        goto done;
    }
    for (int c = 0; c < C; c++) {
        const int32_t *order = igd_ranking_order(ranking, c);
        for (int i = 0; i < keep; i++)
            mask[(size_t)c * (size_t)K + (size_t)order[i]] = 1.0f;
    }
    st = igd_tensor_from_floats(out, mask, (int64_t[]){C, K}, 2);

done:
    free(mask);
    return st;
}
