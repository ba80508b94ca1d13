// Charts of analyses: what they show, contours, and analyses that are none.
#include "fixture.h"

#include <math.h>

#include "chart/analysis_check.h"
#include "chart/axis.h"
#include "chart/chart.h"
#include "chart/contour.h"
#include "chart/markup.h"
#include "core/json.h"

static cJSON *sample(const char *name)
{
    char path[512];
    cJSON *json = NULL;
    snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/report/%s.json", name);
    assert_int_equal(igd_json_read(&json, path), IGD_OK);
    return json;
}

static char *chart_of(const cJSON *json)
{
    char *text = NULL;
    if (igd_chart_svg(&text, json) != IGD_OK)
        fail_msg("%s", igd_error_message());
    return text;
}

static int count(const char *text, const char *what)
{
    int num = 0;
    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        num++;
    return num;
}

static void assert_has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("'%s' is missing", what);
}

static void test_chart__shift_has_a_bar_and_a_whisker_per_group(void **state)
{
    (void)state;
    cJSON *json = sample("shift");
    char *text = chart_of(json);
    assert_int_equal(count(text, "<rect class=\"s2\""), 4);
    assert_int_equal(count(text, "<rect class=\"s1\""), 3);
    assert_int_equal(count(text, "class=\"whisker\""), 3 * 7);
    assert_has(text, ">\xe2\x88\x92"
                     "41.2</text>");
    assert_has(text, "Attack succeeded (93 images)");
    free(text);
    cJSON_Delete(json);
}

static void test_chart__sweep_marks_every_point_and_the_base(void **state)
{
    (void)state;
    cJSON *json = sample("sweep");
    char *text = chart_of(json);
    assert_int_equal(count(text, "<path class=\"s3\""), 6);
    assert_int_equal(count(text, "<path class=\"s1\""), 6);
    assert_int_equal(count(text, "dashed"), 2 + 1); // and the rule
    assert_has(text, "base attacked 78.3");
    assert_has(text, ">96</text>");
    free(text);
    cJSON_Delete(json);
}

static void test_chart__settings_that_are_words_are_spaced_equally(void **state)
{
    (void)state;
    cJSON *json = sample("sweep"), *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "points"))
    {
        cJSON_ReplaceItemInObject(item, "value", cJSON_CreateString("layer4.<1>"));
    }
    char *text = chart_of(json);
    assert_has(text, ">layer4.&lt;1&gt;</text>");
    free(text);
    cJSON_Delete(json);
}

static void test_chart__search_marks_the_chosen_keep(void **state)
{
    (void)state;
    cJSON *json = sample("search-keep");
    char *text = chart_of(json);
    assert_has(text, ">keep 5</text>");
    assert_has(text, "class=\"mark\"");
    free(text);
    cJSON_Delete(json);
}

static void test_chart__landscape_has_contours_of_both_surfaces(void **state)
{
    (void)state;
    cJSON *json = sample("landscape");
    char *text = chart_of(json);
    assert_int_equal(count(text, "contour\" d="), 2 * 6);
    assert_has(text, ">defended</text>");
    free(text);
    cJSON_Delete(json);
}

static void test_chart__tables_have_two_bars_a_row(void **state)
{
    (void)state;
    const char *names[] = {"ablation", "defenses"};
    const int rows[] = {5, 6};
    for (int k = 0; k < 2; k++) {
        cJSON *json = sample(names[k]);
        char *text = chart_of(json);
        assert_int_equal(count(text, "<rect class=\"s0\""), rows[k]);
        assert_int_equal(count(text, "<rect class=\"s1\""), rows[k]);
        free(text);
        cJSON_Delete(json);
    }
}

static void test_chart__settings_are_bars_of_which_the_chosen_stands_out(void **state)
{
    (void)state;
    cJSON *json = sample("tune"), *settings = cJSON_GetObjectItem(json, "settings");
    char *text = chart_of(json);
    assert_int_equal(count(text, "<rect class=\"s1\""), 1);
    assert_has(text, ">keep 48, sigma 0.05<");
    free(text);
    // Which need not be the first: that may be over the budget.
    cJSON_ReplaceItemInObject(json, "chosen",
                              cJSON_Duplicate(settings->child->next, true));
    text = chart_of(json);
    assert_int_equal(count(text, "<rect class=\"s1\""), 1);
    free(text);
    // Of many settings those that got furthest.
    while (cJSON_GetArraySize(settings) < IGD_TUNE_SHOWN + 20)
        cJSON_AddItemToArray(settings, cJSON_Duplicate(settings->child->next, true));
    cJSON_SetNumberHelper(cJSON_GetObjectItem(settings->child->prev, "keep"), 77.0);
    text = chart_of(json);
    assert_null(strstr(text, "keep 77"));
    free(text);
    cJSON_Delete(json);
}

