// Owns labels that come in a file of their own: from texts or numbers to classes. What a
// line of text says is label_list.c's.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/natural.h"
#include "core/npy.h"
#include "data/class_order.h"
#include "data/dataset_impl.h"
#include "data/label_list.h"
#include "data/label_text.h"

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

// ---- With a file of classes

igd_status igd_class_map_take(igd_source *s)
{
    const int num = igd_class_map_size(s->map);
    const char **names = malloc((size_t)num * sizeof(*names));
    if (names == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d class names", num);
    for (int c = 0; c < num; c++)
        names[c] = igd_class_map_name(s->map, c);
    const igd_status st = igd_lines_copy(&s->classes, names, num);
    free(names);
    s->num_classes = num;
    s->open_classes = false;
    s->mapped = s->named = true;
    return st;
}

// Labels that are names of the file of classes, or where the first is none, numbers of
// its classes.
static igd_status from_map(igd_source *s, const igd_label_line *lines, const char *path)
{
    const bool names = igd_class_map_find(s->map, lines[0].text) != -1;
    for (int64_t i = 0; i < s->num; i++) {
        const igd_label_line *l = &lines[i];
        int32_t number = 0;
        const bool is_number = igd_label_read(&number, l->text) == IGD_LABEL_NUMBER;
        const int c = names ? igd_class_map_find(s->map, l->text)
                      : is_number && number < igd_class_map_size(s->map) ? number
                                                                         : -1;
        if (c < 0)
            return igd_error(IGD_EFORMAT, "%s: line %lld: label \"%.80s\" %s %s", path,
                             (long long)l->place, l->text,
                             c == -2 ? "could be several classes of" : "is no class of",
                             s->map_path);
        s->labels[i] = c;
    }
    return igd_class_map_take(s);
}

// ---- From an array

static igd_status from_array(igd_source *s, const igd_npy *a, const char *path)
{
    if (a->num_dims != 1)
        return igd_error(
            IGD_EFORMAT, "%s: labels in %d axes, not one; %s", path, a->num_dims,
            a->num_dims == 2 && a->shape[1] == 1
                ? "numpy.save(path, y.reshape(-1)) makes them one"
                : "where they are one-hot, numpy.save(path, y.argmax(1)) makes them one");
    if (a->type != IGD_NPY_U8 && a->type != IGD_NPY_I32 && a->type != IGD_NPY_I64)
        return igd_error(IGD_EFORMAT,
                         "%s: labels are %s; numpy.save(path, y.astype('int64')) makes "
                         "them whole numbers",
                         path, igd_npy_type_name(a->type));
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
    IGD_TRY(igd_labels_check(s, path));
    return s->map != NULL ? igd_labels_map_numbers(s, path) : IGD_OK;
}

igd_status igd_labels_map_numbers(igd_source *s, const char *path)
{
    bool names = false; // whether the file calls classes by numbers
    for (int64_t i = 0; i < s->num; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", (int)s->labels[i]);
        int c = igd_class_map_find(s->map, text);
        names = i == 0 ? c != -1 : names;
        if (!names)
            c = s->labels[i] < igd_class_map_size(s->map) ? s->labels[i] : -1;
        if (c < 0)
            return igd_error(
                IGD_EFORMAT, "%s: label %s of image %lld %s %s", path, text, (long long)i,
                c == -2 ? "could be several classes of" : "is no class of", s->map_path);
        s->labels[i] = c;
    }
    return igd_class_map_take(s);
}

// ---- From text

static igd_status from_numbers(igd_source *s, const igd_label_line *lines,
                               const char *path)
{
    for (int64_t i = 0; i < s->num; i++) {
        (void)igd_label_read(&s->labels[i], lines[i].text);
        if (s->labels[i] >= IGD_MAX_CLASSES)
            return igd_error(IGD_EFORMAT, "%s: line %lld: label %.40s is out of range",
                             path, (long long)lines[i].place, lines[i].text);
    }
    return igd_labels_check(s, path);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_order(const void *a, const void *b)
{
    return igd_natural_compare(*(const char *const *)a, *(const char *const *)b);
}

// Names become numbers in the order that folders have.
static igd_status from_names(igd_source *s, const igd_label_line *lines, const char *path)
{
    char **names = malloc((size_t)s->num * sizeof(*names));
    if (names == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for class names", path);
    for (int64_t i = 0; i < s->num; i++)
        names[i] = (char *)lines[i].text;
    qsort(names, (size_t)s->num, sizeof(*names), by_text);
    int64_t num = 0;
    for (int64_t i = 0; i < s->num; i++)
        if (num == 0 || strcmp(names[num - 1], names[i]) != 0)
            names[num++] = names[i];
    igd_status st = IGD_OK;
    if (num > IGD_MAX_CLASSES)
        st = igd_error(IGD_EFORMAT, "%s: %lld class names", path, (long long)num);
    else
        st = igd_class_order(s, names, num, "classes", path);
    for (int64_t i = 0; i < s->num && st == IGD_OK; i++) {
        char *const *at = bsearch(&lines[i].text, names, (size_t)num, sizeof(*names),
                                  s->numeric_order ? by_order : by_text);
        s->labels[i] = (int32_t)(at - names);
    }
    if (st == IGD_OK)
        st = igd_lines_copy(&s->classes, (const char *const *)names, num);
    s->num_classes = (int)num;
    s->named = true;
    free(names);
    return st;
}

// Numbers or names, whichever the first line in the file has.
static igd_status from_texts(igd_source *s, const igd_label_line *lines, const char *path)
{
    const igd_label_line *first = &lines[0];
    igd_label_kind wanted;
    int32_t number;
    for (int64_t i = 0; i < s->num; i++)
        first = lines[i].place < first->place ? &lines[i] : first;
    if (s->map != NULL)
        return from_map(s, lines, path);
    wanted = igd_label_read(&number, first->text);
    for (int64_t i = 0; i < s->num; i++) {
        const igd_label_line *l = &lines[i];
        const igd_label_kind kind = igd_label_read(&number, l->text);
        if (kind == IGD_LABEL_BAD)
            return igd_error(IGD_EFORMAT,
                             "%s: line %lld: label \"%.80s\" is neither a whole number "
                             "nor a class name",
                             path, (long long)l->place, l->text);
        if (wanted != IGD_LABEL_BAD && kind != wanted)
            return igd_error(IGD_EFORMAT,
                             "%s: line %lld: label \"%.80s\" is a %s, but line %lld has "
                             "the %s \"%.80s\"",
                             path, (long long)l->place, l->text,
                             kind == IGD_LABEL_NAME ? "name" : "number",
                             (long long)first->place,
                             kind == IGD_LABEL_NAME ? "number" : "name", first->text);
    }
    return wanted == IGD_LABEL_NUMBER ? from_numbers(s, lines, path)
                                      : from_names(s, lines, path);
}

igd_status igd_labels_from_lines(igd_source *s, igd_lines *lines, const char *path,
                                 const char *const *names)
{
    igd_label_line *list = NULL;
    int64_t num = 0;
    bool named = false;
    igd_status st = igd_label_list(&list, &num, &named, lines, path, names, s->num);
    if (st == IGD_OK)
        st = allocate(s, path, num);
    if (st == IGD_OK)
        st = from_texts(s, list, path);
    if (st == IGD_OK && !named && names != NULL)
        st = igd_class_order_check_images(s, names);
    free(list);
    return st;
}

igd_status igd_labels_none(igd_source *s)
{
    s->labels = malloc((size_t)s->num * sizeof(*s->labels));
    if (s->labels == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)s->num);
    for (int64_t i = 0; i < s->num; i++)
        s->labels[i] = -1;
    return IGD_OK;
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
        if (st == IGD_OK && names != NULL)
            st = igd_class_order_check_images(s, names);
    } else {
        st = igd_lines_read(&lines, path);
        if (st == IGD_OK)
            st = igd_labels_from_lines(s, &lines, path, names);
    }
    igd_npy_free(&a);
    igd_lines_free(&lines);
    return st;
}
