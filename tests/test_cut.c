// Cuts of TorchScript models against references that eager PyTorch computed
// (scripts/make_test_models.py).
#include "fixture.h"

#include <math.h>

#include "core/npy.h"
#include "model/model_impl.h"

#define FOLDER TEST_SOURCE_DIR "/tests/golden/cut/"

static const int64_t shape[3] = {3, 8, 8};

typedef struct cut_case {
    char file[64], layer[64], base[64], name[32];
    int neuron_axis, batch_axis, affine, num_neurons;
} cut_case;

static igd_npy read_golden(const char *base, const char *what)
{
    igd_npy a;
    char path[512];
    snprintf(path, sizeof(path), FOLDER "%s%s.npy", base, what);
    assert_ok(igd_npy_read(&a, path));
    assert_int_equal(a.type, IGD_NPY_F32);
    return a;
}

static igd_model *load(const char *file, bool plain)
{
    igd_model *m = NULL;
    char path[512];
    igd_model_options o = igd_model_options_default();
    o.plain = plain;
    snprintf(path, sizeof(path), FOLDER "%s", file);
    assert_ok(igd_model_load(&m, path, shape, &o));
    return m;
}

// Calls f for every case of the list, which is sorted by file.
static void each_case(void (*f)(const cut_case *c, const igd_model *m), bool plain)
{
    cut_case c;
    char loaded[64] = "";
    igd_model *m = NULL;
    int num = 0;
    FILE *list = fopen(FOLDER "cases.txt", "r");
    assert_non_null(list);
    while (fscanf(list, "%63s %63s %63s %31s %d %d %d %d", c.file, c.layer, c.base,
                  c.name, &c.neuron_axis, &c.batch_axis, &c.affine,
                  &c.num_neurons) == 8) {
        if (strcmp(c.file, loaded) != 0) {
            igd_model_free(m);
            m = load(c.file, plain);
            memcpy(loaded, c.file, sizeof(loaded));
        }
        f(&c, m);
        num++;
    }
    igd_model_free(m);
    fclose(list);
    assert_true(num > 70);
}

static igd_tensor *tensor_of(igd_scope *s, const igd_npy *a)
{
    return igt_view(s, a->data, a->shape, a->num_dims, "cpu");
}

static double largest(const float *a, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++)
        m = fmax(m, fabs((double)a[i]));
    return m;
}

// Asserts |got - wanted| <= tolerance * (1 + max |wanted|), element by element.
static void assert_near(igd_scope *s, const cut_case *c, const char *what,
                        const igd_tensor *got, const float *wanted, int64_t size,
                        double tolerance)
{
    float *host = malloc((size_t)size * sizeof(float));
    assert_non_null(host);
    igt_read(s, got, host, size);
    if (!igd_scope_ok(s))
        fail_msg("%s %s %s: %s", c->file, c->layer, what, igd_error_message());
    const double limit = tolerance * (1 + largest(wanted, size));
    for (int64_t i = 0; i < size; i++)
        if (!(fabs((double)host[i] - (double)wanted[i]) <= limit))
            fail_msg("%s %s %s[%lld]: %g, wanted %g", c->file, c->layer, what,
                     (long long)i, (double)host[i], (double)wanted[i]);
    free(host);
}

