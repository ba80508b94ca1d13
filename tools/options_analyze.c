// The command line of igdef analyze: its kinds and what they share.
#include "options_analyze.h"

#include <limits.h>
#include <string.h>

#include "igdef/analyze.h"
#include "options_series.h"
#include "options_tune.h"

// clang-format off
const cli_option analysis_output_options[] = {
    {'o', "output",     CLI_PATH | CLI_OUTPUT, offsetof(analysis_output, output),
     "FILE", "analysis (.json)", 0, 0, NULL},
    {0,   "chart",      CLI_PATH | CLI_OUTPUT, offsetof(analysis_output, chart),
     "FILE", "chart of it (.svg)", 0, 0, NULL},
    {0},
};
const cli_option analysis_merge_options[] = {
    {0,   "merge",      CLI_TEXTS | CLI_MANY | CLI_INPUT, offsetof(analysis_parts, merge),
     "ANALYSIS", "join the parts of one run; a folder stands for the analyses in it", 0, 0,
     NULL},
    {0},
};
// clang-format on

const char *const analysis_instead_of_inputs[] = {"merge", NULL};

int analysis_parts_check(const analysis_parts *s, const analysis_output *out)
{
    if (s->shard.shard.num > 0 && out->output == NULL)
        return cli_usage("--shard: without --output there is nothing to join");
    return shard_check(&s->shard);
}

int analysis_merge_check(const analysis_parts *s, const analysis_output *out,
                         const common_settings *common, bool restart,
                         const cli_group *groups)
{
    static const char *const allowed[] = {"merge", "output", "chart",   "json", "csv",
                                          "quiet", "config", "restart", NULL};
    int rc = merge_check(&s->merge, groups, allowed, "analyses");
    if (rc != CLI_GO_ON || (rc = analysis_output_check(out)) != CLI_GO_ON)
        return rc;
    if (restart && out->output == NULL)
        return cli_usage("--restart: without --output there is nothing to restart");
    if (!common->quiet)
        cli_note_unsealed(&s->merge);
    return CLI_GO_ON;
}

int analysis_output_check(const analysis_output *s)
{
    if (s->output != NULL && s->chart != NULL && strcmp(s->output, s->chart) == 0)
        return cli_usage("--chart: %s is also --output", s->chart);
    return CLI_GO_ON;
}

// What all kinds check.
static int shared_check(const input_settings *in, const defense_settings *defense,
                        const analysis_output *out)
{
    int rc = analysis_output_check(out);
    if (rc != CLI_GO_ON || (rc = defense_check(defense)) != CLI_GO_ON)
        return rc;
    return input_check(in);
}

static const char *const required[] = {"model", "data", NULL};
static const char *const required_ranking[] = {"model", "data", "ranking", NULL};

// ---- shift

static const char *const targets[] = {"base", "defended", NULL};

// clang-format off
static const cli_option shift_options[] = {
    {'a', "attack",     CLI_TEXT, offsetof(shift_settings, shift.attack),
     "NAME", "one attack: pgd, gama-pgd or another of igdef eval", 0, 0, NULL},
    {0,   "set",        CLI_JOINED, offsetof(shift_settings, shift.set),
     "A.P=V", "change a parameter of the attack, such as pgd.steps=20", 0, 0, NULL},
    {0,   "target",     CLI_CHOICE, offsetof(shift_settings, target),
     NULL, "model that is attacked", 0, 0, targets},
    {0,   "top",        CLI_INT, offsetof(shift_settings, shift.top),
     "K", "neurons that count as important to a class", 1, INT_MAX, NULL},
    {0},
};
// clang-format on

static const cli_group shift_groups[] = {
    {"Model and images", input_options, offsetof(shift_settings, in)},
    {NULL, shard_options, offsetof(shift_settings, parts.shard)},
    {NULL, analysis_merge_options, offsetof(shift_settings, parts)},
    {"Ranking", ranked_options, offsetof(shift_settings, defense)},
    {NULL, force_options, offsetof(shift_settings, defense)},
    {"Defense, for --target defended", mask_options, offsetof(shift_settings, defense)},
    {NULL, keep_options, offsetof(shift_settings, defense)},
    {NULL, noise_options, offsetof(shift_settings, defense)},
    {NULL, smoothing_options, offsetof(shift_settings, defense)},
    {"Threat", threat_options, offsetof(shift_settings, shift.threat)},
    {"Attack and neurons", shift_options, 0},
    {"Files", analysis_output_options, offsetof(shift_settings, out)},
    {"Common options", common_options, offsetof(shift_settings, common)},
    {0},
};

