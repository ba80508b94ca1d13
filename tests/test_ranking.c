// Rankings: order, files, the random ranking, bad files.
#include "fixture.h"

#include <math.h>

#include "core/file.h"
#include "core/npy.h"
#include "core/safetensors.h"
#include "igdef/model.h"
#include "rank/ranking_impl.h"

static const int64_t shape[3] = {3, 8, 8};
static const char *const names[] = {"cat", "d\"og"};
static const float scores[] = {0.5f, 2.0f, 2.0f, -1.0f, //
                               3.0f, 0.0f, 4.0f, 4.0f};

static igd_ranking *make(void)
{
    igd_ranking *r = NULL;
    cJSON *options = cJSON_CreateObject();
    cJSON_AddStringToObject(options, "over", "class");
    assert_ok(
        igd_ranking_make(&r, "loir", "layer4", "ab12", 2, 4, scores, 10, names, options));
    return r;
}

static void test_ranking__ties_go_to_the_lower_neuron(void **state)
{
    (void)state;
    igd_ranking *r = make();
    const int32_t first[] = {1, 2, 0, 3}, second[] = {2, 3, 0, 1};
    assert_memory_equal(igd_ranking_order(r, 0), first, sizeof(first));
    assert_memory_equal(igd_ranking_order(r, 1), second, sizeof(second));
    igd_ranking_free(r);
}

static void test_ranking__non_finite_score_is_refused(void **state)
{
    (void)state;
    igd_ranking *r = NULL;
    const float bad[] = {0.0f, NAN};
    assert_fails(
        igd_ranking_make(&r, "loir", "l", "", 1, 2, bad, 1, NULL, cJSON_CreateObject()),
        IGD_EFORMAT, "neuron 1 for class 0 is not finite");
    assert_null(r);
}

static void test_ranking__saved_file_loads_as_it_was(void **state)
{
    (void)state;
    igd_ranking *r = make(), *back = NULL;
    const char *path = fixture_path("r.safetensors");
    assert_ok(igd_ranking_save(r, path));
    assert_ok(igd_ranking_load(&back, path));
    assert_string_equal(igd_ranking_method(back), "loir");
    assert_string_equal(igd_ranking_layer(back), "layer4");
    assert_string_equal(igd_ranking_model_sha256(back), "ab12");
    assert_string_equal(igd_ranking_class_name(back, 1), "d\"og");
    assert_int_equal(igd_ranking_num_images(back), 10);
    assert_int_equal(igd_ranking_num_classes(back), 2);
    assert_int_equal(igd_ranking_num_neurons(back), 4);
    assert_memory_equal(igd_ranking_score(back, 0), scores, sizeof(scores));
    assert_memory_equal(igd_ranking_order(back, 0), igd_ranking_order(r, 0),
                        8 * sizeof(int32_t));
    igd_ranking_free(back);
    igd_ranking_free(r);
}

