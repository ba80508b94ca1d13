// JSON: strict reading, typed getters.
#include "fixture.h"

#include "core/file.h"
#include "core/json.h"

static igd_status parse(cJSON **out, const char *text)
{
    return igd_json_parse(out, text, strlen(text), "x.json");
}

static void test_json__getters_give_values(void **state)
{
    (void)state;
    cJSON *json;
    const char *text;
    double number;
    int64_t integer;
    bool flag;
    const cJSON *item;
    assert_ok(parse(&json, " {\"s\": \"\\u00e4\", \"n\": 0.5, \"i\": -9007199254740992,\n"
                           "\"b\": true, \"a\": [1, 2], \"o\": {\"k\": null}} \n"));
    assert_ok(igd_json_string(&text, json, "s", "x.json"));
    assert_string_equal(text, "\xc3\xa4");
    assert_ok(igd_json_number(&number, json, "n", "x.json"));
    assert_true(number == 0.5);
    assert_ok(igd_json_integer(&integer, json, "i", "x.json"));
    assert_true(integer == -9007199254740992);
    assert_ok(igd_json_bool(&flag, json, "b", "x.json"));
    assert_true(flag);
    assert_ok(igd_json_array(&item, json, "a", "x.json"));
    assert_int_equal(cJSON_GetArraySize(item), 2);
    assert_ok(igd_json_object(&item, json, "o", "x.json"));
    assert_ok(igd_json_get(&item, item, "k", "x.json"));
    assert_true(cJSON_IsNull(item));
    cJSON_Delete(json);
}

static void test_json__getters_name_file_and_key(void **state)
{
    (void)state;
    cJSON *json;
    const char *text;
    double number;
    int64_t integer;
    bool flag;
    const cJSON *item;
    assert_ok(
        parse(&json, "{\"half\": 0.5, \"huge\": 1e300, \"inf\": 1e999, \"s\": \"\"}"));
    assert_fails(igd_json_string(&text, json, "S", "x.json"), IGD_EFORMAT,
                 "x.json: key \"S\" is missing");
    assert_fails(igd_json_string(&text, json, "half", "x.json"), IGD_EFORMAT,
                 "x.json: \"half\" is not a string");
    assert_null(text);
    assert_fails(igd_json_number(&number, json, "s", "x.json"), IGD_EFORMAT,
                 "\"s\" is not a finite number");
    assert_fails(igd_json_number(&number, json, "inf", "x.json"), IGD_EFORMAT,
                 "\"inf\" is not a finite number");
    assert_fails(igd_json_integer(&integer, json, "half", "x.json"), IGD_EFORMAT,
                 "\"half\" is not a whole number");
    assert_fails(igd_json_integer(&integer, json, "huge", "x.json"), IGD_EFORMAT,
                 "\"huge\" is not a whole number");
    assert_fails(igd_json_bool(&flag, json, "half", "x.json"), IGD_EFORMAT,
                 "\"half\" is not true or false");
    assert_fails(igd_json_array(&item, json, "s", "x.json"), IGD_EFORMAT,
                 "\"s\" is not an array");
    assert_fails(igd_json_object(&item, json, "s", "x.json"), IGD_EFORMAT,
                 "\"s\" is not an object");
    assert_fails(igd_json_get(&item, cJSON_GetObjectItem(json, "s"), "k", "x.json"),
                 IGD_EFORMAT, "x.json: not an object");
    cJSON_Delete(json);
}

static void test_json__refuses_what_is_not_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "x.json: line 1: not valid JSON"},
        {"{\n\"a\": }", "x.json: line 2: not valid JSON"},
        {"{} {}", "x.json: line 1: not valid JSON"},
        {"[1,]", "not valid JSON"},
        {"[1", "not valid JSON"},
        {"nul", "not valid JSON"},
        {"01", "not valid JSON"},
        {"1.", "not valid JSON"},
        {"1e", "not valid JSON"},
        {"\"\t\"", "not valid JSON"},
        {"\"\\x41\"", "not valid JSON"},
        {"\"\\u00g0\"", "not valid JSON"},
        {"\"\\u0000\"", "not valid JSON"},        // would end the string
        {"\"\\ud83d\"", "not valid JSON"},        // half of a surrogate pair
        {"\"\\ud83d\\u0041\"", "not valid JSON"}, // a half and a letter
        {"0.1234567890123456789012345678901234567890123456789012345678901234",
         "not valid JSON"}, // more than cJSON has room for
        {"{\"a\": 1, \"b\": 2, \"a\": 3}", "x.json: key \"a\" appears twice"},
        {"[{\"a\": {\"k\": 1, \"\\u006b\": 2}}]", "x.json: key \"k\" appears twice"},
        {"[\n\n\"\xff\"]", "x.json: line 3: not UTF-8"},
        {"\"\xc0\x80\"", "not UTF-8"},         // an overlong zero
        {"\"\xed\xa0\x80\"", "not UTF-8"},     // half of a surrogate pair
        {"\"\xf4\x90\x80\x80\"", "not UTF-8"}, // beyond Unicode
        {"\"\xe2\x82", "not UTF-8"},           // cut short
    };
    cJSON *json;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_fails(parse(&json, cases[i].text), IGD_EFORMAT, cases[i].message);
        assert_null(json);
    }
    assert_fails(igd_json_parse(&json, "[]\0x", 4, "x.json"), IGD_EFORMAT, "not UTF-8");
    char deep[5000];
    memset(deep, '[', sizeof(deep));
    assert_fails(igd_json_parse(&json, deep, sizeof(deep), "x.json"), IGD_EFORMAT,
                 "not valid JSON");
}

