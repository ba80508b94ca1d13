// Owns reading a single label.
#include "data/label_text.h"

#include <stdio.h>
#include <string.h>

#include "core/letters.h"

#define DIGITS "0123456789"
#define MAX_EXPONENT 400 // beyond any double that a program writes

// A decimal number as it is written, without its sign.
typedef struct decimal {
    const char *whole, *fraction; // digits before and after the point
    size_t num_whole, num_fraction;
    int exponent;
} decimal;

static size_t digits(const char *text)
{
    return strspn(text, DIGITS);
}

static bool read_decimal(decimal *out, const char *text)
{
    *out = (decimal){.whole = text, .num_whole = digits(text)};
    text += out->num_whole;
    out->fraction = text;
    if (*text == '.') {
        out->fraction = text + 1;
        out->num_fraction = digits(text + 1);
        text += 1 + out->num_fraction;
    }
    if (out->num_whole + out->num_fraction == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        const bool negative = text[1] == '-';
        text += text[1] == '-' || text[1] == '+' ? 2 : 1;
        if (digits(text) == 0)
            return false;
        for (; *text >= '0' && *text <= '9'; text++)
            if (out->exponent < MAX_EXPONENT)
                out->exponent = out->exponent * 10 + (*text - '0');
        out->exponent = negative ? -out->exponent : out->exponent;
    }
    return *text == '\0';
}

// Digit i of a decimal, those before the point first; zeros follow the last.
static char digit_at(const decimal *d, int64_t i)
{
    const int64_t num_whole = (int64_t)d->num_whole;
    if (i < num_whole)
        return d->whole[i];
    if (i - num_whole < (int64_t)d->num_fraction)
        return d->fraction[i - num_whole];
    return '0';
}

// The value of a decimal that is a whole number; false where it is none.
static bool whole_value(int32_t *out, const decimal *d)
{
    const int64_t num = (int64_t)(d->num_whole + d->num_fraction);
    const int64_t point = (int64_t)d->num_whole + d->exponent; // digits before it
    int64_t value = 0;
    for (int64_t i = 0; i < num || i < point; i++) {
        const char digit = digit_at(d, i);
        if (i >= point && digit != '0')
            return false;
        if (i < point && value <= INT32_MAX)
            value = value * 10 + (digit - '0');
    }
    *out = value > INT32_MAX ? INT32_MAX : (int32_t)value;
    return true;
}

static bool is_minus(const char *text)
{
    return text[0] == '-' || strncmp(text, "\xe2\x88\x92", 3) == 0; // or Unicode's
}

// Whether someone meant a number: "-1", "1,5", "1/2", "0x1f", "nan".
static bool looks_like_number(const char *text)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    if (is_minus(text))
        text += text[0] == '-' ? 1 : 3;
    else if (text[0] == '+')
        text++;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (igd_same_letters(text, words[i]))
            return true;
    if (igd_starts_with_letters(text, strlen(text), "0x") && text[2] != '\0')
        return text[2 + strspn(text + 2, DIGITS "abcdefABCDEF")] == '\0';
    return (digits(text) > 0 || (text[0] == '.' && digits(text + 1) > 0)) &&
           text[strspn(text, DIGITS "+-.,eE/%_ ")] == '\0';
}

// Whether it is a number as Python prints one in a container: "[3]", "'3'", "tensor(3)".
static bool is_printed_number(const char *text)
{
    static const char *const makers[] = {"tensor", "array", "np.", "numpy.", "int", "b'"};
    const char *open = strpbrk(text, "[({'\"");
    bool known = open == text;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
        known = known || strncmp(text, makers[i], strlen(makers[i])) == 0;
    return open != NULL && known && strpbrk(open, DIGITS) != NULL &&
           open[strspn(open, DIGITS "+-.,eE/%_ ()[]{}'\"")] == '\0';
}

igd_label_kind igd_label_read(int32_t *number, const char *text)
{
    decimal d;
    *number = 0;
    if (text[0] == '\0')
        return IGD_LABEL_BAD;
    if (read_decimal(&d, text[0] == '+' ? text + 1 : text) && whole_value(number, &d))
        return IGD_LABEL_NUMBER;
    return looks_like_number(text) || is_printed_number(text) ? IGD_LABEL_BAD
                                                              : IGD_LABEL_NAME;
}

static bool starts_with_wordnet_id(const char *text)
{
    return text[0] == 'n' && digits(text + 1) == IGD_WORDNET_ID - 1;
}

bool igd_is_wordnet_id(const char *text)
{
    return starts_with_wordnet_id(text) && text[IGD_WORDNET_ID] == '\0';
}

const char *igd_behind_wordnet_id(const char *text)
{
    static const char separators[] = " \t,";
    if (!starts_with_wordnet_id(text))
        return NULL;
    const char *rest = text + IGD_WORDNET_ID;
    return *rest != '\0' && strchr(separators, *rest) != NULL
               ? rest + strspn(rest, separators)
               : NULL;
}

bool igd_is_bare_name(const char *text)
{
    int32_t number;
    return igd_is_wordnet_id(text) || igd_label_read(&number, text) != IGD_LABEL_NAME;
}

bool igd_is_list_line(const char *text, int number)
{
    if (text[0] == '{' || text[0] == '[')
        return true;
    if (starts_with_wordnet_id(text))
        return strchr(" \t,;:", text[IGD_WORDNET_ID]) != NULL;
    char own[2][16];
    const size_t length = digits(text);
    snprintf(own[0], sizeof(own[0]), "%d", number);
    snprintf(own[1], sizeof(own[1]), "%d", number + 1);
    for (int i = 0; i < 2; i++)
        if (length == strlen(own[i]) && strncmp(text, own[i], length) == 0 &&
            text[length] != '\0' && strchr("\t,;:", text[length]) != NULL)
            return true;
    return false;
}
