// The command line of igdef eval.
#include "options_eval.h"

#include <math.h>
#include <string.h>

#include "budget.h"
#include "core.h"
#include "igdef/evaluate.h"

// clang-format off
static const char *const orders[] = {"data", "random", NULL};

static const char *const robust_bys[] = {"low", "point", NULL};

static const cli_option order_options[] = {
    {0,   "order",       CLI_CHOICE | CLI_HIDE_DEFAULT, offsetof(eval_settings, order),
     NULL, "one attack after the other on all images, or in random order a few images by "
     "all attacks, then the next [random with the options below, else data]", 0, 0, orders},
    {0,   "budget",      CLI_TEXT, offsetof(eval_settings, budget),
     "AMOUNT", "stop after so much time or so many images, with the result of those that "
     "are finished: 90s, 30m, 2h or 500img, all sittings together", 0, 0, NULL},
    {0,   "until-width", CLI_NUMBER | CLI_POSITIVE | CLI_HIDE_DEFAULT,
     offsetof(eval_settings, evaluate.until_width),
     "W", "stop when the worst case on all images is known to lie in an interval of this "
     "width, such as 0.02", 0, 1, NULL},
    {0,   "until-difference", CLI_PATH | CLI_INPUT, offsetof(eval_settings, until_difference),
     "RESULT", "stop when the worst case is known to be better or worse than that of a "
     "result of the same images", 0, 0, NULL},
    {0},
};

static const cli_option check_options[] = {
    {0,   "expect-clean", CLI_NUMBER | CLI_HIDE_DEFAULT, offsetof(eval_settings, evaluate.expect_clean),
     "ACC", "stop early, exit code 3, if the clean accuracy is more than 0.01 off", 0, 1,
     NULL},
    {0,   "min-robust",  CLI_NUMBER, offsetof(eval_settings, min_robust),
     "ACC", "exit code 3 if the accuracy under all listed attacks together is below this: "
     "its 95 % interval's lower end, or the point, as --min-robust-by says", 0, 1, NULL},
    {0,   "min-robust-by", CLI_CHOICE, offsetof(eval_settings, min_robust_by),
     NULL, "what is compared with --min-robust: the interval's lower end, which needs enough "
     "images, or the accuracy itself", 0, 0, robust_bys},
    {0,   "strict",      CLI_FLAG, offsetof(eval_settings, strict),
     NULL, "exit code 3 on any reliability warning", 0, 0, NULL},
    {0,   "checks",      CLI_FLAG, offsetof(eval_settings, evaluate.checks),
     NULL, "leave out the reliability checks that attack some images again", 0, 0, NULL},
    {0,   "bounds",      CLI_FLAG, offsetof(eval_settings, evaluate.bounds),
     NULL, "leave out the bounds by the masks of the true and of the worst class", 0, 0,
     NULL},
    {0,   "shortcuts",   CLI_FLAG, offsetof(eval_settings, evaluate.shortcuts),
     NULL, "also do the work that cannot change a flag", 0, 0, NULL},
    {0,   "audit",       CLI_NUMBER, offsetof(eval_settings, evaluate.audit),
     "PERCENT", "attack so many images again without shortcuts and compare", 0, 100, NULL},
    {0},
};

