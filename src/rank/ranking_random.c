// The random ranking: the ablation that tells what a method adds.
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/json_build.h"
#include "core/random.h"
#include "core/require.h"
#include "cut.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"

igd_status igd_ranking_random(igd_ranking **out, const igd_model *model,
                              const char *layer, const char *const *class_names,
                              uint64_t seed)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(model);
    IGD_REQUIRE(layer);
    igd_cut *cut = NULL;
    float *score = NULL;   // [C, K]
    int32_t *order = NULL; // [K]
    cJSON *options = NULL;
    igd_status st = IGD_OK;

    if ((st = igd_model_cut(&cut, model, layer)) != IGD_OK)
        goto done;
    const int C = igd_model_num_classes(model);
    const int K = (int)igd_cut_num_neurons(cut);
    score = malloc((size_t)C * (size_t)K * sizeof(*score));
    order = malloc((size_t)K * sizeof(*order));
    options = cJSON_CreateObject();
    if (score == NULL || order == NULL || options == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for a ranking of %d x %d neurons", C, K);
        goto done;
    }
    for (int c = 0; c < C; c++) {
        const igd_stream stream = igd_stream_make(seed, "random ranking", c, 0);
        igd_random_permutation(order, K, &stream);
        for (int i = 0; i < K; i++) // the first is the most important
            score[(size_t)c * (size_t)K + (size_t)order[i]] = (float)(K - i);
    }
    char text[24]; // a JSON number holds 53 bits
    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    igd_json_add_string(options, "seed", text);
    st = igd_ranking_make(out, "random", layer, igd_model_sha256(model), C, K, score, 0,
                          class_names, options);
    options = NULL;
    if (st == IGD_OK)
        st = igd_ranking_set_origin(*out, model, NULL);
    if (st == IGD_OK)
        st = igd_ranking_note_layers(*out, cut);

done:
    if (st != IGD_OK) {
        igd_ranking_free(*out);
        *out = NULL;
    }
    cJSON_Delete(options);
    free(order);
    free(score);
    igd_cut_free(cut);
    return st;
}
