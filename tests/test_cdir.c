// CD-IR: scores from activations where the mask acts and from CLIP, its cache, and the
// refusal of unusable settings and files.
#include "fixture.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/lines.h"
#include "core/npy.h"
#include "igdef/dataset.h"
#include "igdef/model.h"
#include "igdef/ranking.h"
#include "rank/similarity.h"

#define DATA TEST_SOURCE_DIR "/tests/data/"
#define CLIP DATA "clip_vit.pt"
#define BPE DATA "clip_bpe.txt"

enum { N = 40, H = 12, W = 10, K = 3 * H * W, C = 3, D = 16 };

static float draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 16777216.0f;
}

// Images, and a linear model on them, whose neurons are the pixels themselves.
typedef struct setting {
    float x[N * K];
    igd_dataset *data;
    igd_model *model;
} setting;

static void set_up(setting *s)
{
    static const int64_t shape[3] = {3, H, W};
    float w[C * K], b[C] = {0};
    int32_t labels[N];
    uint32_t seed = 5;
    for (int i = 0; i < N * K; i++)
        s->x[i] = (float)(int)(draw(&seed) * 256) / 255.0f;
    for (int i = 0; i < C * K; i++)
        w[i] = draw(&seed) - 0.5f;
    for (int i = 0; i < N; i++)
        labels[i] = i % C;
    assert_ok(igd_dataset_from_floats(&s->data, s->x, labels, N, shape, C));
    assert_ok(
        igd_model_load(&s->model, fixture_linear("linear.pt", w, b, C, K), shape, NULL));
}

static void tear_down(setting *s)
{
    igd_dataset_free(s->data);
    igd_model_free(s->model);
}

static const char *write_floats(const char *name, const float *data, int64_t rows,
                                int64_t width)
{
    const char *path = fixture_path(name);
    assert_ok(igd_npy_write(path, IGD_NPY_F32, (int64_t[]){rows, width}, 2, data));
    return path;
}

// Embeddings that are no image's in particular.
static void write_embeddings(float *image, float *text, char paths[2][512])
{
    uint32_t seed = 11;
    for (int i = 0; i < N * D; i++)
        image[i] = draw(&seed) - 0.2f;
    for (int i = 0; i < C * D; i++)
        text[i] = draw(&seed) - 0.2f;
    snprintf(paths[0], 512, "%s", write_floats("images.npy", image, N, D));
    snprintf(paths[1], 512, "%s", write_floats("texts.npy", text, C, D));
}

static igd_cdir_options with_embeddings(char paths[2][512])
{
    igd_cdir_options o = igd_cdir_options_default();
    o.image_embeddings = paths[0];
    o.text_embeddings = paths[1];
    o.top_k = 10;
    o.batch_size = 7;
    return o;
}

static const char *const concepts[] = {"cat", "dog", "bird"};
static const char *const list_lines[] = {"cat", "n01440764 tench", "bird"};

static igd_cdir_options with_clip(void)
{
    igd_cdir_options o = igd_cdir_options_default();
    o.clip = CLIP;
    o.vocabulary = BPE;
    o.concepts = concepts;
    o.num_concepts = C;
    o.top_k = 10;
    o.batch_size = 7;
    return o;
}

