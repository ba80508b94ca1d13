// Letters of ASCII, whatever the program's locale: in Turkish "I" is no capital "i".
#ifndef IGD_CORE_LETTERS_H
#define IGD_CORE_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

static inline int igd_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

static inline bool igd_is_letter_or_digit(char c)
{
    const int lower = igd_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

// Whether `size` bytes begin with a text in lower case, whatever their case.
static inline bool igd_starts_with_letters(const char *bytes, size_t size,
                                           const char *lower)
{
    size_t i = 0;
    while (lower[i] != '\0' && i < size && igd_lower(bytes[i]) == lower[i])
        i++;
    return lower[i] == '\0';
}

// Whether two texts are the same but for the case of letters.
static inline bool igd_same_letters(const char *a, const char *b)
{
    while (*a != '\0' && igd_lower(*a) == igd_lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

#endif
