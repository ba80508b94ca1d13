// The command igdef: the table of subcommands, help and versions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "core.h"
#include "igdef/attack.h"
#include "igdef/version.h"
#include "options_analyze.h"
#include "options_defend.h"
#include "options_eval.h"
#include "options_inspect.h"
#include "options_rank.h"
#include "options_report.h"
#include "plugin.h"
#include "print.h"
#include "process.h"

static const cli_command *const commands[] = {
    &command_inspect, &command_rank, &command_defend, &command_eval, &command_analyze,
    &command_report,  NULL,
};

#define NAMES_MAX 32

// Of the command `after`, which takes a second word; NULL: of igdef itself.
static int unknown_command(const cli_command *after, const char *word)
{
    const cli_command *const *among = after != NULL ? after->kinds : commands;
    const char *names[NAMES_MAX + 1], *first = after != NULL ? after->name : "";
    const char *space = after != NULL ? " " : "";
    int num = 0;
    for (; among[num] != NULL && num < NAMES_MAX; num++)
        names[num] = cli_word(among[num]);
    if (after == NULL)
        names[num++] = "help";
    const char *near = igd_nearest(word, names, num);
    if (near != NULL)
        return cli_usage("unknown command '%s%s%s'; did you mean '%s%s%s'?", first, space,
                         word, first, space, near);
    return cli_usage("unknown command '%s%s%s'; see 'igdef help%s%s'", first, space, word,
                     space, first);
}

// The command that the first words name; NULL where there are none. *taken is how many
// of them do. @return CLI_GO_ON, or the exit code after a message
static int find(const cli_command **out, int *taken, int num, char **words)
{
    const cli_command *const *among = commands;
    *out = NULL;
    for (*taken = 0; *taken < num && among != NULL; ++*taken) {
        const char *word = words[*taken];
        if (*out != NULL && word[0] == '-')
            return CLI_GO_ON;
        int i = 0;
        while (among[i] != NULL && strcmp(cli_word(among[i]), word) != 0)
            i++;
        if (among[i] == NULL)
            return unknown_command(*out, word);
        *out = among[i];
        among = among[i]->kinds;
    }
    return CLI_GO_ON;
}

static bool is_command(const char *word)
{
    for (int i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, word) == 0)
            return true;
    return false;
}

// A word after help that is neither a command nor an attack.
static int unknown_topic(const char *word)
{
    const char *names[2 * NAMES_MAX + 1] = {"attacks", "data"};
    int num = 2;
    for (int i = 0; commands[i] != NULL && num < NAMES_MAX; i++)
        names[num++] = commands[i]->name;
    for (int i = 0; i < igd_attack_count() && num < 2 * NAMES_MAX; i++)
        names[num++] = igd_attack_name(igd_attack_at(i));
    const char *near = igd_nearest(word, names, num);
    if (near != NULL && is_command(near))
        return unknown_command(NULL, word);
    if (near != NULL)
        return cli_usage("no help on '%s'; did you mean '%s'?", word, near);
    return cli_usage("no help on '%s'; see 'igdef help' and 'igdef help attacks'", word);
}

static int help(int num, char **words)
{
    const cli_command *command;
    const igd_attack *attack;
    int taken;

    if (num == 1 && strcmp(words[0], "data") == 0) {
        cli_help_data(stdout);
        return CLI_DONE;
    }
    if (num > 0 && strcmp(words[0], "attacks") == 0) {
        cli_help_attacks(stdout);
        return CLI_DONE;
    }
    if (num > 0 && igd_attack_find(&attack, words[0]) == IGD_OK) {
        cli_help_attack(stdout, attack);
        return CLI_DONE;
    }
    if (num > 0 && !is_command(words[0]))
        return unknown_topic(words[0]);
    const int rc = find(&command, &taken, num, words);
    if (rc != CLI_GO_ON)
        return rc;
    if (command == NULL)
        cli_overview(stdout, commands);
    else
        cli_help(stdout, command);
    return CLI_DONE;
}

