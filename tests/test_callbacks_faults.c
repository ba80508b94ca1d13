// Callbacks that fail, throw, ask to stop, or give what no model gives; and those that
// are none.
#include "callbacks_fixture.h"

#include "igdef/ranking.h"

static void test_callbacks__failures_are_passed_on(void **state)
{
    (void)state;
    static const struct {
        fault_kind kind;
        igd_status status;
        const char *text;
    } cases[] = {{FAIL, IGD_EIO, "logits of the program failed"},
                 {SAY, IGD_ECALLBACK, "the accelerator is on fire"},
                 {STOP, IGD_ECANCELED, "asked to stop"},
                 {STRANGE, IGD_ECALLBACK, "returned 77"}};
    igd_callbacks c = all_callbacks();
    const igd_threat threat = {IGD_NORM_LINF, 0.03};
    float adv[N * D];
    c.prefix = c.suffix = NULL;
    c.prefix_gradient = c.suffix_gradient = NULL;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        fault f = {.after = 1000};
        igd_model *m = model_of(&c, &f);
        f.kind = cases[k].kind;
        f.after = f.calls + 3;
        assert_fails(igd_attack_images(adv, NULL, m, NULL, "apgd-ce", &threat, NULL,
                                       net.x, net.label, N),
                     cases[k].status, cases[k].text);
        f.after = 0; // at construction
        igd_model *none = m;
        assert_fails(igd_model_from_callbacks(&none, shape, C, &c, &f), cases[k].status,
                     cases[k].text);
        assert_null(none);
        igd_model_free(m);
    }
}

// Out of the logits, and out of a gradient in the middle of libtorch's own backward pass.
static igd_status throwing_gradient(float *grad, const float *x, const float *weights,
                                    int64_t n, void *payload)
{
    fault *f = payload;
    return f->calls++ < f->after ? gradient(grad, x, weights, n, NULL)
                                 : fixture_throw(grad, x, n, NULL);
}

static igd_status plain_logits(float *z, const float *x, int64_t n, void *payload)
{
    (void)payload;
    return logits(z, x, n, NULL);
}

static void test_callbacks__exceptions_end_where_they_are_thrown(void **state)
{
    (void)state;
    igd_callbacks c = igd_callbacks_default();
    const igd_threat threat = {IGD_NORM_LINF, 0.03};
    fault f = {.after = 1};
    igd_model *m = NULL;
    float adv[N * D];
    c.logits = fixture_throw;
    assert_fails(igd_model_from_callbacks(&m, shape, C, &c, NULL), IGD_ECALLBACK,
                 "logits of the program threw: thrown by the program");
    c.logits = plain_logits;
    c.gradient = throwing_gradient;
    m = model_of(&c, &f);
    for (int i = 0; i < 3; i++) // again and again, with nothing left behind
        assert_fails(igd_attack_images(adv, NULL, m, NULL, "pgd", &threat, NULL, net.x,
                                       net.label, N),
                     IGD_ECALLBACK, "gradient of the program threw");
    igd_model_free(m);
}

static void test_callbacks__logits_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    igd_callbacks c = all_callbacks();
    fault f = {.kind = NAN_LOGITS};
    igd_model *m = NULL;
    assert_fails(igd_model_from_callbacks(&m, shape, C, &c, &f), IGD_EFORMAT, "NaN");
    // Later on such points end their runs and fool nobody.
    f.after = 1000;
    c.prefix = c.suffix = NULL;
    c.prefix_gradient = c.suffix_gradient = NULL;
    m = model_of(&c, &f);
    f.after = f.calls + 1; // the clean logits are whole
    float adv[N * D];
    igd_attack_outcome outcomes[N];
    const igd_threat threat = {IGD_NORM_LINF, 0.03};
    igd_attack_options o = igd_attack_options_default();
    assert_ok(igd_attack_images(adv, outcomes, m, NULL, "apgd-ce", &threat, &o, net.x,
                                net.label, N));
    assert_int_equal(num_fooled(outcomes), N / 10);
    igd_model_free(m);
}

static void test_callbacks__bad_ones_are_refused(void **state)
{
    (void)state;
    igd_model *m = NULL;
    igd_callbacks c = all_callbacks();
    assert_fails(igd_model_from_callbacks(NULL, shape, C, &c, NULL), IGD_EINVAL, "out");
    assert_fails(igd_model_from_callbacks(&m, NULL, C, &c, NULL), IGD_EINVAL, "shape");
    assert_fails(igd_model_from_callbacks(&m, shape, C, NULL, NULL), IGD_EINVAL,
                 "callbacks");
    assert_fails(igd_model_from_callbacks(&m, shape, 1, &c, NULL), IGD_EINVAL,
                 "1 classes");
    const int64_t flat[3] = {3, 0, 2};
    assert_fails(igd_model_from_callbacks(&m, flat, C, &c, NULL), IGD_EINVAL, "3x0x2");
    c.logits = NULL;
    assert_fails(igd_model_from_callbacks(&m, shape, C, &c, NULL), IGD_EINVAL,
                 "without logits");
    c = all_callbacks();
    c.suffix = NULL;
    assert_fails(igd_model_from_callbacks(&m, shape, C, &c, NULL), IGD_EINVAL,
                 "a prefix and no suffix");
    c = all_callbacks();
    c.num_neurons = 0;
    assert_fails(igd_model_from_callbacks(&m, shape, C, &c, NULL), IGD_EINVAL,
                 "0 neurons");
    c = all_callbacks();
    c.size = sizeof(c) + 8;
    assert_fails(igd_model_from_callbacks(&m, shape, C, &c, NULL), IGD_EINVAL, "newer");
    c.size = 0;
    assert_fails(igd_model_from_callbacks(&m, shape, C, &c, NULL), IGD_EINVAL,
                 "igd_callbacks_default()");
    c = all_callbacks();
    c.size = offsetof(igd_callbacks, prefix); // an older program: no mask layer yet
    assert_ok(igd_model_from_callbacks(&m, shape, C, &c, NULL));
    igd_ranking *r = NULL;
    assert_fails(igd_ranking_random(&r, m, "penultimate", NULL, 0), IGD_EINVAL,
                 "without prefix and suffix");
    igd_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_callbacks__bad_ones_are_refused),
        TENSOR_TEST(test_callbacks__failures_are_passed_on),
        TENSOR_TEST(test_callbacks__exceptions_end_where_they_are_thrown),
        cmocka_unit_test(test_callbacks__logits_that_are_no_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, make_net, free_net);
}
