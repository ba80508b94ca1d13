// Random numbers: Philox's published answers, and what attacks rely on.
#include "fixture.h"

#include <math.h>

#include "core/random.h"

// Random123's kat_vectors for philox4x32 with ten rounds. The counter is {position,
// image, draw}.
static void test_random__known_answers(void **state)
{
    (void)state;
    uint32_t words[4];
    const igd_stream zeros = {.key = {0, 0}};
    static const uint32_t of_zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    igd_random_words(words, 4, &zeros, 0);
    assert_memory_equal(words, of_zeros, sizeof(words));

    const igd_stream pi = {.key = {0xa4093822, 0x299f31d0},
                           .image = 0x85a308d3,
                           .draw = {0x13198a2e, 0x03707344}};
    static const uint32_t of_pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    igd_random_words(words, 4, &pi, 4 * 0x243f6a88u);
    assert_memory_equal(words, of_pi, sizeof(words));

    const uint32_t all = 0xffffffff;
    const igd_stream ones = {.key = {all, all}, .image = all, .draw = {all, all}};
    const uint64_t of_ones = 0x408f276d41c83b0e;
    assert_true(igd_random_double(&ones, all) == (double)(of_ones >> 11) * 0x1p-53);
}

static void test_random__a_number_depends_on_its_position_alone(void **state)
{
    (void)state;
    const igd_stream s = igd_stream_make(3, "smoothing", 17, 2);
    uint32_t words[40], part[7];
    float uniform[40], normal[40], fewer[37];
    igd_random_words(words, 40, &s, 0);
    igd_random_words(part, 7, &s, 12);
    assert_memory_equal(part, words + 12, sizeof(part));
    igd_random_uniform(uniform, 40, &s);
    igd_random_uniform(fewer, 37, &s);
    assert_memory_equal(fewer, uniform, sizeof(fewer));
    igd_random_normal(normal, 40, &s);
    igd_random_normal(fewer, 37, &s);
    assert_memory_equal(fewer, normal, sizeof(fewer));
}

static void test_random__streams_differ(void **state)
{
    (void)state;
    const igd_stream streams[] = {
        igd_stream_make(0, "pgd", 0, 0),
        igd_stream_make(1, "pgd", 0, 0),
        igd_stream_make(0, "gdp", 0, 0),
        igd_stream_make(0, "pgd", 1, 0),
        igd_stream_make(0, "pgd", 0, 1),
        igd_stream_make(0, "pgd", 0, 1ull << 32),
        igd_stream_make(1ull << 32, "pgd", 0, 0),
        igd_stream_make(0, "pg", 0, 0),
    };
    enum { NUM = sizeof(streams) / sizeof(streams[0]) };
    uint32_t words[NUM][4];
    for (int i = 0; i < NUM; i++) {
        igd_random_words(words[i], 4, &streams[i], 0);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(words[i], words[j], sizeof(words[i]));
    }
}

enum { MANY = 400000 };

static double mean_power(const float *x, int power)
{
    double sum = 0;
    for (int i = 0; i < MANY; i++)
        sum += pow(x[i], power);
    return sum / (double)MANY;
}

static void test_random__moments_of_normals(void **state)
{
    (void)state;
    const igd_stream s = igd_stream_make(0, "moments", 0, 0);
    float *x = malloc(MANY * sizeof(*x));
    igd_random_normal(x, MANY, &s);
    // Six standard errors of each mean: sqrt((m_2k - m_k^2) / MANY).
    assert_true(fabs(mean_power(x, 1)) < 6 * sqrt(1.0 / (double)MANY));
    assert_true(fabs(mean_power(x, 2) - 1) < 6 * sqrt(2.0 / (double)MANY));
    assert_true(fabs(mean_power(x, 3)) < 6 * sqrt(15.0 / (double)MANY));
    assert_true(fabs(mean_power(x, 4) - 3) < 6 * sqrt(96.0 / (double)MANY));
    double neighbours = 0; // both halves of Box-Muller, and blocks
    for (int i = 1; i < MANY; i++)
        neighbours += (double)x[i] * (double)x[i - 1];
    assert_true(fabs(neighbours / (double)MANY) < 6 * sqrt(1.0 / (double)MANY));
    free(x);
}

static void test_random__uniforms_fill_the_unit_interval(void **state)
{
    (void)state;
    const igd_stream s = igd_stream_make(0, "uniform", 0, 0);
    float *x = malloc(MANY * sizeof(*x));
    int bins[100] = {0};
    igd_random_uniform(x, MANY, &s);
    double chi = 0;
    for (int i = 0; i < MANY; i++) {
        assert_true(x[i] >= 0.0f && x[i] < 1.0f);
        bins[(int)(x[i] * 100.0f)]++;
    }
    for (int i = 0; i < 100; i++)
        chi += pow(bins[i] - MANY / 100, 2) / (MANY / 100);
    assert_true(chi > 50 && chi < 160); // 99 degrees of freedom: p < 1e-4 on either side
    free(x);
}

static void test_random__permutations_are_permutations(void **state)
{
    (void)state;
    enum { N = 1000 };
    int32_t order[N], again[N];
    bool seen[N] = {false};
    const igd_stream s = igd_stream_make(5, "permutation", 0, 0);
    igd_random_permutation(order, N, &s);
    igd_random_permutation(again, N, &s);
    assert_memory_equal(order, again, sizeof(order));
    int fixed = 0;
    for (int i = 0; i < N; i++) {
        assert_in_range(order[i], 0, N - 1);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        fixed += order[i] == i;
    }
    assert_in_range(fixed, 0, 10); // one is expected
    igd_random_permutation(order, 1, &s);
    assert_int_equal(order[0], 0);

    int counts[6] = {0}; // every order of three is equally likely
    for (int i = 0; i < 6000; i++) {
        const igd_stream t = igd_stream_make(5, "permutation", i, 1);
        igd_random_permutation(order, 3, &t);
        counts[order[0] * 2 + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(counts[i], 820, 1180); // six standard deviations
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random__known_answers),
        cmocka_unit_test(test_random__a_number_depends_on_its_position_alone),
        cmocka_unit_test(test_random__streams_differ),
        cmocka_unit_test(test_random__moments_of_normals),
        cmocka_unit_test(test_random__uniforms_fill_the_unit_interval),
        cmocka_unit_test(test_random__permutations_are_permutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
