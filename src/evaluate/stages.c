// Owns which images are in play, and when there are enough.
#include "evaluate/stages.h"

#include <math.h>
#include <stdlib.h>

#include "core/error.h"
#include "data/dataset_impl.h"
#include "evaluate/cascade.h"
#include "evaluate/planted.h"
#include "result/anytime.h"
#include "result/provenance.h"

#define FIRST_STAGE 16 // images; each stage doubles their number, up to a batch more

igd_status igd_stages_check(const igd_evaluate_options *o)
{
    const bool random = o->order == IGD_ORDER_RANDOM;
    if (!(o->budget_seconds >= 0.0) || o->budget_images < 0)
        return igd_error(IGD_EINVAL, "a budget of %g seconds and %lld images",
                         o->budget_seconds, (long long)o->budget_images);
    if (!(o->until_width >= 0.0 && o->until_width < 1.0))
        return igd_error(IGD_EINVAL, "the width to stop at is %g, outside 0 to 1",
                         o->until_width);
    if (!random && (o->budget_seconds > 0.0 || o->budget_images > 0 ||
                    o->until_width > 0.0 || o->until_difference != NULL))
        return igd_error(IGD_EINVAL, "an evaluation that may stop early takes images in "
                                     "random order: the data's first are no sample");
    if (random && o->save_adversarial != NULL)
        return igd_error(IGD_EINVAL, "adversarial images are saved in the data's order, "
                                     "not in random order");
    if (random && o->smaller != NULL)
        return igd_error(IGD_EINVAL, "a result at a smaller eps is of no use in random "
                                     "order");
    return IGD_OK;
}

igd_status igd_stages_order(igd_session *s)
{
    int64_t *rows = NULL, *index = NULL;
    igd_status st = IGD_OK;

    if (s->options->order != IGD_ORDER_RANDOM)
        return IGD_OK;
    rows = malloc((size_t)s->n * sizeof(*rows));
    index = malloc((size_t)s->n * sizeof(*index));
    s->row_of = malloc((size_t)s->n * sizeof(*s->row_of));
    if (rows == NULL || index == NULL || s->row_of == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory to order %lld images", (long long)s->n);
        goto done;
    }
    for (int64_t i = 0; i < s->n; i++)
        index[i] = igd_dataset_index(s->data, i);
    if ((st = igd_anytime_order(rows, index, s->n, s->options->seed)) != IGD_OK ||
        (st = igd_dataset_take(&s->reordered, s->data, rows, s->n)) != IGD_OK)
        goto done;
    s->data = s->reordered;
    for (int64_t i = 0; i < s->n; i++)
        s->row_of[rows[i]] = i;

done:
    free(rows);
    free(index);
    return st;
}

int64_t igd_stages_finished(const igd_session *s)
{
    for (int64_t i = 0; i < s->n; i++)
        for (int c = 0; c < s->plan->num_steps; c++)
            if (igd_flags_column(&s->state.flags, c)[i] == IGD_TODO)
                return i;
    return s->n;
}

// Whether image i is right under all attacks of the list.
static bool withstands(const igd_flags *t, int num_columns, int64_t i, igd_protocol p)
{
    int columns[IGD_MAX_STEPS];
    for (int c = 1; c < num_columns; c++)
        columns[c - 1] = c;
    return igd_flags_survives(t, columns, num_columns - 1, i, p);
}

static igd_interval worst_case(const igd_session *s, int64_t n)
{
    int64_t hits = 0;
    for (int64_t i = 0; i < n; i++)
        hits += withstands(&s->state.flags, s->plan->num_main, i, IGD_ONE_SHOT);
    return igd_anytime_of(hits, n, s->n);
}

// --- against another result

typedef struct place {
    int64_t index, row;
} place;

static int by_index(const void *a, const void *b)
{
    const place *p = a, *q = b;
    return (p->index > q->index) - (p->index < q->index);
}

// Counts the images that only this and that only the other classifier withstands, among
// the first n.
static igd_status compare(const igd_session *s, int64_t n, int64_t *won, int64_t *lost)
{
    const igd_flags *own = &s->state.flags, *other = &s->options->until_difference->flags;
    place *places = malloc((size_t)other->num_images * sizeof(*places));
    igd_status st = IGD_OK;

    *won = *lost = 0;
    if (places == NULL)
        return igd_error(IGD_ENOMEM, "no memory to compare %lld images", (long long)n);
    for (int64_t i = 0; i < other->num_images; i++)
        places[i] = (place){other->index[i], i};
    qsort(places, (size_t)other->num_images, sizeof(*places), by_index);
    for (int64_t i = 0; i < n && st == IGD_OK; i++) {
        const place key = {own->index[i], i};
        const place *found =
            bsearch(&key, places, (size_t)other->num_images, sizeof(*places), by_index);
        if (found == NULL || other->label[found->row] != own->label[i]) {
            st = igd_error(IGD_EINVAL,
                           "the result to compare with is of other images: it has no "
                           "image %lld of class %d",
                           (long long)own->index[i], own->label[i]);
            break;
        }
        const bool here = withstands(own, s->plan->num_main, i, IGD_MAJORITY);
        const bool there =
            withstands(other, other->num_columns, found->row, IGD_MAJORITY);
        *won += here && !there;
        *lost += !here && there;
    }
    free(places);
    return st;
}

