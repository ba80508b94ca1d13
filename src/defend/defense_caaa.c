// CAAA: a step away from every decision boundary before the image is classified.
//
// Source: Alfarra et al., AAAI 2022, as re-implemented by Croce et al., ICML 2022.
#include "core/error.h"
#include "core/options.h"
#include "core/pixels.h"
#include "core/require.h"
#include "defend/climb.h"

typedef struct caaa {
    igd_climber climber;
    igd_caaa_options options;
} caaa;

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
    const float alpha = (float)((const caaa *)d)->options.alpha;
    (void)x; // CAAA leaves [0, 1] where it wants to
    for (int64_t j = 0; j < D; j++)
        delta[j] -= alpha * igd_sign(grad[j]);
}

static const igd_defense_type type = {
    .kind = IGD_DEFENSE_CAAA,
    .name = "caaa",
    .classifier = igd_climbing_classifier,
    .no_export = IGD_CLIMB_NO_EXPORT,
};

igd_status igd_defense_new_caaa(igd_defense **out, const igd_model *base,
                                const igd_caaa_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_OPTIONS(igd_caaa_options, o, options);
    const igd_climb climb = {.num_steps = o.num_steps, .weigh = weigh, .move = move};
    const igd_climb_size alpha = {"alpha", "alpha", o.alpha};
    igd_defense *d = NULL;

    IGD_TRY(igd_climber_begin(&d, sizeof(caaa), base, &type, &climb, &alpha, 1));
    ((caaa *)d)->options = o;
    return igd_defense_finish(out, d, IGD_OK);
}
