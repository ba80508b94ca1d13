// The defended model against its definition, written out operation by operation.
#include "masked_fixture.h"

#include "core/digest.h"

static igd_defense *defend(const world *w, int keep, double sigma, int num_smooth,
                           double temperature)
{
    igd_defense *d = NULL;
    const igd_defense_options o = {.size = sizeof(o),
                                   .keep = keep,
                                   .sigma = sigma,
                                   .num_smooth = num_smooth,
                                   .temperature = temperature,
                                   .seed = 9};
    assert_ok(igd_defense_new(&d, w->base, w->ranking, &o));
    return d;
}

// The two passes as product and paper write them, with no shortcut.
static igd_tensor *by_definition(igd_scope *s, const world *w, const igd_defense *d,
                                 const igd_tensor *x)
{
    const igd_defense_options *o = igd_defense_settings(d);
    const igd_graph *g = igd_model_graph(w->base);
    float mask[C * K] = {0};
    igd_tensor *sum = NULL;
    for (int j = 0; j < o->num_smooth; j++) {
        static float noise[N * D];
        for (int i = 0; i < N; i++) {
            const igd_stream stream =
                igd_stream_make(o->seed, "smoothing", w->draws[i].image,
                                w->draws[i].draw * (uint64_t)o->num_smooth + (uint64_t)j);
            igd_random_normal(noise + i * D, D, &stream);
        }
        igd_tensor *e = igt_floats(s, noise, (const int64_t[]){N, 3, 8, 8}, 4, "cpu");
        igd_tensor *z = igt_graph_run(s, g, igt_axpy(s, x, o->sigma, e));
        sum = sum == NULL ? z : igt_add(s, sum, z);
    }
    for (int c = 0; c < C; c++)
        for (int i = 0; i < o->keep; i++)
            mask[c * K + igd_ranking_order(w->ranking, c)[i]] = 1.0f;
    igd_tensor *m = igt_floats(s, mask, (const int64_t[]){C, K}, 2, "cpu");
    igd_tensor *mean = igt_scale(s, sum, 1.0 / o->num_smooth);
    igd_tensor *pseudo = igt_softmax(s, igt_scale(s, mean, 1.0 / o->temperature));
    igd_carried *carried = NULL;
    const igd_cut *cut = igd_defense_cut(d);
    igd_tensor *act = igt_prefix(s, cut, x, &carried);
    igd_tensor *row = igt_matmul(s, pseudo, m);
    return igt_suffix(s, cut, igt_mask_neurons(s, cut, act, row), carried);
}

// Logits, gradients and the share of images whose pseudo-label is not one-hot.
static void check_definition(double sigma, int num_smooth, double temperature)
{
    static world w;
    static float wanted[N * D], grad[N * D];
    float z0[N * C], weight[N * C];
    igd_pass *pass = NULL;
    world_make(&w);
    igd_defense *d = defend(&w, 4, sigma, num_smooth, temperature);
    const igd_stream stream = igd_stream_make(3, "test", 0, 0);
    igd_random_normal(weight, N * C, &stream);

    igd_scope s = igd_scope_begin_grad(NULL);
    igd_tensor *x = igt_floats(&s, w.images, (const int64_t[]){N, 3, 8, 8}, 4, "cpu");
    igd_tensor *leaf = igt_leaf(&s, x);
    igd_tensor *z = by_definition(&s, &w, d, leaf);
    igd_tensor *v = igt_floats(&s, weight, (const int64_t[]){N, C}, 2, "cpu");
    igt_read(&s, z, z0, N * C);
    igt_read(&s, igt_vjp(&s, z, v, leaf, false), wanted, N * D);
    assert_ok(igd_scope_close(&s));

    const igd_defense_view view = {.defense = d};
    const igd_classifier f = igd_defense_classifier(&view);
    assert_ok(igd_pass_run(&pass, &f, w.images, N, w.draws));
    fixture_assert_close(igd_pass_logits(pass), z0, N * C, 2e-5);
    assert_ok(igd_pass_grad(grad, pass, weight, false));
    fixture_assert_close(grad, wanted, N * D, 2e-4);
    igd_pass_free(pass);
    igd_defense_free(d);
    world_free(&w);
}

