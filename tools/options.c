// Options that several commands share: how to compute, model and images.
#include "options.h"

#include <limits.h>

#include "core.h"
#include "igdef/dataset.h"
#include "igdef/evaluate.h"

// clang-format off
static const char *const devices[] = {"cpu", "cuda", NULL};

const cli_option common_options[] = {
    {'t', "threads",    CLI_INT | CLI_HIDE_DEFAULT, offsetof(common_settings, threads),
     "N", "threads to compute with [every core the process may use]", 0, 4096, NULL},
    {0,   "device",     CLI_TEXT,  offsetof(common_settings, device),
     "DEVICE", "cpu, cuda or cuda:N", 0, 0, devices},
    {'b', "batch-size", CLI_INT | CLI_HIDE_DEFAULT, offsetof(common_settings, batch_size),
     "N", "images computed with at once; on the CPU results do not depend on it [128; for "
     "attacks on a CUDA device 512 up to 64x64 pixels, and half of it where memory does not "
     "suffice]", 1, 65536, NULL},
    {0,   "seed",       CLI_SEED,  offsetof(common_settings, seed),
     "N", "seed of everything random", 0, 0, NULL},
    {'j', "json",       CLI_FLAG,  offsetof(common_settings, json),
     NULL, "one JSON object on standard output instead of text", 0, 0, NULL},
    {0,   "csv",        CLI_FLAG,  offsetof(common_settings, csv),
     NULL, "a table of comma-separated values on standard output instead of text", 0, 0, NULL},
    {'q', "quiet",      CLI_FLAG,  offsetof(common_settings, quiet),
     NULL, "no progress and no messages but errors", 0, 0, NULL},
    {0,   "config",     CLI_PATH | CLI_INPUT, offsetof(common_settings, config),
     "FILE", "JSON file whose keys are option names; the command line wins", 0, 0, NULL},
    {0},
};

static const char *const splits[] = {"train", "test", NULL};
static const char *const orders[] = {"bytes", "numeric", NULL};
static const char *const preprocesses[] = {
    "none", "Res256Crop224", "Crop288", "Res224", "BicubicRes256Crop224", NULL};

const cli_option input_options[] = {
    {'m', "model",      CLI_PATH | CLI_INPUT, offsetof(input_settings, model),
     "FILE", "base model (TorchScript)", 0, 0, NULL},
    {'d', "data",       CLI_PATH | CLI_INPUT, offsetof(input_settings, data),
     "PATH", "images: CIFAR, IDX, image folder or .npy; see 'igdef help data'", 0, 0, NULL},
    {0,   "labels",     CLI_PATH | CLI_INPUT, offsetof(input_settings, labels),
     "FILE", "labels of a flat image folder or of an .npy file", 0, 0, NULL},
    {0,   "split",      CLI_CHOICE, offsetof(input_settings, split),
     NULL, "part of the data set", 0, 0, splits},
    {0,   "first",      CLI_COUNT, offsetof(input_settings, first),
     "I", "index of the first image", 0, 0, NULL},
    {'n', "count",      CLI_COUNT | CLI_ALL, offsetof(input_settings, count),
     "N", "number of images", 0, 0, NULL},
    {0,   "ids",        CLI_PATH | CLI_INPUT, offsetof(input_settings, ids),
     "FILE", "names or indices of images, one a line", 0, 0, NULL},
    {0,   "classes",    CLI_PATH | CLI_INPUT, offsetof(input_settings, classes),
     "FILE", "the model's classes in their order, in which folders and labels are looked up",
     0, 0, NULL},
    {0,   "class-order", CLI_CHOICE, offsetof(input_settings, class_order),
     NULL, "order of class folders: bytes of their names, or their numbers", 0, 0, orders},
    {0,   "partial",    CLI_FLAG, offsetof(input_settings, partial),
     NULL, "accept fewer classes than the model has: labels are its indices", 0, 0, NULL},
    {0,   "clamp-pixels", CLI_FLAG, offsetof(input_settings, clamp_pixels),
     NULL, "move pixels that a rounding put outside [0, 1] to 0 or 1", 0, 0, NULL},
    {0,   "preprocess", CLI_CHOICE, offsetof(input_settings, preprocess),
     "NAME", "resize and crop of folder images: none, Res256Crop224, Crop288, Res224 or "
     "BicubicRes256Crop224 [what the model's file says, else none]", 0, 0, preprocesses},
    {0,   "model-output", CLI_TEXT, offsetof(input_settings, output),
     "N|KEY", "which output of a model with several gives the logits", 0, 0, NULL},
    {0,   "mean",       CLI_LIST, offsetof(input_settings, mean),
     "A,B,C", "mean of a normalisation in front of the model", 0, 0, NULL},
    {0,   "std",        CLI_LIST | CLI_POSITIVE, offsetof(input_settings, std),
     "A,B,C", "standard deviation of it", 0, 0, NULL},
    {0},
};

