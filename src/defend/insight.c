// Owns what a defended prediction knows beside its logits: a classifier whose row of
// logits is all of it, taken apart.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/logits.h"
#include "core/options.h"
#include "core/require.h"
#include "cut.h"
#include "defend/defense_kind.h"

static igd_tensor *parts(igd_scope *s, const void *self, const igd_tensor *x,
                         const igd_draw *draws)
{
    return igt_masked_parts(s, self, x, draws);
}

static void copy(float *to, int64_t i, const float *from, int64_t length)
{
    if (to != NULL)
        memcpy(to + i * length, from, (size_t)length * sizeof(*to));
}

static void count(float *fraction, int64_t i, bool agrees, int j, int num_draws)
{
    if (fraction == NULL)
        return;
    if (j == 0)
        fraction[i] = 0.0f;
    fraction[i] += agrees ? 1.0f : 0.0f;
    if (j == num_draws - 1)
        fraction[i] /= (float)num_draws;
}

// Takes rows [n, 3 C + K] of draw j apart.
static void take(float *logits, const igd_insight *to, const float *rows, int64_t n,
                 int64_t C, int64_t K, int j)
{
    for (int64_t i = 0; i < n; i++) {
        const float *first = rows + i * (3 * C + K), *pseudo = first + C;
        const float *second = pseudo + C, *mask = second + C;
        if (j == 0) {
            copy(logits, i, second, C);
            copy(to->first_logits, i, first, C);
            copy(to->pseudo, i, pseudo, C);
            copy(to->mask, i, mask, K);
        }
        const int named = igd_argmax(second, (int)C);
        count(to->passes_agree, i, igd_argmax(first, (int)C) == named, j, to->num_draws);
        count(to->draws_agree, i, igd_argmax(logits + i * C, (int)C) == named, j,
              to->num_draws);
    }
}

igd_status igd_defense_explain(float *logits, const igd_insight *insight,
                               const igd_defense *d, const float *images,
                               const int64_t *indices, int64_t n)
{
    IGD_REQUIRE(insight);
    IGD_REQUIRE(d);
    IGD_OPTIONS(igd_insight, to, insight);
    if (!igd_defense_has_pseudo_label(d))
        return igd_error(IGD_EINVAL,
                         "a defense without a pseudo-label knows no more than "
                         "its logits");
    if (to.num_draws < 1)
        return igd_error(IGD_EINVAL, "%d draws", to.num_draws);
    const int64_t C = d->f->num_classes, K = igd_cut_num_neurons(igd_defense_cut(d));
    const int64_t width = 3 * C + K;
    if (n < 0 || width > INT_MAX || n > INT64_MAX / (int64_t)sizeof(float) / width)
        return igd_error(IGD_EINVAL, "cannot predict %lld images", (long long)n);
    if (n == 0)
        return IGD_OK;
    IGD_REQUIRE(logits);
    IGD_REQUIRE(images);
    igd_classifier f = igd_classifier_alone(d->f);
    f.self = d;
    f.logits = parts;
    f.num_classes = (int)width;
    const float *taken = NULL;
    float *owned = NULL;
    float *rows = malloc((size_t)(n * width) * sizeof(*rows));
    igd_draw *draws = malloc((size_t)n * sizeof(*draws));
    igd_status st = rows == NULL || draws == NULL
                        ? igd_error(IGD_ENOMEM, "no memory for %lld images", (long long)n)
                        : igd_check_or_clamp(&taken, &owned, d->f, images, n);
    for (int j = 0; j < to.num_draws && st == IGD_OK; j++) {
        st = igd_defense_draws(draws, indices, n);
        for (int64_t i = 0; i < n && indices != NULL; i++)
            draws[i].draw = (uint64_t)j;
        if (st == IGD_OK)
            st = igd_classifier_logits(rows, &f, taken, n, draws);
        if (st == IGD_OK)
            take(logits, &to, rows, n, C, K, j);
    }
    free(owned);
    free(draws);
    free(rows);
    return st;
}
