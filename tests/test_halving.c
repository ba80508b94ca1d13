// Successive halving and the choice, on counts whose outcome is known.
#include "fixture.h"

#include <math.h>

#include "analyze/halving.h"
#include "result/mcnemar.h"

static void assert_near(double a, double b, double slack)
{
    if (!(fabs(a - b) <= slack))
        fail_msg("%.17g is not %.17g", a, b);
}

// A setting of which the base model has `base` clean and `base_robust` right.
static igd_tally tally(int64_t n, int64_t won, int64_t lost, int64_t clean_won,
                       int64_t clean_lost)
{
    const int64_t base = 9 * n / 10, base_robust = n / 2;
    return (igd_tally){.n = n,
                       .clean = base + clean_won - clean_lost,
                       .robust = base_robust + won - lost,
                       .clean_won = clean_won,
                       .clean_lost = clean_lost,
                       .won = won,
                       .lost = lost};
}

static void test_halving__levels_are_corrected_for_the_number(void **state)
{
    (void)state;
    assert_near(igd_halving_level(1), 0.95, 1e-15);
    assert_near(igd_halving_level(40), 0.99875, 1e-15);
    // Agresti and Min by hand: (16 + .5) - (4 + .5) over 102, 1.96 and 3.2272 deviations.
    const igd_tally t = tally(100, 16, 4, 0, 0);
    const double middle = 12.0 / 102.0;
    const double deviation = sqrt(21.0 - 144.0 / 102.0) / 102.0;
    const igd_interval alone = igd_tally_gain(&t, igd_halving_level(1));
    assert_near(alone.low, middle - 1.959963984540054 * deviation, 1e-12);
    assert_near(alone.high, middle + 1.959963984540054 * deviation, 1e-12);
    const igd_interval corrected = igd_tally_gain(&t, igd_halving_level(40));
    assert_near(corrected.low, middle - 3.2272181 * deviation, 1e-6);
    assert_true(alone.low > 0.0 && corrected.low < 0.0);
    assert_near(igd_mcnemar(100, 4, 16).low, alone.low, 1e-15);
}

static void test_halving__rounds_double_until_all(void **state)
{
    (void)state;
    // 40 settings, 512 images, 32 first: 40, 20, 10, 5, 4.
    int alive = 40, settings[8], rounds = 0;
    int64_t images[8], end = 32;
    while (true) {
        settings[rounds] = alive;
        images[rounds++] = end;
        if (end == 512)
            break;
        assert_true(rounds < 8);
        alive = igd_halving_survivors(alive);
        end = igd_halving_images(end, alive, 512);
    }
    static const int expected[] = {40, 20, 10, 5, 4};
    static const int64_t on[] = {32, 64, 128, 256, 512};
    assert_int_equal(rounds, 5);
    assert_memory_equal(settings, expected, sizeof(expected));
    assert_memory_equal(images, on, sizeof(on));
    // The last four see all images at once, and no round more than there are.
    assert_int_equal(igd_halving_survivors(7), 4);
    assert_int_equal(igd_halving_survivors(3), 3);
    assert_int_equal(igd_halving_images(32, 4, 512), 512);
    assert_int_equal(igd_halving_images(300, 20, 512), 512);
    assert_int_equal(igd_halving_images(256, 20, 512), 512);
    assert_int_equal(igd_halving_images(255, 20, 512), 510);
}

static void test_halving__the_surest_gain_comes_first(void **state)
{
    (void)state;
    const igd_tally all[] = {
        tally(200, 10, 0, 0, 0),  // 0: small and sure
        tally(200, 40, 28, 0, 0), // 1: larger, but far less sure
        tally(200, 60, 2, 0, 60), // 2: the largest, far over any budget
        tally(200, 10, 0, 1, 0),  // 3: as 0, with more right when clean
        tally(200, 0, 5, 0, 0),   // 4: harm
        tally(200, 30, 2, 0, 3),  // 5: over the budget, though it may be within
    };
    const igd_halving h = {.tally = all, .num = 6, .budget = 0.01};
    int order[] = {0, 1, 2, 3, 4, 5};
    assert_ok(igd_halving_sort(order, 6, &h, IGD_BY_GAIN));
    static const int by_gain[] = {5, 1, 3, 0, 4, 2};
    assert_memory_equal(order, by_gain, sizeof(by_gain));
    assert_ok(igd_halving_sort(order, 6, &h, IGD_BY_LOWER_END));
    static const int by_end[] = {5, 3, 0, 1, 4, 2};
    assert_memory_equal(order, by_end, sizeof(by_end));
    // What may be within the budget goes on, but is not chosen unless it is.
    assert_int_equal(igd_halving_choose(order, 6, &h), 3);
    const igd_halving generous = {.tally = all, .num = 6, .budget = 0.015};
    assert_int_equal(igd_halving_choose(order, 6, &generous), 5);
    const igd_halving lavish = {.tally = all, .num = 6, .budget = 0.3};
    assert_ok(igd_halving_sort(order, 6, &lavish, IGD_BY_LOWER_END));
    assert_int_equal(igd_halving_choose(order, 6, &lavish), 2);
    // Only of what is left.
    assert_int_equal(order[0], 2);
    assert_int_equal(igd_halving_choose(order + 1, 5, &h), 3);
}

static void test_halving__nothing_within_the_budget_is_no_choice(void **state)
{
    (void)state;
    const igd_tally all[] = {tally(100, 30, 0, 0, 5), tally(100, 20, 0, 0, 2)};
    const int order[] = {0, 1};
    const igd_halving h = {.tally = all, .num = 2, .budget = 0.01};
    assert_int_equal(igd_halving_choose(order, 2, &h), -1);
    assert_true(igd_tally_is_within(&all[1], 0.02));
    assert_false(igd_tally_is_within(&all[1], 0.0199));
    const igd_tally gained = tally(100, 0, 0, 4, 4);
    assert_true(
        igd_tally_is_within(&gained, 0.0)); // what is won makes up for what is lost
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halving__levels_are_corrected_for_the_number),
        cmocka_unit_test(test_halving__rounds_double_until_all),
        cmocka_unit_test(test_halving__the_surest_gain_comes_first),
        cmocka_unit_test(test_halving__nothing_within_the_budget_is_no_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
