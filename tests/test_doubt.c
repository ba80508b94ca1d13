// What makes a number doubtful is said: logits that are no numbers, accuracies near
// guessing, rankings of another normalisation or of the same images.
#include "fixture.h"

#include <math.h>

#include "core/chance.h"
#include "core/npy.h"
#include "igdef/analyze.h"
#include "igdef/defense.h"
#include "igdef/evaluate.h"
#include "igdef/ranking.h"

enum { N = 40, C = 5, D = 12 };
static const int64_t shape[3] = {3, 2, 2};

// Images and the labels that a linear model gives them.
typedef struct world {
    float x[N * D];
    int32_t y[N];
    float w[C * D];
    igd_model *model;
    igd_dataset *data;
} world;

static float draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 16777216.0f;
}

static int best(const world *v, const float *x)
{
    int found = 0;
    double most = -INFINITY;
    for (int c = 0; c < C; c++) {
        double z = 0;
        for (int j = 0; j < D; j++)
            z += (double)v->w[c * D + j] * (double)x[j];
        if (z > most) {
            most = z;
            found = c;
        }
    }
    return found;
}

static void set_up(world *v)
{
    uint32_t seed = 3;
    float b[C] = {0};
    for (int i = 0; i < C * D; i++)
        v->w[i] = draw(&seed) - 0.5f;
    for (int i = 0; i < N; i++) {
        // Five images of each class before any further one.
        do
            for (int j = 0; j < D; j++)
                v->x[i * D + j] = draw(&seed) * 0.99f;
        while (i < 5 * C && best(v, v->x + i * D) != i % C);
        v->y[i] = best(v, v->x + i * D);
    }
    assert_ok(igd_dataset_from_floats(&v->data, v->x, v->y, N, shape, C));
    assert_ok(
        igd_model_load(&v->model, fixture_linear("l.pt", v->w, b, C, D), shape, NULL));
}

static void tear_down(world *v)
{
    igd_dataset_free(v->data);
    igd_model_free(v->model);
}

static bool warned(const igd_result *r, const char *id, const char *text)
{
    for (int i = 0; i < igd_result_num_warnings(r); i++)
        if (strcmp(igd_result_warning_id(r, i), id) == 0)
            return strstr(igd_result_warning_text(r, i), text) != NULL;
    return false;
}

static igd_evaluate_options clean_only(void)
{
    igd_evaluate_options o = igd_evaluate_options_default();
    o.attacks = "clean";
    return o;
}

static void test_doubt__accuracies_near_guessing_are_told(void **state)
{
    (void)state;
    static const struct {
        double accuracy;
        int num_classes;
        const char *text; // NULL: nothing to say
    } cases[] = {
        {0.10, 10, "10.00 % is no better than guessing among 10 classes (10.00 %)"},
        {0.1167, 10, "11.67 % is little better than guessing"},
        {0.30, 10, NULL},
        {0.0, 1000, "0.00 % is no better"},
        {0.0029, 1000, "little better"},
        {0.5, 2, "50.00 % is no better than guessing among 2 classes"},
        {0.55, 2, NULL}, // three times chance is more than all
        {1.0 / 3.0, 3, "no better"},
    };
    char text[400];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool said = igd_chance_remark(text, sizeof(text), cases[i].accuracy,
                                            cases[i].num_classes);
        assert_int_equal(said, cases[i].text != NULL);
        if (said && (strstr(text, cases[i].text) == NULL ||
                     strstr(text, "igdef inspect --data") == NULL))
            fail_msg("case %zu: %s", i, text);
    }

    static world v;
    igd_result *r = NULL;
    igd_ranking *ranking = NULL;
    igd_dataset *shuffled;
    int32_t wrong[N];
    const igd_evaluate_options o = clean_only();
    set_up(&v);
    assert_ok(igd_evaluate(&r, v.model, NULL, v.data, &o));
    assert_false(warned(r, "near-chance", ""));
    igd_result_free(r);
    assert_ok(igd_ranking_loir(&ranking, v.model, "penultimate", v.data, NULL));
    assert_true(igd_ranking_clean_accuracy(ranking) == 1.0);
    igd_ranking_free(ranking);
    for (int i = 0; i < N; i++)
        wrong[i] = (v.y[i] + 1) % C;
    assert_ok(igd_dataset_from_floats(&shuffled, v.x, wrong, N, shape, C));
    assert_ok(igd_evaluate(&r, v.model, NULL, shuffled, &o));
    assert_true(warned(r, "near-chance", "0.00 % is no better than guessing among 5"));
    igd_result_free(r);
    assert_ok(igd_ranking_loir(&ranking, v.model, "penultimate", shuffled, NULL));
    assert_true(igd_ranking_clean_accuracy(ranking) == 0.0);
    // The experiments say it, too.
    igd_analysis *a = NULL;
    igd_search_keep_options k = igd_search_keep_options_default();
    assert_ok(igd_analyze_search_keep(&a, v.model, ranking, shuffled, &k));
    assert_non_null(strstr(igd_analysis_json(a), "\"near-chance\""));
    igd_analysis_free(a);
    igd_ranking_free(ranking);
    igd_dataset_free(shuffled);
    tear_down(&v);
}

