// Tables of comma-separated values (RFC 4180, with "\n" as the end of a line), made of
// JSON.
#ifndef IGDEF_CSV_H
#define IGDEF_CSV_H

#include <stdio.h>

#include "core.h"
#include "igdef/status.h"

// A row per object of an array, under a line with all their keys in order of appearance.
// An object inside becomes "key.member", an array of objects with a name
// "key.NAME.member", an interval "key.low" and "key.high", any other array its values
// between blanks; null and what a row lacks are empty.
igd_status csv_print(FILE *f, const cJSON *rows);

// A text as one field, quoted where it has to be.
void csv_field(FILE *f, const char *text);

#endif
