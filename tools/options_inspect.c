// The command line of igdef inspect.
#include "options_inspect.h"

#include <limits.h>

// clang-format off
static const cli_option options[] = {
    {'i', "input", CLI_LIST | CLI_POSITIVE, offsetof(inspect_settings, input),
     "C,H,W", "shape of an image; with --data, that of its images", 1, INT_MAX, NULL},
    {0},
};
// clang-format on

static const cli_group groups[] = {
    {"Model and images", input_options, offsetof(inspect_settings, in)},
    {"Options", options, 0},
    {"Common options", common_options, offsetof(inspect_settings, common)},
    {0},
};

static const char *const examples[] = {
    "igdef inspect resnet18.pt --input 3,32,32",
    "igdef inspect resnet18.pt --data cifar-10-batches-bin",
    NULL,
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
    if (s->in.data == NULL && s->input.num == 0)
        return cli_usage("--input C,H,W or --data PATH is missing: what images does the "
                         "model take?");
    if (s->input.num != 0 && s->input.num != 3)
        return cli_usage("--input: has %d numbers, not channels,height,width",
                         s->input.num);
    for (int i = 0; i < s->input.num; i++)
        if (s->input.value[i] != (double)(int)s->input.value[i])
            return cli_usage("--input: %g is not a whole number", s->input.value[i]);
    return input_check(&s->in);
}

const cli_command command_inspect = {
    .name = "inspect",
    .summary = "show what a TorchScript file holds and where it can be masked",
    .description =
        "Prints the file's sha256, methods and classes, whether it gives logits and the "
        "same ones twice, and a table of the layers that can be masked. With --data, "
        "also its accuracy as it is and under the usual normalisations.",
    .examples = examples,
    .required = model,
    .arguments = model,
    .groups = groups,
    .size = sizeof(inspect_settings),
    .defaults = defaults,
    .check = check,
};
