// Owns the images in work.
#include "evaluate/feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

igd_status igd_feed_init(igd_feed *feed, igd_session *s, const igd_classifier *f,
                         const int64_t *rows, int64_t num)
{
    const size_t batch = (size_t)s->batch_size, room = 2 * batch;
    const size_t bytes = (size_t)s->d * sizeof(float);

    *feed = (igd_feed){.session = s,
                       .f = f,
                       .known = f == s->views->base ? s->base_clean : s->judged_clean,
                       .capacity = (int)room};
    feed->x = malloc(room * bytes);
    feed->row = malloc(room * sizeof(*feed->row));
    feed->handed = calloc(room, sizeof(*feed->handed));
    if (feed->x == NULL || feed->row == NULL || feed->handed == NULL) {
        igd_feed_free(feed);
        return igd_error(IGD_ENOMEM, "no memory for %zu images", room);
    }
    for (size_t k = 0; k < room; k++)
        feed->row[k] = -1;
    return igd_loader_open(&feed->loader, s->data, rows, num, s->batch_size);
}

void igd_feed_free(igd_feed *feed)
{
    igd_loader_free(feed->loader);
    free(feed->x);
    free(feed->row);
    free(feed->handed);
    *feed = (igd_feed){0};
}

static float *place(const igd_feed *feed, int k)
{
    return feed->x + (size_t)k * (size_t)feed->session->d;
}

// Takes the next batch over. There is room: at most a batch is out, and none waits.
static igd_status take_batch(igd_feed *feed)
{
    igd_session *s = feed->session;
    const size_t d = (size_t)s->d;
    igd_batch batch;
    int64_t taken = 0;

    IGD_TRY(igd_loader_next(feed->loader, &batch));
    feed->dry = batch.n == 0;
    if (feed->dry)
        return IGD_OK;
    IGD_TRY(
        igd_session_clean(s, feed->f, feed->known, batch.which, batch.n, batch.images));
    for (int k = 0; k < feed->capacity && taken < batch.n; k++)
        if (feed->row[k] < 0) {
            memcpy(place(feed, k), batch.images + (size_t)taken * d, d * sizeof(float));
            feed->row[k] = batch.which[taken++];
            feed->handed[k] = false;
        }
    assert(taken == batch.n);
    return IGD_OK;
}

// The waiting image that comes first; -1 for none.
static int first_waiting(const igd_feed *feed)
{
    int best = -1;
    for (int k = 0; k < feed->capacity; k++)
        if (feed->row[k] >= 0 && !feed->handed[k] &&
            (best < 0 || feed->row[k] < feed->row[best]))
            best = k;
    return best;
}

igd_status igd_feed_next(igd_feed *feed, igd_target *out)
{
    const igd_session *s = feed->session;
    const igd_flags *t = &s->state.flags;

    out->x = NULL;
    int k = first_waiting(feed);
    if (k < 0 && !feed->dry) {
        IGD_TRY(take_batch(feed));
        k = first_waiting(feed);
    }
    if (k < 0)
        return IGD_OK;
    const int64_t row = feed->row[k];
    feed->handed[k] = true;
    *out = (igd_target){.image = t->index[row],
                        .label = t->label[row],
                        .x = place(feed, k),
                        .clean = feed->known + (size_t)row * (size_t)s->C};
    return IGD_OK;
}

int64_t igd_feed_return(igd_feed *feed, int64_t image, const float **x)
{
    const int64_t *index = feed->session->state.flags.index;
    int k = 0;
    while (k < feed->capacity &&
           !(feed->row[k] >= 0 && feed->handed[k] && index[feed->row[k]] == image))
        k++;
    assert(k < feed->capacity); // an attack returns only what it was handed
    const int64_t row = feed->row[k];
    feed->row[k] = -1;
    *x = place(feed, k);
    return row;
}
