// One value of one option, from text or JSON.
#ifndef IGDEF_VALUES_H
#define IGDEF_VALUES_H

#include "cli.h"
#include "core.h"

// Where a value comes from, for messages: "--keep", or "conf.json: key 'keep'".
typedef struct cli_source {
    const char *file; // NULL: the command line
    const char *name;
} cli_source;

// CLI_TEXT, CLI_PATH, ...
int cli_type(const cli_row *r);

// Set the variable of a row and mark it as given. Text and JSON must live as long as the
// settings. @return CLI_GO_ON, or the exit code after a message
int cli_set_text(cli_row *r, const cli_source *s, const char *text);
int cli_set_json(cli_row *r, const cli_source *s, const cJSON *v);
void cli_set_flag(cli_row *r, bool value);

// Frees what an option that may be repeated has gathered: it has nothing then.
void cli_forget(const cli_row *r);

#endif
