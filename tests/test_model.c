// Base models: what is loaded and what is refused.
#include "fixture.h"

#include <math.h>

#include "igdef/runtime.h"
#include "model/model_impl.h"

#define PIXELS 192 // of an image
#define IMAGES 2   // in most cases
#define CLASSES 4

static const int64_t shape[3] = {3, 8, 8};

static void random_images(float *out, size_t size)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (float)(state >> 8) / 16777216.0f;
    }
}

static void test_model__logits_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    igd_model *m = NULL;
    float images[5 * PIXELS], all[5 * CLASSES], one[CLASSES];
    random_images(images, sizeof(images) / sizeof(images[0]));
    assert_ok(igd_model_load(&m, fixture_convnet("net.pt", 3, 6, 4), shape,
                             fixture_invariant()));
    assert_int_equal(igd_model_num_classes(m), 4);
    assert_int_equal(strlen(igd_model_sha256(m)), 64);
    assert_true(igd_model_is_deterministic(m));
    assert_false(igd_model_gives_probabilities(m));
    assert_null(igd_model_no_gradient(m));
    assert_ok(igd_model_predict(all, m, images, 5));
    assert_ok(igd_model_predict(one, m, &images[(size_t)3 * PIXELS], 1));
    assert_memory_equal(one, &all[(size_t)3 * CLASSES], sizeof(one));
    igd_model_free(m);
}

static void test_model__pixels_out_of_range_are_refused(void **state)
{
    (void)state;
    igd_model *m = NULL;
    float images[3 * 8 * 8] = {0}, logits[4];
    assert_ok(igd_model_load(&m, fixture_convnet("net.pt", 3, 6, 4), shape, NULL));
    images[7] = 1.5f;
    assert_fails(igd_model_predict(logits, m, images, 1), IGD_EINVAL, "1.5");
    images[7] = NAN;
    assert_fails(igd_model_predict(logits, m, images, 1), IGD_EINVAL, "nan");
    igd_model_free(m);
}

static void test_model__missing_file_is_named(void **state)
{
    (void)state;
    igd_model *m;
    assert_fails(igd_model_load(&m, "/no/such.pt", shape, NULL), IGD_EIO,
                 "/no/such.pt: No such file");
    assert_null(m);
}

// Expects a model of one method, with parameters w [192, 4] and v [3], to be refused.
static void assert_source_fails(const char *source, igd_status status, const char *text)
{
    igd_model *m = NULL;
    const char *const names[] = {"w", "v"};
    const int64_t shapes[][6] = {{192, 4}, {3}};
    const char *path = fixture_model("refused.pt", source, names, shapes, 2);
    assert_fails(igd_model_load(&m, path, shape, NULL), status, text);
    assert_null(m);
    assert_non_null(strstr(igd_error_message(), "refused.pt: "));
    assert_null(strchr(igd_error_message(), '\n'));
}

static igd_model *load_source(const char *source)
{
    igd_model *m = NULL;
    const char *const names[] = {"w", "v"};
    const int64_t shapes[][6] = {{192, 4}, {3}};
    const char *path = fixture_model("source.pt", source, names, shapes, 2);
    assert_ok(igd_model_load(&m, path, shape, NULL));
    return m;
}

static void test_model__what_is_no_classifier_is_refused(void **state)
{
    (void)state;
    assert_source_fails("def forward(self, x, y):\n"
                        "    return torch.matmul((x + y).flatten(1), self.w)\n",
                        IGD_EFORMAT, "'forward' needs a second input 'y'");
    assert_source_fails("def forward(self, x) -> List[Tensor]:\n"
                        "    return [torch.matmul(x.flatten(1), self.w)]\n",
                        IGD_EFORMAT, "the model returns List[Tensor], not a tensor");
    assert_source_fails("def forward(self, x: List[Tensor]):\n"
                        "    return torch.matmul(x[0].flatten(1), self.w)\n",
                        IGD_EFORMAT, "takes List[Tensor], not one batch of images");
    assert_source_fails("def encode(self, x):\n"
                        "    return torch.matmul(x.flatten(1), self.w)\n",
                        IGD_EFORMAT, "the model has no method 'forward'; it has: encode");
    assert_source_fails(
        "def forward(self, x):\n"
        "    return torch.log(torch.matmul(x.flatten(1), self.w) - 1e6)\n",
        IGD_EFORMAT, "NaN or infinite logits");
    assert_source_fails("def forward(self, x):\n    return x\n", IGD_EFORMAT,
                        "not one row of logits per image");
    assert_source_fails("def forward(self, x):\n"
                        "    return torch.matmul((x - x.mean(0)).flatten(1), self.w)\n",
                        IGD_EFORMAT, "depend on the images beside it");
    assert_source_fails("def forward(self, x):\n"
                        "    return torch.matmul(x.reshape([2, 192]), self.w)\n",
                        IGD_EINVAL, "fails at batch 1: shape '[2, 192]' is invalid");
    assert_source_fails("def forward(self, x):\n"
                        "    return torch.matmul(x.reshape([1, 192]), self.w)\n",
                        IGD_EINVAL, "fails at batch 3: shape '[1, 192]' is invalid");
}

