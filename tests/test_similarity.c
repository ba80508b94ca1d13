// Similarity of neurons and concepts: agreement with the reference's numbers, with the
// definitions worked out by hand, and refusal of unusable input.
#include "fixture.h"

#include <math.h>

#include "core/npy.h"
#include "rank/similarity.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/cdir/"

static igd_npy load(const char *name)
{
    igd_npy a = {0};
    char path[512];
    snprintf(path, sizeof(path), GOLDEN "%s.npy", name);
    assert_ok(igd_npy_read(&a, path));
    assert_int_equal(a.type, IGD_NPY_F32);
    return a;
}

// Scores of the golden arrays, [C, K], to be freed.
static float *golden_score(igd_similarity kind, bool from_files)
{
    igd_npy A = load("activations"), E = load("image_embeddings"),
            T = load("text_embeddings");
    const int C = (int)T.shape[0], K = (int)A.shape[1];
    const igd_similarity_options o = igd_similarity_options_default(kind);
    float *score = malloc((size_t)C * (size_t)K * sizeof(float));
    igd_rows *activations = NULL, *images = NULL;

    assert_non_null(score);
    if (from_files) {
        assert_ok(igd_rows_open(&images, GOLDEN "image_embeddings.npy"));
        assert_ok(igd_rows_spool(&activations, "activations", K));
        for (int64_t i = 0; i < A.shape[0]; i += 50) // in pieces, as a probe pass does
            assert_ok(igd_rows_append(activations, (float *)A.data + i * K, 50));
    } else {
        assert_ok(igd_rows_view(&images, "images", E.data, E.shape[0], E.shape[1]));
        assert_ok(igd_rows_view(&activations, "activations", A.data, A.shape[0], K));
    }
    assert_ok(igd_similarity_score(score, &o, activations, images, T.data, C));
    igd_rows_free(activations);
    igd_rows_free(images);
    igd_npy_free(&A);
    igd_npy_free(&E);
    igd_npy_free(&T);
    return score;
}

static const float *sorted_by;

static int by_falling_score(const void *a, const void *b)
{
    const int i = *(const int *)a, j = *(const int *)b;
    if (sorted_by[i] != sorted_by[j])
        return sorted_by[i] > sorted_by[j] ? -1 : 1;
    return i - j;
}

static void assert_same_order(const float *a, const float *b, int K)
{
    int left[256], right[256];
    assert_true(K <= 256);
    for (int n = 0; n < K; n++)
        left[n] = right[n] = n;
    sorted_by = a;
    qsort(left, (size_t)K, sizeof(int), by_falling_score);
    sorted_by = b;
    qsort(right, (size_t)K, sizeof(int), by_falling_score);
    for (int i = 0; i < K; i++)
        assert_int_equal(left[i], right[i]);
}

// The golden file holds [K, C]. Its float32 numbers are themselves differences of numbers
// as large as the largest score, which limits how exact the small ones are.
static void check_golden(igd_similarity kind, const char *name)
{
    igd_npy want = load(name);
    const int K = (int)want.shape[0], C = (int)want.shape[1];
    float *score = golden_score(kind, false);
    float *column = malloc((size_t)K * sizeof(float)), largest = 0;

    assert_non_null(column);
    for (int i = 0; i < K * C; i++)
        largest = fmaxf(largest, fabsf(((const float *)want.data)[i]));
    for (int c = 0; c < C; c++) {
        for (int n = 0; n < K; n++) {
            const float w = ((const float *)want.data)[n * C + c];
            const float got = score[c * K + n];
            column[n] = w;
            if (!(fabsf(got - w) <= 1e-4f * fabsf(w) + 1e-6f * largest))
                fail_msg("%s: neuron %d, concept %d: %.8g, not %.8g", name, n, c,
                         (double)got, (double)w);
        }
        assert_same_order(score + (size_t)c * (size_t)K, column, K);
    }
    free(column);
    free(score);
    igd_npy_free(&want);
}

static void test_similarity__soft_wpmi_is_the_reference(void **state)
{
    (void)state;
    check_golden(IGD_SIMILARITY_SOFT_WPMI, "soft_wpmi");
}

static void test_similarity__wpmi_is_the_reference(void **state)
{
    (void)state;
    check_golden(IGD_SIMILARITY_WPMI, "wpmi");
}

static void test_similarity__cos_is_the_reference(void **state)
{
    (void)state;
    check_golden(IGD_SIMILARITY_COS, "cos_similarity");
}

static void test_similarity__cos_cubed_is_the_reference(void **state)
{
    (void)state;
    check_golden(IGD_SIMILARITY_COS_CUBED, "cos_similarity_cubed");
}

static void test_similarity__files_give_what_arrays_give(void **state)
{
    (void)state;
    for (int kind = 0; kind <= IGD_SIMILARITY_RANK_REORDER; kind++) {
        float *a = golden_score((igd_similarity)kind, false);
        float *b = golden_score((igd_similarity)kind, true);
        assert_memory_equal(a, b, sizeof(float[96 * 10]));
        free(a);
        free(b);
    }
}