// The activations are the pixels, so the scores can be had without the model.
static void test_cdir__scores_are_similarities_at_the_mask_layer(void **state)
{
    (void)state;
    static setting s;
    float image[N * D], text[C * D];
    static float want[C * K];
    char paths[2][512];
    set_up(&s);
    write_embeddings(image, text, paths);
    igd_cdir_options o = with_embeddings(paths);
    for (int kind = 0; kind <= IGD_SIMILARITY_RANK_REORDER; kind++) {
        igd_similarity_options published =
            igd_similarity_options_default((igd_similarity)kind);
        igd_rows *activations = NULL, *images = NULL;
        igd_ranking *r = NULL;
        published.top_k = 10;
        assert_ok(igd_rows_view(&activations, "pixels", s.x, N, K));
        assert_ok(igd_rows_view(&images, "images", image, N, D));
        assert_ok(igd_similarity_score(want, &published, activations, images, text, C));
        o.similarity = (igd_similarity)kind;
        assert_ok(igd_ranking_cdir(&r, s.model, "penultimate", s.data, &o));
        assert_string_equal(igd_ranking_method(r), "cdir");
        assert_int_equal(igd_ranking_num_neurons(r), K);
        assert_int_equal(igd_ranking_num_images(r), N);
        for (int c = 0; c < C; c++)
            assert_memory_equal(igd_ranking_score(r, c), want + (size_t)c * K,
                                sizeof(float[K]));
        igd_ranking_free(r);
        igd_rows_free(activations);
        igd_rows_free(images);
    }
    tear_down(&s);
}

// A layer with positions: its mean, or its maximum, over them.
static void test_cdir__positions_are_pooled(void **state)
{
    (void)state;
    static setting s;
    float image[N * D], text[C * D];
    char paths[2][512];
    igd_model *net = NULL;
    igd_ranking *avg = NULL, *max = NULL, *penultimate = NULL;
    set_up(&s);
    write_embeddings(image, text, paths);
    igd_cdir_options o = with_embeddings(paths);
    assert_ok(igd_model_load(&net, fixture_convnet("net.pt", 3, 6, C),
                             igd_dataset_shape(s.data), NULL));
    const igd_layer *layers = NULL;
    int num = 0, spatial = -1;
    assert_ok(igd_model_layers(net, &layers, &num));
    for (int i = 0; i < num; i++)
        if (layers[i].reason == NULL && layers[i].num_dims == 4 &&
            layers[i].num_neurons == 6)
            spatial = i; // the last one goes into the average pooling
    assert_true(spatial >= 0);
    assert_ok(igd_ranking_cdir(&avg, net, layers[spatial].path, s.data, &o));
    assert_ok(igd_ranking_cdir(&penultimate, net, "penultimate", s.data, &o));
    o.pool = IGD_POOL_MAX;
    assert_ok(igd_ranking_cdir(&max, net, layers[spatial].path, s.data, &o));
    for (int c = 0; c < C; c++) {
        bool differ = false;
        for (int n = 0; n < 6; n++) {
            assert_true(fabsf(igd_ranking_score(avg, c)[n] -
                              igd_ranking_score(penultimate, c)[n]) < 1e-3f);
            differ =
                differ || igd_ranking_score(avg, c)[n] != igd_ranking_score(max, c)[n];
        }
        assert_true(differ);
    }
    igd_ranking_free(avg);
    igd_ranking_free(max);
    igd_ranking_free(penultimate);
    igd_model_free(net);
    tear_down(&s);
}

// Stages that a run went through, one letter each: e(mbeddings), a(ctivations alone),
// s(imilarity).
static int note_stage(const char *stage, double done, double total, void *payload)
{
    char *seen = payload;
    const char *letter = strstr(stage, "embeddings") != NULL ? "e" : stage;
    assert_true(done >= 0 && done <= total);
    if (seen[0] == '\0' || seen[strlen(seen) - 1] != letter[0])
        seen[strlen(seen)] = letter[0]; // zeros follow
    return 0;
}

// The only .npy file of a folder.
static void find_cache(char path[512], const char *folder)
{
    DIR *d = opendir(folder);
    int found = 0;
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strstr(e->d_name, ".npy") != NULL) {
            assert_true(snprintf(path, 512, "%s/%s", folder, e->d_name) < 512);
            found++;
        }
    }
    closedir(d);
    assert_int_equal(found, 1);
}

static void assert_same_scores(const igd_ranking *a, const igd_ranking *b)
{
    for (int c = 0; c < C; c++)
        assert_memory_equal(igd_ranking_score(a, c), igd_ranking_score(b, c),
                            sizeof(float) * (size_t)igd_ranking_num_neurons(a));
}