// Prefix, mask, suffix and gradient of one case; `tolerance` of the gradient may be 0 for
// not to compare it.
static void check_case(const cut_case *c, const igd_model *m, double tolerance,
                       double grad_tolerance)
{
    igd_cut *cut = NULL;
    igd_npy x = read_golden("images", ""), logits = read_golden(c->name, ".logits");
    igd_npy act = read_golden(c->base, ".act"), mask = read_golden(c->base, ".mask");
    igd_npy masked = read_golden(c->base, ".masked"),
            grad = read_golden(c->base, ".grad");

    assert_ok(igd_model_cut(&cut, m, c->layer));
    assert_int_equal(igd_cut_num_neurons(cut), c->num_neurons);
    assert_int_equal(igd_cut_neuron_axis(cut), c->neuron_axis);
    assert_int_equal(igd_cut_batch_axis(cut), c->batch_axis);
    assert_int_equal(igd_cut_num_dims(cut), act.num_dims);
    if (igd_cut_is_affine(cut) != c->affine)
        fail_msg("%s %s: affine is %d", c->file, c->layer, igd_cut_is_affine(cut));
    assert_true(igd_cut_tiles(cut));

    igd_carried *carried;
    igd_scope s = igd_scope_begin_grad(NULL);
    igd_tensor *leaf = igt_leaf(&s, tensor_of(&s, &x));
    igd_tensor *a = igt_prefix(&s, cut, leaf, &carried);
    assert_near(&s, c, "activation", a, act.data, act.size, tolerance);
    assert_near(&s, c, "logits", igt_suffix(&s, cut, a, carried), logits.data,
                logits.size, tolerance);
    igd_tensor *ma = igt_mask_neurons(&s, cut, a, tensor_of(&s, &mask));
    igd_tensor *z = igt_suffix(&s, cut, ma, carried);
    assert_near(&s, c, "masked logits", z, masked.data, masked.size, tolerance);
    // The activation and what is carried are as they were, whatever the suffix wrote.
    assert_near(&s, c, "logits again", igt_suffix(&s, cut, a, carried), logits.data,
                logits.size, tolerance);
    assert_near(&s, c, "activation again", a, act.data, act.size, tolerance);
    if (grad_tolerance > 0) {
        float weight[64];
        for (int64_t i = 0; i < logits.size; i++)
            weight[i] = cosf((float)i);
        igd_tensor *w = igt_view(&s, weight, logits.shape, 2, "cpu");
        assert_near(&s, c, "gradient", igt_vjp(&s, z, w, leaf, false), grad.data,
                    grad.size, grad_tolerance);
    }
    assert_ok(igd_scope_close(&s));

    igd_npy *all[] = {&x, &logits, &act, &mask, &masked, &grad};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        igd_npy_free(all[i]);
    igd_cut_free(cut);
}

static void check_plain(const cut_case *c, const igd_model *m)
{
    check_case(c, m, 1e-5, 1e-5);
}

static void test_cut__agrees_with_eager_pytorch(void **state)
{
    (void)state;
    each_case(check_plain, true);
}

// Folding moves pre-activations by 1e-7, and with them now and then the gate of a ReLU:
// gradients are compared unfolded only.
static void check_fast(const cut_case *c, const igd_model *m)
{
    check_case(c, m, 1e-5, 0);
}

static void test_cut__folded_form_agrees_with_eager_pytorch(void **state)
{
    (void)state;
    each_case(check_fast, false);
}

static void check_rows(const cut_case *c, const igd_model *m)
{
    igd_cut *cut = NULL;
    igd_npy x = read_golden("images", ""), logits = read_golden(c->name, ".logits");
    const int64_t rows[] = {2, 0, 1, 1, 2};
    const int64_t classes = logits.shape[1];
    float wanted[64];
    const float *z = logits.data;

    assert_ok(igd_model_cut(&cut, m, c->layer));
    igd_carried *carried;
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *a = igt_prefix(&s, cut, tensor_of(&s, &x), &carried);
    igd_tensor *indices = igt_indices(&s, rows, 5, "cpu");
    igd_tensor *chosen = igt_suffix(&s, cut, igt_cut_rows(&s, cut, a, indices),
                                    igt_carried_rows(&s, cut, carried, indices));
    for (int i = 0; i < 5; i++)
        memcpy(wanted + i * classes, z + rows[i] * classes,
               (size_t)classes * sizeof(float));
    assert_near(&s, c, "chosen rows", chosen, wanted, 5 * classes, 1e-5);

    static const int64_t fours[12] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
    igd_tensor *four = igt_indices(&s, fours, 12, "cpu");
    igd_tensor *repeated = igt_suffix(&s, cut, igt_cut_rows(&s, cut, a, four),
                                      igt_carried_rows(&s, cut, carried, four));
    for (int i = 0; i < 12; i++)
        memcpy(wanted + i * classes, z + i / 4 * classes,
               (size_t)classes * sizeof(float));
    assert_near(&s, c, "repeated rows", repeated, wanted, 12 * classes, 1e-5);

    // Repeating what was selected, as leave-one-out does on shrinking batches.
    igd_tensor *two = igt_indices(&s, rows, 2, "cpu");
    igd_carried *few = igt_carried_rows(&s, cut, carried, two);
    igd_tensor *pairs = igt_indices(&s, (const int64_t[]){0, 0, 1, 1}, 4, "cpu");
    igd_tensor *both =
        igt_suffix(&s, cut, igt_cut_rows(&s, cut, igt_cut_rows(&s, cut, a, two), pairs),
                   igt_carried_rows(&s, cut, few, pairs));
    for (int i = 0; i < 4; i++)
        memcpy(wanted + i * classes, z + rows[i / 2] * classes,
               (size_t)classes * sizeof(float));
    assert_near(&s, c, "repeated chosen rows", both, wanted, 4 * classes, 1e-5);
    assert_ok(igd_scope_close(&s));

    igd_npy_free(&x);
    igd_npy_free(&logits);
    igd_cut_free(cut);
}

