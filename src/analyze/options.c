// Owns the defaults of the experiments, apart from what needs libtorch.
#include "igdef/analyze.h"

igd_analyze_run igd_analyze_run_default(void)
{
    return (igd_analyze_run){.batch_size = 128};
}

igd_shift_options igd_shift_options_default(void)
{
    return (igd_shift_options){.threat = {IGD_NORM_LINF, 8.0 / 255.0},
                               .attack = "pgd",
                               .top = 50,
                               .run = igd_analyze_run_default()};
}

igd_search_keep_options igd_search_keep_options_default(void)
{
    return (igd_search_keep_options){.defense = igd_defense_options_default(),
                                     .budget = 0.01,
                                     .run = igd_analyze_run_default()};
}

igd_landscape_options igd_landscape_options_default(void)
{
    return (igd_landscape_options){
        .eps = 8.0 / 255.0, .grid = 21, .run = igd_analyze_run_default()};
}