static void test_defense_masked__soft_pseudo_labels_are_the_definition(void **state)
{
    (void)state;
    check_definition(0.05, 1, 0.5);
    check_definition(0.05, 3, 0.5);
    check_definition(0.0, 1, 0.5);
}

static void test_defense_masked__hard_and_soft_images_mix(void **state)
{
    (void)state;
    for (double temperature = 0.02; temperature > 1e-5; temperature /= 3.0)
        check_definition(0.05, 2, temperature);
}

static void test_defense_masked__all_neurons_kept_is_the_base_model(void **state)
{
    (void)state;
    static world w;
    float defended[N * C], base[N * C];
    world_make(&w);
    igd_defense *d = defend(&w, K, 0.1, 1, 0.01);
    assert_ok(igd_defense_predict(defended, base, d, w.images, fixture_indices(), N));
    fixture_assert_close(defended, base, N * C, 1e-5);
    igd_defense_free(d);
    world_free(&w);
}

static void test_defense_masked__an_image_does_not_depend_on_its_batch(void **state)
{
    (void)state;
    static world w;
    float whole[N * C], part[N * C], other[N * C];
    int64_t indices[N];
    world_make(&w);
    igd_defense *d = defend(&w, 4, 0.2, 2, 0.3);
    for (int i = 0; i < N; i++)
        indices[i] = 50 + i;
    assert_ok(igd_defense_predict(whole, NULL, d, w.images, indices, N));
    for (int step = 1; step < N; step += 6) {
        for (int i = 0; i < N; i += step) {
            const int n = N - i < step ? N - i : step;
            assert_ok(igd_defense_predict(part + i * C, NULL, d, w.images + i * D,
                                          indices + i, n));
        }
        assert_memory_equal(part, whole, sizeof(whole));
    }
    indices[0]++; // another image's noise
    assert_ok(igd_defense_predict(other, NULL, d, w.images, indices, N));
    assert_memory_not_equal(other, whole, C * sizeof(float));
    assert_memory_equal(other + C, whole + C, (N - 1) * C * sizeof(float));
    igd_defense_free(d);
    world_free(&w);
}

static void test_defense_masked__draws_differ_unless_the_noise_is_fixed(void **state)
{
    (void)state;
    static world w;
    float a[N * C], b[N * C];
    world_make(&w);
    igd_defense *d = defend(&w, 4, 0.2, 1, 0.3);
    igd_defense_view view = {.defense = d};
    for (int fixed = 0; fixed < 2; fixed++) {
        view.fixed_noise = fixed == 1;
        const igd_classifier f = igd_defense_classifier(&view);
        assert_int_equal(f.deterministic, fixed == 1);
        for (int i = 0; i < N; i++)
            w.draws[i].draw = 1;
        assert_ok(igd_classifier_logits(a, &f, w.images, N, w.draws));
        for (int i = 0; i < N; i++)
            w.draws[i].draw = 2;
        assert_ok(igd_classifier_logits(b, &f, w.images, N, w.draws));
        assert_int_equal(memcmp(a, b, sizeof(a)) == 0, fixed == 1);
    }
    igd_defense_free(d);
    world_free(&w);
}

static int class_of(int64_t image, const void *payload)
{
    return (int)(image + *(const int *)payload) % C;
}

