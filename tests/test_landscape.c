// The loss surface: closed forms of a linear classifier, and what holds for any.
#include "fixture.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "core/random.h"
#include "igdef/analyze.h"
#include "igdef/numbers.h"
#include "rank/ranking_impl.h"

#define D 8
#define N 5
#define EPS 0.1

// Two classes whose logits differ by SLOPE times a sum of signed pixels.
#define SLOPE 0.5f

static cJSON *json_of(const igd_analysis *a)
{
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(json);
    return json;
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!cJSON_IsNumber(item))
        fail_msg("no number '%s'", key);
    return item->valuedouble;
}

static const cJSON *surface(const cJSON *json, int i)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "surfaces"), i);
}

static double loss_at(const cJSON *surface, int i, int j)
{
    const cJSON *loss = cJSON_GetObjectItemCaseSensitive(surface, "loss");
    return cJSON_GetArrayItem(cJSON_GetArrayItem(loss, i), j)->valuedouble;
}

static double clip(double v)
{
    return fmin(fmax(v, -EPS), EPS);
}

// The pixels are 0.5 + x_k: far enough from 0 and 1 that only the ball clips.
static igd_analysis *linear_landscape(double base_logit[N], int grid, int batch_size)
{
    static const float sign[D] = {1, -1, 1, 1, -1, -1, 1, -1};
    float w[2 * D] = {0}, b[2] = {0.25f, 0.0f}, images[N * D];
    int32_t labels[N];
    const igd_stream stream = igd_stream_make(3, "test", 0, 0);
    igd_model *model = NULL;
    igd_dataset *data = NULL;
    igd_analysis *a = NULL;
    igd_landscape_options o = igd_landscape_options_default();

    for (int j = 0; j < D; j++)
        w[D + j] = SLOPE * sign[j];
    igd_random_uniform(images, N * D, &stream);
    for (int i = 0; i < N; i++) {
        double z = -0.25; // logit 1 less logit 0
        for (int j = 0; j < D; j++) {
            images[i * D + j] = 0.3f + 0.4f * images[i * D + j];
            z += (double)(SLOPE * sign[j] * images[i * D + j]);
        }
        labels[i] = i % 2;
        base_logit[i] = labels[i] == 0 ? z : -z; // the other class's lead
    }
    assert_ok(igd_model_load(&model, fixture_linear("landscape.pt", w, b, 2, D),
                             (int64_t[]){1, 2, 4}, NULL));
    assert_ok(igd_dataset_from_floats(&data, images, labels, N, (int64_t[]){1, 2, 4}, 2));
    o.eps = EPS;
    o.grid = grid;
    o.run.batch_size = batch_size;
    assert_ok(igd_analyze_landscape(&a, model, NULL, data, &o));
    igd_dataset_free(data);
    igd_model_free(model);
    return a;
}

