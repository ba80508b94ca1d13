// MeanSparse: one pixel by hand, a layer with positions against its definition, and what
// holds for a defense that has a surrogate.
#include "export_fixture.h"

#include "core/random.h"
#include "cut.h"
#include "defend/defense_impl.h"
#include "igdef/dataset.h"
#include "model/model_impl.h"

#define N 21 // not a multiple of the rows that batches are filled up to
#define C 4
#define K 6
#define D (2 * 6 * 6)

static const int64_t shape[3] = {2, 6, 6};

typedef struct world {
    igd_model *base;
    igd_dataset *probe;
    float images[N * D];
    igd_draw draws[N];
    char layer[64]; // whose activations have positions
} world;

static void world_make(world *w)
{
    static float probe[2 * N * D];
    static const int32_t labels[2 * N];
    const igd_stream a = igd_stream_make(5, "test", 0, 0),
                     b = igd_stream_make(6, "test", 0, 0);
    const igd_layer *layers;
    int num;

    igd_random_uniform(w->images, N * D, &a);
    igd_random_uniform(probe, 2 * N * D, &b);
    for (int i = 0; i < N; i++)
        w->draws[i] = (igd_draw){.image = i};
    assert_ok(
        igd_model_load(&w->base, fixture_convnet("sparse.pt", 2, K, C), shape, NULL));
    assert_ok(igd_dataset_from_floats(&w->probe, probe, labels, 2 * N, shape, C));
    assert_ok(igd_model_layers(w->base, &layers, &num));
    w->layer[0] = '\0';
    for (int i = 0; i < num; i++)
        if (layers[i].num_dims == 4 && layers[i].num_neurons == K &&
            layers[i].shape[2] > 1 && layers[i].reason == NULL)
            snprintf(w->layer, sizeof(w->layer), "%s", layers[i].path);
    assert_true(w->layer[0] != '\0');
}

static void world_free(world *w)
{
    igd_dataset_free(w->probe);
    igd_model_free(w->base);
}

static igd_defense *defend(const world *w, const char *layer, double alpha,
                           int batch_size)
{
    igd_defense *d = NULL;
    igd_meansparse_options o = igd_meansparse_options_default();
    o.alpha = alpha;
    o.batch_size = batch_size;
    assert_ok(igd_defense_new_meansparse(&d, w->base, layer, w->probe, &o));
    return d;
}

// The gradient of the first logit at one pixel, and that logit.
static float slope(float *logit, const igd_defense *d, bool surrogate, float pixel)
{
    static const float first[2] = {1.0f, 0.0f};
    const igd_draw draw = {0};
    const igd_defense_view view = {
        .defense = d, .surrogate = surrogate, .surrogate_temperature = 1.0};
    const igd_classifier f = igd_defense_classifier(&view);
    igd_pass *p = NULL;
    float grad;
    assert_ok(igd_pass_run(&p, &f, &pixel, 1, &draw));
    *logit = igd_pass_logits(p)[0];
    assert_ok(igd_pass_grad(&grad, p, first, false));
    igd_pass_free(p);
    return grad;
}

