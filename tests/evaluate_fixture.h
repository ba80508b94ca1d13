// A small classifier, what stands in for its defended form, and images, for the tests of
// evaluations.
#ifndef IGD_TEST_EVALUATE_FIXTURE_H
#define IGD_TEST_EVALUATE_FIXTURE_H

#include "attack_fixture.h"

#include "core/logits.h"
#include "evaluate/evaluate_impl.h"
#include "igdef/evaluate.h"
#include "result/result_impl.h"

#ifndef N
#define N 60 // images
#endif

enum { D = 12, H = 16, C = 5 };

// The base model and what stands in for its defended form: a model of other weights.
static struct {
    toy base, judged;
    float w[H * D], b[H], w2[C * H], w_judged[H * D];
    float x[N * D];
    int32_t label[N];
    igd_dataset *data;
    igd_views views, undefended;
} world;

static inline int predict(const toy *t, const float *x)
{
    float z[C];
    const igd_draw draw = {0};
    assert_ok(igd_classifier_logits(z, &t->f, x, 1, &draw));
    return igd_argmax(z, C);
}

static inline void world_make(void)
{
    const int64_t shape[3] = {1, 1, D};
    toy_random(world.w, H * D, 1.0f, "w");
    toy_random(world.b, H, 0.5f, "b");
    toy_random(world.w2, C * H, 0.7f, "w2");
    toy_random(world.w_judged, H * D, 0.15f, "w judged");
    for (int i = 0; i < H * D; i++)
        world.w_judged[i] += world.w[i];
    toy_make(&world.base, D, H, C, world.w, world.b, world.w2);
    toy_make(&world.judged, D, H, C, world.w_judged, world.b, world.w2);
    toy_images(world.x, N * D, "x");
    for (int i = 0; i < N; i++) {
        world.label[i] = predict(&world.base, world.x + i * D);
        if (i % 10 == 0) // some are wrong when clean
            world.label[i] = (world.label[i] + 1) % C;
    }
    assert_ok(igd_dataset_from_floats(&world.data, world.x, world.label, N, shape, C));
    world.views = (igd_views){.base = &world.base.f,
                              .judged = &world.judged.f,
                              .model_path = "toy.pt",
                              .model_sha256 = "00",
                              .model_identity = "toy",
                              .device = "cpu"};
    world.undefended = world.views;
    world.undefended.judged = &world.base.f;
}

static inline igd_evaluate_options options(const char *attacks)
{
    igd_evaluate_options o = igd_evaluate_options_default();
    o.attacks = attacks;
    o.threat.eps = 0.03;
    o.batch_size = 16;
    o.checks = false;
    o.set = NULL;
    return o;
}

static inline igd_result *evaluate(const igd_views *who, const igd_evaluate_options *o)
{
    igd_result *r = NULL;
    assert_ok(igd_evaluate_views(&r, who, world.data, o));
    assert_non_null(r);
    return r;
}

static inline void assert_same_flags(const igd_result *a, const igd_result *b)
{
    assert_int_equal(a->flags.num_images, b->flags.num_images);
    assert_int_equal(a->flags.num_columns, b->flags.num_columns);
    const size_t cells = (size_t)a->flags.num_images * (size_t)a->flags.num_columns;
    assert_memory_equal(a->flags.status, b->flags.status, cells);
    if (a->flags.votes != NULL)
        assert_memory_equal(a->flags.votes, b->flags.votes, cells);
}

#endif