// All its images must be there, and it must be of the same threat, before hours of work.
static igd_status check_other(const igd_session *s)
{
    char difference[300];
    int64_t won, lost;
    const igd_result *other = s->options->until_difference;
    if (other == NULL)
        return IGD_OK;
    IGD_TRY(compare(s, s->n, &won, &lost));
    bool differ;
    IGD_TRY(igd_json_compare(&differ, difference, sizeof(difference),
                             cJSON_Duplicate(igd_get(other->provenance, "threat"), true),
                             igd_threat_json(&s->options->threat)));
    return differ ? igd_error(IGD_EINVAL,
                              "the result to compare with is of another threat: %s",
                              difference)
                  : IGD_OK;
}

// --- stages

static int64_t stage_end(const igd_session *s, int64_t begin)
{
    const int64_t batch = s->options->batch_size;
    const int64_t more = begin == 0 ? FIRST_STAGE : begin;
    const int64_t end = begin + (more < batch ? more : batch);
    const int64_t budget = s->options->budget_images;
    const int64_t all = budget > 0 && budget < s->n ? budget : s->n;
    return end < all ? end : all;
}

igd_status igd_stages_clean(igd_session *s)
{
    IGD_TRY(igd_cascade_clean(s));
    const int64_t bad = s->state.costs[0].bad;
    return bad == 0 || s->options->allow_nonfinite
               ? IGD_OK
               : igd_error(IGD_EINVAL,
                           "%lld of %lld images have clean logits that are NaN or "
                           "infinite; option allow_nonfinite counts them as wrong",
                           (long long)bad, (long long)s->past);
}

static igd_status stage(igd_session *s, bool first)
{
    IGD_TRY(igd_stages_clean(s));
    if (first && s->options->checks)
        IGD_TRY(igd_planted_test(&s->planted, s));
    return igd_cascade_attacks(s);
}

// Says what is known so far and, where that is enough, why nothing more is needed.
static igd_status look(igd_session *s)
{
    const igd_evaluate_options *o = s->options;
    const int64_t n = s->past;
    int64_t won, lost;
    const igd_interval v = worst_case(s, n);
    igd_session_tell(s, "%lld of %lld images: all listed attacks leave %.2f to %.2f %%",
                     (long long)n, (long long)s->n, 100.0 * v.low, 100.0 * v.high);
    if (n == s->n)
        return IGD_OK;
    if (o->until_width > 0.0 && v.high - v.low <= o->until_width)
        s->stop = IGD_STOP_WIDTH;
    if (o->until_difference != NULL) {
        IGD_TRY(compare(s, n, &won, &lost));
        const igd_interval d = igd_anytime_of_difference(won, lost, n);
        if (d.low > 0.0 || d.high < 0.0)
            s->stop = IGD_STOP_DIFFERENCE;
    }
    if (s->stop == IGD_STOP_NONE && o->budget_images > 0 && n >= o->budget_images)
        s->stop = IGD_STOP_BUDGET;
    return IGD_OK;
}

static igd_status in_random_order(igd_session *s)
{
    IGD_TRY(check_other(s));
    for (int64_t begin = 0; begin < s->n && s->stop == IGD_STOP_NONE; begin = s->past) {
        s->past = stage_end(s, begin);
        // The first is gone through in every sitting, for what is not in the state.
        if (begin == 0 || igd_stages_finished(s) < s->past)
            IGD_TRY(stage(s, begin == 0));
        IGD_TRY(look(s));
    }
    return IGD_OK;
}

igd_status igd_stages_run(igd_session *s)
{
    s->past = s->n;
    if (s->options->order != IGD_ORDER_RANDOM)
        return stage(s, true);
    const igd_status st = in_random_order(s);
    if (st != IGD_ECANCELED)
        return st;
    s->ending = true;
    IGD_TRY(igd_session_save(s));
    if (igd_stages_finished(s) > 0)
        return IGD_OK;
    return s->stop == IGD_STOP_INTERRUPTED
               ? igd_error(IGD_ECANCELED, "interrupted")
               : igd_error(IGD_EINVAL,
                           "the budget of %g seconds ended before any "
                           "image was finished; more of it goes on",
                           s->options->budget_seconds);
}

// --- the end

igd_status igd_stages_flags(igd_flags *out, const igd_session *s)
{
    const igd_flags *t = &s->state.flags;
    int64_t *rows = malloc((size_t)s->n * sizeof(*rows)), num = 0;
    if (rows == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the flags of %lld images",
                         (long long)s->n);
    for (int64_t i = 0; i < t->num_images; i++) {
        const int64_t row = s->row_of != NULL ? s->row_of[i] : i;
        if (row < s->n)
            rows[num++] = row;
    }
    const igd_status st = igd_flags_take(out, t, rows, num, s->plan->num_main);
    free(rows);
    return st;
}

igd_status igd_stages_describe(igd_result *r, const igd_session *s)
{
    if (s->options->order != IGD_ORDER_RANDOM)
        return IGD_OK;
    r->planned = s->state.flags.num_images;
    r->stop = s->stop;
    r->compared = s->options->until_difference != NULL;
    cJSON *data = cJSON_GetObjectItemCaseSensitive(r->provenance, "data");
    cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(data, "count"), (double)s->n);
    return r->compared ? compare(s, s->n, &r->won, &r->lost) : IGD_OK;
}
