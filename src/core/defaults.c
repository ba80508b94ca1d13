// Owns the defaults of all options, apart from what they are for, so that help needs no
// libtorch.
#include <stddef.h>

#include "igdef/analyze.h"
#include "igdef/attack.h"
#include "igdef/callbacks.h"
#include "igdef/dataset.h"
#include "igdef/defense.h"
#include "igdef/evaluate.h"
#include "igdef/model.h"
#include "igdef/ranking.h"
#include "igdef/sweep.h"
#include "igdef/tune.h"

igd_dataset_options igd_dataset_options_default(void)
{
    return (igd_dataset_options){
        .split = "test", .preprocess = "none", .channels = 3, .fraction = 1.0};
}

igd_model_options igd_model_options_default(void)
{
    return (igd_model_options){
        .device = "cpu",
        .mean = NULL,
        .std = NULL,
        .num_channels = 0,
        .output = NULL,
        .plain = false,
        .skip_check = false,
    };
}

igd_loir_options igd_loir_options_default(void)
{
    return (igd_loir_options){.batch_size = 128};
}

igd_cdir_options igd_cdir_options_default(void)
{
    return (igd_cdir_options){.prompt = "{}",
                              .similarity = IGD_SIMILARITY_SOFT_WPMI,
                              .pool = IGD_POOL_AVG,
                              .device = "cpu",
                              .batch_size = 64};
}

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

igd_meansparse_options igd_meansparse_options_default(void)
{
    return (igd_meansparse_options){.alpha = 0.2, .batch_size = 128};
}

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

igd_attack_options igd_attack_options_default(void)
{
    return (igd_attack_options){.size = sizeof(igd_attack_options), .batch_size = 128};
}

igd_callbacks igd_callbacks_default(void)
{
    return (igd_callbacks){
        .size = sizeof(igd_callbacks), .layer = "penultimate", .num_positions = 1};
}

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

igd_series_options igd_series_options_default(void)
{
    return (igd_series_options){.evaluate = igd_evaluate_options_default(),
                                .defense = igd_defense_options_default()};
}

igd_radius_options igd_radius_options_default(void)
{
    return (igd_radius_options){.series = igd_series_options_default(), .halvings = 6};
}

igd_tune_options igd_tune_options_default(void)
{
    igd_tune_options o = {
        .series = igd_series_options_default(), .budget_clean = 0.01, .first_images = 32};
    o.series.evaluate.attacks = IGD_TUNE_ATTACKS;
    return o;
}
