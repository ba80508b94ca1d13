// Text from outside: whether it is UTF-8, and how it is shown.
#ifndef IGD_CORE_TEXT_H
#define IGD_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// Length of the UTF-8 character at p (Unicode 15, table 3-7), 0 where there is none.
size_t igd_utf8_length(const unsigned char *p, size_t left);

// What becomes of one byte or character at most, in bytes.
#define IGD_ESCAPE_MOST 8

// Copies a text with its control characters, and bytes that are no UTF-8, written out as
// \n, \t, \r or \xHH, so that a terminal shows and does not obey them; with `lines` line
// breaks and tabs stay. Stops before what does not fit into `out` [room], which it ends
// with a zero. @return the length written
size_t igd_escape(char *out, size_t room, const char *text, bool lines);

// The same of any length, printed. Names go through it where a text takes them up,
// without `lines`: a line break of theirs is none of the text's.
void igd_print_escaped(FILE *f, const char *text, bool lines);

#endif
