// Owns what a terminal is given to read.
#include "print.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

void print_safe(FILE *f, const char *text)
{
    igd_print_escaped(f, text, true);
}

void print_folded(char *text)
{
    if (text == NULL)
        return;
    (void)igd_fold(&text); // without memory, in longer lines
    print_safe(stdout, text);
    free(text);
}

static void print_formatted(FILE *f, bool lines, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, format, again);
        igd_print_escaped(f, text, lines);
    }
    va_end(again);
    free(text);
}

void print_line(FILE *f, const char *format, va_list args)
{
    print_formatted(f, false, format, args);
    fputc('\n', f);
}

void print_out(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_formatted(stdout, true, format, args);
    va_end(args);
}

void print_quoted(FILE *f, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_=./,:+@%";
    const bool bare = word[0] != '\0' && word[strspn(word, plain)] == '\0';
    bool odd = false;
    for (const unsigned char *c = (const unsigned char *)word; *c != '\0'; c++)
        odd = odd || *c < 0x20 || *c == 0x7f;
    if (bare) {
        fputs(word, f);
        return;
    }
    fputs(odd ? "$'" : "'", f);
    for (const unsigned char *c = (const unsigned char *)word; *c != '\0'; c++)
        if (odd && (*c < 0x20 || *c == 0x7f))
            fprintf(f, "\\x%02x", *c);
        else if (odd && (*c == '\'' || *c == '\\'))
            fprintf(f, "\\%c", *c);
        else
            fputs(*c == '\'' ? "'\\''" : (char[]){(char)*c, '\0'}, f);
    fputc('\'', f);
}