// Pixels of 0.2, 0.4 and 0.6: mean 0.4, deviation sqrt(0.08 / 3) = 0.1633. With alpha 0.5
// what is less than 0.0816 from 0.4 becomes 0.4, whose logit is 3 * 0.4.
static void test_meansparse__of_one_pixel(void **state)
{
    (void)state;
    static const int64_t pixel[3] = {1, 1, 1};
    static const float w[2] = {3.0f, -1.0f}, b[2], probe[3] = {0.2f, 0.4f, 0.6f};
    static const int32_t labels[3];
    const igd_meansparse_options o = {.size = sizeof(o), .alpha = 0.5, .batch_size = 2};
    const struct {
        float x, logit, slope;
    } cases[] = {{0.40f, 1.2f, 0.0f},  {0.33f, 1.2f, 0.0f},  {0.48f, 1.2f, 0.0f},
                 {0.49f, 1.47f, 3.0f}, {0.31f, 0.93f, 3.0f}, {1.00f, 3.0f, 3.0f}};
    igd_model *m = NULL;
    igd_dataset *data = NULL;
    igd_defense *d = NULL;
    float z;

    assert_ok(igd_model_load(&m, fixture_linear("pixel.pt", w, b, 2, 1), pixel, NULL));
    assert_ok(igd_dataset_from_floats(&data, probe, labels, 3, pixel, 2));
    assert_ok(igd_defense_new_meansparse(&d, m, "penultimate", data, &o));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_float_equal(slope(&z, d, false, cases[i].x), cases[i].slope, 1e-6);
        assert_float_equal(z, cases[i].logit, 1e-6);
        // The surrogate: the same logit, and the slope of the identity.
        assert_float_equal(slope(&z, d, true, cases[i].x), 3.0f, 1e-6);
        assert_float_equal(z, cases[i].logit, 1e-6);
    }
    igd_defense_free(d);
    igd_dataset_free(data);
    igd_model_free(m);
}

// Mean and threshold of each channel over the probe images and positions: two passes over
// all values, in double precision.
static int64_t statistics(double *mean, double *threshold, const world *w,
                          const igd_cut *cut, double alpha)
{
    static float act[2 * N * K * 36], images[2 * N * D];
    int64_t which[2 * N];
    for (int i = 0; i < 2 * N; i++)
        which[i] = i;
    assert_ok(igd_dataset_read(w->probe, images, which, 2 * N));
    igd_scope s = igd_scope_begin(NULL);
    igd_carried *carried = NULL;
    igd_tensor *x = igt_floats(&s, images, (const int64_t[]){2 * N, 2, 6, 6}, 4, "cpu");
    igd_tensor *t = igt_prefix(&s, cut, x, &carried);
    const int64_t size = igd_tensor_size(t), P = size / (2 * N * K);
    assert_true(P > 1 && P <= 36);
    igt_read(&s, t, act, size); // [2 N, K, P]
    assert_ok(igd_scope_close(&s));
    for (int k = 0; k < K; k++) {
        double sum = 0.0, squares = 0.0;
        for (int i = 0; i < 2 * N; i++)
            for (int64_t p = 0; p < P; p++)
                sum += (double)act[(i * K + k) * P + p];
        mean[k] = sum / (double)(2 * N * P);
        for (int i = 0; i < 2 * N; i++)
            for (int64_t p = 0; p < P; p++)
                squares += pow((double)act[(i * K + k) * P + p] - mean[k], 2.0);
        threshold[k] = alpha * sqrt(squares / (double)(2 * N * P));
    }
    return P;
}

// Logits and gradient by the definition: a = near mean + (1 - near) act, where `near` is
// a constant, or in the gradient of the surrogate 0.
static void by_definition(float *logits, float *grad, float *surrogate, const world *w,
                          double alpha, const float *weight)
{
    static float act[N * K * 36], near[N * K * 36], rest[N * K * 36];
    double mean[K], threshold[K];
    igd_cut *cut = NULL;
    assert_ok(igd_model_cut(&cut, w->base, w->layer));
    const int64_t P = statistics(mean, threshold, w, cut, alpha), size = N * K * P;
    int64_t changed = 0;

    for (int which = 0; which < 2; which++) {
        igd_scope s = igd_scope_begin_grad(NULL);
        igd_carried *carried = NULL;
        igd_tensor *x = igt_leaf(
            &s, igt_floats(&s, w->images, (const int64_t[]){N, 2, 6, 6}, 4, "cpu"));
        igd_tensor *a = igt_prefix(&s, cut, x, &carried);
        int64_t axes[4];
        for (int i = 0; i < 4; i++)
            axes[i] = igd_tensor_length(a, i);
        igt_read(&s, a, act, size);
        for (int64_t i = 0; i < size; i++) {
            const int k = (int)(i / P % K);
            const bool is_near = fabs((double)act[i] - mean[k]) < threshold[k];
            changed += is_near;
            rest[i] = is_near ? 0.0f : 1.0f;
            // The surrogate adds the change as a constant.
            near[i] = !is_near ? 0.0f : (float)mean[k] - (which == 1 ? act[i] : 0.0f);
        }
        igd_tensor *constant = igt_floats(&s, near, axes, 4, "cpu");
        igd_tensor *sparse =
            which == 1 ? igt_add(&s, a, constant)
                       : igt_add(&s, igt_mul(&s, a, igt_floats(&s, rest, axes, 4, "cpu")),
                                 constant);
        igd_tensor *z = igt_suffix(&s, cut, sparse, carried);
        igd_tensor *v = igt_floats(&s, weight, (const int64_t[]){N, C}, 2, "cpu");
        igt_read(&s, z, logits, N * C);
        igt_read(&s, igt_vjp(&s, z, v, x, false), which == 1 ? surrogate : grad, N * D);
        assert_ok(igd_scope_close(&s));
    }
    assert_true(changed > 0 && changed < 2 * size); // both branches are there
    igd_cut_free(cut);
}

