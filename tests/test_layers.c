// Which layer, which output and which checks of unusual models count
// (scripts/make_unusual_models.py writes tests/golden/unusual).
#include "export_fixture.h"

#include <math.h>

#include "core/random.h"
#include "defend/mask.h"
#include "igdef/ranking.h"
#include "model/model_impl.h"
#include "tensor.h"

#define FOLDER TEST_SOURCE_DIR "/tests/golden/unusual/"

static const int64_t shape[3] = {3, 8, 8};

static igd_status try_load(igd_model **m, const char *file, const char *output)
{
    char path[512];
    igd_model_options o = igd_model_options_default();
    o.output = output;
    snprintf(path, sizeof(path), FOLDER "%s", file);
    return igd_model_load(m, path, shape, &o);
}

static igd_model *load(const char *file)
{
    igd_model *m = NULL;
    assert_ok(try_load(&m, file, NULL));
    return m;
}

static void assert_refused(const char *file, igd_status status, const char *text)
{
    igd_model *m = NULL;
    assert_fails(try_load(&m, file, NULL), status, text);
    assert_null(m);
}

// The listed layer with a path; fails where there is none.
static const igd_layer *find_layer(const igd_model *m, const char *path)
{
    const igd_layer *layers;
    int num;
    assert_ok(igd_model_layers(m, &layers, &num));
    for (int i = 0; i < num; i++)
        if (strcmp(layers[i].path, path) == 0)
            return &layers[i];
    fail_msg("no layer %s", path);
    return NULL;
}

static void test_layers__penultimate_yields_the_logits(void **state)
{
    (void)state;
    static const struct {
        const char *file, *kind;
        int neuron_axis;
    } cases[] = {
        {"cast.script.pt", "input of the last product", 1},
        {"left.script.pt", "input of the last product", 0},
        {"pointwise.script.pt", "input of head", 1},
        {"pointwise.trace.pt", "input of head", 1},
        {"features_first.script.pt", "input of body.fc", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_model *m = load(cases[i].file);
        igd_cut *c = NULL;
        const igd_layer *l = find_layer(m, "penultimate");
        if (!l->penultimate || l->reason != NULL)
            fail_msg("%s: %s", cases[i].file, l->reason);
        assert_string_equal(l->kind, cases[i].kind);
        assert_int_equal(l->num_neurons, 6);
        assert_int_equal(l->neuron_axis, cases[i].neuron_axis);
        assert_int_equal(l->batch_axis, 1 - cases[i].neuron_axis);
        assert_true(l->affine);
        assert_ok(igd_model_cut(&c, m, "penultimate"));
        assert_int_equal(igd_cut_num_neurons(c), 6);
        igd_cut_free(c);
        igd_model_free(m);
    }
}

static void test_layers__penultimate_stays_what_logits_come_from(void **state)
{
    (void)state;
    static const char *const behind[] = {"softmax",     "log_softmax",    "batch_norm",
                                         "norm",        "smoothed",       "negative",
                                         "highest",     "clipped",        "flipped",
                                         "softmax_two", "batch_norm_two", "highest_two"};
    for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
        char file[64];
        snprintf(file, sizeof(file), "behind_%s.trace.pt", behind[i]);
        igd_model *m = load(file);
        const igd_layer *l = find_layer(m, "penultimate");
        if (!l->penultimate)
            fail_msg("%s: %s", file, l->reason);
        assert_string_equal(l->kind, "input of body.fc");
        igd_model_free(m);
    }
}

