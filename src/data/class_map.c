// Owns reading a file of classes.
#include "data/class_map.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/lines.h"
#include "data/dataset_impl.h"
#include "data/label_text.h"

#define MAX_FILE ((size_t)64 << 20)

// A name and the class that it stands for.
typedef struct alias {
    char *text; // owned
    int number;
} alias;

struct igd_class_map {
    char **name; // [num], owned, each too; what a class is called
    int num;
    alias *aliases; // owned; sorted by text once all are there
    size_t num_aliases, room;
};

void igd_class_map_free(igd_class_map *m)
{
    if (m == NULL)
        return;
    for (int c = 0; m->name != NULL && c < m->num; c++)
        free(m->name[c]);
    for (size_t i = 0; i < m->num_aliases; i++)
        free(m->aliases[i].text);
    free(m->name);
    free(m->aliases);
    free(m);
}

static int by_text(const void *a, const void *b)
{
    const alias *p = a, *q = b;
    const int order = strcmp(p->text, q->text);
    return order != 0 ? order : (p->number > q->number) - (p->number < q->number);
}

// Lets a class be found by `text`, of `length` bytes.
static igd_status add_alias(igd_class_map *m, int number, const char *text, size_t length)
{
    if (length == 0)
        return IGD_OK;
    if (m->num_aliases == m->room) {
        const size_t room = m->room < 64 ? 64 : 2 * m->room;
        alias *grown = realloc(m->aliases, room * sizeof(*grown));
        if (grown == NULL)
            return igd_error(IGD_ENOMEM, "no memory for %zu class names", room);
        m->aliases = grown;
        m->room = room;
    }
    char *copy = strndup(text, length);
    if (copy == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a class name");
    m->aliases[m->num_aliases++] = (alias){copy, number};
    return IGD_OK;
}

// The names of one class: the whole, and its parts.
static igd_status add_names(igd_class_map *m, int number, const char *text)
{
    const char *rest = igd_behind_wordnet_id(text), *best = rest != NULL ? rest : text;
    IGD_TRY(add_alias(m, number, text, strlen(text)));
    if (rest != NULL) {
        IGD_TRY(add_alias(m, number, text, IGD_WORDNET_ID));
        IGD_TRY(add_alias(m, number, rest, strlen(rest)));
    }
    if (strchr(text, '\t') != NULL)
        for (const char *at = text; *at != '\0'; at += strspn(at, "\t")) {
            IGD_TRY(add_alias(m, number, at, strcspn(at, "\t")));
            at += strcspn(at, "\t");
        }
    if (m->name[number] == NULL || igd_is_bare_name(m->name[number])) {
        free(m->name[number]);
        m->name[number] = strdup(*best != '\0' ? best : text);
        if (m->name[number] == NULL)
            return igd_error(IGD_ENOMEM, "no memory for a class name");
    }
    return IGD_OK;
}

static igd_status make_room(igd_class_map *m, int64_t num, const char *path)
{
    if (num < 1 || num > IGD_MAX_CLASSES)
        return igd_error(IGD_EFORMAT, "%s: names %lld classes", path, (long long)num);
    m->num = (int)num;
    m->name = calloc((size_t)num, sizeof(*m->name));
    return m->name != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "%s: no memory", path);
}

// Every class must have a name, so that no number is passed over.
static igd_status finish(igd_class_map *m, const char *path)
{
    for (int c = 0; c < m->num; c++)
        if (m->name[c] == NULL || m->name[c][0] == '\0')
            return igd_error(IGD_EFORMAT, "%s: class %d of %d has no name", path, c,
                             m->num);
    qsort(m->aliases, m->num_aliases, sizeof(*m->aliases), by_text);
    return IGD_OK;
}

// ---- Lines

// "name<sep>number" or "number<sep>name": splits the line at *sep, and says which half
// is the number. A number comes first where both are.
static bool split_numbered(char **name, int32_t *number, char *line)
{
    char *tab = strchr(line, '\t'), *at = tab != NULL ? tab : strrchr(line, ',');
    int32_t other;
    if (at == NULL || strchr(at + 1, *at) != NULL)
        return false;
    const char separator = *at;
    *at = '\0';
    char *second = at + 1 + strspn(at + 1, " ");
    if (igd_label_read(number, line) == IGD_LABEL_NUMBER)
        *name = second;
    else if (igd_label_read(&other, second) == IGD_LABEL_NUMBER) {
        *number = other;
        *name = line;
    } else {
        *at = separator;
        return false;
    }
    return true;
}

// Whether every line has a number of its own, 0 to num - 1; then `names` and `numbers`
// [num] are set, and the lines cut. The text is restored where it is not so.
static bool read_numbered(char **names, int32_t *numbers, const igd_lines *lines)
{
    bool *seen = calloc((size_t)lines->num + 1, sizeof(*seen));
    bool good = seen != NULL;
    for (int64_t i = 0; i < lines->num && good; i++) {
        char *copy = strdup(lines->line[i]), *name = NULL;
        good = copy != NULL && split_numbered(&name, &numbers[i], copy) &&
               numbers[i] < lines->num && !seen[numbers[i]];
        if (good)
            seen[numbers[i]] = true;
        free(copy);
    }
    for (int64_t i = 0; i < lines->num && good; i++)
        good = split_numbered(&names[i], &numbers[i], lines->line[i]);
    free(seen);
    return good;
}