static void test_model__what_cannot_be_constant_is_refused(void **state)
{
    (void)state;
    assert_source_fails("def forward(self, x):\n"
                        "    self.w = self.w * 0.5\n"
                        "    return torch.matmul(x.flatten(1), self.w)\n",
                        IGD_EFORMAT, "the model writes its attribute 'w' while it runs");
    assert_source_fails("def forward(self, x):\n"
                        "    self.w.mul_(0.5)\n"
                        "    return torch.matmul(x.flatten(1), self.w)\n",
                        IGD_EFORMAT, "the model writes its attribute 'w' while it runs");
    assert_source_fails(
        "def forward(self, x):\n"
        "    h = torch.batch_norm(x, self.v, self.v, self.v, self.v, True, "
        "0.1, 1e-5, True)\n"
        "    return torch.matmul(h.flatten(1), self.w)\n",
        IGD_EFORMAT, "takes its statistics from the batch");
    assert_source_fails("def forward(self, x):\n"
                        "    h = torch.dropout(x, 0.5, True)\n"
                        "    return torch.matmul(h.flatten(1), self.w)\n",
                        IGD_EFORMAT, "dropout is active");
    assert_source_fails("def forward(self, x):\n"
                        "    h = torch.quantize_per_tensor(x, 0.1, 0, 13)\n"
                        "    return torch.matmul(h.dequantize().flatten(1), self.w)\n",
                        IGD_EFORMAT, "no gradient passes it");
}

static void test_model__optional_inputs_and_results_are_settled(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "def forward(self, x, y: float = 2.0, z: Optional[Tensor] = None):\n"
        "    if z is not None:\n"
        "        x = x + z\n"
        "    return torch.matmul(x.flatten(1), self.w) * y\n",
        "def forward(self, x):\n"
        "    z = torch.matmul(x.flatten(1), self.w)\n"
        "    return 3, 2 * z, x\n",
        "def forward(self, x):\n"
        "    z = torch.matmul(x.flatten(1), self.w)\n"
        "    return {'aux': x, 'logits': 2 * z}\n",
        "def forward(self, x):\n"
        "    assert self.w.numel() > 0, 'empty'\n"
        "    x.mul_(2)\n" // the caller's images stay as they are
        "    return torch.matmul(x.flatten(1), self.w)\n",
    };
    float images[IMAGES * PIXELS], logits[4][2 * 4];
    random_images(images, sizeof(images) / sizeof(images[0]));
    for (int i = 0; i < 4; i++) {
        igd_model *m = load_source(sources[i]);
        assert_ok(igd_model_predict(logits[i], m, images, 2));
        assert_null(igd_model_no_gradient(m));
        igd_model_free(m);
        for (int j = 0; j < 8; j++)
            assert_true(fabs((double)logits[i][j] - (double)logits[0][j]) < 1e-5);
    }
    float fresh[IMAGES * PIXELS];
    random_images(fresh, sizeof(fresh) / sizeof(images[0]));
    assert_memory_equal(images, fresh, sizeof(images));
}

