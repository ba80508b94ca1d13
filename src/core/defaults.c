// Owns the defaults of all options, apart from what they are for, so that help needs no
// libtorch.
#include <stddef.h>

#include "core/options.h"
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

void igd_dataset_options_init(igd_dataset_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_dataset_options){.size = sizeof(*options),
                                            .split = "test",
                                            .preprocess = "none",
                                            .channels = 3,
                                            .fraction = 1.0},
                     sizeof(*options));
}

void igd_pixels_init(igd_pixels *options, size_t size)
{
    igd_options_give(options, size, &(igd_pixels){.size = sizeof(*options)},
                     sizeof(*options));
}

void igd_insight_init(igd_insight *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_insight){.size = sizeof(*options), .num_draws = 1},
                     sizeof(*options));
}

void igd_model_options_init(igd_model_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_model_options){.size = sizeof(*options),
                                          .device = "cpu",
                                          .mean = NULL,
                                          .std = NULL,
                                          .num_channels = 0,
                                          .output = NULL,
                                          .plain = false,
                                          .skip_check = false},
                     sizeof(*options));
}

void igd_loir_options_init(igd_loir_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_loir_options){.size = sizeof(*options), .batch_size = 128},
                     sizeof(*options));
}

void igd_cdir_options_init(igd_cdir_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_cdir_options){.size = sizeof(*options),
                                         .prompt = "{}",
                                         .similarity = IGD_SIMILARITY_SOFT_WPMI,
                                         .pool = IGD_POOL_AVG,
                                         .device = "cpu",
                                         .batch_size = 64},
                     sizeof(*options));
}

void igd_defense_options_init(igd_defense_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_defense_options){.size = sizeof(*options),
                                            .keep = 50,
                                            .sigma = 4.0 / 255.0,
                                            .num_smooth = 1,
                                            .temperature = 0.01},
                     sizeof(*options));
}

void igd_meansparse_options_init(igd_meansparse_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_meansparse_options){
                         .size = sizeof(*options), .alpha = 0.2, .batch_size = 128},
                     sizeof(*options));
}

void igd_caaa_options_init(igd_caaa_options *options, size_t size)
{
    igd_options_give(
        options, size,
        &(igd_caaa_options){.size = sizeof(*options), .num_steps = 2, .alpha = 0.15},
        sizeof(*options));
}

void igd_hedge_options_init(igd_hedge_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_hedge_options){.size = sizeof(*options),
                                          .num_steps = 20,
                                          .step_size = 4.0 / 255.0,
                                          .eps = 8.0 / 255.0,
                                          .random_start = true},
                     sizeof(*options));
}

void igd_evaluate_options_init(igd_evaluate_options *options, size_t size)
{
    igd_options_give(
        options, size,
        &(igd_evaluate_options){.size = sizeof(*options),
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
                                .save_seconds = 10.0},
        sizeof(*options));
}

void igd_attack_options_init(igd_attack_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_attack_options){.size = sizeof(*options), .batch_size = 128},
                     sizeof(*options));
}

void igd_callbacks_init(igd_callbacks *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_callbacks){.size = sizeof(*options),
                                      .layer = "penultimate",
                                      .num_positions = 1},
                     sizeof(*options));
}

void igd_analyze_run_init(igd_analyze_run *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_analyze_run){.size = sizeof(*options), .batch_size = 128},
                     sizeof(*options));
}

void igd_shift_options_init(igd_shift_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_shift_options){.size = sizeof(*options),
                                          .threat = {IGD_NORM_LINF, 8.0 / 255.0},
                                          .attack = "pgd",
                                          .top = 50,
                                          .run = igd_analyze_run_default()},
                     sizeof(*options));
}

void igd_search_keep_options_init(igd_search_keep_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_search_keep_options){.size = sizeof(*options),
                                                .defense = igd_defense_options_default(),
                                                .budget = 0.01,
                                                .run = igd_analyze_run_default()},
                     sizeof(*options));
}

void igd_landscape_options_init(igd_landscape_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_landscape_options){.size = sizeof(*options),
                                              .eps = 8.0 / 255.0,
                                              .grid = 21,
                                              .run = igd_analyze_run_default()},
                     sizeof(*options));
}

void igd_series_options_init(igd_series_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_series_options){.size = sizeof(*options),
                                           .evaluate = igd_evaluate_options_default(),
                                           .defense = igd_defense_options_default()},
                     sizeof(*options));
}

void igd_radius_options_init(igd_radius_options *options, size_t size)
{
    igd_options_give(options, size,
                     &(igd_radius_options){.size = sizeof(*options),
                                           .series = igd_series_options_default(),
                                           .halvings = 6},
                     sizeof(*options));
}

void igd_tune_options_init(igd_tune_options *options, size_t size)
{
    igd_tune_options o = {.size = sizeof(o),
                          .series = igd_series_options_default(),
                          .budget_clean = 0.01,
                          .first_images = 32};
    o.series.evaluate.attacks = IGD_TUNE_ATTACKS;
    igd_options_give(options, size, &o, sizeof(o));
}