// Pseudo-random numbers in [0, 1) for arrays larger than the golden ones.
static float draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 16777216.0f;
}

typedef struct problem {
    int N, K, C, D;
    float *A, *E, *T, *score;
} problem;

static problem make_problem(int N, int K, int C, int D)
{
    problem p = {.N = N, .K = K, .C = C, .D = D};
    uint32_t seed = 7;
    p.A = malloc((size_t)N * (size_t)K * sizeof(float));
    p.E = malloc((size_t)N * (size_t)D * sizeof(float));
    p.T = malloc((size_t)C * (size_t)D * sizeof(float));
    p.score = malloc((size_t)C * (size_t)K * sizeof(float));
    assert_true(p.A != NULL && p.E != NULL && p.T != NULL && p.score != NULL);
    for (int i = 0; i < N * K; i++)
        p.A[i] = fmaxf(draw(&seed) - 0.6f, 0); // many ties at zero, as after a ReLU
    for (int i = 0; i < N * D; i++)
        p.E[i] = draw(&seed);
    for (int i = 0; i < C * D; i++)
        p.T[i] = draw(&seed);
    return p;
}

static void free_problem(problem *p)
{
    free(p->A);
    free(p->E);
    free(p->T);
    free(p->score);
}

static igd_status run(problem *p, const igd_similarity_options *o)
{
    igd_rows *activations = NULL, *images = NULL;
    assert_ok(igd_rows_view(&activations, "activations", p->A, p->N, p->K));
    assert_ok(igd_rows_view(&images, "embeddings", p->E, p->N, p->D));
    const igd_status st =
        igd_similarity_score(p->score, o, activations, images, p->T, p->C);
    igd_rows_free(activations);
    igd_rows_free(images);
    return st;
}

static double cosine(const problem *p, int i, int c)
{
    double dot = 0, e = 0, t = 0;
    for (int j = 0; j < p->D; j++) {
        const double x = p->E[i * p->D + j], y = p->T[c * p->D + j];
        dot += x * y;
        e += x * x;
        t += y * y;
    }
    return dot / sqrt(e * t);
}

