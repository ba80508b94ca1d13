// The command lines of igdef analyze sweep, ablation, defenses and radius.
#include "options_series.h"

#include <limits.h>
#include <string.h>

#include "igdef/evaluate.h"
#include "igdef/sweep.h"

// clang-format off
const cli_option series_file_options[] = {
    {0,   "restart",    CLI_FLAG, offsetof(series_settings, evaluate.restart),
     NULL, "discard what an earlier run left there", 0, 0, NULL},
    {0,   "cache",      CLI_PATH | CLI_OUTPUT | CLI_FOLDER | CLI_HIDE_DEFAULT, offsetof(series_settings, evaluate.cache),
     "DIR", "folder of adversarial sets made on base models, for other commands as well "
     "[igdef-cache beside OUTPUT]", 0, 0, NULL},
    {0},
};

const cli_option series_check_options[] = {
    {0,   "checks",     CLI_FLAG, offsetof(series_settings, evaluate.checks),
     NULL, "leave out the reliability checks that attack some images again", 0, 0, NULL},
    {0},
};

static const char *const overs[] = {"keep",     "sigma", "smooth", "temperature", "layer",
                                    "fraction", "eps",   "steps",  NULL};

static const cli_option sweep_options[] = {
    {0,   "over",       CLI_TEXT | CLI_OF_RUN, offsetof(sweep_settings, over),
     "OPTION", "keep, sigma, smooth, temperature, layer, fraction (of the images ranked on), "
     "eps, steps (of all attacks that have some) or a parameter such as apgd-ce.steps",
     0, 0, overs},
    {0,   "values",     CLI_TEXT | CLI_OF_RUN, offsetof(sweep_settings, values),
     "LIST", "numbers, fractions or layers between commas; A+B masks layers A and B at once",
     0, 0, NULL},
    {0},
};

static const cli_option probe_options[] = {
    {0,   "rank-data",  CLI_PATH | CLI_INPUT, offsetof(sweep_settings, probe.data),
     "PATH", "images to rank on", 0, 0, NULL},
    {0,   "rank-labels", CLI_PATH | CLI_INPUT, offsetof(sweep_settings, probe.labels),
     "FILE", "their labels, where they are a flat image folder or an .npy file", 0, 0, NULL},
    {0,   "rank-split", CLI_TEXT, offsetof(sweep_settings, probe.split),
     "SPLIT", "train or test", 0, 0, NULL},
    {0,   "rank-count", CLI_COUNT | CLI_ALL, offsetof(sweep_settings, probe.count),
     "N", "number of them", 0, 0, NULL},
    {0,   "rank-fraction", CLI_NUMBER | CLI_POSITIVE, offsetof(sweep_settings, fraction),
     "F", "share of them that layers are ranked on, drawn by the seed", 0, 1, NULL},
    {0,   "method",     CLI_CHOICE, offsetof(sweep_settings, ranking.method),
     NULL, "how neurons are ranked", 0, 0, ranking_methods},
    {'l', "layer",      CLI_TEXT, offsetof(sweep_settings, layer),
     "PATH", "layer that fractions rank; A,B for several side by side", 0, 0, NULL},
    {0},
};

static const cli_option defenses_options[] = {
    {0,   "cdir",       CLI_PATH | CLI_INPUT, offsetof(defenses_settings, cdir),
     "FILE", "second ranking, such as CD-IR's", 0, 0, NULL},
    {0,   "rows",       CLI_TEXT, offsetof(defenses_settings, rows),
     "LIST", "which of none, the kinds of --defense, sodef (--defended), and the rankings "
     "by their method [all]", 0, 0, NULL},
    {0},
};

static const cli_option radius_options[] = {
    {0,   "from",       CLI_NUMBER, offsetof(radius_settings, from),
     "E", "smallest radius; 0 is the clean image, and --eps the largest radius", 0, 1e6,
     NULL},
    {0,   "halvings",   CLI_INT, offsetof(radius_settings, halvings),
     "N", "an image's radius is known to within a 2^N-th of the range", 1, 12, NULL},
    {0},
};
// clang-format on

