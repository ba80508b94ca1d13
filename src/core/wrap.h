// Text in lines that a terminal of 80 columns, or paper, takes whole.
#ifndef IGD_CORE_WRAP_H
#define IGD_CORE_WRAP_H

#include <stdbool.h>
#include <stdio.h>

#define IGD_WIDTH 80

// Columns of a text: a character outside ASCII may take two.
int igd_columns(const char *text);

// Prints text from column `at` on, broken between words, continued at column `indent`. A
// word that is longer than a line stays whole, as paths and digests must.
void igd_wrap(FILE *f, const char *text, int at, int indent);

// The same of a command that a shell is to take: a line that goes on ends in a backslash,
// and what stands between quotes stays whole.
void igd_wrap_command(FILE *f, const char *text, int at, int indent);

// Breaks the lines of a text that are longer, each under its own beginning: under the
// value of "label   value", two columns deeper than "  name: value", else where the line
// begins; "  igdef ..." as a command. *text is owned, and replaced. @return false without
// memory, *text being as it was
bool igd_fold(char **text);

#endif