static void test_defense_masked__named_classes_choose_the_mask(void **state)
{
    (void)state;
    static world w;
    float got[N * C], wanted[N * C];
    float row[N * K] = {0};
    const int shift = 2;
    world_make(&w);
    igd_defense *d = defend(&w, 4, 0.2, 1, 0.3);
    const igd_defense_view view = {
        .defense = d, .pseudo = IGD_PSEUDO_LABEL, .label = class_of, .payload = &shift};
    const igd_classifier f = igd_defense_classifier(&view);
    assert_true(f.deterministic);
    assert_ok(igd_classifier_logits(got, &f, w.images, N, w.draws));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < 4; j++)
            row[i * K + igd_ranking_order(w.ranking,
                                          class_of(w.draws[i].image, &shift))[j]] = 1.0f;
    igd_scope s = igd_scope_begin(NULL);
    igd_carried *carried = NULL;
    const igd_cut *cut = igd_defense_cut(d);
    igd_tensor *x = igt_floats(&s, w.images, (const int64_t[]){N, 3, 8, 8}, 4, "cpu");
    igd_tensor *act = igt_prefix(&s, cut, x, &carried);
    igd_tensor *m = igt_floats(&s, row, (const int64_t[]){N, K}, 2, "cpu");
    igt_read(&s, igt_suffix(&s, cut, igt_mask_neurons(&s, cut, act, m), carried), wanted,
             N * C);
    assert_ok(igd_scope_close(&s));
    fixture_assert_close(got, wanted, N * C, 1e-5);
    igd_defense_free(d);
    world_free(&w);
}

static void test_defense_masked__surrogate_temperature_leaves_the_logits(void **state)
{
    (void)state;
    static world w;
    static float grad[N * D], surrogate[N * D];
    float weight[N * C];
    igd_pass *p = NULL, *q = NULL;
    world_make(&w);
    igd_defense *d =
        defend(&w, 4, 0.0, 1, 1e-5); // one-hot: the first pass has no gradient
    const igd_stream stream = igd_stream_make(4, "test", 0, 0);
    igd_random_normal(weight, N * C, &stream);
    const igd_defense_view as_it_is = {.defense = d};
    const igd_defense_view smooth = {
        .defense = d, .surrogate = true, .surrogate_temperature = 1.0};
    const igd_classifier f = igd_defense_classifier(&as_it_is);
    const igd_classifier g = igd_defense_classifier(&smooth);
    assert_ok(igd_pass_run(&p, &f, w.images, N, w.draws));
    assert_ok(igd_pass_run(&q, &g, w.images, N, w.draws));
    fixture_assert_close(igd_pass_logits(q), igd_pass_logits(p), N * C, 1e-6);
    assert_ok(igd_pass_grad(grad, p, weight, false));
    assert_ok(igd_pass_grad(surrogate, q, weight, false));
    double moved = 0.0;
    for (int i = 0; i < N * D; i++)
        moved = fmax(moved, fabs((double)grad[i] - (double)surrogate[i]));
    assert_true(moved > 1e-4);
    igd_pass_free(p);
    igd_pass_free(q);
    igd_defense_free(d);
    world_free(&w);
}

static void refused(const world *w, igd_defense_options o, const char *message)
{
    igd_defense *d = NULL;
    assert_fails(igd_defense_new(&d, w->base, w->ranking, &o), IGD_EINVAL, message);
    assert_null(d);
}

static void test_defense_masked__settings_out_of_range_are_refused(void **state)
{
    (void)state;
    static world w;
    world_make(&w);
    igd_defense_options o = igd_defense_options_default();
    o.keep = K + 1;
    refused(&w, o, "cannot keep 13 of 12 neurons");
    o.keep = 0;
    refused(&w, o, "cannot keep 0 of 12 neurons");
    o.keep = K;
    o.sigma = -0.1;
    refused(&w, o, "sigma is -0.1");
    o.sigma = NAN;
    refused(&w, o, "sigma is");
    o.sigma = 0.1;
    o.num_smooth = 0;
    refused(&w, o, "smooth is 0");
    o.num_smooth = 1;
    o.temperature = 0.0;
    refused(&w, o, "temperature is 0");
    world_free(&w);
}

static void test_defense_masked__ranking_of_another_model_needs_force(void **state)
{
    (void)state;
    static world w;
    igd_ranking *other = NULL;
    igd_defense *d = NULL;
    world_make(&w);
    assert_ok(igd_ranking_make(&other, "loir", "penultimate", "0123456789abcdef", C, K,
                               igd_ranking_score(w.ranking, 0), 10, NULL,
                               cJSON_CreateObject()));
    igd_defense_options o = igd_defense_options_default();
    o.keep = 3;
    assert_fails(igd_defense_new(&d, w.base, other, &o), IGD_EINVAL,
                 "made on another model (sha256 0123456789ab");
    o.force = true;
    assert_ok(igd_defense_new(&d, w.base, other, &o));
    igd_defense_free(d);
    igd_ranking_free(other);
    world_free(&w);
}

