// Results: the numbers that follow from flags, and the two files.
#include "result_fixture.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
static void test_result__accuracies_follow_from_the_flags(void **state)
{
    (void)state;
    igd_result *r = result_made(0, 100, 0, 1);
    assert_true(fabs(igd_result_clean_acc(r) - 0.8) < 1e-12);
    assert_true(fabs(igd_result_worst_acc(r) - 0.4) < 1e-12);
    assert_int_equal(igd_result_num_attacks(r), 3);
    const igd_attack_result first = igd_result_attack(r, 0),
                            second = igd_result_attack(r, 1);
    assert_true(fabs(first.robust_acc - 0.6) < 1e-12);
    assert_true(fabs(second.robust_acc - 0.4) < 1e-12);
    assert_int_equal(first.num_fooled, 20);
    assert_int_equal(second.num_fooled, 20);
    assert_int_equal(igd_result_attack(r, 2).num_fooled, 40);
    assert_int_equal(first.forwards, 100);
    igd_result_free(r);
}

static void test_result__votes_give_majority_and_any(void **state)
{
    (void)state;
    igd_result *r = result_made(0, 100, 0, 10);
    // Robust images have 9 of 10 draws right: by majority all stay, by any none does.
    assert_true(fabs(igd_result_attack(r, 1).majority_acc - 0.4) < 1e-12);
    assert_true(igd_result_attack(r, 1).any_acc == 0.0);
    assert_non_null(strstr(igd_result_text(r), "majority"));
    igd_result_free(r);
}

static void test_result__black_box_beating_gradients_is_warned_of(void **state)
{
    (void)state;
    igd_result *r = result_made(0, 100, 0, 1);
    assert_int_equal(igd_result_num_warnings(r), 1);
    assert_string_equal(igd_result_warning_id(r, 0), IGD_WARN_BLACK_BOX);
    igd_result_free(r);

    r = result_make(0, 100, 0, 1);
    r->entries[0].cost.zero_grads = 7;
    r->entries[0].cost.bad = 1;
    r->entries[1].cost.unverified = 1;
    r->entries[1].cost.outside = 1;
    assert_ok(igd_result_finish(r));
    assert_true(igd_warned(&r->warnings, IGD_WARN_ZERO_GRADIENTS));
    assert_true(igd_warned(&r->warnings, IGD_WARN_NOT_FINITE));
    assert_true(igd_warned(&r->warnings, IGD_WARN_UNVERIFIED));
    assert_true(igd_warned(&r->warnings, IGD_WARN_OUTSIDE));
    igd_result_free(r);
}

static void test_result__file_has_every_key_of_the_format(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "format",    "command",   "versions",  "model",    "data",      "defense",
        "threat",    "seed",      "device",    "threads",  "clean_acc", "attacks",
        "worst_acc", "per_class", "intervals", "warnings", "seconds"};
    igd_result *r = result_made(0, 10, 0, 1);
    const char *path = fixture_path("keys.json");
    cJSON *json = NULL;
    const cJSON *item;
    const char *text;
    double number;
    assert_ok(igd_result_save(r, path));
    assert_ok(igd_json_read(&json, path));
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        assert_ok(igd_json_get(&item, json, keys[k], path));
    assert_ok(igd_json_string(&text, json, "format", path));
    assert_string_equal(text, "igdef.result/1");
    assert_ok(igd_json_array(&item, json, "per_class", path));
    item = cJSON_GetArrayItem(item, 1);
    assert_ok(igd_json_string(&text, item, "class", path));
    assert_string_equal(text, "dog");
    assert_ok(igd_json_number(&number, item, "count", path));
    assert_true(number == 5);
    cJSON_Delete(json);
    igd_result_free(r);
}

static void test_result__images_have_a_line_each(void **state)
{
    (void)state;
    igd_result *r = result_made(0, 5, 0, 1);
    unsigned char *text = NULL;
    size_t size;
    assert_ok(igd_result_save(r, fixture_path("lines.json")));
    assert_ok(igd_file_read(&text, &size, fixture_path("lines.images.jsonl"), 1 << 20));
    assert_string_equal(
        (char *)text,
        "{\"index\":0,\"label\":0,\"clean\":1,\"robust\":false,\"fooled_by\":\"clean\","
        "\"flags\":\"f--\"}\n"
        "{\"index\":1,\"label\":1,\"clean\":1,\"robust\":false,\"fooled_by\":\"apgd-ce\","
        "\"flags\":\"rf-\"}\n"
        "{\"index\":2,\"label\":0,\"clean\":0,\"robust\":false,\"fooled_by\":\"square\","
        "\"flags\":\"rrf\"}\n"
        "{\"index\":3,\"label\":1,\"clean\":1,\"robust\":true,\"fooled_by\":null,"
        "\"flags\":\"rrr\"}\n"
        "{\"index\":4,\"label\":0,\"clean\":0,\"robust\":true,\"fooled_by\":null,"
        "\"flags\":\"rrr\"}\n");
    free(text);
    igd_result_free(r);
}

