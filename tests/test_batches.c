// An image's logits and gradients do not depend on the batch that it is computed in.
#include "fixture.h"

#include "core/random.h"
#include "defend/defense_impl.h"
#include "igdef/runtime.h"
#include "model/model_impl.h"
#include "rank/ranking_impl.h"

#define BLOCK 8

static const int many[] = {1, 3, 7, 8, 9, 17, 64, 100, 128, 129, 200, 300, 0};
static const int some[] = {1, 7, 16, 128, 136, 0}; // of models that take longer

// Images and what becomes of them in batches of 8.
typedef struct reference {
    const igd_classifier *f;
    int num; // of images
    size_t d, C;
    float *x, *weight, *logits, *grad;
    float *z, *g; // room for another batch
    igd_draw *draws;
} reference;

static void compute(const reference *r, int first, int n, float *logits, float *grad)
{
    igd_pass *pass = NULL;
    const size_t from = (size_t)first;
    assert_ok(igd_classifier_logits(r->z, r->f, r->x + from * r->d, n, r->draws + first));
    assert_ok(igd_pass_run(&pass, r->f, r->x + from * r->d, n, r->draws + first));
    memcpy(logits, igd_pass_logits(pass), (size_t)n * r->C * sizeof(float));
    for (size_t i = 0; i < (size_t)n * r->C; i++) // recording changes nothing
        assert_true(logits[i] == r->z[i]);
    assert_ok(igd_pass_grad(grad, pass, r->weight + from * r->C, false));
    igd_pass_free(pass);
}

static void reference_make(reference *r, const igd_classifier *f, int num)
{
    const igd_stream pixels = igd_stream_make(1, "batches", 0, 0),
                     weights = igd_stream_make(2, "batches", 0, 0);
    *r = (reference){.f = f,
                     .num = num,
                     .d = (size_t)igd_classifier_pixels(f),
                     .C = (size_t)f->num_classes};
    const size_t n = (size_t)num;
    r->x = malloc(n * r->d * sizeof(float));
    r->grad = malloc(n * r->d * sizeof(float));
    r->g = malloc(n * r->d * sizeof(float));
    r->weight = malloc(n * r->C * sizeof(float));
    r->logits = malloc(n * r->C * sizeof(float));
    r->z = malloc(n * r->C * sizeof(float));
    r->draws = malloc(n * sizeof(*r->draws));
    igd_random_uniform(r->x, n * r->d, &pixels);
    igd_random_normal(r->weight, n * r->C, &weights);
    for (int i = 0; i < num; i++)
        r->draws[i] = (igd_draw){.image = 5 + 3 * i, .draw = (uint64_t)(i % 3)};
    assert_ok(igd_set_num_threads(1));
    for (int i = 0; i < num; i += BLOCK) {
        const int left = num - i < BLOCK ? num - i : BLOCK;
        compute(r, i, left, r->logits + (size_t)i * r->C, r->grad + (size_t)i * r->d);
    }
}

static void reference_free(reference *r)
{
    free(r->x);
    free(r->weight);
    free(r->logits);
    free(r->grad);
    free(r->z);
    free(r->g);
    free(r->draws);
}

static void assert_floats_equal(const float *a, const float *b, size_t n,
                                const char *what, int first, int num)
{
    for (size_t i = 0; i < n; i++)
        if (!(a[i] == b[i]))
            fail_msg("%s of images %d to %d: %.9g, in blocks of 8 %.9g", what, first,
                     first + num - 1, (double)a[i], (double)b[i]);
}

// Batches of all sizes, that begin anywhere, with one thread and two.
static void assert_batches_agree(const igd_classifier *f, const int *sizes, int num)
{
    reference r;
    reference_make(&r, f, num);
    float *logits = malloc((size_t)num * r.C * sizeof(float));
    for (int threads = 1; threads <= 2; threads++) {
        assert_ok(igd_set_num_threads(threads));
        for (int k = 0; sizes[k] > 0; k++) {
            const int n = sizes[k], first = (num - n) * (k % 3) / 2;
            assert_true(n <= num);
            compute(&r, first, n, logits, r.g);
            assert_floats_equal(logits, r.logits + (size_t)first * r.C, (size_t)n * r.C,
                                "logits", first, n);
            assert_floats_equal(r.g, r.grad + (size_t)first * r.d, (size_t)n * r.d,
                                "gradients", first, n);
        }
    }
    assert_ok(igd_set_num_threads(0));
    free(logits);
    reference_free(&r);
}

static void check_model(const char *path, const int64_t shape[3], const int *sizes,
                        int num)
{
    igd_model *m = NULL;
    assert_ok(igd_model_load(&m, path, shape, fixture_invariant()));
    assert_batches_agree(igd_model_classifier(m), sizes, num);
    igd_model_free(m);
}

