// Owns the order of classes by their names, and of images that labels alone are for.
#include "data/class_order.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/natural.h"
#include "data/label_text.h"

static int by_natural(const void *a, const void *b)
{
    return igd_natural_compare(*(char *const *)a, *(char *const *)b);
}

static bool has_digits(char *const *names, int64_t num)
{
    for (int64_t c = 0; c < num; c++)
        if (names[c][strcspn(names[c], "0123456789")] != '\0')
            return true;
    return false;
}

// Names in natural order that are the same number: 1 and 01.
static igd_status refuse_twins(char *const *names, int64_t num, const char *what,
                               const char *path)
{
    for (int64_t c = 1; c < num; c++) {
        int32_t a, b;
        if (igd_label_read(&a, names[c - 1]) == IGD_LABEL_NUMBER &&
            igd_label_read(&b, names[c]) == IGD_LABEL_NUMBER && a == b)
            return igd_error(IGD_EFORMAT, "%s: %s %s and %s have one number", path, what,
                             names[c - 1], names[c]);
    }
    return IGD_OK;
}

static igd_status warn(igd_source *s, char *const *names, char *const *natural,
                       int64_t num, const char *what)
{
    int64_t moved = 0, first = 0;
    for (int64_t c = num - 1; c >= 0; c--)
        if (strcmp(names[c], natural[c]) != 0) {
            moved++;
            first = c;
        }
    if (moved == 0)
        return IGD_OK;
    return igd_notes_add(
        &s->notes, IGD_NOTE_CLASS_ORDER,
        "%s with numbers in their names are taken in byte order, as torchvision does: "
        "%.80s is class %lld, not %.80s, and %lld of %lld classes have another number "
        "than in the "
        "order of numbers; --class-order numeric takes that",
        what, names[first], (long long)first, natural[first], (long long)moved,
        (long long)num);
}

igd_status igd_class_order(igd_source *s, char **names, int64_t num, const char *what,
                           const char *path)
{
    const size_t size = (size_t)num * sizeof(*names);
    if (s->numeric_order && !has_digits(names, num))
        return igd_error(IGD_EINVAL,
                         "%s: %s are not named by numbers, so they have no numeric order",
                         path, what);
    char **natural = malloc(size + 1);
    if (natural == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for its classes", path);
    memcpy(natural, names, size);
    qsort(natural, (size_t)num, sizeof(*natural), by_natural);
    igd_status st = refuse_twins(natural, num, what, path);
    if (st == IGD_OK && s->numeric_order)
        memcpy(names, natural, size);
    else if (st == IGD_OK)
        st = warn(s, names, natural, num, what);
    free(natural);
    return st;
}

igd_status igd_class_order_check_images(igd_source *s, const char *const *names)
{
    const char *instead, *first = igd_natural_first_moved(&instead, names, s->num);
    if (first == NULL)
        return IGD_OK;
    int64_t i = 0;
    while (names[i] != first)
        i++;
    return igd_notes_add(&s->notes, IGD_NOTE_CLASS_ORDER,
                         "labels without names are taken for the images in byte order of "
                         "their names: %.80s is image %lld, not %.80s; lines of name and "
                         "label say which is whose",
                         first, (long long)i, instead);
}
