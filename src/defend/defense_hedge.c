// The hedge defense: climbs the cross-entropies of all classes at once.
//
// Source: Wu et al., 2021, as re-implemented by Croce et al., ICML 2022.
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/options.h"
#include "core/pixels.h"
#include "core/random.h"
#include "core/require.h"
#include "defend/climb.h"

typedef struct hedge {
    igd_climber climber;
    igd_hedge_options options;
} hedge;

static const igd_hedge_options *options_of(const igd_defense *d)
{
    return &((const hedge *)d)->options;
}

static void start(float *delta, int64_t D, const igd_defense *d, igd_draw draw)
{
    const igd_hedge_options *o = options_of(d);
    const float eps = (float)o->eps;
    const igd_stream stream = igd_stream_make(o->seed, "hedge", draw.image, draw.draw);
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
    const igd_hedge_options *o = options_of(d);
    const float step = (float)o->step_size, eps = (float)o->eps;
    for (int64_t j = 0; j < D; j++) {
        const float to = igd_clamp(delta[j] + step * igd_sign(grad[j]), -eps, eps);
        delta[j] = igd_clamp(x[j] + to, 0.0f, 1.0f) - x[j];
    }
}

static const igd_defense_type type = {
    .kind = IGD_DEFENSE_HEDGE,
    .name = "hedge",
    .classifier = igd_climbing_classifier,
    .no_export = IGD_CLIMB_NO_EXPORT,
};

igd_status igd_defense_new_hedge(igd_defense **out, const igd_model *base,
                                 const igd_hedge_options *options)
{
    IGD_REQUIRE_OUT(out);
    IGD_REQUIRE(base);
    IGD_OPTIONS(igd_hedge_options, o, options);
    const igd_climb climb = {.num_steps = o.num_steps,
                             .start = o.random_start ? start : NULL,
                             .weigh = weigh,
                             .move = move};
    const igd_climb_size sizes[] = {{"step_size", "step size", o.step_size},
                                    {"eps", "eps", o.eps}};
    igd_defense *d = NULL;

    IGD_TRY(igd_climber_begin(&d, sizeof(hedge), base, &type, &climb, sizes, 2));
    ((hedge *)d)->options = o;
    igd_json_add_bool(d->settings, "random_start", o.random_start);
    igd_json_add_seed(d->settings, o.seed);
    return igd_defense_finish(out, d, IGD_OK);
}