#define SERIES(type) offsetof(type, series)
#define PARTS_GROUPS(offset)                                                             \
    {NULL, shard_options, (offset) + offsetof(series_settings, parts.shard)},            \
    {                                                                                    \
        NULL, analysis_merge_options, (offset) + offsetof(series_settings, parts)        \
    }

static const cli_group sweep_groups[] = {
    {"Sweep", sweep_options, 0},
    {"Model and images", input_options,
     SERIES(sweep_settings) + offsetof(series_settings, in)},
    PARTS_GROUPS(SERIES(sweep_settings)),
    DEFENSE_GROUPS("Defense (none: the base model alone)",
                   SERIES(sweep_settings) + offsetof(series_settings, defense)),
    {"Ranking anew (over layer and fraction)", probe_options, 0},
    {"CD-IR (--method cdir)", cdir_options, offsetof(sweep_settings, ranking.cdir)},
    {"Threat", threat_options,
     SERIES(sweep_settings) + offsetof(series_settings, evaluate.threat)},
    {"Attacks", attack_options,
     SERIES(sweep_settings) + offsetof(series_settings, evaluate)},
    {"Files", analysis_output_options,
     SERIES(sweep_settings) + offsetof(series_settings, out)},
    {"Evaluations", series_file_options, SERIES(sweep_settings)},
    {NULL, series_check_options, SERIES(sweep_settings)},
    {"Common options", common_options,
     SERIES(sweep_settings) + offsetof(series_settings, common)},
    {0},
};

static const cli_group ablation_groups[] = {
    {"Model and images", input_options, offsetof(series_settings, in)},
    PARTS_GROUPS(0),
    {"Defense", ranked_options, offsetof(series_settings, defense)},
    {NULL, keep_options, offsetof(series_settings, defense)},
    {NULL, noise_options, offsetof(series_settings, defense)},
    {NULL, force_options, offsetof(series_settings, defense)},
    {"Threat", threat_options, offsetof(series_settings, evaluate.threat)},
    {"Attacks", attack_options, offsetof(series_settings, evaluate)},
    {"Files", analysis_output_options, offsetof(series_settings, out)},
    {"Evaluations", series_file_options, 0},
    {NULL, series_check_options, 0},
    {"Common options", common_options, offsetof(series_settings, common)},
    {0},
};

static const cli_group defenses_groups[] = {
    {"Model and images", input_options,
     SERIES(defenses_settings) + offsetof(series_settings, in)},
    PARTS_GROUPS(SERIES(defenses_settings)),
    {"Rows", defenses_options, 0},
    {"Defenses", ranked_options,
     SERIES(defenses_settings) + offsetof(series_settings, defense)},
    {NULL, keep_options, SERIES(defenses_settings) + offsetof(series_settings, defense)},
    {NULL, noise_options, SERIES(defenses_settings) + offsetof(series_settings, defense)},
    {NULL, smoothing_options,
     SERIES(defenses_settings) + offsetof(series_settings, defense)},
    {NULL, force_options, SERIES(defenses_settings) + offsetof(series_settings, defense)},
    OTHER_DEFENSE_GROUPS(SERIES(defenses_settings) + offsetof(series_settings, defense)),
    {"Threat", threat_options,
     SERIES(defenses_settings) + offsetof(series_settings, evaluate.threat)},
    {"Attacks", attack_options,
     SERIES(defenses_settings) + offsetof(series_settings, evaluate)},
    {"Files", analysis_output_options,
     SERIES(defenses_settings) + offsetof(series_settings, out)},
    {"Evaluations", series_file_options, SERIES(defenses_settings)},
    {NULL, series_check_options, SERIES(defenses_settings)},
    {"Common options", common_options,
     SERIES(defenses_settings) + offsetof(series_settings, common)},
    {0},
};

