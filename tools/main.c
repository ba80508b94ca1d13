// The command igdef: the table of subcommands, help and versions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <torch/version.h>

#include "cli.h"
#include "core/nearest.h"
#include "engine.h"
#include "igdef/version.h"
#include "options_defend.h"
#include "options_eval.h"
#include "options_inspect.h"
#include "options_rank.h"

static const cli_command *const commands[] = {
    &command_inspect,
    &command_rank,
    &command_defend,
    &command_eval,
};

#define NUM_COMMANDS ((int)(sizeof(commands) / sizeof(commands[0])))

static const cli_command *find(const char *name)
{
    for (int i = 0; i < NUM_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[NUM_COMMANDS + 1];
    for (int i = 0; i < NUM_COMMANDS; i++)
        names[i] = commands[i]->name;
    names[NUM_COMMANDS] = "help";
    const char *near = igd_nearest(name, names, NUM_COMMANDS + 1);
    return cli_usage("unknown command '%s'%s%s%s", name, near ? "; did you mean '" : "",
                     near ? near : "", near ? "'?" : "; see 'igdef help'");
}

static int help(const char *name)
{
    if (name == NULL) {
        cli_overview(stdout, commands, NUM_COMMANDS);
        return CLI_DONE;
    }
    const cli_command *command = find(name);
    if (command == NULL)
        return unknown_command(name);
    cli_help(stdout, command);
    return CLI_DONE;
}

static int version(void)
{
    printf("igdef %s\n", igd_version());
#ifdef IGDEF_CUDA
    return engine_run("--version", NULL); // only libtorch knows the devices
#else
    printf("libtorch " TORCH_VERSION "\ndevices: cpu\n");
    return CLI_DONE;
#endif
}

// The command line as a shell would take it; owned, NULL without memory.
static char *command_line(const char *command, int argc, char **argv)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_=./,:+@%";
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return NULL;
    fprintf(f, "igdef %s", command);
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
            fprintf(f, " %s", word);
            continue;
        }
        fputs(" '", f);
        for (; *word != '\0'; word++)
            fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, f);
        fputc('\'', f);
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static int run(const cli_command *command, int argc, char **argv)
{
    void *settings = calloc(1, command->size);
    char *line = command_line(command->name, argc, argv);
    if (settings == NULL || line == NULL) {
        free(settings);
        free(line);
        return cli_usage("out of memory");
    }
    int rc = cli_parse(settings, command, argc, argv);
    ((common_settings *)settings)->line = line; // every command's first member
    if (rc == CLI_GO_ON)
        rc = command->run != NULL ? command->run(settings)
                                  : engine_run(command->name, settings);
    cli_end();
    free(settings);
    free(line);
    return rc;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        cli_overview(stderr, commands, NUM_COMMANDS);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (strcmp(argv[1], "--version") == 0)
        return version();
    if (strcmp(argv[1], "--man") == 0) {
        cli_man(stdout, commands, NUM_COMMANDS);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--completion") == 0 && argc > 2 &&
        strcmp(argv[2], "bash") == 0) {
        cli_bash_completion(stdout, commands, NUM_COMMANDS);
        return CLI_DONE;
    }
    const cli_command *command = find(argv[1]);
    if (command == NULL)
        return unknown_command(argv[1]);
    return run(command, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    const int rc = dispatch(argc, argv);
    // Results that do not reach a full disk are a failure.
    const bool lost = ferror(stdout) != 0;
    if ((fclose(stdout) != 0 || lost) && rc == CLI_DONE) {
        perror("igdef: standard output");
        return CLI_FAILED;
    }
    return rc;
}
