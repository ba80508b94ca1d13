// The ablations of the masked defense, and defenses that are files of their own.
#include "masked_fixture.h"

#define KEEP 3

static igd_defense_options options(igd_mask mask, bool one_pass, double sigma)
{
    igd_defense_options o = igd_defense_options_default();
    o.keep = KEEP;
    o.mask = mask;
    o.one_pass = one_pass;
    o.sigma = sigma;
    o.num_smooth = 2;
    o.seed = 9;
    return o;
}

static igd_defense *make(const world *w, const igd_ranking *ranking,
                         igd_defense_options o)
{
    igd_defense *d = NULL;
    assert_ok(igd_defense_new(&d, w->base, ranking, &o));
    return d;
}

static void passes(const igd_defense *d, int wanted)
{
    int forwards, backwards;
    igd_defense_passes(d, &forwards, &backwards);
    assert_int_equal(forwards, wanted);
    assert_int_equal(backwards, 0);
}

static void test_ablation__two_passes_without_mask_are_the_base_model(void **state)
{
    (void)state;
    static world w;
    static float grad[N * D], base_grad[N * D];
    float z[N * C], base[N * C], weight[N * C];
    igd_pass *p = NULL, *q = NULL;
    world_make(&w);
    igd_defense *d = make(&w, NULL, options(IGD_MASK_NONE, false, 0.3));
    const igd_defense_view view = {.defense = d};
    const igd_classifier f = igd_defense_classifier(&view);
    assert_ok(igd_defense_predict(z, base, d, w.images, fixture_indices(), N));
    assert_memory_equal(z, base, sizeof(z));
    assert_true(f.deterministic);
    passes(d, 1);
    const igd_stream stream = igd_stream_make(3, "test", 0, 0);
    igd_random_normal(weight, N * C, &stream);
    assert_ok(igd_pass_run(&p, &f, w.images, N, w.draws));
    assert_ok(igd_pass_run(&q, igd_model_classifier(w.base), w.images, N, w.draws));
    assert_ok(igd_pass_grad(grad, p, weight, false));
    assert_ok(igd_pass_grad(base_grad, q, weight, false));
    assert_memory_equal(grad, base_grad, sizeof(grad));
    igd_pass_free(p);
    igd_pass_free(q);
    assert_false(igd_defense_has_pseudo_label(d));
    assert_null(igd_defense_mask(d));
    assert_fails(igd_defense_export(d, fixture_path("none.pt")), IGD_EINVAL,
                 "no mask to export");
    igd_defense_free(d);
    world_free(&w);
}

// Every mask that keeps all neurons, in one pass and in two.
static void test_ablation__masks_of_ones_are_the_base_model(void **state)
{
    (void)state;
    static world w;
    float z[N * C], base[N * C];
    world_make(&w);
    for (int k = 0; k < 4; k++) {
        igd_defense_options o =
            options(k < 2 ? IGD_MASK_RANKING : IGD_MASK_RANDOM, k % 2 == 0, 0.0);
        o.keep = K;
        igd_defense *d = make(&w, w.ranking, o);
        assert_ok(igd_defense_predict(z, base, d, w.images, fixture_indices(), N));
        fixture_assert_close(z, base, N * C, 7e-6);
        igd_defense_free(d);
    }
    world_free(&w);
}

// Smoothing alone: the mean of the base model's logits over the noisy copies.
static void test_ablation__one_pass_without_mask_is_smoothing_alone(void **state)
{
    (void)state;
    static world w;
    static float x[N * D];
    float got[N * C], mean[N * C] = {0}, z[N * C];
    world_make(&w);
    const igd_defense_options o = options(IGD_MASK_NONE, true, 0.2);
    igd_defense *d = make(&w, NULL, o);
    const igd_defense_view view = {.defense = d};
    assert_false(igd_defense_classifier(&view).deterministic);
    passes(d, 2);
    assert_ok(igd_defense_predict(got, NULL, d, w.images, fixture_indices(), N));
    for (int copy = 0; copy < 2; copy++) {
        for (int i = 0; i < N; i++) {
            float noise[D];
            const igd_stream stream =
                igd_stream_make(o.seed, "smoothing", i, (uint64_t)copy);
            igd_random_normal(noise, D, &stream);
            for (int j = 0; j < D; j++)
                x[i * D + j] = w.images[i * D + j] + 0.2f * noise[j];
        }
        assert_ok(igd_classifier_logits(z, igd_model_classifier(w.base), x, N, w.draws));
        for (int i = 0; i < N * C; i++)
            mean[i] += 0.5f * z[i];
    }
    fixture_assert_close(got, mean, N * C, 7e-6);
    igd_defense_free(d);

    d = make(&w, NULL, options(IGD_MASK_NONE, true, 0.0)); // and without noise nothing
    assert_ok(igd_defense_predict(got, z, d, w.images, fixture_indices(), N));
    assert_memory_equal(got, z, sizeof(z));
    igd_defense_free(d);
    world_free(&w);
}

