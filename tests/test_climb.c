// CAAA and the hedge defense: by hand, against a second implementation, and what holds
// for every defense.
#include "fixture.h"

#include <math.h>

#include "core/random.h"
#include "defend/defense_impl.h"
#include "model/model_impl.h"

#define N 21 // not a multiple of the rows that batches are filled up to
#define C 4
#define D (2 * 6 * 6)

static const int64_t shape[3] = {2, 6, 6};

typedef struct world {
    igd_model *base;
    float images[N * D];
    igd_draw draws[N];
} world;

static void world_make(world *w)
{
    const igd_stream stream = igd_stream_make(5, "test", 0, 0);
    igd_random_uniform(w->images, N * D, &stream);
    for (int i = 0; i < N; i++)
        w->draws[i] = (igd_draw){.image = 7 + 2 * i, .draw = (uint64_t)(i % 3)};
    for (int j = 0; j < D; j += 5) // pixels at the bounds
        w->images[j] = j % 2 == 0 ? 0.0f : 1.0f;
    assert_ok(igd_model_load(&w->base, fixture_convnet("climb.pt", 2, 12, C), shape,
                             fixture_invariant()));
}

static igd_defense *caaa(const igd_model *base, int num_steps, double alpha)
{
    igd_defense *d = NULL;
    const igd_caaa_options o = {
        .size = sizeof(o), .num_steps = num_steps, .alpha = alpha};
    assert_ok(igd_defense_new_caaa(&d, base, &o));
    return d;
}

static igd_defense *hedge(const igd_model *base, int num_steps, bool random_start)
{
    igd_defense *d = NULL;
    igd_hedge_options o = igd_hedge_options_default();
    o.num_steps = num_steps;
    o.random_start = random_start;
    o.seed = 3;
    assert_ok(igd_defense_new_hedge(&d, base, &o));
    return d;
}

// --- by hand: one pixel x, two classes

static const float opposite[2] = {1.0f, -1.0f}, no_bias[2];

static igd_model *pixel_model(const float *w, const float *b)
{
    static const int64_t pixel[3] = {1, 1, 1};
    igd_model *m = NULL;
    assert_ok(igd_model_load(&m, fixture_linear("pixel.pt", w, b, 2, 1), pixel, NULL));
    return m;
}

static float first_logit(const igd_defense *d, float pixel)
{
    float z[2];
    assert_ok(igd_defense_predict(z, NULL, d, &pixel, NULL, 1));
    return z[0];
}

static void test_climb__caaa_of_one_pixel(void **state)
{
    (void)state;
    igd_model *two = pixel_model(opposite, no_bias);
    igd_defense *d = caaa(two, 2, 0.15);
    // Toward its class: both steps upward, past 1 where it must, as it knows no bounds.
    assert_float_equal(first_logit(d, 0.5f), 0.8f, 1e-6);
    assert_float_equal(first_logit(d, 0.9f), 1.2f, 1e-6);
    // Equal logits: the first class is the pseudo-label, and it grows upward too.
    assert_float_equal(first_logit(d, 0.0f), 0.3f, 1e-6);
    igd_defense_free(d);
    igd_model_free(two);

    // The second class leads by its bias, and the first falls downward.
    igd_model *biased =
        pixel_model((const float[]){1.0f, 0.0f}, (const float[]){0.0f, 1.0f});
    d = caaa(biased, 2, 0.1);
    assert_float_equal(first_logit(d, 0.5f), 0.3f, 1e-6);
    igd_defense_free(d);
    igd_model_free(biased);
}

static void test_climb__hedge_of_one_pixel(void **state)
{
    (void)state;
    const float step = 4.0f / 255.0f;
    igd_model *two = pixel_model(opposite, no_bias);
    // d sum of CE = 2 p(0) - 2 p(1): away from 0, where both classes have the same.
    igd_defense *d = hedge(two, 1, false);
    assert_float_equal(first_logit(d, 0.5f), 0.5f + step, 1e-6);
    assert_float_equal(first_logit(d, 0.0f), 0.0f, 0.0f); // no gradient, no step
    igd_defense_free(d);
    d = hedge(two, 20, false);
    assert_float_equal(first_logit(d, 0.5f), 0.5f + 2.0f * step, 1e-6); // the radius
    assert_float_equal(first_logit(d, 0.99f), 1.0f, 1e-6); // no further than the box
    igd_defense_free(d);
    igd_model_free(two);
}

