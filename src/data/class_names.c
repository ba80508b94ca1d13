// Owns classes.txt: what it calls the classes, and that it does not contradict them.
#include "data/class_names.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "data/label_text.h"

#define DIGITS "0123456789"
#define SEPARATORS " \t,"

// A text of the file and the class that it is for.
typedef struct entry {
    const char *text;
    int64_t class;
} entry;

static int by_text(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    const int order = strcmp(p->text, q->text);
    return order != 0 ? order : (p->class > q->class) - (p->class < q->class);
}

static int by_text_alone(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->text, ((const entry *)b)->text);
}

// The texts [num] sorted. *out is owned.
static igd_status sort_entries(entry **out, char *const *text, int64_t num)
{
    entry *e = *out = malloc(((size_t)num + 1) * sizeof(*e));
    if (e == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld class names", (long long)num);
    for (int64_t c = 0; c < num; c++)
        e[c] = (entry){text[c], c};
    qsort(e, (size_t)num, sizeof(*e), by_text);
    return IGD_OK;
}

// Two classes of one text, NULL where there are none.
static const entry *find_twins(const entry *sorted, int64_t num)
{
    for (int64_t i = 1; i < num; i++)
        if (strcmp(sorted[i - 1].text, sorted[i].text) == 0)
            return &sorted[i - 1];
    return NULL;
}

// ---- Numbers and ids before names

// The text behind a number, NULL where there is none.
static char *behind_number(char *text)
{
    const size_t length = strspn(text, DIGITS);
    char *rest = text + length + strspn(text + length, SEPARATORS);
    return length > 0 && rest > text + length && *rest != '\0' ? rest : NULL;
}

static int32_t number_of(const char *text)
{
    int32_t number = 0;
    for (; *text >= '0' && *text <= '9' && number < IGD_MAX_CLASSES; text++)
        number = number * 10 + (*text - '0');
    return number;
}

// What stands behind the numbers of all lines, where these count the lines, from 0 or 1
// on and in any order; and not where they tell names apart, as those of coins do. *out
// [num] is owned, NULL where it is not so.
static igd_status read_numbered(char ***out, const igd_lines *lines)
{
    const int64_t num = lines->num;
    char **rest = malloc(((size_t)num + 1) * sizeof(*rest));
    bool *seen = calloc((size_t)num + 1, sizeof(*seen));
    entry *sorted = NULL;
    igd_status st = IGD_OK;
    bool good = true;

    *out = NULL;
    if (rest == NULL || seen == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for %lld class names", (long long)num);
        goto done;
    }
    for (int64_t i = 0; i < num && good; i++) {
        const int32_t number = number_of(lines->line[i]);
        rest[i] = behind_number(lines->line[i]);
        good = rest[i] != NULL && number <= num && !seen[number];
        if (good)
            seen[number] = true;
    }
    if (!good || (seen[0] && seen[num]))
        goto done;
    if ((st = sort_entries(&sorted, rest, num)) == IGD_OK &&
        find_twins(sorted, num) == NULL) {
        *out = rest;
        rest = NULL;
    }

done:
    free(sorted);
    free(seen);
    free(rest);
    return st;
}

// Whether every class of the data is called by a number.
static bool are_numbers(const igd_lines *classes)
{
    for (int64_t c = 0; c < classes->num; c++)
        if (classes->line[c][strspn(classes->line[c], DIGITS)] != '\0')
            return false;
    return classes->num > 0;
}

// Takes numbers off that count the lines in their order, or say the numbers that the
// data call the classes by.
static igd_status strip_numbers(igd_lines *lines, const igd_source *s, const char *path)
{
    char **rest = NULL;
    IGD_TRY(read_numbered(&rest, lines));
    if (rest == NULL)
        return IGD_OK;
    const bool own = are_numbers(&s->classes);
    int32_t first = 1;
    igd_status st = IGD_OK;
    for (int64_t i = 0; i < lines->num; i++)
        if (number_of(lines->line[i]) == 0)
            first = 0;
    for (int64_t i = 0; i < lines->num && st == IGD_OK; i++) {
        const int64_t due =
            own && i < s->classes.num ? number_of(s->classes.line[i]) : first + i;
        if (number_of(lines->line[i]) != due)
            st = igd_error(IGD_EFORMAT,
                           "%s: line %lld: \"%.80s\" where number %lld is due; --classes "
                           "FILE takes a file's numbers for the model's classes",
                           path, (long long)lines->number[i], lines->line[i],
                           (long long)due);
        lines->line[i] = rest[i];
    }
    free(rest);
    return st;
}

// ---- Against the names that the data have

static igd_status refuse_order(const igd_source *s, const entry *sorted,
                               const igd_lines *lines, const char *path)
{
    for (int64_t c = 0; c < s->classes.num; c++) {
        const entry key = {s->classes.line[c], 0};
        const entry *e =
            bsearch(&key, sorted, (size_t)lines->num, sizeof(*sorted), by_text_alone);
        if (e != NULL && e->class != c)
            return igd_error(IGD_EFORMAT,
                             "%s: line %lld names class %lld \"%.80s\", which is class "
                             "%lld by the names of the data; --classes FILE takes the "
                             "order of a file",
                             path, (long long)lines->number[e->class],
                             (long long)e->class, e->text, (long long)c);
    }
    return IGD_OK;
}

// Takes ids of WordNet off, unless they are all that a line has; ids must not contradict
// those that the data call classes by.
static igd_status strip_ids(igd_lines *lines, const igd_source *s, const char *path)
{
    char **id = calloc((size_t)lines->num + 1, sizeof(*id));
    entry *sorted = NULL;
    igd_status st = IGD_OK;

    if (id == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its lines", path);
    for (int64_t i = 0; i < lines->num; i++) {
        char *line = id[i] = lines->line[i];
        const char *rest = igd_behind_wordnet_id(line);
        if (rest == NULL)
            continue;
        if (*rest != '\0')
            lines->line[i] = line + (rest - line);
        line[IGD_WORDNET_ID] = '\0';
    }
    st = sort_entries(&sorted, id, lines->num);
    if (st == IGD_OK)
        st = refuse_order(s, sorted, lines, path);
    free(sorted);
    free(id);
    return st;
}

// Names of the data that say something must not become fewer. Words for ids may be the
// same, as ImageNet's two cranes.
static igd_status check_twins(igd_source *s, const entry *sorted, const igd_lines *lines,
                              const char *path)
{
    const entry *e = find_twins(sorted, lines->num);
    bool bare = true;
    if (e == NULL)
        return IGD_OK;
    for (int64_t c = 0; c < s->classes.num && bare; c++)
        bare = igd_is_bare_name(s->classes.line[c]);
    if (bare)
        return igd_notes_add(&s->notes, NULL,
                             "%s: classes %lld and %lld are both \"%.80s\"", path,
                             (long long)e[0].class, (long long)e[1].class, e->text);
    return igd_error(IGD_EFORMAT, "%s: classes %lld and %lld are both \"%.80s\"", path,
                     (long long)e[0].class, (long long)e[1].class, e->text);
}

static igd_status take_names(igd_source *s, igd_lines *lines, const char *path)
{
    entry *sorted = NULL;
    if (lines->num > IGD_MAX_CLASSES || lines->num < s->num_classes ||
        (lines->num > s->num_classes && !s->open_classes))
        return igd_error(IGD_EFORMAT, "%s: %lld class names for %d classes", path,
                         (long long)lines->num, s->num_classes);
    if (lines->num == 0)
        return IGD_OK;
    IGD_TRY(strip_numbers(lines, s, path));
    IGD_TRY(strip_ids(lines, s, path));
    igd_status st = sort_entries(&sorted, lines->line, lines->num);
    if (st == IGD_OK)
        st = check_twins(s, sorted, lines, path);
    if (st == IGD_OK)
        st = refuse_order(s, sorted, lines, path);
    free(sorted);
    IGD_TRY(st);
    igd_lines_free(&s->classes);
    s->classes = *lines;
    s->num_classes = (int)lines->num;
    *lines = (igd_lines){0};
    return IGD_OK;
}

igd_status igd_class_names_read(igd_source *s, const char *folder)
{
    igd_lines lines = {0};
    igd_status st = IGD_OK;
    char *path = igd_path_join(folder, "classes.txt");
    if (path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its name", folder);
    if (igd_path_exists(path)) {
        st = igd_lines_read(&lines, path);
        if (st == IGD_OK)
            st = take_names(s, &lines, path);
    }
    igd_lines_free(&lines);
    free(path);
    return st;
}
