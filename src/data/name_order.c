// Owns the comparison of two lists of class names.
#include "data/name_order.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "data/dataset_impl.h"
#include "data/label_text.h"

#define MOST_SHOWN 60

// A name without the space around it.
typedef struct span {
    const char *text;
    size_t length;
} span;

static span trim(const char *text)
{
    static const char space[] = " \t\r\n";
    text += strspn(text, space);
    size_t length = strlen(text);
    while (length > 0 && strchr(space, text[length - 1]) != NULL)
        length--;
    return (span){text, length};
}

static int by_text(const void *a, const void *b)
{
    const span *p = a, *q = b;
    const size_t shared = p->length < q->length ? p->length : q->length;
    const int order = memcmp(p->text, q->text, shared);
    return order != 0 ? order : (p->length > q->length) - (p->length < q->length);
}

// Bytes of a name that a message has.
static int shown(span name)
{
    return name.length < MOST_SHOWN ? (int)name.length : MOST_SHOWN;
}

// The first class of another name; `num` where there is none.
static int64_t first_other(const span *a, const span *b, int64_t num)
{
    int64_t c = 0;
    while (c < num && by_text(&a[c], &b[c]) == 0)
        c++;
    return c;
}

// Whether a name says which class it is, beside its place.
static bool is_name(const char *text)
{
    int32_t number;
    return igd_label_read(&number, text) == IGD_LABEL_NAME;
}

igd_status igd_class_names_check(const igd_class_names *a, const igd_class_names *b,
                                 const char *remedy)
{
    const int64_t num = a->num;
    if (num < 2 || b->num != num)
        return IGD_OK;
    span *of_a = malloc(2 * (size_t)num * sizeof(*of_a)), *of_b = of_a + num;
    if (of_a == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %lld class names", (long long)num);
    for (int64_t c = 0; c < num; c++) {
        of_a[c] = trim(a->name[c]);
        of_b[c] = trim(b->name[c]);
    }
    const int64_t at = first_other(of_a, of_b, num);
    bool same = at < num && is_name(a->name[at]) && is_name(b->name[at]);
    if (same) {
        qsort(of_a, (size_t)num, sizeof(*of_a), by_text);
        qsort(of_b, (size_t)num, sizeof(*of_b), by_text);
        same = first_other(of_a, of_b, num) == num;
    }
    free(of_a);
    if (!same)
        return IGD_OK;
    const span x = trim(a->name[at]), y = trim(b->name[at]);
    return igd_error(IGD_EINVAL,
                     "%s: class %lld is \"%.*s\", but \"%.*s\" in %s, which has the "
                     "same names in another order; %s",
                     a->of, (long long)at, shown(x), x.text, shown(y), y.text, b->of,
                     remedy);
}

igd_class_names igd_dataset_class_names(const igd_dataset *d)
{
    const igd_source *s = &d->source;
    return (igd_class_names){.of = s->mapped         ? s->map_path
                                   : s->path != NULL ? s->path
                                                     : "images",
                             .name = (const char *const *)s->classes.line,
                             .num = s->classes.num};
}
