// Owns what the tokenizer knows of Unicode; tables and lower case are ICU's.
#include "core/utf8.h"

#include <stdbool.h>
#include <string.h>
#include <unicode/ucasemap.h>
#include <unicode/uchar.h>

#include "core/error.h"
#include "core/text.h"

int32_t igd_utf8_next(const char *text, int length, int *at)
{
    const unsigned char *s = (const unsigned char *)text + *at;
    const int num = (int)igd_utf8_length(s, (size_t)(length - *at));
    *at += num > 0 ? num : 1;
    if (num < 2)
        return num == 1 ? s[0] : -1;
    int32_t c = s[0] & (0x7f >> num);
    for (int i = 1; i < num; i++)
        c = c << 6 | (s[i] & 0x3f);
    return c;
}

igd_character igd_utf8_kind(int32_t c)
{
    const uint32_t category = U_MASK(u_charType(c));
    if (u_isUWhiteSpace(c))
        return IGD_SPACE;
    if ((category & U_GC_L_MASK) != 0)
        return IGD_LETTER;
    return (category & U_GC_N_MASK) != 0 ? IGD_NUMBER : IGD_OTHER;
}

// Python's strip(), which the reference uses, also takes the separators U+001C to U+001F.
static bool is_stripped(int32_t c)
{
    return (c >= 0x1c && c <= 0x1f) || igd_utf8_kind(c) == IGD_SPACE;
}

igd_status igd_utf8_clean(char *out, int room, int *length, const char *text)
{
    const size_t size = strlen(text);
    int begin = 0, end = 0; // of what is left without spaces at the ends
    bool inside = false;
    UErrorCode error = U_ZERO_ERROR;

    if (size >= (size_t)room / 4)
        return igd_error(IGD_EINVAL, "the text '%.60s...' is longer than %d bytes", text,
                         room / 4);
    for (int at = 0; at < (int)size;) {
        const int32_t c = igd_utf8_next(text, (int)size, &at);
        if (c < 0)
            return igd_error(IGD_EFORMAT, "the text '%.60s' is not UTF-8", text);
        if (is_stripped(c)) {
            begin = inside ? begin : at;
        } else {
            inside = true;
            end = at;
        }
    }
    UCaseMap *map = ucasemap_open("", 0, &error);
    *length = ucasemap_utf8ToLower(map, out, room, text + begin, inside ? end - begin : 0,
                                   &error);
    ucasemap_close(map);
    if (U_FAILURE(error))
        return igd_error(IGD_EINVAL, "the text '%.60s' cannot be lower-cased: %s", text,
                         u_errorName(error));
    return IGD_OK;
}
