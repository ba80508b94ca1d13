// Defaults of the defense, apart from it so that help needs no libtorch.
#include "igdef/defense.h"

igd_defense_options igd_defense_options_default(void)
{
    return (igd_defense_options){
        .keep = 50, .sigma = 4.0 / 255.0, .num_smooth = 1, .temperature = 0.01};
}

igd_caaa_options igd_caaa_options_default(void)
{
    return (igd_caaa_options){.num_steps = 2, .alpha = 0.15};
}

igd_hedge_options igd_hedge_options_default(void)
{
    return (igd_hedge_options){.num_steps = 20,
                               .step_size = 4.0 / 255.0,
                               .eps = 8.0 / 255.0,
                               .random_start = true};
}
