// What programs that embed the library rely on: options of other versions, one image at
// its own cost, what a defended prediction knows, and models, rankings and images that
// are in memory.
#include "fixture.h"

#include <math.h>

#include "core/error.h"
#include "data/resample.h"
#include "igdef.h"

#define N 6
#define D 12
#define C 3

static const int64_t shape[3] = {3, 2, 2};
static float weight[C * D], images[N * D];
static const float bias[C] = {0.0f, 0.1f, -0.1f};

static const char *model_file(void)
{
    for (int i = 0; i < C * D; i++)
        weight[i] = (float)(i * 7 % 11) / 11.0f - 0.5f;
    for (int i = 0; i < N * D; i++)
        images[i] = (float)(i * 13 % 17) / 17.0f;
    return fixture_linear("embed.pt", weight, bias, C, D);
}

static igd_model *load(bool batch_invariant, bool clamp)
{
    igd_model *m = NULL;
    igd_model_options o = igd_model_options_default();
    o.batch_invariant = batch_invariant;
    o.clamp_pixels = clamp;
    assert_ok(igd_model_load(&m, model_file(), shape, &o));
    return m;
}

// Every function that sets defaults, on a struct that ends early and on one with more at
// its end than the library knows.
static void test_embed__options_of_other_versions(void **state)
{
    (void)state;
#define KNOWS_SIZES(type, first_field)                                                   \
    do {                                                                                 \
        struct {                                                                         \
            type options;                                                                \
            char more[16];                                                               \
        } o;                                                                             \
        const size_t older = offsetof(type, first_field);                                \
        memset(&o, 0x55, sizeof(o));                                                     \
        type##_init(&o.options, older);                                                  \
        assert_int_equal(o.options.size, older);                                         \
        assert_int_equal(((unsigned char *)&o)[older], 0x55);                            \
        type##_init(&o.options, sizeof(o));                                              \
        assert_int_equal(o.options.size, sizeof(o));                                     \
        assert_int_equal(o.more[0], 0);                                                  \
        assert_int_equal(o.more[15], 0);                                                 \
        type##_init(NULL, sizeof(o));                                                    \
        assert_int_equal(type##_default().size, sizeof(type));                           \
    } while (0)
    KNOWS_SIZES(igd_dataset_options, split);
    KNOWS_SIZES(igd_pixels, num);
    KNOWS_SIZES(igd_model_options, mean);
    KNOWS_SIZES(igd_loir_options, plain);
    KNOWS_SIZES(igd_cdir_options, clip_text);
    KNOWS_SIZES(igd_defense_options, sigma);
    KNOWS_SIZES(igd_insight, pseudo);
    KNOWS_SIZES(igd_caaa_options, alpha);
    KNOWS_SIZES(igd_hedge_options, eps);
    KNOWS_SIZES(igd_meansparse_options, batch_size);
    KNOWS_SIZES(igd_callbacks, prefix);
    KNOWS_SIZES(igd_attack_options, seed);
    KNOWS_SIZES(igd_evaluate_options, set);
    KNOWS_SIZES(igd_analyze_run, command);
    KNOWS_SIZES(igd_shift_options, set);
    KNOWS_SIZES(igd_search_keep_options, budget);
    KNOWS_SIZES(igd_landscape_options, grid);
    KNOWS_SIZES(igd_series_options, defense);
    KNOWS_SIZES(igd_radius_options, from);
    KNOWS_SIZES(igd_tune_options, first_images);
}

static void test_embed__newer_options_are_refused_and_older_ones_taken(void **state)
{
    (void)state;
    igd_model *m = NULL;
    struct {
        igd_model_options options;
        const char *more;
    } o;
    igd_model_options_init(&o.options, sizeof(o));
    assert_fails(igd_model_load(&m, model_file(), shape, &o.options), IGD_EINVAL,
                 "compiled with a newer one");
    assert_null(m);
    o.options.size = 0;
    assert_fails(igd_model_load(&m, model_file(), shape, &o.options), IGD_EINVAL,
                 "igd_model_options_default()");
    // Of a program that knew the device alone: what follows is not looked at.
    memset(&o, 0xff, sizeof(o));
    igd_model_options_init(&o.options, offsetof(igd_model_options, mean));
    assert_ok(igd_model_load(&m, model_file(), shape, &o.options));
    igd_model_free(m);
}

static igd_status count_rows(float *logits, const float *in, int64_t n, void *payload)
{
    (void)in;
    *(int64_t *)payload += n;
    for (int64_t i = 0; i < n * C; i++)
        logits[i] = (float)(i % C);
    return IGD_OK;
}

static void test_embed__an_image_costs_one_row(void **state)
{
    (void)state;
    int64_t rows = 0;
    float z[C];
    igd_model *m = NULL;
    igd_callbacks c = igd_callbacks_default();
    c.logits = count_rows;
    assert_ok(igd_model_from_callbacks(&m, shape, C, &c, &rows));
    model_file();
    rows = 0;
    assert_ok(igd_model_predict(z, m, images, 1));
    assert_int_equal(rows, 1);
    igd_model_free(m);
}

static void test_embed__logits_do_not_depend_on_the_batch_where_asked(void **state)
{
    (void)state;
    float all[N * C], one[C];
    for (int invariant = 0; invariant < 2; invariant++) {
        igd_model *m = load(invariant == 1, false);
        assert_ok(igd_model_predict(all, m, images, N));
        for (int i = 0; i < N; i++) {
            assert_ok(igd_model_predict(one, m, images + i * D, 1));
            for (int c = 0; c < C; c++)
                assert_float_equal(one[c], all[i * C + c], 1e-6);
            if (invariant == 1)
                assert_memory_equal(one, all + i * C, sizeof(one));
        }
        igd_model_free(m);
    }
}

static void test_embed__rounding_errors_of_pixels_are_clamped_where_asked(void **state)
{
    (void)state;
    igd_model *strict = load(false, false), *lenient = load(false, true);
    float exact[C], z[C];
    images[0] = 1.0f;
    images[1] = 0.0f;
    assert_ok(igd_model_predict(exact, strict, images, 1));
    images[0] = 1.0005f;
    images[1] = -1e-6f;
    assert_fails(igd_model_predict(z, strict, images, 1), IGD_EINVAL, "outside [0, 1]");
    assert_ok(igd_model_predict(z, lenient, images, 1));
    assert_memory_equal(z, exact, sizeof(z));
    assert_true(images[0] > 1.0f); // the program's own are left alone
    images[0] = 1.1f;
    assert_fails(igd_model_predict(z, lenient, images, 1), IGD_EINVAL, "value 1.1");
    images[0] = NAN;
    assert_fails(igd_model_predict(z, lenient, images, 1), IGD_EINVAL, "outside [0, 1]");
    igd_model_free(lenient);
    igd_model_free(strict);
}

static int largest(const float *z)
{
    int best = 0;
    for (int c = 1; c < C; c++)
        best = z[c] > z[best] ? c : best;
    return best;
}

static void test_embed__a_defended_prediction_tells_what_it_knows(void **state)
{
    (void)state;
    float z[N * C], plain[N * C], base[N * C], first[N * C], pseudo[N * C], mask[N * D];
    float agree[N], draws[N];
    const int64_t *indices = fixture_indices();
    igd_model *m = load(true, false);
    igd_ranking *r = NULL;
    igd_defense *d = NULL, *other = NULL;
    igd_defense_options o = igd_defense_options_default();
    igd_insight in = igd_insight_default();
    o.keep = 5;
    o.sigma = 0.0;
    o.temperature = 0.5;
    assert_ok(igd_ranking_random(&r, m, "penultimate", NULL, 3));
    assert_ok(igd_defense_new(&d, m, r, &o));
    in.first_logits = first;
    in.pseudo = pseudo;
    in.mask = mask;
    in.passes_agree = agree;
    in.draws_agree = draws;
    assert_ok(igd_defense_explain(z, &in, d, images, indices, N));
    assert_ok(igd_defense_predict(plain, base, d, images, indices, N));
    assert_memory_equal(z, plain, sizeof(z));
    assert_memory_equal(first, base,
                        sizeof(first)); // without noise the first pass is f(x)
    for (int i = 0; i < N; i++) {
        double sum = 0.0, total = 0.0;
        for (int c = 0; c < C; c++)
            total += exp((double)first[i * C + c] / 0.5);
        for (int k = 0; k < D; k++) {
            double row = 0.0; // pseudo . mask of the `keep` most important
            for (int c = 0; c < C; c++)
                for (int j = 0; j < 5; j++)
                    if (igd_ranking_order(r, c)[j] == k)
                        row += (double)pseudo[i * C + c];
            assert_float_equal(mask[i * D + k], (float)row, 1e-6);
        }
        for (int c = 0; c < C; c++) {
            sum += (double)pseudo[i * C + c];
            assert_float_equal(pseudo[i * C + c],
                               (float)(exp((double)first[i * C + c] / 0.5) / total),
                               1e-5);
            double logit = (double)bias[c];
            for (int k = 0; k < D; k++)
                logit +=
                    (double)(weight[c * D + k] * images[i * D + k] * mask[i * D + k]);
            assert_float_equal(z[i * C + c], (float)logit, 1e-5);
        }
        assert_float_equal((float)sum, 1.0f, 1e-5);
        assert_true(agree[i] ==
                    (largest(first + i * C) == largest(z + i * C) ? 1.0f : 0.0f));
        assert_true(draws[i] == 1.0f);
    }

    // With much noise, draws differ; the logits are those of the first.
    o.keep = 1;
    o.sigma = 5.0;
    o.temperature = 0.01;
    assert_ok(igd_defense_new(&other, m, r, &o));
    in = igd_insight_default();
    in.draws_agree = draws;
    in.num_draws = 16;
    assert_ok(igd_defense_explain(z, &in, other, images, indices, N));
    assert_ok(igd_defense_predict(plain, NULL, other, images, indices, N));
    assert_memory_equal(z, plain, sizeof(z));
    float mean = 0.0f;
    for (int i = 0; i < N; i++) {
        assert_true(draws[i] >= 1.0f / 16.0f && draws[i] <= 1.0f);
        mean += draws[i] / N;
    }
    assert_true(mean < 1.0f);
    in.num_draws = 0;
    assert_fails(igd_defense_explain(z, &in, other, images, indices, N), IGD_EINVAL,
                 "0 draws");
    igd_defense_free(other);
    in = igd_insight_default();
    assert_ok(igd_defense_new_caaa(&other, m, NULL));
    assert_fails(igd_defense_explain(z, &in, other, images, indices, N), IGD_EINVAL,
                 "without a pseudo-label");
    igd_defense_free(other);
    igd_defense_free(d);
    igd_ranking_free(r);
    igd_model_free(m);
}

static void test_embed__a_model_from_memory_is_the_file_s(void **state)
{
    (void)state;
    float z[N * C], there[N * C];
    igd_model *file = load(false, false), *memory = NULL;
    FILE *f = fopen(model_file(), "rb");
    assert_non_null(f);
    static char bytes[1 << 20];
    const size_t size = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    assert_ok(igd_model_load_memory(&memory, bytes, size, "safe/model", shape, NULL));
    assert_ok(igd_model_predict(z, file, images, N));
    assert_ok(igd_model_predict(there, memory, images, N));
    assert_memory_equal(z, there, sizeof(z));
    assert_string_equal(igd_model_sha256(memory), igd_model_sha256(file));
    assert_string_equal(igd_model_path(memory), "safe/model");
    igd_model_free(memory);
    for (size_t i = 0; i < size / 2; i++) // not in padding alone
        bytes[size / 4 + i] ^= 1;
    assert_fails(igd_model_load_memory(&memory, bytes, size, "safe/model", shape, NULL),
                 IGD_EFORMAT, "safe/model: ");
    assert_null(strstr(igd_error_message(), "/proc"));
    assert_fails(
        igd_model_load_memory(&memory, bytes, size / 2, "safe/model", shape, NULL),
        IGD_EFORMAT, "safe/model: ");
    assert_fails(igd_model_load_memory(&memory, bytes, 0, "safe/model", shape, NULL),
                 IGD_EFORMAT, "safe/model: ");
    assert_null(memory);
    igd_model_free(file);
}

static void test_embed__a_ranking_of_scores(void **state)
{
    (void)state;
    igd_model *m = load(false, false);
    igd_ranking *r = NULL;
    float score[C * D];
    for (int i = 0; i < C * D; i++)
        score[i] = (float)(i * 5 % 12);
    assert_ok(igd_ranking_from_scores(&r, m, "penultimate", "saliency", score, D, NULL));
    assert_string_equal(igd_ranking_method(r), "saliency");
    assert_memory_equal(igd_ranking_score(r, 1), score + D, D * sizeof(float));
    for (int i = 1; i < D; i++)
        assert_true(score[igd_ranking_order(r, 0)[i - 1]] >=
                    score[igd_ranking_order(r, 0)[i]]);
    igd_ranking_free(r);
    assert_fails(
        igd_ranking_from_scores(&r, m, "penultimate", "saliency", score, D - 1, NULL),
        IGD_EINVAL, "scores of 11 neurons, but layer penultimate has 12");
    score[3] = NAN;
    assert_fails(
        igd_ranking_from_scores(&r, m, "penultimate", "saliency", score, D, NULL),
        IGD_EFORMAT, "neuron 3");
    assert_null(r);
    igd_model_free(m);
}

static void test_embed__bytes_in_any_order_are_the_same_images(void **state)
{
    (void)state;
    enum { H = 2, W = 3, CH = 3 };
    uint8_t hwc[N][H][W][CH], padded[N][CH][H][W + 5];
    static const char *const names[] = {"cat", "dog"};
    const int32_t labels[N] = {0, 1, 0, 1, 1, 0};
    const int64_t which[2] = {4, 1};
    float expected[2 * CH * H * W], got[2 * CH * H * W];
    char sums[3][65];
    igd_dataset *d = NULL;
    memset(padded, 0, sizeof(padded));
    for (int i = 0; i < N; i++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < CH; c++)
                    padded[i][c][y][x] = hwc[i][y][x][c] =
                        (uint8_t)(i * 41 + y * 17 + x * 7 + c * 3);
    for (int j = 0; j < 2; j++)
        for (int c = 0; c < CH; c++)
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                    expected[((j * CH + c) * H + y) * W + x] =
                        (float)hwc[which[j]][y][x][c] / 255.0f;
    igd_pixels p = igd_pixels_default();
    p.num = N;
    p.shape[0] = CH;
    p.shape[1] = H;
    p.shape[2] = W;
    for (int k = 0; k < 3; k++) { // packed; with strides; borrowed
        p.data = k == 0 ? &hwc[0][0][0][0] : &padded[0][0][0][0];
        const int64_t stride[4] = {CH * H * (W + 5), H * (W + 5), W + 5, 1};
        if (k > 0)
            memcpy(p.stride, stride, sizeof(stride));
        p.borrow = k == 2;
        assert_ok(igd_dataset_from_pixels(&d, &p, labels, 2, names));
        assert_string_equal(igd_dataset_class_name(d, 1), "dog");
        assert_int_equal(igd_dataset_label(d, 4), 1);
        assert_ok(igd_dataset_read(d, got, which, 2));
        assert_memory_equal(got, expected, sizeof(got));
        assert_ok(igd_dataset_sha256(d, sums[k]));
        assert_string_equal(sums[k], sums[0]);
        igd_dataset_free(d);
    }
    p.stride[2] = -1;
    assert_fails(igd_dataset_from_pixels(&d, &p, labels, 2, names), IGD_EINVAL,
                 "stride of -1");
    p.stride[2] = INT64_MAX;
    assert_fails(igd_dataset_from_pixels(&d, &p, labels, 2, names), IGD_EINVAL, "stride");
    p.shape[1] = INT64_MAX / 2;
    assert_fails(igd_dataset_from_pixels(&d, &p, labels, 2, names), IGD_EINVAL, "images");
    p = igd_pixels_default();
    p.data = &hwc[0][0][0][0];
    assert_fails(igd_dataset_from_pixels(&d, &p, labels, 2, NULL), IGD_EINVAL,
                 "0 images");
    p.num = 1;
    p.shape[0] = p.shape[1] = p.shape[2] = 1;
    assert_fails(igd_dataset_from_pixels(&d, &p, labels, 0, NULL), IGD_EINVAL,
                 "0 classes");
    assert_fails(igd_dataset_from_pixels(&d, &p, (int32_t[]){7}, 2, NULL), IGD_EINVAL,
                 "label 7");
    assert_null(d);
}

static void test_embed__resizing_is_the_loader_s(void **state)
{
    (void)state;
    uint8_t in[20 * 30 * 3], out[7 * 11 * 3];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * i % 251);
    for (int f = 0; f < 2; f++) {
        igd_image from = {30, 20, 3, in}, to = {0};
        assert_ok(igd_image_resize(&to, &from, 11, 7, (igd_filter)f));
        assert_ok(igd_resize(out, 11, 7, in, 30, 20, 3, (igd_resize_filter)f));
        assert_memory_equal(out, to.pixels, sizeof(out));
        igd_image_free(&to);
    }
    assert_fails(igd_resize(out, 0, 7, in, 30, 20, 3, IGD_RESIZE_BICUBIC), IGD_EINVAL,
                 "cannot become 0 x 7");
    assert_fails(igd_resize(out, 11, 7, in, 1 << 14, 1 << 14, 3, IGD_RESIZE_BICUBIC),
                 IGD_EINVAL, "cannot become");
    assert_fails(igd_resize(out, 11, 7, in, 30, 20, 5, IGD_RESIZE_BICUBIC), IGD_EINVAL,
                 "5 channels");
    assert_fails(igd_resize(out, 11, 7, in, 30, 20, 3, (igd_resize_filter)9), IGD_EINVAL,
                 "filter 9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_embed__options_of_other_versions),
        TENSOR_TEST(test_embed__newer_options_are_refused_and_older_ones_taken),
        TENSOR_TEST(test_embed__an_image_costs_one_row),
        TENSOR_TEST(test_embed__logits_do_not_depend_on_the_batch_where_asked),
        TENSOR_TEST(test_embed__rounding_errors_of_pixels_are_clamped_where_asked),
        TENSOR_TEST(test_embed__a_defended_prediction_tells_what_it_knows),
        TENSOR_TEST(test_embed__a_model_from_memory_is_the_file_s),
        TENSOR_TEST(test_embed__a_ranking_of_scores),
        TENSOR_TEST(test_embed__bytes_in_any_order_are_the_same_images),
        TENSOR_TEST(test_embed__resizing_is_the_loader_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
