// Threads that each compute a part of a batch by themselves.
//
// libtorch can share one operation among threads, but the operations of small models are
// too short for that: a batch is done sooner when every thread takes some of its images
// through the whole model.
#ifndef IGD_ENGINE_WORKERS_H
#define IGD_ENGINE_WORKERS_H

#include "igdef/status.h"

typedef struct igd_workers igd_workers;

// A part of the work; returns a failure with a message.
typedef igd_status (*igd_part_fn)(void *payload, int part);

// Starts as many threads as libtorch may use. While they exist, OpenBLAS computes with
// one thread a call. *out is owned, igd_workers_free().
igd_status igd_workers_start(igd_workers **out);

int igd_workers_num(const igd_workers *w);

// Does the parts 0 .. num_parts-1, at most one a thread, and returns when all are done;
// of several failures that of the lowest part. A single part is done by the caller, with
// all of libtorch's threads, if `w` is NULL.
igd_status igd_workers_run(igd_workers *w, int num_parts, igd_part_fn f, void *payload);

// The same in two steps: the caller does something else until it waits. Each begin needs
// its wait before the next.
void igd_workers_begin(igd_workers *w, int num_parts, igd_part_fn f, void *payload);
igd_status igd_workers_wait(igd_workers *w);

void igd_workers_free(igd_workers *w); // NULL is fine

#endif
