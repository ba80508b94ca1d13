// Owns what follows from the tables of commands and options alone.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "core.h"
#include "values.h"

const char *cli_word(const cli_command *command)
{
    const char *space = strrchr(command->name, ' ');
    return space != NULL ? space + 1 : command->name;
}

// Every command that can be run, those of two words in the place of their first one.
// @return how many
int cli_flatten(const cli_command *out[CLI_COMMANDS_MAX],
                const cli_command *const *commands)
{
    int num = 0;
    for (; *commands != NULL; commands++) {
        const cli_command *const *kinds = (*commands)->kinds;
        if (kinds == NULL && num < CLI_COMMANDS_MAX)
            out[num++] = *commands;
        for (; kinds != NULL && *kinds != NULL && num < CLI_COMMANDS_MAX; kinds++)
            out[num++] = *kinds;
    }
    return num;
}

int cli_type(const cli_row *r)
{
    return r->option->type & CLI_TYPE;
}

static bool listed(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

// What a command says of an option; NULL for nothing.
static const char *words_on(const cli_words *w, const char *name)
{
    while (w != NULL && w->option != NULL && strcmp(w->option, name) != 0)
        w++;
    return w != NULL ? w->text : NULL;
}

int cli_rows(cli_row rows[CLI_ROWS_MAX], const cli_command *command, void *settings)
{
    int num = 0;
    for (const cli_group *g = command->groups; g->options != NULL; g++)
        for (const cli_option *o = g->options; o->name != NULL && num < CLI_ROWS_MAX; o++)
            rows[num++] = (cli_row){.option = o,
                                    .value = (char *)settings + g->offset + o->offset,
                                    .standard = words_on(command->standards, o->name),
                                    .required = listed(command->required, o->name),
                                    .unless = (o->type & (CLI_INPUT | CLI_OF_RUN)) != 0
                                                  ? command->instead_of_inputs
                                                  : NULL};
    return num;
}

// A command's rows, with its defaults. *settings is owned.
int cli_rows_with_defaults(cli_row rows[CLI_ROWS_MAX], void **settings,
                           const cli_command *command)
{
    *settings = calloc(1, command->size);
    if (*settings == NULL)
        return 0;
    command->defaults(*settings);
    return cli_rows(rows, command, *settings);
}

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

    if (row->standard != NULL) {
        snprintf(out, size, "%s", row->standard);
        return true;
    }
    if ((row->option->type & CLI_HIDE_DEFAULT) != 0 || row->required)
        return false;
    switch (cli_type(row)) {
    case CLI_INT:
        memcpy(&small, row->value, sizeof(small));
        snprintf(out, size, "%d", small);
        return true;
    case CLI_COUNT:
        memcpy(&whole, row->value, sizeof(whole));
        if (whole == 0 && (row->option->type & CLI_ALL) != 0)
            snprintf(out, size, "all");
        else
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
    case CLI_ENUM:
        memcpy(&small, row->value, sizeof(small));
        snprintf(out, size, "%s", row->option->choices[small]);
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
const char *cli_prefix(const cli_row *r)
{
    bool on = false;
    if (cli_type(r) == CLI_FLAG)
        memcpy(&on, r->value, sizeof(on));
    return on ? "no-" : "";
}

void cli_argument_text(char *out, size_t size, const cli_option *o)
{
    size_t used = 0;
    out[0] = '\0';
    if (o->argument != NULL) {
        snprintf(out, size, "%s%s", o->argument, (o->type & CLI_MANY) != 0 ? "..." : "");
        return;
    }
    for (int i = 0; o->choices != NULL && o->choices[i] != NULL && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? "|" : "",
                                 o->choices[i]);
}

void cli_required_text(char *out, size_t size, const cli_row *row)
{
    size_t used = (size_t)snprintf(out, size, "%s", row->required ? " (required" : "");
    for (int i = 0; row->required && row->unless != NULL && row->unless[i] != NULL; i++)
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, "%s--%s",
                                     i == 0 ? " without " : " or ", row->unless[i]);
    if (row->required && used < size)
        snprintf(out + used, size - used, ")");
}

bool cli_usage_line(char *out, size_t size, const cli_command *command,
                    const cli_row *rows, int num, int which)
{
    char argument[256];
    const char *instead = NULL;
    size_t used = (size_t)snprintf(out, size, "igdef %s", command->name);
    if (which > 0)
        instead = command->instead_of_inputs != NULL
                      ? command->instead_of_inputs[which - 1]
                      : NULL;
    if (which > 0 && instead == NULL)
        return false;
    for (int i = 0; i < num && used < size; i++) {
        const cli_option *o = rows[i].option;
        const bool bare = listed(command->arguments, o->name);
        const bool needed =
            (instead != NULL && strcmp(o->name, instead) == 0) ||
            (rows[i].required && (instead == NULL || rows[i].unless == NULL));
        if (!needed && !bare)
            continue;
        cli_argument_text(argument, sizeof(argument), o);
        used += (size_t)snprintf(
            out + used, size - used, " %s%s%s%s%s%s%s", needed ? "" : "[",
            bare ? "" : "--", bare ? "" : o->name, bare ? "" : " ", argument,
            bare && cli_type(&rows[i]) == CLI_TEXTS ? "..." : "", needed ? "" : "]");
    }
    if (used < size)
        snprintf(out + used, size - used, " [OPTIONS]");
    return true;
}
