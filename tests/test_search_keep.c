// The smallest keep: every point of the curve is what the defended model itself gives.
#include "fixture.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "core/random.h"
#include "igdef/analyze.h"
#include "igdef/evaluate.h"
#include "igdef/numbers.h"
#include "rank/ranking_impl.h"

#define N 61 // not a multiple of any batch size used below
#define C 5
#define K_MOST 64
#define D (3 * 8 * 8)

static const int64_t shape[3] = {3, 8, 8};

typedef struct world {
    igd_model *model;
    igd_ranking *ranking;
    igd_dataset *data;
    int K;
    float images[N * D];
    int32_t labels[N];
} world;

// Labels are the model's own answers, but for every sixth image.
static void world_make(world *w, const char *path, const char *layer, int K)
{
    static float score[C * K_MOST];
    float z[N * C];
    const igd_stream a = igd_stream_make(1, "test", 0, 0),
                     b = igd_stream_make(2, "test", 0, 0);
    igd_random_uniform(score, (size_t)(C * K), &a);
    igd_random_uniform(w->images, N * D, &b);
    w->K = K;
    assert_ok(igd_model_load(&w->model, path, shape, NULL));
    assert_ok(igd_ranking_make(&w->ranking, "loir", layer, igd_model_sha256(w->model), C,
                               K, score, 10, NULL, cJSON_CreateObject()));
    assert_ok(igd_model_predict(z, w->model, w->images, N));
    for (int i = 0; i < N; i++) {
        int best = 0;
        for (int c = 1; c < C; c++)
            best = z[i * C + c] > z[i * C + best] ? c : best;
        w->labels[i] = (best + (i % 6 == 0)) % C;
    }
    assert_ok(igd_dataset_from_floats(&w->data, w->images, w->labels, N, shape, C));
}

// A network that tells its random images apart.
static void network_make(world *w)
{
    const char *const names[] = {"w1", "b1", "w2", "b2"};
    const int64_t shapes[][6] = {{12, D}, {12}, {C, 12}, {C}};
    world_make(w,
               fixture_model("search.pt",
                             "def forward(self, x):\n"
                             "    h = 16.0 * (x.flatten(1) - 0.5)\n"
                             "    h = torch.relu(torch.linear(h, self.w1, self.b1))\n"
                             "    return torch.linear(h, self.w2, self.b2)\n",
                             names, shapes, 4),
               "penultimate", 12);
}

static void world_free(world *w)
{
    igd_dataset_free(w->data);
    igd_ranking_free(w->ranking);
    igd_model_free(w->model);
}

// Images that an evaluation of the defended model finds correct at one keep.
static int by_evaluation(const world *w, igd_defense_options o, int keep)
{
    igd_defense *d = NULL;
    igd_result *r = NULL;
    igd_evaluate_options e = igd_evaluate_options_default();
    o.keep = keep;
    e.attacks = "clean";
    e.checks = false;
    assert_ok(igd_defense_new(&d, w->model, w->ranking, &o));
    assert_ok(igd_evaluate(&r, w->model, d, w->data, &e));
    const int hits = (int)(igd_result_clean_acc(r) * N + 0.5);
    igd_result_free(r);
    igd_defense_free(d);
    return hits;
}

static const cJSON *at(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (item == NULL)
        fail_msg("no '%s'", key);
    return item;
}

static double number(const cJSON *o, const char *key)
{
    assert_true(cJSON_IsNumber(at(o, key)));
    return at(o, key)->valuedouble;
}

// The numbers are those of the JSON.
static void check_numbers(const igd_search_keep_numbers *n, const cJSON *json)
{
    assert_non_null(n);
    assert_same_number(n->keep, number(json, "keep"));
    assert_same_number(n->clean_acc, number(json, "clean_acc"));
    assert_same_number(n->base_clean_acc, number(json, "base_clean_acc"));
    assert_same_number(n->passes, number(json, "passes"));
    assert_same_number((double)n->num_images, number(json, "num_images"));
    assert_same_number(n->low, cJSON_GetArrayItem(at(json, "interval"), 0)->valuedouble);
    assert_same_number(n->high, cJSON_GetArrayItem(at(json, "interval"), 1)->valuedouble);
    assert_true(n->one_pass ==
                (strcmp(at(json, "method")->valuestring, "one-pass") == 0));
    assert_int_equal(n->num_points, cJSON_GetArraySize(at(json, "points")));
    for (int k = 0; k < n->num_points; k++) {
        const cJSON *p = cJSON_GetArrayItem(at(json, "points"), k);
        assert_same_number(n->points[k].keep, number(p, "keep"));
        assert_same_number(n->points[k].clean_acc, number(p, "clean_acc"));
    }
}

