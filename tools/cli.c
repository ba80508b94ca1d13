// Owns reading a command line and a JSON file into the variables of a command.
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "igdef/status.h"
#include "outputs.h"
#include "print.h"
#include "shard.h"
#include "values.h"

// One command is parsed per process.
static struct {
    const cli_command *command;
    cli_row row[CLI_ROWS_MAX];
    int num;
    cJSON *config;
} parsed;

// ---- Rows by name

static cli_row *row_by_name(const char *name, size_t length)
{
    for (int i = 0; i < parsed.num; i++) {
        const char *known = parsed.row[i].option->name;
        if (strlen(known) == length && strncmp(known, name, length) == 0)
            return &parsed.row[i];
    }
    return NULL;
}

static cli_row *row_by_letter(char letter)
{
    for (int i = 0; i < parsed.num; i++)
        if (parsed.row[i].option->letter == letter)
            return &parsed.row[i];
    return NULL;
}

bool cli_given(const char *name)
{
    const cli_row *r = row_by_name(name, strlen(name));
    return r != NULL && r->given;
}

bool cli_is_on(const char *name)
{
    const cli_row *r = row_by_name(name, strlen(name));
    bool on = false;
    if (r != NULL && cli_type(r) == CLI_FLAG)
        memcpy(&on, r->value, sizeof(on));
    return on;
}

cli_shard cli_told_shard(void)
{
    cli_shard shard = {0};
    for (int i = 0; i < parsed.num; i++)
        if (cli_type(&parsed.row[i]) == CLI_SHARD)
            memcpy(&shard, parsed.row[i].value, sizeof(shard));
    return shard.from[0] != '\0' ? shard : (cli_shard){0};
}

static const char *nearest_option(const char *name)
{
    const char *names[CLI_ROWS_MAX];
    for (int i = 0; i < parsed.num; i++)
        names[i] = parsed.row[i].option->name;
    return igd_nearest(name, names, parsed.num);
}

// ---- The JSON file

static int read_config(const char *path)
{
    if (igd_json_read(&parsed.config, path) != IGD_OK)
        return cli_failed(parsed.command->name);
    if (!cJSON_IsObject(parsed.config))
        return cli_usage("%s: not a JSON object of options", path);
    const cJSON *v;
    cJSON_ArrayForEach(v, parsed.config)
    {
        cli_row *r = row_by_name(v->string, strlen(v->string));
        if (r == NULL && strcmp(v->string, "about") == 0)
            continue; // remarks, of any shape
        if (r == NULL) {
            const char *near = nearest_option(v->string);
            return cli_usage("%s: unknown key '%s'%s%s%s", path, v->string,
                             near ? "; did you mean '" : "", near ? near : "",
                             near ? "'?" : "");
        }
        if (strcmp(v->string, "config") == 0)
            return cli_usage("%s: key 'config': a file cannot name another", path);
        const int rc = cli_set_json(r, &(cli_source){path, v->string}, v);
        if (rc != CLI_GO_ON)
            return rc;
    }
    return CLI_GO_ON;
}

// ---- The command line

// Where the command line is read. A first reading looks for --config alone.
typedef struct reader {
    int argc, at;
    char **argv;
    int num_arguments; // met without --NAME
    cli_row *open;     // the option that bare arguments go on with; NULL for none
    bool only_config;
} reader;

static int take(reader *in, cli_row *r, const char *text)
{
    in->open = (r->option->type & CLI_MANY) != 0 ? r : NULL;
    const bool config = strcmp(r->option->name, "config") == 0;
    if (config != in->only_config)
        return CLI_GO_ON;
    // The command line replaces what the file said rather than adding to it.
    if (r->from_file) {
        cli_forget(r);
        r->from_file = false;
    }
    return cli_set_text(r, &(cli_source){NULL, r->option->name}, text);
}

static void take_flag(reader *in, cli_row *r, bool on)
{
    in->open = NULL;
    if (!in->only_config)
        cli_set_flag(r, on);
}

static int take_next(reader *in, cli_row *r)
{
    if (in->at + 1 >= in->argc)
        return cli_usage("--%s: needs a value: --%s %s", r->option->name, r->option->name,
                         r->option->argument ? r->option->argument : "VALUE");
    return take(in, r, in->argv[++in->at]);
}

// What the command has for an option of others, by its name or its letter.
static const char *instead(const char *name, char letter)
{
    const cli_words *w = parsed.command->instead;
    for (; w != NULL && w->option != NULL; w++)
        if (name != NULL ? strcmp(w->option, name) == 0 : w->letter == letter)
            return w->text;
    return NULL;
}

static int unknown_option(const char *name)
{
    const char *bare = strncmp(name, "no-", 3) == 0 ? name + 3 : name;
    const char *other = instead(bare, 0);
    if (other != NULL)
        return cli_usage("--%s: %s", name, other);
    const char *near = nearest_option(name);
    if (near == NULL)
        near = nearest_option(bare);
    return cli_usage("unknown option '--%s'%s%s%s", name,
                     near ? "; did you mean '--" : "", near ? near : "",
                     near ? "'?" : "");
}

