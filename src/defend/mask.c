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

igd_status igd_mask_sha256(char out[IGD_SHA256_LENGTH], const igd_tensor *mask)
{
    const int64_t size = igd_tensor_size(mask);
    float *values = malloc((size_t)size * sizeof(float));
    igd_sha256 *sum = NULL;
    igd_status st;

    if (values == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the masks");
    if ((st = igd_tensor_to_floats(mask, values, size)) == IGD_OK &&
        (st = igd_sha256_new(&sum)) == IGD_OK) {
        igd_sha256_add(sum, values, (size_t)size * sizeof(float));
        st = igd_sha256_hex(sum, out);
    }
    igd_sha256_free(sum);
    free(values);
    return st;
}
