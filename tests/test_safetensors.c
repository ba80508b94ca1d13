// Safetensors: what is written comes back, and what is damaged is refused.
#include "fixture.h"

#include "core/file.h"
#include "core/safetensors.h"

static const float score[6] = {1, 2, 3, 4, 5, -6.5f};
static const float scalar[1] = {7};

static const igd_named_array arrays[] = {
    {.name = "score", .num_dims = 2, .shape = {2, 3}, .data = score},
    {.name = "none", .num_dims = 2, .shape = {0, 3}, .data = score},
    {.name = "scalar", .num_dims = 0, .data = scalar},
};

static void test_safetensors__reads_what_it_writes(void **state)
{
    (void)state;
    const char *path = fixture_path("r.safetensors");
    igd_safetensors *f;
    cJSON *metadata = cJSON_CreateObject();
    cJSON_AddStringToObject(metadata, "classes", "[\"a\", \"\xc3\xa4\"]");
    assert_ok(igd_safetensors_write(path, metadata, arrays, 3));
    assert_ok(igd_safetensors_read(&f, path));
    assert_int_equal(igd_safetensors_count(f), 3);
    assert_true(cJSON_Compare(igd_safetensors_metadata(f), metadata, true));
    for (int i = 0; i < 3; i++) {
        const igd_named_array *a = igd_safetensors_find(f, arrays[i].name);
        assert_non_null(a);
        assert_int_equal(a->num_dims, arrays[i].num_dims);
        assert_memory_equal(a->shape, arrays[i].shape, sizeof(a->shape));
        assert_memory_equal(a->data, arrays[i].data, (size_t)a->size * sizeof(float));
    }
    assert_int_equal(igd_safetensors_find(f, "score")->size, 6);
    assert_string_equal(igd_safetensors_at(f, 0)->name, "score");
    assert_null(igd_safetensors_find(f, "Score"));
    igd_safetensors_free(f);
    cJSON_Delete(metadata);

    unsigned char *bytes;
    size_t size;
    assert_ok(igd_file_read(&bytes, &size, path, 10000));
    assert_int_equal((bytes[0] + (size_t)bytes[1] * 256) % 8, 0);
    for (size_t cut = 0; cut < size; cut++) { // no prefix of a file is a file
        assert_int_equal(igd_safetensors_parse(&f, bytes, cut, path), IGD_EFORMAT);
        assert_null(f);
    }
    free(bytes);
}

static void test_safetensors__metadata_may_be_absent(void **state)
{
    (void)state;
    const char *path = fixture_path("bare.safetensors");
    igd_safetensors *f;
    assert_ok(igd_safetensors_write(path, NULL, arrays, 1));
    assert_ok(igd_safetensors_read(&f, path));
    assert_null(igd_safetensors_metadata(f));
    igd_safetensors_free(f);
    assert_fails(igd_safetensors_read(&f, fixture_path("absent")), IGD_EIO, "absent: No");
    cJSON *number = cJSON_CreateObject();
    cJSON_AddNumberToObject(number, "n", 1);
    assert_fails(igd_safetensors_write(path, number, arrays, 1), IGD_EFORMAT,
                 "metadata \"n\" is not a string");
    cJSON_Delete(number);
}

static void test_safetensors__refuses_damaged_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header, *message;
    } cases[] = {
        // All with eight bytes of data.
        {"[]", "not a safetensors file"},
        {"{", "not valid JSON"},
        {"{}", "8 bytes of data where its header says 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "key \"a\" appears twice"},
        {"{\"a\":1}", "not an object"},
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}",
         "\"a\" is F16, not F32"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "key \"dtype\" is missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "\"shape\" is missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "\"data_offsets\" is missing"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
         "bad shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,8]}}",
         "bad shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}",
         "bad shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
         "\"data_offsets\":[0,8]}}",
         "bad shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],"
         "\"data_offsets\":[0,8]}}",
         "more than 8 axes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
         "bad offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "bad offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,1e99]}}",
         "bad offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}",
         "8 bytes where its shape needs 4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
         "8 bytes of data where its header says 16"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "\"a\" starts at byte 4 instead of 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "\"b\" starts at byte 4 instead of 8"},
        {"{\"__metadata__\":[],\"a\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[0,8]}}",
         "\"__metadata__\" is not an object"},
        {"{\"__metadata__\":{\"k\":1},\"a\":{\"dtype\":\"F32\",\"shape\":[2],"
         "\"data_offsets\":[0,8]}}",
         "metadata \"k\" is not a string"},
    };
    unsigned char bytes[512];
    igd_safetensors *f;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint64_t length = strlen(cases[i].header);
        memcpy(bytes, &length, 8);
        memcpy(bytes + 8, cases[i].header, length);
        memset(bytes + 8 + length, 0, 8);
        assert_fails(igd_safetensors_parse(&f, bytes, 16 + length, "r.safetensors"),
                     IGD_EFORMAT, cases[i].message);
        assert_null(f);
        assert_non_null(strstr(igd_error_message(), "r.safetensors: "));
    }
    memset(bytes, 0xff, 8);
    assert_fails(igd_safetensors_parse(&f, bytes, sizeof(bytes), "r.safetensors"),
                 IGD_EFORMAT, "truncated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors__reads_what_it_writes),
        cmocka_unit_test(test_safetensors__metadata_may_be_absent),
        cmocka_unit_test(test_safetensors__refuses_damaged_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
