// Writes help from the tables.
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "core.h"
#include "values.h"

#define COLUMN 28 // where help lines begin

const char cli_purpose[] =
    "igdef makes a trained image classifier harder to fool without retraining it, and "
    "measures how hard: interpretability-guided test-time adversarial defense (Kulkarni "
    "and Weng, ECCV 2024) over TorchScript models.";

const cli_exit_code cli_exit_codes[] = {
    {CLI_DONE, "done"},
    {CLI_FAILED, "failed"},
    {CLI_USAGE, "wrong usage"},
    {CLI_CHECK_FAILED,
     "a requested check failed (--expect-clean, --min-robust, --strict)"},
    {CLI_INTERRUPTED, "interrupted by SIGINT, SIGTERM or SIGHUP, with the state saved"},
    {0, NULL},
};

static void example(FILE *f, const char *command)
{
    fputs("  ", f);
    igd_wrap_command(f, command, 2, 6);
}

static void help_row(FILE *f, const cli_row *r)
{
    const cli_option *o = r->option;
    char left[384], argument[256], standard[256], required[64], text[1100], help[768];
    char letter[8] = "    ";

    cli_argument_text(argument, sizeof(argument), o);
    if (o->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    snprintf(left, sizeof(left), "  %s--%s%s%s%s", letter, cli_prefix(r), o->name,
             argument[0] ? " " : "", argument);
    cli_option_help(help, sizeof(help), o);
    cli_required_text(required, sizeof(required), r);
    snprintf(text, sizeof(text), "%s%s", help, required);
    if (cli_default_text(standard, sizeof(standard), r))
        snprintf(text, sizeof(text), "%s [%s]", help, standard);
    const int used = fprintf(f, "%s", left);
    if (used > COLUMN - 2)
        fprintf(f, "\n%*s", COLUMN, "");
    else
        fprintf(f, "%*s", COLUMN - used, "");
    igd_wrap(f, text, COLUMN, COLUMN);
}

static void heading(FILE *f, const cli_command *command)
{
    const int used = fprintf(f, "igdef %s: ", command->name);
    igd_wrap(f, command->summary, used, 2);
}

static void help_kinds(FILE *f, const cli_command *command)
{
    heading(f, command);
    fputs("\nUsage:\n", f);
    for (int i = 0; command->kinds[i] != NULL; i++)
        fprintf(f, "  igdef %s [OPTIONS]\n", command->kinds[i]->name);
    fprintf(f, "  igdef help %s KIND\n", command->name);
    if (command->description != NULL) {
        fputc('\n', f);
        igd_wrap(f, command->description, 0, 0);
    }
    fprintf(f, "\nKinds:\n");
    for (int i = 0; command->kinds[i] != NULL; i++) {
        const int used = fprintf(f, "  %-11s ", cli_word(command->kinds[i]));
        igd_wrap(f, command->kinds[i]->summary, used, used);
    }
    fprintf(f, "\nExamples:\n");
    for (int i = 0; command->kinds[i] != NULL; i++)
        example(f, command->kinds[i]->examples[0]);
}

void cli_help(FILE *f, const cli_command *command)
{
    if (command->kinds != NULL) {
        help_kinds(f, command);
        return;
    }
    cli_row rows[CLI_ROWS_MAX];
    void *settings;
    char line[1024];
    const int num = cli_rows_with_defaults(rows, &settings, command);

    heading(f, command);
    fputs("\nExamples:\n", f);
    for (int i = 0; command->examples[i] != NULL; i++)
        example(f, command->examples[i]);
    fprintf(f, "\nUsage:\n");
    for (int i = 0; cli_usage_line(line, sizeof(line), command, rows, num, i); i++) {
        fprintf(f, "  ");
        igd_wrap(f, line, 2, 2 + (int)strlen("igdef ") + (int)strlen(command->name) + 1);
    }
    if (command->description != NULL) {
        fputc('\n', f);
        igd_wrap(f, command->description, 0, 0);
    }
    int at = 0;
    for (const cli_group *g = command->groups; g->options != NULL; g++) {
        if (g->title != NULL)
            fprintf(f, "\n%s:\n", g->title);
        for (const cli_option *o = g->options; o->name != NULL && at < num; o++)
            help_row(f, &rows[at++]);
    }
    free(settings);
}

void cli_overview(FILE *f, const cli_command *const *commands)
{
    igd_wrap(f, cli_purpose, 0, 0);
    fprintf(f, "\nUsage:\n  igdef COMMAND [OPTIONS]\n  igdef help COMMAND\n"
               "  igdef help attacks\n  igdef help ATTACK\n  igdef help data\n"
               "  igdef --version\n\nCommands:\n");
    for (int i = 0; commands[i] != NULL; i++)
        fprintf(f, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
    fprintf(f, "\nExamples:\n");
    for (int i = 0; commands[i] != NULL; i++) {
        const cli_command *const *kinds = commands[i]->kinds;
        const cli_command *shown = kinds != NULL ? kinds[0] : commands[i];
        example(f, shown->examples[0]);
    }
    fprintf(f, "\nEvery option is also a key of a JSON file given with --config FILE.\n"
               "\nExit codes:\n");
    for (int i = 0; cli_exit_codes[i].meaning != NULL; i++)
        fprintf(f, "  %-6d%s\n", cli_exit_codes[i].code, cli_exit_codes[i].meaning);
}