static void test_landscape__linear_model_has_a_closed_form(void **state)
{
    enum { G = 5 };
    double lead[N], sum = 0.0, most = 0.0, centre = 0.0;
    (void)state;
    igd_analysis *a = linear_landscape(lead, G, 3);
    cJSON *json = json_of(a);
    const cJSON *s = surface(json, 0);
    for (int i = 0; i < G; i++)
        for (int j = 0; j < G; j++) {
            // Half of the pixels move by a + b along the gradient, half by a - b.
            const double p = EPS * (i - G / 2) / (G / 2), q = EPS * (j - G / 2) / (G / 2);
            const double move = (double)SLOPE * D / 2 * (clip(p + q) + clip(p - q));
            double wanted = 0.0;
            for (int k = 0; k < N; k++)
                wanted += log1p(exp(lead[k] + move)) / N;
            assert_true(fabs(loss_at(s, i, j) - wanted) < 1e-5);
            sum += wanted;
            most = fmax(most, wanted);
            centre = i == G / 2 && j == G / 2 ? wanted : centre;
        }
    assert_true(fabs(number(s, "clean_loss") - centre) < 1e-5);
    assert_true(fabs(number(s, "max_loss") - most) < 1e-5);
    assert_true(fabs(number(s, "flatness") - (sum / (G * G) - centre)) < 1e-5);
    const cJSON *check = cJSON_GetObjectItemCaseSensitive(s, "gradient_check");
    assert_true(number(check, "num") == N);
    assert_true(number(check, "median_error") < 5e-3);
    const cJSON *axis = cJSON_GetObjectItemCaseSensitive(json, "axis");
    assert_int_equal(cJSON_GetArraySize(axis), G);
    assert_true(fabs(cJSON_GetArrayItem(axis, 0)->valuedouble + EPS) < 1e-12);
    assert_true(number(json, "num_images") == N);
    const igd_landscape_numbers *n = igd_analysis_landscape(a);
    assert_non_null(n);
    assert_true(n->grid == G && n->num_images == N && n->num_surfaces == 1);
    assert_string_equal(n->surfaces[0].name, "base");
    assert_same_number(n->surfaces[0].flatness, number(s, "flatness"));
    assert_same_number(n->surfaces[0].clean_loss, number(s, "clean_loss"));
    assert_same_number(n->surfaces[0].max_loss, number(s, "max_loss"));
    assert_same_number(n->surfaces[0].gradient_error, number(check, "median_error"));
    for (int i = 0; i < G; i++) {
        assert_same_number(n->axis[i], cJSON_GetArrayItem(axis, i)->valuedouble);
        for (int j = 0; j < G; j++)
            assert_same_number(n->surfaces[0].loss[i * G + j], loss_at(s, i, j));
    }
    assert_null(igd_analysis_sweep(a));
    cJSON_Delete(json);
    igd_analysis_free(a);
}

static void test_landscape__batches_change_nothing(void **state)
{
    double lead[N];
    (void)state;
    igd_analysis *a = linear_landscape(lead, 3, 1), *b = linear_landscape(lead, 3, 64);
    cJSON *p = json_of(a), *q = json_of(b);
    assert_true(cJSON_Compare(cJSON_GetObjectItemCaseSensitive(p, "surfaces"),
                              cJSON_GetObjectItemCaseSensitive(q, "surfaces"), true));
    cJSON_Delete(p);
    cJSON_Delete(q);
    igd_analysis_free(a);
    igd_analysis_free(b);
}

// A convolutional network, its ranking and some images.
typedef struct world {
    igd_model *model;
    igd_ranking *ranking;
    igd_defense *defense;
    igd_dataset *data;
} world;

static const int64_t shape[3] = {3, 8, 8};

static void world_make(world *w, int keep, double sigma)
{
    enum { C = 4, K = 6 };
    static float images[N * 3 * 8 * 8];
    float score[C * K];
    const igd_stream s = igd_stream_make(1, "test", 0, 0);
    const int32_t labels[N] = {0, 1, 2, 3, 0};
    const igd_defense_options o = {.size = sizeof(o),
                                   .keep = keep,
                                   .sigma = sigma,
                                   .num_smooth = 1,
                                   .temperature = 0.01};
    igd_random_uniform(score, C * K, &s);
    igd_random_uniform(images, N * 3 * 8 * 8, &s);
    assert_ok(
        igd_model_load(&w->model, fixture_convnet("convnet.pt", 3, K, C), shape, NULL));
    assert_ok(igd_ranking_make(&w->ranking, "loir", "penultimate",
                               igd_model_sha256(w->model), C, K, score, 10, NULL,
                               cJSON_CreateObject()));
    assert_ok(igd_defense_new(&w->defense, w->model, w->ranking, &o));
    assert_ok(igd_dataset_from_floats(&w->data, images, labels, N, shape, C));
}

static void world_free(world *w)
{
    igd_defense_free(w->defense);
    igd_ranking_free(w->ranking);
    igd_model_free(w->model);
    igd_dataset_free(w->data);
}

static void test_landscape__a_mask_of_ones_leaves_the_surface(void **state)
{
    world w;
    igd_analysis *a = NULL;
    igd_landscape_options o = igd_landscape_options_default();
    (void)state;
    world_make(&w, 6, 0.0);
    o.grid = 3;
    assert_ok(igd_analyze_landscape(&a, w.model, w.defense, w.data, &o));
    cJSON *json = json_of(a);
    assert_string_equal(
        cJSON_GetObjectItemCaseSensitive(surface(json, 1), "name")->valuestring,
        "defended");
    assert_true(cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "defense")));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            assert_true(fabs(loss_at(surface(json, 0), i, j) -
                             loss_at(surface(json, 1), i, j)) < 1e-5);
    cJSON_Delete(json);
    igd_analysis_free(a);
    world_free(&w);
}

