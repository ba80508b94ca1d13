// CAAA: a step away from every decision boundary before the image is classified.
//
// Source: Alfarra et al., AAAI 2022, as re-implemented by Croce et al., ICML 2022.
#include "core/error.h"
#include "core/pixels.h"
#include "core/require.h"
#include "defend/defense_kind.h"

// Cross-entropy of the pseudo-label: its derivative is q - e_label, where 1 - q_label is
// summed from the others, since it is not 0 where q_label rounds to 1.
static void weigh(float *weight, const double *q, int C, int label)
{
    double others = 0.0;
    for (int k = 0; k < C; k++) {
        others += k == label ? 0.0 : q[k];
        weight[k] = (float)q[k];
    }
    weight[label] = (float)-others;
}

static void move(float *delta, const float *x, const float *grad, int64_t D,
                 const igd_defense *d)
{
    const float alpha = (float)d->caaa.alpha;
    (void)x; // CAAA leaves [0, 1] where it wants to
    for (int64_t j = 0; j < D; j++)
        delta[j] -= alpha * igd_sign(grad[j]);
}

igd_status igd_defense_new_caaa(igd_defense **out, const igd_model *base,
                                const igd_caaa_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    igd_defense *d = NULL;
    cJSON *settings = NULL;
    igd_status st;

    IGD_TRY(igd_defense_begin(&d, base, IGD_DEFENSE_CAAA, igd_climbing_classifier));
    d->caaa = options != NULL ? *options : igd_caaa_options_default();
    d->climb = (igd_climb){.num_steps = d->caaa.num_steps, .weigh = weigh, .move = move};
    if ((st = igd_climb_check(d, &d->climb)) == IGD_OK &&
        (st = igd_climb_check_size(d->caaa.alpha, "alpha")) == IGD_OK) {
        settings = cJSON_CreateObject();
        cJSON_AddStringToObject(settings, "kind", "caaa");
        cJSON_AddNumberToObject(settings, "steps", d->caaa.num_steps);
        cJSON_AddNumberToObject(settings, "alpha", d->caaa.alpha);
    }
    return igd_defense_finish(out, d, settings, st);
}