// Products of every size around those at which OpenBLAS changes its kernel.
static void test_batches__products_of_any_size(void **state)
{
    (void)state;
    static const int widths[] = {3, 96, 640}, classes[] = {2, 10, 100, 1000};
    const char *const names[] = {"w", "b", "v"};
    const char *const forms[] = {
        "    return torch.linear(torch.relu(torch.matmul(x.flatten(1), self.v)), self.w, "
        "self.b)\n",
        "    return torch.addmm(self.b, torch.mm(x.flatten(1), self.v), self.w.t())\n",
    };
    const int64_t shape[3] = {1, 4, 5};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            const int64_t C = classes[j], K = widths[i];
            const int64_t shapes[][6] = {{C, K}, {C}, {20, K}};
            char source[256];
            snprintf(source, sizeof(source), "def forward(self, x):\n%s",
                     forms[(i + j) % 2]);
            check_model(fixture_model("products.pt", source, names, shapes, 3), shape,
                        i < 2 ? many : some, i < 2 ? 300 : 136);
        }
}

// Rows of a product that are positions of images, with the batch in front or behind.
static void test_batches__products_of_positions(void **state)
{
    (void)state;
    const char *const names[] = {"w", "b", "v", "c"};
    const int64_t shapes[][6] = {{32, 24}, {32}, {32, 24}, {6, 32}};
    const char *const sources[] = {
        "def forward(self, x):\n"
        "    h = x.flatten(2).transpose(1, 2).reshape([x.size(0), 6, 24])\n"
        "    h = torch.linear(h, self.w, self.b)\n"
        "    h = torch.relu(h) - torch.softmax(h, -1)\n"
        "    return torch.linear(h.mean([1]), self.c)\n",
        "def forward(self, x):\n"
        "    h = x.reshape([x.size(0), 6, 24]).transpose(0, 1)\n"
        "    h = torch.matmul(h, self.v.t()) + self.b\n"
        "    return torch.linear(torch.relu(h).mean([0]), self.c)\n",
    };
    const int64_t shape[3] = {1, 12, 12};
    for (int i = 0; i < 2; i++)
        check_model(fixture_model("positions.pt", sources[i], names, shapes, 4), shape,
                    many, 300);
}

static void test_batches__the_demo_model(void **state)
{
    (void)state;
    check_model(TEST_SOURCE_DIR "/tests/data/fashion_resnet.pt",
                (const int64_t[]){1, 28, 28}, many, 300);
}

static void test_batches__a_residual_network(void **state)
{
    (void)state;
    check_model(TEST_SOURCE_DIR "/tests/golden/loir/resnet.pt",
                (const int64_t[]){3, 32, 32}, some, 136);
}

// A defense of the demo model, some of whose pseudo-labels are one-hot and some not.
static void defend_demo(igd_defense **defense, igd_model **base, igd_ranking **ranking,
                        double sigma)
{
    const int64_t shape[3] = {1, 28, 28};
    const char *path = TEST_SOURCE_DIR "/tests/data/fashion_resnet.pt";
    igd_defense_options o = igd_defense_options_default();
    o.keep = 40;
    o.sigma = sigma;
    o.temperature = 0.1;
    assert_ok(igd_model_load(base, path, shape, fixture_invariant()));
    assert_ok(igd_ranking_random(ranking, *base, "penultimate", NULL, 3));
    assert_ok(igd_defense_new(defense, *base, *ranking, &o));
}

static void test_batches__a_defended_model(void **state)
{
    (void)state;
    igd_model *base = NULL;
    igd_ranking *ranking = NULL;
    igd_defense *defense = NULL;
    for (int i = 0; i < 2; i++) {
        defend_demo(&defense, &base, &ranking, 0.05 * i);
        const igd_defense_view view = {.defense = defense};
        const igd_classifier f = igd_defense_classifier(&view);
        assert_batches_agree(&f, some, 136);
        igd_defense_free(defense);
        igd_ranking_free(ranking);
        igd_model_free(base);
    }
}

static void test_batches__an_exported_defended_model(void **state)
{
    (void)state;
    igd_model *base = NULL;
    igd_ranking *ranking = NULL;
    igd_defense *defense = NULL;
    const char *path = fixture_path("exported.pt");
    defend_demo(&defense, &base, &ranking, 0.0); // without noise of its own
    assert_ok(igd_defense_export(defense, path));
    check_model(path, (const int64_t[]){1, 28, 28}, some, 136);
    igd_defense_free(defense);
    igd_ranking_free(ranking);
    igd_model_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_batches__products_of_any_size),
        TENSOR_TEST(test_batches__products_of_positions),
        TENSOR_TEST(test_batches__the_demo_model),
        TENSOR_TEST(test_batches__a_residual_network),
        TENSOR_TEST(test_batches__a_defended_model),
        TENSOR_TEST(test_batches__an_exported_defended_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
