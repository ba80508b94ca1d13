// Owns the division of a data set among machines.
#include "core/error.h"
#include "core/require.h"
#include "data/dataset_impl.h"

// What an image costs that is attacked, in units of one that is only looked at.
#define COSTLY 64

static int64_t cost_of(const bool *cheap, int64_t i)
{
    return cheap != NULL && cheap[i] ? 1 : COSTLY;
}

// floor(total * index / of); total * index may be more than an int64_t holds.
static int64_t share(int64_t total, int64_t index, int64_t of)
{
    return total / of * index + total % of * index / of;
}

// Where part `index` begins: at the first image before which there is its share of the
// cost. Every part before it has an image, and so have those from it on.
static int64_t begin_of(const igd_dataset *d, int64_t index, int64_t of,
                        const bool *cheap)
{
    int64_t total = 0, spent = 0, i = 0, part = 1, begin = 0;
    if (index == 0 || index == of)
        return index == 0 ? 0 : d->size;
    for (int64_t k = 0; k < d->size; k++)
        total += cost_of(cheap, k);
    for (; part <= index; part++) {
        const int64_t least = begin + 1, most = d->size - (of - part);
        while (i < most && (i < least || spent < share(total, part, of)))
            spent += cost_of(cheap, i++);
        begin = i;
    }
    return begin;
}

igd_status igd_dataset_take_part(igd_dataset *d, int64_t index, int64_t of,
                                 const bool *cheap)
{
    IGD_REQUIRE(d);
    if (d->part.of > 0)
        return igd_error(IGD_EINVAL, "part %lld of %lld is to be divided once more",
                         (long long)d->part.index, (long long)d->part.of);
    if (index < 0 || of < 1 || index >= of)
        return igd_error(IGD_EINVAL, "part %lld of %lld: parts count from 0 to %lld",
                         (long long)index, (long long)of, (long long)of - 1);
    if (of > d->size)
        return igd_error(IGD_EINVAL, "%lld images cannot be divided into %lld parts",
                         (long long)d->size, (long long)of);
    IGD_TRY(igd_sha256_bytes(d->of, d->chosen, (size_t)d->size * sizeof(*d->chosen)));
    const int64_t begin = begin_of(d, index, of, cheap);
    const int64_t end = begin_of(d, index + 1, of, cheap);
    d->part = (igd_part){.index = index, .of = of, .first = begin, .whole = d->size};
    for (int64_t i = begin; i < end; i++)
        d->chosen[i - begin] = d->chosen[i];
    d->size = end - begin;
    return IGD_OK;
}

igd_part igd_dataset_part(const igd_dataset *d)
{
    return d != NULL ? d->part : (igd_part){0};
}
