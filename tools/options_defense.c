// The options of defenses, which of them belong to which defense, and what they ask for.
#include "options_defense.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "igdef/defense.h"

static const char *const defenses[] = {"mask", "caaa", "hedge", NULL};
static const char *const masks[] = {"ranking", "random", "none", NULL};

// clang-format off
const cli_option defense_kind_options[] = {
    {0,   "defense",     CLI_CHOICE | CLI_HIDE_DEFAULT, offsetof(defense_settings, defense),
     NULL, "mask (with --ranking, the paper's), caaa or hedge [mask where an option of it is "
     "given]", 0, 0, defenses},
    {0},
};

const cli_option ranked_options[] = {
    {'r', "ranking",     CLI_PATH | CLI_INPUT, offsetof(defense_settings, ranking),
     "FILE", "importance ranking that igdef rank wrote", 0, 0, NULL},
    {0},
};

const cli_option mask_options[] = {
    {0,   "mask",        CLI_CHOICE, offsetof(defense_settings, mask),
     NULL, "neurons that are kept: the most important, some by chance, or all", 0, 0, masks},
    {0,   "passes",      CLI_INT, offsetof(defense_settings, passes),
     "1|2", "2: a first pass chooses the mask; 1: one mask for all images", 1, 2, NULL},
    {0},
};

const cli_option keep_options[] = {
    {'k', "keep",        CLI_INT, offsetof(defense_settings, keep),
     "K", "neurons kept per class", 1, INT_MAX, NULL},
    {0},
};

const cli_option noise_options[] = {
    {0,   "sigma",       CLI_NUMBER, offsetof(defense_settings, sigma),
     "S", "standard deviation of the smoothing noise, in pixel units; eps/2 is usual",
     0, 1e6, NULL},
    {0,   "smooth",      CLI_INT, offsetof(defense_settings, smooth),
     "N", "noisy copies per image in the first pass", 1, 65536, NULL},
    {0,   "temperature", CLI_NUMBER | CLI_POSITIVE, offsetof(defense_settings, temperature),
     "T", "divisor of the first-pass logits", 0, 0, NULL},
    {0},
};

const cli_option smoothing_options[] = {
    {0,   "smoothing",   CLI_FLAG, offsetof(defense_settings, smoothing),
     NULL, "first pass on the image itself, without noise", 0, 0, NULL},
    {0},
};

const cli_option force_options[] = {
    {0,   "force",       CLI_FLAG, offsetof(defense_settings, force),
     NULL, "take a ranking that was made on another model", 0, 0, NULL},
    {0},
};

const cli_option caaa_options[] = {
    {0,   "caaa-steps",  CLI_INT, offsetof(defense_settings, caaa_steps),
     "K", "caaa: steps toward the predicted class", 0, 10000, NULL},
    {0,   "caaa-alpha",  CLI_NUMBER | CLI_POSITIVE, offsetof(defense_settings, caaa_alpha),
     "A", "caaa: size of a step, in pixel units", 0, 0, NULL},
    {0},
};

const cli_option hedge_options[] = {
    {0,   "hedge-steps", CLI_INT, offsetof(defense_settings, hedge_steps),
     "N", "hedge: steps away from every class", 0, 10000, NULL},
    {0,   "hedge-step-size", CLI_NUMBER | CLI_POSITIVE,
     offsetof(defense_settings, hedge_step_size),
     "S", "hedge: size of a step, in pixel units", 0, 0, NULL},
    {0,   "hedge-eps",   CLI_NUMBER | CLI_POSITIVE, offsetof(defense_settings, hedge_eps),
     "E", "hedge: radius, in pixel units [that of a Linf attack, else 8/255]", 0, 0, NULL},
    {0,   "hedge-random-start", CLI_FLAG, offsetof(defense_settings, hedge_random_start),
     NULL, "hedge: start at the image, not anywhere in the ball", 0, 0, NULL},
    {0},
};

const cli_option defended_options[] = {
    {0,   "defended",    CLI_PATH | CLI_INPUT, offsetof(defense_settings, defended),
     "FILE", "another defense of --model, exported as TorchScript", 0, 0, NULL},
    {0},
};
// clang-format on