// One pass: neurons that any class keeps, written out from the ranking.
static void test_ablation__one_pass_masks_what_no_class_keeps(void **state)
{
    (void)state;
    static world w;
    float got[N * C], wanted[N * C], any[K] = {0}, kept = 0.0f;
    world_make(&w);
    igd_defense *d = make(&w, w.ranking, options(IGD_MASK_RANKING, true, 0.0));
    for (int c = 0; c < C; c++)
        for (int i = 0; i < KEEP; i++)
            any[igd_ranking_order(w.ranking, c)[i]] = 1.0f;
    for (int k = 0; k < K; k++)
        kept += any[k];
    assert_true(kept > KEEP && kept < K); // else the case shows nothing
    igd_scope s = igd_scope_begin(NULL);
    igd_carried *carried = NULL;
    const struct igd_cut *cut = igd_defense_cut(d);
    igd_tensor *x = igt_floats(&s, w.images, (const int64_t[]){N, 3, 8, 8}, 4, "cpu");
    igd_tensor *act = igt_prefix(&s, cut, x, &carried);
    igd_tensor *row = igt_floats(&s, any, (const int64_t[]){1, K}, 2, "cpu");
    igt_read(&s, igt_suffix(&s, cut, igt_mask_neurons(&s, cut, act, row), carried),
             wanted, N * C);
    assert_ok(igd_scope_close(&s));
    assert_ok(igd_defense_predict(got, NULL, d, w.images, fixture_indices(), N));
    fixture_assert_close(got, wanted, N * C, 7e-6);
    assert_false(igd_defense_has_pseudo_label(d));
    passes(d, 1);
    igd_defense_free(d);
    world_free(&w);
}

static int count_ones(const igd_tensor *mask, float *values, int rows)
{
    int num = 0;
    assert_ok(igd_tensor_to_floats(mask, values, rows * K));
    for (int i = 0; i < rows * K; i++)
        num += values[i] == 1.0f;
    return num;
}

static void test_ablation__random_masks_come_from_the_seed(void **state)
{
    (void)state;
    static world w;
    float a[C * K], b[C * K];
    world_make(&w);
    igd_defense_options o = options(IGD_MASK_RANDOM, false, 0.0);
    igd_defense *d = make(&w, w.ranking, o), *alone = make(&w, NULL, o);
    assert_int_equal(count_ones(igd_defense_mask(d), a, C), C * KEEP);
    assert_int_equal(count_ones(igd_defense_mask(alone), b, C), C * KEEP);
    assert_memory_equal(a, b, sizeof(a)); // of a ranking only its layer counts
    assert_string_equal(igd_defense_method(d), "random");
    assert_string_equal(igd_defense_layer(alone), "penultimate");
    assert_true(igd_defense_has_pseudo_label(d));
    igd_defense_free(alone);
    o.seed++;
    alone = make(&w, NULL, o);
    count_ones(igd_defense_mask(alone), b, C);
    assert_memory_not_equal(a, b, sizeof(a));
    igd_defense_free(alone);
    igd_defense_free(d);
    world_free(&w);
}

