// Owns the class masks.
#include "defend/mask.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

igd_status igd_mask_build(igd_tensor **out, const igd_ranking *ranking, int keep)
{
    const int C = igd_ranking_num_classes(ranking);
    const int K = igd_ranking_num_neurons(ranking);
    const int *neurons = igd_ranking_layer_neurons(ranking);
    const int L = igd_ranking_num_layers(ranking);
    float *mask = NULL; // [C, K]
    int *kept = NULL;   // [L]
    igd_status st = IGD_OK;

    *out = NULL;
    for (int l = 0; l < L; l++)
        if (keep < 1 || keep > neurons[l])
            return igd_error(IGD_EINVAL, "cannot keep %d of %d neurons", keep,
                             neurons[l]);

    mask = calloc((size_t)C * (size_t)K, sizeof(*mask));
    kept = calloc((size_t)L, sizeof(*kept));
    if (mask == NULL || kept == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %d x %d masks", C, K);
        goto done;
    }
    for (int c = 0; c < C; c++) {
        const int32_t *order = igd_ranking_order(ranking, c);
        memset(kept, 0, (size_t)L * sizeof(*kept));
        for (int i = 0; i < K; i++) { // the most important ones of each layer
            int l = 0;
            for (int first = 0; order[i] >= first + neurons[l]; l++)
                first += neurons[l];
            if (kept[l]++ < keep)
                mask[(size_t)c * (size_t)K + (size_t)order[i]] = 1.0f;
        }
    }
    st = igd_tensor_from_floats(out, mask, (int64_t[]){C, K}, 2);

done:
    free(kept);
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