static void test_json__takes_what_is_strict(void **state)
{
    (void)state;
    static const char *const texts[] = {"\"\xf0\x9f\x98\x80\"",
                                        "\"\\ud83d\\ude00\"",
                                        "\xef\xbb\xbf[]",
                                        "[-0.5e+3, 0, 1E-2, true, false, null, [], {}]",
                                        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                        " \r\n\t1 "};
    cJSON *json;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_ok(parse(&json, texts[i]));
        cJSON_Delete(json);
    }
    char deep[2 * CJSON_NESTING_LIMIT];
    memset(deep, '[', sizeof(deep) / 2);
    memset(deep + sizeof(deep) / 2, ']', sizeof(deep) / 2);
    assert_ok(igd_json_parse(&json, deep, sizeof(deep), "x.json"));
    cJSON_Delete(json);
}

static void test_json__many_keys_take_no_quadratic_time(void **state)
{
    (void)state;
    const int num = 200000; // pairwise comparison would take minutes
    char *text = malloc((size_t)num * 16), *at = text;
    cJSON *json;
    for (int i = 0; i < num; i++)
        at += sprintf(at, "%c\"%d\":0", i == 0 ? '{' : ',', i);
    *at++ = '}';
    assert_ok(igd_json_parse(&json, text, (size_t)(at - text), "x.json"));
    cJSON_Delete(json);
    free(text);
}

static void test_json__text_is_utf8_whatever_strings_hold(void **state)
{
    (void)state;
    cJSON *o = cJSON_CreateObject(), *back = NULL;
    cJSON_AddStringToObject(o, "caf\xe9", "\xff/\xc3\xa9\xe2\x82.pt");
    char *text = igd_json_text(o, false);
    assert_string_equal(text, "{\"caf\\\\xe9\":\"\\\\xff/\xc3\xa9\\\\xe2\\\\x82.pt\"}");
    assert_ok(igd_json_parse(&back, text, strlen(text), "x"));
    assert_string_equal(back->child->valuestring, "\\xff/\xc3\xa9\\xe2\\x82.pt");
    cJSON_Delete(back);
    cJSON_Delete(o);
    free(text);
}

static void test_json__writes_what_it_reads(void **state)
{
    (void)state;
    const char *path = fixture_path("x.json");
    cJSON *json, *again;
    assert_ok(parse(&json, "{\"a\": [0.1, 1e-7, \"\\n\"], \"b\": {}}"));
    assert_ok(igd_json_write(json, path));
    assert_ok(igd_json_read(&again, path));
    assert_true(cJSON_Compare(json, again, true));
    cJSON_Delete(again);
    assert_fails(igd_json_write(json, fixture_path("no/x.json")), IGD_EIO, "no/x.json: ");
    cJSON_Delete(json);
    assert_fails(igd_json_read(&json, fixture_path("absent.json")), IGD_EIO,
                 "absent.json: No such file");
}

static void test_json__seeds_come_back_exactly(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {0, 7, (uint64_t)1 << 53, UINT64_MAX};
    static const char *const bad[] = {"{}",
                                      "{\"seed\":-1}",
                                      "{\"seed\":1.5}",
                                      "{\"seed\":1e300}",
                                      "{\"seed\":\"7x\"}",
                                      "{\"seed\":\"-7\"}",
                                      "{\"seed\":\"99999999999999999999\"}"};
    uint64_t seed;
    for (size_t k = 0; k < sizeof(seeds) / sizeof(seeds[0]); k++) {
        cJSON *o = cJSON_CreateObject();
        igd_json_add_seed(o, seeds[k]);
        assert_int_equal(igd_json_seed(&seed, o, "r.json"), IGD_OK);
        assert_true(seed == seeds[k]);
        cJSON_Delete(o);
    }
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
        cJSON *o = cJSON_Parse(bad[k]);
        assert_int_equal(igd_json_seed(&seed, o, "r.json"), IGD_EFORMAT);
        assert_string_equal(igd_error_message(), "r.json: 'seed' is no seed");
        cJSON_Delete(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__getters_give_values),
        cmocka_unit_test(test_json__getters_name_file_and_key),
        cmocka_unit_test(test_json__refuses_what_is_not_strict),
        cmocka_unit_test(test_json__takes_what_is_strict),
        cmocka_unit_test(test_json__many_keys_take_no_quadratic_time),
        cmocka_unit_test(test_json__text_is_utf8_whatever_strings_hold),
        cmocka_unit_test(test_json__writes_what_it_reads),
        cmocka_unit_test(test_json__seeds_come_back_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