static void test_meansparse__is_its_definition_at_every_position(void **state)
{
    (void)state;
    static world w;
    static float grad[3][N * D], wanted[2][N * D];
    float logits[N * C], weight[N * C];
    igd_pass *p = NULL;
    const igd_stream stream = igd_stream_make(3, "test", 0, 0);

    world_make(&w);
    igd_random_normal(weight, N * C, &stream);
    igd_defense *d = defend(&w, w.layer, 0.8, 128);
    by_definition(logits, wanted[0], wanted[1], &w, 0.8, weight);
    for (int k = 0; k < 2; k++) {
        const igd_defense_view view = {
            .defense = d, .surrogate = k == 1, .surrogate_temperature = 1.0};
        const igd_classifier f = igd_defense_classifier(&view);
        assert_true(f.deterministic);
        assert_ok(igd_pass_run(&p, &f, w.images, N, w.draws));
        fixture_assert_close(igd_pass_logits(p), logits, N * C, 1e-5);
        assert_ok(igd_pass_grad(grad[k], p, weight, false));
        fixture_assert_close(grad[k], wanted[k], N * D, 1e-4);
        igd_pass_free(p);
    }
    double moved = 0.0;
    for (int i = 0; i < N * D; i++)
        moved = fmax(moved, fabs((double)grad[0][i] - (double)grad[1][i]));
    assert_true(moved > 1e-4);
    igd_defense_free(d);
    world_free(&w);
}

static void test_meansparse__without_a_threshold_is_the_base_model(void **state)
{
    (void)state;
    static world w;
    float z[N * C], base[N * C];
    world_make(&w);
    igd_defense *d = defend(&w, "penultimate", 0.0, 128);
    assert_ok(igd_defense_predict(z, base, d, w.images, fixture_indices(), N));
    fixture_assert_close(z, base, N * C, 1e-6);
    igd_defense_free(d);
    d = defend(&w, "penultimate", 1e6, 128); // everything is the mean
    assert_ok(igd_defense_predict(z, NULL, d, w.images, fixture_indices(), N));
    for (int i = C; i < N * C; i++)
        assert_true(z[i] == z[i % C]);
    igd_defense_free(d);
    world_free(&w);
}

static void test_meansparse__batches_of_the_probe_change_nothing(void **state)
{
    (void)state;
    static world w;
    static const int sizes[] = {1, 5, 8, 128};
    char first[1024] = "";
    world_make(&w);
    for (int i = 0; i < 4; i++) {
        igd_defense *d = defend(&w, w.layer, 0.4, sizes[i]);
        if (i == 0)
            snprintf(first, sizeof(first), "%s", igd_defense_description(d));
        assert_string_equal(igd_defense_description(d), first);
        igd_defense_free(d);
    }
    assert_non_null(strstr(first, "statistics_sha256"));
    // The statistics are part of it: of other images it is another defense.
    igd_defense *d = NULL;
    igd_dataset *other = NULL;
    static const int32_t labels[N];
    const igd_meansparse_options o = {.size = sizeof(o), .alpha = 0.4, .batch_size = 8};
    assert_ok(igd_dataset_from_floats(&other, w.images, labels, N, shape, C));
    assert_ok(igd_defense_new_meansparse(&d, w.base, w.layer, other, &o));
    assert_string_not_equal(igd_defense_description(d), first);
    igd_defense_free(d);
    igd_dataset_free(other);
    world_free(&w);
}

