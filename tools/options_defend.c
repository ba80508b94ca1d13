// The command line of igdef defend.
#include "options_defend.h"

#include <string.h>

// clang-format off
static const cli_option options[] = {
    {0,   "images", CLI_TEXTS | CLI_INPUT, offsetof(defend_settings, images),
     "IMAGE", "image files to classify, instead of --data", 0, 0, NULL},
    {'o', "output", CLI_PATH | CLI_OUTPUT, offsetof(defend_settings, output),
     "FILE", "predictions as a table, CSV (.csv) or JSON Lines (.jsonl)", 0, 0, NULL},
    {0,   "allow-nonfinite", CLI_FLAG, offsetof(defend_settings, allow_nonfinite),
     NULL, "count images whose logits are NaN or infinite as wrong", 0, 0, NULL},
    {0,   "export", CLI_PATH | CLI_OUTPUT, offsetof(defend_settings, export_path),
     "FILE", "the defended model as one TorchScript file with forward(x)", 0, 0, NULL},
    {0},
};
// clang-format on

static const cli_group groups[] = {
    {"Model and images", input_options, offsetof(defend_settings, in)},
    DEFENSE_GROUPS("Defense", offsetof(defend_settings, defense)),
    {"Output", options, 0},
    {"Without images", shape_options, offsetof(defend_settings, input)},
    {"Common options", common_options, offsetof(defend_settings, common)},
    {0},
};

static const char *const examples[] = {
    "igdef defend --model resnet18.pt --ranking loir.safetensors cat.png dog.png",
    "igdef defend --model resnet18.pt --ranking loir.safetensors --keep 50 --data "
    "cifar-10-batches-bin -o predictions.csv",
    "igdef defend --model resnet18.pt --ranking loir.safetensors --input 3,32,32 "
    "--export defended.pt",
    NULL,
};
static const cli_words instead[] = {
    {"attack", 'a', "nothing is attacked here; igdef eval does"},
    {"layer", 'l', "the ranking says which; igdef rank takes --layer"},
    {0},
};
static const char *const required[] = {"model", NULL};
static const char *const arguments[] = {"images", NULL};

static void defaults(void *settings)
{
    defend_settings *s = settings;
    *s = (defend_settings){.common = common_defaults("defend"),
                           .in = input_defaults("test"),
                           .defense = defense_defaults()};
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static int check_export(const defend_settings *s)
{
    const defense_row *chosen = defense_chosen(&s->defense);
    if (chosen == NULL)
        return cli_usage(
            "--ranking FILE is missing, or --defense; see 'igdef help defend'");
    if (s->export_path == NULL)
        return CLI_GO_ON;
    if (chosen->no_export != NULL)
        return cli_usage("--export: %s", chosen->no_export);
    if (chosen->kind == IGD_DEFENSE_MASK && defense_is_unmasked(&s->defense))
        return cli_usage("--export: there is no mask to export");
    return CLI_GO_ON;
}

static int check(const void *settings)
{
    const defend_settings *s = settings;
    const bool images = s->in.data != NULL || s->images.num > 0;
    int rc;

    if (s->in.data != NULL && s->images.num > 0)
        return cli_usage("--data and image files are both given");
    if (!images && s->export_path == NULL)
        return cli_usage("nothing to do: give --data, image files or --export");
    if (!images && s->output != NULL)
        return cli_usage("--output: there are no images to predict");
    if (!images && s->common.csv)
        return cli_usage("--csv: there are no images to predict");
    if (s->output != NULL && !ends_with(s->output, ".csv") &&
        !ends_with(s->output, ".jsonl") && !ends_with(s->output, ".json"))
        return cli_usage("--output: %s does not end in .csv, .jsonl or .json", s->output);
    if ((rc = shape_check(&s->input)) != CLI_GO_ON ||
        (rc = defense_check(&s->defense)) != CLI_GO_ON ||
        (rc = check_export(s)) != CLI_GO_ON)
        return rc;
    return input_check(&s->in);
}

const cli_command command_defend = {
    .name = "defend",
    .summary = "classify images with the defended model, or export it",
    .description =
        "The table has a row per image: index, label, prediction, base_prediction, "
        "confidence (softmax of the defended logits) and whether both models agree.",
    .examples = examples,
    .required = required,
    .arguments = arguments,
    .groups = groups,
    .instead = instead,
    .size = sizeof(defend_settings),
    .defaults = defaults,
    .check = check,
};
