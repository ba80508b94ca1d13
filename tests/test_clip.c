// CLIP's encoders: archives of OpenAI's construction against the eager model, the
// preparation of images against Pillow's, and the refusal of unusable files.
#include "fixture.h"

#include <math.h>

#include "core/bpe.h"
#include "core/file.h"
#include "core/json.h"
#include "core/lines.h"
#include "core/npy.h"
#include "igdef/dataset.h"
#include "rank/clip.h"

#define DATA TEST_SOURCE_DIR "/tests/data/"
#define FASHION_MNIST "/usr/share/datasets/fashion-mnist" // Debian's package

static igd_npy load(const char *name)
{
    igd_npy a = {0};
    char path[512];
    snprintf(path, sizeof(path), DATA "%s.npy", name);
    assert_ok(igd_npy_read(&a, path));
    return a;
}

static void assert_near(const float *got, const float *want, int64_t n, float tolerance)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= tolerance))
            fail_msg("number %lld is %.8g, not %.8g", (long long)i, (double)got[i],
                     (double)want[i]);
}

// The test images [4, 3, 40, 48] in [0, 1], to be freed.
static float *test_images(void)
{
    igd_npy a = load("clip_images");
    float *x = malloc((size_t)a.size * sizeof(*x));
    const int64_t H = a.shape[1], W = a.shape[2];
    const unsigned char *bytes = a.data;
    assert_non_null(x);
    assert_int_equal(a.type, IGD_NPY_U8);
    for (int64_t i = 0; i < a.size; i++) {
        const int64_t c = i % 3, at = i / 3 % (H * W), n = i / 3 / (H * W);
        x[(n * 3 + c) * H * W + at] = (float)bytes[i] / 255.0f;
    }
    igd_npy_free(&a);
    return x;
}

static const int64_t image_shape[3] = {3, 40, 48};

static void test_clip__images_are_prepared_as_pillow_does(void **state)
{
    (void)state;
    igd_npy want = load("clip_pixels");
    float *x = test_images(), *got = malloc((size_t)want.size * sizeof(*got));
    assert_non_null(got);
    for (int64_t i = 0; i < 4; i++)
        assert_ok(igd_clip_prepare(got + i * want.size / 4, 32, x + i * 3 * 40 * 48,
                                   image_shape));
    assert_near(got, want.data, want.size, 1.001f / 255.0f);
    igd_npy_free(&want);
    free(got);
    free(x);
}

static void test_clip__grey_images_get_three_channels(void **state)
{
    (void)state;
    float *x = test_images(), grey[3 * 32 * 32], color[3 * 32 * 32];
    float *same = malloc(sizeof(float) * 3 * 40 * 48);
    assert_non_null(same);
    for (int c = 0; c < 3; c++)
        memcpy(same + (size_t)c * 40 * 48, x, sizeof(float) * 40 * 48);
    assert_ok(igd_clip_prepare(grey, 32, x, (int64_t[]){1, 40, 48}));
    assert_ok(igd_clip_prepare(color, 32, same, image_shape));
    assert_memory_equal(grey, color, sizeof(grey));
    free(same);
    free(x);
}

// Half-precision weights, device and dtype constants of a GPU: encode_image of an archive
// gives what the eager float32 model gives.
static void check_images(const char *name)
{
    char path[512];
    igd_npy want = load(name);
    igd_clip *clip = NULL;
    float *x = test_images(), got[4 * 16], alone[16];
    snprintf(path, sizeof(path), DATA "%s.pt", name);
    assert_ok(igd_clip_open(&clip, &(igd_clip_options){.path = path, .device = "cpu"}));
    assert_int_equal(igd_clip_image_size(clip), 32);
    assert_int_equal(igd_clip_width(clip), 16);
    assert_ok(igd_clip_embed(got, clip, x, image_shape, 4));
    // A pixel that is one grey level off moves an embedding a little.
    assert_near(got, want.data, want.size, 5e-3f);
    for (int64_t i = 0; i < 4; i++) { // whatever the batch
        assert_ok(igd_clip_embed(alone, clip, x + i * 3 * 40 * 48, image_shape, 1));
        assert_memory_equal(alone, got + i * 16, sizeof(alone));
    }
    igd_clip_free(clip);
    igd_npy_free(&want);
    free(x);
}

static void test_clip__vision_transformer_archive_is_the_eager_model(void **state)
{
    (void)state;
    check_images("clip_vit");
}

static void test_clip__resnet_archive_is_the_eager_model(void **state)
{
    (void)state;
    check_images("clip_resnet");
}

static int lengths[256], context; // of the texts embedded last

static igd_status embed_texts(float **out, int64_t *width, const char *path, bool alone,
                              const char *vocabulary, const char *const *texts, int num)
{
    char sha256[IGD_SHA256_LENGTH];
    const igd_clip_texts o = {
        .path = path, .vocabulary = vocabulary, .device = "cpu", .alone = alone};
    return igd_clip_embed_texts(out, width, lengths, &context, sha256, &o, texts, num);
}

