// Owns the distance between names: optimal string alignment, letters without case.
#include "core/nearest.h"

#include <stddef.h>
#include <string.h>

#include "core/error.h"
#include "core/letters.h"

#define LONGEST 64 // letters; no name of igdef is longer

static int least(int a, int b)
{
    return a < b ? a : b;
}

// Rows of the usual table: `row` for a[..i], `above` for a[..i-1], `top` for a[..i-2].
static int distance(const char *a, const char *b)
{
    int rows[3][LONGEST + 1];
    int *top = rows[0], *above = rows[1], *row = rows[2];
    const int num_a = (int)strlen(a), num_b = (int)strlen(b);

    for (int j = 0; j <= num_b; j++)
        row[j] = j;
    for (int i = 1; i <= num_a; i++) {
        int *oldest = top;
        top = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (int j = 1; j <= num_b; j++) {
            const int same = igd_lower(a[i - 1]) == igd_lower(b[j - 1]);
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && igd_lower(a[i - 1]) == igd_lower(b[j - 2]) &&
                igd_lower(a[i - 2]) == igd_lower(b[j - 1]))
                row[j] = least(row[j], top[j - 2] + 1);
        }
    }
    return row[num_b];
}

const char *igd_nearest(const char *name, const char *const *names, int num)
{
    const char *best = NULL;
    int nearest = LONGEST + 1;
    if (strlen(name) > LONGEST)
        return NULL;
    for (int i = 0; i < num; i++) {
        if (strlen(names[i]) > LONGEST)
            continue;
        const int d = distance(name, names[i]);
        if (d < nearest && 3 * d <= (int)strlen(names[i])) {
            nearest = d;
            best = names[i];
        }
    }
    return best;
}

igd_status igd_unknown(const char *what, const char *name, const char *const *names,
                       int num)
{
    const char *near = igd_nearest(name, names, num);
    if (near != NULL)
        return igd_error(IGD_EINVAL, "no %s '%s'; did you mean '%s'?", what, name, near);
    return igd_error(IGD_EINVAL, "no %s '%s'", what, name);
}
