// Sums without rounding.
#include "fixture.h"

#include <float.h>
#include <math.h>

#include "core/exact.h"

static double sum_of(const double *v, int num)
{
    uint64_t sum[IGD_EXACT_WORDS] = {0}, wide[IGD_WIDE_WORDS] = {0};
    for (int i = 0; i < num; i++) {
        igd_exact_add(sum, v[i]);
        igd_wide_add(wide, v[i]);
    }
    assert_true(igd_exact_value(sum) == igd_wide_value(wide));
    return igd_exact_value(sum);
}

static void test_exact__known_sums(void **state)
{
    (void)state;
    const double tiny = ldexp(1.0, -149), large = (double)FLT_MAX;
    assert_true(sum_of(NULL, 0) == 0.0);
    assert_true(sum_of((double[]){1.5}, 1) == 1.5);
    assert_true(sum_of((double[]){-1.5}, 1) == -1.5);
    assert_true(sum_of((double[]){tiny, -large, large}, 3) == tiny);
    assert_true(sum_of((double[]){large, tiny, -large, -tiny}, 4) == 0.0);
    assert_true(sum_of((double[]){large, large, large, large}, 4) == 4.0 * large);
    assert_true(sum_of((double[]){0.0, -tiny, -tiny}, 3) == -2.0 * tiny);
    // 2^53 + 1 is halfway, and goes to the even one; a little more goes up.
    const double half[] = {0x1p53, 1.0, tiny};
    assert_true(sum_of(half, 2) == 0x1p53);
    assert_true(sum_of(half, 3) == 0x1p53 + 2.0);
}

static void test_exact__order_and_division_change_nothing(void **state)
{
    (void)state;
    enum { N = 5000 };
    static double v[N];
    uint64_t word = 1, forth[IGD_EXACT_WORDS] = {0}, back[IGD_EXACT_WORDS] = {0},
             half[IGD_EXACT_WORDS] = {0};
    long double about = 0.0L;
    for (int i = 0; i < N; i++) {
        word = word * 6364136223846793005u + 1442695040888963407u;
        const float f = ldexpf((float)(word >> 40), (int)(word >> 33 & 63) - 60);
        v[i] = (word >> 20 & 1) != 0 ? (double)f : -(double)f;
        about += (long double)v[i];
    }
    for (int i = 0; i < N; i++) {
        igd_exact_add(forth, v[i]);
        igd_exact_add(back, v[N - 1 - i]);
        if (i % 2 == 0)
            igd_exact_add(half, v[i]);
    }
    assert_memory_equal(forth, back, sizeof(forth));
    uint64_t other[IGD_EXACT_WORDS] = {0};
    for (int i = 1; i < N; i += 2)
        igd_exact_add(other, v[i]);
    igd_exact_add_sum(half, other);
    assert_memory_equal(forth, half, sizeof(forth));
    assert_true(fabs(igd_exact_value(forth) - (double)about) <=
                1e-12 * fabs((double)about));

    float digits[IGD_EXACT_DIGITS];
    uint64_t read[IGD_EXACT_WORDS];
    igd_exact_split(digits, forth);
    assert_true(igd_exact_join(read, digits));
    assert_memory_equal(forth, read, sizeof(forth));
    digits[3] = 0.5f;
    assert_false(igd_exact_join(read, digits));
    digits[3] = NAN;
    assert_false(igd_exact_join(read, digits));
    digits[3] = 16777216.0f;
    assert_false(igd_exact_join(read, digits));
}

static void test_exact__any_double(void **state)
{
    (void)state;
    const double v[] = {DBL_MAX, 5e-324, -DBL_MAX, 1e-200, 3.0, -3.0, -1e-200};
    uint64_t sum[IGD_WIDE_WORDS] = {0}, other[IGD_WIDE_WORDS] = {0};
    for (int i = 0; i < 7; i++)
        igd_wide_add(sum, v[i]);
    assert_true(igd_wide_value(sum) == 5e-324);
    igd_wide_add(other, -5e-324);
    igd_wide_add_sum(sum, other);
    assert_true(igd_wide_value(sum) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact__known_sums),
        cmocka_unit_test(test_exact__order_and_division_change_nothing),
        cmocka_unit_test(test_exact__any_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
