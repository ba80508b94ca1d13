// The search for each image's radius, against closed forms.
#include "fixture.h"

#include <cjson/cJSON.h>
#include <math.h>

#include "core/file.h"
#include "core/random.h"
#include "igdef/sweep.h"

#define N 30
#define D (1 * 8 * 8)

// Two classes of a linear model, and images far from 0 and 1: the logits' gap over the L1
// norm of its gradient is the distance to the boundary.
static struct {
    igd_model *base;
    igd_dataset *data;
    double radius[N]; // below 0 where the image is wrong
} world;

static int world_make(void **state)
{
    static const char source[] =
        "def forward(self, x):\n"
        "    return torch.linear(x.flatten(1) - 0.5, self.w, self.b)\n";
    static const char *const names[] = {"w", "b"};
    static const int64_t shapes[][6] = {{2, D}, {2}};
    const int64_t shape[3] = {1, 8, 8};
    static float x[N * D], z[N * 2], w[2 * D];
    int32_t label[N];
    float pixel[D];
    const igd_stream stream = igd_stream_make(2, "test", 0, 0);
    double norm = 0.0;
    (void)state;
    assert_ok(igd_model_load(
        &world.base, fixture_model("radius.pt", source, names, shapes, 2), shape, NULL));
    // The model's own weights, read off its logits at unit steps.
    for (int j = 0; j <= D; j++) {
        for (int i = 0; i < D; i++)
            pixel[i] = i == j ? 1.0f : 0.5f;
        float at[2];
        assert_ok(igd_model_predict(at, world.base, pixel, 1));
        if (j < D) {
            w[j] = at[0];
            w[D + j] = at[1];
        } else {
            for (int i = 0; i < D; i++)
                norm += fabs(2.0 * ((double)w[D + i] - at[1] - (w[i] - at[0])));
        }
    }
    igd_random_uniform(x, N * D, &stream);
    for (int i = 0; i < N * D; i++)
        x[i] = 0.4f + 0.2f * x[i];
    assert_ok(igd_model_predict(z, world.base, x, N));
    for (int i = 0; i < N; i++) {
        const double gap = (double)z[2 * i + 1] - (double)z[2 * i];
        label[i] = i % 7 == 6 ? gap <= 0.0 : gap > 0.0;
        world.radius[i] = (label[i] == 1 ? gap : -gap) / norm;
    }
    assert_ok(igd_dataset_from_floats(&world.data, x, label, N, shape, 2));
    return 0;
}

static int world_free(void **state)
{
    (void)state;
    igd_dataset_free(world.data);
    igd_model_free(world.base);
    return 0;
}

static igd_radius_options options(double eps)
{
    igd_radius_options o = igd_radius_options_default();
    o.series.evaluate.threat = (igd_threat){IGD_NORM_LINF, eps};
    o.series.evaluate.attacks = "apgd-ce";
    o.series.evaluate.set = "apgd-ce.steps=20";
    o.series.evaluate.checks = false;
    o.series.evaluate.bounds = false;
    o.series.evaluate.batch_size = 8;
    return o;
}

static const cJSON *of_base(cJSON **json, const igd_analysis *a)
{
    *json = cJSON_Parse(igd_analysis_json(a));
    assert_non_null(*json);
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(*json, "classifiers"), 0);
}