static void check_texts(const char *name)
{
    static const char *const texts[] = {"cat", "Dog, bird", "a man"};
    char path[512], golden[64];
    float *got = NULL;
    int64_t width = 0;
    snprintf(path, sizeof(path), DATA "%s.pt", name);
    snprintf(golden, sizeof(golden), "%s_text", name);
    igd_npy want = load(golden);
    assert_ok(embed_texts(&got, &width, path, false, DATA "clip_bpe.txt", texts, 3));
    assert_int_equal(width, 16);
    assert_near(got, want.data, want.size, 1e-5f);
    free(got);
    igd_npy_free(&want);
}

static void test_clip__text_encoders_are_the_eager_models(void **state)
{
    (void)state;
    check_texts("clip_vit");
    check_texts("clip_resnet");
}

// More texts than fit one pass: each gets its own row.
static void test_clip__many_texts_are_embedded_in_order(void **state)
{
    (void)state;
    const char *texts[150];
    float *many = NULL, *three = NULL;
    int64_t width = 0;
    static const char *const three_texts[] = {"cat", "Dog, bird", "a man"};
    for (int i = 0; i < 150; i++)
        texts[i] = three_texts[i % 3];
    assert_ok(embed_texts(&three, &width, DATA "clip_vit.pt", false, DATA "clip_bpe.txt",
                          three_texts, 3));
    assert_ok(embed_texts(&many, &width, DATA "clip_vit.pt", false, DATA "clip_bpe.txt",
                          texts, 150));
    for (int64_t i = 0; i < 150; i++)
        assert_near(many + i * width, three + i % 3 * width, width, 1e-5f);
    free(many);
    free(three);
}

static const char *image_tower(const char *name, const char *method)
{
    char source[512];
    snprintf(source, sizeof(source),
             "def %s(self, x):\n"
             "    return torch.linear(x.mean([2, 3]), self.w, None)\n",
             method);
    return fixture_model(name, source, (const char *const[]){"w"},
                         (const int64_t[][6]){{5, 3}}, 1);
}

static void test_clip__an_encoder_may_have_a_file_of_its_own(void **state)
{
    (void)state;
    const char *path = image_tower("tower.pt", "forward");
    igd_clip *clip = NULL;
    float *x = test_images(), got[2 * 5];
    igd_clip_options o = {.path = path, .device = "cpu", .alone = true};
    assert_fails(igd_clip_open(&clip, &o), IGD_EINVAL, "; --image-size gives it");
    o.image_size = 24;
    assert_ok(igd_clip_open(&clip, &o));
    assert_int_equal(igd_clip_image_size(clip), 24);
    assert_int_equal(igd_clip_width(clip), 5);
    assert_ok(igd_clip_embed(got, clip, x, image_shape, 2));
    assert_true(got[0] != got[5]);
    igd_clip_free(clip);

    o.alone = false;
    assert_fails(igd_clip_open(&clip, &o), IGD_EFORMAT, "no method 'encode_image'");
    assert_null(clip);
    free(x);
}

static void test_clip__a_context_that_is_not_known_must_be_given(void **state)
{
    (void)state;
    const char *path =
        fixture_model("text.pt",
                      "def encode_text(self, t):\n"
                      "    return torch.embedding(self.w, t).mean([1])\n",
                      (const char *const[]){"w"}, (const int64_t[][6]){{522, 4}}, 1);
    static const char *const texts[] = {"cat"};
    float *got = NULL;
    int64_t width = 0;
    char sha256[IGD_SHA256_LENGTH];
    igd_clip_texts o = {.path = path, .vocabulary = DATA "clip_bpe.txt", .device = "cpu"};
    assert_fails(
        igd_clip_embed_texts(&got, &width, lengths, &context, sha256, &o, texts, 1),
        IGD_EINVAL, "; --context-length gives it");
    assert_null(got);
    o.context = 9;
    assert_ok(
        igd_clip_embed_texts(&got, &width, lengths, &context, sha256, &o, texts, 1));
    assert_int_equal(width, 4);
    free(got);
}

static void test_clip__unusable_files_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"cat"};
    igd_clip *clip = NULL;
    float *got = NULL;
    int64_t width = 0;
    unsigned char *bytes = NULL;
    size_t size = 0;
    const char *half = fixture_path("half.pt");
    igd_clip_options o = {.path = half, .device = "cpu"};

    assert_ok(igd_file_read(&bytes, &size, DATA "clip_vit.pt", 1 << 20));
    assert_ok(igd_file_write(half, bytes, size / 2));
    assert_fails(igd_clip_open(&clip, &o), IGD_EFORMAT, "half.pt: ");
    free(bytes);
    o.path = fixture_path("nowhere.pt");
    assert_fails(igd_clip_open(&clip, &o), IGD_EIO, "nowhere.pt: ");
    assert_null(clip);

    assert_fails(embed_texts(&got, &width, DATA "clip_vit.pt", false,
                             DATA "fashion_bpe.txt", texts, 1),
                 IGD_EINVAL, "has 770 tokens, but");
    assert_fails(embed_texts(&got, &width, image_tower("image.pt", "encode_image"), false,
                             DATA "clip_bpe.txt", texts, 1),
                 IGD_EFORMAT, "no method 'encode_text'; it has: encode_image");
    assert_null(got);
}

