// The change of activations under attack: a linear classifier whose neurons are its
// pixels, attacked by one step, computed by hand.
#include "fixture.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "core/random.h"
#include "igdef/analyze.h"
#include "igdef/numbers.h"
#include "rank/ranking_impl.h"

#define N 60
#define C 3
#define K 8 // pixels
#define EPS 0.2

static const int64_t shape[3] = {1, 2, 4};
static const char *const names[4] = {"true-class", "predicted-class", "other-classes",
                                     "unimportant"};

// Two neurons each: of class 0: 0 and 1, of 1: 2 and 3, of 2: 1 and 4; 5 to 7 of none.
static const float score[C * K] = {9, 8, 0, 0, 0, 0, 0, 0, //
                                   0, 0, 9, 8, 0, 0, 0, 0, //
                                   0, 9, 0, 0, 8, 0, 0, 0};

typedef struct world {
    float w[C * K], b[C], images[N * K];
    int32_t labels[N];
    igd_model *model;
    igd_ranking *ranking;
    igd_dataset *data;
} world;

static int classify(double z[C], const world *w, const double *x)
{
    int best = 0;
    for (int c = 0; c < C; c++) {
        z[c] = (double)w->b[c];
        for (int k = 0; k < K; k++)
            z[c] += (double)w->w[c * K + k] * x[k];
        best = z[c] > z[best] ? c : best;
    }
    return best;
}

static void pixels_of(double x[K], const world *w, int i)
{
    for (int k = 0; k < K; k++)
        x[k] = (double)w->images[i * K + k];
}

// Every fifth label is wrong; in every seventh image the unimportant neurons are zero.
static void world_make(world *w)
{
    const igd_stream a = igd_stream_make(5, "test", 0, 0),
                     b = igd_stream_make(6, "test", 0, 0);
    igd_random_normal(w->w, C * K, &a);
    memset(w->b, 0, sizeof(w->b));
    igd_random_uniform(w->images, N * K, &b);
    for (int i = 0; i < N; i++) {
        double x[K], z[C];
        for (int k = 5; k < K && i % 7 == 0; k++)
            w->images[i * K + k] = 0.0f;
        pixels_of(x, w, i);
        w->labels[i] = (classify(z, w, x) + (i % 5 == 0)) % C;
    }
    assert_ok(igd_model_load(&w->model, fixture_linear("shift.pt", w->w, w->b, C, K),
                             shape, NULL));
    assert_ok(igd_ranking_make(&w->ranking, "loir", "penultimate",
                               igd_model_sha256(w->model), C, K, score, 10, NULL,
                               cJSON_CreateObject()));
    assert_ok(igd_dataset_from_floats(&w->data, w->images, w->labels, N, shape, C));
}

static void world_free(world *w)
{
    igd_dataset_free(w->data);
    igd_ranking_free(w->ranking);
    igd_model_free(w->model);
}

// One step along the sign of the gradient of cross-entropy, sum_c q_c w_c - w_y.
static void attack(double x_adv[K], const world *w, const double *x, int y)
{
    double z[C], q[C], sum = 0.0;
    classify(z, w, x);
    for (int c = 0; c < C; c++)
        sum += q[c] = exp(z[c] - z[y]);
    for (int k = 0; k < K; k++) {
        double g = -(double)w->w[y * K + k];
        for (int c = 0; c < C; c++)
            g += q[c] / sum * (double)w->w[c * K + k];
        x_adv[k] = fmin(fmax(x[k] + (g > 0.0 ? EPS : -EPS), 0.0), 1.0);
    }
}

static bool in_group(int g, int k, int y, int p)
{
    const bool of_true = score[y * K + k] > 0,
               of_predicted = p != y && score[p * K + k] > 0;
    bool any = false;
    for (int c = 0; c < C; c++)
        any = any || score[c * K + k] > 0;
    return g == 0   ? of_true
           : g == 1 ? of_predicted
           : g == 2 ? any && !of_true && !of_predicted
                    : !any;
}