// The options that say something to one kind of defense alone.
static const struct {
    const char *name;
    defense_choice of;
} owners[] = {
    {"ranking", DEFENSE_MASK},
    {"mask", DEFENSE_MASK},
    {"passes", DEFENSE_MASK},
    {"keep", DEFENSE_MASK},
    {"sigma", DEFENSE_MASK},
    {"smooth", DEFENSE_MASK},
    {"temperature", DEFENSE_MASK},
    {"smoothing", DEFENSE_MASK},
    {"force", DEFENSE_MASK},
    {"caaa-steps", DEFENSE_CAAA},
    {"caaa-alpha", DEFENSE_CAAA},
    {"hedge-steps", DEFENSE_HEDGE},
    {"hedge-eps", DEFENSE_HEDGE},
    {"hedge-step-size", DEFENSE_HEDGE},
    {"hedge-random-start", DEFENSE_HEDGE},
};
#define NUM_OWNERS ((int)(sizeof(owners) / sizeof(owners[0])))

// What to give so that options of a kind say something.
static const char *const makers[] = {
    [DEFENSE_MASK] = "--ranking",
    [DEFENSE_CAAA] = "--defense caaa",
    [DEFENSE_HEDGE] = "--defense hedge",
};

defense_settings defense_defaults(void)
{
    const igd_defense_options d = igd_defense_options_default();
    const igd_caaa_options caaa = igd_caaa_options_default();
    const igd_hedge_options hedge = igd_hedge_options_default();
    return (defense_settings){.mask = masks[0],
                              .passes = 2,
                              .keep = d.keep,
                              .sigma = d.sigma,
                              .smooth = d.num_smooth,
                              .temperature = d.temperature,
                              .smoothing = true,
                              .force = d.force,
                              .caaa_steps = caaa.num_steps,
                              .caaa_alpha = caaa.alpha,
                              .hedge_steps = hedge.num_steps,
                              .hedge_step_size = hedge.step_size,
                              .hedge_eps = NAN,
                              .hedge_random_start = hedge.random_start};
}

// Options that are given and say nothing.
static int check_owners(const defense_settings *s)
{
    const defense_choice chosen = defense_chosen(s);
    if (s->defended != NULL && s->defense != NULL)
        return cli_usage("--defended and --defense are both given");
    for (int i = 0; i < NUM_OWNERS; i++) {
        if (!cli_given(owners[i].name) || owners[i].of == chosen)
            continue;
        if (chosen == DEFENSE_FILE)
            return cli_usage("--%s: says nothing to the defense in --defended",
                             owners[i].name);
        if (chosen == DEFENSE_NONE || owners[i].of != DEFENSE_MASK)
            return cli_usage("--%s: needs %s", owners[i].name, makers[owners[i].of]);
        return cli_usage("--%s: is of no use with %s", owners[i].name, makers[chosen]);
    }
    return CLI_GO_ON;
}

static int check_mask(const defense_settings *s)
{
    static const char *const of_masks[] = {"keep", "temperature", "force"};
    static const char *const of_noise[] = {"sigma", "smooth", "smoothing"};
    if (s->ranking == NULL && strcmp(s->mask, masks[0]) == 0)
        return cli_usage("--ranking FILE is missing; see 'igdef help rank'");
    for (int i = 0; i < 3; i++)
        if (defense_is_unmasked(s) && cli_given(of_masks[i]))
            return cli_usage("--mask none leaves nothing for --%s to set", of_masks[i]);
    for (int i = 0; i < 3; i++)
        if (defense_is_unmasked(s) && s->passes == 2 && cli_given(of_noise[i]))
            return cli_usage("--mask none: the first pass, and --%s, change nothing; "
                             "smoothing alone is --passes 1",
                             of_noise[i]);
    if (s->passes == 1 && cli_given("temperature"))
        return cli_usage("--passes 1 leaves nothing for --temperature to set");
    if (!s->smoothing && (cli_given("sigma") || cli_given("smooth")))
        return cli_usage("--no-smoothing leaves nothing for --%s to set",
                         cli_given("sigma") ? "sigma" : "smooth");
    return CLI_GO_ON;
}

int defense_check(const defense_settings *s)
{
    const int rc = check_owners(s);
    if (rc != CLI_GO_ON)
        return rc;
    return defense_chosen(s) == DEFENSE_MASK ? check_mask(s) : CLI_GO_ON;
}
