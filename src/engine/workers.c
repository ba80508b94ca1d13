// Owns the threads. They take parts by their own number, wait on one condition, and leave
// their failures, whose text is theirs alone, for the caller to repeat.
#include "engine/workers.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "igdef/runtime.h"
#include "threads.h"

#define MESSAGE_SIZE 1024

typedef struct worker {
    igd_workers *all;
    int number;
    pthread_t thread;
    igd_status status; // of the part just done
    char message[MESSAGE_SIZE];
} worker;

struct igd_workers {
    int num;     // threads that run
    int threads; // libtorch's own number
    bool blas;   // whether OpenBLAS was told to compute alone
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    // Guarded by `lock`.
    unsigned long task; // counts calls of igd_workers_begin()
    int num_parts, to_do;
    bool stop;
    igd_part_fn f;
    void *payload;
    worker workers[];
};

static void *work(void *argument)
{
    worker *self = argument;
    igd_workers *w = self->all;
    unsigned long seen = 0;
    igd_status ready = igd_thread_compute_alone();

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->task == seen && !w->stop)
            pthread_cond_wait(&w->begin, &w->lock);
        if (w->stop)
            break;
        seen = w->task;
        if (self->number >= w->num_parts)
            continue;
        pthread_mutex_unlock(&w->lock);
        self->status = ready != IGD_OK ? ready : w->f(w->payload, self->number);
        if (self->status != IGD_OK)
            snprintf(self->message, sizeof(self->message), "%s", igd_error_message());
        pthread_mutex_lock(&w->lock);
        if (--w->to_do == 0)
            pthread_cond_signal(&w->end);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

igd_status igd_workers_start(igd_workers **out)
{
    const int num = igd_num_threads();
    sigset_t all, before;
    igd_workers *w = calloc(1, sizeof(*w) + (size_t)num * sizeof(worker));

    *out = NULL;
    if (w == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %d threads", num);
    w->threads = num;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->begin, NULL);
    pthread_cond_init(&w->end, NULL);
    // Signals are for the thread that knows what to do with them.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < num; i++) {
        worker *p = &w->workers[w->num];
        p->all = w;
        p->number = w->num;
        if (pthread_create(&p->thread, NULL, work, p) != 0)
            break; // fewer threads do the same work
        w->num++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    const igd_status st = w->num == 0 ? igd_error(IGD_ENOMEM, "no thread can be started")
                                      : igd_blas_alone_begin();
    w->blas = st == IGD_OK;
    if (st != IGD_OK) {
        igd_workers_free(w);
        return st;
    }
    *out = w;
    return IGD_OK;
}

int igd_workers_num(const igd_workers *w)
{
    return w->num;
}

void igd_workers_begin(igd_workers *w, int num_parts, igd_part_fn f, void *payload)
{
    assert(num_parts <= w->num);
    pthread_mutex_lock(&w->lock);
    assert(w->to_do == 0);
    w->f = f;
    w->payload = payload;
    w->num_parts = w->to_do = num_parts;
    w->task++;
    pthread_cond_broadcast(&w->begin);
    pthread_mutex_unlock(&w->lock);
}

igd_status igd_workers_wait(igd_workers *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->to_do > 0)
        pthread_cond_wait(&w->end, &w->lock);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->num_parts; i++)
        if (w->workers[i].status != IGD_OK)
            return igd_error(w->workers[i].status, "%s", w->workers[i].message);
    return IGD_OK;
}

igd_status igd_workers_run(igd_workers *w, int num_parts, igd_part_fn f, void *payload)
{
    if (w == NULL) {
        assert(num_parts == 1);
        return f(payload, 0);
    }
    igd_workers_begin(w, num_parts, f, payload);
    return igd_workers_wait(w);
}

void igd_workers_free(igd_workers *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->begin);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->num; i++)
        pthread_join(w->workers[i].thread, NULL);
    // Gives libtorch and OpenBLAS back what the threads took from them.
    igd_thread_give_back(w->threads);
    if (w->blas)
        igd_blas_alone_end();
    pthread_cond_destroy(&w->end);
    pthread_cond_destroy(&w->begin);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
