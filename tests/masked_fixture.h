// A small network, a ranking of its neurons and images, for the tests of masks.
#ifndef IGD_TEST_MASKED_FIXTURE_H
#define IGD_TEST_MASKED_FIXTURE_H

#include "export_fixture.h"

#include <cjson/cJSON.h>

#include "core/random.h"
#include "cut.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"

#define N 21 // not a multiple of the rows that batches are filled up to
#define C 5
#define K 12
#define D (3 * 8 * 8)

static const int64_t shape[3] = {3, 8, 8};

typedef struct world {
    igd_model *base;
    igd_ranking *ranking;
    float images[N * D];
    igd_draw draws[N];
} world;

static inline void world_make(world *w)
{
    float score[C * K];
    const igd_stream a = igd_stream_make(1, "test", 0, 0),
                     b = igd_stream_make(2, "test", 0, 0);
    igd_random_uniform(score, C * K, &a);
    igd_random_uniform(w->images, N * D, &b);
    for (int i = 0; i < N; i++)
        w->draws[i] = (igd_draw){.image = 100 + 3 * i, .draw = (uint64_t)(i % 4)};
    assert_ok(igd_model_load(&w->base, fixture_convnet("defense.pt", 3, K, C), shape,
                             fixture_invariant()));
    assert_ok(igd_ranking_make(&w->ranking, "loir", "penultimate",
                               igd_model_sha256(w->base), C, K, score, 10, NULL,
                               cJSON_CreateObject()));
}

static inline void world_free(world *w)
{
    igd_ranking_free(w->ranking);
    igd_model_free(w->base);
}

#endif
