// Text files of one item a line: class names, ids, labels, concepts.
#ifndef IGD_CORE_LINES_H
#define IGD_CORE_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "igdef/status.h"

typedef struct igd_lines {
    char **line;     // [num], borrowed from `text`
    int64_t *number; // [num] owned; place in the file, from 1; NULL where there is none
    int64_t num;
    char *text; // owned
} igd_lines;

// Reads a file of at most 256 MiB. Space around a line and empty lines are dropped, and a
// byte order mark; a zero byte is a failure. igd_lines_free() releases.
igd_status igd_lines_read(igd_lines *out, const char *path);
// The same from memory; `path` starts the messages.
igd_status igd_lines_parse(igd_lines *out, const char *text, size_t size,
                           const char *path);
// From an array of strings, which are copied as they are.
igd_status igd_lines_copy(igd_lines *out, const char *const *items, int64_t num);
void igd_lines_free(igd_lines *l);

#endif