// --- against a second implementation: linear, in double precision, from the definition

static void linear_logits(double *z, const double *x, const float *w, const float *b)
{
    for (int c = 0; c < C; c++) {
        z[c] = (double)b[c];
        for (int j = 0; j < D; j++)
            z[c] += (double)w[c * D + j] * x[j];
    }
}

// Sum over the classes of `of` of d CE(z, c) / dx_j.
static double slope(const double *z, const float *w, int j, const bool *of)
{
    double top = z[0], sum = 0.0, grad = 0.0;
    for (int c = 1; c < C; c++)
        top = fmax(top, z[c]);
    for (int c = 0; c < C; c++)
        sum += exp(z[c] - top);
    for (int y = 0; y < C; y++)
        for (int c = 0; c < C && of[y]; c++)
            grad += (exp(z[c] - top) / sum - (c == y)) * (double)w[c * D + j];
    return grad;
}

static void linear_reference(double *z, const float *image, const float *w,
                             const float *b, bool is_caaa, int num_steps)
{
    const double alpha = 0.15, step = 4.0 / 255.0, eps = 8.0 / 255.0;
    double delta[D] = {0}, x[D];
    bool of[C] = {true, true, true, true};
    for (int i = 0; i <= num_steps; i++) {
        for (int j = 0; j < D; j++)
            x[j] = (double)image[j] + delta[j];
        linear_logits(z, x, w, b);
        if (i == 0 && is_caaa) {
            int best = 0;
            for (int c = 1; c < C; c++)
                best = z[c] > z[best] ? c : best;
            for (int c = 0; c < C; c++)
                of[c] = c == best;
        }
        for (int j = 0; j < D && i < num_steps; j++) {
            const double grad = slope(z, w, j, of), sign = (grad > 0.0) - (grad < 0.0);
            if (is_caaa) {
                delta[j] -= alpha * sign;
                continue;
            }
            delta[j] = fmin(fmax(delta[j] + step * sign, -eps), eps);
            delta[j] =
                fmin(fmax((double)image[j] + delta[j], 0.0), 1.0) - (double)image[j];
        }
    }
}

static void test_climb__agrees_with_the_definition(void **state)
{
    (void)state;
    static world w;
    static float weight[C * D];
    float bias[C], z[N * C];
    double wanted[C];
    igd_model *linear = NULL;
    const igd_stream a = igd_stream_make(6, "test", 0, 0),
                     b = igd_stream_make(7, "test", 0, 0);
    world_make(&w);
    igd_random_normal(weight, C * D, &a);
    igd_random_normal(bias, C, &b);
    for (int j = 0; j < C * D; j++)
        weight[j] *= 0.2f;
    assert_ok(igd_model_load(&linear, fixture_linear("linear.pt", weight, bias, C, D),
                             shape, NULL));
    for (int k = 0; k < 4; k++) {
        const bool is_caaa = k < 2;
        const int num_steps = k % 2 == 0 ? 2 : 9;
        igd_defense *d =
            is_caaa ? caaa(linear, num_steps, 0.15) : hedge(linear, num_steps, false);
        assert_ok(igd_defense_predict(z, NULL, d, w.images, fixture_indices(), N));
        for (int i = 0; i < N; i++) {
            linear_reference(wanted, w.images + i * D, weight, bias, is_caaa, num_steps);
            for (int c = 0; c < C; c++)
                assert_float_equal(z[i * C + c], wanted[c], 1e-4);
        }
        igd_defense_free(d);
    }
    igd_model_free(linear);
    igd_model_free(w.base);
}

// --- what holds for both