// Images of neuron n by falling activation, ties by lower index.
static void sort_images(const problem *p, int n, int *order)
{
    for (int i = 0; i < p->N; i++) {
        const float a = p->A[i * p->K + n];
        int j = i;
        for (; j > 0 && p->A[order[j - 1] * p->K + n] < a; j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
}

// Several blocks of rows, more factors than one product holds, ties: against the sum of
// logarithms as the definition writes it.
static void test_similarity__wpmi_follows_its_definition(void **state)
{
    (void)state;
    problem p = make_problem(2500, 5, 3, 4);
    igd_similarity_options o = igd_similarity_options_default(IGD_SIMILARITY_WPMI);
    int *order = malloc((size_t)p.N * sizeof(int));
    double L[5][3];

    assert_non_null(order);
    o.top_k = 700;
    o.min_prob = 1e-12;
    assert_ok(run(&p, &o));
    for (int n = 0; n < p.K; n++) {
        sort_images(&p, n, order);
        for (int c = 0; c < p.C; c++)
            L[n][c] = 0;
        for (int i = 0; i < o.top_k; i++) {
            double sum = 0;
            for (int c = 0; c < p.C; c++)
                sum += exp(o.sharpness * cosine(&p, order[i], c));
            for (int c = 0; c < p.C; c++)
                L[n][c] +=
                    log(exp(o.sharpness * cosine(&p, order[i], c)) / sum + o.min_prob);
        }
    }
    for (int c = 0; c < p.C; c++) {
        double most = -INFINITY, sum = 0;
        for (int n = 0; n < p.K; n++)
            most = fmax(most, L[n][c]);
        for (int n = 0; n < p.K; n++)
            sum += exp(L[n][c] - most);
        const double prior = most + log(sum) - log((double)p.K);
        for (int n = 0; n < p.K; n++) {
            const double want = L[n][c] - o.lambda * prior;
            assert_true(fabs((double)p.score[c * p.K + n] - want) < 1e-5 * fabs(want));
        }
    }
    free(order);
    free_problem(&p);
}

static void test_similarity__rank_reorder_follows_its_definition(void **state)
{
    (void)state;
    problem p = make_problem(400, 4, 3, 4);
    const int m = 20; // 5 % of the images
    const igd_similarity_options o =
        igd_similarity_options_default(IGD_SIMILARITY_RANK_REORDER);
    int *order = malloc((size_t)p.N * sizeof(int));

    assert_non_null(order);
    assert_ok(run(&p, &o));
    for (int n = 0; n < p.K; n++) {
        double t[20], baseline = 0;
        sort_images(&p, n, order);
        for (int i = 0; i < m; i++)
            t[i] = p.A[order[i] * p.K + n];
        for (int i = 0; i < m; i++)
            for (int j = 0; j < m; j++)
                baseline += pow(fabs(t[i] - t[j]), 3) / (m * m);
        for (int c = 0; c < p.C; c++) {
            double mean = 0, error = 0;
            for (int i = 0; i < m; i++) {
                int more_similar = 0;
                for (int j = 0; j < m; j++)
                    more_similar += cosine(&p, order[j], c) > cosine(&p, order[i], c);
                error += pow(fabs(t[i] - t[more_similar]), 3) / m;
                mean += cosine(&p, order[i], c) / m;
            }
            const double want = -error / baseline / sqrt(mean);
            assert_true(fabs((double)p.score[c * p.K + n] - want) <= 1e-4 * fabs(want));
        }
    }
    free(order);
    free_problem(&p);
}

static void test_similarity__a_silent_neuron_agrees_with_nothing(void **state)
{
    (void)state;
    problem p = make_problem(50, 3, 2, 4);
    igd_similarity_options o = igd_similarity_options_default(IGD_SIMILARITY_COS);

    for (int i = 0; i < p.N; i++)
        p.A[i * p.K + 1] = 0;
    for (int kind = IGD_SIMILARITY_COS; kind <= IGD_SIMILARITY_COS_CUBED; kind++) {
        o.kind = (igd_similarity)kind;
        assert_ok(run(&p, &o));
        for (int c = 0; c < p.C; c++) {
            assert_true(p.score[c * p.K + 1] == 0.0f);
            assert_true(p.score[c * p.K + 0] != 0.0f);
        }
    }
    free_problem(&p);
}

static void test_similarity__unusable_input_is_refused(void **state)
{
    (void)state;
    problem p = make_problem(50, 3, 2, 4);
    igd_similarity_options o = igd_similarity_options_default(IGD_SIMILARITY_SOFT_WPMI);

    assert_fails(run(&p, &o), IGD_EINVAL, "top_k of 100");
    o.top_k = 0;
    assert_fails(run(&p, &o), IGD_EINVAL, "top_k of 0");
    o.top_k = 50;
    assert_ok(run(&p, &o));

    p.E[4 * 7 + 1] = NAN;
    assert_fails(run(&p, &o), IGD_EFORMAT, "embeddings: row 7 holds a number");
    for (int j = 0; j < 4; j++)
        p.E[4 * 7 + j] = 0;
    assert_fails(run(&p, &o), IGD_EFORMAT, "embeddings: the embedding of row 7 is zero");
    p.E[4 * 7 + 0] = 1;
    p.A[3 * 9 + 0] = INFINITY;
    assert_fails(run(&p, &o), IGD_EFORMAT, "activations: row 9 holds a number");
    p.A[3 * 9 + 0] = 1;
    p.T[4 + 2] = NAN;
    assert_fails(run(&p, &o), IGD_EFORMAT, "concept 1 is not finite");
    p.T[4 + 2] = 1;
    assert_ok(run(&p, &o));

    igd_rows *activations = NULL, *images = NULL;
    assert_ok(igd_rows_view(&activations, "activations", p.A, 50, 3));
    assert_ok(igd_rows_view(&images, "x.npy", p.E, 49, 4));
    assert_fails(igd_similarity_score(p.score, &o, activations, images, p.T, 2),
                 IGD_EINVAL, "x.npy: has 49 rows where there are 50 probe images");
    igd_rows_free(activations);
    igd_rows_free(images);
    free_problem(&p);
}

static int stop(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    assert_true(done <= total);
    return ++*(int *)payload == 2;
}

static void test_similarity__a_callback_stops_it(void **state)
{
    (void)state;
    problem p = make_problem(2500, 3, 2, 4);
    for (int kind = 0; kind <= IGD_SIMILARITY_RANK_REORDER; kind++) {
        int calls = 0;
        igd_similarity_options o = igd_similarity_options_default((igd_similarity)kind);
        o.progress = stop;
        o.payload = &calls;
        assert_fails(run(&p, &o), IGD_ECANCELED, "interrupted");
        assert_int_equal(calls, 2);
    }
    free_problem(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_similarity__soft_wpmi_is_the_reference),
        TENSOR_TEST(test_similarity__wpmi_is_the_reference),
        TENSOR_TEST(test_similarity__cos_is_the_reference),
        TENSOR_TEST(test_similarity__cos_cubed_is_the_reference),
        TENSOR_TEST(test_similarity__files_give_what_arrays_give),
        TENSOR_TEST(test_similarity__wpmi_follows_its_definition),
        TENSOR_TEST(test_similarity__rank_reorder_follows_its_definition),
        TENSOR_TEST(test_similarity__a_silent_neuron_agrees_with_nothing),
        TENSOR_TEST(test_similarity__unusable_input_is_refused),
        TENSOR_TEST(test_similarity__a_callback_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
