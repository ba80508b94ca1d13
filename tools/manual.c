// Writes what is made from the tables: help, the manual page, the completion for bash.
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "igdef/version.h"
#include "values.h"

#define WIDTH 80
#define COLUMN 28    // where help lines begin
#define MAN_WIDTH 60 // of a line of the manual page's source
#define MAN_DATE "2026-11-22"

static const char purpose[] =
    "igdef makes a trained image classifier harder to fool without retraining it, and "
    "measures how hard: interpretability-guided test-time adversarial defense (Kulkarni "
    "and Weng, ECCV 2024) over TorchScript models.";

static const struct {
    int code;
    const char *meaning;
} exit_codes[] = {
    {CLI_DONE, "done"},
    {CLI_FAILED, "failed"},
    {CLI_USAGE, "wrong usage"},
    {CLI_CHECK_FAILED, "a requested check failed (--expect-clean, --strict)"},
    {CLI_INTERRUPTED, "interrupted by SIGINT or SIGTERM, with the state saved"},
};

#define NUM_EXIT_CODES ((int)(sizeof(exit_codes) / sizeof(exit_codes[0])))

// ---- From commands

#define COMMANDS_MAX 64

// Every command that can be run, those of two words in the place of their first one.
// @return how many
static int flatten(const cli_command *out[COMMANDS_MAX],
                   const cli_command *const *commands)
{
    int num = 0;
    for (; *commands != NULL; commands++) {
        const cli_command *const *kinds = (*commands)->kinds;
        if (kinds == NULL && num < COMMANDS_MAX)
            out[num++] = *commands;
        for (; kinds != NULL && *kinds != NULL && num < COMMANDS_MAX; kinds++)
            out[num++] = *kinds;
    }
    return num;
}

// The commands' last words with spaces between them.
static void words(FILE *f, const cli_command *const *commands)
{
    for (int i = 0; commands[i] != NULL; i++)
        fprintf(f, "%s%s", i > 0 ? " " : "", cli_word(commands[i]));
}

// ---- From rows

static void list_text(char *out, size_t size, const cli_list *list)
{
    size_t used = 0;
    char number[32];
    out[0] = '\0';
    for (int i = 0; i < list->num && used < size; i++) {
        igd_number_shortest(number, sizeof(number), list->value[i]);
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? "," : "", number);
    }
}

bool cli_default_text(char *out, size_t size, const cli_row *row)
{
    int small;
    int64_t whole;
    uint64_t seed;
    double number;
    const char *text;
    cli_list list;

    if ((row->option->type & CLI_HIDE_DEFAULT) != 0 || row->required)
        return false;
    switch (cli_type(row)) {
    case CLI_INT:
        memcpy(&small, row->value, sizeof(small));
        snprintf(out, size, "%d", small);
        return true;
    case CLI_COUNT:
        memcpy(&whole, row->value, sizeof(whole));
        snprintf(out, size, "%lld", (long long)whole);
        return true;
    case CLI_SEED:
        memcpy(&seed, row->value, sizeof(seed));
        snprintf(out, size, "%llu", (unsigned long long)seed);
        return true;
    case CLI_NUMBER:
        memcpy(&number, row->value, sizeof(number));
        if (isnan(number))
            return false;
        igd_number_shortest(out, size, number);
        return true;
    case CLI_LIST:
        memcpy(&list, row->value, sizeof(list));
        list_text(out, size, &list);
        return list.num > 0;
    case CLI_TEXT:
    case CLI_PATH:
    case CLI_CHOICE:
        memcpy(&text, row->value, sizeof(text));
        if (text == NULL)
            return false;
        snprintf(out, size, "%s", text);
        return true;
    default:
        return false;
    }
}

// What an option is called in help: a flag that is on is switched off.
static const char *prefix_of(const cli_row *r)
{
    bool on = false;
    if (cli_type(r) == CLI_FLAG)
        memcpy(&on, r->value, sizeof(on));
    return on ? "no-" : "";
}

static void argument_text(char *out, size_t size, const cli_option *o)
{
    size_t used = 0;
    out[0] = '\0';
    if (o->argument != NULL) {
        snprintf(out, size, "%s", o->argument);
        return;
    }
    for (int i = 0; o->choices != NULL && o->choices[i] != NULL && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? "|" : "",
                                 o->choices[i]);
}

