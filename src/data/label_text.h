// What one label's text says: a whole number, a class name, or neither.
#ifndef IGD_DATA_LABEL_TEXT_H
#define IGD_DATA_LABEL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum igd_label_kind {
    IGD_LABEL_NUMBER, // "3", "3.0", "3.000e+00"
    IGD_LABEL_NAME,
    IGD_LABEL_BAD // looks like a number and is no whole one: "-1", "1.5", "nan", ""
} igd_label_kind;

// *number is set for IGD_LABEL_NUMBER, to INT32_MAX where it is larger than that. Reads
// the same in every locale.
igd_label_kind igd_label_read(int32_t *number, const char *text);

// Whether it is a WordNet id, such as n01440764.
bool igd_is_wordnet_id(const char *text);

// What follows a WordNet id and the blanks, tabs or commas behind it, to the text's end;
// NULL where none stands in front.
#define IGD_WORDNET_ID 9 // characters
const char *igd_behind_wordnet_id(const char *text);

// Whether the name says nothing to a reader: a number or a WordNet id.
bool igd_is_bare_name(const char *text);

// Whether it is a line of a list of classes rather than a name: JSON, or with a WordNet
// id or the number of its class (from 0 or from 1) in front, as in "n01440764 tench",
// "0,tench".
bool igd_is_list_line(const char *text, int number);

#endif