static void test_model__kind_of_result_is_found(void **state)
{
    (void)state;
    igd_model *m =
        load_source("def forward(self, x):\n"
                    "    return torch.matmul(x.flatten(1), self.w).softmax(1)\n");
    assert_true(igd_model_gives_probabilities(m));
    igd_model_free(m);
    m = load_source(
        "def forward(self, x):\n"
        "    return torch.matmul((x + torch.rand_like(x)).flatten(1), self.w)\n");
    assert_false(igd_model_is_deterministic(m));
    assert_false(igd_model_classifier(m)->deterministic);
    igd_model_free(m);
    m = load_source("def forward(self, x):\n"
                    "    return torch.matmul((x * 255).round().flatten(1), self.w)\n");
    assert_string_equal(igd_model_no_gradient(m), "no gradient reaches the images");
    assert_false(igd_model_classifier(m)->differentiable);
    igd_model_free(m);
    m = load_source("def forward(self, x):\n"
                    "    return torch.matmul(x.detach().flatten(1), self.w)\n");
    assert_string_equal(igd_model_no_gradient(m), "no gradient reaches the images");
    igd_model_free(m);
}

static void test_model__attention_of_later_versions_runs(void **state)
{
    (void)state;
    float images[IMAGES * PIXELS], later[2 * 4], now[2 * 4];
    random_images(images, sizeof(images) / sizeof(images[0]));
    igd_model_free(load_source( // loading any model makes the operation known
        "def forward(self, x):\n    return torch.matmul(x.flatten(1), self.w)\n"));
    igd_model *m =
        load_source("def forward(self, x):\n"
                    "    h = torch.scaled_dot_product_attention(x, x * 2, x + 1)\n"
                    "    return torch.matmul(h.flatten(1), self.w)\n");
    assert_null(igd_model_no_gradient(m));
    assert_ok(igd_model_predict(later, m, images, 2));
    igd_model_free(m);
    m = load_source("def forward(self, x):\n"
                    "    a = torch.matmul(x, (x * 2).transpose(-2, -1)) / 8 ** 0.5\n"
                    "    h = torch.matmul(a.softmax(-1), x + 1)\n"
                    "    return torch.matmul(h.flatten(1), self.w)\n");
    assert_ok(igd_model_predict(now, m, images, 2));
    igd_model_free(m);
    for (int i = 0; i < 8; i++)
        assert_true(fabs((double)later[i] - (double)now[i]) < 1e-5);
}

static void test_model__normalisation_is_inside(void **state)
{
    (void)state;
    static const float mean[] = {0.5f, 0.4f, 0.3f}, std[] = {0.2f, 0.25f, 0.3f};
    float images[IMAGES * PIXELS], moved[IMAGES * PIXELS], inside[2 * 4], outside[2 * 4];
    igd_model *m = NULL;
    igd_model_options o = igd_model_options_default();
    const char *path = fixture_convnet("net.pt", 3, 6, 4);

    random_images(images, sizeof(images) / sizeof(images[0]));
    for (int i = 0; i < IMAGES * PIXELS; i++) {
        const int c = i / 64 % 3;
        images[i] = 0.45f + 0.1f * images[i]; // so that it lies in [0, 1] afterwards too
        moved[i] = (images[i] - mean[c]) / std[c] * 0.5f + 0.5f;
    }
    o.mean = mean;
    o.std = std;
    o.num_channels = 3;
    assert_ok(igd_model_load(&m, path, shape, &o));
    assert_ok(igd_model_predict(inside, m, images, 2));
    igd_model_free(m);
    static const float half[] = {0.5f, 0.5f, 0.5f};
    o.mean = half;
    o.std = half;
    assert_ok(igd_model_load(&m, path, shape, &o));
    assert_ok(igd_model_predict(outside, m, moved, 2));
    igd_model_free(m);
    for (int i = 0; i < 8; i++)
        assert_true(fabs((double)inside[i] - (double)outside[i]) < 1e-5);

    o.num_channels = 2;
    assert_fails(igd_model_load(&m, path, shape, &o), IGD_EINVAL, "2 channels");
    o.num_channels = 3;
    o.std = (const float[]){1, 0, 1};
    assert_fails(igd_model_load(&m, path, shape, &o), IGD_EINVAL, "std 0");
    o.std = NULL;
    assert_fails(igd_model_load(&m, path, shape, &o), IGD_EINVAL, "belong together");
}

