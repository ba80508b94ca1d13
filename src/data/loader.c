// Owns the thread that decodes ahead.
#include "data/loader.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

#define NUM_SLOTS 2 // one the caller's, one the thread's
#define MESSAGE_SIZE 1024

typedef struct slot {
    float *images; // owned; [batch_size, C, H, W]
    int *labels;   // owned; [batch_size]
    igd_status status;
    char message[MESSAGE_SIZE]; // igd_error_message() of the thread
} slot;

struct igd_loader {
    const igd_dataset *dataset;
    int64_t *which; // owned; [num]
    int64_t num;
    int batch_size;
    int64_t num_batches;
    slot slots[NUM_SLOTS]; // batch b lies in slot b % NUM_SLOTS
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; // of what follows
    pthread_cond_t changed;
    int64_t filled;   // batches that the thread has finished
    int64_t released; // batches that the caller has left
    bool stop;

    int64_t taken; // batches that the caller was given; its own
};

static int64_t length_of(const igd_loader *l, int64_t batch)
{
    const int64_t left = l->num - batch * l->batch_size;
    return left < l->batch_size ? left : l->batch_size;
}

static void fill(igd_loader *l, int64_t batch)
{
    slot *s = &l->slots[batch % NUM_SLOTS];
    const int64_t *which = l->which + batch * l->batch_size;
    const int64_t n = length_of(l, batch);
    s->status = igd_dataset_read(l->dataset, s->images, which, n);
    if (s->status != IGD_OK)
        snprintf(s->message, sizeof(s->message), "%s", igd_error_message());
    for (int64_t j = 0; j < n && s->status == IGD_OK; j++)
        s->labels[j] = igd_dataset_label(l->dataset, which[j]);
}

static void *work(void *payload)
{
    igd_loader *l = payload;
    bool failed = false;
    for (int64_t batch = 0; batch < l->num_batches && !failed; batch++) {
        pthread_mutex_lock(&l->lock);
        while (!l->stop && batch - l->released >= NUM_SLOTS)
            pthread_cond_wait(&l->changed, &l->lock);
        const bool stop = l->stop;
        pthread_mutex_unlock(&l->lock);
        if (stop)
            break;
        fill(l, batch);
        failed = l->slots[batch % NUM_SLOTS].status != IGD_OK;
        pthread_mutex_lock(&l->lock);
        l->filled++;
        pthread_cond_broadcast(&l->changed);
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

static igd_status allocate(igd_loader *l, const int64_t *which)
{
    const int64_t *shape = igd_dataset_shape(l->dataset);
    const int64_t size = shape[0] * shape[1] * shape[2];
    const int64_t longest = l->num < l->batch_size ? l->num : l->batch_size;
    bool good = longest <= INT64_MAX / (int64_t)sizeof(float) / size;

    l->which = malloc(((size_t)l->num + 1) * sizeof(*l->which));
    good = good && l->which != NULL;
    for (int i = 0; i < NUM_SLOTS && good; i++) {
        l->slots[i].images =
            malloc((size_t)longest * (size_t)size * sizeof(*l->slots[i].images) + 1);
        l->slots[i].labels = malloc((size_t)longest * sizeof(*l->slots[i].labels) + 1);
        good = l->slots[i].images != NULL && l->slots[i].labels != NULL;
    }
    if (!good)
        return igd_error(IGD_ENOMEM, "no memory for batches of %d images", l->batch_size);
    for (int64_t i = 0; i < l->num; i++)
        l->which[i] = which != NULL ? which[i] : i;
    return IGD_OK;
}

igd_status igd_loader_open(igd_loader **out, const igd_dataset *d, const int64_t *which,
                           int64_t num, int batch_size)
{
    igd_loader *l = NULL;
    igd_status st = IGD_OK;

    *out = NULL;
    if (batch_size < 1)
        return igd_error(IGD_EINVAL, "batches of %d images", batch_size);
    l = calloc(1, sizeof(*l));
    if (l == NULL)
        return igd_error(IGD_ENOMEM, "no memory to load images");
    l->dataset = d;
    l->num = num;
    l->batch_size = batch_size;
    l->num_batches = (num + batch_size - 1) / batch_size;
    pthread_mutex_init(&l->lock, NULL); // neither fails on Linux
    pthread_cond_init(&l->changed, NULL);
    st = allocate(l, which);
    if (st != IGD_OK)
        goto done;
    const int rc = pthread_create(&l->thread, NULL, work, l);
    if (rc != 0) {
        st = igd_error(IGD_ENOMEM, "cannot start a thread: %s", strerror(rc));
        goto done;
    }
    l->running = true;
    *out = l;
    l = NULL;

done:
    igd_loader_free(l);
    return st;
}

igd_status igd_loader_next(igd_loader *l, igd_batch *out)
{
    const int64_t batch = l->taken;
    *out = (igd_batch){0};
    if (batch == l->num_batches)
        return IGD_OK;
    pthread_mutex_lock(&l->lock);
    l->released = batch;
    pthread_cond_broadcast(&l->changed);
    while (l->filled <= batch)
        pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
    const slot *s = &l->slots[batch % NUM_SLOTS];
    if (s->status != IGD_OK)
        return igd_error(s->status, "%s", s->message);
    l->taken++;
    *out = (igd_batch){.n = length_of(l, batch),
                       .which = l->which + batch * l->batch_size,
                       .labels = s->labels,
                       .images = s->images};
    return IGD_OK;
}

void igd_loader_free(igd_loader *l)
{
    if (l == NULL)
        return;
    if (l->running) {
        pthread_mutex_lock(&l->lock);
        l->stop = true;
        pthread_cond_broadcast(&l->changed);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    for (int i = 0; i < NUM_SLOTS; i++) {
        free(l->slots[i].images);
        free(l->slots[i].labels);
    }
    free(l->which);
    free(l);
}
