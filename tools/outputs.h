// Whether what a command would write can be written, before it works for hours.
#ifndef IGDEF_OUTPUTS_H
#define IGDEF_OUTPUTS_H

#include "cli.h"

// Looks at every file and folder that the options name and at those that are written
// beside them: inputs can be read; outputs can be written, are no inputs, and all
// different. @return CLI_GO_ON, or the exit code after a message
int outputs_check(const cli_command *command, const cli_row *rows, int num);

#endif