static const cli_group radius_groups[] = {
    {"Radii", radius_options, 0},
    {"Model and images", input_options,
     SERIES(radius_settings) + offsetof(series_settings, in)},
    PARTS_GROUPS(SERIES(radius_settings)),
    DEFENSE_GROUPS("Defense (none: the base model alone)",
                   SERIES(radius_settings) + offsetof(series_settings, defense)),
    {"Threat", threat_options,
     SERIES(radius_settings) + offsetof(series_settings, evaluate.threat)},
    {"Attacks", attack_options,
     SERIES(radius_settings) + offsetof(series_settings, evaluate)},
    {"Files", analysis_output_options,
     SERIES(radius_settings) + offsetof(series_settings, out)},
    {"Evaluations", series_file_options, SERIES(radius_settings)},
    {NULL, series_check_options, SERIES(radius_settings)},
    {"Common options", common_options,
     SERIES(radius_settings) + offsetof(series_settings, common)},
    {0},
};

static const char *const sweep_required[] = {"model", "data", "over", "values", NULL};
static const char *const ablation_required[] = {"model", "data", "ranking", NULL};
const char *const series_required[] = {"model", "data", NULL};

series_settings series_defaults(const char *command)
{
    return (series_settings){.common = common_defaults(command),
                             .in = input_defaults("test"),
                             .defense = defense_defaults(),
                             .evaluate = igd_evaluate_options_default()};
}

int series_merge_check(const series_settings *s, const cli_group *groups)
{
    return analysis_merge_check(&s->parts, &s->out, &s->common, s->evaluate.restart,
                                groups);
}

int series_check(const series_settings *s)
{
    int rc;
    if ((rc = analysis_output_check(&s->out)) != CLI_GO_ON ||
        (rc = analysis_parts_check(&s->parts, &s->out)) != CLI_GO_ON)
        return rc;
    if (s->evaluate.restart && s->out.output == NULL)
        return cli_usage("--restart: without --output there is nothing to restart");
    if ((rc = attack_check(&s->evaluate, &s->common)) != CLI_GO_ON)
        return rc;
    return input_check(&s->in);
}

// ---- sweep

static const char *const sweep_examples[] = {
    "igdef analyze sweep --over keep --values 5,10,20,50,100 --model resnet18.pt "
    "--ranking "
    "loir.safetensors --data cifar-10-batches-bin --attack transfer:apgd-ce -n 1000 -o "
    "keep.json --chart keep.svg",
    "igdef analyze sweep --over layer --values layer3,layer4,penultimate --rank-data "
    "cifar-10-batches-bin --model resnet18.pt --data cifar-10-batches-bin --attack "
    "autoattack -n 1000 -o layer.json",
    "igdef analyze sweep --over eps --values 4/255,8/255,16/255,32/255 --model "
    "resnet18.pt "
    "--data cifar-10-batches-bin --attack autoattack -n 1000 -o radius.json",
    "igdef analyze sweep --over eps --values 4/255,8/255 --model resnet18.pt --data "
    "cifar-10-batches-bin --attack autoattack --shard auto -o parts/part-{shard}.json",
    "igdef analyze sweep --merge parts -o radius.json",
    NULL,
};

static const cli_words sweep_instead[] = {
    {"steps", 0, "give --over steps --values, or --set ATTACK.steps=N"},
    {"fraction", 0, "give --over fraction --values, or --rank-fraction"},
    {0},
};

static void sweep_defaults(void *settings)
{
    sweep_settings *s = settings;
    *s = (sweep_settings){.series = series_defaults("analyze sweep"),
                          .probe = input_defaults("train"),
                          .fraction = 1.0,
                          .layer = "penultimate",
                          .ranking = ranking_defaults()};
}

static bool is(const char *text, const char *other)
{
    return strcmp(text, other) == 0;
}

