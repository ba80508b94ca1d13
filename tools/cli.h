// Commands and their options as tables: one row is the option on the command line, its
// key in a JSON file given with --config, its line in help, manual and completion. The
// variables of a command are a struct; what it holds before parsing are the defaults, so
// help cannot disagree with code. Links nothing of libtorch.
#ifndef IGDEF_CLI_H
#define IGDEF_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "igdef/attack.h"

// Exit codes, and CLI_GO_ON for "nothing has ended the program yet".
enum {
    CLI_GO_ON = -1,
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_CHECK_FAILED = 3,
    CLI_INTERRUPTED = 130
};

// Type of an option, and of the variable it fills.
enum {
    CLI_TEXT,   // const char *
    CLI_PATH,   // const char *
    CLI_INT,    // int
    CLI_COUNT,  // int64_t, >= 0
    CLI_SEED,   // uint64_t
    CLI_NUMBER, // double; fractions such as 8/255 are fine; NAN is "not given"
    CLI_CHOICE, // const char *, one of `choices`
    CLI_FLAG,   // bool; where it is true before parsing, --no-NAME sets it to false
    CLI_LIST,   // cli_list: numbers between commas
    CLI_TEXTS,  // cli_texts: the option may be repeated
    CLI_ENUM,   // an enum whose values are the places in `choices`
    CLI_JOINED, // const char *: the option may be repeated, commas stand between
    CLI_SHARD,  // cli_shard: "I/N", or what a scheduler says
    CLI_TYPE = 0xf,

    CLI_INPUT = 0x10,         // CLI_PATH, CLI_TEXTS: must be readable
    CLI_OUTPUT = 0x20,        // CLI_PATH: must be writable, and be no input
    CLI_FOLDER = 0x40,        // with CLI_OUTPUT: the path is a folder, made when missing
    CLI_POSITIVE = 0x80,      // CLI_NUMBER, CLI_LIST: > 0
    CLI_HIDE_DEFAULT = 0x100, // the help line says it in words
    CLI_ALL = 0x200,          // CLI_COUNT: 0 stands for all there are
    CLI_MANY = 0x400,         // CLI_TEXTS: bare arguments right behind it are more values
    CLI_OF_RUN = 0x800        // where no input is required, this is not either
};

#define CLI_LIST_MAX 16

// A whole number that is a macro, as part of a text.
#define CLI_NUMBER_TEXT_OF(number) #number
#define CLI_NUMBER_TEXT(number) CLI_NUMBER_TEXT_OF(number)

typedef struct cli_list {
    double value[CLI_LIST_MAX];
    int num;
} cli_list;

typedef struct cli_texts {
    const char **item; // owned by the parser
    int num;
} cli_texts;

// Part `index` of `num`, from 0 on; num is 0 where nothing is shared.
typedef struct cli_shard {
    int64_t index, num;
    char from[32]; // the variable that said so; "" for the command line
} cli_shard;

typedef struct cli_option {
    char letter; // short option, 0 for none
    const char *name;
    int type;
    size_t offset;        // of its variable in the struct of its table
    const char *argument; // what the help calls its value, such as "FILE"; NULL: none
    const char *help;
    double min, max;            // CLI_INT, CLI_NUMBER, CLI_LIST; equal: no limits
    const char *const *choices; // CLI_CHOICE, CLI_ENUM; CLI_TEXT: what completion offers;
                                // NULL-ended
} cli_option;

// A table that several commands may share, ended by a row without a name.
typedef struct cli_group {
    const char *title; // NULL: more of the group before it
    const cli_option *options;
    size_t offset; // of the table's struct in the command's
} cli_group;

// What a command says of an option in the place of something else.
typedef struct cli_words {
    const char *option; // its name; NULL ends a list
    char letter;        // its short form, for options that the command lacks
    const char *text;
} cli_words;

// A file that a command writes beside the one of an option.
typedef struct cli_beside {
    const char *option; // its name; NULL ends a list
    const char *end;    // behind the option's path
    bool for_json;      // in the place of its ".json", where it ends so
} cli_beside;

typedef struct cli_command {
    const char *name;            // all its words, such as "rank" and "analyze shift"
    const char *summary;         // one line, without a full stop
    const char *description;     // some sentences for help and manual; NULL for none
    const char *const *examples; // NULL-ended
    const char *const *required; // names of options, NULL-ended; NULL for none
    // Names of options beside which no input is required; NULL-ended; NULL for none.
    const char *const *instead_of_inputs;
    // Names of options that may be given without --NAME, in this order; NULL-ended. One
    // of type CLI_TEXTS takes all the rest.
    const char *const *arguments;
    const cli_group *groups;  // ended by a group without options
    const cli_beside *beside; // NULL for none
    // In the place of a default: what is done where the option is not given; NULL.
    const cli_words *standards;
    const cli_words *instead; // what to use for options that it lacks; NULL
    size_t size;              // of the settings
    void (*defaults)(void *settings);
    // Rules between options: CLI_GO_ON, or what cli_usage() returns. NULL for none.
    int (*check)(const void *settings);
    // For commands without libtorch; NULL: the plugin runs cmd_<name>().
    int (*run)(const void *settings);
    // Commands whose first word this is, NULL-ended: it is not a command itself then, and
    // has a name, a summary and a description only. NULL for a command.
    const struct cli_command *const *kinds;
} cli_command;

