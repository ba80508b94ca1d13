// Writes the manual page from the tables.
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "core.h"
#include "igdef/version.h"
#include "values.h"

#define MAN_WIDTH 60 // of a line of the page's source
#define MAN_INDENT 7 // of the page's text

// Text for roff: no hyphen may become a dash, no line may begin with a request, lines end
// between words.
void cli_roff(FILE *f, const char *text)
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
    char argument[256], standard[256], help[768];

    cli_argument_text(argument, sizeof(argument), o);
    fprintf(f, ".TP\n");
    if (o->letter != 0)
        fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
    fprintf(f, "\\fB\\-\\-");
    cli_roff(f, cli_prefix(r));
    cli_roff(f, o->name);
    fprintf(f, "\\fR");
    if (argument[0] != '\0') {
        fprintf(f, " \\fI");
        cli_roff(f, argument);
        fprintf(f, "\\fR");
    }
    fputc('\n', f);
    cli_option_help(help, sizeof(help), o);
    cli_roff(f, help);
    if (r->required)
        fprintf(f, " (required)");
    else if (cli_default_text(standard, sizeof(standard), r)) {
        fprintf(f, " [");
        cli_roff(f, standard);
        fprintf(f, "]");
    }
    fputc('\n', f);
}

static void man_command(FILE *f, const cli_command *command)
{
    cli_row rows[CLI_ROWS_MAX];
    void *settings;
    char line[1024];
    const int num = cli_rows_with_defaults(rows, &settings, command);

    fprintf(f, ".SS ");
    cli_roff(f, command->name);
    fputc('\n', f);
    cli_usage_line(line, sizeof(line), command, rows, num);
    fprintf(f, "\\fB");
    cli_roff(f, line);
    fprintf(f, "\\fR\n.PP\n");
    cli_roff(f, command->summary);
    fprintf(f, ".\n");
    if (command->description != NULL) {
        cli_roff(f, command->description);
        fputc('\n', f);
    }
    for (int i = 0; i < num; i++)
        man_row(f, &rows[i]);
    free(settings);
}

// Lines without filling, which a page of 80 columns indents by 7.
static void man_example(FILE *f, const char *command)
{
    char *text = NULL;
    size_t size = 0;
    FILE *lines = open_memstream(&text, &size);
    if (lines == NULL)
        return;
    igd_wrap_command(lines, command, MAN_INDENT, MAN_INDENT + 4);
    if (fclose(lines) == 0)
        for (const char *c = text; *c != '\0'; c++) {
            fputs(*c == '-'    ? "\\-"
                  : *c == '\\' ? "\\e"
                  : *c == '\'' ? "\\(aq"
                               : (char[]){*c, '\0'},
                  f);
            c += *c == '\n' && c[1] == ' ' ? MAN_INDENT : 0; // the page's own
        }
    free(text);
}

void cli_man(FILE *f, const cli_command *const *commands)
{
    const cli_command *all[CLI_COMMANDS_MAX];
    const int num = cli_flatten(all, commands);
    fprintf(f, ".TH IGDEF 1 " MANUAL_DATE " \"igdef %s\" \"User Commands\"\n",
            igd_version());
    fprintf(f, ".SH NAME\nigdef \\- test\\-time adversarial defense of image classifiers "
               "and its evaluation\n");
    fprintf(f,
            ".SH SYNOPSIS\n.B igdef\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.br\n.B igdef help\n"
            "[\\fICOMMAND\\fR]\n.br\n.B igdef \\-\\-version\n");
    fprintf(f, ".SH DESCRIPTION\n");
    cli_roff(f, cli_purpose);
    fprintf(f,
            "\n.PP\nEvery option is also a key of a JSON file given with\n"
            "\\fB\\-\\-config\\fR; the command line wins.\nNumbers may be fractions such "
            "as 8/255.\nA TorchScript file is a program: load only files from a source "
            "that you trust.\n");
    fprintf(f, ".SH COMMANDS\n");
    for (int i = 0; i < num; i++)
        man_command(f, all[i]);
    cli_man_attacks(f);
    fprintf(f, ".SH EXIT STATUS\n");
    for (int i = 0; cli_exit_codes[i].meaning != NULL; i++) {
        fprintf(f, ".TP\n.B %d\n", cli_exit_codes[i].code);
        cli_roff(f, cli_exit_codes[i].meaning);
        fputc('\n', f);
    }
    fprintf(f, ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nif set, messages have no colour\n"
               ".TP\n.B OMP_WAIT_POLICY\nset to \\(lqpassive\\(rq unless it is set\n");
    fprintf(f, ".SH EXAMPLES\n.nf\n");
    for (int i = 0; i < num; i++)
        for (int j = 0; all[i]->examples[j] != NULL; j++)
            man_example(f, all[i]->examples[j]);
    fprintf(f, ".fi\n");
}