// Whether the values have rankings of their own, and that the options say so.
static int check_probe(const sweep_settings *s, bool *anew)
{
    static const char *const of_probe[] = {"rank-data",  "rank-labels",   "rank-split",
                                           "rank-count", "rank-fraction", "method",
                                           "layer"};
    *anew = is(s->over, "layer") || is(s->over, "fraction");
    for (size_t k = 0; k < sizeof(of_probe) / sizeof(of_probe[0]); k++)
        if (!*anew && cli_given(of_probe[k]))
            return cli_usage("--%s: only with --over layer or fraction", of_probe[k]);
    const bool cdir = *anew && is(s->ranking.method, "cdir");
    const int rc = method_check(cdir, "cdir", cdir_options);
    if (rc != CLI_GO_ON)
        return rc;
    if (!*anew)
        return CLI_GO_ON;
    if (s->series.defense.ranking != NULL)
        return cli_usage("--ranking: --over %s ranks anew", s->over);
    if (s->probe.data == NULL)
        return cli_usage("--rank-data PATH is missing: --over %s ranks anew", s->over);
    if (is(s->over, "layer") && cli_given("layer"))
        return cli_usage("--layer: --over layer has --values");
    if (is(s->over, "fraction") && cli_given("rank-fraction"))
        return cli_usage("--rank-fraction: --over fraction has --values");
    return cdir ? cdir_check(&s->ranking.cdir) : CLI_GO_ON;
}

static int sweep_check(const void *settings)
{
    const sweep_settings *s = settings;
    defense_settings d = s->series.defense;
    bool anew;
    int rc;
    if (s->series.parts.merge.num > 0)
        return series_merge_check(&s->series, sweep_groups);
    if ((rc = check_probe(s, &anew)) != CLI_GO_ON)
        return rc;
    if (cli_given(s->over))
        return cli_usage("--%s: --over %s has --values", s->over, s->over);
    if (anew)
        d.ranking = "anew";
    if ((rc = defense_check(&d)) != CLI_GO_ON)
        return rc;
    return series_check(&s->series);
}

const cli_command command_sweep = {
    .name = "analyze sweep",
    .summary = "evaluate at a list of values of one option",
    .description =
        "Each value is one igdef eval, with the base model beside it. Attacks on the "
        "base "
        "model are made once for all. Of several eps only what the smaller one left is "
        "attacked. With -o every point's result stays in OUTPUT.sweep: after Ctrl-C or "
        "kill -9 the same command goes on, and one with further values takes the points "
        "that are there.",
    .examples = sweep_examples,
    .required = sweep_required,
    .instead_of_inputs = analysis_instead_of_inputs,
    .groups = sweep_groups,
    .instead = sweep_instead,
    .size = sizeof(sweep_settings),
    .defaults = sweep_defaults,
    .check = sweep_check,
};

// ---- ablation

static const char *const ablation_examples[] = {
    "igdef analyze ablation --model resnet18.pt --ranking loir.safetensors --data "
    "cifar-10-batches-bin --attack autoattack -n 1000 -o ablation.json",
    NULL,
};

#define ROWS "every row has its own; igdef eval takes one"
static const cli_words ablation_instead[] = {
    {"mask", 0, ROWS},
    {"passes", 0, ROWS},
    {"smoothing", 0, ROWS},
    {"defense", 0,
     "rows are those of the mask; igdef analyze defenses has the other kinds"},
    {0},
};

static void ablation_defaults(void *settings)
{
    series_settings *s = settings;
    *s = series_defaults("analyze ablation");
}

static int ablation_check(const void *settings)
{
    const series_settings *s = settings;
    if (s->parts.merge.num > 0)
        return series_merge_check(s, ablation_groups);
    const int rc = defense_check(&s->defense);
    return rc == CLI_GO_ON ? series_check(s) : rc;
}

const cli_command command_ablation = {
    .name = "analyze ablation",
    .summary = "evaluate what each part of the defense adds",
    .description =
        "Nine rows: no mask with one pass (the base model), smoothed, and with two; "
        "random "
        "masks and the ranking's with one pass, with two, and with two and smoothing "
        "(the "
        "defense). One pass keeps the neurons that the mask of any class keeps. With -o "
        "every row's result stays in OUTPUT.rows, where the same command goes on.",
    .examples = ablation_examples,
    .required = ablation_required,
    .instead_of_inputs = analysis_instead_of_inputs,
    .groups = ablation_groups,
    .instead = ablation_instead,
    .size = sizeof(series_settings),
    .defaults = ablation_defaults,
    .check = ablation_check,
};

// ---- defenses

static const char *const defenses_examples[] = {
    "igdef analyze defenses --model resnet18.pt --ranking loir.safetensors --cdir "
    "cdir.safetensors --defended sodef.pt --data cifar-10-batches-bin -n 100 -o "
    "table.json",
    NULL,
};