typedef struct expected {
    int outcomes[2];
    int count[2][4], guarded[2][4];
    double mean[2][4];
} expected;

static void by_definition(expected *e, const world *w)
{
    *e = (expected){0};
    for (int i = 0; i < N; i++) {
        double x[K], adv[K], z[C];
        const int y = w->labels[i];
        pixels_of(x, w, i);
        if (classify(z, w, x) != y)
            continue;
        attack(adv, w, x, y);
        const int p = classify(z, w, adv);
        e->outcomes[p != y]++;
        for (int g = 0; g < 4; g++) {
            double before = 0.0, moved = 0.0;
            int num = 0;
            for (int k = 0; k < K; k++)
                if (in_group(g, k, y, p)) {
                    before += x[k];
                    moved += adv[k] - x[k];
                    num++;
                }
            if (num == 0)
                continue;
            e->guarded[p != y][g] += before == 0.0;
            e->count[p != y][g] += before != 0.0;
            e->mean[p != y][g] += before != 0.0 ? moved / before : 0.0;
        }
    }
    for (int f = 0; f < 2; f++)
        for (int g = 0; g < 4; g++)
            e->mean[f][g] /= e->count[f][g] > 0 ? e->count[f][g] : 1;
}

static igd_shift_options options(void)
{
    igd_shift_options o = igd_shift_options_default();
    o.attack = "fgsm";
    o.threat.eps = EPS;
    o.top = 2;
    return o;
}

static double number(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!cJSON_IsNumber(item))
        fail_msg("no number '%s'", key);
    return item->valuedouble;
}

static void check_outcome(const igd_shift_outcome *o, const cJSON *part)
{
    const cJSON *groups = cJSON_GetObjectItemCaseSensitive(part, "groups");
    assert_same_number((double)o->count, number(part, "count"));
    assert_int_equal(o->num_groups, cJSON_GetArraySize(groups));
    for (int k = 0; k < o->num_groups; k++) {
        const cJSON *g = cJSON_GetArrayItem(groups, k);
        const cJSON *ends = cJSON_GetObjectItemCaseSensitive(g, "interval");
        const igd_shift_group *n = &o->groups[k];
        assert_string_equal(n->name,
                            cJSON_GetObjectItemCaseSensitive(g, "name")->valuestring);
        assert_same_number((double)n->count, number(g, "count"));
        assert_same_number((double)n->guarded, number(g, "guarded"));
        assert_int_equal(isnan(n->mean), n->count == 0);
        if (n->count > 0) {
            assert_same_number(n->mean, number(g, "mean"));
            assert_same_number(n->neurons, number(g, "neurons"));
        }
        assert_int_equal(isnan(n->low), cJSON_IsNull(ends));
        if (!isnan(n->low)) {
            assert_same_number(n->low, cJSON_GetArrayItem(ends, 0)->valuedouble);
            assert_same_number(n->high, cJSON_GetArrayItem(ends, 1)->valuedouble);
        }
    }
}

// The numbers are those of the JSON.
static void check_numbers(const igd_analysis *a, const cJSON *json)
{
    const igd_shift_numbers *n = igd_analysis_shift(a);
    assert_non_null(n);
    assert_same_number((double)n->num_images, number(json, "num_images"));
    check_outcome(&n->successful, cJSON_GetObjectItemCaseSensitive(json, "successful"));
    check_outcome(&n->unsuccessful,
                  cJSON_GetObjectItemCaseSensitive(json, "unsuccessful"));
    assert_null(igd_analysis_search_keep(a));
}