static void test_layers__penultimate_is_refused_with_candidates(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *candidate;
    } cases[] = {
        {"ensemble.script.pt", "2 products reach the result, with a.fc:input, b.fc:input",
         "b.fc:input"},
        {"ensemble.freeze.pt", "with product#1, product#2 in front", "product#2"},
        {"distilled.trace.pt", "with head:input, head_dist:input", "head_dist:input"},
        {"gated.script.pt", "3 products reach the result", "gate.fc:input"},
        {"functional.script.pt", "with product#1, product#2", "product#1"},
        {"residual.trace.pt", "with body.fc:input, more:input", "more:input"},
        {"patched.script.pt", "with a.fc:input, b.fc:input", "a.fc:input"},
        {"spread.script.pt", "a convolution at several positions", "head:input"},
        {"wide.script.pt", "comes from 'conv2d'", "head:input"},
        {"stem.script.pt", "comes from 'conv2d'", "head:input"},
        {"hidden_einsum.trace.pt", "comes from 'einsum'", "head:input"},
        {"hidden_distances.trace.pt", "comes from 'cdist'", "head:input"},
        {"hidden_cosines.trace.pt", "comes from 'cosine_similarity'", "product"},
        {"hidden_tensordot.trace.pt", "comes from 'tensordot'", "head:input"},
        {"hidden_bothfactors.trace.pt", "comes from 'bilinear'", "head.product:input"},
        {"hidden_cell.script.pt", "comes from 'gru_cell'", "product"},
        {"hidden_summed.trace.pt", "mixed behind it", "head:input"},
        {"hidden_summedsoftmax.trace.pt", "mixed behind it", "head:input"},
        {"hidden_prototypes.trace.pt", "mixed behind it", "head:input"},
        {"hidden_two.trace.pt", "mixed behind it", "head:input"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_model *m = load(cases[i].file);
        igd_cut *c = NULL;
        assert_false(find_layer(m, "penultimate")->penultimate);
        assert_fails(igd_model_cut(&c, m, "penultimate"), IGD_EINVAL, "'penultimate': ");
        assert_non_null(strstr(igd_error_message(), "is not defined: "));
        if (strstr(igd_error_message(), cases[i].text) == NULL)
            fail_msg("%s", igd_error_message());
        assert_ok(igd_model_cut(&c, m, cases[i].candidate));
        igd_cut_free(c);
        igd_model_free(m);
    }
}

static void test_layers__one_output_of_several_is_the_logits(void **state)
{
    (void)state;
    static const struct {
        const char *file, *output;
        int num_classes;
    } cases[] = {
        {"features_first.script.pt", "1", 5}, {"features_first.trace.pt", "1", 5},
        {"hidden_first.script.pt", "1", 7},   {"loss_first.script.pt", "2", 5},
        {"probabilities.script.pt", "1", 5},  {"cast.script.pt", "", 5},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_model *m = load(cases[i].file);
        assert_string_equal(igd_model_output(m), cases[i].output);
        assert_int_equal(igd_model_num_classes(m), cases[i].num_classes);
        assert_false(igd_model_gives_probabilities(m));
        igd_model_free(m);
    }
    assert_refused("two_heads.script.pt", IGD_EFORMAT, "'0' of 2x5, '1' of 2x5");
    assert_refused("reconstruction.script.pt", IGD_EFORMAT, "'0' of 2x5, '1' of 2x7");
    assert_refused("other_key.script.pt", IGD_EFORMAT, "'pred', 'features'");
}

static void test_layers__an_output_can_be_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *file, *output;
        int num_classes;
    } cases[] = {
        {"features_first.script.pt", "0", 6},   {"two_heads.script.pt", "1", 5},
        {"reconstruction.script.pt", "0", 5},   {"other_key.script.pt", "pred", 5},
        {"other_key.script.pt", "features", 6},
    };
    char identity[128] = "";
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_model *m = NULL;
        assert_ok(try_load(&m, cases[i].file, cases[i].output));
        assert_string_equal(igd_model_output(m), cases[i].output);
        assert_int_equal(igd_model_num_classes(m), cases[i].num_classes);
        assert_string_not_equal(igd_model_identity(m), igd_model_sha256(m));
        assert_string_not_equal(igd_model_identity(m), identity);
        snprintf(identity, sizeof(identity), "%s", igd_model_identity(m));
        igd_model_free(m);
    }
    igd_model *m = NULL;
    assert_fails(try_load(&m, "other_key.script.pt", "logits"), IGD_EINVAL,
                 "no output 'logits'; the model returns 'pred', 'features'");
    assert_fails(try_load(&m, "two_heads.script.pt", "2"), IGD_EINVAL,
                 "no output '2'; the model returns '0', '1'");
    assert_fails(try_load(&m, "two_heads.script.pt", "0.1"), IGD_EINVAL, "no output '1'");
    assert_fails(try_load(&m, "cast.script.pt", "0"), IGD_EINVAL,
                 "the model returns one tensor");
}

