// Owns labels that come in a file of their own.
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/npy.h"
#include "data/dataset_impl.h"
#include "data/name_index.h"

igd_status igd_labels_check(igd_source *s, const char *path)
{
    int32_t most = 0;
    for (int64_t i = 0; i < s->num; i++) {
        if (s->labels[i] < 0 || s->labels[i] >= IGD_MAX_CLASSES)
            return igd_error(IGD_EFORMAT, "%s: label %d of image %lld is out of range",
                             path, (int)s->labels[i], (long long)i);
        most = s->labels[i] > most ? s->labels[i] : most;
    }
    s->num_classes = most + 1;
    s->open_classes = true;
    return IGD_OK;
}

static igd_status allocate(igd_source *s, const char *path, int64_t num)
{
    if (num != s->num)
        return igd_error(IGD_EFORMAT, "%s: %lld labels for %lld images", path,
                         (long long)num, (long long)s->num);
    s->labels = malloc(((size_t)num + 1) * sizeof(*s->labels));
    if (s->labels == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %lld labels", path,
                         (long long)num);
    return IGD_OK;
}

static igd_status from_array(igd_source *s, const igd_npy *a, const char *path)
{
    if (a->num_dims != 1 ||
        (a->type != IGD_NPY_U8 && a->type != IGD_NPY_I32 && a->type != IGD_NPY_I64))
        return igd_error(IGD_EFORMAT, "%s: not one axis of uint8, int32 or int64", path);
    IGD_TRY(allocate(s, path, a->size));
    for (int64_t i = 0; i < a->size; i++) {
        const int64_t label = a->type == IGD_NPY_U8    ? ((const uint8_t *)a->data)[i]
                              : a->type == IGD_NPY_I32 ? ((const int32_t *)a->data)[i]
                                                       : ((const int64_t *)a->data)[i];
        if (label < 0 || label >= IGD_MAX_CLASSES)
            return igd_error(IGD_EFORMAT, "%s: label %lld of image %lld is out of range",
                             path, (long long)label, (long long)i);
        s->labels[i] = (int32_t)label;
    }
    return igd_labels_check(s, path);
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Labels from their texts [num]. Names become numbers in byte order, as folders do.
static igd_status from_texts(igd_source *s, const char *const *texts, const char *path)
{
    bool numbers = true;
    for (int64_t i = 0; i < s->num && numbers; i++)
        numbers = is_number(texts[i]);
    if (numbers) {
        for (int64_t i = 0; i < s->num; i++) {
            // Eight digits exceed the largest label and fit a long.
            const long label =
                strlen(texts[i]) > 8 ? IGD_MAX_CLASSES : strtol(texts[i], NULL, 10);
            if (label >= IGD_MAX_CLASSES)
                return igd_error(IGD_EFORMAT,
                                 "%s: label %.40s of image %lld is out of "
                                 "range",
                                 path, texts[i], (long long)i);
            s->labels[i] = (int32_t)label;
        }
        return igd_labels_check(s, path);
    }
    const char **names = malloc((size_t)s->num * sizeof(*names));
    if (names == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for class names", path);
    memcpy(names, texts, (size_t)s->num * sizeof(*names));
    qsort(names, (size_t)s->num, sizeof(*names), by_text);
    int64_t num = 0;
    for (int64_t i = 0; i < s->num; i++)
        if (i == 0 || strcmp(names[i], names[num - 1]) != 0)
            names[num++] = names[i];
    igd_status st = IGD_OK;
    if (num > IGD_MAX_CLASSES)
        st = igd_error(IGD_EFORMAT, "%s: %lld classes", path, (long long)num);
    for (int64_t i = 0; i < s->num && st == IGD_OK; i++) {
        const char **at = bsearch(&texts[i], names, (size_t)num, sizeof(*names), by_text);
        s->labels[i] = (int32_t)(at - names);
    }
    if (st == IGD_OK)
        st = igd_lines_copy(&s->classes, names, num);
    s->num_classes = (int)num;
    free(names);
    return st;
}

// The last separator: a tab, else a comma, else a space. A class name may hold the rest.
static char *separator(char *line)
{
    static const char order[] = "\t, ";
    for (int i = 0; order[i] != '\0'; i++) {
        char *at = strrchr(line, order[i]);
        if (at != NULL)
            return at;
    }
    return NULL;
}

// Lines of a name and a label, in any order: texts [num] gets the labels in that of the
// images. Splits the lines.
static igd_status match_names(const char **texts, const igd_source *s,
                              const igd_lines *lines, const char *path,
                              const char *const *names)
{
    igd_name_index *index = NULL;
    igd_status st = igd_name_index_new(&index, names, s->num);
    for (int64_t i = 0; i < lines->num && st == IGD_OK; i++) {
        char *line = lines->line[i];
        char *at = separator(line);
        if (at == NULL) {
            st = igd_error(IGD_EFORMAT, "%s: \"%.80s\" is no image name and label", path,
                           line);
            break;
        }
        *at++ = '\0';
        line[strcspn(line, " \t")] = '\0'; // "name, label" and "name  label"
        at += strspn(at, " \t");
        const int64_t image = igd_name_index_find(index, line);
        if (image < 0)
            st = igd_error(IGD_EFORMAT, "%s: \"%.80s\" %s", path, line,
                           image == -1 ? "is no image of the folder"
                                       : "could be several images");
        else if (texts[image] != NULL)
            st = igd_error(IGD_EFORMAT, "%s: \"%.80s\" appears twice", path, line);
        else
            texts[image] = at;
    }
    for (int64_t i = 0; i < s->num && st == IGD_OK; i++)
        if (texts[i] == NULL)
            st = igd_error(IGD_EFORMAT, "%s: no label for %s", path, names[i]);
    igd_name_index_free(index);
    return st;
}

igd_status igd_labels_from_lines(igd_source *s, igd_lines *lines, const char *path,
                                 const char *const *names)
{
    bool named = false;
    for (int64_t i = 0; i < lines->num && names != NULL && !named; i++)
        named = separator(lines->line[i]) != NULL;
    if (!named) {
        IGD_TRY(allocate(s, path, lines->num));
        return from_texts(s, (const char *const *)lines->line, path);
    }
    IGD_TRY(allocate(s, path, s->num));
    const char **texts = calloc((size_t)s->num + 1, sizeof(*texts));
    if (texts == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %lld labels", path,
                         (long long)s->num);
    igd_status st = match_names(texts, s, lines, path, names);
    if (st == IGD_OK)
        st = from_texts(s, texts, path);
    free(texts);
    return st;
}

igd_status igd_labels_read(igd_source *s, const char *path, const char *const *names)
{
    igd_lines lines = {0};
    igd_npy a = {0};
    igd_status st;
    const size_t length = strlen(path);

    if (length > 4 && strcmp(path + length - 4, ".npy") == 0) {
        st = igd_npy_read(&a, path);
        if (st == IGD_OK)
            st = from_array(s, &a, path);
    } else {
        st = igd_lines_read(&lines, path);
        if (st == IGD_OK)
            st = igd_labels_from_lines(s, &lines, path, names);
    }
    igd_npy_free(&a);
    igd_lines_free(&lines);
    return st;
}
