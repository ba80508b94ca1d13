// Remarks on a data set: what opening it passed over or took for granted.
#ifndef IGD_DATA_NOTES_H
#define IGD_DATA_NOTES_H

#include "igdef/status.h"

// The ids of those that say that labels may be wrong.
#define IGD_NOTE_CLASS_ORDER "class-order"
#define IGD_NOTE_ONE_CLASS "one-class"

typedef struct igd_note {
    const char *warning; // static; NULL for a mere note
    char *text;          // owned
} igd_note;

typedef struct igd_notes {
    igd_note *item; // owned
    int num;
} igd_notes;

igd_status igd_notes_add(igd_notes *n, const char *warning, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void igd_notes_free(igd_notes *n);

#endif