// The linear model, whose logits are infinite or NaN where the first pixel is 1.
static void load_breaking(igd_model **out)
{
    static const char *const names[] = {"w"};
    static const int64_t shapes[][6] = {{C, D}};
    const char *path =
        fixture_model("breaks.pt",
                      "def forward(self, x):\n"
                      "    ok = (x[:, :1, 0, 0] < 1).to(x.dtype)\n"
                      "    return torch.linear(x.flatten(1) / ok, self.w)\n",
                      names, shapes, 1);
    assert_ok(igd_model_load(out, path, shape, NULL));
}

static void test_doubt__logits_that_are_no_numbers_end_a_run(void **state)
{
    (void)state;
    static world v;
    igd_model *broken = NULL;
    igd_dataset *data;
    igd_result *r = NULL;
    igd_ranking *ranking = NULL, *without = NULL;
    float logits[N * C];
    set_up(&v);
    load_breaking(&broken);
    assert_ok(igd_model_predict(logits, broken, v.x, N));
    for (int i = 0; i < N; i++) { // labels that the model gives
        int found = 0;
        for (int c = 1; c < C; c++)
            if (logits[i * C + c] > logits[i * C + found])
                found = c;
        v.y[i] = i < C ? i : found;
    }
    v.x[7 * D] = v.x[30 * D] = 1.0f;
    assert_ok(igd_dataset_from_floats(&data, v.x, v.y, N, shape, C));

    igd_evaluate_options o = clean_only();
    assert_fails(igd_evaluate(&r, broken, NULL, data, &o), IGD_EINVAL,
                 "2 of 40 images have clean logits that are NaN or infinite; "
                 "option allow_nonfinite counts them as wrong");
    o.attacks = "clean,fgsm";
    o.allow_nonfinite = true;
    assert_ok(igd_evaluate(&r, broken, NULL, data, &o));
    assert_true(warned(r, "not-finite", "2 of 40 images have clean logits that are NaN"));
    igd_result_free(r);

    for (int plain = 0; plain < 2; plain++) {
        igd_loir_options l = igd_loir_options_default();
        l.plain = plain != 0;
        assert_fails(igd_ranking_loir(&ranking, broken, "penultimate", data, &l),
                     IGD_EINVAL,
                     "2 of 40 probe images have logits that are NaN or infinite; "
                     "option allow_nonfinite leaves them out");
        assert_null(ranking);
        l.allow_nonfinite = true;
        assert_ok(igd_ranking_loir(&ranking, broken, "penultimate", data, &l));
        assert_int_equal(igd_ranking_num_images(ranking), N - 2);
        // The scores are those of the other images.
        static float rest[N * D];
        int32_t labels[N];
        int kept = 0;
        for (int i = 0; i < N; i++) {
            if (i == 7 || i == 30)
                continue;
            memcpy(rest + kept * D, v.x + i * D, D * sizeof(float));
            labels[kept++] = v.y[i];
        }
        igd_dataset *others;
        assert_ok(igd_dataset_from_floats(&others, rest, labels, kept, shape, C));
        assert_ok(igd_ranking_loir(&without, broken, "penultimate", others, &l));
        for (int c = 0; c < C; c++)
            for (int k = 0; k < igd_ranking_num_neurons(ranking); k++)
                assert_true(fabsf(igd_ranking_score(ranking, c)[k] -
                                  igd_ranking_score(without, c)[k]) < 1e-5f);
        igd_dataset_free(others);
        igd_ranking_free(ranking);
        igd_ranking_free(without);
        ranking = without = NULL;
    }
    igd_dataset_free(data);
    igd_model_free(broken);
    tear_down(&v);
}

static void test_doubt__activations_that_are_no_numbers_end_cdir(void **state)
{
    (void)state;
    static world v;
    static const char *const names[] = {"w"};
    static const int64_t shapes[][6] = {{C, D}};
    igd_model *broken = NULL;
    igd_dataset *data;
    igd_ranking *r = NULL;
    float embeddings[N * 4];
    char images[256], texts[256];
    uint32_t seed = 9;
    set_up(&v);
    assert_ok(igd_model_load(&broken,
                             fixture_model("act.pt",
                                           "def forward(self, x):\n"
                                           "    h = x.flatten(1) / (x[:, :1, 0, 0] < "
                                           "1).to(x.dtype)\n"
                                           "    return torch.linear(h, self.w)\n",
                                           names, shapes, 1),
                             shape, NULL));
    v.x[7 * D] = 1.0f;
    assert_ok(igd_dataset_from_floats(&data, v.x, v.y, N, shape, C));
    for (int i = 0; i < N * 4; i++)
        embeddings[i] = draw(&seed) - 0.5f;
    snprintf(images, sizeof(images), "%s", fixture_path("i.npy"));
    snprintf(texts, sizeof(texts), "%s", fixture_path("t.npy"));
    assert_ok(igd_npy_write(images, IGD_NPY_F32, (const int64_t[]){N, 4}, 2, embeddings));
    assert_ok(igd_npy_write(texts, IGD_NPY_F32, (const int64_t[]){C, 4}, 2, embeddings));
    igd_cdir_options o = igd_cdir_options_default();
    o.image_embeddings = images;
    o.text_embeddings = texts;
    o.top_k = 10;
    assert_fails(igd_ranking_cdir(&r, broken, "penultimate", data, &o), IGD_EINVAL,
                 "1 of 40 probe images have activations that are NaN or infinite");
    assert_null(r);
    igd_dataset_free(data);
    igd_model_free(broken);
    tear_down(&v);
}