// Images of one value each, in [0, 1].
static void fill(float *images, int64_t size, float value)
{
    for (int64_t i = 0; i < size; i++)
        images[i] = value;
}

static void test_layers__asserts_on_sizes_hold(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text;
    } cases[] = {
        {"sized.script.pt", "AssertionError: this model takes 8 x 8 pixels"},
        {"inner.script.pt", "AssertionError: features of 4 rows expected"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[512];
        igd_model *m = load(cases[i].file), *other = NULL, *again = NULL;
        igd_cut *c = NULL;
        snprintf(path, sizeof(path), FOLDER "%s", cases[i].file);
        assert_fails(igd_model_load(&other, path, (const int64_t[]){3, 12, 10}, NULL),
                     IGD_EINVAL, cases[i].text);

        // The exported file takes the same images and refuses others, too.
        assert_ok(igd_model_cut(&c, m, "penultimate"));
        const char *exported = fixture_path("exported.pt");
        assert_ok(igd_cut_export(c,
                                 "def forward(self, x):\n"
                                 "    act = self._prefix(x)\n"
                                 "    return self._suffix(act)\n",
                                 NULL, NULL, 0, exported));
        assert_ok(igd_model_load(&again, exported, shape, NULL));
        float image[3 * 8 * 8], z[5], wanted[5];
        fill(image, 3 * 8 * 8, 0.25f);
        assert_ok(igd_model_predict(wanted, m, image, 1));
        assert_ok(igd_model_predict(z, again, image, 1));
        for (int k = 0; k < 5; k++)
            assert_true(fabsf(z[k] - wanted[k]) < 1e-5f);
        assert_fails(igd_model_load(&other, exported, (const int64_t[]){3, 12, 10}, NULL),
                     IGD_EINVAL, "input shape 3x12x10");
        igd_cut_free(c);
        igd_model_free(again);
        igd_model_free(m);
    }
}

static void test_layers__asserts_on_values_and_types_hold(void **state)
{
    (void)state;
    float image[3 * 8 * 8], z[5];
    igd_model_options o = igd_model_options_default();
    const float mean[] = {-0.5f}, std[] = {1};
    igd_model *m = load("valued.script.pt");
    fill(image, 3 * 8 * 8, 1);
    assert_ok(igd_model_predict(z, m, image, 1));
    igd_model_free(m);
    o.mean = mean; // puts pixels beyond 1 in front of the model
    o.std = std;
    o.num_channels = 1;
    assert_fails(igd_model_load(&m, FOLDER "valued.script.pt", shape, &o), IGD_EINVAL,
                 "AssertionError: pixels beyond 1");
    assert_refused("typed.script.pt", IGD_EINVAL, "asserts the type of its images");
}

static void test_layers__a_constant_branch_writes_nothing(void **state)
{
    (void)state;
    igd_model *m = load("statistics.script.pt");
    assert_true(find_layer(m, "penultimate")->penultimate);
    assert_true(igd_model_is_deterministic(m));
    igd_model_free(m);
}

static void test_layers__an_encoder_in_script_runs(void **state)
{
    (void)state;
    igd_model *m = load("encoder.script.pt");
    assert_true(igd_model_is_deterministic(m));
    assert_null(igd_model_no_gradient(m));
    assert_true(find_layer(m, "penultimate")->penultimate);
    assert_null(find_layer(m, "layer")->reason);
    igd_model_free(m);
}

static void test_layers__what_stops_gradients_is_said(void **state)
{
    (void)state;
    igd_model *m = load("quantising.script.pt");
    assert_non_null(igd_model_no_gradient(m));
    assert_string_equal(igd_model_no_gradient(m), "no gradient reaches the images");
    igd_model_free(m);
}