// Settings name what the defense depends on, so that state files tell defenses apart.
static void test_ablation__settings_name_the_ablation(void **state)
{
    (void)state;
    static world w;
    static const struct {
        igd_mask mask;
        bool one_pass;
        const char *there, *absent;
    } cases[] = {
        {IGD_MASK_RANKING, false, "\"temperature\"", NULL},
        {IGD_MASK_RANKING, true, "\"passes\":\t1", "\"temperature\""},
        {IGD_MASK_RANDOM, false, "\"mask\":\t\"random\"", NULL},
        {IGD_MASK_NONE, true, "\"sigma\"", "\"mask_sha256\""},
        {IGD_MASK_NONE, false, "\"mask\":\t\"none\"", "\"sigma\""},
    };
    world_make(&w);
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        igd_defense *d =
            make(&w, w.ranking, options(cases[k].mask, cases[k].one_pass, 0.1));
        const char *text = igd_defense_description(d);
        assert_non_null(strstr(text, "\"kind\":\t\"mask\""));
        assert_non_null(strstr(text, cases[k].there));
        if (cases[k].absent != NULL)
            assert_null(strstr(text, cases[k].absent));
        igd_defense_free(d);
    }
    world_free(&w);
}

static void test_ablation__a_ranking_is_needed_where_it_decides(void **state)
{
    (void)state;
    static world w;
    igd_defense *d = NULL;
    world_make(&w);
    const igd_defense_options o = options(IGD_MASK_RANKING, true, 0.1);
    assert_fails(igd_defense_new(&d, w.base, NULL, &o), IGD_EINVAL, "needs a ranking");
    const igd_defense_options odd = options((igd_mask)7, false, 0.1);
    assert_fails(igd_defense_new(&d, w.base, w.ranking, &odd), IGD_EINVAL, "number 7");
    assert_null(d);
    world_free(&w);
}

static void test_ablation__one_pass_can_be_exported(void **state)
{
    (void)state;
    static world w;
    world_make(&w);
    igd_defense *d = make(&w, w.ranking, options(IGD_MASK_RANKING, true, 0.0));
    assert_exports_itself(d, w.images, N, shape, 7e-6, false);
    igd_defense_free(d);
    d = make(&w, w.ranking, options(IGD_MASK_RANKING, true, 0.2));
    assert_exports_itself(d, w.images, N, shape, 7e-6, true);
    igd_defense_free(d);
    world_free(&w);
}

// --- files

static void test_ablation__a_file_defends_beside_its_base_model(void **state)
{
    (void)state;
    static world w;
    float defended[N * C], base[N * C], direct[N * C], normalised[N * C];
    const float mean[3] = {0.5f, 0.4f, 0.3f}, std[3] = {0.2f, 0.3f, 0.4f};
    igd_model *other = NULL, *shifted = NULL;
    igd_defense *d = NULL;
    world_make(&w);
    // Another model of the same images and classes.
    static const char *const names[] = {"w"};
    static const int64_t shapes[][6] = {{C, D}};
    const char *path = fixture_model("given.pt",
                                     "def forward(self, x):\n"
                                     "    return torch.linear(x.flatten(1), self.w)\n",
                                     names, shapes, 1);
    assert_ok(igd_defense_new_model(&d, w.base, path));
    assert_ok(igd_model_load(&other, path, shape, NULL));
    assert_ok(igd_defense_predict(defended, base, d, w.images, fixture_indices(), N));
    assert_ok(igd_model_predict(direct, other, w.images, N));
    assert_memory_equal(defended, direct, sizeof(direct));
    assert_ok(igd_model_predict(direct, w.base, w.images, N));
    assert_memory_equal(base, direct, sizeof(direct));
    assert_int_equal(igd_defense_kind_of(d), IGD_DEFENSE_MODEL);
    assert_non_null(strstr(igd_defense_description(d), igd_model_sha256(other)));
    assert_null(strstr(igd_defense_description(d), "cost"));
    assert_fails(igd_defense_export(d, fixture_path("no.pt")), IGD_EINVAL,
                 "files already");
    igd_defense_free(d);

    // The base model's normalisation stands before it, too.
    const igd_model_options o = {
        .size = sizeof(o), .mean = mean, .std = std, .num_channels = 3};
    assert_ok(igd_model_load(&shifted, igd_model_path(w.base), shape, &o));
    igd_model_free(other);
    assert_ok(igd_model_load(&other, path, shape, &o));
    assert_ok(igd_defense_new_model(&d, shifted, path));
    assert_ok(igd_defense_predict(defended, NULL, d, w.images, fixture_indices(), N));
    assert_ok(igd_model_predict(normalised, other, w.images, N));
    assert_memory_equal(defended, normalised, sizeof(normalised));
    igd_defense_free(d);
    igd_model_free(shifted);
    igd_model_free(other);
    world_free(&w);
}