static void test_doubt__a_rankings_normalisation_is_compared(void **state)
{
    (void)state;
    static world v;
    const float mean[] = {0.5f, 0.4f, 0.3f}, std[] = {0.2f, 0.2f, 0.25f};
    igd_model_options with = igd_model_options_default();
    igd_model *normalised = NULL;
    igd_ranking *r = NULL, *loaded = NULL;
    igd_defense *d = NULL;
    set_up(&v);
    with.mean = mean;
    with.std = std;
    with.num_channels = 3;
    assert_ok(igd_model_load(&normalised, igd_model_path(v.model), shape, &with));

    assert_ok(igd_ranking_loir(&r, normalised, "penultimate", v.data, NULL));
    char path[256];
    snprintf(path, sizeof(path), "%s", fixture_path("n.safetensors"));
    assert_ok(igd_ranking_save(r, path));
    assert_ok(igd_ranking_load(&loaded, path));
    igd_defense_options o = igd_defense_options_default();
    o.keep = 3;
    assert_ok(igd_defense_new(&d, normalised, loaded, &o));
    igd_defense_free(d);
    assert_fails(igd_defense_new(&d, v.model, loaded, &o), IGD_EINVAL,
                 "another normalisation (--mean 0.5,0.4,0.3 --std 0.2,0.2,0.25) than the "
                 "model's (none); --force");
    o.force = true;
    assert_ok(igd_defense_new(&d, v.model, loaded, &o));
    igd_defense_free(d);
    igd_ranking_free(r);
    igd_ranking_free(loaded);
    o.force = false;
    assert_ok(igd_ranking_random(&r, v.model, "penultimate", NULL, 0));
    assert_fails(igd_defense_new(&d, normalised, r, &o), IGD_EINVAL,
                 "another normalisation (none) than the model's (--mean 0.5");
    igd_ranking_free(r);
    igd_model_free(normalised);
    tear_down(&v);
}

static void test_doubt__images_of_the_ranking_are_recognised(void **state)
{
    (void)state;
    static world v;
    igd_ranking *r = NULL, *loaded = NULL;
    igd_defense *d = NULL;
    igd_dataset *half, *fresh;
    igd_result *result = NULL;
    int64_t known, of;
    set_up(&v);
    assert_ok(igd_dataset_from_floats(&half, v.x, v.y, 5 * C, shape, C));
    assert_ok(igd_ranking_loir(&r, v.model, "penultimate", half, NULL));
    char path[256];
    snprintf(path, sizeof(path), "%s", fixture_path("s.safetensors"));
    assert_ok(igd_ranking_save(r, path));
    assert_ok(igd_ranking_load(&loaded, path));
    assert_ok(igd_ranking_seen(&known, &of, loaded, v.data));
    assert_int_equal(known, 5 * C);
    assert_int_equal(of, N);
    const int rest = N - 5 * C;
    assert_ok(
        igd_dataset_from_floats(&fresh, v.x + 5 * C * D, v.y + 5 * C, rest, shape, C));
    assert_ok(igd_ranking_seen(&known, &of, loaded, fresh));
    assert_int_equal(known, 0);

    igd_defense_options o = igd_defense_options_default();
    o.keep = 6;
    assert_ok(igd_defense_new(&d, v.model, loaded, &o));
    const igd_evaluate_options clean = clean_only();
    assert_ok(igd_evaluate(&result, v.model, d, v.data, &clean));
    assert_true(warned(result, "seen-images", "25 of the 40 images are among those"));
    igd_result_free(result);
    assert_ok(igd_evaluate(&result, v.model, d, fresh, &clean));
    assert_false(warned(result, "seen-images", ""));
    igd_result_free(result);
    igd_defense_free(d);
    igd_dataset_free(half);
    igd_dataset_free(fresh);
    igd_ranking_free(r);
    igd_ranking_free(loaded);
    tear_down(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_doubt__accuracies_near_guessing_are_told),
        TENSOR_TEST(test_doubt__logits_that_are_no_numbers_end_a_run),
        TENSOR_TEST(test_doubt__activations_that_are_no_numbers_end_cdir),
        TENSOR_TEST(test_doubt__a_rankings_normalisation_is_compared),
        TENSOR_TEST(test_doubt__images_of_the_ranking_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