static cJSON *run(const world *w, const igd_shift_options *o)
{
    igd_analysis *a = NULL;
    assert_ok(igd_analyze_shift(&a, w->model, w->ranking, NULL, w->data, o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(json);
    assert_non_null(strstr(igd_analysis_text(a), "true-class"));
    check_numbers(a, json);
    igd_analysis_free(a);
    return json;
}

static const cJSON *group_of(const cJSON *part, const char *name)
{
    const cJSON *g;
    cJSON_ArrayForEach(g, cJSON_GetObjectItemCaseSensitive(part, "groups"))
    {
        if (strcmp(cJSON_GetObjectItemCaseSensitive(g, "name")->valuestring, name) == 0)
            return g;
    }
    return NULL;
}

static void test_shift__is_what_the_definition_says(void **state)
{
    static const char *const parts[2] = {"unsuccessful", "successful"};
    igd_shift_options o = options();
    expected e;
    world w;
    (void)state;
    world_make(&w);
    by_definition(&e, &w);
    assert_true(e.outcomes[0] > 5 && e.outcomes[1] > 5);
    assert_true(e.guarded[0][3] + e.guarded[1][3] > 3);
    o.run.batch_size = 7;
    cJSON *json = run(&w, &o);
    assert_true(number(json, "num_images") == e.outcomes[0] + e.outcomes[1]);
    for (int f = 0; f < 2; f++) {
        const cJSON *part = cJSON_GetObjectItemCaseSensitive(json, parts[f]);
        assert_true(number(part, "count") == e.outcomes[f]);
        for (int g = 0; g < 4; g++) {
            const cJSON *found = group_of(part, names[g]);
            if (f == 0 && g == 1) { // nothing else is predicted
                assert_null(found);
                continue;
            }
            assert_non_null(found);
            assert_true(number(found, "count") == e.count[f][g]);
            assert_true(number(found, "guarded") == e.guarded[f][g]);
            assert_true(fabs(number(found, "mean") - e.mean[f][g]) < 1e-5);
            const cJSON *ends = cJSON_GetObjectItemCaseSensitive(found, "interval");
            assert_true(cJSON_GetArrayItem(ends, 0)->valuedouble < e.mean[f][g]);
            assert_true(cJSON_GetArrayItem(ends, 1)->valuedouble > e.mean[f][g]);
        }
    }
    assert_true(number(group_of(cJSON_GetObjectItemCaseSensitive(json, "successful"),
                                "unimportant"),
                       "neurons") == 3);
    cJSON_Delete(json);
    world_free(&w);
}

static void test_shift__batches_change_nothing(void **state)
{
    static const char *const attacks[] = {"pgd", "gama-pgd"};
    igd_shift_options o = options();
    world w;
    (void)state;
    world_make(&w);
    for (int i = 0; i < 2; i++) {
        o.attack = attacks[i];
        o.set = i == 0 ? "pgd.steps=5" : "gama-pgd.steps=5";
        o.run.batch_size = 5;
        cJSON *a = run(&w, &o);
        o.run.batch_size = 64;
        cJSON *b = run(&w, &o);
        cJSON_DeleteItemFromObjectCaseSensitive(a, "seconds");
        cJSON_DeleteItemFromObjectCaseSensitive(b, "seconds");
        assert_true(cJSON_Compare(a, b, true));
        const cJSON *settings = cJSON_GetObjectItemCaseSensitive(a, "settings");
        const cJSON *p = cJSON_GetObjectItemCaseSensitive(settings, "parameters");
        assert_true(number(p, "steps") == 5 && number(p, "last") == 1);
        cJSON_Delete(a);
        cJSON_Delete(b);
    }
    world_free(&w);
}

// Without a mask, the defended model moves as the base model does.
static void test_shift__defended_model_is_attacked(void **state)
{
    const igd_defense_options d = {
        .size = sizeof(d), .keep = K, .sigma = 0.0, .num_smooth = 1, .temperature = 0.01};
    igd_shift_options o = options();
    igd_defense *defense = NULL;
    igd_analysis *a = NULL;
    expected e;
    world w;
    (void)state;
    world_make(&w);
    by_definition(&e, &w);
    assert_ok(igd_defense_new(&defense, w.model, w.ranking, &d));
    assert_ok(igd_analyze_shift(&a, w.model, w.ranking, defense, w.data, &o));
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "target")->valuestring,
                        "defended");
    assert_true(number(cJSON_GetObjectItemCaseSensitive(json, "successful"), "count") ==
                e.outcomes[1]);
    cJSON_Delete(json);
    igd_analysis_free(a);
    igd_defense_free(defense);
    world_free(&w);
}

