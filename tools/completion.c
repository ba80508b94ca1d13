// Writes the completion for bash from the tables.
#include <stdlib.h>

#include "cli.h"
#include "values.h"

// The commands' last words with spaces between them.
static void words(FILE *f, const cli_command *const *commands)
{
    for (int i = 0; commands[i] != NULL; i++)
        fprintf(f, "%s%s", i > 0 ? " " : "", cli_word(commands[i]));
}

static void completion_values(FILE *f, const cli_row *r)
{
    const cli_option *o = r->option;
    switch (cli_type(r)) {
    case CLI_CHOICE:
    case CLI_ENUM:
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
    fprintf(f, "        help:*) words='attacks ");
    words(f, commands);
    for (int i = 0; i < igd_attack_count(); i++)
        fprintf(f, " %s", igd_attack_name(igd_attack_at(i)));
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
