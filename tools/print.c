// Owns what a terminal is given to read.
#include "print.h"

#include <stdlib.h>
#include <string.h>

#include "core.h"

#define PIECE 256

void print_safe(FILE *f, const char *text)
{
    char shown[4 * PIECE + 1], piece[PIECE + 1];
    size_t left = strlen(text);
    while (left > 0) {
        size_t n = left < PIECE ? left : PIECE;
        // No character is cut in two.
        while (n < left && n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
        memcpy(piece, text, n);
        piece[n] = '\0';
        igd_escape(shown, sizeof(shown), piece, true);
        fputs(shown, f);
        text += n;
        left -= n;
    }
}

void print_args(FILE *f, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, format, again);
        print_safe(f, text);
    }
    va_end(again);
    free(text);
}

void print_out(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_args(stdout, format, args);
    va_end(args);
}