static void test_model__wrong_shape_and_device_are_named(void **state)
{
    (void)state;
    igd_model *m = NULL;
    igd_model_options o = igd_model_options_default();
    const char *path = fixture_convnet("net.pt", 3, 6, 4);
    assert_fails(igd_model_load(&m, path, (const int64_t[]){1, 8, 8}, NULL), IGD_EINVAL,
                 "net.pt: input shape 1x8x8: Given groups=1");
    assert_fails(igd_model_load(&m, path, (const int64_t[]){0, 8, 8}, NULL), IGD_EINVAL,
                 "images of 0x8x8");
    const float w[4 * 27] = {1};
    path = fixture_linear("linear.pt", w, w, 4, 27);
    assert_fails(
        igd_model_load(&m, path, shape, NULL), IGD_EINVAL,
        "linear.pt: input shape 3x8x8: mat1 and mat2 shapes cannot be multiplied");
    o.device = "toaster";
    assert_fails(igd_model_load(&m, path, shape, &o), IGD_EDEVICE,
                 "unknown device 'toaster'; known are cpu, cuda and cuda:N");
    o.device = "cuda:99";
    assert_fails(igd_model_load(&m, path, shape, &o), IGD_EDEVICE, "no device 'cuda:99'");
}

static void test_model__files_that_are_no_models_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text;
    } files[] = {
        {"weights.pth", "holds weights, not a program"},
        {"weights.legacy.pth", "holds weights, not a program"},
        {"newer.pt", "exported by a newer PyTorch: Unknown builtin op: aten::tanh_of"},
        {"foreign.pt", "uses the operator other::tanh of another library"},
        {"optimized.pt", "export the model without optimize_for_inference"},
        {"chosen.script.pt", "call of 'forward' on a module chosen at run time"},
        {"images.npy", "is a NumPy array (.npy); it holds no program"},
    };
    igd_model *m = NULL;
    char path[512];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/golden/cut/%s",
                 files[i].file);
        assert_fails(igd_model_load(&m, path, shape, NULL), IGD_EFORMAT, files[i].text);
    }
    assert_fails(igd_model_load(&m, "/tmp", shape, NULL), IGD_EIO, "is a folder");
}

static void test_model__gradients_in_the_forward_pass_are_noticed(void **state)
{
    (void)state;
    const char *const names[] = {"w"};
    const int64_t weights[][6] = {{3, 4}}, images[3] = {1, 2, 2};
    const char *const sources[] = {
        "def forward(self, x):\n"
        "    return torch.linear(x.flatten(1), self.w)\n",
        "def forward(self, x):\n"
        "    z = torch.linear(x.flatten(1), self.w)\n"
        "    if z.requires_grad:\n"
        "        g = torch.autograd.grad([z.sum()], [x])[0]\n"
        "        if g is not None:\n"
        "            z = torch.linear((x + 0.1 * g.sign()).flatten(1), self.w)\n"
        "    return z\n",
    };
    for (int i = 0; i < 2; i++) {
        igd_model *m = NULL;
        assert_ok(igd_model_load(
            &m, fixture_model("climbing.pt", sources[i], names, weights, 1), images,
            NULL));
        assert_int_equal(igd_model_classifier(m)->num_backward_passes > 0, i == 1);
        igd_model_free(m);
    }
}

static void test_model__cut_in_no_grad_is_refused(void **state)
{
    (void)state;
    igd_model *m = NULL;
    igd_cut *c = NULL;
    assert_ok(igd_model_load(&m, TEST_SOURCE_DIR "/tests/golden/cut/nograd.script.pt",
                             shape, NULL));
    assert_string_equal(igd_model_no_gradient(m), "no gradient reaches the images");
    assert_fails(igd_model_cut(&c, m, "conv"), IGD_EINVAL, "inside a 'with' block");
    igd_model_free(m);
}

static unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static igd_status load_bytes(const unsigned char *bytes, size_t size)
{
    igd_model *m = NULL;
    const char *path = fixture_path("damaged.pt");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    const igd_status st = igd_model_load(&m, path, shape, NULL);
    if (st != IGD_OK) {
        assert_null(m);
        assert_non_null(strstr(igd_error_message(), "damaged.pt: "));
        assert_null(strchr(igd_error_message(), '\n'));
    }
    igd_model_free(m);
    return st;
}