// Neither a line break nor anything else that a terminal obeys.
static void test_result__names_stay_in_their_line(void **state)
{
    (void)state;
    igd_result *r = result_make(0, 5, 0, 1);
    cJSON *data = cJSON_GetObjectItem(r->provenance, "data");
    cJSON_ReplaceItemInObject(data, "path", cJSON_CreateString("d\nWarnings\x1b[2J"));
    free(r->class_names[0]);
    r->class_names[0] = strcpy(malloc(8), "c\na\tt");
    assert_ok(igd_result_finish(r));
    assert_non_null(strstr(igd_result_text(r), "data      d\\nWarnings\\x1b[2J (test)"));
    assert_non_null(strstr(igd_result_text(r), "class c\\na\\tt ("));
    igd_result_free(r);
}

static void test_result__a_failed_save_leaves_nothing(void **state)
{
    (void)state;
    igd_result *r = result_made(0, 5, 0, 1);
    assert_fails(igd_result_save(r, "/nonexistent/r.json"), IGD_EIO, "/nonexistent/r");
    igd_result_free(r);
}

static void check_same(const char *path, const unsigned char *before, size_t size)
{
    unsigned char *now = NULL;
    size_t num = 0;
    assert_ok(igd_file_read(&now, &num, path, 1 << 20));
    assert_int_equal(num, size);
    assert_memory_equal(now, before, size);
    free(now);
}