static const char *const shift_examples[] = {
    "igdef analyze shift --model resnet18.pt --ranking loir.safetensors --data "
    "cifar-10-batches-bin -o shift.json --chart shift.svg",
    "igdef analyze shift --model resnet18.pt --ranking loir.safetensors --data "
    "cifar-10-batches-bin --attack gama-pgd",
    NULL,
};

static const cli_words shift_standards[] = {
    {"count", 0, "the first " CLI_NUMBER_TEXT(SHIFT_IMAGES)},
    {0},
};
static const cli_words shift_instead[] = {
    {"over", 0, "igdef analyze sweep takes --over"},
    {"report", 0, "one attack is looked at; --attack says which"},
    {0},
};

static void shift_defaults(void *settings)
{
    shift_settings *s = settings;
    *s = (shift_settings){.common = common_defaults("analyze shift"),
                          .in = input_defaults("test"),
                          .defense = defense_defaults(),
                          .shift = igd_shift_options_default(),
                          .target = targets[0]};
}

static int shift_check(const void *settings)
{
    static const cli_option *const defended[] = {mask_options, keep_options,
                                                 noise_options, smoothing_options};
    const shift_settings *s = settings;
    const bool base = strcmp(s->target, targets[0]) == 0;
    int rc;
    if (s->parts.merge.num > 0)
        return analysis_merge_check(&s->parts, &s->out, &s->common, false, shift_groups);
    for (size_t i = 0; base && i < sizeof(defended) / sizeof(defended[0]); i++)
        for (const cli_option *o = defended[i]; o->name != NULL; o++)
            if (cli_given(o->name))
                return cli_usage("--%s: only with --target defended%s", o->name,
                                 strcmp(o->name, "keep") == 0
                                     ? "; --top says how many neurons are looked at"
                                     : "");
    rc = analysis_parts_check(&s->parts, &s->out);
    return rc == CLI_GO_ON ? shared_check(&s->in, &s->defense, &s->out) : rc;
}

static const cli_command command_shift = {
    .name = "analyze shift",
    .summary = "how attacks change the activations of important and other neurons",
    .description =
        "Attacks what is classified correctly, and compares activations before and "
        "after: "
        "of the neurons that matter most to the image's class, to the class that is "
        "predicted after the attack, to the other classes, and to none; apart for "
        "successful and unsuccessful attacks. The last iterate counts, unless "
        "--set pgd.last=0. Without --count the first 1000 images are taken.",
    .examples = shift_examples,
    .required = required_ranking,
    .instead_of_inputs = analysis_instead_of_inputs,
    .groups = shift_groups,
    .standards = shift_standards,
    .instead = shift_instead,
    .size = sizeof(shift_settings),
    .defaults = shift_defaults,
    .check = shift_check,
};

// ---- search-keep

// clang-format off
static const cli_option search_keep_options[] = {
    {0,   "budget",     CLI_NUMBER, offsetof(search_keep_settings, search.budget),
     "B", "clean accuracy that may be lost, 0.01 being one point", 0, 1, NULL},
    {0,   "bisection",  CLI_FLAG, offsetof(search_keep_settings, search.bisection),
     NULL, "bisect even where one pass gives every keep", 0, 0, NULL},
    {0},
};
// clang-format on

static const cli_group search_keep_groups[] = {
    {"Model and images", input_options, offsetof(search_keep_settings, in)},
    {"Defense, but for keep", ranked_options, offsetof(search_keep_settings, defense)},
    {NULL, noise_options, offsetof(search_keep_settings, defense)},
    {NULL, smoothing_options, offsetof(search_keep_settings, defense)},
    {NULL, force_options, offsetof(search_keep_settings, defense)},
    {"Search", search_keep_options, 0},
    {"Files", analysis_output_options, offsetof(search_keep_settings, out)},
    {"Common options", common_options, offsetof(search_keep_settings, common)},
    {0},
};

static const char *const search_keep_examples[] = {
    "igdef analyze search-keep --model resnet18.pt --ranking loir.safetensors --data "
    "cifar-10-batches-bin --budget 0.01 -o keep.json --chart keep.svg",
    NULL,
};

static const cli_words search_keep_standards[] = {
    {"count", 0, "up to " CLI_NUMBER_TEXT(HELD_OUT_IMAGES) " the ranking has not seen"},
    {0},
};
#define NO_ATTACK "clean accuracy alone is looked at; igdef eval attacks"
#define NO_MASK                                                                          \
    "the ranking's masks in two passes are searched; igdef analyze ablation has all"
static const cli_words search_keep_instead[] = {
    {"keep", 'k', "keep is what is searched for; --budget bounds the search"},
    {"attack", 'a', NO_ATTACK},
    {"eps", 'e', NO_ATTACK},
    {"mask", 0, NO_MASK},
    {"passes", 0, NO_MASK},
    {0},
};