static void test_meansparse__exported_file_is_the_defended_model(void **state)
{
    (void)state;
    static world w;
    world_make(&w);
    for (int k = 0; k < 2; k++) {
        igd_defense *d = defend(&w, k == 0 ? w.layer : "penultimate", 0.5, 128);
        assert_exports_itself(d, w.images, N, shape, 1e-5, false);
        igd_defense_free(d);
    }
    world_free(&w);
}

static void test_meansparse__says_what_it_is(void **state)
{
    (void)state;
    static world w;
    int forwards, backwards;
    world_make(&w);
    igd_defense *d = defend(&w, w.layer, 0.25, 128);
    assert_int_equal(igd_defense_kind_of(d), IGD_DEFENSE_MEANSPARSE);
    assert_int_equal(igd_defense_adaptive(d), IGD_ADAPTIVE_SURROGATE);
    assert_false(igd_defense_has_pseudo_label(d));
    assert_null(igd_defense_settings(d));
    igd_defense_passes(d, &forwards, &backwards);
    assert_int_equal(forwards, 1);
    assert_int_equal(backwards, 0);
    const cJSON *json = igd_defense_settings_json(d);
    assert_string_equal(cJSON_GetObjectItem(json, "kind")->valuestring, "meansparse");
    assert_string_equal(cJSON_GetObjectItem(json, "layer")->valuestring, w.layer);
    assert_true(cJSON_GetObjectItem(json, "alpha")->valuedouble == 0.25);
    assert_true(cJSON_GetObjectItem(json, "images")->valuedouble == 2 * N);
    igd_defense_free(d);
    world_free(&w);
}

static int stop(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    (void)total;
    *(double *)payload = done;
    return 1;
}

static void test_meansparse__what_cannot_be_is_refused(void **state)
{
    (void)state;
    static world w;
    static const int64_t small[3] = {2, 6, 5};
    static const int32_t labels[1];
    igd_dataset *other = NULL;
    igd_defense *d = NULL;
    double seen = 0.0;
    world_make(&w);
    igd_meansparse_options o = igd_meansparse_options_default();
#define REFUSED(layer, data, what)                                                       \
    assert_fails(igd_defense_new_meansparse(&d, w.base, layer, data, &o), IGD_EINVAL,    \
                 what)
    o.alpha = -0.1;
    REFUSED("penultimate", w.probe, "alpha is -0.1");
    o.alpha = NAN;
    REFUSED("penultimate", w.probe, "alpha is");
    o.alpha = INFINITY;
    REFUSED("penultimate", w.probe, "alpha is");
    o.alpha = 0.1;
    o.batch_size = 0;
    REFUSED("penultimate", w.probe, "batch size is 0");
    o.batch_size = 4;
    REFUSED("layer9", w.probe, "layer9");
    assert_ok(igd_dataset_from_floats(&other, w.images, labels, 1, small, C));
    REFUSED("penultimate", other, "another shape");
    igd_dataset_free(other);
    o.progress = stop;
    o.payload = &seen;
    assert_fails(igd_defense_new_meansparse(&d, w.base, "penultimate", w.probe, &o),
                 IGD_ECANCELED, "interrupted");
    assert_true(seen == 4.0);
    assert_null(d);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_meansparse__of_one_pixel),
        TENSOR_TEST(test_meansparse__is_its_definition_at_every_position),
        TENSOR_TEST(test_meansparse__without_a_threshold_is_the_base_model),
        TENSOR_TEST(test_meansparse__batches_of_the_probe_change_nothing),
        TENSOR_TEST(test_meansparse__exported_file_is_the_defended_model),
        TENSOR_TEST(test_meansparse__says_what_it_is),
        TENSOR_TEST(test_meansparse__what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