static void test_cut__rows_are_selected_and_repeated(void **state)
{
    (void)state;
    each_case(check_rows, false);
}

// Mean and maximum over positions, against loops over the reference activation.
static void check_pool(const cut_case *c, const igd_model *m)
{
    igd_cut *cut = NULL;
    igd_npy act = read_golden(c->base, ".act");
    const int64_t N = act.shape[c->batch_axis], K = act.shape[c->neuron_axis];
    const float positions = (float)act.size / (float)(N * K);
    float mean[256] = {0}, max[256];
    const float *data = act.data;

    assert_true(N * K <= 256);
    for (int64_t i = 0; i < N * K; i++)
        max[i] = -INFINITY;
    for (int64_t i = 0; i < act.size; i++) {
        int64_t rest = i, at[IGD_NPY_DIMS] = {0};
        for (int d = act.num_dims - 1; d >= 0; d--) {
            at[d] = rest % act.shape[d];
            rest /= act.shape[d];
        }
        const int64_t place = at[c->batch_axis] * K + at[c->neuron_axis];
        mean[place] += data[i] / positions;
        max[place] = fmaxf(max[place], data[i]);
    }
    assert_ok(igd_model_cut(&cut, m, c->layer));
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *a = tensor_of(&s, &act);
    assert_near(&s, c, "mean", igt_pool_neurons(&s, cut, a, false), mean, N * K, 1e-5);
    assert_near(&s, c, "maximum", igt_pool_neurons(&s, cut, a, true), max, N * K, 1e-5);
    assert_ok(igd_scope_close(&s));
    igd_npy_free(&act);
    igd_cut_free(cut);
}

static void test_cut__neurons_are_pooled_over_positions(void **state)
{
    (void)state;
    each_case(check_pool, true);
}

static void test_cut__whole_agrees_with_eager_pytorch(void **state)
{
    (void)state;
    static const struct {
        const char *file, *name;
    } models[] = {{"frozen.freeze.pt", "frozen"},
                  {"vit.script.pt", "vit"},
                  {"tokens.trace.pt", "tokens"},
                  {"branching.script.pt", "branching"}};
    igd_npy x = read_golden("images", "");
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        for (int plain = 0; plain < 2; plain++) {
            float z[64];
            igd_npy logits = read_golden(models[i].name, ".logits");
            igd_model *m = load(models[i].file, plain != 0);
            const float *wanted = logits.data;
            assert_ok(igd_model_predict(z, m, x.data, x.shape[0]));
            for (int64_t j = 0; j < logits.size; j++)
                assert_true(fabs((double)z[j] - (double)wanted[j]) <=
                            2e-5 * (1 + largest(wanted, logits.size)));
            igd_model_free(m);
            igd_npy_free(&logits);
        }
    igd_npy_free(&x);
}

