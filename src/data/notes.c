// Owns the list of remarks.
#include "data/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#define LONGEST 800

igd_status igd_notes_add(igd_notes *n, const char *warning, const char *format, ...)
{
    char text[LONGEST];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    igd_note *item = realloc(n->item, ((size_t)n->num + 1) * sizeof(*item));
    if (item != NULL)
        n->item = item;
    char *copy = strdup(text);
    if (item == NULL || copy == NULL) {
        free(copy);
        return igd_error(IGD_ENOMEM, "no memory for a remark");
    }
    n->item[n->num++] = (igd_note){warning, copy};
    return IGD_OK;
}

void igd_notes_free(igd_notes *n)
{
    for (int i = 0; i < n->num; i++)
        free(n->item[i].text);
    free(n->item);
    *n = (igd_notes){0};
}
