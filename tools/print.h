// Text for people. Names from models and data sets reach the terminal here, with control
// characters written out; line breaks and tabs stay.
#ifndef IGDEF_PRINT_H
#define IGDEF_PRINT_H

#include <stdarg.h>
#include <stdio.h>

void print_safe(FILE *f, const char *text);
// A message, which is one line whatever names are in it.
void print_line(FILE *f, const char *format, va_list args);
// The same in lines of 80 columns; `text` is owned, and freed. NULL is nothing.
void print_folded(char *text);
void print_out(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A word as a shell takes it, in quotes where it needs them. What a terminal would obey
// rather than show is written out.
void print_quoted(FILE *f, const char *word);

#endif