static void test_cut__names_that_mean_nothing_are_explained(void **state)
{
    (void)state;
    igd_cut *c = NULL;
    igd_model *m = load("resnet.script.pt", true);
    assert_fails(igd_model_cut(&c, m, "layr4"), IGD_EINVAL,
                 "no layer 'layr4'; did you mean 'layer4'?");
    assert_fails(igd_model_cut(&c, m, "model.layer4"), IGD_EINVAL,
                 "did you mean 'layer4'?");
    assert_fails(igd_model_cut(&c, m, "layer4#2"), IGD_EINVAL, "has no such call");
    assert_fails(igd_model_cut(&c, m, "layer4:3"), IGD_EINVAL, "has no such element");
    assert_fails(igd_model_cut(&c, m, "layer4#x"), IGD_EINVAL, "'x' is not a number");
    assert_fails(igd_model_cut(&c, m, ""), IGD_EINVAL, "no layer ''");
    igd_model_free(m);
    m = load("normalised.script.pt", true);
    assert_fails(igd_model_cut(&c, m, "layer4"), IGD_EINVAL,
                 "did you mean 'model.layer4'?");
    igd_model_free(m);
    m = load("shared.script.pt", true);
    assert_fails(igd_model_cut(&c, m, "shared"), IGD_EINVAL,
                 "is called 2 times; say which: shared#1 .. shared#2");
    igd_model_free(m);
    assert_null(c);
}

static void test_cut__branch_refuses_the_layers_inside(void **state)
{
    (void)state;
    igd_cut *c = NULL;
    igd_model *m = load("branching.script.pt", true);
    assert_fails(igd_model_cut(&c, m, "inner"), IGD_EINVAL,
                 "cannot cut at 'inner': it runs inside a data-dependent branch or loop");
    igd_model_free(m);
}

static void test_cut__frozen_file_is_cut_by_number(void **state)
{
    (void)state;
    igd_cut *c = NULL;
    const igd_layer *layers;
    int num, cuts = 0;
    igd_model *m = load("frozen.freeze.pt", true);
    assert_ok(igd_model_layers(m, &layers, &num));
    assert_true(num > 20);
    for (int i = 0; i < num; i++) {
        assert_true(layers[i].path[0] == '@' || layers[i].penultimate);
        if (i % 5 == 0 || layers[i].penultimate) {
            assert_ok(igd_model_cut(&c, m, layers[i].path));
            assert_int_equal(igd_cut_num_neurons(c), layers[i].num_neurons);
            igd_cut_free(c);
            cuts++;
        }
    }
    assert_true(cuts > 4);
    igd_model_free(m);
}

static void test_cut__modules_that_are_not_called_are_explained(void **state)
{
    (void)state;
    igd_cut *c = NULL;
    igd_model *m = load("loops.script.pt", true);
    assert_fails(
        igd_model_cut(&c, m, "layers"), IGD_EINVAL,
        "layer 'layers' is never called itself; cut at one of layers.0, layers.1");
    assert_fails(igd_model_cut(&c, m, "aux"), IGD_EINVAL,
                 "layer 'aux' is in the file but never runs");
    assert_fails(igd_model_cut(&c, m, "again"), IGD_EINVAL, "called 3 times");
    assert_ok(igd_model_cut(&c, m, "forked"));
    igd_cut_free(c);
    igd_model_free(m);
}

// The operations of this one tell channels last after a convolution in front: whoever
// knows better says so.
static void test_cut__an_axis_can_be_named(void **state)
{
    (void)state;
    const int64_t image[3] = {2, 5, 7}; // a guess would be axis 1
    const char *const names[] = {"w"};
    const int64_t weights[][6] = {{3, 70}};
    const igd_graph_options options = {.device = "cpu"};
    igd_graph *g = NULL;
    igd_cut *cut = NULL;
    assert_ok(igd_graph_load(&g,
                             fixture_model("axis.pt",
                                           "def forward(self, x):\n"
                                           "    return torch.linear("
                                           "torch.relu(x).flatten(1), self.w)\n",
                                           names, weights, 1),
                             "forward", &options));
    const igd_layer *layers;
    int num;
    char name[64];
    static const int64_t sizes[4] = {0, 2, 5, 7};
    assert_ok(igd_graph_layers(g, image, &layers, &num));
    int at = 0;
    while (at < num && layers[at].num_dims != 4)
        at++;
    assert_true(at < num);
    for (int axis = 1; axis < 4; axis++) {
        snprintf(name, sizeof(name), "%s~%d", layers[at].path, axis);
        assert_ok(igd_cut_new(&cut, g, name, image));
        assert_int_equal(igd_cut_neuron_axis(cut), axis);
        assert_int_equal(igd_cut_num_neurons(cut), sizes[axis]);
        igd_cut_free(cut);
    }
    snprintf(name, sizeof(name), "%s~0", layers[at].path);
    assert_fails(igd_cut_new(&cut, g, name, image), IGD_EINVAL,
                 "axis 0 is that of the images");
    snprintf(name, sizeof(name), "%s~4", layers[at].path);
    assert_fails(igd_cut_new(&cut, g, name, image), IGD_EINVAL, "no axis 4, only 0 to 3");
    snprintf(name, sizeof(name), "%s~x", layers[at].path);
    assert_fails(igd_cut_new(&cut, g, name, image), IGD_EINVAL, "no layer");
    igd_graph_free(g);
}