static void usage_line(char *out, size_t size, const cli_command *command,
                       const cli_row *rows, int num)
{
    char argument[256];
    size_t used = (size_t)snprintf(out, size, "igdef %s", command->name);
    for (int i = 0; i < num && used < size; i++) {
        const cli_option *o = rows[i].option;
        bool bare = false;
        for (int j = 0; command->arguments != NULL && command->arguments[j] != NULL; j++)
            bare |= strcmp(command->arguments[j], o->name) == 0;
        if (!rows[i].required && !bare)
            continue;
        argument_text(argument, sizeof(argument), o);
        used += (size_t)snprintf(
            out + used, size - used, " %s%s%s%s%s%s%s", rows[i].required ? "" : "[",
            bare ? "" : "--", bare ? "" : o->name, bare ? "" : " ", argument,
            cli_type(&rows[i]) == CLI_TEXTS ? "..." : "", rows[i].required ? "" : "]");
    }
    if (used < size)
        snprintf(out + used, size - used, " [OPTIONS]");
}

// ---- Help

// Prints text from column `at` on, broken between words, continued at column `indent`.
static void wrap(FILE *f, const char *text, int at, int indent)
{
    bool first = true; // of its line
    while (*text != '\0') {
        const size_t word = strcspn(text, " ");
        if (!first && at + 1 + (int)word > WIDTH) {
            fprintf(f, "\n%*s", indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', f);
            at++;
        }
        first = false;
        fprintf(f, "%.*s", (int)word, text);
        at += (int)word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', f);
}

static void help_row(FILE *f, const cli_row *r)
{
    const cli_option *o = r->option;
    char left[384], argument[256], standard[256], text[1024];
    char letter[8] = "    ";

    argument_text(argument, sizeof(argument), o);
    if (o->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    snprintf(left, sizeof(left), "  %s--%s%s%s%s", letter, prefix_of(r), o->name,
             argument[0] ? " " : "", argument);
    snprintf(text, sizeof(text), "%s", o->help);
    if (r->required)
        snprintf(text, sizeof(text), "%s (required)", o->help);
    else if (cli_default_text(standard, sizeof(standard), r))
        snprintf(text, sizeof(text), "%s [%s]", o->help, standard);
    const int used = fprintf(f, "%s", left);
    if (used > COLUMN - 2)
        fprintf(f, "\n%*s", COLUMN, "");
    else
        fprintf(f, "%*s", COLUMN - used, "");
    wrap(f, text, COLUMN, COLUMN);
}

// A command's rows, with its defaults. *settings is owned.
static int rows_with_defaults(cli_row rows[CLI_ROWS_MAX], void **settings,
                              const cli_command *command)
{
    *settings = calloc(1, command->size);
    if (*settings == NULL)
        return 0;
    command->defaults(*settings);
    return cli_rows(rows, command, *settings);
}

static void help_kinds(FILE *f, const cli_command *command)
{
    fprintf(f, "igdef %s: %s\n\nUsage:\n", command->name, command->summary);
    for (int i = 0; command->kinds[i] != NULL; i++)
        fprintf(f, "  igdef %s [OPTIONS]\n", command->kinds[i]->name);
    fprintf(f, "  igdef help %s KIND\n", command->name);
    if (command->description != NULL) {
        fputc('\n', f);
        wrap(f, command->description, 0, 0);
    }
    fprintf(f, "\nKinds:\n");
    for (int i = 0; command->kinds[i] != NULL; i++) {
        const int used = fprintf(f, "  %-11s ", cli_word(command->kinds[i]));
        wrap(f, command->kinds[i]->summary, used, used);
    }
    fprintf(f, "\nExamples:\n");
    for (int i = 0; command->kinds[i] != NULL; i++)
        fprintf(f, "  %s\n", command->kinds[i]->examples[0]);
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
    const int num = rows_with_defaults(rows, &settings, command);

    fprintf(f, "igdef %s: %s\n\nExamples:\n", command->name, command->summary);
    for (int i = 0; command->examples[i] != NULL; i++)
        fprintf(f, "  %s\n", command->examples[i]);
    usage_line(line, sizeof(line), command, rows, num);
    fprintf(f, "\nUsage:\n  ");
    wrap(f, line, 2, 2 + (int)strlen("igdef ") + (int)strlen(command->name) + 1);
    if (command->description != NULL) {
        fputc('\n', f);
        wrap(f, command->description, 0, 0);
    }
    int at = 0;
    for (const cli_group *g = command->groups; g->options != NULL; g++) {
        fprintf(f, "\n%s:\n", g->title);
        for (const cli_option *o = g->options; o->name != NULL && at < num; o++)
            help_row(f, &rows[at++]);
    }
    free(settings);
}

void cli_overview(FILE *f, const cli_command *const *commands)
{
    wrap(f, purpose, 0, 0);
    fprintf(f, "\nUsage:\n  igdef COMMAND [OPTIONS]\n  igdef help COMMAND\n"
               "  igdef --version\n\nCommands:\n");
    for (int i = 0; commands[i] != NULL; i++)
        fprintf(f, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
    fprintf(f, "\nExamples:\n");
    for (int i = 0; commands[i] != NULL; i++) {
        const cli_command *const *kinds = commands[i]->kinds;
        const cli_command *shown = kinds != NULL ? kinds[0] : commands[i];
        fprintf(f, "  %s\n", shown->examples[0]);
    }
    fprintf(f, "\nEvery option is also a key of a JSON file given with --config FILE.\n"
               "\nExit codes:\n");
    for (int i = 0; i < NUM_EXIT_CODES; i++)
        fprintf(f, "  %-6d%s\n", exit_codes[i].code, exit_codes[i].meaning);
}

// ---- Manual page

// Text for roff: no hyphen may become a dash, no line may begin with a request, lines end
// between words.
static void roff(FILE *f, const char *text)
{
    int at = 0;
    for (const char *c = text; *c != '\0'; c++, at++) {
        if (*c == ' ' && at + (int)strcspn(c + 1, " ") > MAN_WIDTH) {
            fputc('\n', f);
            at = -1;
        } else if (*c == '-') {
            fputs("\\-", f);
        } else if (*c == '\\') {
            fputs("\\e", f);
        } else if ((*c == '.' || *c == '\'') && at == 0) {
            fprintf(f, "\\&%c", *c);
        } else {
            fputc(*c, f);
        }
    }
}

static void man_row(FILE *f, const cli_row *r)
{
    const cli_option *o = r->option;
    char argument[256], standard[256];

    argument_text(argument, sizeof(argument), o);
    fprintf(f, ".TP\n");
    if (o->letter != 0)
        fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
    fprintf(f, "\\fB\\-\\-");
    roff(f, prefix_of(r));
    roff(f, o->name);
    fprintf(f, "\\fR");
    if (argument[0] != '\0') {
        fprintf(f, " \\fI");
        roff(f, argument);
        fprintf(f, "\\fR");
    }
    fputc('\n', f);
    roff(f, o->help);
    if (r->required)
        fprintf(f, " (required)");
    else if (cli_default_text(standard, sizeof(standard), r)) {
        fprintf(f, " [");
        roff(f, standard);
        fprintf(f, "]");
    }
    fputc('\n', f);
}

static void man_command(FILE *f, const cli_command *command)
{
    cli_row rows[CLI_ROWS_MAX];
    void *settings;
    char line[1024];
    const int num = rows_with_defaults(rows, &settings, command);

    fprintf(f, ".SS ");
    roff(f, command->name);
    fputc('\n', f);
    usage_line(line, sizeof(line), command, rows, num);
    fprintf(f, "\\fB");
    roff(f, line);
    fprintf(f, "\\fR\n.PP\n");
    roff(f, command->summary);
    fprintf(f, ".\n");
    if (command->description != NULL) {
        roff(f, command->description);
        fputc('\n', f);
    }
    for (int i = 0; i < num; i++)
        man_row(f, &rows[i]);
    free(settings);
}

void cli_man(FILE *f, const cli_command *const *commands)
{
    const cli_command *all[COMMANDS_MAX];
    const int num = flatten(all, commands);
    fprintf(f, ".TH IGDEF 1 " MAN_DATE " \"igdef %s\" \"User Commands\"\n",
            igd_version());
    fprintf(f, ".SH NAME\nigdef \\- test\\-time adversarial defense of image classifiers "
               "and its evaluation\n");
    fprintf(f,
            ".SH SYNOPSIS\n.B igdef\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.br\n.B igdef help\n"
            "[\\fICOMMAND\\fR]\n.br\n.B igdef \\-\\-version\n");
    fprintf(f, ".SH DESCRIPTION\n");
    roff(f, purpose);
    fprintf(f,
            "\n.PP\nEvery option is also a key of a JSON file given with\n"
            "\\fB\\-\\-config\\fR; the command line wins.\nNumbers may be fractions such "
            "as 8/255.\nA TorchScript file is a program: load only files from a source "
            "that you trust.\n");
    fprintf(f, ".SH COMMANDS\n");
    for (int i = 0; i < num; i++)
        man_command(f, all[i]);
    fprintf(f, ".SH EXIT STATUS\n");
    for (int i = 0; i < NUM_EXIT_CODES; i++) {
        fprintf(f, ".TP\n.B %d\n", exit_codes[i].code);
        roff(f, exit_codes[i].meaning);
        fputc('\n', f);
    }
    fprintf(f, ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nif set, messages have no colour\n"
               ".TP\n.B OMP_WAIT_POLICY\nset to \\(lqpassive\\(rq unless it is set\n");
    fprintf(f, ".SH EXAMPLES\n.nf\n");
    for (int i = 0; i < num; i++)
        for (int j = 0; all[i]->examples[j] != NULL; j++) {
            roff(f, all[i]->examples[j]);
            fputc('\n', f);
        }
    fprintf(f, ".fi\n");
}

// ---- Completion

static void completion_values(FILE *f, const cli_row *r)
{
    const cli_option *o = r->option;
    switch (cli_type(r)) {
    case CLI_CHOICE:
        fprintf(f, "            --%s) words='", o->name);
        for (int i = 0; o->choices[i] != NULL; i++)
            fprintf(f, "%s%s", i > 0 ? " " : "", o->choices[i]);
        fprintf(f, "' ;;\n");
        return;
    case CLI_PATH:
        fprintf(f, "            --%s) ", o->name);
        if (o->letter != 0)
            fprintf(f, "files=1 ;;\n            -%c) ", o->letter);
        fprintf(f, "files=1 ;;\n");
        return;
    case CLI_FLAG:
        return;
    default:
        fprintf(f, "            --%s) return ;;\n", o->name);
        return;
    }
}

// The options of a command, and what may follow each.
static void completion_options(FILE *f, const cli_command *command)
{
    cli_row rows[CLI_ROWS_MAX];
    void *settings;
    const int count = rows_with_defaults(rows, &settings, command);
    fprintf(f, "        '%s':*)\n            case $before in\n", command->name);
    for (int j = 0; j < count; j++)
        completion_values(f, &rows[j]);
    fprintf(f, "            *) files=1 words='");
    for (int j = 0; j < count; j++)
        fprintf(f, "--%s%s ", prefix_of(&rows[j]), rows[j].option->name);
    fprintf(f, "--help' ;;\n            esac ;;\n");
    free(settings);
}

void cli_bash_completion(FILE *f, const cli_command *const *commands)
{
    const cli_command *all[COMMANDS_MAX];
    const int num = flatten(all, commands);
    fprintf(
        f, "# bash completion for igdef; written by igdef --completion bash\n"
           "_igdef()\n{\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local command=${COMP_WORDS[1]} words='' files=''\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        words='");
    words(f, commands);
    fprintf(f,
            " help --version --help'\n    else\n        case $COMP_CWORD:$command in\n");
    for (int i = 0; commands[i] != NULL; i++)
        if (commands[i]->kinds != NULL)
            fprintf(f,
                    "        2:%s) ;;\n        *:%s) command+=\" ${COMP_WORDS[2]}\" ;;\n",
                    commands[i]->name, commands[i]->name);
    fprintf(f, "        esac\n        case $command:$before in\n");
    for (int i = 0; commands[i] != NULL; i++)
        if (commands[i]->kinds != NULL) {
            fprintf(f, "        %s:*|help:%s) words='", commands[i]->name,
                    commands[i]->name);
            words(f, commands[i]->kinds);
            fprintf(f, "' ;;\n");
        }
    fprintf(f, "        help:*) words='");
    words(f, commands);
    fprintf(f, "' ;;\n");
    for (int i = 0; i < num; i++)
        completion_options(f, all[i]);
    fprintf(f, "        esac\n    fi\n"
               "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
               "    if [ -n \"$files\" ] && [ \"${word#-}\" = \"$word\" ]; then\n"
               "        compopt -o filenames\n"
               "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
               "    fi\n}\ncomplete -F _igdef igdef\n");
}