static void test_ablation__files_that_cannot_defend_are_refused(void **state)
{
    (void)state;
    static world w;
    static const char *const names[] = {"w"};
    static const int64_t fewer[][6] = {{C - 1, D}}, smaller[][6] = {{C, 27}};
    igd_defense *d = NULL;
    world_make(&w);
    assert_fails(igd_defense_new_model(&d, w.base, "/nowhere/x.pt"), IGD_EIO,
                 "/nowhere/x.pt");
    static const char source[] = "def forward(self, x):\n"
                                 "    return torch.linear(x.flatten(1), self.w)\n";
    assert_fails(igd_defense_new_model(&d, w.base,
                                       fixture_model("few.pt", source, names, fewer, 1)),
                 IGD_EINVAL, "has 4 classes, the base model 5");
    assert_fails(igd_defense_new_model(
                     &d, w.base, fixture_model("small.pt", source, names, smaller, 1)),
                 IGD_EINVAL, "input shape 3x8x8");
    // Rows that depend on each other make compacting and refilling batches wrong.
    static const int64_t fits[][6] = {{C, D}};
    assert_fails(igd_defense_new_model(
                     &d, w.base,
                     fixture_model("coupled.pt",
                                   "def forward(self, x):\n"
                                   "    h = x - x.mean(0, keepdim=True)\n"
                                   "    return torch.linear(h.flatten(1), self.w)\n",
                                   names, fits, 1)),
                 IGD_EFORMAT, "depend on the images beside it");
    assert_null(d);
    world_free(&w);
}

static void test_ablation__files_may_draw_numbers_of_their_own(void **state)
{
    (void)state;
    static world w;
    static const char *const names[] = {"w"};
    static const int64_t fits[][6] = {{C, D}};
    igd_defense *d = NULL;
    world_make(&w);
    assert_ok(igd_defense_new_model(
        &d, w.base,
        fixture_model("noisy.pt",
                      "def forward(self, x):\n"
                      "    h = x + 0.1 * torch.randn_like(x)\n"
                      "    return torch.linear(h.flatten(1), self.w)\n",
                      names, fits, 1)));
    igd_defense_view view = {.defense = d};
    igd_classifier f = igd_defense_classifier(&view);
    assert_false(f.deterministic);
    assert_true(f.own_noise);
    igd_defense_free(d);

    // A draw that no random image shows, as images of this size are not sure enough.
    assert_ok(igd_defense_new_model(
        &d, w.base,
        fixture_model("seldom.pt",
                      "def forward(self, x):\n"
                      "    sure = (x.flatten(1).mean(1, keepdim=True) > 0.9).float()\n"
                      "    h = x.flatten(1)\n"
                      "    return torch.linear(h + sure * torch.rand_like(h), self.w)\n",
                      names, fits, 1)));
    view.defense = d;
    f = igd_defense_classifier(&view);
    assert_false(f.deterministic);
    igd_defense_free(d);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_ablation__two_passes_without_mask_are_the_base_model),
        TENSOR_TEST(test_ablation__masks_of_ones_are_the_base_model),
        TENSOR_TEST(test_ablation__one_pass_without_mask_is_smoothing_alone),
        TENSOR_TEST(test_ablation__one_pass_masks_what_no_class_keeps),
        TENSOR_TEST(test_ablation__random_masks_come_from_the_seed),
        TENSOR_TEST(test_ablation__settings_name_the_ablation),
        TENSOR_TEST(test_ablation__a_ranking_is_needed_where_it_decides),
        TENSOR_TEST(test_ablation__one_pass_can_be_exported),
        TENSOR_TEST(test_ablation__a_file_defends_beside_its_base_model),
        TENSOR_TEST(test_ablation__files_that_cannot_defend_are_refused),
        TENSOR_TEST(test_ablation__files_may_draw_numbers_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