static const cli_words defenses_instead[] = {
    {"defense", 0, "every kind has a row; --rows chooses among them"},
    {"mask", 0,
     "rankings are masked by what matters most; igdef analyze ablation varies it"},
    {"passes", 0, "each defense has its own; igdef analyze ablation varies them"},
    {0},
};

static void defenses_defaults(void *settings)
{
    defenses_settings *s = settings;
    *s = (defenses_settings){.series = series_defaults("analyze defenses")};
    s->series.evaluate.attacks = "worst-case";
    s->series.evaluate.report = IGD_REPORT_PER_ATTACK;
}

static int defenses_check(const void *settings)
{
    const defenses_settings *s = settings;
    return s->series.parts.merge.num > 0 ? series_merge_check(&s->series, defenses_groups)
                                         : series_check(&s->series);
}

const cli_command command_defenses = {
    .name = "analyze defenses",
    .summary = "compare test-time defenses under the same attacks",
    .description =
        "A row each for no defense, every kind of --defense that has what it needs, the "
        "one in --defended (such as SODEF), and the given rankings; a column for each of "
        "the worst case's nine "
        "attacks, "
        "or for those of --attack, and what a prediction costs. Attacks on the base "
        "model "
        "are made once for all rows. A forecast of the whole cost comes first: choose "
        "--count and --set by it. With -o every row's result stays in OUTPUT.rows, where "
        "the same command goes on.",
    .examples = defenses_examples,
    .required = series_required,
    .instead_of_inputs = analysis_instead_of_inputs,
    .groups = defenses_groups,
    .instead = defenses_instead,
    .size = sizeof(defenses_settings),
    .defaults = defenses_defaults,
    .check = defenses_check,
};

// ---- radius

static const char *const radius_examples[] = {
    "igdef analyze radius --model resnet18.pt --ranking loir.safetensors --data "
    "cifar-10-batches-bin --eps 16/255 --attack apgd-ce,apgd-t -n 500 -o radius.json "
    "--chart radius.svg",
    NULL,
};

static const cli_words radius_instead[] = {
    {"over", 0, "radii are bisected; igdef analyze sweep --over eps takes given ones"},
    {"values", 0, "radii are bisected; igdef analyze sweep --over eps takes given ones"},
    {0},
};

static void radius_defaults(void *settings)
{
    radius_settings *s = settings;
    const igd_radius_options o = igd_radius_options_default();
    *s = (radius_settings){.series = series_defaults("analyze radius"),
                           .from = o.from,
                           .halvings = o.halvings};
    s->series.evaluate.attacks = "apgd-ce,apgd-t";
}

static int radius_check(const void *settings)
{
    const radius_settings *s = settings;
    if (s->series.parts.merge.num > 0)
        return series_merge_check(&s->series, radius_groups);
    const int rc = defense_check(&s->series.defense);
    if (rc != CLI_GO_ON)
        return rc;
    if (s->from >= s->series.evaluate.threat.eps)
        return cli_usage("--from: %g is not below the largest radius, --eps %g", s->from,
                         s->series.evaluate.threat.eps);
    if (s->series.evaluate.report != IGD_REPORT_UNION)
        return cli_usage(
            "--report: an image's radius is where the first attack breaks it");
    return series_check(&s->series);
}

const cli_command command_radius = {
    .name = "analyze radius",
    .summary = "find the smallest radius at which each image falls",
    .description =
        "A search for each image between --from and --eps, of the base model and of "
        "the defense: points that fool are drawn further in, and attacked from there "
        "until the attacks fail. They give upper ends: a stronger list may find smaller "
        "radii. With -o every radius's evaluation and its points stay in OUTPUT.radius, "
        "where the same command goes on.",
    .examples = radius_examples,
    .required = series_required,
    .instead_of_inputs = analysis_instead_of_inputs,
    .groups = radius_groups,
    .instead = radius_instead,
    .size = sizeof(radius_settings),
    .defaults = radius_defaults,
    .check = radius_check,
};
