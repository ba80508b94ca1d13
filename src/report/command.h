// Commands as results record them, with another list of attacks.
#ifndef IGD_REPORT_COMMAND_H
#define IGD_REPORT_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

// Writes `command`, as a shell takes it, with `attacks` as the value of --attack and with
// "-ATTACKS" in the name of its output; parameters that were set for the old list, and
// the order to discard what is there, are left out. @return false where it has no list
bool igd_command_with(FILE *f, const char *command, const char *attacks);

#endif