// Every changed bit is noticed, or changes nothing that is read.
static void test_ranking__a_changed_bit_is_refused(void **state)
{
    (void)state;
    igd_ranking *r = make(), *back = NULL;
    const char *path = fixture_path("bits.safetensors");
    unsigned char *file = NULL;
    size_t size = 0;
    int refused = 0;
    assert_ok(igd_ranking_save(r, path));
    assert_ok(igd_ranking_load(&back, path));
    assert_true(igd_ranking_has_digest(back));
    igd_ranking_free(back);
    assert_ok(igd_file_read(&file, &size, path, 1 << 20));
    for (size_t at = 0; at < size; at++) {
        file[at] ^= 2;
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(file, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
        if (igd_ranking_load(&back, path) != IGD_OK) {
            refused++;
        } else if (igd_ranking_has_digest(back)) {
            assert_memory_equal(igd_ranking_score(back, 0), scores, sizeof(scores));
            assert_string_equal(igd_ranking_layer(back), "layer4");
        }
        igd_ranking_free(back);
        back = NULL;
        file[at] ^= 2;
    }
    assert_true(refused > (int)size * 9 / 10);
    free(file);
    igd_ranking_free(r);
}

static void test_ranking__overlap_counts_common_top_neurons(void **state)
{
    (void)state;
    igd_ranking *a = make(), *b = NULL, *small = NULL;
    const float other[] = {3.0f, 1.0f, 2.0f, 0.0f, //
                           0.0f, 1.0f, 2.0f, 3.0f};
    int n = -1;
    assert_ok(igd_ranking_make(&b, "loir", "l", "", 2, 4, other, 1, NULL,
                               cJSON_CreateObject()));
    assert_ok(igd_ranking_make(&small, "loir", "l", "", 2, 2, other, 1, NULL,
                               cJSON_CreateObject()));
    assert_ok(igd_ranking_overlap(&n, a, b, 0, 2)); // 1, 2 and 0, 2
    assert_int_equal(n, 1);
    assert_ok(igd_ranking_overlap(&n, a, b, 1, 2)); // 2, 3 and 3, 2
    assert_int_equal(n, 2);
    assert_ok(igd_ranking_overlap(&n, a, b, 0, 4));
    assert_int_equal(n, 4);
    assert_fails(igd_ranking_overlap(&n, a, b, 0, 5), IGD_EINVAL, "no 5 top neurons");
    assert_fails(igd_ranking_overlap(&n, a, small, 0, 1), IGD_EINVAL, "2 x 4 and 2 x 2");
    igd_ranking_free(small);
    igd_ranking_free(b);
    igd_ranking_free(a);
}

static cJSON *metadata(void)
{
    cJSON *m = cJSON_CreateObject();
    cJSON_AddStringToObject(m, "format", "igdef.ranking/1");
    cJSON_AddStringToObject(m, "method", "loir");
    cJSON_AddStringToObject(m, "layer", "l");
    cJSON_AddStringToObject(m, "model_sha256", "00");
    cJSON_AddStringToObject(m, "num_images", "10");
    cJSON_AddStringToObject(m, "classes", "[\"a\",\"b\"]");
    cJSON_AddStringToObject(m, "options", "{}");
    return m;
}

// A file of the right kind but for one entry of its metadata.
static void refused(const char *key, const char *value, const char *message)
{
    const igd_named_array score = {
        .name = "score", .num_dims = 2, .shape = {2, 4}, .data = scores};
    const char *path = fixture_path("bad.safetensors");
    igd_ranking *r = NULL;
    cJSON *m = metadata();
    cJSON_DeleteItemFromObject(m, key);
    if (value != NULL)
        cJSON_AddStringToObject(m, key, value);
    assert_ok(igd_safetensors_write(path, m, &score, 1));
    assert_fails(igd_ranking_load(&r, path), IGD_EFORMAT, message);
    assert_non_null(strstr(igd_error_message(), path));
    assert_null(r);
    cJSON_Delete(m);
}

static void test_ranking__bad_metadata_is_refused(void **state)
{
    (void)state;
    refused("format", NULL, "not a ranking");
    refused("format", "igdef.ranking/2", "format is 'igdef.ranking/2'");
    refused("layer", NULL, "layer");
    refused("num_images", "ten", "'num_images' is 'ten'");
    refused("classes", "[\"a\"]", "'classes' is not a list of 2 names");
    refused("classes", "[\"a\",7]", "class 1 has a name that is no text");
    refused("options", "{", "options");
}

static void test_ranking__missing_and_foreign_files_are_refused(void **state)
{
    (void)state;
    igd_ranking *r = NULL;
    assert_fails(igd_ranking_load(&r, fixture_path("none")), IGD_EIO, "none");
    assert_ok(igd_file_write(fixture_path("text"), "hello, this is text", 19));
    assert_fails(igd_ranking_load(&r, fixture_path("text")), IGD_EFORMAT, "text");
}

static void test_ranking__units_go_there_and_back(void **state)
{
    (void)state;
    igd_model *m = NULL;
    igd_ranking *r = NULL, *back = NULL;
    char folder[512], path[600];
    snprintf(folder, sizeof(folder), "%s", fixture_path("units"));
    assert_ok(igd_model_load(&m, fixture_convnet("net.pt", 3, 4, 2), shape, NULL));
    r = make();
    assert_ok(igd_ranking_to_units(r, folder));
    assert_ok(igd_ranking_from_units(&back, folder, m, "penultimate", "cdir"));
    assert_memory_equal(igd_ranking_score(back, 0), scores, sizeof(scores));
    assert_string_equal(igd_ranking_model_sha256(back), igd_model_sha256(m));
    assert_string_equal(igd_ranking_method(back), "cdir");
    igd_ranking_free(back);

    snprintf(path, sizeof(path), "%s/unit4.npy", folder);
    assert_ok(igd_npy_write(path, IGD_NPY_F32, (const int64_t[]){2}, 1, scores));
    assert_fails(igd_ranking_from_units(&back, folder, m, "penultimate", "cdir"),
                 IGD_EFORMAT, "has 4 neurons");
    assert_int_equal(remove(path), 0);
    snprintf(path, sizeof(path), "%s/unit2.npy", folder);
    assert_ok(igd_npy_write(path, IGD_NPY_F32, (const int64_t[]){3}, 1, scores));
    assert_fails(igd_ranking_from_units(&back, folder, m, "penultimate", "cdir"),
                 IGD_EFORMAT, "unit2.npy: has 3 numbers");
    assert_int_equal(remove(path), 0);
    assert_fails(igd_ranking_from_units(&back, folder, m, "penultimate", "cdir"), IGD_EIO,
                 "unit2.npy");
    igd_ranking_free(r);
    igd_model_free(m);
}

static void test_ranking__random_is_seeded_and_differs_per_class(void **state)
{
    (void)state;
    igd_model *m = NULL;
    igd_ranking *a = NULL, *b = NULL, *other = NULL;
    assert_ok(igd_model_load(&m, fixture_convnet("wide.pt", 3, 64, 3), shape, NULL));
    assert_ok(igd_ranking_random(&a, m, "penultimate", NULL, 5));
    assert_ok(igd_ranking_random(&b, m, "penultimate", NULL, 5));
    assert_ok(igd_ranking_random(&other, m, "penultimate", NULL, 6));
    const size_t row = 64 * sizeof(int32_t);
    for (int c = 0; c < 3; c++) {
        bool seen[64] = {false};
        for (int i = 0; i < 64; i++)
            seen[igd_ranking_order(a, c)[i]] = true;
        for (int i = 0; i < 64; i++)
            assert_true(seen[i]);
    }
    assert_memory_equal(igd_ranking_order(a, 0), igd_ranking_order(b, 0), 3 * row);
    assert_memory_not_equal(igd_ranking_order(a, 0), igd_ranking_order(a, 1), row);
    assert_memory_not_equal(igd_ranking_order(a, 0), igd_ranking_order(other, 0), row);
    igd_ranking_free(a);
    igd_ranking_free(b);
    igd_ranking_free(other);
    igd_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_ranking__ties_go_to_the_lower_neuron),
        TENSOR_TEST(test_ranking__non_finite_score_is_refused),
        TENSOR_TEST(test_ranking__saved_file_loads_as_it_was),
        TENSOR_TEST(test_ranking__a_changed_bit_is_refused),
        TENSOR_TEST(test_ranking__overlap_counts_common_top_neurons),
        TENSOR_TEST(test_ranking__bad_metadata_is_refused),
        TENSOR_TEST(test_ranking__missing_and_foreign_files_are_refused),
        TENSOR_TEST(test_ranking__units_go_there_and_back),
        TENSOR_TEST(test_ranking__random_is_seeded_and_differs_per_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
