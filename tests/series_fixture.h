// A small network, its ranking and images, for the tests of series of evaluations.
#ifndef IGD_TEST_SERIES_FIXTURE_H
#define IGD_TEST_SERIES_FIXTURE_H

#include "fixture.h"

#include <cjson/cJSON.h>

#include "core/file.h"
#include "core/random.h"
#include "igdef/sweep.h"
#include "rank/ranking_impl.h"
#include "result/result_impl.h"

#define N 24
#define C 5
#define K 12
#define D (1 * 8 * 8)

static struct {
    igd_model *base;
    igd_ranking *ranking;
    igd_dataset *data;
} world;

static inline int world_make(void **state)
{
    static const char source[] =
        "def forward(self, x):\n"
        "    h = torch.linear(16.0 * (x.flatten(1) - 0.5), self.w1, self.b1)\n"
        "    return torch.linear(torch.relu(h), self.w2, self.b2)\n";
    static const char *const names[] = {"w1", "b1", "w2", "b2"};
    static const int64_t shapes[][6] = {{K, D}, {K}, {C, K}, {C}};
    const int64_t shape[3] = {1, 8, 8};
    static float x[N * D], z[N * C], score[C * K];
    int32_t label[N];
    const igd_stream a = igd_stream_make(3, "test", 0, 0),
                     b = igd_stream_make(2, "test", 0, 0);
    (void)state;
    igd_random_uniform(score, C * K, &a);
    igd_random_uniform(x, N * D, &b);
    assert_ok(igd_model_load(
        &world.base, fixture_model("sweep.pt", source, names, shapes, 4), shape, NULL));
    assert_ok(igd_ranking_make(&world.ranking, "loir", "penultimate",
                               igd_model_sha256(world.base), C, K, score, 10, NULL,
                               cJSON_CreateObject()));
    assert_ok(igd_model_predict(z, world.base, x, N));
    for (int i = 0; i < N; i++) {
        label[i] = 0;
        for (int c = 1; c < C; c++)
            if (z[i * C + c] > z[i * C + label[i]])
                label[i] = c;
        if (i % 8 == 7) // some are wrong when clean
            label[i] = (label[i] + 1) % C;
    }
    assert_ok(igd_dataset_from_floats(&world.data, x, label, N, shape, C));
    return 0;
}

static inline int world_free(void **state)
{
    (void)state;
    igd_dataset_free(world.data);
    igd_ranking_free(world.ranking);
    igd_model_free(world.base);
    return 0;
}

// Options, with a folder of that name.
static inline igd_series_options options(const char *attacks, const char *set,
                                         const char *folder)
{
    static char folders[16][256], caches[16][264];
    static int next = 0;
    igd_series_options o = igd_series_options_default();
    o.evaluate.attacks = attacks;
    o.evaluate.set = set;
    o.evaluate.threat.eps = 0.03;
    o.evaluate.batch_size = 8;
    o.evaluate.num_draws = 3;
    o.evaluate.checks = false;
    o.evaluate.bounds = false;
    o.defense.sigma = 0.02;
    o.defense.keep = 6;
    if (folder != NULL) {
        snprintf(folders[next], sizeof(folders[0]), "%s", fixture_path(folder));
        snprintf(caches[next], sizeof(caches[0]), "%s-cache", folders[next]);
        o.folder = folders[next];
        o.evaluate.cache = caches[next];
        next = (next + 1) % 16;
    }
    return o;
}

static inline double number(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(o, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static inline igd_result *load(const char *folder, const char *name)
{
    igd_result *r = NULL;
    char *path = igd_path_join(folder, name);
    assert_ok(igd_result_load(&r, path));
    free(path);
    return r;
}

static inline void assert_same_flags(const igd_result *a, const igd_result *b)
{
    assert_int_equal(a->flags.num_columns, b->flags.num_columns);
    const size_t cells = (size_t)a->flags.num_images * (size_t)a->flags.num_columns;
    assert_memory_equal(a->flags.status, b->flags.status, cells);
    assert_int_equal(a->flags.votes != NULL, b->flags.votes != NULL);
    if (a->flags.votes != NULL)
        assert_memory_equal(a->flags.votes, b->flags.votes, cells);
}

#endif
