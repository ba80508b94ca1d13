// Owns the grammar of JSON. What cJSON has no room for is a fault as well: its limits
// stand beside the rules.
#include "core/json_syntax.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <string.h>

#define MAX_NUMBER 63 // characters

typedef struct scan {
    const char *at, *end;
    int depth;
} scan;

static bool value(scan *s);

static char peek(const scan *s)
{
    if (s->at < s->end)
        return *s->at;
    return '\0';
}

static bool skip(scan *s, char c)
{
    const bool there = peek(s) == c;
    s->at += there;
    return there;
}

static void blanks(scan *s)
{
    while (skip(s, ' ') || skip(s, '\t') || skip(s, '\r') || skip(s, '\n'))
        ;
}

static bool word(scan *s, const char *text)
{
    while (*text != '\0' && skip(s, *text))
        text++;
    return *text == '\0';
}

// ---- Numbers

static bool digits(scan *s)
{
    const char *first = s->at;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->at++;
    return s->at > first;
}

static bool number(scan *s)
{
    const char *first = s->at;
    skip(s, '-');
    if (!skip(s, '0') && !digits(s))
        return false;
    if (skip(s, '.') && !digits(s))
        return false;
    if (skip(s, 'e') || skip(s, 'E')) {
        if (!skip(s, '+'))
            skip(s, '-');
        if (!digits(s))
            return false;
    }
    return s->at - first <= MAX_NUMBER;
}

// ---- Strings

// Behind "\u": -1 where there are no four digits.
static int unit(scan *s)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        static const char hex[] = "0123456789abcdef0123456789ABCDEF";
        const char c = peek(s);
        const char *digit = c != '\0' ? strchr(hex, c) : NULL;
        if (digit == NULL)
            return -1;
        code = 16 * code + (int)((digit - hex) % 16);
        s->at++;
    }
    return code;
}

static bool escape(scan *s)
{
    const char c = peek(s);
    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return false;
    s->at++;
    if (c != 'u')
        return true;
    const int first = unit(s);
    if (first < 0xd800 || first > 0xdfff)
        return first > 0; // a zero would end the string
    if (first > 0xdbff || !skip(s, '\\') || !skip(s, 'u'))
        return false;
    const int second = unit(s);
    return second >= 0xdc00 && second <= 0xdfff;
}

static bool string(scan *s)
{
    if (!skip(s, '"'))
        return false;
    while (s->at < s->end && (unsigned char)*s->at >= ' ') {
        if (skip(s, '"'))
            return true;
        if (!skip(s, '\\'))
            s->at++;
        else if (!escape(s))
            return false;
    }
    return false;
}

// ---- Values

static bool member(scan *s)
{
    blanks(s);
    if (!string(s))
        return false;
    blanks(s);
    return skip(s, ':') && value(s);
}

// What stands between a bracket, which is behind, and `close`.
static bool items(scan *s, bool (*item)(scan *), char close)
{
    if (++s->depth > CJSON_NESTING_LIMIT)
        return false;
    blanks(s);
    if (!skip(s, close)) {
        do {
            if (!item(s))
                return false;
        } while (skip(s, ','));
        if (!skip(s, close))
            return false;
    }
    s->depth--;
    return true;
}

static bool value(scan *s)
{
    bool good;
    blanks(s);
    switch (peek(s)) {
    case '{':
        s->at++;
        good = items(s, member, '}');
        break;
    case '[':
        s->at++;
        good = items(s, value, ']');
        break;
    case '"':
        good = string(s);
        break;
    case 't':
        good = word(s, "true");
        break;
    case 'f':
        good = word(s, "false");
        break;
    case 'n':
        good = word(s, "null");
        break;
    default:
        good = number(s);
    }
    if (good)
        blanks(s);
    return good;
}

const char *igd_json_fault(const char *text, size_t size)
{
    scan s = {.at = text, .end = text + size};
    if (size > 4) // the mark of UTF-8, which cJSON passes over in texts as long as that
        (void)word(&s, "\xef\xbb\xbf");
    if (value(&s) && s.at == s.end)
        return NULL;
    // Where a text is cut short, behind what is there of it.
    while (s.at == s.end && s.end > text && strchr(" \t\r\n", s.end[-1]) != NULL)
        s.at = --s.end;
    return s.at;
}
