// The hedge defense: climbs the cross-entropies of all classes at once.
//
// Source: Wu et al., 2021, as re-implemented by Croce et al., ICML 2022.
#include "core/error.h"
#include "core/json.h"
#include "core/pixels.h"
#include "core/random.h"
#include "core/require.h"
#include "defend/defense_kind.h"

static void start(float *delta, int64_t D, const igd_defense *d, igd_draw draw)
{
    const float eps = (float)d->hedge.eps;
    const igd_stream stream =
        igd_stream_make(d->hedge.seed, "hedge", draw.image, draw.draw);
    igd_random_uniform(delta, (size_t)D, &stream);
    for (int64_t j = 0; j < D; j++)
        delta[j] = eps * (2.0f * delta[j] - 1.0f);
}

// The sum of the cross-entropies of all C classes is C logsumexp(z) - sum z.
static void weigh(float *weight, const double *q, int C, int label)
{
    (void)label;
    for (int k = 0; k < C; k++)
        weight[k] = (float)(C * q[k] - 1.0);
}

static void move(float *delta, const float *x, const float *grad, int64_t D,
                 const igd_defense *d)
{
    const float step = (float)d->hedge.step_size, eps = (float)d->hedge.eps;
    for (int64_t j = 0; j < D; j++) {
        const float to = igd_clamp(delta[j] + step * igd_sign(grad[j]), -eps, eps);
        delta[j] = igd_clamp(x[j] + to, 0.0f, 1.0f) - x[j];
    }
}

igd_status igd_defense_new_hedge(igd_defense **out, const igd_model *base,
                                 const igd_hedge_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    igd_defense *d = NULL;
    cJSON *settings = NULL;
    igd_status st;

    IGD_TRY(igd_defense_begin(&d, base, IGD_DEFENSE_HEDGE, igd_climbing_classifier));
    d->hedge = options != NULL ? *options : igd_hedge_options_default();
    d->climb = (igd_climb){.num_steps = d->hedge.num_steps,
                           .start = d->hedge.random_start ? start : NULL,
                           .weigh = weigh,
                           .move = move};
    if ((st = igd_climb_check(d, &d->climb)) == IGD_OK &&
        (st = igd_climb_check_size(d->hedge.step_size, "step size")) == IGD_OK &&
        (st = igd_climb_check_size(d->hedge.eps, "eps")) == IGD_OK) {
        settings = cJSON_CreateObject();
        cJSON_AddStringToObject(settings, "kind", "hedge");
        cJSON_AddNumberToObject(settings, "steps", d->hedge.num_steps);
        cJSON_AddNumberToObject(settings, "step_size", d->hedge.step_size);
        cJSON_AddNumberToObject(settings, "eps", d->hedge.eps);
        cJSON_AddBoolToObject(settings, "random_start", d->hedge.random_start);
        igd_json_add_seed(settings, d->hedge.seed);
    }
    return igd_defense_finish(out, d, settings, st);
}
