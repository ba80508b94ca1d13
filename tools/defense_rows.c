// Owns the kinds of defenses on the command line: the options of each, and its row. The
// front end and the plugin both link it.
#include <limits.h>
#include <math.h>
#include <string.h>

#include "options_defense.h"

#define NAME(name, type, more) #name,
static const char *const names[] = {"mask", NAMED_DEFENSES(NAME, ) NULL};
static const char *const masks[] = {"ranking", "random", "none", NULL};

// clang-format off
const cli_option defense_kind_options[] = {
    {0,   "defense",     CLI_CHOICE | CLI_HIDE_DEFAULT, offsetof(defense_settings, defense),
     NULL, "kind of defense; mask is the paper's, with --ranking [mask where an option of it "
     "is given]", 0, 0, names},
    {0},
};

// ---- mask

const cli_option ranked_options[] = {
    {'r', "ranking",     CLI_PATH | CLI_INPUT, offsetof(defense_settings, ranking),
     "FILE", "importance ranking that igdef rank wrote", 0, 0, NULL},
    {0},
};

const cli_option mask_options[] = {
    {0,   "mask",        CLI_ENUM, offsetof(defense_settings, mask.mask),
     NULL, "neurons that are kept: the most important, some by chance, or all", 0, 0, masks},
    {0,   "passes",      CLI_INT, offsetof(defense_settings, passes),
     "1|2", "2: a first pass chooses the mask; 1: one mask for all images", 1, 2, NULL},
    {0},
};

const cli_option keep_options[] = {
    {'k', "keep",        CLI_INT, offsetof(defense_settings, mask.keep),
     "K", "neurons kept per class", 1, INT_MAX, NULL},
    {0},
};

const cli_option noise_options[] = {
    {0,   "sigma",       CLI_NUMBER, offsetof(defense_settings, mask.sigma),
     "S", "standard deviation of the smoothing noise, in pixel units; eps/2 is usual",
     0, 1e6, NULL},
    {0,   "smooth",      CLI_INT, offsetof(defense_settings, mask.num_smooth),
     "N", "noisy copies per image in the first pass", 1, 65536, NULL},
    {0,   "temperature", CLI_NUMBER | CLI_POSITIVE, offsetof(defense_settings, mask.temperature),
     "T", "divisor of the first-pass logits", 0, 0, NULL},
    {0},
};

const cli_option smoothing_options[] = {
    {0,   "smoothing",   CLI_FLAG, offsetof(defense_settings, smoothing),
     NULL, "first pass on the image itself, without noise", 0, 0, NULL},
    {0},
};

const cli_option force_options[] = {
    {0,   "force",       CLI_FLAG, offsetof(defense_settings, mask.force),
     NULL, "take a ranking that was made on another model", 0, 0, NULL},
    {0},
};

static void mask_defaults(defense_settings *s)
{
    s->mask = igd_defense_options_default();
    s->passes = 2;
    s->smoothing = true;
}

static const cli_option *const of_mask[] = {ranked_options,    mask_options,
                                            keep_options,      noise_options,
                                            smoothing_options, force_options, NULL};

static bool mask_is_random(const defense_settings *s)
{
    return s->smoothing && s->mask.sigma > 0.0 &&
           !(defense_is_unmasked(s) && s->passes == 2);
}

static igd_adaptive mask_adaptive(const defense_settings *s)
{
    return !defense_is_unmasked(s) && s->passes == 2 ? IGD_ADAPTIVE_PSEUDO_LABEL
                                                     : IGD_ADAPTIVE_NONE;
}

// ---- caaa

const cli_option caaa_options[] = {
    {0,   "caaa-steps",  CLI_INT, offsetof(defense_settings, caaa.num_steps),
     "K", "caaa: steps toward the predicted class", 0, 10000, NULL},
    {0,   "caaa-alpha",  CLI_NUMBER | CLI_POSITIVE, offsetof(defense_settings, caaa.alpha),
     "A", "caaa: size of a step, in pixel units", 0, 0, NULL},
    {0},
};
static void caaa_defaults(defense_settings *s)
{
    s->caaa = igd_caaa_options_default();
}

static const cli_option *const of_caaa[] = {caaa_options, NULL};

// ---- hedge

const cli_option hedge_options[] = {
    {0,   "hedge-steps", CLI_INT, offsetof(defense_settings, hedge.num_steps),
     "N", "hedge: steps away from every class", 0, 10000, NULL},
    {0,   "hedge-step-size", CLI_NUMBER | CLI_POSITIVE,
     offsetof(defense_settings, hedge.step_size),
     "S", "hedge: size of a step, in pixel units", 0, 0, NULL},
    {0,   "hedge-eps",   CLI_NUMBER | CLI_POSITIVE, offsetof(defense_settings, hedge.eps),
     "E", "hedge: radius, in pixel units [that of a Linf attack, else 8/255]", 0, 0, NULL},
    {0,   "hedge-random-start", CLI_FLAG, offsetof(defense_settings, hedge.random_start),
     NULL, "hedge: start at the image, not anywhere in the ball", 0, 0, NULL},
    {0},
};
static void hedge_defaults(defense_settings *s)
{
    s->hedge = igd_hedge_options_default();
    s->hedge.eps = NAN;
}