static igd_status from_lines(igd_class_map *m, const igd_lines *lines, const char *path)
{
    char **names = calloc((size_t)lines->num + 1, sizeof(*names));
    int32_t *numbers = calloc((size_t)lines->num + 1, sizeof(*numbers));
    igd_status st = names != NULL && numbers != NULL
                        ? make_room(m, lines->num, path)
                        : igd_error(IGD_ENOMEM, "%s: no memory", path);
    const bool numbered = st == IGD_OK && read_numbered(names, numbers, lines);
    for (int64_t i = 0; i < lines->num && st == IGD_OK; i++)
        st = add_names(m, numbered ? numbers[i] : (int)i,
                       numbered ? names[i] : lines->line[i]);
    free(names);
    free(numbers);
    return st;
}

// ---- JSON

static igd_status add_json_names(igd_class_map *m, int64_t number, const cJSON *value,
                                 const char *path)
{
    if (number < 0 || number >= m->num)
        return igd_error(IGD_EFORMAT, "%s: class %lld of %d", path, (long long)number,
                         m->num);
    if (cJSON_IsString(value))
        return add_names(m, (int)number, value->valuestring);
    if (!cJSON_IsArray(value))
        return igd_error(IGD_EFORMAT, "%s: the name of class %lld is no text", path,
                         (long long)number);
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        if (!cJSON_IsString(item))
            return igd_error(IGD_EFORMAT, "%s: a name of class %lld is no text", path,
                             (long long)number);
        IGD_TRY(add_names(m, (int)number, item->valuestring));
    }
    return IGD_OK;
}

static igd_status from_json(igd_class_map *m, const cJSON *json, const char *path)
{
    const cJSON *item;
    int64_t place = 0;
    IGD_TRY(make_room(m, cJSON_GetArraySize(json), path));
    cJSON_ArrayForEach(item, json)
    {
        int32_t number = 0;
        if (cJSON_IsArray(json)) {
            IGD_TRY(add_json_names(m, place++, item, path));
        } else if (cJSON_IsNumber(item)) {
            const double v = item->valuedouble;
            if (!(v >= 0 && v < m->num && v == (double)(int)v))
                return igd_error(IGD_EFORMAT, "%s: '%.80s' is class %g of %d", path,
                                 item->string, v, m->num);
            IGD_TRY(add_names(m, (int)v, item->string));
        } else if (igd_label_read(&number, item->string) == IGD_LABEL_NUMBER) {
            IGD_TRY(add_json_names(m, number, item, path));
        } else {
            return igd_error(IGD_EFORMAT, "%s: '%.80s' has no number", path,
                             item->string);
        }
    }
    return IGD_OK;
}

igd_status igd_class_map_parse(igd_class_map **out, const char *text, size_t size,
                               const char *path)
{
    igd_class_map *m = calloc(1, sizeof(*m));
    cJSON *json = NULL;
    igd_lines lines = {0};
    igd_status st = IGD_OK;
    size_t start = 0;

    *out = NULL;
    if (m == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    while (start < size && strchr(" \t\r\n", text[start]) != NULL && text[start] != '\0')
        start++;
    if (start < size && (text[start] == '{' || text[start] == '[')) {
        if ((st = igd_json_parse(&json, text, size, path)) == IGD_OK)
            st = from_json(m, json, path);
    } else if ((st = igd_lines_parse(&lines, text, size, path)) == IGD_OK) {
        st = from_lines(m, &lines, path);
    }
    if (st == IGD_OK)
        st = finish(m, path);
    cJSON_Delete(json);
    igd_lines_free(&lines);
    if (st == IGD_OK)
        *out = m;
    else
        igd_class_map_free(m);
    return st;
}

igd_status igd_class_map_read(igd_class_map **out, const char *path)
{
    unsigned char *text = NULL;
    size_t size;
    *out = NULL;
    IGD_TRY(igd_file_read(&text, &size, path, MAX_FILE));
    const igd_status st = igd_class_map_parse(out, (const char *)text, size, path);
    free(text);
    return st;
}

int igd_class_map_size(const igd_class_map *m)
{
    return m->num;
}

const char *igd_class_map_name(const igd_class_map *m, int c)
{
    return m->name[c];
}

int igd_class_map_find(const igd_class_map *m, const char *name)
{
    size_t low = 0, high = m->num_aliases; // the first that is not less
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(m->aliases[middle].text, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    int found = -1;
    for (; low < m->num_aliases && strcmp(m->aliases[low].text, name) == 0; low++)
        found =
            found == -1 || found == m->aliases[low].number ? m->aliases[low].number : -2;
    return found;
}
