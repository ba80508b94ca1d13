// Owns the way from --shard to the images of one part.
#include <stdlib.h>

#include "action.h"
#include "core.h"
#include "progress.h"

typedef struct clean_image {
    int64_t index;
    bool correct;
} clean_image;

static int by_index(const void *a, const void *b)
{
    const clean_image *p = a, *q = b;
    return (p->index > q->index) - (p->index < q->index);
}

// Which of the data's images a result has wrong; cheap [size].
static igd_status look_up(bool *cheap, const igd_dataset *data, const igd_result *r,
                          const char *path)
{
    const int64_t num = igd_result_num_images(r);
    clean_image *all = malloc((size_t)num * sizeof(*all));
    igd_status st = IGD_OK;
    if (all == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %lld images", path,
                         (long long)num);
    for (int64_t i = 0; i < num; i++) {
        const igd_image_result image = igd_result_image(r, i);
        all[i] = (clean_image){image.index, image.prediction == image.label};
    }
    qsort(all, (size_t)num, sizeof(*all), by_index);
    for (int64_t i = 0; i < igd_dataset_size(data) && st == IGD_OK; i++) {
        const clean_image wanted = {.index = igd_dataset_index(data, i)};
        const clean_image *found =
            bsearch(&wanted, all, (size_t)num, sizeof(*all), by_index);
        if (found == NULL)
            st = igd_error(IGD_EINVAL, "%s: says nothing of image %lld", path,
                           (long long)wanted.index);
        else
            cheap[i] = !found->correct;
    }
    free(all);
    return st;
}

// *out [size] is owned, NULL on failure.
static igd_status find_cheap(bool **out, const igd_dataset *data, const char *path)
{
    igd_result *r = NULL;
    igd_status st;
    *out = malloc((size_t)igd_dataset_size(data) * sizeof(**out));
    if (*out == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    if ((st = igd_result_load(&r, path)) == IGD_OK)
        st = look_up(*out, data, r, path);
    igd_result_free(r);
    if (st != IGD_OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}

igd_status action_take_part(igd_dataset *data, const shard_settings *s)
{
    const cli_shard *shard = &s->shard;
    bool *cheap = NULL;
    if (shard->num == 0)
        return IGD_OK;
    if (s->clean != NULL)
        IGD_TRY(find_cheap(&cheap, data, s->clean));
    const igd_status st = igd_dataset_take_part(data, shard->index, shard->num, cheap);
    free(cheap);
    if (st != IGD_OK)
        return st;
    const igd_part part = igd_dataset_part(data);
    progress_note("part %lld of %lld%s%s: %lld of %lld images, from place %lld on",
                  (long long)part.index, (long long)part.of,
                  shard->from[0] != '\0' ? ", as told by " : "", shard->from,
                  (long long)igd_dataset_size(data), (long long)part.whole,
                  (long long)part.first);
    return IGD_OK;
}

igd_status action_same_part(const igd_part *there, const igd_part *here, const char *path)
{
    if (there->of == 0)
        return igd_error(IGD_ESTATE, "%s: is no part; it is not overwritten", path);
    if (there->index != here->index || there->of != here->of ||
        there->whole != here->whole)
        return igd_error(
            IGD_ESTATE, "%s: part %lld of %lld, of %lld images; it is not overwritten",
            path, (long long)there->index, (long long)there->of, (long long)there->whole);
    return IGD_OK;
}
