// Owns changing a recorded command.
#include "report/command.h"

#include <string.h>

// Length of the word at p: up to a space outside of quotes.
static size_t word_length(const char *p)
{
    bool quoted = false;
    size_t n = 0;
    for (; p[n] != '\0' && (quoted || p[n] != ' '); n++) {
        if (p[n] == '\'')
            quoted = !quoted;
        else if (p[n] == '\\' && !quoted && p[n + 1] != '\0')
            n++;
    }
    return n;
}

static bool is(const char *word, size_t length, const char *text)
{
    return strlen(text) == length && strncmp(word, text, length) == 0;
}

// An option with its value: "--name value" or "--name=value". *value is where the value
// begins, NULL for another word.
static bool option(const char **value, const char *word, size_t length, const char *name)
{
    const size_t n = strlen(name);
    *value = NULL;
    if (is(word, length, name)) {
        *value = word + length + (word[length] == ' ');
        return true;
    }
    if (length > n && strncmp(word, name, n) == 0 && word[n] == '=') {
        *value = word + n + 1;
        return true;
    }
    return false;
}

static void put_output(FILE *f, const char *name, size_t length, const char *attacks)
{
    static const char end[] = ".json", quoted[] = ".json'";
    const bool in_quotes = length >= sizeof(quoted) &&
                           strncmp(name + length - 6, quoted, sizeof(quoted) - 1) == 0;
    const size_t tail =
        in_quotes                                                             ? 6
        : length > 5 && strncmp(name + length - 5, end, sizeof(end) - 1) == 0 ? 5
                                                                              : 0;
    fprintf(f, " %.*s-%s%.*s", (int)(length - tail), name, attacks, (int)tail,
            name + length - tail);
}

bool igd_command_with(FILE *f, const char *command, const char *attacks)
{
    bool changed = false;
    for (const char *p = command; *p != '\0';) {
        const size_t length = word_length(p);
        const char *value = NULL;
        const bool attack =
            option(&value, p, length, "--attack") || option(&value, p, length, "-a");
        const bool output = !attack && (option(&value, p, length, "--output") ||
                                        option(&value, p, length, "-o"));
        const bool set = !attack && !output && option(&value, p, length, "--set");
        const size_t taken =
            value != NULL ? (size_t)(value - p) + word_length(value) : length;
        if (attack) {
            fprintf(f, " --attack %s", attacks);
            changed = true;
        } else if (output) {
            fputs(" --output", f);
            put_output(f, value, word_length(value), attacks);
        } else if (!set && !is(p, length, "--restart")) {
            fprintf(f, "%s%.*s", p == command ? "" : " ", (int)length, p);
        }
        p += taken;
        while (*p == ' ')
            p++;
    }
    return changed;
}
