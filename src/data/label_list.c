// Owns the lines of a list of labels: fields between tabs, commas or blanks, quoted or
// not, and the two known lists that have more than two.
#include "data/label_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/letters.h"
#include "data/decode.h"
#include "data/label_text.h"
#include "data/name_index.h"

#define MOST_FIELDS 64
#define BLANK " \t"

// The fields of a line, cut out of a copy of it.
typedef struct fields {
    char *text; // owned
    char *field[MOST_FIELDS];
    int num; // may exceed MOST_FIELDS, of which the first are kept
} fields;

// Removes space around a text, in place.
static char *trimmed(char *text)
{
    text += strspn(text, BLANK);
    size_t length = strlen(text);
    while (length > 0 && strchr(BLANK, text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

// The field at `at`, up to `separator`; what follows it, or NULL at the end. A field in
// double quotes holds separators, and "" for a quote.
static char *cut_field(char **field, char *at, char separator)
{
    char *start = at + strspn(at, separator == '\t' ? " " : BLANK);
    if (*start == '"') {
        char *to = start, *from = start + 1;
        while (*from != '\0' && (*from != '"' || from[1] == '"')) {
            from += *from == '"';
            *to++ = *from++;
        }
        char *end = *from == '"' ? from + 1 + strspn(from + 1, " ") : NULL;
        if (end != NULL && (*end == separator || *end == '\0')) {
            const bool last = *end == '\0';
            *to = '\0';
            *field = start;
            return last ? NULL : end + 1;
        }
    }
    char *end = strchr(at, separator);
    if (end != NULL)
        *end++ = '\0';
    *field = trimmed(at);
    return end;
}

static bool cut(fields *out, const char *line, char separator)
{
    *out = (fields){.text = strdup(line)};
    for (char *at = out->text; at != NULL;) {
        char *field;
        at = cut_field(&field, at, separator);
        if (out->num < MOST_FIELDS)
            out->field[out->num] = field;
        out->num++;
    }
    return out->text != NULL;
}

static bool is_number(const char *text)
{
    int32_t number;
    return igd_label_read(&number, text) == IGD_LABEL_NUMBER;
}

// Tiny ImageNet's val_annotations.txt: image, id, and a box of four numbers.
static bool is_tiny_imagenet(const fields *f)
{
    return f->num == 6 && igd_is_wordnet_id(f->field[1]) && is_number(f->field[2]) &&
           is_number(f->field[3]) && is_number(f->field[4]) && is_number(f->field[5]);
}

// Kaggle's LOC_val_solution.csv: the label is an id and a box, once for each object; all
// have the same id. Cuts the text after the first id.
static bool take_boxes(char *label)
{
    char id[16] = "";
    char *copy = strdup(label), *rest = NULL;
    int place = 0;
    bool good = copy != NULL;
    for (char *word = good ? strtok_r(copy, BLANK, &rest) : NULL; word != NULL && good;
         word = strtok_r(NULL, BLANK, &rest), place++) {
        if (place % 5 != 0)
            good = is_number(word);
        else if (place == 0 && (good = igd_is_wordnet_id(word)))
            memcpy(id, word, strlen(word) + 1);
        else if (place > 0)
            good = strcmp(word, id) == 0;
    }
    free(copy);
    good = good && place > 0 && place % 5 == 0;
    if (good)
        label[strcspn(label, BLANK)] = '\0';
    return good;
}

static char separator_of(const char *line)
{
    if (strchr(line, '\t') != NULL)
        return '\t';
    return strchr(line, ',') != NULL ? ',' : ' ';
}

// Name and label of a line that has both; the rest of the line is cut off. Where names
// hold the separator, the longest that is an image's counts.
typedef struct pair {
    char *name, *label;
    int num_fields;
} pair;

// Whether the line is a name and a label with a blank between, the name holding commas.
static bool is_blank_pair(const char *line, const igd_name_index *index)
{
    const char *last = strrchr(line, ' ');
    if (last == NULL || strchr(last, ',') != NULL)
        return false;
    char *name = strndup(line, (size_t)(last - line));
    const bool found = name != NULL && igd_name_index_find(index, trimmed(name)) >= 0;
    free(name);
    return found;
}

static igd_status cut_pair(pair *out, char *line, const igd_name_index *index,
                           const char *path)
{
    char separator = separator_of(line);
    fields f;
    *out = (pair){0};
    if (separator == ',' && is_blank_pair(line, index))
        separator = ' ';
    char *last = strrchr(line, separator);
    if (last == NULL)
        return IGD_OK;
    if (!cut(&f, line, separator)) {
        free(f.text);
        return igd_error(IGD_ENOMEM, "%s: no memory for a line", path);
    }
    out->num_fields = f.num;
    if ((f.num == 2 && separator != ' ') || is_tiny_imagenet(&f)) {
        // Together they are shorter than the line that they were cut from.
        const size_t length = strlen(f.field[0]) + 1;
        out->name = memcpy(line, f.field[0], length);
        out->label = memcpy(line + length, f.field[1], strlen(f.field[1]) + 1);
        out->num_fields = 2;
        free(f.text);
        (void)take_boxes(out->label);
        return IGD_OK;
    }
    free(f.text);
    *last = '\0';
    char *name = trimmed(line), *label = trimmed(last + 1);
    const size_t length = strlen(name);
    if (length > 1 && name[0] == '"' && name[length - 1] == '"') {
        name[length - 1] = '\0';
        name++;
    }
    out->name = name;
    out->label = label;
    // With blanks between fields their number says nothing: names may have some.
    if (separator == ' ' || igd_name_index_find(index, name) >= 0)
        out->num_fields = 2;
    return IGD_OK;
}

// What tables call their columns.
static bool is_heading(const char *text)
{
    static const char *const words[] = {
        "image",    "images",    "imageid",    "image_id", "image_name",
        "img",      "img_name",  "file",       "filename", "file_name",
        "filepath", "file_path", "path",       "name",     "id",
        "label",    "labels",    "class",      "classes",  "category",
        "target",   "class_id",  "synset",     "wnid",     "predictionstring",
        "y",        "x",         "class_name", "label_id"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (igd_same_letters(text, words[i]))
            return true;
    return false;
}

// Lines of a name and a label, in any order.
static igd_status match_names(igd_label_line *list, igd_lines *lines, const char *path,
                              const char *const *names, int64_t num,
                              const igd_name_index *index)
{
    for (int64_t i = 0; i < lines->num; i++) {
        const long long place = (long long)lines->number[i];
        pair p;
        IGD_TRY(cut_pair(&p, lines->line[i], index, path));
        if (p.name == NULL)
            return igd_error(IGD_EFORMAT,
                             "%s: line %lld: \"%.80s\" is no image name and label, with "
                             "a tab, comma or blank between",
                             path, place, lines->line[i]);
        const int64_t image = igd_name_index_find(index, p.name);
        if (image < 0 && i == 0 && is_heading(p.name) && is_heading(p.label))
            continue;
        if (p.num_fields != 2)
            return igd_error(IGD_EFORMAT,
                             "%s: line %lld: %d fields, not a file's name and its label",
                             path, place, p.num_fields);
        if (image < 0)
            return igd_error(
                IGD_EFORMAT, "%s: line %lld: \"%.80s\" %s", path, place, p.name,
                image == -1 ? "is no image of the folder" : "could be several images");
        if (list[image].text != NULL)
            return igd_error(IGD_EFORMAT, "%s: line %lld: \"%.80s\" appears twice", path,
                             place, p.name);
        list[image] = (igd_label_line){p.label, place};
    }
    for (int64_t i = 0; i < num; i++)
        if (list[i].text == NULL)
            return igd_error(IGD_EFORMAT, "%s: no label for %s", path, names[i]);
    return IGD_OK;
}

// Whether a line names an image, in the folder or, by its suffix, elsewhere. A label
// alone may hold blanks.
static bool names_image(const char *line, const igd_name_index *index)
{
    const char separator = separator_of(line);
    if (separator != ' ')
        return true;
    // Also between what lists are not cut at: such a line is refused, not taken for a
    // name.
    for (const char *end = line; (end = strpbrk(end, " ;:|")) != NULL; end++) {
        char *name = strndup(line, (size_t)(end - line));
        const bool found =
            name != NULL && (igd_name_index_find(index, trimmed(name)) != -1 ||
                             igd_image_has_suffix(trimmed(name)));
        free(name);
        if (found)
            return true;
    }
    return false;
}

// Of images without names: whether a line has a number before or behind its label.
static bool has_number_beside(const char *line)
{
    static const char separators[] = ",;\t|";
    const char *first = strpbrk(line, separators), *last = first;
    if (first == NULL)
        return false;
    for (const char *at = first; at != NULL; at = strpbrk(at + 1, separators))
        last = at;
    char *before = strndup(line, (size_t)(first - line)), *behind = strdup(last + 1);
    const bool found = before == NULL || behind == NULL || is_number(trimmed(before)) ||
                       is_number(trimmed(behind));
    free(before);
    free(behind);
    return found;
}

igd_status igd_label_list(igd_label_line **out, int64_t *num, bool *has_names,
                          igd_lines *lines, const char *path, const char *const *names,
                          int64_t num_names)
{
    igd_name_index *index = NULL;
    bool named = false;
    igd_status st = IGD_OK;

    *out = NULL;
    *num = 0;
    if (names != NULL)
        st = igd_name_index_new(&index, names, num_names);
    for (int64_t i = 0; i < lines->num && names != NULL && st == IGD_OK && !named; i++)
        named = names_image(lines->line[i], index);
    const int64_t room = named ? num_names : lines->num;
    igd_label_line *list = calloc((size_t)room + 1, sizeof(*list));
    if (st == IGD_OK && list == NULL)
        st =
            igd_error(IGD_ENOMEM, "%s: no memory for %lld labels", path, (long long)room);
    if (st == IGD_OK && named)
        st = match_names(list, lines, path, names, num_names, index);
    for (int64_t i = 0; i < lines->num && st == IGD_OK && names == NULL; i++)
        if (has_number_beside(lines->line[i]))
            st = igd_error(IGD_EFORMAT,
                           "%s: line %lld: \"%.80s\" is more than a label; the images "
                           "have no names, so each line is the label of the next",
                           path, (long long)lines->number[i], lines->line[i]);
    for (int64_t i = 0; i < lines->num && st == IGD_OK && !named; i++)
        list[i] = (igd_label_line){lines->line[i], lines->number[i]};
    igd_name_index_free(index);
    if (st == IGD_OK) {
        *out = list;
        *num = room;
        *has_names = named;
    } else {
        free(list);
    }
    return st;
}
