// The command line of igdef analyze tune.
#include "options_tune.h"

#include <limits.h>
#include <math.h>
#include <string.h>

// clang-format off
static const cli_option grid_options[] = {
    {0,   "layers",       CLI_TEXT, offsetof(tune_settings, layers),
     "LIST", "layers between commas, each ranked anew; A+B masks A and B at once", 0, 0, NULL},
    {0,   "keeps",        CLI_LIST | CLI_HIDE_DEFAULT, offsetof(tune_settings, keeps),
     "LIST", "neurons kept per class and layer [a 32nd, 16th, 8th, 4th and half of them]",
     1, INT_MAX, NULL},
    {0,   "sigmas",       CLI_LIST | CLI_HIDE_DEFAULT, offsetof(tune_settings, sigmas),
     "LIST", "standard deviations of the smoothing noise; 0 is none [0, eps/4, eps/2 and eps; "
     "beside Linf 0, 2/255, 4/255 and 8/255]", 0, 1e6, NULL},
    {0,   "temperatures", CLI_LIST | CLI_POSITIVE | CLI_HIDE_DEFAULT,
     offsetof(tune_settings, temperatures),
     "LIST", "divisors of the first-pass logits [0.01,0.1]", 0, 1e6, NULL},
    {0,   "smooth",       CLI_INT, offsetof(tune_settings, series.defense.mask.num_smooth),
     "N", "noisy copies per image in the first pass", 1, 65536, NULL},
    {0},
};

static const cli_option choice_options[] = {
    {0,   "budget-clean", CLI_NUMBER, offsetof(tune_settings, budget),
     "B", "clean accuracy that may be lost, 0.01 being one point", 0, 1, NULL},
    {0,   "first-images", CLI_COUNT, offsetof(tune_settings, first_images),
     "N", "images that all settings are judged on", 0, 0, NULL},
    {0},
};

static const cli_option anew_options[] = {
    {0,   "rank-count",   CLI_COUNT | CLI_HIDE_DEFAULT, offsetof(tune_settings, ranked),
     "N", "training images ranked on, the first [10000, at most half of them]", 0, 0, NULL},
    {0,   "method",       CLI_CHOICE, offsetof(tune_settings, ranking.method),
     NULL, "how neurons are ranked", 0, 0, ranking_methods},
    {0},
};
// clang-format on

#define SERIES(member) offsetof(tune_settings, series.member)

static const cli_group groups[] = {
    {"Settings to choose from", grid_options, 0},
    {"Choice", choice_options, 0},
    {"Model and images", input_options, SERIES(in)},
    {"Ranking that is there, of one layer or several", ranked_options, SERIES(defense)},
    {NULL, force_options, SERIES(defense)},
    {"Ranking anew (without --ranking)", anew_options, 0},
    {"CD-IR (--method cdir)", cdir_options, offsetof(tune_settings, ranking.cdir)},
    {"Threat", threat_options, SERIES(evaluate.threat)},
    {"Attacks", attack_options, SERIES(evaluate)},
    {"Files", analysis_output_options, SERIES(out)},
    {"Evaluations", series_file_options, 0},
    {"Common options", common_options, SERIES(common)},
    {0},
};

static const cli_words standards[] = {
    {"count", 0, CLI_NUMBER_TEXT(TUNED_IMAGES)},
    {0},
};
static const char *const examples[] = {
    "igdef analyze tune --model resnet18.pt --data cifar-10-batches-bin --layers "
    "penultimate,layer3 -n 512 -o tune.json --chart tune.svg",
    "igdef analyze tune --model resnet18.pt --data cifar-10-batches-bin --ranking "
    "loir.safetensors --keeps 25,50,100 --sigmas 2/255,4/255 -o tune.json",
    NULL,
};

static void defaults(void *settings)
{
    tune_settings *s = settings;
    const igd_tune_options o = igd_tune_options_default();
    *s = (tune_settings){.series = series_defaults("analyze tune"),
                         .layers = "penultimate",
                         .ranking = ranking_defaults(),
                         .budget = o.budget_clean,
                         .first_images = o.first_images};
    s->series.in = input_defaults("train");
    s->series.evaluate.attacks = o.series.evaluate.attacks;
}

// Rankings are made anew unless one is given.
static int check_rankings(const tune_settings *s)
{
    static const char *const anew[] = {"layers", "rank-count", "method"};
    const bool cdir = strcmp(s->ranking.method, "cdir") == 0;
    const bool given = s->series.defense.ranking != NULL;
    for (size_t k = 0; given && k < sizeof(anew) / sizeof(anew[0]); k++)
        if (cli_given(anew[k]))
            return cli_usage("--%s: the layers are those of --ranking", anew[k]);
    const int rc = method_check(cdir && !given, "cdir", cdir_options);
    if (rc != CLI_GO_ON)
        return rc;
    if (!given && s->series.defense.mask.force)
        return cli_usage("--force: only with --ranking");
    if (!given && s->series.out.output == NULL)
        return cli_usage("--output: without it there is no place for new rankings; or "
                         "give --ranking");
    return cdir && !given ? cdir_check(&s->ranking.cdir) : CLI_GO_ON;
}

static int check(const void *settings)
{
    const tune_settings *s = settings;
    const int rc = check_rankings(s);
    if (rc != CLI_GO_ON)
        return rc;
    for (const char *at = s->layers; *at != '\0'; at++)
        if ((at == s->layers && *at == ',') ||
            (*at == ',' && (at[1] == ',' || at[1] == '\0')))
            return cli_usage("--layers: '%s' has an empty name", s->layers);
    for (int k = 0; k < s->keeps.num; k++)
        if (s->keeps.value[k] != floor(s->keeps.value[k]))
            return cli_usage("--keeps: %g is not a whole number", s->keeps.value[k]);
    if (strcmp(s->series.in.split, "train") != 0)
        return cli_usage("--split: settings are chosen on training images, and judged "
                         "once on the test's");
    if (s->series.evaluate.report != IGD_REPORT_UNION)
        return cli_usage("--report: a setting is judged by what all attacks leave");
    return series_check(&s->series);
}

const cli_command command_tune = {
    .name = "analyze tune",
    .summary = "find the setting of the defense that helps most",
    .description =
        "Every layer with every keep, sigma and temperature, on training images that the "
        "ranking has not seen: without --first and --ids, those of --count (512) are "
        "drawn by the seed from behind the ranking's. All settings are attacked on a few "
        "images, the half of them that gains more on twice as many, the last four on "
        "all. Chosen "
        "is the one whose gain in robust accuracy over the base model has the highest "
        "lower end, corrected for the number of settings; where that is not above 0, "
        "nothing is shown to help. It prints the command that judges the choice on test "
        "images. New rankings and every evaluation stay in OUTPUT.tune, where the same "
        "command goes on.",
    .examples = examples,
    .required = series_required,
    .groups = groups,
    .standards = standards,
    .size = sizeof(tune_settings),
    .defaults = defaults,
    .check = check,
};