static int version(void)
{
    printf("igdef %s\n", igd_version());
    fflush(stdout); // before what a plugin that cannot be opened has to say
    return plugin_run("--version", NULL); // only libtorch itself knows what it is
}

// A command line as a shell takes it; owned, NULL without memory. To go on is not to
// restart, and to take the same part where the scheduler is not asked again.
static char *command_line(const char *program, const char *command, int argc, char **argv,
                          bool resume)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return NULL;
    const cli_shard shard = resume ? cli_told_shard() : (cli_shard){0};
    if (shard.num > 0)
        fprintf(f, "IGDEF_SHARD=%lld/%lld ", (long long)shard.index,
                (long long)shard.num);
    print_quoted(f, program);
    fprintf(f, " %s", command);
    if (resume && cli_given("config") && cli_is_on("restart"))
        fputs(" --no-restart", f);
    for (int i = 0; i < argc; i++) {
        if (resume && strcmp(argv[i], "--restart") == 0)
            continue;
        fputc(' ', f);
        print_quoted(f, argv[i]);
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static int run(const char *program, const cli_command *command, int argc, char **argv)
{
    common_settings *settings = calloc(1, command->size); // every command's first member
    char *line = command_line("igdef", command->name, argc, argv, false), *resume = NULL;
    if (settings == NULL || line == NULL) {
        free(settings);
        free(line);
        return cli_usage("out of memory");
    }
    int rc = cli_parse(settings, command, argc, argv);
    if (rc == CLI_GO_ON) {
        resume = command_line(program, command->name, argc, argv, true);
        settings->line = line;
        settings->resume = resume != NULL ? resume : line;
        rc = command->run != NULL ? command->run(settings)
                                  : plugin_run(command->name, settings);
    }
    cli_end();
    free(settings);
    free(line);
    free(resume);
    return rc;
}

// A command that takes a second word, without it.
static int no_kind(const cli_command *command, int argc, char **argv)
{
    if (argc == 0) {
        cli_help(stderr, command);
        return CLI_USAGE;
    }
    if (strcmp(argv[0], "--help") != 0 && strcmp(argv[0], "-h") != 0)
        return cli_usage("'%s' needs another word before '%s'; see 'igdef help %s'",
                         command->name, argv[0], command->name);
    cli_help(stdout, command);
    return CLI_DONE;
}

static int dispatch(int argc, char **argv)
{
    const cli_command *command;
    int taken;
    if (argc < 2) {
        cli_overview(stderr, commands);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(argc - 2, argv + 2);
    if (strcmp(argv[1], "--version") == 0)
        return version();
    if (strcmp(argv[1], "--man") == 0) {
        cli_man(stdout, commands);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--completion") == 0 && argc > 2 &&
        strcmp(argv[2], "bash") == 0) {
        cli_bash_completion(stdout, commands);
        return CLI_DONE;
    }
    const int rc = find(&command, &taken, argc - 1, argv + 1);
    if (rc != CLI_GO_ON)
        return rc;
    if (command == NULL)
        return unknown_command(NULL, argv[1]);
    const char *program = argv[0];
    argc -= 1 + taken;
    argv += 1 + taken;
    return command->kinds != NULL ? no_kind(command, argc, argv)
                                  : run(program, command, argc, argv);
}

int main(int argc, char **argv)
{
    process_begin();
    int rc = dispatch(argc, argv);
    // Results that do not reach a full disk are a failure.
    const bool lost = ferror(stdout) != 0;
    if ((fclose(stdout) != 0 || lost) && rc == CLI_DONE) {
        perror("igdef: standard output");
        rc = CLI_FAILED;
    }
#ifdef NDEBUG
    // libtorch would take its tables apart, for a tenth of a short run's time. Builds
    // that look for leaks do so on the usual way out.
    quick_exit(rc);
#else
    return rc;
#endif
}