static const cli_option output_options[] = {
    {'o', "output",      CLI_PATH | CLI_OUTPUT, offsetof(eval_settings, output),
     "FILE", "result (.json); one line per image goes beside it (.images.jsonl; with "
     "--csv .images.csv, too)", 0, 0,
     NULL},
    {0,   "save-adversarial", CLI_PATH | CLI_OUTPUT, offsetof(eval_settings, evaluate.save_adversarial),
     "FILE", "adversarial images (.npy), the clean one where no attack succeeded", 0, 0,
     NULL},
    {0,   "state",       CLI_PATH | CLI_OUTPUT | CLI_HIDE_DEFAULT, offsetof(eval_settings, evaluate.state),
     "FILE", "where an interrupted run goes on from [OUTPUT.state]", 0, 0, NULL},
    {0,   "restart",     CLI_FLAG, offsetof(eval_settings, evaluate.restart),
     NULL, "discard what an earlier run left there: its result or its state", 0, 0, NULL},
    {0,   "cache",       CLI_PATH | CLI_OUTPUT | CLI_FOLDER | CLI_HIDE_DEFAULT, offsetof(eval_settings, evaluate.cache),
     "DIR", "folder of adversarial sets made on base models, for later runs "
     "[igdef-cache beside OUTPUT, for transferred attacks]", 0, 0, NULL},
    {0,   "merge",       CLI_TEXTS | CLI_MANY | CLI_INPUT, offsetof(eval_settings, merge),
     "RESULT", "join the parts of one run, or disjoint --first, --count ranges; a folder "
     "stands for the results in it", 0, 0, NULL},
    {0,   "progress",    CLI_PATH | CLI_INPUT, offsetof(eval_settings, progress),
     "DIR", "show how far the parts of a run in a folder are: images done, accuracy so far, "
     "time left, parts that stopped", 0, 0, NULL},
    {0},
};
// clang-format on

static const cli_group groups[] = {
    {"Model and images", input_options, offsetof(eval_settings, in)},
    {NULL, shard_options, offsetof(eval_settings, shard)},
    DEFENSE_GROUPS("Defense (none: the base model is evaluated)",
                   offsetof(eval_settings, defense)),
    {"Threat", threat_options, offsetof(eval_settings, evaluate.threat)},
    {"Attacks", attack_options, offsetof(eval_settings, evaluate)},
    {"Order and end", order_options, 0},
    {"Reliability", check_options, 0},
    {"Files", output_options, 0},
    {"Common options", common_options, offsetof(eval_settings, common)},
    {0},
};

static const cli_beside beside[] = {
    {"output", ".images.jsonl", true},
    {"output", ".images.csv", true},
    {"output", ".state", false},
    {"output", ".state.checkpoint", false},
    {"output", ".state.flight", false}, // of older versions, and removed
    {"output", ".state.lock", false},
    {"save-adversarial", ".part", false},
    {"save-adversarial", ".lock", false},
    {"state", ".checkpoint", false},
    {"state", ".flight", false},
    {"state", ".lock", false},
    {0},
};

static const char *const examples[] = {
    "igdef eval --model resnet18.pt --data cifar-10-batches-bin --attack autoattack -o "
    "base.json",
    "igdef eval --model resnet18.pt --ranking loir.safetensors --data "
    "cifar-10-batches-bin --attack worst-case -o loir.json",
    "igdef eval --model resnet18.pt --data cifar-10-batches-bin --attack autoattack "
    "--budget 30m -o soon.json",
    "igdef eval --model resnet18.pt --data cifar-10-batches-bin --attack autoattack "
    "--shard auto -o parts/part-{shard}.json",
    "igdef eval --progress parts",
    "igdef eval --merge parts -o whole.json",
    NULL,
};
static const cli_words instead[] = {
    {"chart", 0, "igdef report draws the charts of results"},
    {"layer", 'l', "the ranking says which; igdef rank takes --layer"},
    {"over", 0, "one setting is evaluated; igdef analyze sweep takes --over"},
    {"values", 0, "one setting is evaluated; igdef analyze sweep takes --values"},
    {0},
};
static const char *const required[] = {"model", "data", NULL};
static const char *const instead_of_inputs[] = {"merge", "progress", NULL};

static void defaults(void *settings)
{
    eval_settings *s = settings;
    *s = (eval_settings){.common = common_defaults("eval"),
                         .in = input_defaults("test"),
                         .defense = defense_defaults(),
                         .min_robust = NAN,
                         .min_robust_by = robust_bys[0],
                         .evaluate = igd_evaluate_options_default()};
}

static int check_progress(const eval_settings *s)
{
    static const char *const allowed[] = {"progress", "json", "quiet", "config", NULL};
    const char *other = cli_given_beside(groups, allowed);
    if (other != NULL)
        return cli_usage("--progress: --%s is of no use with it", other);
    if (!igd_path_is_folder(s->progress))
        return cli_usage("--progress: %s is no folder", s->progress);
    return CLI_GO_ON;
}