static double value(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

// A radius between those of the images: about a third of them are beyond.
static double some_radius(void)
{
    double eps = 0.0;
    for (int i = 0; i < N; i++) {
        int below = 0, above = 0;
        for (int k = 0; k < N; k++) {
            below += world.radius[k] > 0.0 && world.radius[k] < world.radius[i];
            above += world.radius[k] > world.radius[i];
        }
        if (world.radius[i] > 0.0 && below >= 2 * above && below <= 3 * above)
            eps = world.radius[i] + 1e-5;
    }
    assert_true(eps > 0.0 && eps < 0.3); // no pixel reaches an end
    return eps;
}

static void test_radius__is_that_of_the_linear_model(void **state)
{
    (void)state;
    const igd_radius_options o = options(some_radius());
    const double width = o.series.evaluate.threat.eps / 64.0, slack = 1e-6;
    igd_analysis *a = NULL;
    cJSON *json;
    int wrong = 0, beyond = 0, between = 0;
    assert_ok(igd_radius(&a, world.base, NULL, world.data, &o));
    const cJSON *base = of_base(&json, a);
    const cJSON *images = cJSON_GetObjectItemCaseSensitive(base, "images"), *image;
    assert_int_equal(cJSON_GetArraySize(images), N);
    int i = 0;
    cJSON_ArrayForEach(image, images)
    {
        const double r = world.radius[i++];
        const double low = value(image, "low"), high = value(image, "high");
        if (r < 0.0) {
            assert_true(low == 0.0 && high == 0.0);
            wrong++;
        } else if (isnan(high)) {
            assert_true(low == o.series.evaluate.threat.eps && r > low - slack);
            beyond++;
        } else {
            assert_true(low - slack < r && r < high + slack);
            assert_true(fabs(high - low - width) < 1e-9);
            between++;
        }
    }
    assert_true(wrong > 2 && beyond > 0 && between > 10);
    assert_true(value(base, "wrong") == wrong && value(base, "beyond") == beyond);
    // The curve counts the images that stand.
    const cJSON *curve = cJSON_GetObjectItemCaseSensitive(base, "curve"), *point;
    assert_int_equal(cJSON_GetArraySize(curve), 65);
    cJSON_ArrayForEach(point, curve)
    {
        int least = 0, most = 0;
        for (int k = 0; k < N; k++) {
            least += world.radius[k] > value(point, "eps") + slack;
            most += world.radius[k] > value(point, "eps") - slack;
        }
        const double hits = value(point, "acc") * N;
        assert_true(hits > least - 0.5 && hits < most + 0.5);
    }
    // The median is the radius at which half of them have fallen.
    const cJSON *half =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(base, "quantiles"), 2);
    int fallen = 0, before = 0;
    for (int k = 0; k < N; k++) {
        fallen += world.radius[k] <= value(half, "eps") + slack;
        before += world.radius[k] <= value(half, "eps") - width - slack;
    }
    assert_true(value(half, "share") == 0.5 && 2 * fallen >= N && 2 * before < N);
    const char *chart = fixture_path("radius.svg");
    assert_ok(igd_analysis_save_chart(a, chart));
    assert_true(igd_path_exists(chart));
    cJSON_Delete(json);
    igd_analysis_free(a);
}

static void test_radius__goes_on_where_it_was_interrupted(void **state)
{
    (void)state;
    igd_radius_options o = options(some_radius());
    igd_analysis *whole = NULL, *a = NULL;
    int left, sittings = 0;
    igd_status st;
    assert_ok(igd_radius(&whole, world.base, NULL, world.data, &o));
    o.series.folder = fixture_path("radius");
    o.series.evaluate.progress = fixture_stop_after;
    o.series.evaluate.payload = &left;
    do {
        left = 60;
        st = igd_radius(&a, world.base, NULL, world.data, &o);
        assert_true(st == IGD_OK || (st == IGD_ECANCELED && a == NULL));
    } while (++sittings < 200 && st == IGD_ECANCELED);
    assert_ok(st);
    assert_true(sittings > 3);
    cJSON *first, *second;
    assert_true(cJSON_Compare(of_base(&first, whole), of_base(&second, a), true));
    cJSON_Delete(first);
    cJSON_Delete(second);
    igd_analysis_free(whole);
    igd_analysis_free(a);
}

