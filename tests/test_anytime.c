// Confidence sequences and the random order that they need.
#include "fixture.h"

#include <math.h>

#include "core/random.h"
#include "result/anytime.h"

static double choose(int n, int k)
{
    double out = 1.0;
    for (int i = 1; i <= k; i++)
        out *= (double)(n - k + i) / i;
    return k < 0 || k > n ? 0.0 : out;
}

// The definition, value by value.
static void test_anytime__of_all_images_is_the_set_that_stays(void **state)
{
    (void)state;
    enum { N = 60 };
    for (int n = 1; n <= N; n += 7)
        for (int k = 0; k <= n; k += 3) {
            int low = N, high = 0;
            for (int K = 0; K <= N; K++)
                if (choose(K, k) * choose(N - K, n - k) / choose(N, n) * (n + 1) > 0.05) {
                    low = K < low ? K : low;
                    high = K;
                }
            const igd_interval v = igd_anytime_of(k, n, N);
            assert_true(fabs(v.low - (double)low / (double)N) < 1e-12);
            assert_true(fabs(v.high - (double)high / (double)N) < 1e-12);
        }
    const igd_interval all = igd_anytime_of(37, N, N); // nothing is left to be unsure of
    assert_true(all.low == 37.0 / (double)N && all.high == 37.0 / (double)N);
}

static void test_anytime__of_a_kind_ends_where_the_ratio_does(void **state)
{
    (void)state;
    for (int k = 0; k <= 40; k += 8) {
        const igd_interval v = igd_anytime_of(k, 40, 0), fixed = igd_interval_of(k, 40);
        const double p[2] = {v.low, v.high};
        for (int i = 0; i < 2; i++)
            if (p[i] > 0.0 && p[i] < 1.0)
                assert_true(
                    fabs(41.0 * choose(40, k) * pow(p[i], k) * pow(1 - p[i], 40 - k) -
                         0.05) < 1e-9);
        assert_true(v.low <= fixed.low && v.high >= fixed.high); // the price of looking
        const igd_interval planned = igd_anytime_of(k, 40, 100);
        assert_true(planned.low >= v.low - 0.01 && planned.high <= v.high + 0.01);
    }
    const igd_interval nothing = igd_anytime_of(0, 0, 10);
    assert_true(nothing.low == 0.0 && nothing.high == 1.0);
}

// On a grid of shares: some pair with the difference stays exactly inside the interval.
static void test_anytime__of_a_difference_is_what_some_shares_reach(void **state)
{
    (void)state;
    static const int cases[][3] = {{5, 1, 40}, {0, 0, 30}, {12, 12, 24}, {0, 9, 50}};
    enum { GRID = 2000 };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int w = cases[i][0], l = cases[i][1], n = cases[i][2];
        const double ways = choose(n, w) * choose(n - w, l) * (n + 1.0) * (n + 2.0) / 2.0;
        double low = 1.0, high = -1.0;
        for (int a = 0; a <= GRID; a++)
            for (int b = 0; a + b <= GRID; b++) {
                const double p = (double)a / (double)GRID, q = (double)b / (double)GRID;
                if (ways * pow(p, w) * pow(q, l) * pow(1.0 - p - q, n - w - l) > 0.05) {
                    low = fmin(low, p - q);
                    high = fmax(high, p - q);
                }
            }
        const igd_interval v = igd_anytime_of_difference(w, l, n);
        assert_true(fabs(v.low - low) < 2.0 / (double)GRID &&
                    fabs(v.high - high) < 2.0 / (double)GRID);
    }
}

// Whoever looks after every image is misled by the fixed interval more often than in one
// run of twenty, by these not.
static void test_anytime__holds_at_every_look(void **state)
{
    (void)state;
    enum { RUNS = 400, N = 300 };
    int missed[4] = {0};
    const double truth = 0.4, won = 0.2, lost = 0.15;
    for (int run = 0; run < RUNS; run++) {
        const igd_stream stream = igd_stream_make(1, "anytime", run, 0);
        bool misses[4] = {false};
        int left = 120, hits = 0, kind = 0, w = 0, l = 0;
        for (int n = 1; n <= N; n++) {
            const double u = igd_random_double(&stream, (uint32_t)(3 * n));
            const bool hit = u < (double)left / (N - n + 1); // without replacement
            left -= hit;
            hits += hit;
            kind += igd_random_double(&stream, (uint32_t)(3 * n + 1)) < truth;
            const double v = igd_random_double(&stream, (uint32_t)(3 * n + 2));
            w += v < won;
            l += v >= won && v < won + lost;
            const igd_interval at[4] = {igd_anytime_of(hits, n, N),
                                        igd_anytime_of(kind, n, 0),
                                        {-1.0, 1.0},
                                        igd_interval_of(kind, n)};
            for (int i = 0; i < 4; i++)
                misses[i] =
                    misses[i] ||
                    (i != 2 && (at[i].low > truth + 1e-12 || at[i].high < truth - 1e-12));
            if (n % 10 == 0) { // dearer
                const igd_interval d = igd_anytime_of_difference(w, l, n);
                misses[2] = misses[2] || d.low > won - lost || d.high < won - lost;
            }
        }
        for (int i = 0; i < 4; i++)
            missed[i] += misses[i];
    }
    for (int i = 0; i < 3; i++)
        assert_true(missed[i] <= RUNS / 20);
    assert_true(missed[3] > RUNS / 10);
}

static void test_anytime__a_part_has_the_order_of_the_whole(void **state)
{
    (void)state;
    enum { N = 100 };
    int64_t index[N], rows[N], part[N / 2], last = -1;
    int moved = 0;
    for (int i = 0; i < N; i++)
        index[i] = 7 * i + 3;
    assert_ok(igd_anytime_order(rows, index, N, 5));
    assert_ok(igd_anytime_order(part, index + N / 4, N / 2, 5));
    for (int i = 0; i < N / 2; i++) {
        int64_t at = 0;
        while (index[rows[at]] != index[N / 4 + part[i]])
            at++;
        assert_true(at > last);
        last = at;
        moved += rows[i] != i;
    }
    assert_true(moved > N / 4);
    assert_ok(igd_anytime_order(part, index, N / 2, 6));
    assert_memory_not_equal(part, rows, sizeof(part));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anytime__of_all_images_is_the_set_that_stays),
        cmocka_unit_test(test_anytime__of_a_kind_ends_where_the_ratio_does),
        cmocka_unit_test(test_anytime__of_a_difference_is_what_some_shares_reach),
        cmocka_unit_test(test_anytime__holds_at_every_look),
        cmocka_unit_test(test_anytime__a_part_has_the_order_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
