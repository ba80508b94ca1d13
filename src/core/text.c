// Owns telling text from bytes that a terminal would obey.
#include "core/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PIECE 256

size_t igd_utf8_length(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    const size_t n = p[0] < 0xc2   ? 0
                     : p[0] < 0xe0 ? 2
                     : p[0] < 0xf0 ? 3
                     : p[0] < 0xf5 ? 4
                                   : 0;
    if (n == 0 || n > left)
        return 0;
    const unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

// Whether the character of n bytes at p is a control character: C0, delete, C1.
static bool is_control(const unsigned char *p, size_t n)
{
    return (n == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
           (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

// What stands for the n bytes at p; `out` has room for it.
static size_t spell(char out[IGD_ESCAPE_MOST + 1], const unsigned char *p, size_t n)
{
    static const char letters[] = "\n\r\t", names[] = "nrt";
    const char *known = p[0] != '\0' ? strchr(letters, p[0]) : NULL;
    size_t used = 0;
    if (known != NULL)
        return (size_t)snprintf(out, 3, "\\%c", names[known - letters]);
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, 5, "\\x%02x", p[i]);
    return used;
}

size_t igd_escape(char *out, size_t room, const char *text, bool lines)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0, left = strlen(text);
    while (left > 0) {
        char piece[IGD_ESCAPE_MOST + 1];
        const size_t valid = igd_utf8_length(p, left), n = valid > 0 ? valid : 1;
        const bool kept = lines && (p[0] == '\n' || p[0] == '\t');
        size_t length = n;
        if (valid == 0 || (is_control(p, n) && !kept))
            length = spell(piece, p, n);
        else
            memcpy(piece, p, n);
        if (used + length >= room)
            break;
        memcpy(out + used, piece, length);
        used += length;
        p += n;
        left -= n;
    }
    out[used] = '\0';
    return used;
}

void igd_print_escaped(FILE *f, const char *text, bool lines)
{
    char shown[IGD_ESCAPE_MOST * PIECE + 1], piece[PIECE + 1];
    size_t left = strlen(text);
    while (left > 0) {
        size_t n = left < PIECE ? left : PIECE;
        // No character is cut in two.
        while (n < left && n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
        memcpy(piece, text, n);
        piece[n] = '\0';
        igd_escape(shown, sizeof(shown), piece, lines);
        fputs(shown, f);
        text += n;
        left -= n;
    }
}
