// Owns breaking text into lines.
#include "core/wrap.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_MOST 24      // columns
#define COMMAND "  igdef " // begins a line to be typed

static int columns_of(const char *text, size_t length)
{
    int num = 0;
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];
        num += c < 0x80 ? 1 : c >= 0xc0 ? 2 : 0;
    }
    return num;
}

int igd_columns(const char *text)
{
    return columns_of(text, strlen(text));
}

// Bytes to the blank behind a word; with `quotes` one between quotes ends no word.
static size_t word_length(const char *text, bool quotes)
{
    char quote = '\0';
    bool odd = false; // $'...', where a backslash takes what follows
    size_t i = 0;
    for (; text[i] != '\0' && (text[i] != ' ' || quote != '\0'); i++) {
        if (!quotes)
            continue;
        if ((quote == '\0' || odd) && text[i] == '\\' && text[i + 1] != '\0')
            i++;
        else if (quote != '\0' && text[i] == quote)
            quote = '\0';
        else if (quote == '\0' && (text[i] == '\'' || text[i] == '"')) {
            quote = text[i];
            odd = i > 0 && text[i - 1] == '$';
        }
    }
    return i;
}

static void wrap(FILE *f, const char *text, int at, int indent, const char *end)
{
    const bool command = end[0] != '\0';
    bool first = true; // of its line
    while (*text != '\0') {
        const size_t word = word_length(text, command);
        const int columns = columns_of(text, word);
        const bool last = text[word] == '\0';
        if (!first && at + 1 + columns + (last ? 0 : (int)strlen(end)) > IGD_WIDTH) {
            fprintf(f, "%s\n%*s", end, indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', f);
            at++;
        }
        first = false;
        fprintf(f, "%.*s", (int)word, text);
        at += columns;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', f);
}

void igd_wrap(FILE *f, const char *text, int at, int indent)
{
    wrap(f, text, at, indent, "");
}

void igd_wrap_command(FILE *f, const char *text, int at, int indent)
{
    wrap(f, text, at, indent, " \\");
}

// Where the continuation of a line begins.
static int indent_of(const char *line)
{
    const size_t lead = strspn(line, " ");
    const char *text = line + lead;
    for (size_t i = 0; i < LABEL_MOST && text[i] != '\0'; i++)
        if (text[i] == ' ' && text[i + 1] == ' ')
            return columns_of(line, lead + i + strspn(text + i, " "));
    if (lead > 0 && text[strcspn(text, " :")] == ':')
        return (int)lead + 2;
    return (int)lead;
}

static void fold_line(FILE *f, const char *line)
{
    const int indent = indent_of(line);
    size_t head = strspn(line, " ");
    if (igd_columns(line) <= IGD_WIDTH) {
        fprintf(f, "%s\n", line);
        return;
    }
    if (strncmp(line, COMMAND, strlen(COMMAND)) == 0) {
        fputs("  ", f);
        igd_wrap_command(f, line + 2, 2, 6);
        return;
    }
    if ((size_t)indent > head + 2) // behind a label
        head = (size_t)indent;
    fprintf(f, "%.*s", (int)head, line);
    igd_wrap(f, line + head, columns_of(line, head), indent);
}

bool igd_fold(char **text)
{
    char *out = NULL, *line = *text;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    if (f == NULL)
        return false;
    while (*line != '\0') {
        const size_t length = strcspn(line, "\n");
        const bool ended = line[length] == '\n';
        line[length] = '\0';
        fold_line(f, line);
        line[length] = ended ? '\n' : '\0';
        line += length + ended;
    }
    if (fclose(f) != 0) {
        free(out);
        return false;
    }
    free(*text);
    *text = out;
    return true;
}