static void test_cut__layers_are_listed(void **state)
{
    (void)state;
    const igd_layer *layers;
    int num, affine = 0;
    igd_model *m = load("resnet.script.pt", false);
    assert_ok(igd_model_layers(m, &layers, &num));
    assert_int_equal(num, 62);
    for (int i = 0; i < num; i++) {
        assert_null(layers[i].reason);
        assert_false(layers[i].axis_guessed);
        assert_int_equal(layers[i].shape[0], 1);
        assert_int_equal(layers[i].num_neurons, layers[i].shape[1]);
        affine += layers[i].affine;
    }
    assert_string_equal(layers[0].path, "conv1");
    assert_string_equal(layers[0].kind, "Conv2d");
    assert_int_equal(layers[0].num_dims, 4);
    assert_int_equal(layers[0].shape[2], 8);
    assert_int_equal(affine, 4); // layer4.1, layer4, linear and its input
    assert_string_equal(layers[num - 1].path, "penultimate");
    assert_true(layers[num - 1].penultimate);
    assert_string_equal(layers[num - 1].kind, "input of linear");
    assert_int_equal(layers[num - 1].num_neurons, 10);
    igd_model_free(m);
}

static void test_cut__attention_masks_whole_tokens(void **state)
{
    (void)state;
    const igd_layer *layers;
    int num, last = 0;
    igd_model *m = load("vit.script.pt", false);
    assert_ok(igd_model_layers(m, &layers, &num));
    for (int i = 0; i < num; i++) {
        last += layers[i].neuron_axis == layers[i].num_dims - 1;
        if (strcmp(layers[i].path, "patch_embed") == 0)
            assert_int_equal(layers[i].neuron_axis, 1);
    }
    assert_int_equal(last, num - 1); // all but the convolution in front
    igd_model_free(m);
}

static void export_and_compare(const char *file, const char *layer, const char *name)
{
    char source[512];
    igd_cut *c = NULL;
    igd_model *m = load(file, false), *exported = NULL;
    igd_npy x = read_golden("images", ""), logits = read_golden(name, ".logits");
    const float *wanted = logits.data;
    const float half[] = {0.5f};
    float z[64];
    igd_tensor *scale = NULL;

    assert_ok(igd_model_cut(&c, m, layer));
    const char *carried = igd_cut_carried_text(c);
    snprintf(source, sizeof(source),
             "def forward(self, x):\n"
             "    act%s = self._prefix(x)\n"
             "    return self._suffix(act%s) * self.scale\n",
             carried, carried);
    assert_ok(igd_tensor_from_floats(&scale, half, (const int64_t[]){1}, 1));
    const char *path = fixture_path("exported.pt");
    const igd_tensor *tensors[] = {scale};
    assert_ok(
        igd_cut_export(c, source, (const char *const[]){"scale"}, tensors, 1, path));
    assert_ok(igd_model_load(&exported, path, shape, NULL));
    assert_ok(igd_model_predict(z, exported, x.data, x.shape[0]));
    for (int64_t i = 0; i < logits.size; i++)
        assert_true(fabs((double)z[i] - 0.5 * (double)wanted[i]) <=
                    2e-5 * (1 + largest(wanted, logits.size)));
    igd_tensor_free(scale);
    igd_model_free(exported);
    igd_cut_free(c);
    igd_model_free(m);
    igd_npy_free(&x);
    igd_npy_free(&logits);
}