static int long_option(reader *in, char *text)
{
    char *equals = strchr(text, '=');
    const size_t length = equals ? (size_t)(equals - text) : strlen(text);
    cli_row *r = row_by_name(text, length);
    bool flag = true;

    if (r == NULL && strncmp(text, "no-", 3) == 0) {
        cli_row *positive = row_by_name(text + 3, length - 3);
        if (positive != NULL && cli_type(positive) == CLI_FLAG) {
            r = positive;
            flag = false;
        }
    }
    if (r == NULL) {
        if (equals != NULL)
            *equals = '\0';
        return unknown_option(text);
    }
    if (cli_type(r) == CLI_FLAG) {
        if (equals != NULL)
            return cli_usage("--%.*s: takes no value", (int)length, text);
        take_flag(in, r, flag);
        return CLI_GO_ON;
    }
    return equals != NULL ? take(in, r, equals + 1) : take_next(in, r);
}

// -o FILE, -oFILE, -qj.
static int short_options(reader *in, char *text)
{
    for (; *text != '\0'; text++) {
        cli_row *r = row_by_letter(*text);
        const char *other = instead(NULL, *text);
        if (r == NULL && other != NULL)
            return cli_usage("-%c: %s", *text, other);
        if (r == NULL)
            return cli_usage("unknown option '-%c'", *text);
        if (cli_type(r) != CLI_FLAG)
            return text[1] != '\0' ? take(in, r, text + 1) : take_next(in, r);
        take_flag(in, r, true);
    }
    return CLI_GO_ON;
}

static int argument(reader *in, const char *text)
{
    const char *const *names = parsed.command->arguments;
    int i = 0;
    if (in->open != NULL)
        return take(in, in->open, text);
    for (; names != NULL && names[i] != NULL; i++) {
        cli_row *r = row_by_name(names[i], strlen(names[i]));
        if (i == in->num_arguments ||
            (names[i + 1] == NULL && cli_type(r) == CLI_TEXTS)) {
            in->num_arguments++;
            return take(in, r, text);
        }
    }
    return cli_usage("unexpected argument '%s'", text);
}

static int read_line(int argc, char **argv, bool only_config)
{
    reader in = {.argc = argc, .argv = argv, .only_config = only_config};
    bool options = true;
    for (; in.at < argc; in.at++) {
        char *text = argv[in.at];
        int rc;
        if (options && strcmp(text, "--") == 0) {
            options = false;
            continue;
        }
        if (options && strncmp(text, "--", 2) == 0)
            rc = long_option(&in, text + 2);
        else if (options && text[0] == '-' && text[1] != '\0')
            rc = short_options(&in, text + 1);
        else
            rc = argument(&in, text);
        if (rc != CLI_GO_ON)
            return rc;
    }
    return CLI_GO_ON;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

// ---- What holds for every command

static bool any_given(const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if (cli_given(*names))
            return true;
    return false;
}

static int check_required(void)
{
    for (int i = 0; i < parsed.num; i++) {
        const cli_option *o = parsed.row[i].option;
        if (parsed.row[i].required && !parsed.row[i].given &&
            !any_given(parsed.row[i].unless))
            return cli_usage("--%s %s is missing; see 'igdef help %s'", o->name,
                             o->argument ? o->argument : "", parsed.command->name);
    }
    return CLI_GO_ON;
}

int cli_parse(void *settings, const cli_command *command, int argc, char **argv)
{
    int rc;

    parsed.command = command;
    cli_speak_for(command->name);
    command->defaults(settings);
    parsed.num = cli_rows(parsed.row, command, settings);
    if (wants_help(argc, argv)) {
        cli_help(stdout, command);
        return CLI_DONE;
    }
    if ((rc = read_line(argc, argv, true)) != CLI_GO_ON)
        return rc;
    const cli_row *config = row_by_name("config", strlen("config"));
    if (config != NULL && config->given) {
        const char *path;
        memcpy(&path, config->value, sizeof(path));
        if ((rc = read_config(path)) != CLI_GO_ON)
            return rc;
    }
    if ((rc = read_line(argc, argv, false)) != CLI_GO_ON ||
        (rc = check_required()) != CLI_GO_ON ||
        (rc = shard_name_outputs(parsed.row, parsed.num)) != CLI_GO_ON)
        return rc;
    if (cli_is_on("json") && cli_is_on("csv"))
        return cli_usage("--json and --csv are both given");
    if (command->check != NULL && (rc = command->check(settings)) != CLI_GO_ON)
        return rc;
    return outputs_check(command, parsed.row, parsed.num);
}

const char *cli_given_beside(const cli_group *groups, const char *const *allowed)
{
    for (const cli_group *g = groups; g->options != NULL; g++)
        for (const cli_option *o = g->options; o->name != NULL; o++) {
            bool fine = !cli_given(o->name);
            for (int k = 0; allowed[k] != NULL; k++)
                fine = fine || strcmp(o->name, allowed[k]) == 0;
            if (!fine)
                return o->name;
        }
    return NULL;
}

void cli_end(void)
{
    shard_end();
    for (int i = 0; i < parsed.num; i++)
        cli_forget(&parsed.row[i]);
    cJSON_Delete(parsed.config);
    parsed.config = NULL;
    parsed.num = 0;
}
