// The command line of igdef rank.
#include "options_rank.h"

#include <string.h>

// clang-format off
static const char *const methods[] = {"loir", "random", NULL};
static const char *const overs[] = {"class", "all", NULL};

static const cli_option options[] = {
    {'o', "output",     CLI_PATH | CLI_OUTPUT, offsetof(rank_settings, output),
     "FILE", "where the ranking goes (.safetensors)", 0, 0, NULL},
    {0,   "method",     CLI_CHOICE, offsetof(rank_settings, method),
     NULL, "how neurons are ranked: leave one out, or by chance", 0, 0, methods},
    {'l', "layer",      CLI_TEXT, offsetof(rank_settings, layer),
     "PATH", "layer whose neurons are ranked; PATH:input for what goes into it; "
     "penultimate is the input of the last linear layer", 0, 0, NULL},
    {0,   "fraction",   CLI_NUMBER | CLI_POSITIVE, offsetof(rank_settings, fraction),
     "F", "share of the probe images, drawn by the seed", 0, 1, NULL},
    {0,   "from-units", CLI_PATH | CLI_INPUT, offsetof(rank_settings, from_units),
     "DIR", "take the scores from a folder of unit<n>.npy instead of ranking", 0, 0, NULL},
    {0,   "to-units",   CLI_PATH | CLI_OUTPUT | CLI_FOLDER, offsetof(rank_settings, to_units),
     "DIR", "also write the scores as unit<n>.npy", 0, 0, NULL},
    {0},
};

static const cli_option loir_options[] = {
    {0,   "over",       CLI_CHOICE, offsetof(rank_settings, over),
     NULL, "mean over the images of the class, or over all", 0, 0, overs},
    {0,   "plain",      CLI_FLAG, offsetof(rank_settings, plain),
     NULL, "one pass per neuron even where a closed form exists", 0, 0, NULL},
    {0},
};
// clang-format on

static const cli_group groups[] = {
    {"Model and probe images", input_options, offsetof(rank_settings, in)},
    {"Ranking", options, 0},
    {"LO-IR (--method loir)", loir_options, 0},
    {"Common options", common_options, offsetof(rank_settings, common)},
    {0},
};

static const char *const examples[] = {
    "igdef rank --model resnet18.pt --data cifar-10-batches-bin -o loir.safetensors",
    "igdef rank --model resnet18.pt --data cifar-10-batches-bin --layer layer4 "
    "--fraction 0.1 -o loir.safetensors",
    NULL,
};
static const char *const required[] = {"model", "data", "output", NULL};

static void defaults(void *settings)
{
    rank_settings *s = settings;
    *s = (rank_settings){.common = common_defaults("rank"),
                         .in = input_defaults("train"),
                         .method = methods[0],
                         .layer = "penultimate",
                         .over = overs[0],
                         .fraction = 1.0};
}

static int check(const void *settings)
{
    const rank_settings *s = settings;
    const bool loir = strcmp(s->method, "loir") == 0;
    for (const cli_option *o = loir_options; !loir && o->name != NULL; o++)
        if (cli_given(o->name))
            return cli_usage("--%s: only with --method loir", o->name);
    return input_check(&s->in);
}

const cli_command command_rank = {
    .name = "rank",
    .summary = "rank the neurons of a layer by importance, per class",
    .description = "The file written is what igdef defend and igdef eval take as "
                   "--ranking. LO-IR scores a neuron by how much the logits of a class "
                   "change, over its images, when the neuron is set to zero.",
    .examples = examples,
    .required = required,
    .groups = groups,
    .size = sizeof(rank_settings),
    .defaults = defaults,
    .check = check,
};
