// Whether a text is JSON, told without memory: where a parser fails on a text that is,
// its memory has run out.
#ifndef IGD_CORE_JSON_SYNTAX_H
#define IGD_CORE_JSON_SYNTAX_H

#include <stddef.h>

// Of a text in UTF-8 without zeros: where it is no JSON, as RFC 8259 has it, that cJSON
// can hold; NULL where it is.
const char *igd_json_fault(const char *text, size_t size);

#endif
