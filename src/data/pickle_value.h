// The values of a pickle, between the machine that makes them and those who ask for them.
#ifndef IGD_DATA_PICKLE_VALUE_H
#define IGD_DATA_PICKLE_VALUE_H

#include "data/pickle.h"

typedef enum igd_pickle_kind {
    PICKLE_NONE,
    PICKLE_INTEGER, // also a truth value
    PICKLE_REAL,
    PICKLE_TEXT, // or bytes
    PICKLE_LIST, // or tuple
    PICKLE_DICTIONARY,
    PICKLE_NAME_RECONSTRUCT, // numpy.core.multiarray._reconstruct
    PICKLE_NAME_NDARRAY,     // numpy.ndarray
    PICKLE_NAME_DTYPE,       // numpy.dtype
    PICKLE_NAME_ENCODE,      // _codecs.encode, how Python 3 writes bytes in protocol 2
    PICKLE_NAME_FROMBUFFER,  // numpy.core.numeric._frombuffer, an array in protocol 5
    PICKLE_DTYPE,
    PICKLE_ARRAY
} igd_pickle_kind;

typedef struct igd_pickled {
    igd_pickle_kind kind;
    int64_t integer;
    const char
        *text; // of a text: [size]; of a dtype: its code; of an array: its elements
    size_t size;
    char *owned;    // what text points to, where the file does not hold it
    int64_t *items; // owned; of a list, and of a dictionary key and value in turn
    int64_t num, room;
    int64_t shape[2]; // of an array with `num` axes
} igd_pickled;

struct igd_pickle {
    igd_pickled *values; // owned; [num]
    int64_t num, room;
    int64_t top; // the dictionary
};

// Whether it is this text, or these bytes.
bool igd_pickle_is(const igd_pickled *v, const char *text);

// Item i of a list or tuple; NULL where there is none, and where `list` is neither.
const igd_pickled *igd_pickle_item(const igd_pickle *p, const igd_pickled *list,
                                   int64_t i);

#endif
