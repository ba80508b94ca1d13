// Confidence intervals.
#include "fixture.h"

#include <math.h>

#include "result/interval.h"

static void test_interval__incomplete_beta_has_closed_forms(void **state)
{
    (void)state;
    for (int k = 1; k < 10; k++) {
        const double x = k / 10.0;
        assert_true(fabs(igd_incomplete_beta(1, 1, x) - x) < 1e-12);
        assert_true(fabs(igd_incomplete_beta(3, 1, x) - x * x * x) < 1e-12);
        assert_true(fabs(igd_incomplete_beta(1, 4, x) - (1 - pow(1 - x, 4))) < 1e-12);
        assert_true(fabs(igd_incomplete_beta(2, 2, x) - x * x * (3 - 2 * x)) < 1e-12);
    }
}

// P[Binomial(n, p) <= k], term by term.
static double binomial_cdf(int k, int n, double p)
{
    double term = pow(1 - p, n), sum = term;
    for (int i = 1; i <= k; i++) {
        term *= (double)(n - i + 1) / i * p / (1 - p);
        sum += term;
    }
    return sum;
}

static void test_interval__ends_leave_a_fortieth_on_each_side(void **state)
{
    (void)state;
    for (int k = 0; k <= 40; k += 5) {
        const igd_interval v = igd_interval_of(k, 40);
        assert_true(v.low <= k / 40.0 && k / 40.0 <= v.high);
        if (k < 40)
            assert_true(fabs(binomial_cdf(k, 40, v.high) - 0.025) < 1e-9);
        if (k > 0)
            assert_true(fabs(1 - binomial_cdf(k - 1, 40, v.low) - 0.025) < 1e-9);
    }
}

static void test_interval__none_and_all_reach_the_end(void **state)
{
    (void)state;
    // With no success the upper end solves (1 - p)^n = 0.025.
    const igd_interval none = igd_interval_of(0, 100), all = igd_interval_of(100, 100);
    assert_true(none.low == 0.0 && all.high == 1.0);
    assert_true(fabs(none.high - (1 - pow(0.025, 0.01))) < 1e-9);
    assert_true(fabs(all.low - pow(0.025, 0.01)) < 1e-9);
    const igd_interval nothing = igd_interval_of(0, 0);
    assert_true(nothing.low == 0.0 && nothing.high == 1.0);
}

static void test_interval__large_counts_stay_finite(void **state)
{
    (void)state;
    const igd_interval v = igd_interval_of(26240, 50000);
    assert_true(v.low > 0.5203 && v.low < 0.5206);
    assert_true(v.high > 0.5290 && v.high < 0.5293);
}

static void test_interval__of_means_is_students(void **state)
{
    (void)state;
    // Quantiles 0.975 of Student's t from tables: 12.706, 2.262, 1.962.
    const igd_interval two = igd_interval_of_mean(1.0, 2.0, 2);
    assert_true(fabs(two.high - (1.0 + 12.7062 * 2.0 / sqrt(2.0))) < 1e-3);
    const igd_interval ten = igd_interval_of_mean(0.0, 1.0, 10);
    assert_true(fabs(ten.low + 2.26216 / sqrt(10.0)) < 1e-4);
    const igd_interval many = igd_interval_of_mean(0.0, 1.0, 1001);
    assert_true(fabs(many.high - 1.96234 / sqrt(1001.0)) < 1e-5);
    assert_true(isnan(igd_interval_of_mean(1.0, 0.0, 1).low));
}

// As exact as for single attempts where shares are 0 or 1, narrower where draws agree.
static void test_interval__of_shares_counts_images_and_draws(void **state)
{
    (void)state;
    const igd_interval one = igd_interval_of(30, 40);
    const double mean = 0.75, variance = mean * (1.0 - mean) * 40.0 / 39.0;
    const igd_interval same = igd_interval_of_share(mean, variance, 40, 10);
    assert_true(fabs(one.low - same.low) < 1e-9 && fabs(one.high - same.high) < 1e-9);
    // Every image at 3/4: all that varies are 400 draws.
    const igd_interval all = igd_interval_of(300, 400);
    const igd_interval equal = igd_interval_of_share(mean, 0.0, 40, 10);
    assert_true(fabs(all.low - equal.low) < 1e-9 && fabs(all.high - equal.high) < 1e-9);
    const igd_interval none = igd_interval_of_share(1.0, 0.0, 40, 10);
    assert_true(fabs(none.low - igd_interval_of(40, 40).low) < 1e-9 && none.high == 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval__of_shares_counts_images_and_draws),
        cmocka_unit_test(test_interval__of_means_is_students),
        cmocka_unit_test(test_interval__incomplete_beta_has_closed_forms),
        cmocka_unit_test(test_interval__ends_leave_a_fortieth_on_each_side),
        cmocka_unit_test(test_interval__none_and_all_reach_the_end),
        cmocka_unit_test(test_interval__large_counts_stay_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