static void test_shift__bad_options_are_refused(void **state)
{
    igd_shift_options o = options();
    igd_analysis *a = NULL;
    igd_ranking *other = NULL;
    igd_dataset *wrong = NULL;
    int32_t labels[N];
    world w;
    (void)state;
    world_make(&w);
    o.top = K + 1;
    assert_fails(igd_analyze_shift(&a, w.model, w.ranking, NULL, w.data, &o), IGD_EINVAL,
                 "top is 9");
    assert_null(a);
    o = options();
    o.attack = "fgms";
    assert_fails(igd_analyze_shift(&a, w.model, w.ranking, NULL, w.data, &o), IGD_EINVAL,
                 "did you mean 'fgsm'");
    o.attack = "transfer:fgsm";
    assert_fails(igd_analyze_shift(&a, w.model, w.ranking, NULL, w.data, &o), IGD_EINVAL,
                 "transfer:fgsm");
    o = options();
    o.set = "fgsm.stpes=3";
    assert_fails(igd_analyze_shift(&a, w.model, w.ranking, NULL, w.data, &o), IGD_EINVAL,
                 "stpes");
    o = options();
    o.threat.eps = 8.0;
    assert_fails(igd_analyze_shift(&a, w.model, w.ranking, NULL, w.data, &o), IGD_EINVAL,
                 "eps is 8");
    o = options();
    assert_ok(igd_ranking_make(&other, "loir", "penultimate", "0123", C, K, score, 10,
                               NULL, cJSON_CreateObject()));
    assert_fails(igd_analyze_shift(&a, w.model, other, NULL, w.data, &o), IGD_EINVAL,
                 "another model");
    o.force = true;
    assert_ok(igd_analyze_shift(&a, w.model, other, NULL, w.data, &o));
    igd_analysis_free(a);
    for (int i = 0; i < N; i++)
        labels[i] = (w.labels[i] + (i % 5 == 0 ? 0 : 1)) % C;
    assert_ok(igd_dataset_from_floats(&wrong, w.images, labels, N, shape, C));
    assert_fails(igd_analyze_shift(&a, w.model, w.ranking, NULL, wrong, &o), IGD_EINVAL,
                 "none of the 60 images");
    igd_dataset_free(wrong);
    igd_ranking_free(other);
    world_free(&w);
}

// Pixels are not below zero, so no mean loses more than all of itself, however few images
// there are.
static void test_shift__intervals_end_where_nothing_is_left(void **state)
{
    static const char *const parts[2] = {"unsuccessful", "successful"};
    igd_shift_options o = options();
    bool reached = false;
    (void)state;
    o.threat.eps = 0.6;
    for (int num = 8; num <= 32; num += 4) {
        world w;
        world_make(&w);
        igd_dataset_free(w.data);
        assert_ok(igd_dataset_from_floats(&w.data, w.images, w.labels, num, shape, C));
        cJSON *json = run(&w, &o);
        for (int f = 0; f < 2; f++) {
            const cJSON *g, *part = cJSON_GetObjectItemCaseSensitive(json, parts[f]);
            cJSON_ArrayForEach(g, cJSON_GetObjectItemCaseSensitive(part, "groups"))
            {
                const cJSON *v = cJSON_GetObjectItemCaseSensitive(g, "interval");
                if (!cJSON_IsArray(v))
                    continue;
                assert_true(cJSON_GetArrayItem(v, 0)->valuedouble >= -1.0);
                reached = reached || cJSON_GetArrayItem(v, 0)->valuedouble == -1.0;
            }
        }
        cJSON_Delete(json);
        world_free(&w);
    }
    assert_true(reached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shift__intervals_end_where_nothing_is_left),
        TENSOR_TEST(test_shift__is_what_the_definition_says),
        TENSOR_TEST(test_shift__batches_change_nothing),
        TENSOR_TEST(test_shift__defended_model_is_attacked),
        TENSOR_TEST(test_shift__bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