static void test_defense_masked__pixels_outside_the_range_are_refused(void **state)
{
    (void)state;
    static world w;
    float z[N * C];
    world_make(&w);
    igd_defense *d = defend(&w, 4, 0.0, 1, 0.01);
    w.images[2 * D + 5] = 1.5f;
    assert_fails(igd_defense_predict(z, NULL, d, w.images, fixture_indices(), N),
                 IGD_EINVAL, "image 2 has a pixel of value 1.5");
    w.images[2 * D + 5] = NAN;
    assert_fails(igd_defense_predict(z, NULL, d, w.images, fixture_indices(), N),
                 IGD_EINVAL, "image 2");
    igd_defense_free(d);
    world_free(&w);
}

static void test_defense_masked__exported_file_is_the_defended_model(void **state)
{
    (void)state;
    static world w;
    world_make(&w);
    igd_defense *d = defend(&w, 4, 0.0, 1, 0.05);
    assert_exports_itself(d, w.images, N, shape, 1e-4, false);
    igd_defense_free(d);
    d = defend(&w, 4, 0.1, 3, 0.05);
    assert_exports_itself(d, w.images, N, shape, 1e-4, true);
    igd_defense_free(d);
    world_free(&w);
}

// What a defense is follows from its file, wherever and whenever it was written.
static void test_defense_masked__exports_of_one_are_the_same_bytes(void **state)
{
    (void)state;
    static world w;
    char sums[2][IGD_SHA256_LENGTH];
    world_make(&w);
    for (int k = 0; k < 2; k++) {
        const char *path = fixture_path(k == 0 ? "first.pt" : "second.pt");
        igd_defense *d = defend(&w, 4, 0.1, 2, 0.05);
        assert_ok(igd_defense_export(d, path));
        assert_ok(igd_sha256_file(sums[k], path));
        igd_defense_free(d);
    }
    assert_string_equal(sums[0], sums[1]);
    world_free(&w);
}

static void test_defense_masked__failed_export_leaves_no_file(void **state)
{
    (void)state;
    static world w;
    world_make(&w);
    igd_defense *d = defend(&w, 4, 0.0, 1, 0.05);
    assert_int_not_equal(igd_defense_export(d, "/nowhere/at/all/x.pt"), IGD_OK);
    assert_non_null(strstr(igd_error_message(), "/nowhere/at/all/x.pt"));
    assert_fails(igd_defense_export(d, "/dev/full"), IGD_EIO,
                 "/dev/full: No space left on device");
    igd_defense_free(d);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_defense_masked__soft_pseudo_labels_are_the_definition),
        TENSOR_TEST(test_defense_masked__hard_and_soft_images_mix),
        TENSOR_TEST(test_defense_masked__all_neurons_kept_is_the_base_model),
        TENSOR_TEST(test_defense_masked__an_image_does_not_depend_on_its_batch),
        TENSOR_TEST(test_defense_masked__draws_differ_unless_the_noise_is_fixed),
        TENSOR_TEST(test_defense_masked__named_classes_choose_the_mask),
        TENSOR_TEST(test_defense_masked__surrogate_temperature_leaves_the_logits),
        TENSOR_TEST(test_defense_masked__settings_out_of_range_are_refused),
        TENSOR_TEST(test_defense_masked__ranking_of_another_model_needs_force),
        TENSOR_TEST(test_defense_masked__pixels_outside_the_range_are_refused),
        TENSOR_TEST(test_defense_masked__exported_file_is_the_defended_model),
        TENSOR_TEST(test_defense_masked__exports_of_one_are_the_same_bytes),
        TENSOR_TEST(test_defense_masked__failed_export_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