static void test_model__damaged_files_are_refused(void **state)
{
    (void)state;
    size_t size;
    int refused = 0;
    unsigned char *bytes =
        read_bytes(TEST_SOURCE_DIR "/tests/golden/cut/shared.script.pt", &size);
    assert_ok(load_bytes(bytes, size));
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(load_bytes(bytes, size * i / 40), IGD_EFORMAT);
    for (size_t i = 0; i < 120; i++) { // most hit an entry, some only padding
        const size_t place = (size * i + i * 31) / 120 % size;
        bytes[place] ^= (unsigned char)(1 << i % 8);
        refused += load_bytes(bytes, size) != IGD_OK;
        bytes[place] ^= (unsigned char)(1 << i % 8);
    }
    assert_true(refused > 60);
    assert_ok(load_bytes(bytes, size));
    free(bytes);
}

static void test_model__flipped_weight_is_noticed(void **state)
{
    (void)state;
    size_t size, place = 0;
    unsigned char *bytes =
        read_bytes(TEST_SOURCE_DIR "/tests/golden/cut/inplace.script.pt", &size);
    // Entries are stored at multiples of 64 bytes; the first one of float data.
    for (size_t i = 0; i + 30 < size && place == 0; i++)
        if (memcmp(bytes + i, "PK\003\004", 4) == 0 &&
            memcmp(bytes + i + 30, "inplace.script/data/", 20) == 0)
            place = (i + 30 + 20 + 63) / 64 * 64;
    assert_true(place > 0 && place + 4 < size);
    bytes[place + 2] ^= 1;
    assert_int_equal(load_bytes(bytes, size), IGD_EFORMAT);
    assert_non_null(strstr(igd_error_message(), "does not match its checksum"));
    free(bytes);
}

static void test_model__residual_network_is_cut(void **state)
{
    (void)state;
    const char *path = TEST_SOURCE_DIR "/tests/golden/loir/resnet.pt";
    static const struct {
        const char *layer;
        int num_neurons, affine;
    } layers[] = {{"penultimate", 10, 1}, {"layer4", 10, 1}, {"layer3", 8, 0}};
    igd_model *m = NULL;
    igd_cut *c = NULL;
    assert_ok(igd_model_load(&m, path, (const int64_t[]){3, 32, 32}, NULL));
    assert_int_equal(igd_model_num_classes(m), 10);
    for (int i = 0; i < 3; i++) {
        assert_ok(igd_model_cut(&c, m, layers[i].layer));
        assert_int_equal(igd_cut_num_neurons(c), layers[i].num_neurons);
        assert_int_equal(igd_cut_is_affine(c), layers[i].affine);
        assert_true(igd_cut_tiles(c));
        assert_int_equal(igd_cut_num_carried(c), 0);
        igd_cut_free(c);
    }
    igd_model_free(m);
}

// Of models on CUDA: one on the CPU changes nothing of the process.
static void test_model__cuda_can_be_told_to_compute_exactly(void **state)
{
    (void)state;
    igd_model *m = NULL;
    assert_ok(igd_model_load(&m, TEST_SOURCE_DIR "/tests/data/fashion_resnet.pt",
                             (const int64_t[]){1, 28, 28}, NULL));
    igd_model_free(m);
    assert_false(fixture_computes_exactly());
    assert_ok(igd_compute_exactly());
    assert_true(fixture_computes_exactly());
}

