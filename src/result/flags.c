// Owns the arrays of flags.
#include "result/flags.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

igd_status igd_flags_init(igd_flags *t, int64_t num_images, int num_columns,
                          int num_draws)
{
    const size_t n = (size_t)num_images, cells = n * (size_t)num_columns;

    *t = (igd_flags){
        .num_images = num_images, .num_columns = num_columns, .num_draws = num_draws};
    t->index = calloc(n, sizeof(*t->index));
    t->label = calloc(n, sizeof(*t->label));
    t->clean = calloc(n, sizeof(*t->clean));
    t->status = malloc(cells);
    t->bounds = calloc(n, 1);
    if (num_draws > 1)
        t->votes = calloc(cells, 1);
    if (t->index == NULL || t->label == NULL || t->clean == NULL || t->status == NULL ||
        t->bounds == NULL || (num_draws > 1 && t->votes == NULL)) {
        igd_flags_free(t);
        return igd_error(IGD_ENOMEM, "no memory for the flags of %lld images",
                         (long long)num_images);
    }
    memset(t->status, IGD_TODO, cells);
    for (size_t i = 0; i < n; i++)
        t->clean[i] = -1;
    return IGD_OK;
}

void igd_flags_free(igd_flags *t)
{
    free(t->index);
    free(t->label);
    free(t->clean);
    free(t->status);
    free(t->votes);
    free(t->bounds);
    *t = (igd_flags){0};
}

igd_status igd_flags_take(igd_flags *out, const igd_flags *t, const int64_t *rows,
                          int64_t num, int num_columns)
{
    const size_t n = (size_t)t->num_images;
    IGD_TRY(igd_flags_init(out, num, num_columns, t->num_draws));
    for (int64_t i = 0; i < num; i++) {
        out->index[i] = t->index[rows[i]];
        out->label[i] = t->label[rows[i]];
        out->clean[i] = t->clean[rows[i]];
        out->bounds[i] = t->bounds[rows[i]];
        for (int c = 0; c < num_columns; c++) {
            igd_flags_column(out, c)[i] = igd_flags_column(t, c)[rows[i]];
            if (t->votes != NULL)
                out->votes[(size_t)c * (size_t)num + (size_t)i] =
                    t->votes[(size_t)c * n + (size_t)rows[i]];
        }
    }
    return IGD_OK;
}

char *igd_flags_column(const igd_flags *t, int column)
{
    return t->status + (size_t)column * (size_t)t->num_images;
}

bool igd_flags_correct(const igd_flags *t, int column, int64_t i, igd_protocol p)
{
    const char letter = igd_flags_column(t, column)[i];
    if (letter != IGD_ROBUST && letter != IGD_FOOLED)
        return true;
    if (p == IGD_ONE_SHOT || t->votes == NULL)
        return letter == IGD_ROBUST;
    const int votes = t->votes[(size_t)column * (size_t)t->num_images + (size_t)i];
    return p == IGD_MAJORITY ? 2 * votes > t->num_draws : votes == t->num_draws;
}

bool igd_flags_survives(const igd_flags *t, const int *columns, int num, int64_t i,
                        igd_protocol p)
{
    if (!igd_flags_correct(t, 0, i, p))
        return false;
    for (int k = 0; k < num; k++)
        if (!igd_flags_correct(t, columns[k], i, p))
            return false;
    return true;
}