static cJSON *search(const world *w, const igd_search_keep_options *o)
{
    igd_analysis *a = NULL;
    assert_ok(igd_analyze_search_keep(&a, w->model, w->ranking, w->data, o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(json);
    assert_non_null(strstr(igd_analysis_text(a), "is the smallest within"));
    check_numbers(igd_analysis_search_keep(a), json);
    assert_null(igd_analysis_shift(a));
    assert_null(igd_analysis_landscape(a));
    assert_null(igd_analysis_sweep(a));
    igd_analysis_free(a);
    return json;
}

static int hits_of(double accuracy)
{
    return (int)(accuracy * N + 0.5);
}

// Asserts that every point is what a separate evaluation gives, and that the chosen keep
// is the smallest of them within the budget. @return number of different accuracies
static int check_points(const world *w, const igd_search_keep_options *o,
                        const cJSON *json)
{
    const int base = hits_of(number(json, "base_clean_acc"));
    const cJSON *p;
    int smallest = 0, different = 0, last = -1;
    cJSON_ArrayForEach(p, at(json, "points"))
    {
        const int keep = (int)number(p, "keep"), hits = hits_of(number(p, "clean_acc"));
        const int wanted = by_evaluation(w, o->defense, keep);
        if (hits != wanted)
            fail_msg("keep %d: %d correct, not %d", keep, hits, wanted);
        if (smallest == 0 && base - hits <= o->budget * N)
            smallest = keep;
        different += hits != last;
        last = hits;
    }
    assert_true(number(json, "keep") == smallest);
    assert_true(number(at(json, "defense"), "keep") == smallest);
    assert_int_equal(hits_of(number(json, "clean_acc")),
                     by_evaluation(w, o->defense, smallest));
    return different;
}

static igd_search_keep_options options(double sigma, int num_smooth, double temperature)
{
    igd_search_keep_options o = igd_search_keep_options_default();
    o.defense.sigma = sigma;
    o.defense.num_smooth = num_smooth;
    o.defense.temperature = temperature;
    o.defense.seed = 9;
    o.budget = 0.05;
    o.run.batch_size = 16;
    return o;
}

// Noise and a hot softmax make pseudo-labels of several classes.
static void test_search_keep__every_keep_is_a_separate_evaluation(void **state)
{
    const igd_search_keep_options settings[] = {
        options(0.0, 1, 0.01), options(0.1, 1, 0.01), options(0.1, 2, 0.01),
        options(0.1, 1, 1.0), options(0.0, 1, 5.0)};
    world w;
    int different = 0;
    (void)state;
    network_make(&w);
    for (int i = 0; i < 5; i++) {
        cJSON *json = search(&w, &settings[i]);
        assert_string_equal(at(json, "method")->valuestring, "one-pass");
        assert_int_equal(cJSON_GetArraySize(at(json, "points")), w.K);
        different += check_points(&w, &settings[i], json);
        const igd_defense_options *d = &settings[i].defense;
        assert_true(number(json, "passes") == 1 + (d->sigma > 0 ? d->num_smooth : 0));
        assert_true(number(json, "num_images") == N);
        cJSON_Delete(json);
    }
    assert_true(different > 30); // curves that say something
    world_free(&w);
}

// Class 4 repeats class 0: their logits tie for every keep, and the lower class wins.
static void test_search_keep__ties_are_left_to_the_suffix(void **state)
{
    const char *const names[] = {"w1", "b1", "w2", "b2"};
    const int64_t shapes[][6] = {{12, 3, 3, 3}, {12}, {C - 1, 12}, {C - 1}};
    const igd_search_keep_options o = options(0.1, 1, 0.01);
    world w;
    (void)state;
    world_make(&w,
               fixture_model("ties.pt",
                             "def forward(self, x):\n"
                             "    h = torch.relu(torch.conv2d(x, self.w1, self.b1))\n"
                             "    h = h.mean([2, 3])\n"
                             "    z = torch.linear(h, self.w2, self.b2)\n"
                             "    return torch.cat([z, z[:, :1]], 1)\n",
                             names, shapes, 4),
               "@3", 12);
    cJSON *json = search(&w, &o);
    assert_string_equal(at(json, "method")->valuestring, "one-pass");
    check_points(&w, &o, json);
    cJSON_Delete(json);
    world_free(&w);
}

// A layer whose positions have weights of their own: conv, flatten, linear.
static void test_search_keep__positions_may_differ(void **state)
{
    const char *const names[] = {"w1", "b1", "w2", "b2"};
    const int64_t shapes[][6] = {{7, 3, 3, 3}, {7}, {C, 7 * 16}, {C}};
    const char *path =
        fixture_model("positions.pt",
                      "def forward(self, x):\n"
                      "    h = torch.conv2d(x, self.w1, self.b1, stride=2, padding=1)\n"
                      "    h = torch.relu(h)\n"
                      "    return torch.linear(h.flatten(1), self.w2, self.b2)\n",
                      names, shapes, 4);
    const igd_layer *layers;
    igd_search_keep_options o = options(0.1, 1, 0.01);
    igd_model *model = NULL;
    char layer[128] = "";
    int num;
    world w;
    (void)state;
    assert_ok(igd_model_load(&model, path, shape, NULL));
    assert_ok(igd_model_layers(model, &layers, &num));
    for (int i = 0; i < num; i++)
        if (layers[i].affine && layers[i].num_dims == 4 && layers[i].reason == NULL)
            snprintf(layer, sizeof(layer), "%s", layers[i].path);
    igd_model_free(model);
    assert_true(layer[0] != '\0');
    world_make(&w, path, layer, 7);
    cJSON *json = search(&w, &o);
    assert_string_equal(at(json, "method")->valuestring, "one-pass");
    assert_true(check_points(&w, &o, json) > 2);
    cJSON_Delete(json);
    world_free(&w);
}

static void test_search_keep__bisects_where_the_suffix_is_not_affine(void **state)
{
    const char *path = fixture_convnet("search.pt", 3, 12, C);
    const igd_layer *layers;
    igd_search_keep_options o = options(0.1, 1, 0.01);
    igd_model *model = NULL;
    char layer[128] = "";
    int num;
    world w;
    (void)state;
    assert_ok(igd_model_load(&model, path, shape, NULL));
    assert_ok(igd_model_layers(model, &layers, &num));
    for (int i = 0; i < num; i++)
        if (!layers[i].affine && layers[i].num_neurons == 8 && layers[i].reason == NULL)
            snprintf(layer, sizeof(layer), "%s", layers[i].path);
    igd_model_free(model);
    assert_true(layer[0] != '\0');
    world_make(&w, path, layer, 8);
    cJSON *json = search(&w, &o);
    assert_string_equal(at(json, "method")->valuestring, "bisection");
    check_points(&w, &o, json);
    assert_int_equal(cJSON_GetArraySize(at(json, "points")), 4); // 3 halvings, and all
    assert_true(number(json, "passes") == 2 + 3);
    cJSON_Delete(json);
    world_free(&w);
}

static void test_search_keep__bisection_can_be_asked_for(void **state)
{
    igd_search_keep_options o = options(0.1, 1, 0.01);
    world w;
    (void)state;
    network_make(&w);
    o.bisection = true;
    cJSON *json = search(&w, &o);
    const cJSON *p;
    assert_string_equal(at(json, "method")->valuestring, "bisection");
    cJSON_ArrayForEach(p, at(json, "points"))
    {
        assert_int_equal(hits_of(number(p, "clean_acc")),
                         by_evaluation(&w, o.defense, (int)number(p, "keep")));
    }
    const int base = hits_of(number(json, "base_clean_acc"));
    assert_true(base - hits_of(number(json, "clean_acc")) <= o.budget * N);
    cJSON_Delete(json);
    world_free(&w);
}

static void test_search_keep__batches_change_nothing(void **state)
{
    igd_search_keep_options o = options(0.1, 1, 0.5);
    world w;
    (void)state;
    network_make(&w);
    cJSON *a = search(&w, &o);
    o.run.batch_size = 1;
    cJSON *b = search(&w, &o);
    assert_true(cJSON_Compare(at(a, "points"), at(b, "points"), true));
    assert_true(number(a, "keep") == number(b, "keep"));
    cJSON_Delete(a);
    cJSON_Delete(b);
    world_free(&w);
}

static void test_search_keep__budget_decides(void **state)
{
    igd_search_keep_options o = options(0.0, 1, 0.01);
    world w;
    (void)state;
    network_make(&w);
    o.budget = 1.0;
    cJSON *all = search(&w, &o);
    assert_true(number(all, "keep") == 1);
    o.budget = 0.0;
    cJSON *none = search(&w, &o);
    assert_true(number(none, "keep") > 1);
    assert_true(number(none, "clean_acc") >= number(none, "base_clean_acc"));
    cJSON_Delete(all);
    cJSON_Delete(none);
    world_free(&w);
}

static void test_search_keep__seen_images_are_warned_about(void **state)
{
    igd_search_keep_options o = options(0.0, 1, 0.01);
    world w;
    (void)state;
    network_make(&w);
    o.run.data_split = "train";
    cJSON *train = search(&w, &o);
    const cJSON *warning = cJSON_GetArrayItem(at(train, "warnings"), 0);
    assert_string_equal(at(warning, "id")->valuestring, "seen-images");
    assert_non_null(strstr(at(warning, "text")->valuestring, "10 of the 61 images"));
    o.run.data_split = "test";
    cJSON *test = search(&w, &o);
    assert_int_equal(cJSON_GetArraySize(at(test, "warnings")), 0);
    cJSON_Delete(train);
    cJSON_Delete(test);
    world_free(&w);
}

static int stop(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    (void)payload;
    assert_true(done <= total);
    return 1;
}

static void test_search_keep__bad_options_are_refused(void **state)
{
    igd_search_keep_options o = options(0.1, 1, 0.01);
    igd_analysis *a = NULL;
    igd_ranking *other = NULL;
    const float score[C * 12] = {0};
    world w;
    (void)state;
    network_make(&w);
    o.budget = 2.0;
    assert_fails(igd_analyze_search_keep(&a, w.model, w.ranking, w.data, &o), IGD_EINVAL,
                 "the budget is 2");
    assert_null(a);
    o.budget = NAN;
    assert_fails(igd_analyze_search_keep(&a, w.model, w.ranking, w.data, &o), IGD_EINVAL,
                 "the budget is");
    o = options(-1.0, 1, 0.01);
    assert_fails(igd_analyze_search_keep(&a, w.model, w.ranking, w.data, &o), IGD_EINVAL,
                 "sigma is -1");
    o = options(0.1, 1, 0.01);
    o.run.progress = stop;
    assert_fails(igd_analyze_search_keep(&a, w.model, w.ranking, w.data, &o),
                 IGD_ECANCELED, "interrupted");
    assert_ok(igd_ranking_make(&other, "loir", "penultimate", "0123", C, 12, score, 10,
                               NULL, cJSON_CreateObject()));
    assert_fails(igd_analyze_search_keep(&a, w.model, other, w.data, &o), IGD_EINVAL,
                 "another model");
    igd_ranking_free(other);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_search_keep__every_keep_is_a_separate_evaluation),
        TENSOR_TEST(test_search_keep__ties_are_left_to_the_suffix),
        TENSOR_TEST(test_search_keep__positions_may_differ),
        TENSOR_TEST(test_search_keep__bisects_where_the_suffix_is_not_affine),
        TENSOR_TEST(test_search_keep__bisection_can_be_asked_for),
        TENSOR_TEST(test_search_keep__batches_change_nothing),
        TENSOR_TEST(test_search_keep__budget_decides),
        TENSOR_TEST(test_search_keep__seen_images_are_warned_about),
        TENSOR_TEST(test_search_keep__bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
