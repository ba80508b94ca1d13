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

void cli_roff_line(FILE *f, const char *line)
{
    if (*line == '.' || *line == '\'')
        fputs("\\&", f);
    for (const char *c = line; *c != '\0'; c++)
        fputs(*c == '-'    ? "\\-"
              : *c == '\\' ? "\\e"
              : *c == '\'' ? "\\(aq"
                           : (char[]){*c, '\0'},
              f);
    fputc('\n', f);
}

static void man_row(FILE *f, const cli_row *r)
{
    const cli_option *o = r->option;
    char argument[256], standard[256], required[64], help[768];

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
    cli_required_text(required, sizeof(required), r);
    cli_roff(f, required);
    if (cli_default_text(standard, sizeof(standard), r)) {
        fprintf(f, " [");
        cli_roff(f, standard);
        fprintf(f, "]");
    }
    fputc('\n', f);
}

// In lines that are not filled, which a page of 80 columns indents.
static void man_example(FILE *f, const char *command)
{
    char *text = NULL;
    size_t size = 0;
    FILE *lines = open_memstream(&text, &size);
    if (lines == NULL)
        return;
    igd_wrap_command(lines, command, MAN_INDENT, MAN_INDENT + 4);
    if (fclose(lines) == 0)
        for (char *line = text, *end; (end = strchr(line, '\n')) != NULL;
             line = end + 1) {
            *end = '\0';
            cli_roff_line(f, line == text ? line : line + MAN_INDENT); // the page's own
        }
    free(text);
}

// ---- What commands share

#define GROUPS_MAX 64

// The options of several commands, in the order of their first one.
typedef struct shared {
    const cli_group *group[GROUPS_MAX];
    const cli_command *first[GROUPS_MAX];
    int num;
} shared;

static int uses(const cli_command *const *all, int num, const cli_option *options)
{
    int uses = 0;
    for (int i = 0; i < num; i++)
        for (const cli_group *g = all[i]->groups; g->options != NULL; g++)
            uses += g->options == options;
    return uses;
}

static int place_of(const shared *s, const cli_option *options)
{
    for (int k = 0; k < s->num; k++)
        if (s->group[k]->options == options)
            return k;
    return -1;
}

static shared find_shared(const cli_command *const *all, int num)
{
    shared s = {.num = 0};
    for (int i = 0; i < num; i++)
        for (const cli_group *g = all[i]->groups; g->options != NULL; g++)
            if (uses(all, num, g->options) > 1 && place_of(&s, g->options) < 0 &&
                s.num < GROUPS_MAX) {
                s.group[s.num] = g;
                s.first[s.num++] = all[i];
            }
    return s;
}

// The rows of a group of a command with its defaults; *settings is owned.
static int rows_of(cli_row rows[CLI_ROWS_MAX], void **settings,
                   const cli_command *command, const cli_option *options, int *first)
{
    const int num = cli_rows_with_defaults(rows, settings, command);
    int count = 0;
    for (int i = 0; i < num; i++)
        for (const cli_option *o = options; o->name != NULL; o++)
            if (rows[i].option == o) {
                *first = count == 0 ? i : *first;
                count++;
            }
    return count;
}

static void man_shared(FILE *f, const shared *s)
{
    fprintf(f, ".SH SHARED OPTIONS\nOf several commands, each of which names what it "
               "takes.\n");
    for (int k = 0; k < s->num; k++) {
        cli_row rows[CLI_ROWS_MAX];
        void *settings;
        int first = 0;
        const int num =
            rows_of(rows, &settings, s->first[k], s->group[k]->options, &first);
        if (s->group[k]->title != NULL) {
            fprintf(f, ".SS ");
            cli_roff(f, s->group[k]->title);
            fputc('\n', f);
        }
        for (int i = first; i < first + num; i++) {
            rows[i].required = false;
            rows[i].standard = NULL; // which is one command's own
            man_row(f, &rows[i]);
        }
        free(settings);
    }
}