// Logits of the base model at the images that a defense moves to, and their gradients.
// The climb is written out once more, with the base model's own passes.
static void test_climb__gradients_are_those_at_the_moved_image(void **state)
{
    (void)state;
    static world w;
    static float moved[N * D], grad[N * D], wanted[N * D];
    float weight[N * C], up[N * C];
    const float step = 4.0f / 255.0f;
    igd_pass *p = NULL, *q = NULL;
    world_make(&w);
    const igd_classifier *base = igd_model_classifier(w.base);
    igd_defense *d = hedge(w.base, 1, false);
    const igd_defense_view view = {.defense = d};
    const igd_classifier f = igd_defense_classifier(&view);
    const igd_stream stream = igd_stream_make(8, "test", 0, 0);
    igd_random_normal(weight, N * C, &stream);

    assert_ok(igd_pass_run(&q, base, w.images, N, w.draws));
    for (int i = 0; i < N; i++) {
        const float *z = igd_pass_logits(q) + i * C;
        double sum = 0.0;
        for (int c = 0; c < C; c++)
            sum += exp((double)z[c]);
        for (int c = 0; c < C; c++)
            up[i * C + c] = (float)(C * exp((double)z[c]) / sum - 1.0);
    }
    assert_ok(igd_pass_grad(grad, q, up, false));
    igd_pass_free(q);
    for (int j = 0; j < N * D; j++) {
        const float sign = (float)((grad[j] > 0.0f) - (grad[j] < 0.0f));
        moved[j] = fminf(fmaxf(w.images[j] + step * sign, 0.0f), 1.0f);
    }
    assert_ok(igd_pass_run(&q, base, moved, N, w.draws));
    assert_ok(igd_pass_grad(wanted, q, weight, false));

    assert_ok(igd_pass_run(&p, &f, w.images, N, w.draws));
    assert_ok(igd_pass_grad(grad, p, weight, false));
    double largest = 0.0;
    for (int j = 0; j < N * D; j++)
        largest = fmax(largest, fabs((double)wanted[j]));
    assert_true(largest > 1e-4);
    for (int j = 0; j < N * C; j++)
        assert_float_equal(igd_pass_logits(p)[j], igd_pass_logits(q)[j], 1e-5);
    for (int j = 0; j < N * D; j++)
        assert_float_equal(grad[j], wanted[j], (float)(1e-4 * largest));
    igd_pass_free(p);
    igd_pass_free(q);
    igd_defense_free(d);
    igd_model_free(w.base);
}

static void test_climb__without_steps_it_is_the_base_model(void **state)
{
    (void)state;
    static world w;
    float z[N * C], base[N * C];
    world_make(&w);
    for (int k = 0; k < 2; k++) {
        int forwards, backwards;
        igd_defense *d = k == 0 ? caaa(w.base, 0, 0.15) : hedge(w.base, 0, false);
        assert_ok(igd_defense_predict(z, base, d, w.images, fixture_indices(), N));
        assert_memory_equal(z, base, sizeof(z));
        igd_defense_passes(d, &forwards, &backwards);
        assert_int_equal(forwards, 1);
        assert_int_equal(backwards, 0);
        igd_defense_free(d);
    }
    igd_model_free(w.base);
}

static void test_climb__an_image_does_not_depend_on_its_batch(void **state)
{
    (void)state;
    static world w;
    float whole[N * C], part[N * C];
    int64_t indices[N];
    world_make(&w);
    for (int i = 0; i < N; i++)
        indices[i] = 40 + i;
    for (int k = 0; k < 2; k++) {
        igd_defense *d = k == 0 ? caaa(w.base, 2, 0.15) : hedge(w.base, 3, true);
        assert_ok(igd_defense_predict(whole, NULL, d, w.images, indices, N));
        for (int step = 1; step < N; step += 6) {
            for (int i = 0; i < N; i += step)
                assert_ok(igd_defense_predict(part + i * C, NULL, d, w.images + i * D,
                                              indices + i, N - i < step ? N - i : step));
            assert_memory_equal(part, whole, sizeof(whole));
        }
        igd_defense_free(d);
    }
    igd_model_free(w.base);
}

static void test_climb__only_the_random_start_draws(void **state)
{
    (void)state;
    static world w;
    float a[N * C], b[N * C];
    world_make(&w);
    for (int k = 0; k < 4; k++) {
        const bool random = k == 2; // caaa; hedge from the image; at random; that, fixed
        igd_defense *d = k == 0 ? caaa(w.base, 2, 0.15) : hedge(w.base, 2, k > 1);
        const igd_defense_view view = {.defense = d, .fixed_noise = k == 3};
        const igd_classifier f = igd_defense_classifier(&view);
        assert_int_equal(f.deterministic, !random);
        for (int i = 0; i < N; i++)
            w.draws[i].draw = 1;
        assert_ok(igd_classifier_logits(a, &f, w.images, N, w.draws));
        for (int i = 0; i < N; i++)
            w.draws[i].draw = 2;
        assert_ok(igd_classifier_logits(b, &f, w.images, N, w.draws));
        assert_int_equal(memcmp(a, b, sizeof(a)) == 0, !random);
        igd_defense_free(d);
    }
    igd_model_free(w.base);
}