static void flip_bit(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    const int c = fgetc(f);
    assert_int_not_equal(c, EOF);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    fputc(c ^ 1, f);
    assert_int_equal(fclose(f), 0);
}

static void test_cdir__image_embeddings_are_cached(void **state)
{
    (void)state;
    static setting s;
    char folder[512], cache[512], seen[16] = "";
    igd_ranking *first = NULL, *second = NULL, *third = NULL, *plain = NULL;
    igd_cdir_options o = with_clip();
    set_up(&s);
    o.progress = note_stage;
    o.payload = seen;
    assert_ok(igd_ranking_cdir(&plain, s.model, "penultimate", s.data, &o));
    snprintf(folder, sizeof(folder), "%s", fixture_path("cache"));
    assert_int_equal(mkdir(folder, 0700), 0);
    o.cache = folder;
    memset(seen, 0, sizeof(seen));
    assert_ok(igd_ranking_cdir(&first, s.model, "penultimate", s.data, &o));
    assert_string_equal(seen, "es");
    find_cache(cache, folder);

    // Another prompt and another batch size: the images are the same.
    o.batch_size = 16;
    memset(seen, 0, sizeof(seen));
    assert_ok(igd_ranking_cdir(&second, s.model, "penultimate", s.data, &o));
    assert_string_equal(seen, "as");
    assert_same_scores(first, plain);
    assert_same_scores(first, second);

    // Its content counts, and it serves as ready embeddings too.
    igd_cdir_options ready = with_clip();
    ready.clip = NULL;
    ready.clip_text = CLIP;
    ready.image_embeddings = cache;
    assert_ok(igd_ranking_cdir(&third, s.model, "penultimate", s.data, &ready));
    assert_same_scores(first, third);
    igd_ranking_free(second);
    igd_ranking_free(third);

    // One with a flipped bit is refused there and made again here, and so is a damaged
    // one.
    flip_bit(cache, 150);
    assert_fails(igd_ranking_cdir(&third, s.model, "penultimate", s.data, &ready),
                 IGD_EFORMAT, ".npy: damaged or edited: not what its SHA-256 is of");
    memset(seen, 0, sizeof(seen));
    assert_ok(igd_ranking_cdir(&second, s.model, "penultimate", s.data, &o));
    assert_string_equal(seen, "es");
    assert_same_scores(first, second);
    igd_ranking_free(second);
    assert_int_equal(truncate(cache, 200), 0);
    memset(seen, 0, sizeof(seen));
    assert_ok(igd_ranking_cdir(&second, s.model, "penultimate", s.data, &o));
    assert_string_equal(seen, "es");
    assert_same_scores(first, second);
    find_cache(cache, folder);

    // Another CLIP is another cache.
    igd_ranking_free(second);
    o.clip = DATA "clip_resnet.pt";
    memset(seen, 0, sizeof(seen));
    assert_ok(igd_ranking_cdir(&second, s.model, "penultimate", s.data, &o));
    assert_string_equal(seen, "es");
    igd_ranking_free(first);
    igd_ranking_free(second);
    igd_ranking_free(plain);
    tear_down(&s);
}

static void test_cdir__two_files_give_what_one_gives(void **state)
{
    (void)state;
    static setting s;
    igd_ranking *one = NULL, *two = NULL;
    igd_cdir_options o = with_clip();
    set_up(&s);
    o.prompt = "a {} and a {}";
    assert_ok(igd_ranking_cdir(&one, s.model, "penultimate", s.data, &o));
    o.clip = NULL;
    o.clip_image = o.clip_text = CLIP;
    assert_ok(igd_ranking_cdir(&two, s.model, "penultimate", s.data, &o));
    assert_same_scores(one, two);
    igd_ranking_free(two);
    o.prompt = "{}";
    assert_ok(igd_ranking_cdir(&two, s.model, "penultimate", s.data, &o));
    assert_true(igd_ranking_score(one, 0)[0] != igd_ranking_score(two, 0)[0]);
    igd_ranking_free(one);
    igd_ranking_free(two);
    tear_down(&s);
}