static void test_chart__radius_has_a_curve_of_each_classifier(void **state)
{
    (void)state;
    cJSON *json = sample("radius");
    char *text = chart_of(json);
    assert_has(text, ">base</text>");
    assert_has(text, ">defended</text>");
    free(text);
    cJSON_Delete(json);
}

// Radii that are halved many times have long numbers; the axis has round ones.
static void test_chart__many_radii_have_an_axis(void **state)
{
    (void)state;
    cJSON *json = sample("radius"), *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "classifiers"))
    {
        cJSON *curve = cJSON_GetObjectItemCaseSensitive(item, "curve");
        cJSON *model = cJSON_DetachItemFromArray(curve, 0);
        while (curve->child != NULL)
            cJSON_DeleteItemFromArray(curve, 0);
        for (int k = 0; k <= 64; k++) {
            cJSON *point = cJSON_Duplicate(model, true);
            cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(point, "eps"),
                                 0.25 * k / 64.0);
            cJSON_AddItemToArray(curve, point);
        }
        cJSON_Delete(model);
    }
    char *text = chart_of(json);
    for (int k = 0; k <= 5; k++) {
        char tick[32];
        snprintf(tick, sizeof(tick), ">0.%02d</text>", 5 * k);
        assert_has(text, tick);
    }
    assert_null(strstr(text, ">0.00390625<"));
    free(text);
    cJSON_Delete(json);
}

static void test_chart__the_same_analysis_gives_the_same_bytes(void **state)
{
    (void)state;
    cJSON *json = sample("landscape");
    char *first = chart_of(json), *second = chart_of(json);
    assert_string_equal(first, second);
    free(first);
    free(second);
    cJSON_Delete(json);
}

// Puts a value, which it takes, under a path of keys such as "points.3.value".
static void put(cJSON *json, const char *where, cJSON *value)
{
    char keys[128], *rest = keys, *key;
    snprintf(keys, sizeof(keys), "%s", where);
    while ((key = strtok_r(rest, ".", &rest)) != NULL) {
        const bool last = *rest == '\0';
        if (cJSON_IsArray(json)) {
            if (last)
                assert_true(cJSON_ReplaceItemInArray(json, atoi(key), value));
            json = cJSON_GetArrayItem(json, atoi(key));
        } else {
            if (last && cJSON_HasObjectItem(json, key))
                assert_true(cJSON_ReplaceItemInObject(json, key, value));
            else if (last)
                assert_true(cJSON_AddItemToObject(json, key, value));
            json = cJSON_GetObjectItem(json, key);
        }
        assert_non_null(json);
    }
}

