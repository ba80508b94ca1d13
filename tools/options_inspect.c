// The command line of igdef inspect.
#include "options_inspect.h"

// clang-format off
static const cli_option output_option[] = { // as elsewhere, where --output is a file
    {0, "output", CLI_TEXT, 0,
     "N|KEY", "the same as --model-output", 0, 0, NULL},
    {0},
};
// clang-format on

static const cli_group groups[] = {
    {"Model and images", input_options, offsetof(inspect_settings, in)},
    {"Options", shape_options, offsetof(inspect_settings, input)},
    {"Options", output_option, offsetof(inspect_settings, in.output)},
    {"Common options", common_options, offsetof(inspect_settings, common)},
    {0},
};

static const char *const examples[] = {
    "igdef inspect resnet18.pt --input 3,32,32",
    "igdef inspect resnet18.pt --data cifar-10-batches-bin",
    NULL,
};
static const cli_words standards[] = {
    {"count", 0, "the first " CLI_NUMBER_TEXT(PROBE_IMAGES)},
    {0},
};
static const cli_words instead[] = {
    {"layer", 'l', "every layer is shown; igdef rank takes one"},
    {0},
};
static const char *const model[] = {"model", NULL};

static void defaults(void *settings)
{
    inspect_settings *s = settings;
    *s = (inspect_settings){.common = common_defaults("inspect"),
                            .in = input_defaults("test")};
}

static int check(const void *settings)
{
    const inspect_settings *s = settings;
    const int rc = shape_check(&s->input);
    return rc == CLI_GO_ON ? input_check(&s->in) : rc;
}

const cli_command command_inspect = {
    .name = "inspect",
    .summary = "show what a TorchScript file holds and where it can be masked",
    .description =
        "Prints the file's sha256, methods and classes, whether it gives logits and the "
        "same ones twice, whether gradients reach its images, and a table of the layers "
        "that can be masked. With --data, also its accuracy as it is, under the usual "
        "normalisations and for pixels from 0 to 255.",
    .examples = examples,
    .required = model,
    .arguments = model,
    .groups = groups,
    .standards = standards,
    .instead = instead,
    .size = sizeof(inspect_settings),
    .defaults = defaults,
    .check = check,
};
