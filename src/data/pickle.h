// A reader of the few pickles that CIFAR's Python version is made of: dictionaries,
// lists, numbers, texts and arrays of bytes. Nothing that a pickle names is looked up or
// run.
#ifndef IGD_DATA_PICKLE_H
#define IGD_DATA_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/status.h"

typedef struct igd_pickle igd_pickle;

// A value of a pickle; negative for none.
typedef int64_t igd_pickle_value;

// Reads protocols 2 to 5, of which the last value must be a dictionary. `bytes` stay
// borrowed. *out is owned. Fails where a pickle asks for anything else than NumPy's
// arrays, naming it.
igd_status igd_pickle_parse(igd_pickle **out, const unsigned char *bytes, size_t size,
                            const char *path);
void igd_pickle_free(igd_pickle *p);

// The dictionary's value of a key, be it text or bytes.
igd_pickle_value igd_pickle_member(const igd_pickle *p, const char *key);

// Length of a list or tuple; -1 where the value is neither.
int64_t igd_pickle_length(const igd_pickle *p, igd_pickle_value list);

// Item i, 0 <= i < length. @return false where it is no integer, no text
bool igd_pickle_integer(int64_t *out, const igd_pickle *p, igd_pickle_value list,
                        int64_t i);
bool igd_pickle_text(const char **out, size_t *size, const igd_pickle *p,
                     igd_pickle_value list, int64_t i);

// An array of unsigned bytes in C order with two axes. @return false where it is none
bool igd_pickle_bytes(const unsigned char **out, int64_t shape[2], const igd_pickle *p,
                      igd_pickle_value array);

#endif