static void test_chart__faults_are_named(void **state)
{
    (void)state;
    const struct {
        const char *name, *where, *value, *message;
    } cases[] = {
        {"shift", "format", "\"igdef.analysis/2\"", "igdef.analysis/1 is expected"},
        {"shift", "kind", "\"shfit\"", "did you mean 'shift'?"},
        {"shift", "kind", "7", "kind"},
        {"shift", "layer", "null", "layer"},
        {"shift", "successful.groups.1.mean", "\"x\"", "'mean' is not a number"},
        {"shift", "successful.groups.1.mean", "1e300", "'mean' is 1e+300"},
        {"shift", "successful.groups.1.interval", "[1]", "'interval' is no interval"},
        {"shift", "unsuccessful", "[]", "unsuccessful"},
        {"sweep", "points", "[]", "0 entries in 'points'"},
        {"sweep", "points.3.value", "null", "a point without 'value'"},
        {"sweep", "points.3.clean_acc", "1.5", "'clean_acc' is 1.5"},
        {"sweep", "points.3.worst_interval", "[0.9, 0.1]", "no interval"},
        {"sweep", "base.worst_acc", "null", "'worst_acc' is not a number"},
        {"search-keep", "points.0", "3", "something else than objects"},
        {"search-keep", "keep", "-1", "'keep' is -1"},
        {"landscape", "grid", "1", "'grid' is 1"},
        {"landscape", "grid", "20", "has not 20 numbers"},
        {"landscape", "surfaces.0.loss.3", "[1, 2]", "has not 21 numbers"},
        {"landscape", "surfaces.0.loss.3.4", "null", "something else than numbers"},
        {"landscape", "axis.20", "-1", "'axis' does not rise"},
        {"ablation", "rows.2.passes", "\"two\"", "'passes' is not a number"},
        {"defenses", "columns.0", "1", "an attack without a name"},
        {"defenses", "rows.1.robust_acc", "[0.5]", "has not 3 numbers"},
        {"defenses", "rows.1.robust_acc.0", "2", "no accuracy"},
        {"radius", "halvings", "0", "'halvings' is 0"},
        {"radius", "classifiers", "[]", "0 entries in 'classifiers'"},
        {"radius", "classifiers.1.curve.2.eps", "-1", "'eps' is -1"},
        {"radius", "classifiers.1.curve.2.eps", "0", "'curve' does not rise"},
        {"radius", "classifiers.0.curve.1.acc", "1.5", "'acc' is 1.5"},
        {"radius", "classifiers.1.quantiles", "[{\"share\": 0.5}]",
         "differ in their radii"},
        {"tune", "settings", "[]", "0 entries in 'settings'"},
        {"tune", "settings.2.keep", "0", "'keep' is 0"},
        {"tune", "settings.2.gain", "2", "'gain' is 2"},
        {"tune", "settings.2.corrected_interval", "[0.3, 0.1]", "no interval"},
        {"tune", "rounds.0.images", "null", "'images' is not a number"},
        {"tune", "chosen", "null", "'chosen' is missing"},
        {"tune", "next", "3", "next"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        cJSON *json = sample(cases[k].name);
        char *text = (char *)1;
        put(json, cases[k].where, cJSON_Parse(cases[k].value));
        assert_int_equal(igd_chart_svg(&text, json), IGD_EFORMAT);
        assert_null(text);
        assert_has(igd_error_message(), cases[k].message);
        cJSON_Delete(json);
    }
}

// --- contours

static char *contour_of(const double *value, int size, double level)
{
    char *text = NULL;
    size_t length = 0;
    FILE *f = open_memstream(&text, &length);
    assert_non_null(f);
    assert_int_equal(igd_contour_put(f, value, size, level, 0.0, 100.0, 100.0), IGD_OK);
    fclose(f);
    return text;
}

// The area that a path encloses, its parts counted with their direction.
static double area_of(const char *path)
{
    double area = 0.0, x0 = 0, y0 = 0, x = 0, y = 0, nx, ny;
    char command;
    int used;
    while (sscanf(path, " %c%n", &command, &used) == 1) {
        path += used;
        if (command == 'Z') {
            area += 0.5 * (x * y0 - x0 * y);
            continue;
        }
        assert_int_equal(sscanf(path, "%lf %lf%n", &nx, &ny, &used), 2);
        path += used;
        if (command == 'M') {
            x0 = nx;
            y0 = ny;
        } else {
            area += 0.5 * (x * ny - nx * y);
        }
        x = nx;
        y = ny;
    }
    return fabs(area);
}

static void test_chart__contour_of_a_plane_is_a_rectangle(void **state)
{
    (void)state;
    double value[9 * 9]; // rises along the first index, from 0 to 1
    for (int i = 0; i < 9; i++)
        for (int j = 0; j < 9; j++)
            value[i * 9 + j] = i / 8.0;
    for (int k = 1; k < 10; k++) {
        char *path = contour_of(value, 9, k / 10.0);
        assert_int_equal(count(path, "Z"), 1);
        assert_true(fabs(area_of(path) - 100.0 * (100.0 - 10.0 * k)) < 20.0);
        free(path);
    }
    char *all = contour_of(value, 9, 0.0), *none = contour_of(value, 9, 1.01);
    assert_true(fabs(area_of(all) - 1e4) < 1.0);
    assert_string_equal(none, "");
    free(all);
    free(none);
}

static void test_chart__contour_of_a_ring_has_a_hole(void **state)
{
    (void)state;
    double value[41 * 41]; // highest at half the way from the middle to the border
    for (int i = 0; i < 41; i++)
        for (int j = 0; j < 41; j++)
            value[i * 41 + j] = -fabs(hypot(i - 20, j - 20) - 10.0);
    char *path = contour_of(value, 41, -4.0);
    assert_int_equal(count(path, "Z"), 2);
    // The hole runs the other way round, so that the difference is left.
    const double expected = 3.14159265 * (14.0 * 14.0 - 6.0 * 6.0) * 2.5 * 2.5;
    assert_true(fabs(area_of(path) - expected) < 0.02 * expected);
    free(path);
}

static void test_chart__contour_of_a_saddle_follows_the_middle(void **state)
{
    (void)state;
    const double apart[4] = {1, 0, 0, 1}, joined[4] = {1, 0.4, 0.4, 1};
    char *path = contour_of(apart, 2, 0.6);
    assert_int_equal(count(path, "Z"), 2);
    free(path);
    path = contour_of(joined, 2, 0.6);
    assert_int_equal(count(path, "Z"), 1);
    free(path);
}

// --- text and numbers

static void assert_number(double v, int decimals, const char *expected)
{
    char text[IGD_DECIMALS_TEXT];
    igd_decimal_text(text, v, decimals);
    assert_string_equal(text, expected);
}

static void test_chart__numbers_are_rounded_and_signed(void **state)
{
    (void)state;
    assert_number(78.349, 1, "78.3");
    assert_number(0.05, 1, "0.1");
    assert_number(-0.04, 1, "0.0");
    assert_number(-1.5, 2,
                  "\xe2\x88\x92"
                  "1.50");
    assert_number(12.0, 0, "12");
    assert_number(NAN, 1, "\xe2\x80\x93");
    assert_number(1e300, 2, "1e300");
    assert_number(HUGE_VAL, 0, "\xe2\x88\x9e");
    assert_int_equal(igd_decimals(0.25, 1e-9), 2);
    assert_int_equal(igd_decimals(3.0, 1e-9), 0);
    assert_int_equal(igd_decimals(1.0 / 3.0, 1e-9), 6);
}

static void test_chart__text_from_outside_is_harmless(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    igd_put(f, "<b a='1' c=\"2\">&\x01\n\xff\xe2\x80\xae"
               "\xc2\x85z\xc3\xa9");
    fclose(f);
    assert_string_equal(text, "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\xef\xbf\xbd "
                              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa9");
    free(text);
    f = open_memstream(&text, &size);
    igd_put_short(f, "\xc3\xa9\xc3\xa9\xc3\xa9<", 3);
    igd_put_short(f, "abc", 3);
    fclose(f);
    assert_string_equal(text, "\xc3\xa9\xc3\xa9\xe2\x80\xa6"
                              "abc");
    free(text);
}

// What shows of a label in `room` pixels; owned.
static char *shown(const char *label, double room)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    igd_svg_label(f, "", 0, 0, IGD_START, label, room);
    fclose(f);
    const char *end = strstr(text, "</title>");
    memmove(text, end + 8, strlen(end + 8) + 1);
    return text;
}

static void test_chart__cut_labels_keep_both_ends(void **state)
{
    (void)state;
    char *ce = shown("transfer:apgd-ce", 90.0), *t = shown("transfer:apgd-t", 90.0);
    assert_string_not_equal(ce, t);
    assert_int_equal(strncmp(ce, "tran", 4), 0);
    assert_has(ce, "\xe2\x80\xa6");
    assert_has(ce, "-ce</text>");
    assert_has(t, "-t</text>");
    free(ce);
    free(t);
}

static void test_chart__ticks_are_round_and_within(void **state)
{
    (void)state;
    const double ends[][2] = {{0, 1},      {-0.45, 1.5},  {3, 3},          {0, 0},
                              {0.61, 0.9}, {-1e12, 1e12}, {0.7831, 0.7832}};
    for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
        for (int grow = 0; grow < 2; grow++) {
            igd_axis a;
            igd_axis_make(&a, ends[k][0], ends[k][1], 5, grow);
            assert_in_range(a.num_ticks, 2, IGD_MAX_TICKS - 1);
            assert_true(a.min <= ends[k][0] && ends[k][1] <= a.max);
            const double step = a.tick[1] - a.tick[0];
            const double digit = step / pow(10.0, floor(log10(step) + 1e-6));
            assert_true(fabs(digit - 1) < 1e-3 || fabs(digit - 2) < 1e-3 ||
                        fabs(digit - 5) < 1e-3);
            for (int i = 0; i < a.num_ticks; i++)
                assert_true(a.tick[i] >= a.min - 1e-6 * step &&
                            a.tick[i] <= a.max + 1e-6 * step);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chart__shift_has_a_bar_and_a_whisker_per_group),
        cmocka_unit_test(test_chart__sweep_marks_every_point_and_the_base),
        cmocka_unit_test(test_chart__settings_that_are_words_are_spaced_equally),
        cmocka_unit_test(test_chart__search_marks_the_chosen_keep),
        cmocka_unit_test(test_chart__landscape_has_contours_of_both_surfaces),
        cmocka_unit_test(test_chart__tables_have_two_bars_a_row),
        cmocka_unit_test(test_chart__settings_are_bars_of_which_the_chosen_stands_out),
        cmocka_unit_test(test_chart__radius_has_a_curve_of_each_classifier),
        cmocka_unit_test(test_chart__many_radii_have_an_axis),
        cmocka_unit_test(test_chart__the_same_analysis_gives_the_same_bytes),
        cmocka_unit_test(test_chart__faults_are_named),
        cmocka_unit_test(test_chart__contour_of_a_plane_is_a_rectangle),
        cmocka_unit_test(test_chart__contour_of_a_ring_has_a_hole),
        cmocka_unit_test(test_chart__contour_of_a_saddle_follows_the_middle),
        cmocka_unit_test(test_chart__numbers_are_rounded_and_signed),
        cmocka_unit_test(test_chart__text_from_outside_is_harmless),
        cmocka_unit_test(test_chart__cut_labels_keep_both_ends),
        cmocka_unit_test(test_chart__ticks_are_round_and_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