static void test_cut__export_computes_the_same(void **state)
{
    (void)state;
    export_and_compare("resnet.script.pt", "layer3.0.conv1",
                       "resnet");                         // carries a tensor
    export_and_compare("skip.script.pt", "body", "skip"); // tensors and a size
    export_and_compare("vit.trace.pt", "blocks.0.attn", "vit");
    export_and_compare("dense.script.pt", "b", "dense");
    export_and_compare("tokens.script.pt", "mix", "tokens");
    export_and_compare("normalised.script.pt", "penultimate", "normalised");
}

static void test_cut__failed_export_leaves_no_file(void **state)
{
    (void)state;
    igd_cut *c = NULL;
    igd_model *m = load("skip.script.pt", false);
    const char *path = fixture_path("none.pt");
    assert_ok(igd_model_cut(&c, m, "body"));
    assert_fails(igd_cut_export(c, "def forward(self, x):\n    return nonsense(x)\n",
                                NULL, NULL, 0, path),
                 IGD_ETORCH, "none.pt: ");
    FILE *f = fopen(path, "rb");
    assert_null(f);
    assert_fails(igd_cut_export(c, "", NULL, NULL, 0, "/no/such/folder/a.pt"), IGD_EIO,
                 "/no/such/folder");
    igd_cut_free(c);
    igd_model_free(m);
}

static void test_cut__missing_values_are_refused(void **state)
{
    (void)state;
    igd_cut *c = NULL;
    igd_model *m = load("skip.script.pt", false);
    igd_npy x = read_golden("images", "");
    igd_carried *carried;
    assert_ok(igd_model_cut(&c, m, "body"));
    assert_true(igd_cut_num_carried(c) > 0);
    igd_scope s = igd_scope_begin(NULL);
    igd_tensor *a = igt_prefix(&s, c, tensor_of(&s, &x), &carried);
    assert_null(igt_suffix(&s, c, a, NULL));
    assert_fails(igd_scope_close(&s), IGD_ETORCH, "carried values, got 0");
    igd_npy_free(&x);
    igd_cut_free(c);
    igd_model_free(m);
}

static void test_cut__carried_values_outlive_their_scope(void **state)
{
    (void)state;
    igd_cut *c = NULL;
    igd_model *m = load("skip.script.pt", true);
    igd_npy x = read_golden("images", ""), logits = read_golden("skip", ".logits");
    const cut_case name = {.file = "skip.script.pt", .layer = "body"};
    assert_ok(igd_model_cut(&c, m, "body"));
    igd_scope s = igd_scope_begin(NULL);
    igd_scope inner = igd_scope_begin_grad(&s);
    igd_carried *carried;
    igd_tensor *leaf = igt_leaf(&inner, tensor_of(&inner, &x));
    igd_tensor *a = igt_prefix(&inner, c, leaf, &carried);
    igd_carried *kept = igt_carried_keep(&s, carried);
    a = igd_scope_return(&inner, a);
    assert_near(&s, &name, "logits", igt_suffix(&s, c, a, kept), logits.data, logits.size,
                1e-5);
    assert_ok(igd_scope_close(&s));
    igd_npy_free(&x);
    igd_npy_free(&logits);
    igd_cut_free(c);
    igd_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_cut__agrees_with_eager_pytorch),
        TENSOR_TEST(test_cut__folded_form_agrees_with_eager_pytorch),
        TENSOR_TEST(test_cut__rows_are_selected_and_repeated),
        TENSOR_TEST(test_cut__neurons_are_pooled_over_positions),
        TENSOR_TEST(test_cut__whole_agrees_with_eager_pytorch),
        TENSOR_TEST(test_cut__names_that_mean_nothing_are_explained),
        TENSOR_TEST(test_cut__branch_refuses_the_layers_inside),
        TENSOR_TEST(test_cut__frozen_file_is_cut_by_number),
        TENSOR_TEST(test_cut__modules_that_are_not_called_are_explained),
        TENSOR_TEST(test_cut__an_axis_can_be_named),
        TENSOR_TEST(test_cut__layers_are_listed),
        TENSOR_TEST(test_cut__attention_masks_whole_tokens),
        TENSOR_TEST(test_cut__export_computes_the_same),
        TENSOR_TEST(test_cut__failed_export_leaves_no_file),
        TENSOR_TEST(test_cut__missing_values_are_refused),
        TENSOR_TEST(test_cut__carried_values_outlive_their_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
