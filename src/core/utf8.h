// UTF-8 text as CLIP's tokenizer reads it.
#ifndef IGD_CORE_UTF8_H
#define IGD_CORE_UTF8_H

#include <stdint.h>

#include "igdef/status.h"

typedef enum igd_character { IGD_SPACE, IGD_LETTER, IGD_NUMBER, IGD_OTHER } igd_character;

// The character at text[*at], and *at := where the next one begins; -1 where the bytes
// are not UTF-8.
int32_t igd_utf8_next(const char *text, int length, int *at);

// By Unicode's White_Space and general categories L and N.
igd_character igd_utf8_kind(int32_t c);

// out [room] := the text without spaces at its ends, in lower case by Unicode's rules of
// no particular language. Texts of a quarter of `room` bytes or more, and those that are
// not UTF-8, are failures.
igd_status igd_utf8_clean(char *out, int room, int *length, const char *text);

#endif
