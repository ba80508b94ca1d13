// Owns splitting text into lines.
#include "core/lines.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/file_kind.h"

#define MAX_FILE ((size_t)256 << 20)
#define SPACE " \t\r\n\v\f"

// Splits l->text in place.
static igd_status split(igd_lines *l, size_t size, const char *path)
{
    if (memchr(l->text, '\0', size) != NULL)
        return igd_file_kind_refuse_data(path, "not a text file in UTF-8");
    size_t most = 1;
    for (size_t i = 0; i < size; i++)
        most += l->text[i] == '\n';
    l->line = malloc(most * sizeof(*l->line));
    l->number = malloc(most * sizeof(*l->number));
    if (l->line == NULL || l->number == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %zu lines", path, most);
    char *at = l->text;
    if (strncmp(at, "\xef\xbb\xbf", 3) == 0) // the mark that some editors put
        at += 3;
    for (int64_t place = 1; *at != '\0'; place++) {
        char *next = at + strcspn(at, "\n");
        if (*next != '\0')
            *next++ = '\0';
        at += strspn(at, SPACE);
        size_t length = strlen(at);
        while (length > 0 && strchr(SPACE, at[length - 1]) != NULL)
            length--;
        at[length] = '\0';
        if (length > 0) {
            l->number[l->num] = place;
            l->line[l->num++] = at;
        }
        at = next;
    }
    return IGD_OK;
}

igd_status igd_lines_parse(igd_lines *out, const char *text, size_t size,
                           const char *path)
{
    igd_lines l = {0};
    *out = l;
    l.text = malloc(size + 1);
    if (l.text == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %zu bytes", path, size);
    memcpy(l.text, text, size);
    l.text[size] = '\0';
    const igd_status st = split(&l, size, path);
    if (st == IGD_OK)
        *out = l;
    else
        igd_lines_free(&l);
    return st;
}

igd_status igd_lines_read(igd_lines *out, const char *path)
{
    igd_lines l = {0};
    unsigned char *text = NULL;
    size_t size = 0;
    *out = l;
    IGD_TRY(igd_file_read(&text, &size, path, MAX_FILE));
    l.text = (char *)text;
    const igd_status st = split(&l, size, path);
    if (st == IGD_OK)
        *out = l;
    else
        igd_lines_free(&l);
    return st;
}

igd_status igd_lines_copy(igd_lines *out, const char *const *items, int64_t num)
{
    igd_lines l = {.num = num};
    size_t size = 1;
    *out = (igd_lines){0};
    for (int64_t i = 0; i < num; i++)
        size += strlen(items[i]) + 1;
    l.line = malloc(((size_t)num + 1) * sizeof(*l.line));
    l.text = malloc(size);
    if (l.line == NULL || l.text == NULL) {
        igd_lines_free(&l);
        return igd_error(IGD_ENOMEM, "no memory for %lld names", (long long)num);
    }
    char *at = l.text;
    for (int64_t i = 0; i < num; i++) {
        const size_t length = strlen(items[i]) + 1;
        memcpy(at, items[i], length);
        l.line[i] = at;
        at += length;
    }
    *out = l;
    return IGD_OK;
}

void igd_lines_free(igd_lines *l)
{
    free(l->line);
    free(l->number);
    free(l->text);
    *l = (igd_lines){0};
}