static void test_landscape__noise_is_fixed(void **state)
{
    world w;
    igd_analysis *a = NULL, *b = NULL;
    igd_landscape_options o = igd_landscape_options_default();
    (void)state;
    world_make(&w, 2, 0.1);
    o.grid = 3;
    assert_ok(igd_analyze_landscape(&a, w.model, w.defense, w.data, &o));
    o.run.batch_size = 2;
    assert_ok(igd_analyze_landscape(&b, w.model, w.defense, w.data, &o));
    cJSON *p = json_of(a), *q = json_of(b);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            assert_true(
                fabs(loss_at(surface(p, 1), i, j) - loss_at(surface(q, 1), i, j)) < 1e-6);
            assert_true(isfinite(loss_at(surface(p, 1), i, j)));
        }
    assert_true(fabs(loss_at(surface(p, 0), 1, 1) - loss_at(surface(p, 1), 1, 1)) > 1e-4);
    cJSON_Delete(p);
    cJSON_Delete(q);
    igd_analysis_free(a);
    igd_analysis_free(b);
    world_free(&w);
}

static int stop(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    (void)done;
    (void)total;
    (void)payload;
    return 1;
}

static void test_landscape__bad_options_are_refused(void **state)
{
    world w;
    igd_analysis *a = NULL;
    igd_landscape_options o = igd_landscape_options_default();
    igd_dataset *other = NULL;
    const float image[4] = {0};
    (void)state;
    world_make(&w, 2, 0.0);
    o.grid = 4;
    assert_fails(igd_analyze_landscape(&a, w.model, NULL, w.data, &o), IGD_EINVAL,
                 "the grid is 4");
    assert_null(a);
    o.grid = 3;
    o.eps = 8.0;
    assert_fails(igd_analyze_landscape(&a, w.model, NULL, w.data, &o), IGD_EINVAL,
                 "eps is 8");
    o.eps = 0.1;
    o.run.batch_size = 0;
    assert_fails(igd_analyze_landscape(&a, w.model, NULL, w.data, &o), IGD_EINVAL,
                 "batch size is 0");
    o.run.batch_size = 4;
    o.run.progress = stop;
    assert_fails(igd_analyze_landscape(&a, w.model, NULL, w.data, &o), IGD_ECANCELED,
                 "interrupted");
    assert_ok(igd_dataset_from_floats(&other, image, (int32_t[]){0}, 1,
                                      (int64_t[]){1, 2, 2}, 2));
    assert_fails(igd_analyze_landscape(&a, w.model, NULL, other, &o), IGD_EINVAL,
                 "the model wants 3 x 8 x 8");
    igd_dataset_free(other);
    world_free(&w);
}

static void test_landscape__files_appear(void **state)
{
    double lead[N];
    char *text = NULL;
    (void)state;
    igd_analysis *a = linear_landscape(lead, 3, 4);
    const char *path = fixture_path("landscape.svg");
    assert_ok(igd_analysis_save_chart(a, path));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t size = 0;
    assert_true(getdelim(&text, &size, '\0', f) > 0);
    assert_non_null(strstr(text, "<svg"));
    fclose(f);
    free(text);
    assert_ok(igd_analysis_save(a, fixture_path("landscape.json")));
    assert_non_null(strstr(igd_analysis_text(a), "flatness"));
    assert_fails(igd_analysis_save(a, "/absent/landscape.json"), IGD_EIO, "/absent");
    igd_analysis_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_landscape__linear_model_has_a_closed_form),
        TENSOR_TEST(test_landscape__batches_change_nothing),
        TENSOR_TEST(test_landscape__a_mask_of_ones_leaves_the_surface),
        TENSOR_TEST(test_landscape__noise_is_fixed),
        TENSOR_TEST(test_landscape__bad_options_are_refused),
        TENSOR_TEST(test_landscape__files_appear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
