// Owns the defaults of an evaluation. Needs nothing of libtorch.
#include "igdef/evaluate.h"

igd_evaluate_options igd_evaluate_options_default(void)
{
    return (igd_evaluate_options){
        .threat = {.norm = IGD_NORM_LINF, .eps = 8.0 / 255.0},
        .attacks = "clean",
        .report = IGD_REPORT_UNION,
        .batch_size = 128,
        .num_draws = 10,
        .shortcuts = true,
        .checks = true,
        .bounds = true,
        .expect_clean = -1.0,
        .surrogate_temperature = 1.0,
        .joint_weight = 1.0,
        .save_seconds = 10.0,
    };
}
