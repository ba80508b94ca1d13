// Owns the natural order of texts.
#include "core/natural.h"

#include <stddef.h>
#include <string.h>

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

// Compares the runs of digits at both, of any length, and steps behind them.
static int compare_runs(const char **a, const char **b)
{
    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    const size_t length = digits(*a), other = digits(*b);
    const int order =
        length != other ? (length < other ? -1 : 1) : strncmp(*a, *b, length);
    *a += length;
    *b += other;
    return order;
}

int igd_natural_compare(const char *a, const char *b)
{
    const char *p = a, *q = b;
    while (*p != '\0' && *q != '\0') {
        if (digits(p) > 0 && digits(q) > 0) {
            const int order = compare_runs(&p, &q);
            if (order != 0)
                return order;
        } else if (*p != *q) {
            break;
        } else {
            p++;
            q++;
        }
    }
    const int order = strcmp(p, q);
    return order != 0 ? order : strcmp(a, b);
}

const char *igd_natural_first_moved(const char **instead, const char *const *names,
                                    int64_t num)
{
    *instead = NULL;
    if (num < 1)
        return NULL;
    const char *first = NULL, *least = names[num - 1];
    for (int64_t i = num - 2; i >= 0; i--) {
        if (igd_natural_compare(names[i], least) > 0 && strcmp(names[i], least) < 0) {
            first = names[i];
            *instead = least;
        } else {
            least = names[i];
        }
    }
    return first;
}