static int check_merge(const eval_settings *s)
{
    static const char *const allowed[] = {
        "merge",   "output",       "json", "quiet",      "strict",        "config",
        "restart", "expect-clean", "csv",  "min-robust", "min-robust-by", NULL};
    const int rc = merge_check(&s->merge, groups, allowed, "results");
    if (rc != CLI_GO_ON)
        return rc;
    if (s->evaluate.restart && s->output == NULL)
        return cli_usage("--restart: without --output there is nothing to restart");
    if (!s->common.quiet)
        cli_note_unsealed(&s->merge);
    return CLI_GO_ON;
}

static int check_order(const eval_settings *s)
{
    static const char *const stops[] = {"budget", "until-width", "until-difference"};
    double seconds;
    int64_t images;
    if (s->budget != NULL && !budget_parse(&seconds, &images, s->budget))
        return cli_usage(
            "--budget: '%s' is no amount with a unit, such as 90s, 30m, 2h or "
            "500img",
            s->budget);
    if (s->evaluate.until_width >= 1.0)
        return cli_usage("--until-width: every interval is narrower than %g",
                         s->evaluate.until_width);
    if (s->order != NULL && cli_given("first"))
        return cli_usage(
            "--order: with --first, images are those of a place in the data; "
            "leave one of the two out");
    if (eval_order(s) == IGD_ORDER_RANDOM)
        return s->evaluate.save_adversarial == NULL
                   ? CLI_GO_ON
                   : cli_usage(
                         "--save-adversarial: images are saved in the data's order, "
                         "not in random order");
    for (size_t k = 0; k < sizeof(stops) / sizeof(stops[0]); k++)
        if (cli_given(stops[k]))
            return cli_usage("--%s: images are no sample of all in --order data",
                             stops[k]);
    return CLI_GO_ON;
}

static int check_robust(const eval_settings *s)
{
    if (cli_given("min-robust-by") && isnan(s->min_robust))
        return cli_usage("--min-robust-by: there is no --min-robust");
    if (isnan(s->min_robust) || s->merge.num > 0)
        return CLI_GO_ON;
    if (s->shard.shard.num > 0)
        return cli_usage("--min-robust: one part says little; give it to --merge");
    if (strcmp(s->evaluate.attacks, "clean") == 0)
        return cli_usage("--min-robust: --attack lists no attack, so that no robust "
                         "accuracy is measured");
    return CLI_GO_ON;
}

static int check(const void *settings)
{
    const eval_settings *s = settings;
    int rc;
    if (s->progress != NULL)
        return check_progress(s);
    if ((rc = check_robust(s)) != CLI_GO_ON)
        return rc;
    if (s->merge.num > 0)
        return check_merge(s);
    if (s->evaluate.restart && s->output == NULL && s->evaluate.state == NULL)
        return cli_usage("--restart: without --output or --state there is nothing to "
                         "restart");
    if ((rc = check_order(s)) != CLI_GO_ON ||
        (rc = defense_check(&s->defense)) != CLI_GO_ON)
        return rc;
    if (s->evaluate.fixed_noise && !defense_is_random(&s->defense))
        return cli_usage("--fixed-noise: there is no defense that draws noise");
    if (s->shard.shard.num > 0 && s->evaluate.expect_clean >= 0.0)
        return cli_usage("--expect-clean: one part says little; give it to --merge");
    if ((rc = shard_check(&s->shard)) != CLI_GO_ON)
        return rc;
    if ((rc = attack_check(&s->evaluate, &s->common)) != CLI_GO_ON)
        return rc;
    return input_check(&s->in);
}

const cli_command command_eval = {
    .name = "eval",
    .summary = "measure clean and robust accuracy under lists of attacks",
    .description =
        "Every finished batch is on disk before the next begins: after Ctrl-C, kill -9 "
        "or "
        "a power cut the same command goes on where it stopped and finds the same flags.",
    .examples = examples,
    .required = required,
    .instead_of_inputs = instead_of_inputs,
    .groups = groups,
    .instead = instead,
    .beside = beside,
    .size = sizeof(eval_settings),
    .defaults = defaults,
    .check = check,
};
