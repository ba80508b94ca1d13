// LO-IR: closed form, general path and the plain definition agree.
#include "fixture.h"

#include <math.h>

#include "core/npy.h"
#include "core/random.h"
#include "cut.h"
#include "igdef/dataset.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"

#define N 37 // not a multiple of any batch size used below
#define C 5
#define K 12

static const int64_t shape[3] = {3, 8, 8};

static igd_model *load_convnet(void)
{
    igd_model *m = NULL;
    assert_ok(igd_model_load(&m, fixture_convnet("loir.pt", 3, K, C), shape, NULL));
    return m;
}

static igd_dataset *random_images(void)
{
    static float images[N * 3 * 8 * 8];
    int32_t labels[N];
    igd_dataset *d = NULL;
    const igd_stream s = igd_stream_make(7, "test", 0, 0);
    igd_random_uniform(images, sizeof(images) / sizeof(*images), &s);
    for (int i = 0; i < N; i++)
        labels[i] = i % 3 == 0 ? 0 : i % C; // unbalanced
    assert_ok(igd_dataset_from_floats(&d, images, labels, N, shape, C));
    return d;
}

// The definition: one pass over all images for each neuron, on the whole model.
static void by_definition(double *score, const igd_model *m, const igd_dataset *d,
                          bool over_all)
{
    static float images[N * 3 * 8 * 8], z0[N * C], z1[N * C];
    int64_t which[N];
    double count[C] = {0};
    igd_cut *cut = NULL;
    for (int i = 0; i < N; i++) {
        which[i] = i;
        for (int c = 0; c < C; c++)
            count[c] += over_all || igd_dataset_label(d, i) == c;
    }
    assert_ok(igd_dataset_read(d, images, which, N));
    assert_ok(igd_model_predict(z0, m, images, N));
    assert_ok(igd_model_cut(&cut, m, "penultimate"));
    assert_int_equal(igd_cut_num_neurons(cut), K);
    for (int k = 0; k < K; k++) {
        float mask[K];
        for (int j = 0; j < K; j++)
            mask[j] = j != k;
        igd_carried *carried = NULL;
        igd_scope s = igd_scope_begin(NULL);
        igd_tensor *x = igt_view(&s, images, (const int64_t[]){N, 3, 8, 8}, 4, "cpu");
        igd_tensor *act = igt_prefix(&s, cut, x, &carried);
        igd_tensor *row = igt_view(&s, mask, (const int64_t[]){1, K}, 2, "cpu");
        igd_tensor *z = igt_suffix(&s, cut, igt_mask_neurons(&s, cut, act, row), carried);
        igt_read(&s, z, z1, (int64_t)N * C);
        assert_ok(igd_scope_close(&s));
        for (int c = 0; c < C; c++) {
            double sum = 0.0;
            for (int i = 0; i < N; i++)
                if (over_all || igd_dataset_label(d, i) == c)
                    sum += fabs((double)z0[i * C + c] - (double)z1[i * C + c]);
            score[c * K + k] = sum / count[c];
        }
    }
    igd_cut_free(cut);
}

static void assert_scores(const igd_ranking *r, const double *wanted)
{
    double largest = 0.0;
    for (int i = 0; i < C * K; i++)
        largest = fmax(largest, wanted[i]);
    assert_true(largest > 1e-3); // the comparison below is of something
    for (int c = 0; c < C; c++)
        for (int k = 0; k < K; k++)
            assert_true(fabs((double)igd_ranking_score(r, c)[k] - wanted[c * K + k]) <
                        1e-5 * largest);
}

static void check_against_definition(bool over_all, bool plain)
{
    igd_model *m = load_convnet();
    igd_dataset *d = random_images();
    double wanted[C * K];
    by_definition(wanted, m, d, over_all);
    for (int batch_size = 1; batch_size <= 64; batch_size = batch_size * 4 + 3) {
        igd_loir_options o = igd_loir_options_default();
        igd_ranking *r = NULL;
        o.batch_size = batch_size;
        o.over_all = over_all;
        o.plain = plain;
        assert_ok(igd_ranking_loir(&r, m, "penultimate", d, &o));
        assert_scores(r, wanted);
        igd_ranking_free(r);
    }
    igd_dataset_free(d);
    igd_model_free(m);
}

static void test_loir__closed_form_is_the_definition(void **state)
{
    (void)state;
    check_against_definition(false, false);
}

static void test_loir__closed_form_is_the_definition_over_all_images(void **state)
{
    (void)state;
    check_against_definition(true, false);
}

static void test_loir__suffix_passes_are_the_definition(void **state)
{
    (void)state;
    check_against_definition(false, true);
}