static void test_layers__rounding_is_judged_in_float64(void **state)
{
    (void)state;
    igd_model *m = load("cancelling.script.pt");
    igd_graph *g = NULL;
    const igd_graph_options options = {.device = "cpu", .shape = shape};
    float images[3 * 3 * 8 * 8];
    const igd_stream stream = igd_stream_make(0, "rounding", 0, 0);
    igd_random_uniform(images, sizeof(images) / sizeof(images[0]), &stream);
    assert_ok(igd_graph_load(&g, FOLDER "cancelling.script.pt", "forward", &options));
    assert_true(igd_graph_tolerance(g) == 1e-4);
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *x = igt_view(&s, images, (const int64_t[]){3, 3, 8, 8}, 4, "cpu");
    assert_ok(igd_graph_measure_rounding(g, x));
    assert_ok(igd_scope_close(&s));
    assert_true(igd_graph_tolerance(g) > 1e-3);
    assert_true(igd_graph_tolerance(g) < 8e-2);
    igd_graph_free(g);
    igd_model_free(m);
    assert_refused("centred.script.pt", IGD_EFORMAT, "depend on the images beside it");
}

static void test_layers__what_eval_leaves_on_is_said(void **state)
{
    (void)state;
    assert_refused("dropping.script.pt", IGD_EFORMAT,
                   "dropout is active: export the model after eval(); where its code "
                   "drops whatever the mode, as F.dropout(x, p) does, pass training=");
    assert_refused("batched.script.pt", IGD_EFORMAT,
                   "from the batch: it keeps none, with track_running_stats=False");
}

static void test_layers__what_is_no_row_of_logits_is_explained(void **state)
{
    (void)state;
    assert_refused("squeezed.script.pt", IGD_EFORMAT, "as squeeze() does");
    assert_refused("one_logit.script.pt", IGD_EFORMAT, "gives one number per image");
    assert_refused("baked.trace.pt", IGD_EINVAL, "tracing has written the size");
}

static void test_layers__a_module_may_be_called_penultimate(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        int width;
    } cases[] = {
        {"named.script.pt", 4}, {"named.trace.pt", 4}, {"named_as_wide.script.pt", 5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_model *m = load(cases[i].file);
        const struct {
            const char *name;
            int num_neurons;
        } places[] = {{"penultimate", cases[i].width},
                      {"penultimate#1", cases[i].width},
                      {"penultimate:input", 6},
                      {"fc:input", cases[i].width}};
        const igd_layer *l = find_layer(m, "penultimate");
        assert_true(l->penultimate);
        assert_string_equal(l->kind, "input of fc");
        assert_false(find_layer(m, "penultimate#1")->penultimate);
        for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
            igd_cut *c = NULL;
            assert_ok(igd_model_cut(&c, m, places[k].name));
            assert_int_equal(igd_cut_num_neurons(c), places[k].num_neurons);
            igd_cut_free(c);
        }
        igd_model_free(m);
    }
}

static void test_layers__hooks_of_the_module_are_refused(void **state)
{
    (void)state;
    assert_refused("pre_hooked.script.pt", IGD_EFORMAT, "hooks that Python runs");
    assert_refused("hooked.script.pt", IGD_EFORMAT, "hooks that Python runs");

    // A module around it calls them, and so does what is traced.
    float image[3 * 8 * 8], wanted[5], z[5];
    igd_model *script = load("wrapped.script.pt"), *trace = load("wrapped.trace.pt");
    fill(image, 3 * 8 * 8, 0.75f);
    assert_ok(igd_model_predict(wanted, trace, image, 1));
    assert_ok(igd_model_predict(z, script, image, 1));
    igd_model_free(script);
    igd_model_free(trace);
    for (int k = 0; k < 5; k++)
        assert_true(fabsf(z[k] - wanted[k]) < 1e-4f);
}

// A defense of two neurons a class at the penultimate layer, and its file.
static void check_defense(const char *file)
{
    enum { N = 3, PIXELS = 3 * 8 * 8 };
    igd_model *m = load(file);
    igd_ranking *r = NULL;
    igd_defense *d = NULL;
    float images[N * PIXELS];
    const igd_stream stream = igd_stream_make(0, "defense", 0, 0);
    igd_random_uniform(images, N * PIXELS, &stream);
    igd_defense_options o = igd_defense_options_default();
    o.keep = 2;
    o.temperature = 1;
    o.sigma = 0;
    assert_ok(igd_ranking_random(&r, m, "penultimate", NULL, 3));
    assert_ok(igd_defense_new(&d, m, r, &o));
    assert_exports_itself(d, images, N, shape, 1e-5, false);
    igd_defense_free(d);
    igd_ranking_free(r);
    igd_model_free(m);
}