static void refused(const setting *s, const igd_cdir_options *o, igd_status status,
                    const char *text)
{
    igd_ranking *r = NULL;
    assert_fails(igd_ranking_cdir(&r, s->model, "penultimate", s->data, o), status, text);
    assert_null(r);
}

static void test_cdir__settings_that_cannot_work_are_refused(void **state)
{
    (void)state;
    static setting s;
    static const char *const empty[] = {"cat", "", "dog"};
    igd_cdir_options o = with_clip();
    set_up(&s);

    o.clip = NULL;
    refused(&s, &o, IGD_EINVAL, "CD-IR needs CLIP");
    o.clip_image = CLIP;
    refused(&s, &o, IGD_EINVAL, "no source of text embeddings");
    o.clip = CLIP;
    refused(&s, &o, IGD_EINVAL, "more than one source of image embeddings");
    o = with_clip();
    o.vocabulary = NULL;
    refused(&s, &o, IGD_EINVAL, "need its vocabulary");
    o = with_clip();
    o.prompt = "a photo";
    refused(&s, &o, IGD_EINVAL, "the prompt 'a photo' has no {}");
    o = with_clip();
    o.num_concepts = 0;
    refused(&s, &o, IGD_EINVAL, "there are 0 concepts, but the model has 3 classes");
    o.num_concepts = 2;
    refused(&s, &o, IGD_EINVAL, "there are 2 concepts, but the model has 3 classes");
    o.num_concepts = 3;
    o.concepts = empty;
    refused(&s, &o, IGD_EINVAL, "concept of class 1 is empty");
    o = with_clip();
    o.concepts = list_lines;
    refused(&s, &o, IGD_EINVAL, "the concept of class 1 is 'n01440764 tench', a line of");
    o.concepts = NULL; // the data's classes are called 0, 1 and 2
    refused(&s, &o, IGD_EINVAL,
            "the name of class 0 is '0', which means nothing to CLIP; --concepts FILE");
    o = with_clip();
    o.top_k = 0; // 100
    refused(&s, &o, IGD_EINVAL, "top_k of 100 needs as many probe images, not 40");
    o.top_k = -1;
    refused(&s, &o, IGD_EINVAL, "top_k of -1");
    o = with_clip();
    o.batch_size = 0;
    refused(&s, &o, IGD_EINVAL, "batches of 0");
    o = with_clip();
    o.device = "tpu";
    refused(&s, &o, IGD_EDEVICE, "unknown device 'tpu'");
    o = with_clip();
    igd_ranking *r = NULL;
    assert_fails(igd_ranking_cdir(&r, s.model, "layer9", s.data, &o), IGD_EINVAL,
                 "layer9");
    assert_null(r);
    tear_down(&s);
}

static void keep_lines(const char *line, void *payload)
{
    char *text = payload;
    snprintf(text + strlen(text), 1000 - strlen(text), "%s\n", line);
}

static void test_cdir__equal_and_long_concepts_are_named(void **state)
{
    (void)state;
    static setting s;
    static const char *const twice[] = {"cat", "dog", "cat"};
    static const char *const same_start[] = {
        "cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat "
        "cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat dog",
        "dog",
        "cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat "
        "cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat cat "
        "cat"};
    char lines[1000] = "";
    igd_ranking *r = NULL;
    igd_cdir_options o = with_clip();
    set_up(&s);
    o.message = keep_lines;
    o.payload = lines;
    assert_ok(igd_ranking_cdir(&r, s.model, "penultimate", s.data, &o));
    assert_string_equal(lines, "");
    igd_ranking_free(r);

    o.concepts = twice;
    assert_ok(igd_ranking_cdir(&r, s.model, "penultimate", s.data, &o));
    assert_string_equal(lines,
                        "1 concept appears twice, so its classes get equal scores; the "
                        "first is 'cat', of classes 0 and 2\n");
    assert_memory_equal(igd_ranking_score(r, 0), igd_ranking_score(r, 2),
                        K * sizeof(float));
    assert_memory_not_equal(igd_ranking_score(r, 0), igd_ranking_score(r, 1),
                            K * sizeof(float));
    igd_ranking_free(r);

    lines[0] = '\0';
    o.concepts = same_start;
    assert_ok(igd_ranking_cdir(&r, s.model, "penultimate", s.data, &o));
    assert_non_null(strstr(lines, "2 texts are longer than CLIP's context of"));
    assert_non_null(strstr(lines, "the first is class 0's, 'cat cat"));
    igd_ranking_free(r);
    tear_down(&s);
}