// What tracing writes for a convolution holds cuDNN's settings, TF32 allowed among them.
// They are those of another process; igdef's are to hold.
static void test_model__traced_convolutions_follow_the_process(void **state)
{
    (void)state;
    static const char traced[] =
        "def forward(self, x):\n"
        "    h = torch._convolution(x, self.w, None, [2, 2], [1, 1], [1, 1], False, "
        "[0, 0], 1, False, False, True, True)\n"
        "    h = torch._convolution(torch.relu(h), self.up, None, [2, 2], [0, 0], "
        "[1, 1], True, [0, 0], 1, False, False, True, True)\n"
        "    return h.mean([2, 3])\n";
    static const char plain[] =
        "def forward(self, x):\n"
        "    h = torch.conv2d(x, self.w, None, [2, 2], [1, 1])\n"
        "    h = torch.conv_transpose2d(torch.relu(h), self.up, None, [2, 2])\n"
        "    return h.mean([2, 3])\n";
    const char *const names[] = {"w", "up"};
    const int64_t weights[][6] = {{4, 3, 3, 3}, {4, 5, 2, 2}};
    const char *const files[] = {fixture_model("traced.pt", traced, names, weights, 2),
                                 fixture_model("called.pt", plain, names, weights, 2)};
    const igd_graph_options options = {.device = "cpu"};
    const int64_t small[3] = {3, 8, 8};
    igd_graph *g = NULL;
    assert_ok(igd_graph_load(&g, files[0], "forward", &options));
    assert_int_equal(fixture_num_operations(g, "aten::_convolution"), 0);
    assert_int_equal(fixture_num_operations(g, "aten::conv2d"), 1);
    assert_int_equal(fixture_num_operations(g, "aten::convolution"), 1);
    igd_graph_free(g);

    float images[2 * 3 * 8 * 8], z[2][2 * 5];
    for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++)
        images[i] = (float)(i % 7) / 7.0f;
    for (int k = 0; k < 2; k++) {
        igd_model *m = NULL;
        assert_ok(igd_model_load(&m, files[k], small, NULL));
        assert_ok(igd_model_predict(z[k], m, images, 2));
        igd_model_free(m);
    }
    assert_memory_equal(z[0], z[1], sizeof(z[0]));
}

// One image takes another way through libtorch than a batch does.
static void test_model__convolutions_of_one_image_are_right(void **state)
{
    (void)state;
    static const char source[] =
        "def forward(self, x):\n"
        "    a = torch.conv2d(x, self.w, self.b, [2, 1], [1, 2], [1, 2])\n"
        "    h = torch.relu(torch.conv2d(a, self.grouped, None, 1, 0, 1, 2))\n"
        "    h = torch.conv2d(h, self.point)\n"
        "    return torch.conv2d(h, self.last, padding='same').mean([2, 3])\n";
    const char *const names[] = {"w", "b", "grouped", "point", "last"};
    const int64_t shapes[][6] = {
        {4, 3, 3, 3}, {4}, {6, 2, 3, 2}, {5, 6, 1, 1}, {5, 5, 3, 3}};
    const int64_t small[3] = {3, 9, 8};
    float images[3 * 3 * 9 * 8], one[5], all[3 * 5];
    igd_model *m = NULL;
    for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++)
        images[i] = (float)(i * i % 11) / 11.0f;
    assert_ok(igd_model_load(&m, fixture_model("one.pt", source, names, shapes, 5), small,
                             NULL));
    assert_ok(igd_model_predict(all, m, images, 3));
    for (int i = 0; i < 3; i++) {
        assert_ok(igd_model_predict(one, m, images + i * 3 * 9 * 8, 1));
        for (int c = 0; c < 5; c++)
            assert_float_equal(one[c], all[i * 5 + c], 1e-6f);
    }
    igd_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_model__logits_do_not_depend_on_the_batch),
        TENSOR_TEST(test_model__pixels_out_of_range_are_refused),
        TENSOR_TEST(test_model__missing_file_is_named),
        TENSOR_TEST(test_model__what_is_no_classifier_is_refused),
        TENSOR_TEST(test_model__what_cannot_be_constant_is_refused),
        TENSOR_TEST(test_model__optional_inputs_and_results_are_settled),
        TENSOR_TEST(test_model__kind_of_result_is_found),
        TENSOR_TEST(test_model__attention_of_later_versions_runs),
        TENSOR_TEST(test_model__normalisation_is_inside),
        TENSOR_TEST(test_model__wrong_shape_and_device_are_named),
        TENSOR_TEST(test_model__files_that_are_no_models_are_told_apart),
        TENSOR_TEST(test_model__gradients_in_the_forward_pass_are_noticed),
        TENSOR_TEST(test_model__cut_in_no_grad_is_refused),
        TENSOR_TEST(test_model__damaged_files_are_refused),
        TENSOR_TEST(test_model__flipped_weight_is_noticed),
        TENSOR_TEST(test_model__residual_network_is_cut),
        TENSOR_TEST(test_model__cuda_can_be_told_to_compute_exactly),
        TENSOR_TEST(test_model__traced_convolutions_follow_the_process),
        TENSOR_TEST(test_model__convolutions_of_one_image_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
