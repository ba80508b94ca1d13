// Products: right, and the same in every row however many rows there are.
#include "fixture.h"

#include <math.h>

#include "core/random.h"
#include "igdef/runtime.h"
#include "ops.h"

static float *numbers(size_t n, const char *purpose)
{
    const igd_stream stream = igd_stream_make(3, purpose, (int64_t)n, 0);
    float *a = malloc((n > 0 ? n : 1) * sizeof(float));
    assert_non_null(a);
    igd_random_normal(a, n, &stream);
    return a;
}

// x [R, K] times w [K, C], or times the transpose of w [C, K].
static void multiply(float *z, const float *x, const float *w, int R, int K, int C,
                     bool transposed)
{
    const int64_t in[] = {R, K}, weight[] = {transposed ? C : K, transposed ? K : C};
    igd_scope s = igd_scope_begin(NULL);
    const igd_tensor *b = igt_view(&s, w, weight, 2, "cpu");
    if (transposed)
        b = igt_move_axis(&s, b, 0, 1);
    igt_read(&s, igt_matmul(&s, igt_view(&s, x, in, 2, "cpu"), b), z, (int64_t)R * C);
    assert_ok(igd_scope_close(&s));
}

static void assert_product(const float *z, const float *x, const float *w, int R, int K,
                           int C, bool transposed)
{
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) {
            double sum = 0, size = 0;
            for (int k = 0; k < K; k++) {
                const double term = (double)x[r * K + k] *
                                    (double)(transposed ? w[c * K + k] : w[k * C + c]);
                sum += term;
                size += fabs(term);
            }
            // An error of one rounding a term, each of at most the sum of their sizes.
            if (!(fabs((double)z[r * C + c] - sum) <= 6e-8 * (K + 1) * size))
                fail_msg("[%d, %d] of %d x %d x %d: %.9g, not %.9g", r, c, R, K, C,
                         (double)z[r * C + c], sum);
        }
}

static const int all_rows[] = {1, 2, 7, 13, 40};
static const int all_terms[] = {1, 2, 20, 65, 200};
static const int all_columns[] = {1, 2, 10, 15, 16, 17, 31, 47, 48, 49, 100, 130};
#define LENGTH(a) ((int)(sizeof(a) / sizeof(*(a))))

static void each_shape(void (*check)(int R, int K, int C, bool transposed))
{
    for (int i = 0; i < LENGTH(all_rows); i++)
        for (int j = 0; j < LENGTH(all_terms); j++)
            for (int k = 0; k < LENGTH(all_columns); k++)
                for (int t = 0; t < 2; t++)
                    check(all_rows[i], all_terms[j], all_columns[k], t == 1);
}

static void check_sums(int R, int K, int C, bool transposed)
{
    float *x = numbers((size_t)(R * K), "x"), *w = numbers((size_t)(K * C), "w"),
          *z = numbers((size_t)(R * C), "z");
    multiply(z, x, w, R, K, C, transposed);
    assert_product(z, x, w, R, K, C, transposed);
    free(x);
    free(w);
    free(z);
}

static void check_rows(int R, int K, int C, bool transposed)
{
    float *x = numbers((size_t)(R * K), "x"), *w = numbers((size_t)(K * C), "w"),
          *z = numbers((size_t)(R * C), "z"), *row = numbers((size_t)C, "row");
    multiply(z, x, w, R, K, C, transposed);
    for (int r = 0; r < R; r++) {
        multiply(row, x + r * K, w, 1, K, C, transposed);
        assert_memory_equal(row, z + r * C, (size_t)C * sizeof(float));
    }
    free(x);
    free(w);
    free(z);
    free(row);
}

static void test_products__sums_of_every_shape(void **state)
{
    (void)state;
    each_shape(check_sums);
}

static void test_products__a_row_alone_is_the_row_among_others(void **state)
{
    (void)state;
    each_shape(check_rows);
}

static void test_products__layout_changes_no_bit(void **state)
{
    (void)state;
    enum { R = 33, K = 70, C = 50 };
    float *x = numbers(R * K, "x"), *w = numbers(K * C, "w"),
          *turned = malloc(sizeof(float) * K * C);
    float *a = malloc(sizeof(float) * R * C), *b = malloc(sizeof(float) * R * C);
    for (int k = 0; k < K; k++)
        for (int c = 0; c < C; c++)
            turned[c * K + k] = w[k * C + c];
    multiply(a, x, w, R, K, C, false);
    multiply(b, x, turned, R, K, C, true);
    assert_memory_equal(a, b, sizeof(float) * R * C);
    free(x);
    free(w);
    free(turned);
    free(a);
    free(b);
}

static void test_products__threads_change_no_bit(void **state)
{
    (void)state;
    static const int shapes[][3] = {{128, 512, 10}, {8, 300, 1000}, {64, 200, 200}};
    for (int i = 0; i < LENGTH(shapes); i++) {
        const int R = shapes[i][0], K = shapes[i][1], C = shapes[i][2];
        float *x = numbers((size_t)(R * K), "x"), *w = numbers((size_t)(K * C), "w"),
              *one = numbers((size_t)(R * C), "z"), *more = numbers((size_t)(R * C), "y");
        assert_ok(igd_set_num_threads(1));
        multiply(one, x, w, R, K, C, false);
        for (int threads = 2; threads <= 3; threads++) {
            assert_ok(igd_set_num_threads(threads));
            multiply(more, x, w, R, K, C, false);
            assert_memory_equal(one, more, (size_t)(R * C) * sizeof(float));
        }
        assert_ok(igd_set_num_threads(0));
        free(x);
        free(w);
        free(one);
        free(more);
    }
}

// What is not a number stays in its row and column.
static void test_products__nan_spreads_no_further(void **state)
{
    (void)state;
    enum { R = 5, K = 12, C = 21 };
    float *x = numbers(R * K, "x"), *w = numbers(K * C, "w"), z[R * C];
    x[2 * K + 3] = NAN;
    w[7 * C + 20] = INFINITY;
    multiply(z, x, w, R, K, C, false);
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++)
            assert_int_equal(isfinite(z[r * C + c]) != 0, r != 2 && c != 20);
    free(x);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_products__sums_of_every_shape),
        TENSOR_TEST(test_products__a_row_alone_is_the_row_among_others),
        TENSOR_TEST(test_products__layout_changes_no_bit),
        TENSOR_TEST(test_products__threads_change_no_bit),
        TENSOR_TEST(test_products__nan_spreads_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