static void test_layers__float64_becomes_float32(void **state)
{
    (void)state;
    check_defense("double_logits.script.pt");
    check_defense("double_logits.trace.pt");
    check_defense("in_double.script.pt");
    check_defense("in_double.trace.pt");
    check_defense("banked.script.pt");
}

// Checks a cut at two layers against the cuts at each, for logits that are a sum of what
// the two lead to.
static void check_joint(const char *file, const char *first, const char *second, int Ka,
                        int Kb)
{
    enum { N = 3, C = 5, PIXELS = 3 * 8 * 8, MOST = 16 };
    igd_model *m = load(file);
    igd_cut *a = NULL, *b = NULL, *both = NULL;
    char name[64];
    float images[N * PIXELS], mask[N * MOST], za[N * C], zb[N * C], z[N * C], zj[N * C];
    float act[N * MOST], act_a[N * MOST], act_b[N * MOST];
    const igd_stream stream = igd_stream_make(0, "joint", 0, 0);
    igd_random_uniform(images, N * PIXELS, &stream);
    for (int i = 0; i < N * (Ka + Kb); i++)
        mask[i] = (float)(i % 3) / 2;
    snprintf(name, sizeof(name), "%s,%s", first, second);
    assert_ok(igd_model_cut(&a, m, first));
    assert_ok(igd_model_cut(&b, m, second));
    assert_ok(igd_model_cut(&both, m, name));
    assert_int_equal(igd_cut_num_neurons(both), Ka + Kb);
    assert_int_equal(igd_cut_num_layers(both), 2);
    assert_int_equal(igd_cut_layer_neurons(both)[0], Ka);
    assert_int_equal(igd_cut_is_affine(both), igd_cut_is_affine(a));
    assert_true(igd_cut_tiles(both));

    igd_scope s = igd_scope_begin(NULL);
    igd_carried *ca, *cb, *cj;
    igd_tensor *x = igt_view(&s, images, (const int64_t[]){N, 3, 8, 8}, 4, "cpu");
    igd_tensor *w = igt_view(&s, mask, (const int64_t[]){N, Ka + Kb}, 2, "cpu");
    igd_tensor *pa = igt_prefix(&s, a, x, &ca), *pb = igt_prefix(&s, b, x, &cb);
    igd_tensor *pj = igt_prefix(&s, both, x, &cj);
    igd_tensor *wa = igt_narrow(&s, w, 1, 0, Ka), *wb = igt_narrow(&s, w, 1, Ka, Kb);
    igt_read(&s, igt_suffix(&s, a, pa, ca), z, N * C);
    igt_read(&s, igt_suffix(&s, a, igt_mask_neurons(&s, a, pa, wa), ca), za, N * C);
    igt_read(&s, igt_suffix(&s, b, igt_mask_neurons(&s, b, pb, wb), cb), zb, N * C);
    igt_read(&s, igt_suffix(&s, both, igt_mask_neurons(&s, both, pj, w), cj), zj, N * C);
    for (int max = 0; max < 2; max++) {
        igt_read(&s, igt_pool_neurons(&s, a, pa, max), act_a, N * Ka);
        igt_read(&s, igt_pool_neurons(&s, b, pb, max), act_b, N * Kb);
        igt_read(&s, igt_pool_neurons(&s, both, pj, max), act, N * (Ka + Kb));
        assert_true(igd_scope_ok(&s));
        for (int i = 0; i < N; i++)
            for (int k = 0; k < Ka + Kb; k++) {
                const float wanted = k < Ka ? act_a[i * Ka + k] : act_b[i * Kb + k - Ka];
                assert_true(fabsf(act[i * (Ka + Kb) + k] - wanted) < 1e-5f);
            }
    }
    assert_ok(igd_scope_close(&s));
    bool moved = false;
    for (int i = 0; i < N * C; i++) {
        assert_true(fabsf(zj[i] - (za[i] + zb[i] - z[i])) < 1e-4f);
        moved = moved || (fabsf(za[i] - z[i]) > 1e-3f && fabsf(zb[i] - z[i]) > 1e-3f);
    }
    assert_true(moved);
    igd_cut_free(a);
    igd_cut_free(b);
    igd_cut_free(both);
    igd_model_free(m);
}

