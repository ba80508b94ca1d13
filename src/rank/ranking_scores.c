// Owns rankings of scores that a program has computed.
#include "core/error.h"
#include "core/require.h"
#include "cut.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"

igd_status igd_ranking_from_scores(igd_ranking **out, const igd_model *model,
                                   const char *layer, const char *method,
                                   const float *score, int num_neurons,
                                   const char *const *class_names)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(model);
    IGD_REQUIRE(layer);
    IGD_REQUIRE(method);
    IGD_REQUIRE(score);
    igd_cut *cut = NULL;
    igd_ranking *r = NULL;
    igd_status st;

    IGD_TRY(igd_model_cut(&cut, model, layer));
    const int64_t K = igd_cut_num_neurons(cut);
    if (num_neurons != K)
        st = igd_error(IGD_EINVAL, "scores of %d neurons, but layer %s has %lld",
                       num_neurons, layer, (long long)K);
    else if ((st = igd_ranking_make(&r, method, layer, igd_model_sha256(model),
                                    igd_model_num_classes(model), num_neurons, score, 0,
                                    class_names, cJSON_CreateObject())) == IGD_OK &&
             (st = igd_ranking_set_origin(r, model, NULL)) == IGD_OK)
        st = igd_ranking_note_layers(r, cut);
    igd_cut_free(cut);
    if (st != IGD_OK)
        igd_ranking_free(r);
    else
        *out = r;
    return st;
}
