// The command line of igdef report, and its action: without libtorch, so that it takes
// milliseconds.
#include "options_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "csv.h"
#include "igdef/report.h"
#include "model_info.h"
#include "print.h"

// clang-format off
static const cli_option options[] = {
    {0,   "results", CLI_TEXTS | CLI_INPUT, offsetof(report_settings, results),
     "RESULT", "files that igdef eval and igdef analyze wrote", 0, 0, NULL},
    {'o', "output",  CLI_PATH | CLI_OUTPUT, offsetof(report_settings, output),
     "FILE", "where the page goes (.html)", 0, 0, NULL},
    {0,   "model-info", CLI_PATH | CLI_OUTPUT, offsetof(report_settings, model_info),
     "FILE", "one result with AutoAttack as RobustBench's model_info (.json), the page being "
     "optional then", 0, 0, NULL},
    {0,   "info",    CLI_TEXTS, offsetof(report_settings, info),
     "KEY=VALUE", "what no result says of the model, for --model-info: link, name, authors, "
     "additional_data, dataset, venue, architecture, reported, footnote", 0, 0, NULL},
    {0},
};

static const cli_option common[] = {
    {'j', "json",   CLI_FLAG, offsetof(common_settings, json),
     NULL, "one JSON object on standard output instead of text", 0, 0, NULL},
    {0,   "csv",    CLI_FLAG,  offsetof(common_settings, csv),
     NULL, "a table of comma-separated values on standard output instead of text", 0, 0, NULL},
    {'q', "quiet",  CLI_FLAG, offsetof(common_settings, quiet),
     NULL, "no messages but errors", 0, 0, NULL},
    {0,   "config", CLI_PATH | CLI_INPUT, offsetof(common_settings, config),
     "FILE", "JSON file whose keys are option names; the command line wins", 0, 0, NULL},
    {0},
};
// clang-format on

static const cli_group groups[] = {
    {"Options", options, 0},
    {"Common options", common, offsetof(report_settings, common)},
    {0},
};

static const char *const examples[] = {
    "igdef report base.json loir.json random.json -o report.html",
    "igdef report base.json loir.json shift.json landscape.json -o report.html",
    "igdef report loir.json --model-info Doe2026Masks.json --info additional_data=false "
    "--info dataset=cifar10 --info architecture=ResNet-18",
    NULL,
};
static const cli_words instead[] = {
    {"chart", 0, "charts are in the page; igdef analyze takes --chart"},
    {"merge", 0, "igdef eval --merge joins the parts of one run"},
    {0},
};
static const char *const required[] = {"results", NULL};
static const char *const arguments[] = {"results", NULL};

static void defaults(void *settings)
{
    report_settings *s = settings;
    *s = (report_settings){.common = common_defaults("report")};
}

static int check(const void *settings)
{
    const report_settings *s = settings;
    if (s->results.num > IGD_REPORT_MAX_FILES)
        return cli_usage("%d files; a report takes %d", s->results.num,
                         IGD_REPORT_MAX_FILES);
    if (s->model_info == NULL && s->info.num > 0)
        return cli_usage("--info: there is no --model-info");
    if (s->model_info == NULL && s->output == NULL)
        return cli_usage("--output FILE is missing; see 'igdef help report'");
    if (s->model_info != NULL && s->results.num != 1)
        return cli_usage("--model-info: %d results; it is of one", s->results.num);
    return s->model_info != NULL ? model_info_check(&s->info) : CLI_GO_ON;
}

// Writes what RobustBench asks for, and says what is left to fill in.
static int write_model_info(const report_settings *s)
{
    char missing[MODEL_INFO_MISSING];
    cJSON *info = NULL;
    igd_status st = model_info_make(&info, missing, s->results.item[0], &s->info);
    if (st == IGD_OK)
        st = igd_json_write(info, s->model_info);
    cJSON_Delete(info);
    if (st != IGD_OK)
        return cli_failed("report");
    if (missing[0] != '\0' && !s->common.quiet)
        fprintf(stderr, "igdef report: %s: to be filled in, or given as --info: %s\n",
                s->model_info, missing);
    if (s->output == NULL && !s->common.quiet && !s->common.json && !s->common.csv)
        print_out("model_info: %s\n", s->model_info);
    return CLI_DONE;
}

// What the page says first of each defended model, a row each.
static int print_table(const char *summary)
{
    cJSON *rows = NULL;
    igd_status st = igd_json_parse(&rows, summary, strlen(summary), "the report");
    if (st == IGD_OK)
        st = csv_print(stdout, rows);
    cJSON_Delete(rows);
    return st == IGD_OK ? CLI_DONE : cli_failed("report");
}

static int print_json(const report_settings *s, const char *summary)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "report", s->output);
    igd_json_add_item(o, "files",
                      cJSON_CreateStringArray(s->results.item, s->results.num));
    igd_json_add_item(o, "results", cJSON_Parse(summary));
    char *text = igd_json_text(o, true);
    cJSON_Delete(o);
    if (text == NULL) {
        (void)igd_error(IGD_ENOMEM, "no memory for the result");
        return cli_failed("report");
    }
    puts(text);
    free(text);
    return CLI_DONE;
}

static int run(const void *settings)
{
    const report_settings *s = settings;
    char *summary = NULL;
    int rc = CLI_DONE;
    if (s->model_info != NULL &&
        ((rc = write_model_info(s)) != CLI_DONE || s->output == NULL))
        return rc;
    if (igd_report_summary(&summary, s->results.item, s->results.num,
                           s->common.json || s->common.csv) != IGD_OK ||
        igd_report_write(s->results.item, s->results.num, s->output) != IGD_OK)
        rc = cli_failed("report");
    else if (s->common.json)
        rc = print_json(s, summary);
    else if (s->common.csv)
        rc = print_table(summary);
    else if (!s->common.quiet)
        print_out("%sreport: %s\n", summary, s->output);
    if (rc == CLI_DONE && !s->common.quiet)
        cli_note_unsealed(&s->results);
    free(summary);
    return rc;
}

const cli_command command_report = {
    .name = "report",
    .summary = "write results and analyses as one page to read",
    .description =
        "The page is one HTML file that asks for nothing else: charts with their numbers "
        "in "
        "tables, a defended model against its base on the same images, warnings with "
        "what "
        "they mean, cost, and how to repeat it all. Several results stand side by side; "
        "they must be of the same images and the same threat. Results of one defense "
        "are joined: an image counts only if it survives the attacks of all. What the "
        "page says of each defense first is also printed. Analyses follow, each with its "
        "own model and data.",
    .examples = examples,
    .required = required,
    .arguments = arguments,
    .groups = groups,
    .instead = instead,
    .size = sizeof(report_settings),
    .defaults = defaults,
    .check = check,
    .run = run,
};
