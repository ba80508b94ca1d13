// Losses: published values, derivatives by finite differences, and extreme logits.
#include "fixture.h"

#include <limits.h>
#include <math.h>

#include "attack/loss.h"
#include "core/logits.h"
#include "core/random.h"

#define C 6

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-4;
}

static void test_loss__values_are_the_published_ones(void **state)
{
    (void)state;
    const float z[4] = {3, 2, 5, 1};
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_DLR, z, 4, 0, 0).value, 0.6667));
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_DLR, z, 4, 1, 0).value, 1.0));
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_DLR, z, 4, 2, 0).value, -0.6667));
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_T_DLR, z, 4, 2, 0).value, -0.5714));
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_CW, z, 4, 2, 0).value, -2.0));
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_CW, z, 4, 1, 0).value, 3.0));
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_T_CW, z, 4, 2, 1).value, -3.0));
    const double sum = exp(3) + exp(2) + exp(5) + exp(1);
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_CE, z, 4, 0, 0).value, log(sum) - 3.0));
    assert_true(
        near(igd_loss_eval(NULL, IGD_LOSS_T_CE, z, 4, 0, 1).value, 2.0 - log(sum)));
    assert_true(near(igd_loss_eval(NULL, IGD_LOSS_MARGIN, z, 4, 0, 0).value,
                     (exp(5) - exp(3)) / sum));
}

// Compares a derivative with central differences in float logits.
static void check_derivative(const float *weight, int exponent, const double *slope)
{
    for (int k = 0; k < C; k++) {
        const double w = exponent == INT_MIN ? 0.0 : ldexp((double)weight[k], exponent);
        assert_true(fabs(w - slope[k]) < 1e-3 * fmax(1.0, fabs(slope[k])));
    }
}

static void test_loss__derivatives_match_finite_differences(void **state)
{
    (void)state;
    for (int trial = 0; trial < 50; trial++) {
        float z[C];
        const igd_stream s = igd_stream_make(0, "loss", trial, 0);
        igd_random_normal(z, C, &s);
        for (int k = 0; k < C; k++)
            z[k] *= 2.0f;
        for (int loss = IGD_LOSS_CE; loss <= IGD_LOSS_MARGIN; loss++) {
            const int y = trial % C, t = (trial + 1) % C;
            float weight[C];
            double slope[C];
            const igd_loss_at at = igd_loss_eval(weight, (igd_loss)loss, z, C, y, t);
            if (at.plateau)
                continue;
            for (int k = 0; k < C; k++) {
                float up[C], down[C];
                memcpy(up, z, sizeof(z));
                memcpy(down, z, sizeof(z));
                up[k] += 0x1p-12f;
                down[k] -= 0x1p-12f;
                slope[k] = (igd_loss_eval(NULL, (igd_loss)loss, up, C, y, t).value -
                            igd_loss_eval(NULL, (igd_loss)loss, down, C, y, t).value) /
                           ((double)up[k] - (double)down[k]);
            }
            check_derivative(weight, at.exponent, slope);
            float most = 0.0f;
            for (int k = 0; k < C; k++)
                most = fmaxf(most, fabsf(weight[k]));
            assert_true(most >= 0.5f && most < 1.0f);
        }
    }
}

static void test_loss__gama_derivative_matches_finite_differences(void **state)
{
    (void)state;
    double reference[C], slope[C];
    float z[C], start[C], weight[C];
    const igd_stream s = igd_stream_make(0, "gama", 0, 0);
    const igd_stream t = igd_stream_make(0, "gama", 1, 0);
    igd_random_normal(z, C, &s);
    igd_random_normal(start, C, &t);
    igd_softmax(reference, start, C);
    const igd_loss_at at = igd_loss_eval_gama(weight, z, C, 2, reference, 3.0);
    for (int k = 0; k < C; k++) {
        float up[C], down[C];
        memcpy(up, z, sizeof(z));
        memcpy(down, z, sizeof(z));
        up[k] += 0x1p-12f;
        down[k] -= 0x1p-12f;
        slope[k] = (igd_loss_eval_gama(NULL, up, C, 2, reference, 3.0).value -
                    igd_loss_eval_gama(NULL, down, C, 2, reference, 3.0).value) /
                   ((double)up[k] - (double)down[k]);
    }
    check_derivative(weight, at.exponent, slope);
}