static void test_clip__the_demo_vocabulary_gives_its_recorded_tokens(void **state)
{
    (void)state;
    const char *path = DATA "fashion_clip.json";
    const cJSON *concepts = NULL, *list = NULL;
    const char *name = NULL;
    cJSON *json = NULL;
    igd_bpe *bpe = NULL;
    int64_t tokens[32];
    assert_ok(igd_json_read(&json, path));
    assert_ok(igd_bpe_load(&bpe, DATA "fashion_bpe.txt"));
    assert_ok(igd_json_array(&concepts, json, "concepts", path));
    for (const cJSON *c = concepts->child; c != NULL; c = c->next) {
        int num = 0, i = 0;
        assert_ok(igd_json_string(&name, c, "name", path));
        assert_ok(igd_json_array(&list, c, "tokens", path));
        assert_ok(igd_bpe_encode(tokens, &num, bpe, name, 32));
        assert_int_equal(num, cJSON_GetArraySize(list));
        for (const cJSON *t = list->child; t != NULL; t = t->next)
            assert_int_equal(tokens[i++], (int64_t)t->valuedouble);
    }
    igd_bpe_free(bpe);
    cJSON_Delete(json);
}

// Images, tokens and both encoders together: the nearest class name is the right one as
// often as training recorded.
static void test_clip__the_demo_model_names_fashion_images(void **state)
{
    (void)state;
    enum { N = 500 };
    igd_dataset *data = NULL;
    igd_dataset_options options = igd_dataset_options_default();
    igd_clip *clip = NULL;
    igd_lines names = {0};
    float *text = NULL, *image = NULL, *x = NULL;
    int64_t width = 0, which[N];
    int right = 0;

    if (!igd_path_exists(FASHION_MNIST))
        fixture_skip(FASHION_MNIST " is not installed");
    options.count = N;
    assert_ok(igd_dataset_open(&data, FASHION_MNIST, &options));
    assert_ok(igd_lines_read(&names, DATA "fashion_concepts.txt"));
    assert_ok(embed_texts(&text, &width, DATA "fashion_clip.pt", false,
                          DATA "fashion_bpe.txt", (const char *const *)names.line, 10));
    assert_ok(igd_clip_open(
        &clip, &(igd_clip_options){.path = DATA "fashion_clip.pt", .device = "cpu"}));
    assert_int_equal(igd_clip_width(clip), width);
    x = malloc(sizeof(float) * N * 28 * 28);
    image = malloc(sizeof(float) * N * (size_t)width);
    assert_true(x != NULL && image != NULL);
    for (int64_t i = 0; i < N; i++)
        which[i] = i;
    assert_ok(igd_dataset_read(data, x, which, N));
    assert_ok(igd_clip_embed(image, clip, x, igd_dataset_shape(data), N));
    for (int64_t i = 0; i < N; i++) {
        int best = 0;
        double most = -INFINITY;
        for (int c = 0; c < 10; c++) {
            double dot = 0, norm = 0;
            for (int64_t j = 0; j < width; j++) {
                const double t = (double)text[c * width + j];
                dot += t * (double)image[i * width + j];
                norm += t * t;
            }
            if (dot / sqrt(norm) > most) {
                most = dot / sqrt(norm);
                best = c;
            }
        }
        right += best == igd_dataset_label(data, i);
    }
    if (right < 440) // 0.9277 of all
        fail_msg("%d of %d images named rightly", right, N);
    igd_clip_free(clip);
    igd_dataset_free(data);
    igd_lines_free(&names);
    free(text);
    free(image);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_clip__images_are_prepared_as_pillow_does),
        TENSOR_TEST(test_clip__grey_images_get_three_channels),
        TENSOR_TEST(test_clip__vision_transformer_archive_is_the_eager_model),
        TENSOR_TEST(test_clip__resnet_archive_is_the_eager_model),
        TENSOR_TEST(test_clip__text_encoders_are_the_eager_models),
        TENSOR_TEST(test_clip__many_texts_are_embedded_in_order),
        TENSOR_TEST(test_clip__an_encoder_may_have_a_file_of_its_own),
        TENSOR_TEST(test_clip__a_context_that_is_not_known_must_be_given),
        TENSOR_TEST(test_clip__unusable_files_are_refused),
        TENSOR_TEST(test_clip__the_demo_vocabulary_gives_its_recorded_tokens),
        TENSOR_TEST(test_clip__the_demo_model_names_fashion_images),
    };
    return fixture_result(cmocka_run_group_tests(tests, NULL, NULL));
}