// How often images withstood an evaluation below the largest radius, and the path of the
// points of the one at the largest; of a search with its files in a folder.
static int withstood(char *points, size_t size, const igd_analysis *a, const char *folder)
{
    cJSON *json = cJSON_Parse(igd_analysis_json(a));
    const cJSON *item;
    int sum = 0;
    assert_non_null(json);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "evaluations"))
    {
        const cJSON *file = cJSON_GetObjectItemCaseSensitive(item, "result");
        char path[400];
        igd_result *r = NULL;
        assert_true(cJSON_IsString(file));
        snprintf(path, sizeof(path), "%s%s", folder, strchr(file->valuestring, '/'));
        assert_ok(igd_result_load(&r, path));
        assert_true((double)igd_result_num_images(r) == value(item, "images"));
        if (value(item, "step") == 64.0)
            snprintf(points, size, "%.*snpy", (int)strlen(path) - 4, path);
        for (int64_t i = 0; value(item, "step") < 64.0 && i < igd_result_num_images(r);
             i++)
            sum += igd_result_image(r, i).robust;
        igd_result_free(r);
    }
    cJSON_Delete(json);
    return sum;
}

static void test_radius__points_lead_to_it(void **state)
{
    (void)state;
    igd_radius_options o = options(some_radius());
    igd_analysis *a = NULL, *again = NULL;
    char points[400] = "";
    cJSON *json, *other;
    int between = 0;
    o.series.folder = fixture_path("led");
    assert_ok(igd_radius(&a, world.base, NULL, world.data, &o));
    for (int i = 0; i < N; i++)
        between +=
            world.radius[i] > 0.0 && world.radius[i] < o.series.evaluate.threat.eps;
    // Halving alone has about half of six steps withstood.
    const int stood = withstood(points, sizeof(points), a, o.series.folder);
    assert_true(stood >= between && 2 * stood < 3 * between);
    // They are made anew where they are gone, and not believed where they are damaged.
    assert_int_equal(remove(points), 0);
    assert_ok(igd_radius(&again, world.base, NULL, world.data, &o));
    assert_true(cJSON_Compare(of_base(&json, a), of_base(&other, again), true));
    cJSON_Delete(json);
    cJSON_Delete(other);
    igd_analysis_free(a);
    igd_analysis_free(again);
    FILE *f = fopen(points, "r+");
    assert_non_null(f);
    assert_int_equal(fseek(f, 500, SEEK_SET), 0);
    assert_true(fputc(7, f) == 7 && fclose(f) == 0);
    assert_fails(igd_radius(&a, world.base, NULL, world.data, &o), IGD_EFORMAT,
                 "not the images that the result beside it speaks of");
    assert_null(a);
}

static void test_radius__bad_ranges_are_refused(void **state)
{
    (void)state;
    const double eps = some_radius();
    igd_radius_options o = options(eps);
    igd_analysis *a = NULL;
    double least = 1.0;
    for (int i = 0; i < N; i++)
        if (world.radius[i] > 0.0)
            least = fmin(least, world.radius[i]);
    o.from = 0.5 * (least + eps);
    assert_fails(igd_radius(&a, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "fall at the smallest radius already");
    assert_null(a);
    o.from = least * 0.5; // below every image's: the same radii are found
    assert_ok(igd_radius(&a, world.base, NULL, world.data, &o));
    igd_analysis_free(a);
    o.from = eps;
    assert_fails(igd_radius(&a, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "radii from");
    o = options(eps);
    o.halvings = 0;
    assert_fails(igd_radius(&a, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "0 halvings");
    o = options(eps);
    o.series.evaluate.attacks = "clean";
    o.series.evaluate.set = NULL;
    assert_fails(igd_radius(&a, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "radii need an attack");
    o.series.evaluate.attacks = "apgd-c";
    assert_fails(igd_radius(&a, world.base, NULL, world.data, &o), IGD_EINVAL,
                 "did you mean 'apgd-ce'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_radius__is_that_of_the_linear_model),
        TENSOR_TEST(test_radius__goes_on_where_it_was_interrupted),
        TENSOR_TEST(test_radius__points_lead_to_it),
        TENSOR_TEST(test_radius__bad_ranges_are_refused),
    };
    return cmocka_run_group_tests(tests, world_make, world_free);
}
