// In a program that follows a locale with a decimal comma: numbers are read and written
// as everywhere else. Skipped where there is no such locale.
#include "attack_fixture.h"

#include <cjson/cJSON.h>
#include <locale.h>

#include "core/file.h"
#include "core/letters.h"
#include "core/number.h"
#include "igdef/evaluate.h"
#include "igdef/sweep.h"

#define N 24
#define D 12

static igd_model *model;
static igd_dataset *data;

static int make_world(void **state)
{
    (void)state;
    static float w[3 * D], x[N * D];
    static const float b[3] = {0.0f, 0.1f, -0.1f};
    int32_t label[N];
    toy_random(w, 3 * D, 1.0f, "locale w");
    toy_images(x, N * D, "locale x");
    for (int i = 0; i < N; i++) {
        label[i] = 0;
        double best = -1e9;
        for (int c = 0; c < 3; c++) {
            double z = (double)b[c];
            for (int j = 0; j < D; j++)
                z += (double)w[c * D + j] * (double)x[i * D + j];
            if (z > best) {
                best = z;
                label[i] = c;
            }
        }
    }
    const int64_t shape[3] = {1, 3, 4};
    assert_ok(
        igd_model_load(&model, fixture_linear("locale.pt", w, b, 3, D), shape, NULL));
    assert_ok(igd_dataset_from_floats(&data, x, label, N, shape, 3));
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    igd_model_free(model);
    igd_dataset_free(data);
    return 0;
}

static void test_locale__it_has_a_comma(void **state)
{
    (void)state;
    char text[16];
    snprintf(text, sizeof(text), "%.1f", 0.5);
    assert_string_equal(text, "0,5");
}

static void test_locale__numbers_keep_their_point(void **state)
{
    (void)state;
    double v = 0.0;
    char text[32];
    assert_true(igd_number_parse(&v, "0.5"));
    assert_true(v == 0.5);
    assert_true(igd_number_parse(&v, "0.5/2"));
    assert_true(v == 0.25);
    assert_false(igd_number_parse(&v, "0,5"));
    igd_number_shortest(text, sizeof(text), 0.1234567891);
    assert_string_equal(text, "0.1234567891");
    igd_format(text, sizeof(text), "%.2f", 1.25);
    assert_string_equal(text, "1.25");
    snprintf(text, sizeof(text), "%.1f", 0.5); // the program's own is as it was
    assert_string_equal(text, "0,5");
}

static void test_locale__messages_keep_their_point(void **state)
{
    (void)state;
    igd_evaluate_options o = igd_evaluate_options_default();
    o.threat.eps = -0.5;
    assert_fails(igd_evaluate_check(&o, false, IGD_ADAPTIVE_NONE), IGD_EINVAL, "-0.5");
}

static int stop_late(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    (void)done;
    (void)total;
    return --*(int *)payload < 0;
}

// Stopped after some batches, then gone on with, from a state with fractions in it.
static void test_locale__a_state_is_gone_on_with(void **state)
{
    (void)state;
    igd_result *whole = NULL, *r = NULL;
    igd_evaluate_options o = igd_evaluate_options_default();
    int calls = 3;
    o.attacks = "apgd-ce,square";
    o.set = "apgd-ce.steps=7,apgd-ce.rho=0.5,square.queries=30";
    o.threat.eps = 0.05;
    o.batch_size = 4;
    assert_ok(igd_evaluate(&whole, model, NULL, data, &o));

    o.state = fixture_path("locale.state");
    o.progress = stop_late;
    o.payload = &calls;
    assert_int_equal(igd_evaluate(&r, model, NULL, data, &o), IGD_ECANCELED);
    assert_true(igd_path_exists(o.state));
    o.progress = NULL;
    assert_ok(igd_evaluate(&r, model, NULL, data, &o));
    assert_true(igd_result_worst_acc(r) == igd_result_worst_acc(whole));

    // Fractions are in both forms of the result, and it reads back.
    assert_non_null(strstr(igd_result_text(r), "eps 0.05"));
    assert_null(strstr(igd_result_text(r), "0,"));
    const char *path = fixture_path("locale.json");
    igd_result *back = NULL;
    assert_ok(igd_result_save(r, path));
    assert_ok(igd_result_load(&back, path));
    assert_true(igd_result_worst_acc(back) == igd_result_worst_acc(r));
    cJSON *json = cJSON_Parse(igd_result_json(r));
    const cJSON *threat = cJSON_GetObjectItemCaseSensitive(json, "threat");
    assert_true(cJSON_GetObjectItemCaseSensitive(threat, "eps")->valuedouble == 0.05);
    cJSON_Delete(json);
    igd_result_free(back);
    igd_result_free(r);
    igd_result_free(whole);
}

static void test_locale__swept_values_are_read(void **state)
{
    (void)state;
    static const char *const value[] = {"0.01", "2.5/255"};
    igd_series_options o = igd_series_options_default();
    igd_analysis *a = NULL;
    o.evaluate.attacks = "fgsm";
    assert_ok(igd_sweep(&a, model, NULL, data,
                        &(igd_sweep_values){.option = "eps", .value = value, .num = 2},
                        &o));
    const char *chart = fixture_path("locale.svg");
    assert_ok(igd_analysis_save_chart(a, chart));
    assert_null(strstr(igd_analysis_text(a), "0,"));
    igd_analysis_free(a);
}

static void test_locale__letters_are_those_of_ascii(void **state)
{
    (void)state;
    assert_true(igd_same_letters(".TIFF", ".tiff"));
    assert_false(igd_same_letters(".tiff", ".tif"));
    assert_false(igd_same_letters(".tif", ".tiff"));
    assert_true(igd_is_letter_or_digit('Z') && igd_is_letter_or_digit('0'));
    assert_false(igd_is_letter_or_digit('\xe4')); // a letter of Latin-1
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locale__it_has_a_comma),
        cmocka_unit_test(test_locale__numbers_keep_their_point),
        cmocka_unit_test(test_locale__messages_keep_their_point),
        cmocka_unit_test(test_locale__a_state_is_gone_on_with),
        cmocka_unit_test(test_locale__swept_values_are_read),
        cmocka_unit_test(test_locale__letters_are_those_of_ascii),
    };
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) {
        fprintf(stderr, "skipped: no locale de_DE.UTF-8\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, make_world, free_world);
}