// What a command says of an option, other than where it stands among the shared ones.
static bool is_own(const shared *s, const cli_row *row)
{
    for (int k = 0; k < s->num; k++) {
        cli_row rows[CLI_ROWS_MAX];
        void *settings;
        int first = 0;
        char here[256] = "", there[256] = "";
        bool found = false, same = false;
        const int num =
            rows_of(rows, &settings, s->first[k], s->group[k]->options, &first);
        for (int i = first; i < first + num && !found; i++)
            if (rows[i].option == row->option) {
                cli_row plain = *row;
                plain.required = rows[i].required = false;
                rows[i].standard = NULL;
                (void)cli_default_text(here, sizeof(here), &plain);
                (void)cli_default_text(there, sizeof(there), &rows[i]);
                found = true;
                same = strcmp(here, there) == 0;
            }
        free(settings);
        if (found)
            return !same;
    }
    return true;
}

static void man_command(FILE *f, const cli_command *command, const shared *s)
{
    cli_row rows[CLI_ROWS_MAX];
    void *settings;
    char line[1024];
    const int num = cli_rows_with_defaults(rows, &settings, command);

    fprintf(f, ".SS ");
    cli_roff(f, command->name);
    fputc('\n', f);
    for (int i = 0; cli_usage_line(line, sizeof(line), command, rows, num, i); i++) {
        fprintf(f, "\\fB");
        cli_roff(f, line);
        fprintf(f, "\\fR\n.PP\n");
    }
    cli_roff(f, command->summary);
    fprintf(f, ".\n");
    if (command->description != NULL) {
        cli_roff(f, command->description);
        fputc('\n', f);
    }
    for (int i = 0; i < num; i++)
        if (is_own(s, &rows[i]))
            man_row(f, &rows[i]);
    fprintf(f, ".PP\nShared options:");
    const char *before = "";
    for (const cli_group *g = command->groups; g->options != NULL; g++) {
        const int k = place_of(s, g->options);
        if (k < 0 || s->group[k]->title == NULL)
            continue;
        fprintf(f, "%s\n", before);
        cli_roff(f, s->group[k]->title);
        before = ";";
    }
    fprintf(f, ".\n");
    free(settings);
}

// Files that the commands write, beside those that an option names.
static const struct {
    const char *name, *text;
} files[] = {
    {"RANKING.safetensors", "importance scores per class and neuron, and what they were "
                            "made of: igdef rank"},
    {"RESULT.json",
     "a result of igdef eval: accuracies, intervals, warnings, settings and "
     "versions"},
    {"RESULT.images.jsonl, RESULT.images.csv", "a line per image beside it; the latter "
                                               "with --csv"},
    {"RESULT.json.state",
     "what an interrupted run goes on from; gone when it is finished"},
    {"RESULT.json.state.checkpoint, RESULT.json.state.lock",
     "images in work, and a mark that a run works on it"},
    {"ANALYSIS.json, CHART.svg", "an analysis and its chart: igdef analyze"},
    {"ANALYSIS.json.sweep, ANALYSIS.json.rows, ANALYSIS.json.radius, ANALYSIS.json.tune",
     "folders with the result of each evaluation of a series"},
    {"igdef-cache",
     "folder beside the output with adversarial sets made on base models, for "
     "later runs; may be removed"},
    {"clip-DIGEST.npy",
     "image embeddings beside a ranking by CD-IR, for the next model; may "
     "be removed"},
};

static void man_files(FILE *f)
{
    fprintf(f, ".SH FILES\n");
    for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
        fprintf(f, ".TP\n.I ");
        cli_roff_line(f, files[k].name);
        cli_roff(f, files[k].text);
        fputc('\n', f);
    }
}

void cli_man(FILE *f, const cli_command *const *commands)
{
    const cli_command *all[CLI_COMMANDS_MAX];
    const int num = cli_flatten(all, commands);
    const shared among = find_shared(all, num);
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
        man_command(f, all[i], &among);
    man_shared(f, &among);
    cli_man_data(f);
    cli_man_attacks(f);
    man_files(f);
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