static void search_keep_defaults(void *settings)
{
    search_keep_settings *s = settings;
    *s = (search_keep_settings){.common = common_defaults("analyze search-keep"),
                                .in = input_defaults("train"),
                                .defense = defense_defaults(),
                                .search = igd_search_keep_options_default()};
}

static int search_keep_check(const void *settings)
{
    const search_keep_settings *s = settings;
    return shared_check(&s->in, &s->defense, &s->out);
}

static const cli_command command_search_keep = {
    .name = "analyze search-keep",
    .summary = "the smallest keep within a budget of clean accuracy",
    .description =
        "Where the model is affine behind the mask layer, one pass scores every keep; "
        "elsewhere keep is bisected. Images that the ranking has seen judge keep too "
        "well, and those of the test are for the test: without --first, --count and "
        "--ids, up to 10000 training images are drawn by the seed from those behind the "
        "ranking's, which are taken to be the first, as with igdef rank --count. Where "
        "the ranking has taken all, a warning says so.",
    .examples = search_keep_examples,
    .required = required_ranking,
    .groups = search_keep_groups,
    .standards = search_keep_standards,
    .instead = search_keep_instead,
    .size = sizeof(search_keep_settings),
    .defaults = search_keep_defaults,
    .check = search_keep_check,
};

// ---- landscape

// clang-format off
static const cli_option landscape_options[] = {
    {0,   "grid",       CLI_INT, offsetof(landscape_settings, landscape.grid),
     "G", "points along each axis, an odd number", 3, 201, NULL},
    {0},
};
// clang-format on

static const cli_group landscape_groups[] = {
    {"Model and images", input_options, offsetof(landscape_settings, in)},
    DEFENSE_GROUPS("Defense, whose surface is added (none: the base model alone)",
                   offsetof(landscape_settings, defense)),
    {"Ball (Linf)", &threat_options[1],
     offsetof(landscape_settings, landscape.eps) - offsetof(igd_threat, eps)},
    {"Surface", landscape_options, 0},
    {"Files", analysis_output_options, offsetof(landscape_settings, out)},
    {"Common options", common_options, offsetof(landscape_settings, common)},
    {0},
};

static const char *const landscape_examples[] = {
    "igdef analyze landscape --model resnet18.pt --ranking loir.safetensors --data "
    "cifar-10-batches-bin -o landscape.json --chart landscape.svg",
    NULL,
};

static const cli_words landscape_standards[] = {
    {"count", 0, "the first " CLI_NUMBER_TEXT(LANDSCAPE_IMAGES)},
    {0},
};
static const cli_words landscape_instead[] = {
    {"attack", 'a', "the loss is drawn, nothing is attacked; igdef eval attacks"},
    {"norm", 0, "the ball is that of Linf; --eps is its radius"},
    {0},
};

static void landscape_defaults(void *settings)
{
    landscape_settings *s = settings;
    *s = (landscape_settings){.common = common_defaults("analyze landscape"),
                              .in = input_defaults("test"),
                              .defense = defense_defaults(),
                              .landscape = igd_landscape_options_default()};
}

static int landscape_check(const void *settings)
{
    const landscape_settings *s = settings;
    if (s->landscape.grid % 2 == 0)
        return cli_usage("--grid: %d is not odd, and would leave out the images "
                         "themselves",
                         s->landscape.grid);
    return shared_check(&s->in, &s->defense, &s->out);
}

static const cli_command command_landscape = {
    .name = "analyze landscape",
    .summary = "the loss around images, on a plane through the gradient's sign",
    .description =
        "The mean cross-entropy at x + a g1 + b g2, inside the ball, where g1 is the "
        "sign of the gradient at x and g2 an orthogonal sign vector. A surface that is "
        "flat where attacks succeed nevertheless hides its gradients, so the gradient "
        "is also compared with finite differences. Without --count the first 100 images "
        "are taken: each costs G x G passes.",
    .examples = landscape_examples,
    .required = required,
    .groups = landscape_groups,
    .standards = landscape_standards,
    .instead = landscape_instead,
    .size = sizeof(landscape_settings),
    .defaults = landscape_defaults,
    .check = landscape_check,
};

// ---- all

static const cli_command *const kinds[] = {
    &command_shift,     &command_sweep,    &command_search_keep,
    &command_landscape, &command_ablation, &command_defenses,
    &command_radius,    &command_tune,     NULL,
};

const cli_command command_analyze = {
    .name = "analyze",
    .summary = "repeat the paper's experiments on a model and its ranking",
    .description = "Each prints a table, writes one JSON object with -o and draws a "
                   "chart with --chart; igdef report takes the JSON, too.",
    .kinds = kinds,
};