// A disk that takes the lines, but not the result after them.
static void test_result__a_failed_save_keeps_what_was_there(void **state)
{
    (void)state;
    const char *path = result_saved("kept.json", 0, 5, 0, 1);
    const char *lines = fixture_path("kept.images.jsonl");
    unsigned char *whole = NULL, *images = NULL;
    size_t size = 0, num = 0;
    int code = -1;
    assert_ok(igd_file_read(&whole, &size, path, 1 << 20));
    assert_ok(igd_file_read(&images, &num, lines, 1 << 20));
    assert_true(size > 2 * num);
    igd_result *other = result_made(5, 5, 1, 1);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {size / 2, size / 2};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(igd_result_save(other, path) == IGD_EIO ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    check_same(path, whole, size);
    check_same(lines, images, num);
    igd_result_free(other);
    free(whole);
    free(images);
}

static void test_result__an_image_can_be_asked_for(void **state)
{
    (void)state;
    igd_result *r = result_made(10, 5, 0, 1);
    static const char *const by[5] = {"clean", "apgd-ce", "square", NULL, NULL};
    for (int64_t i = 0; i < 5; i++) {
        const igd_image_result image = igd_result_image(r, i);
        assert_int_equal(image.index, 10 + i);
        assert_int_equal(image.label, i % 2);
        assert_int_equal(image.prediction == image.label, i != 0);
        assert_int_equal(image.robust, by[i] == NULL);
        if (by[i] == NULL)
            assert_null(image.fooled_by);
        else
            assert_string_equal(image.fooled_by, by[i]);
    }
    igd_result_free(r);
}

static void replace_file(const char *path, const unsigned char *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

// Takes the digests off both files, as older versions wrote them.
static void make_old(const char *path)
{
    cJSON *json = NULL;
    assert_ok(igd_json_read(&json, path));
    cJSON_DeleteItemFromObject(json, "sha256");
    cJSON_DeleteItemFromObject(json, IGD_IMAGES_DIGEST);
    assert_ok(igd_json_write(json, path));
    cJSON_Delete(json);
}

// In every line of a text, replaces `from` by `to`, of the same length, once.
static bool replace_once(unsigned char *text, const char *from, const char *to)
{
    char *at = strstr((char *)text, from);
    if (at != NULL)
        memcpy(at, to, strlen(to));
    return at != NULL;
}

static void test_result__what_is_said_twice_must_agree(void **state)
{
    (void)state;
    const char *path = result_saved("old.json", 0, 20, 0, 10);
    const char *images = fixture_path("old.images.jsonl");
    static const char *const cases[][3] = {
        {"\"robust\":true,\"fooled_by\":null", "\"robust\":true,\"fooled_by\":\"x\" ",
         "'fooled_by'"},
        {"\"robust\":true ", "\"robust\":false", "'robust'"},
        {"\"flags\":\"r", "\"flags\":\"f", "'clean'"},
        {"\"flags\":\"rrr", "\"flags\":\"rfr", "'robust'"},
    };
    unsigned char *text = NULL, *json = NULL;
    size_t size, json_size;
    igd_result *r = NULL;

    make_old(path);
    assert_ok(igd_result_load(&r, path));
    assert_false(r->sealed);
    igd_result_free(r);
    assert_ok(igd_file_read(&text, &size, images, 1 << 20));
    int tried = 0;
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        unsigned char *copy = malloc(size + 1);
        memcpy(copy, text, size + 1);
        if (replace_once(copy, cases[k][0], cases[k][1])) {
            tried++;
            replace_file(images, copy, size);
            assert_fails(igd_result_load(&r, path), IGD_EFORMAT, cases[k][2]);
        }
        free(copy);
    }
    assert_true(tried >= 3);
    replace_file(images, text, size);
    // A number of the result that its lines do not give.
    assert_ok(igd_file_read(&json, &json_size, path, 1 << 20));
    assert_true(replace_once(json, "\"worst_acc\":\t0.", "\"worst_acc\":\t0.0"));
    replace_file(path, json, json_size);
    assert_fails(igd_result_load(&r, path), IGD_EFORMAT, "worst_acc");
    free(json);
    free(text);
}

// A file of 4 kB must not ask for gigabytes.
static void test_result__memory_follows_the_lines_not_the_count(void **state)
{
    (void)state;
    const char *path = result_saved("large.json", 0, 20, 0, 1);
    cJSON *json = NULL;
    int code = -1;
    make_old(path);
    assert_ok(igd_json_read(&json, path));
    cJSON_SetNumberValue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "data"), "count"),
                         2000000000);
    assert_ok(igd_json_write(json, path));
    cJSON_Delete(json);
    const pid_t child = fork();
    if (child == 0) {
        igd_result *r = NULL;
        fixture_limit_memory((size_t)1 << 31);
        const igd_status st = igd_result_load(&r, path);
        _exit(st == IGD_EFORMAT &&
                      strstr(igd_error_message(), "20 lines for 2000000000") != NULL
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
}

// Every changed byte of either file is noticed, and says in which.
static void test_result__damaged_lines_are_refused(void **state)
{
    (void)state;
    igd_result *joined = NULL;
    const char *path[1] = {result_saved("d.json", 0, 20, 0, 10)};
    const char *images = fixture_path("d.images.jsonl");
    char *whole = NULL;
    unsigned char *text = NULL;
    size_t size;
    assert_ok(igd_result_load(&joined, path[0]));
    whole = strdup(igd_result_json(joined));
    igd_result_free(joined);
    joined = NULL;
    assert_ok(igd_file_read(&text, &size, images, 1 << 20));
    for (size_t length = 0; length < size; length += 101) {
        replace_file(images, text, length);
        assert_fails(igd_result_merge(&joined, path, 1), IGD_EFORMAT, "d.images.jsonl");
    }
    for (size_t at = 0; at < size; at++) {
        text[at] ^= 1;
        replace_file(images, text, size);
        assert_fails(igd_result_load(&joined, path[0]), IGD_EFORMAT, "d.images.jsonl");
        text[at] ^= 1;
    }
    replace_file(images, text, size);
    free(text);
    assert_ok(igd_file_read(&text, &size, path[0], 1 << 20));
    for (size_t at = 0; at < size; at++) {
        const unsigned char old = text[at];
        text[at] ^= 1;
        replace_file(path[0], text, size);
        if (igd_result_load(&joined, path[0]) == IGD_OK) {
            assert_string_equal(igd_result_json(joined), whole); // a tab, or a last digit
            igd_result_free(joined);
        }
        text[at] = old;
    }
    free(whole);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result__accuracies_follow_from_the_flags),
        cmocka_unit_test(test_result__votes_give_majority_and_any),
        cmocka_unit_test(test_result__black_box_beating_gradients_is_warned_of),
        cmocka_unit_test(test_result__file_has_every_key_of_the_format),
        cmocka_unit_test(test_result__images_have_a_line_each),
        cmocka_unit_test(test_result__names_stay_in_their_line),
        cmocka_unit_test(test_result__a_failed_save_leaves_nothing),
        cmocka_unit_test(test_result__a_failed_save_keeps_what_was_there),
        cmocka_unit_test(test_result__an_image_can_be_asked_for),
        cmocka_unit_test(test_result__what_is_said_twice_must_agree),
        cmocka_unit_test(test_result__memory_follows_the_lines_not_the_count),
        cmocka_unit_test(test_result__damaged_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