static void test_climb__cost_is_counted_in_passes(void **state)
{
    (void)state;
    static world w;
    int forwards, backwards;
    world_make(&w);
    igd_defense *d = NULL;
    assert_ok(igd_defense_new_caaa(&d, w.base, NULL));
    igd_defense_passes(d, &forwards, &backwards);
    assert_int_equal(forwards, 3); // the pseudo-label's pass is the first step's
    assert_int_equal(backwards, 2);
    assert_non_null(strstr(igd_defense_description(d), "\"kind\":\t\"caaa\""));
    assert_false(igd_defense_has_pseudo_label(d));
    assert_null(igd_defense_settings(d));
    assert_null(igd_defense_layer(d));
    igd_defense_free(d);
    assert_ok(igd_defense_new_hedge(&d, w.base, NULL));
    igd_defense_passes(d, &forwards, &backwards);
    assert_int_equal(forwards, 21);
    assert_int_equal(backwards, 20);
    assert_non_null(strstr(igd_defense_description(d), "\"random_start\":\ttrue"));
    assert_int_equal(igd_defense_kind_of(d), IGD_DEFENSE_HEDGE);
    assert_fails(igd_defense_export(d, fixture_path("no.pt")), IGD_EINVAL,
                 "takes gradients inside its forward");
    igd_defense_free(d);
    igd_model_free(w.base);
}

static void test_climb__settings_out_of_range_are_refused(void **state)
{
    (void)state;
    static world w;
    igd_defense *d = NULL;
    world_make(&w);
    igd_caaa_options c = igd_caaa_options_default();
    c.num_steps = -1;
    assert_fails(igd_defense_new_caaa(&d, w.base, &c), IGD_EINVAL, "steps are -1");
    c.num_steps = 2;
    c.alpha = 0.0;
    assert_fails(igd_defense_new_caaa(&d, w.base, &c), IGD_EINVAL, "alpha is 0");
    igd_hedge_options h = igd_hedge_options_default();
    h.num_steps = 10001;
    assert_fails(igd_defense_new_hedge(&d, w.base, &h), IGD_EINVAL, "outside 0 to 10000");
    h.num_steps = 2;
    h.step_size = NAN;
    assert_fails(igd_defense_new_hedge(&d, w.base, &h), IGD_EINVAL, "step size is");
    h.step_size = 0.01;
    h.eps = -1.0;
    assert_fails(igd_defense_new_hedge(&d, w.base, &h), IGD_EINVAL, "eps is -1");
    assert_null(d);
    igd_model_free(w.base);
}

static void test_climb__a_base_model_without_gradient_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"w"};
    static const int64_t shapes[][6] = {{C, D}};
    igd_model *flat = NULL;
    igd_defense *d = NULL;
    assert_ok(igd_model_load(
        &flat,
        fixture_model(
            "flat.pt",
            "def forward(self, x):\n"
            "    return torch.linear(torch.round(4.0 * x).flatten(1), self.w)\n",
            names, shapes, 1),
        shape, NULL));
    assert_fails(igd_defense_new_caaa(&d, flat, NULL), IGD_EINVAL, "no gradient");
    assert_fails(igd_defense_new_hedge(&d, flat, NULL), IGD_EINVAL, "no gradient");
    assert_null(d);
    igd_model_free(flat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_climb__caaa_of_one_pixel),
        TENSOR_TEST(test_climb__hedge_of_one_pixel),
        TENSOR_TEST(test_climb__agrees_with_the_definition),
        TENSOR_TEST(test_climb__gradients_are_those_at_the_moved_image),
        TENSOR_TEST(test_climb__without_steps_it_is_the_base_model),
        TENSOR_TEST(test_climb__an_image_does_not_depend_on_its_batch),
        TENSOR_TEST(test_climb__only_the_random_start_draws),
        TENSOR_TEST(test_climb__cost_is_counted_in_passes),
        TENSOR_TEST(test_climb__settings_out_of_range_are_refused),
        TENSOR_TEST(test_climb__a_base_model_without_gradient_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