// The last word of a command's name; borrowed.
const char *cli_word(const cli_command *command);

// Fills settings, of command->size bytes, from its defaults, then --config, then the
// command line. @return CLI_GO_ON, or the exit code after help or a message
int cli_parse(void *settings, const cli_command *command, int argc, char **argv);
// Whether an option was given; for checks.
bool cli_given(const char *name);
// Whether a flag is on; false where the command has none of that name.
bool cli_is_on(const char *name);
// The part of the work that a scheduler's variables gave; num is 0 where none did.
cli_shard cli_told_shard(void);
// The first option given in a command's groups that is none of those, NULL-ended; NULL
// for none.
const char *cli_given_beside(const cli_group *groups, const char *const *allowed);
// Frees what cli_parse() keeps; the settings are dead then.
void cli_end(void);

// Names the command in messages from now on.
void cli_speak_for(const char *command);
// "igdef COMMAND: message" on stderr. @return CLI_USAGE, CLI_FAILED
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_failed(const char *command);
// Says on stderr which of the JSON files carry no digest. Files that cannot be read are
// left to who needs them.
void cli_note_unsealed(const cli_texts *paths);

// What igdef is for, and what its exit codes mean, ended by one without a meaning.
typedef struct cli_exit_code {
    int code;
    const char *meaning;
} cli_exit_code;
extern const char cli_purpose[];
extern const cli_exit_code cli_exit_codes[];

// help.c
void cli_help(FILE *f, const cli_command *command);
// Of commands that end with NULL.
void cli_overview(FILE *f, const cli_command *const *commands);

// manual.c
void cli_man(FILE *f, const cli_command *const *commands);
// Text for roff: no hyphen may become a dash, no line may begin with a request, lines end
// between words.
void cli_roff(FILE *f, const char *text);
// A line as it is, for where lines are not filled.
void cli_roff_line(FILE *f, const char *line);

// help_attacks.c: all attacks, the parameters of one, and both for the manual page.
void cli_help_attacks(FILE *f);
void cli_help_attack(FILE *f, const igd_attack *a);
void cli_man_attacks(FILE *f);
// help_data.c: the forms of data sets, for help and for the manual page.
void cli_help_data(FILE *f);
void cli_man_data(FILE *f);
// The help of an option; where it says CLI_ATTACKS, the names of the attacks stand.
#define CLI_ATTACKS "{attacks}"
void cli_option_help(char *out, size_t size, const cli_option *o);

// completion.c
void cli_bash_completion(FILE *f, const cli_command *const *commands);

// The options of a command, across its groups, in order; settings as given.
typedef struct cli_row {
    const cli_option *option;
    void *value;
    const char *standard; // of its command, in the place of its default; NULL
    bool required;
    const char *const *unless; // names of options beside which it is not required; NULL
    bool given;
    bool from_file; // given by --config alone
} cli_row;

#define CLI_ROWS_MAX 128
int cli_rows(cli_row rows[CLI_ROWS_MAX], const cli_command *command, void *settings);
// The default of an option as text; false where there is nothing to show.
bool cli_default_text(char *out, size_t size, const cli_row *row);

// A command's rows, with its defaults. *settings is owned.
int cli_rows_with_defaults(cli_row rows[CLI_ROWS_MAX], void **settings,
                           const cli_command *command);
// What an option is called in help: "no-" for a flag that is on, else "".
const char *cli_prefix(const cli_row *r);
// What stands for its value: its argument, or its choices.
void cli_argument_text(char *out, size_t size, const cli_option *o);
// " (required)", or beside which options it is not; "" where it never is.
void cli_required_text(char *out, size_t size, const cli_row *row);
// "igdef rank --model FILE ... [OPTIONS]": with all that is required for `which` 0, then
// with each of the options that stand in the place of inputs. @return false beyond them
bool cli_usage_line(char *out, size_t size, const cli_command *command,
                    const cli_row *rows, int num, int which);

// Every command that can be run, those of two words in the place of their first one.
// @return how many
#define CLI_COMMANDS_MAX 64
int cli_flatten(const cli_command *out[CLI_COMMANDS_MAX],
                const cli_command *const *commands);

#endif