static void test_layers__several_are_masked_at_once(void **state)
{
    (void)state;
    check_joint("ensemble.script.pt", "a.fc:input", "b.fc:input", 6, 4);
    check_joint("ensemble.script.pt", "b.conv", "a.conv", 4, 6);
    check_joint("ensemble.freeze.pt", "product#1", "product#2", 6, 4);
    check_joint("maps.script.pt", "a", "b", 6, 4); // of 4 x 4 and of 8 x 8 positions
    check_joint("distilled.trace.pt", "head:input", "head_dist:input", 6, 6);

    igd_model *m = load("ensemble.script.pt");
    igd_cut *c = NULL;
    assert_fails(igd_model_cut(&c, m, "a.conv,a.fc:input"), IGD_EINVAL,
                 "one of the layers comes after another");
    assert_fails(igd_model_cut(&c, m, "a.conv,a.conv"), IGD_EINVAL, "twice");
    assert_fails(igd_model_cut(&c, m, "a.conv,"), IGD_EINVAL, "no layer ''");
    assert_fails(igd_model_cut(&c, m, "a.conv,nothing"), IGD_EINVAL,
                 "no layer 'nothing'");
    igd_model_free(m);
}

static void test_layers__each_of_several_has_its_own_ranking(void **state)
{
    (void)state;
    enum { C = 5, KEEP = 2 };
    igd_model *m = load("ensemble.script.pt");
    igd_ranking *r = NULL, *again = NULL;
    igd_tensor *mask = NULL;
    float rows[C * 10];
    const char *path = fixture_path("joint.safetensors");
    assert_ok(igd_ranking_random(&r, m, "a.fc:input,b.fc:input", NULL, 3));
    assert_ok(igd_ranking_save(r, path));
    assert_ok(igd_ranking_load(&again, path));
    assert_int_equal(igd_ranking_num_layers(again), 2);
    assert_int_equal(igd_ranking_layer_neurons(again)[0], 6);
    assert_int_equal(igd_ranking_layer_neurons(again)[1], 4);
    assert_ok(igd_mask_build(&mask, again, KEEP));
    assert_ok(igd_tensor_to_floats(mask, rows, C * 10));
    for (int c = 0; c < C; c++) {
        float of_a = 0, of_b = 0;
        for (int k = 0; k < 10; k++)
            *(k < 6 ? &of_a : &of_b) += rows[c * 10 + k];
        assert_true(of_a == (double)KEEP && of_b == (double)KEEP);
    }
    igd_tensor_free(mask);
    assert_fails(igd_mask_build(&mask, again, 5), IGD_EINVAL, "cannot keep 5 of 4");
    igd_ranking_free(r);
    igd_ranking_free(again);
    igd_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_layers__penultimate_yields_the_logits),
        TENSOR_TEST(test_layers__penultimate_stays_what_logits_come_from),
        TENSOR_TEST(test_layers__penultimate_is_refused_with_candidates),
        TENSOR_TEST(test_layers__one_output_of_several_is_the_logits),
        TENSOR_TEST(test_layers__an_output_can_be_chosen),
        TENSOR_TEST(test_layers__asserts_on_sizes_hold),
        TENSOR_TEST(test_layers__asserts_on_values_and_types_hold),
        TENSOR_TEST(test_layers__a_constant_branch_writes_nothing),
        TENSOR_TEST(test_layers__an_encoder_in_script_runs),
        TENSOR_TEST(test_layers__what_stops_gradients_is_said),
        TENSOR_TEST(test_layers__rounding_is_judged_in_float64),
        TENSOR_TEST(test_layers__what_eval_leaves_on_is_said),
        TENSOR_TEST(test_layers__what_is_no_row_of_logits_is_explained),
        TENSOR_TEST(test_layers__a_module_may_be_called_penultimate),
        TENSOR_TEST(test_layers__hooks_of_the_module_are_refused),
        TENSOR_TEST(test_layers__float64_becomes_float32),
        TENSOR_TEST(test_layers__several_are_masked_at_once),
        TENSOR_TEST(test_layers__each_of_several_has_its_own_ranking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