static const cli_option *const of_hedge[] = {hedge_options, NULL};

static bool hedge_is_random(const defense_settings *s)
{
    return s->hedge.random_start;
}

// ---- meansparse

static const char *const splits[] = {"train", "test", NULL};

const cli_option meansparse_options[] = {
    {0,   "meansparse-data", CLI_PATH | CLI_INPUT, offsetof(defense_settings, meansparse.data),
     "PATH", "meansparse: probe images, over which activations have their mean", 0, 0, NULL},
    {0,   "meansparse-split", CLI_CHOICE, offsetof(defense_settings, meansparse.split),
     NULL, "meansparse: part of that data set", 0, 0, splits},
    {0,   "meansparse-count", CLI_COUNT | CLI_ALL,
     offsetof(defense_settings, meansparse.count),
     "N", "meansparse: number of probe images", 0, 0, NULL},
    {0,   "meansparse-layer", CLI_TEXT, offsetof(defense_settings, meansparse.layer),
     "PATH", "meansparse: layer whose activations are changed", 0, 0, NULL},
    {0,   "meansparse-alpha", CLI_NUMBER, offsetof(defense_settings, meansparse.options.alpha),
     "A", "meansparse: threshold, in standard deviations of a channel", 0, 1e6, NULL},
    {0},
};
static void meansparse_defaults(defense_settings *s)
{
    s->meansparse = (meansparse_settings){.split = splits[0],
                                          .layer = "penultimate",
                                          .options = igd_meansparse_options_default()};
}

static const cli_option *const of_meansparse[] = {meansparse_options, NULL};

static igd_adaptive has_surrogate(const defense_settings *s)
{
    (void)s;
    return IGD_ADAPTIVE_SURROGATE;
}

// ---- a file

const cli_option defended_options[] = {
    {0,   "defended",    CLI_PATH | CLI_INPUT, offsetof(defense_settings, defended),
     "FILE", "another defense of --model, exported as TorchScript", 0, 0, NULL},
    {0},
};
static const cli_option *const of_file[] = {defended_options, NULL};
// clang-format on

#define CLIMBS " takes gradients inside its forward, which a TorchScript file cannot hold"

const defense_row defense_rows[] = {
    {.kind = IGD_DEFENSE_HEDGE,
     .name = "hedge",
     .defaults = hedge_defaults,
     .given = "--defense hedge",
     .options = of_hedge,
     .random = hedge_is_random,
     .no_export = "hedge" CLIMBS,
     .compared = "hedge"},
    {.kind = IGD_DEFENSE_MODEL,
     .given = "--defended",
     .options = of_file,
     .needs = "defended",
     .no_export = "the defense in --defended is a file already",
     .compared = "sodef"},
    {.kind = IGD_DEFENSE_CAAA,
     .name = "caaa",
     .defaults = caaa_defaults,
     .given = "--defense caaa",
     .options = of_caaa,
     .no_export = "caaa" CLIMBS,
     .compared = "caaa"},
    {.kind = IGD_DEFENSE_MEANSPARSE,
     .name = "meansparse",
     .defaults = meansparse_defaults,
     .given = "--defense meansparse",
     .options = of_meansparse,
     .needs = "meansparse-data",
     .adaptive = has_surrogate,
     .compared = "meansparse"},
    {.kind = IGD_DEFENSE_MASK,
     .name = "mask",
     .defaults = mask_defaults,
     .given = "--ranking",
     .options = of_mask,
     .random = mask_is_random,
     .adaptive = mask_adaptive},
    {0},
};

static const defense_row *row_named(const char *name)
{
    const defense_row *row = defense_rows;
    while (row->options != NULL && (row->name == NULL || strcmp(row->name, name) != 0))
        row++;
    return row->options != NULL ? row : NULL;
}

const char *defense_needed(const defense_row *row, const defense_settings *s)
{
    const char *value = NULL;
    for (const cli_option *const *g = row->options; row->needs != NULL && *g != NULL; g++)
        for (const cli_option *o = *g; o->name != NULL; o++)
            if (strcmp(o->name, row->needs) == 0)
                memcpy(&value, (const char *)s + o->offset, sizeof(value));
    return value;
}

const defense_row *defense_chosen(const defense_settings *s)
{
    if (s->defense != NULL)
        return row_named(s->defense);
    for (const defense_row *row = defense_rows; row->options != NULL; row++)
        if (row->name == NULL && defense_needed(row, s) != NULL)
            return row;
    return s->ranking != NULL || s->mask.mask != IGD_MASK_RANKING ? row_named("mask")
                                                                  : NULL;
}

bool defense_is_unmasked(const defense_settings *s)
{
    return s->mask.mask == IGD_MASK_NONE;
}

igd_adaptive defense_adaptive(const defense_settings *s)
{
    const defense_row *row = defense_chosen(s);
    return row != NULL && row->adaptive != NULL ? row->adaptive(s) : IGD_ADAPTIVE_NONE;
}

bool defense_is_random(const defense_settings *s)
{
    const defense_row *row = defense_chosen(s);
    return row != NULL && row->random != NULL && row->random(s);
}
