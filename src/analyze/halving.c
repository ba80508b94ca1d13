// Owns successive halving and the choice of a setting.
#include "analyze/halving.h"

#include <stdlib.h>

#include "core/error.h"
#include "result/mcnemar.h"

typedef struct key {
    bool may_be_within;
    double first, second; // of gain and lower end
    int64_t clean;
    int place;
} key;

double igd_halving_level(int num)
{
    return 1.0 - (1.0 - IGD_INTERVAL_LEVEL) / (double)num;
}

igd_interval igd_tally_gain(const igd_tally *t, double level)
{
    return igd_paired_interval(t->n, t->lost, t->won, level);
}

bool igd_tally_is_within(const igd_tally *t, double budget)
{
    const double lost = (double)(t->clean_lost - t->clean_won);
    return lost <= budget * (double)t->n + 1e-9;
}

// Few images cannot tell a small loss from none.
static bool may_be_within(const igd_tally *t, double budget)
{
    const igd_interval lost =
        igd_paired_interval(t->n, t->clean_won, t->clean_lost, IGD_INTERVAL_LEVEL);
    return igd_tally_is_within(t, budget) || lost.low <= budget;
}

int igd_halving_survivors(int alive)
{
    const int half = (alive + 1) / 2;
    return half > IGD_FINALISTS ? half : alive < IGD_FINALISTS ? alive : IGD_FINALISTS;
}

int64_t igd_halving_images(int64_t before, int survivors, int64_t all)
{
    return survivors <= IGD_FINALISTS || before > all / 2 ? all : 2 * before;
}

static key key_of(const igd_halving *h, int place, igd_sort_by by)
{
    const igd_tally *t = &h->tally[place];
    const double gain = (double)(t->won - t->lost) / (double)t->n;
    const double low = igd_tally_gain(t, igd_halving_level(h->num)).low;
    return (key){.may_be_within = may_be_within(t, h->budget),
                 .first = by == IGD_BY_GAIN ? gain : low,
                 .second = by == IGD_BY_GAIN ? low : gain,
                 .clean = t->clean,
                 .place = place};
}

static int better_first(const void *a, const void *b)
{
    const key *x = a, *y = b;
    if (x->may_be_within != y->may_be_within)
        return x->may_be_within ? -1 : 1;
    if (x->first != y->first)
        return x->first > y->first ? -1 : 1;
    if (x->second != y->second)
        return x->second > y->second ? -1 : 1;
    if (x->clean != y->clean)
        return x->clean > y->clean ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

igd_status igd_halving_sort(int *alive, int num, const igd_halving *h, igd_sort_by by)
{
    key *keys = malloc((size_t)num * sizeof(*keys));
    if (keys == NULL)
        return igd_error(IGD_ENOMEM, "no memory to sort %d settings", num);
    for (int k = 0; k < num; k++)
        keys[k] = key_of(h, alive[k], by);
    qsort(keys, (size_t)num, sizeof(*keys), better_first);
    for (int k = 0; k < num; k++)
        alive[k] = keys[k].place;
    free(keys);
    return IGD_OK;
}

int igd_halving_choose(const int *alive, int num, const igd_halving *h)
{
    for (int k = 0; k < num; k++)
        if (igd_tally_is_within(&h->tally[alive[k]], h->budget))
            return alive[k];
    return -1;
}