#define SHARD \
    {0,   "shard",      CLI_SHARD, offsetof(shard_settings, shard), \
     "I/N", "take part I of N, from 0 on; auto or auto/N asks IGDEF_SHARD or the scheduler " \
     "(Slurm array, Kubernetes, MPI, GNU parallel); {shard} in names of outputs is I", 0, 0, \
     NULL}

const cli_option shard_number_options[] = {SHARD, {0}};

const cli_option shard_options[] = {
    SHARD,
    {0,   "shard-by",   CLI_PATH | CLI_INPUT, offsetof(shard_settings, clean),
     "RESULT", "a result on all the images: parts then hold equally many that it has right",
     0, 0, NULL},
    {0},
};

const cli_option shape_options[] = {
    {'i', "input", CLI_LIST | CLI_POSITIVE, 0,
     "C,H,W", "shape of an image, where neither images nor the model's file tell it", 1, INT_MAX, NULL},
    {0},
};
static const char *const norms[] = {"Linf", "L2", "L1", NULL};

const cli_option threat_options[] = {
    {0,   "norm",       CLI_ENUM, offsetof(igd_threat, norm),
     NULL, "how perturbations are measured", 0, 0, norms},
    {'e', "eps",        CLI_NUMBER | CLI_POSITIVE, offsetof(igd_threat, eps),
     "E", "their size, in pixel units", 0, 0, NULL},
    {0},
};
// clang-format on

common_settings common_defaults(const char *command)
{
    return (common_settings){.command = command, .device = "cpu"};
}

input_settings input_defaults(const char *split)
{
    const igd_dataset_options d = igd_dataset_options_default();
    return (input_settings){.split = split,
                            .first = d.first,
                            .count = d.count,
                            .class_order = orders[0],
                            .preprocess = NULL};
}

int merge_check(const cli_texts *parts, const cli_group *groups,
                const char *const *allowed, const char *what)
{
    const char *other = cli_given_beside(groups, allowed);
    if (other != NULL)
        return cli_usage("--merge: --%s is of no use with it", other);
    if (parts->num < 2 && !igd_path_is_folder(parts->item[0]))
        return cli_usage("--merge needs two %s or more, or a folder of them", what);
    return CLI_GO_ON;
}

int input_check(const input_settings *s)
{
    if (s->mean.num != s->std.num)
        return cli_usage("--mean has %d numbers and --std %d", s->mean.num, s->std.num);
    if (cli_given("count") && s->count == 0)
        return cli_usage("--count: no images; without it, all that follow are taken");
    return CLI_GO_ON;
}

int shard_check(const shard_settings *s)
{
    if (s->clean != NULL && s->shard.num == 0)
        return cli_usage("--shard-by: there is no --shard");
    return CLI_GO_ON;
}

int shape_check(const cli_list *shape)
{
    if (shape->num != 0 && shape->num != 3)
        return cli_usage("--input: has %d numbers, not channels,height,width",
                         shape->num);
    for (int i = 0; i < shape->num; i++)
        if (shape->value[i] != (double)(int)shape->value[i])
            return cli_usage("--input: %g is not a whole number", shape->value[i]);
    return CLI_GO_ON;
}
