// Passes that several defenses of one base model share.
#include "series_fixture.h"

#include "defend/pass_cache.h"

static igd_result *evaluate(const igd_defense *d, igd_pass_cache *cache, int batch_size)
{
    igd_result *r = NULL;
    igd_evaluate_options o =
        options("transfer:apgd-ce,square", "apgd-ce.steps=4,square.queries=10", NULL)
            .evaluate;
    o.pass_cache = cache;
    o.batch_size = batch_size;
    assert_ok(igd_evaluate(&r, world.base, d, world.data, &o));
    return r;
}

static igd_defense *defend(int keep, double sigma, double temperature)
{
    igd_defense *d = NULL;
    igd_defense_options o = igd_defense_options_default();
    o.keep = keep;
    o.sigma = sigma;
    o.temperature = temperature;
    assert_ok(igd_defense_new(&d, world.base, world.ranking, &o));
    return d;
}

// What rows an evaluation of `d` had to make, and its flags against those without a
// cache.
static int64_t made_for(igd_defense *d, igd_pass_cache *cache, int batch_size,
                        int64_t *asked)
{
    int64_t asked_before, made_before, asked_after, made_after;
    igd_pass_cache_counts(cache, &asked_before, &made_before);
    igd_result *with = evaluate(d, cache, batch_size);
    igd_pass_cache_counts(cache, &asked_after, &made_after);
    igd_result *without = evaluate(d, NULL, 8);
    assert_same_flags(without, with);
    assert_memory_equal(without->flags.clean, with->flags.clean, N * sizeof(int32_t));
    igd_result_free(with);
    igd_result_free(without);
    igd_defense_free(d);
    *asked = asked_after - asked_before;
    return made_after - made_before;
}

static void test_pass_cache__other_masks_need_no_pass(void **state)
{
    (void)state;
    igd_pass_cache *cache = NULL;
    int64_t asked = 0;
    assert_ok(igd_pass_cache_new(&cache));
    // Of the clean images: an activation each, and logits for each of three draws.
    const int64_t first = made_for(defend(2, 0.03, 0.01), cache, 8, &asked);
    assert_true(first >= N * 4 && first < asked);
    // All clean images are there, whatever the batches; transferred points may be new,
    // where the first defense was wrong when clean, and the square's points are its own.
    const int64_t second = made_for(defend(6, 0.03, 0.01), cache, 7, &asked);
    assert_true(asked >= N * 6 && second < first && second <= asked - N * 6);
    // Another temperature has the same passes, point for point.
    assert_int_equal(made_for(defend(6, 0.03, 0.01), cache, 24, &asked), 0);
    made_for(defend(6, 0.03, 1.0), cache, 8, &asked);
    // Another sigma has other logits, and the same activations.
    const int64_t other = made_for(defend(2, 0.01, 0.01), cache, 8, &asked);
    assert_true(other >= N * 3 && other <= asked - N * 3);
    // Without noise nothing but activations is kept.
    made_for(defend(9, 0.0, 0.01), cache, 8, &asked);
    igd_pass_cache_free(cache);
    igd_pass_cache_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pass_cache__other_masks_need_no_pass),
    };
    return cmocka_run_group_tests(tests, world_make, world_free);
}