static void test_loir__suffix_passes_are_the_definition_over_all_images(void **state)
{
    (void)state;
    check_against_definition(true, true);
}

static void test_loir__class_without_image_is_refused(void **state)
{
    (void)state;
    igd_model *m = load_convnet();
    igd_dataset *d = NULL;
    igd_ranking *r = NULL;
    const float images[2 * 3 * 8 * 8] = {0};
    assert_ok(igd_dataset_from_floats(&d, images, (const int32_t[]){0, 3}, 2, shape, C));
    assert_fails(igd_ranking_loir(&r, m, "penultimate", d, NULL), IGD_EINVAL,
                 "class 1 has no probe image");
    assert_null(r);
    igd_dataset_free(d);
    igd_model_free(m);
}

static void test_loir__unknown_layer_is_refused(void **state)
{
    (void)state;
    igd_model *m = load_convnet();
    igd_dataset *d = random_images();
    igd_ranking *r = NULL;
    assert_fails(igd_ranking_loir(&r, m, "layer9", d, NULL), IGD_EINVAL, "layer9");
    assert_null(r);
    igd_dataset_free(d);
    igd_model_free(m);
}

static int stop(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    (void)done;
    (void)total;
    ++*(int *)payload;
    return 1;
}

static void test_loir__progress_can_stop_it(void **state)
{
    (void)state;
    igd_model *m = load_convnet();
    igd_dataset *d = random_images();
    igd_ranking *r = NULL;
    int calls = 0;
    igd_loir_options o = igd_loir_options_default();
    o.batch_size = 8;
    o.progress = stop;
    o.payload = &calls;
    assert_fails(igd_ranking_loir(&r, m, "penultimate", d, &o), IGD_ECANCELED, "stopped");
    assert_int_equal(calls, 1);
    o.plain = true;
    assert_fails(igd_ranking_loir(&r, m, "penultimate", d, &o), IGD_ECANCELED, "stopped");
    assert_int_equal(calls, 2);
    igd_dataset_free(d);
    igd_model_free(m);
}

// Scores that the definition gave word for word: scripts/make_loir_golden.py.
static void against_reference(const char *layer, const char *file)
{
    const char *const folder = TEST_SOURCE_DIR "/tests/golden/cifar10";
    const char *const model = TEST_SOURCE_DIR "/tests/golden/loir/resnet.pt";
    const int64_t cifar[3] = {3, 32, 32};
    igd_npy wanted = {0};
    igd_model *m = NULL;
    igd_dataset *d = NULL;
    igd_ranking *r = NULL;
    char path[512];
    snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/golden/loir/%s", file);
    assert_ok(igd_npy_read(&wanted, path));
    igd_dataset_options data = igd_dataset_options_default();
    data.split = "train";
    igd_loir_options o = igd_loir_options_default();
    assert_ok(igd_model_load(&m, model, cifar, NULL));
    assert_ok(igd_dataset_open(&d, folder, &data));
    const float *score = wanted.data; // [K, C]
    for (int plain = 0; plain < 2; plain++) {
        o.plain = plain != 0;
        assert_ok(igd_ranking_loir(&r, m, layer, d, &o));
        assert_int_equal(wanted.shape[0], igd_ranking_num_neurons(r));
        assert_int_equal(wanted.shape[1], igd_ranking_num_classes(r));
        for (int64_t k = 0; k < wanted.shape[0]; k++)
            for (int64_t c = 0; c < wanted.shape[1]; c++)
                assert_true(fabs((double)score[k * wanted.shape[1] + c] -
                                 (double)igd_ranking_score(r, (int)c)[k]) < 2e-5);
        igd_ranking_free(r);
    }
    igd_npy_free(&wanted);
    igd_dataset_free(d);
    igd_model_free(m);
}

static void test_loir__penultimate_scores_are_the_references(void **state)
{
    (void)state;
    against_reference("penultimate", "penultimate.npy");
}

static void test_loir__layer3_scores_are_the_references(void **state)
{
    (void)state;
    against_reference("layer3", "layer3.npy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_loir__closed_form_is_the_definition),
        TENSOR_TEST(test_loir__closed_form_is_the_definition_over_all_images),
        TENSOR_TEST(test_loir__suffix_passes_are_the_definition),
        TENSOR_TEST(test_loir__suffix_passes_are_the_definition_over_all_images),
        TENSOR_TEST(test_loir__class_without_image_is_refused),
        TENSOR_TEST(test_loir__unknown_layer_is_refused),
        TENSOR_TEST(test_loir__progress_can_stop_it),
        TENSOR_TEST(test_loir__penultimate_scores_are_the_references),
        TENSOR_TEST(test_loir__layer3_scores_are_the_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
