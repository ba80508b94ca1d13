// Writes the completion for bash from the tables.
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "igdef/evaluate.h"
#include "values.h"

// The commands' last words with spaces between them.
static void words(FILE *f, const cli_command *const *commands)
{
    for (int i = 0; commands[i] != NULL; i++)
        fprintf(f, "%s%s", i > 0 ? " " : "", cli_word(commands[i]));
}

// The names of attacks and, where several may be given, of ensembles and prefixes.
static void attack_words(FILE *f, bool list)
{
    for (int i = 0; i < igd_attack_count(); i++)
        fprintf(f, "%s ", igd_attack_name(igd_attack_at(i)));
    for (int i = 0; list && i < igd_ensemble_count(); i++)
        fprintf(f, "%s ", igd_ensemble_name(i));
    fputs(list ? "clean transfer: own: surrogate: joint:" : "", f);
}

// "apgd-ce.steps" and so on; `end` is what follows each.
static void parameter_words(FILE *f, const char *end)
{
    for (int i = 0; i < igd_attack_count(); i++) {
        const igd_attack *a = igd_attack_at(i);
        int num;
        const igd_parameter *p = igd_attack_parameters(a, &num);
        for (int k = 0; k < num; k++)
            fprintf(f, "%s.%s%s ", igd_attack_name(a), p[k].name, end);
    }
}

static void choice_words(FILE *f, const cli_option *o)
{
    for (int i = 0; o->choices != NULL && o->choices[i] != NULL; i++)
        fprintf(f, "%s%s", i > 0 ? " " : "", o->choices[i]);
}

// What may follow an option: names, between commas where it takes a list of them, files,
// or nothing that is known.
static void completion_values(FILE *f, const cli_row *r)
{
    const cli_option *o = r->option;
    if (cli_type(r) == CLI_FLAG)
        return;
    fprintf(f, "            --%s", o->name);
    if (o->letter != 0)
        fprintf(f, "|-%c", o->letter);
    fputs(") ", f);
    if (strcmp(o->name, "attack") == 0) {
        fputs("list=1 words='", f);
        attack_words(f, strcmp(o->argument, "LIST") == 0);
        fputs("' ;;\n", f);
    } else if (strcmp(o->name, "set") == 0) {
        fputs("list=1 words='", f);
        parameter_words(f, "=");
        fputs("' ;;\n", f);
    } else if (strcmp(o->name, "over") == 0 && cli_type(r) == CLI_TEXT) {
        fputs("words='", f);
        choice_words(f, o);
        fputc(' ', f);
        parameter_words(f, "");
        fputs("' ;;\n", f);
    } else if (strcmp(o->name, "device") == 0) {
        fputs("words='", f);
        choice_words(f, o);
        // The files of the driver, as igdef itself would have to open libtorch to ask.
        fputs("'\n                for before in /dev/nvidia[0-9]*; do\n"
              "                    [ -e \"$before\" ] &&"
              " words+=\" cuda:${before#/dev/nvidia}\"\n"
              "                done ;;\n",
              f);
    } else if (o->choices != NULL) {
        fputs("words='", f);
        choice_words(f, o);
        fputs("' ;;\n", f);
    } else if (cli_type(r) == CLI_PATH ||
               (cli_type(r) == CLI_TEXTS && (o->type & CLI_INPUT) != 0)) {
        fputs("files=1 ;;\n", f);
    } else {
        fputs("return ;;\n", f);
    }
}

// The options of a command, and what may follow each.
static void completion_options(FILE *f, const cli_command *command)
{
    cli_row rows[CLI_ROWS_MAX];
    void *settings;
    const int count = cli_rows_with_defaults(rows, &settings, command);
    fprintf(f, "        '%s':*)\n            case $before in\n", command->name);
    for (int j = 0; j < count; j++)
        completion_values(f, &rows[j]);
    fprintf(f, "            *) files=1 words='");
    for (int j = 0; j < count; j++)
        fprintf(f, "--%s%s ", cli_prefix(&rows[j]), rows[j].option->name);
    fprintf(f, "--help' ;;\n            esac ;;\n");
    free(settings);
}

void cli_bash_completion(FILE *f, const cli_command *const *commands)
{
    const cli_command *all[CLI_COMMANDS_MAX];
    const int num = cli_flatten(all, commands);
    fprintf(
        f, "# bash completion for igdef; written by igdef --completion bash\n"
           "_igdef()\n{\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local command=${COMP_WORDS[1]} words='' files='' list='' at=$COMP_CWORD\n"
           "    COMPREPLY=()\n"
           "    # bash breaks words at '=' and ':', too: the option is before these\n"
           "    case $word in [=:]) word='' before=${COMP_WORDS[at-1]} at=$((at + 1)) ;; "
           "esac\n"
           "    while [ \"$at\" -gt 2 ] && case ${COMP_WORDS[at-1]} in [=:]) ;; *) false "
           ";; esac;"
           " do\n"
           "        at=$((at - 2)) before=${COMP_WORDS[at-1]}\n"
           "        case ${COMP_WORDS[at]} in -*) before=${COMP_WORDS[at]} ;; esac\n"
           "    done\n"
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
    fprintf(f, "        help:*) words='attacks data ");
    words(f, commands);
    for (int i = 0; i < igd_attack_count(); i++)
        fprintf(f, " %s", igd_attack_name(igd_attack_at(i)));
    fprintf(f, "' ;;\n");
    for (int i = 0; i < num; i++)
        completion_options(f, all[i]);
    fprintf(f, "        esac\n    fi\n"
               "    # of a list the last name; what is to go on takes no blank\n"
               "    [ -n \"$list\" ] && list=${word%%\"${word##*,}\"}\n"
               "    mapfile -t COMPREPLY < <(compgen -P \"$list\" -W \"$words\" --"
               " \"${word#\"$list\"}\")\n"
               "    case ${COMPREPLY[0]-} in *[=:]) compopt -o nospace ;; esac\n"
               "    if [ -n \"$files\" ] && [ \"${word#-}\" = \"$word\" ]; then\n"
               "        compopt -o filenames\n"
               "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
               "    fi\n}\ncomplete -F _igdef igdef\n");
}
