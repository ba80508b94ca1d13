// Which part of the work is this process's: --shard, and what schedulers say.
#ifndef IGDEF_SHARD_H
#define IGDEF_SHARD_H

#include "cli.h"

// Takes "I/N", "auto" or "auto/N"; the latter two ask the environment, and *out says
// which variable answered. @return NULL, or what is wrong, borrowed until the next call
const char *shard_parse(cli_shard *out, const char *text);

// Puts the part's number in the place of "{shard}" in every output that was given.
// @return CLI_GO_ON, or the exit code after a message
int shard_name_outputs(const cli_row *rows, int num);
// Frees those names.
void shard_end(void);

#endif