static void test_cdir__embeddings_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static setting s;
    float image[N * D], text[C * D];
    char paths[2][512];
    set_up(&s);
    write_embeddings(image, text, paths);
    igd_cdir_options o = with_embeddings(paths);

    o.image_embeddings = write_floats("fewer.npy", image, N - 1, D);
    refused(&s, &o, IGD_EINVAL, "fewer.npy: has 39 rows, but there are 40 probe images");
    o.image_embeddings = write_floats("narrow.npy", image, N, D - 1);
    refused(&s, &o, IGD_EINVAL, "texts.npy: text embeddings have length 16");
    o.image_embeddings = write_floats("one.npy", image, 1, (int64_t)N * D);
    refused(&s, &o, IGD_EINVAL, "one.npy: has 1 rows");
    o.image_embeddings = paths[0];
    o.text_embeddings = write_floats("two.npy", text, 2, D);
    refused(&s, &o, IGD_EINVAL, "two.npy: has 2 rows, but the model has 3 classes");
    o.text_embeddings = paths[1];
    image[5 * D + 2] = NAN;
    o.image_embeddings = write_floats("nan.npy", image, N, D);
    refused(&s, &o, IGD_EFORMAT, "nan.npy: row 5 holds a number that is not finite");
    text[D] = INFINITY;
    o.image_embeddings = paths[0];
    o.text_embeddings = write_floats("inf.npy", text, C, D);
    refused(&s, &o, IGD_EFORMAT, "inf.npy: row 1 holds a number that is not finite");
    o.text_embeddings = fixture_path("nowhere.npy");
    refused(&s, &o, IGD_EIO, "nowhere.npy");
    o.text_embeddings = BPE;
    refused(&s, &o, IGD_EFORMAT, "clip_bpe.txt: ");
    tear_down(&s);
}

static int stop_at_similarity(const char *stage, double done, double total, void *payload)
{
    (void)done;
    (void)total;
    (void)payload;
    return strcmp(stage, "similarity") == 0;
}

static int stop_at_once(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    (void)done;
    (void)total;
    (void)payload;
    return 1;
}

static void test_cdir__a_callback_stops_it(void **state)
{
    (void)state;
    static setting s;
    igd_cdir_options o = with_clip();
    char folder[512];
    set_up(&s);
    snprintf(folder, sizeof(folder), "%s", fixture_path("stopped"));
    assert_int_equal(mkdir(folder, 0700), 0);
    o.cache = folder;
    o.progress = stop_at_once;
    refused(&s, &o, IGD_ECANCELED, "interrupted");
    assert_int_equal(rmdir(folder), 0); // nothing was left behind
    o.cache = NULL;
    o.progress = stop_at_similarity;
    refused(&s, &o, IGD_ECANCELED, "interrupted");
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_cdir__scores_are_similarities_at_the_mask_layer),
        TENSOR_TEST(test_cdir__positions_are_pooled),
        TENSOR_TEST(test_cdir__image_embeddings_are_cached),
        TENSOR_TEST(test_cdir__two_files_give_what_one_gives),
        TENSOR_TEST(test_cdir__settings_that_cannot_work_are_refused),
        TENSOR_TEST(test_cdir__equal_and_long_concepts_are_named),
        TENSOR_TEST(test_cdir__embeddings_that_do_not_fit_are_refused),
        TENSOR_TEST(test_cdir__a_callback_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