static void test_loss__certain_classifiers_still_have_a_direction(void **state)
{
    (void)state;
    const float z[3] = {300, 0, -2};
    float weight[3];
    const igd_loss_at ce = igd_loss_eval(weight, IGD_LOSS_CE, z, 3, 0, 0);
    assert_true(ce.value > 0.0 && ce.value < 1e-100);
    // e_1 against e_0, with the share of the third class as small as it is.
    assert_true(weight[0] < -0.5f && weight[1] > 0.4f && weight[2] > 0.0f);
    assert_true(fabsf(weight[0] + weight[1] + weight[2]) < 1e-6f);
    const igd_loss_at margin = igd_loss_eval(weight, IGD_LOSS_MARGIN, z, 3, 0, 0);
    assert_true(margin.value == -1.0);
    assert_true(weight[0] < -0.4f && weight[1] > 0.4f);
}

static void test_loss__plateau_of_dlr_is_flat_and_reported(void **state)
{
    (void)state;
    const float z[4] = {3, 2, 5, 1};
    float weight[4] = {1, 1, 1, 1};
    const igd_loss_at at = igd_loss_eval(weight, IGD_LOSS_DLR, z, 4, 1, 0);
    assert_true(at.plateau && at.exponent == INT_MIN);
    for (int k = 0; k < 4; k++)
        assert_true(weight[k] == 0.0f);
    assert_false(igd_loss_eval(weight, IGD_LOSS_DLR, z, 4, 0, 0).plateau);
}

static void test_loss__few_classes_take_another_loss(void **state)
{
    (void)state;
    assert_int_equal(igd_loss_for_classes(IGD_LOSS_DLR, 2), IGD_LOSS_CW);
    assert_int_equal(igd_loss_for_classes(IGD_LOSS_DLR, 3), IGD_LOSS_DLR);
    assert_int_equal(igd_loss_for_classes(IGD_LOSS_T_DLR, 2), IGD_LOSS_CW);
    assert_int_equal(igd_loss_for_classes(IGD_LOSS_T_DLR, 3), IGD_LOSS_T_CW);
    assert_int_equal(igd_loss_for_classes(IGD_LOSS_T_DLR, 4), IGD_LOSS_T_DLR);
    assert_int_equal(igd_loss_for_classes(IGD_LOSS_CE, 2), IGD_LOSS_CE);
}

static void test_loss__classes_are_ranked_without_the_label(void **state)
{
    (void)state;
    const float z[5] = {1, 4, 4, 7, 4};
    const int wanted[] = {3, 2, 4, 0};
    for (int rank = 0; rank < 4; rank++)
        assert_int_equal(igd_ranked_class(z, 5, 1, rank), wanted[rank]);
    assert_int_equal(igd_argmax(z, 5), 3);
    assert_int_equal(igd_argmax((const float[]){2, 2, 1}, 3), 0);
}

static void test_loss__samples_share_one_scale(void **state)
{
    (void)state;
    // Derivatives of CE of about 1, e^-30 and 1: the mean is what counts.
    const float z[6] = {0, 1, 30, 0, 1, 0};
    float each[6], weight[6];
    double mean = 0.0;
    const igd_loss_at at =
        igd_loss_eval_samples(weight, IGD_LOSS_CE, z, 3, 2, 0, 0, false);
    for (int s = 0; s < 3; s++) {
        const igd_loss_at one =
            igd_loss_eval(each + 2 * s, IGD_LOSS_CE, z + 2 * s, 2, 0, 0);
        mean += one.value / 3;
        for (int k = 0; k < 2; k++) {
            const double wanted = ldexp((double)each[2 * s + k], one.exponent);
            const double given = ldexp((double)weight[2 * s + k], at.exponent);
            assert_true(fabs(given - wanted) <= 1e-6 * fabs(wanted));
        }
    }
    assert_true(near(at.value, mean));
    const igd_loss_at last =
        igd_loss_eval_samples(NULL, IGD_LOSS_CE, z, 3, 2, 0, 0, true);
    assert_true(last.value == igd_loss_eval(NULL, IGD_LOSS_CE, z + 4, 2, 0, 0).value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss__values_are_the_published_ones),
        cmocka_unit_test(test_loss__derivatives_match_finite_differences),
        cmocka_unit_test(test_loss__gama_derivative_matches_finite_differences),
        cmocka_unit_test(test_loss__certain_classifiers_still_have_a_direction),
        cmocka_unit_test(test_loss__plateau_of_dlr_is_flat_and_reported),
        cmocka_unit_test(test_loss__few_classes_take_another_loss),
        cmocka_unit_test(test_loss__classes_are_ranked_without_the_label),
        cmocka_unit_test(test_loss__samples_share_one_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
