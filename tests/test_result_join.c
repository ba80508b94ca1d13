// Joining the results of parts of a run.
#include "result_fixture.h"

#include "core/file.h"
#include "core/json.h"

// The parts, joined in any order, give the numbers of the whole.
static void check_join(int num_draws)
{
    const char *paths[3] = {result_saved("p1.json", 30, 50, 0, num_draws),
                            result_saved("p2.json", 0, 30, 0, num_draws),
                            result_saved("p3.json", 80, 20, 0, num_draws)};
    igd_result *whole = result_made(0, 100, 0, num_draws), *joined = NULL;
    assert_ok(igd_result_merge(&joined, paths, 3));
    assert_int_equal(igd_result_num_images(joined), 100);
    assert_true(igd_result_clean_acc(joined) == igd_result_clean_acc(whole));
    assert_true(igd_result_worst_acc(joined) == igd_result_worst_acc(whole));
    for (int k = 0; k < 3; k++) {
        const igd_attack_result a = igd_result_attack(joined, k);
        const igd_attack_result b = igd_result_attack(whole, k);
        assert_string_equal(a.name, b.name);
        assert_true(a.robust_acc == b.robust_acc && a.any_acc == b.any_acc);
        assert_int_equal(a.num_fooled, b.num_fooled);
        assert_int_equal(a.forwards, 3 * b.forwards);
    }
    // A joined result can be joined again.
    assert_ok(igd_result_save(joined, fixture_path("p123.json")));
    igd_result_free(joined);
    const char *again[2] = {fixture_path("p123.json"),
                            result_saved("p4.json", 100, 10, 0, num_draws)};
    assert_ok(igd_result_merge(&joined, again, 2));
    assert_int_equal(igd_result_num_images(joined), 110);
    igd_result_free(joined);
    igd_result_free(whole);
}

static void test_result_join__parts_join_to_the_whole(void **state)
{
    (void)state;
    check_join(1);
    check_join(10);
}

// A part of a run whose checks counted so much; every `different` > 0 is one flag of the
// audit.
static const char *checked(const char *name, int64_t first, int robust, int newly,
                           int different)
{
    const char *path = fixture_path(name);
    char text[1024];
    igd_result *r = result_make(first, 30, 0, 1);
    snprintf(text, sizeof(text),
             "{\"saturation\":{\"attack\":\"apgd-ce\",\"images\":20,\"newly_fooled\":%d},"
             "\"huge_radius\":{\"attack\":\"apgd-ce\",\"eps\":0.5,\"images\":20,"
             "\"robust\":%d},\"audit\":{\"percent\":10,\"attacked\":6,\"differences\":%d,"
             "\"attacks\":[{\"attack\":\"square\",\"images\":6,\"differences\":%d}]},"
             "\"saved\":{\"images\":30,\"outside_ball\":0,\"classified_correctly\":0,"
             "\"sha256\":\"%s\"}}",
             newly, robust, different, different, name);
    r->checks = cJSON_Parse(text);
    assert_non_null(r->checks);
    assert_ok(igd_result_finish(r));
    assert_ok(igd_result_save(r, path));
    igd_result_free(r);
    return path;
}

static int count_of(const igd_result *r, const char *check, const char *key)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(r->checks, check);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    assert_true(cJSON_IsNumber(item));
    return item->valueint;
}

// What the parts' checks counted adds up, and warnings follow from the sums: neither one
// part's warning nor its silence is the whole's.
static void test_result_join__checks_join(void **state)
{
    (void)state;
    igd_result *joined = NULL;
    const char *quiet[2] = {checked("q1.json", 0, 15, 1, 0),
                            checked("q2.json", 30, 1, 0, 0)};
    assert_ok(igd_result_merge(&joined, quiet, 1));
    assert_true(igd_warned(&joined->warnings, IGD_WARN_HUGE_RADIUS)); // 15 of 20
    igd_result_free(joined);
    assert_ok(igd_result_merge(&joined, quiet, 2));
    assert_int_equal(count_of(joined, "huge_radius", "robust"), 16);
    assert_int_equal(count_of(joined, "huge_radius", "images"), 40);
    assert_int_equal(count_of(joined, "audit", "attacked"), 12);
    assert_int_equal(count_of(joined, "audit", "percent"), 10);
    // Each part saved images of its own.
    assert_string_equal(igd_string_of(igd_get(joined->checks, "saved"), "sha256"), "");
    // 16 of 40 is below one half.
    assert_false(igd_warned(&joined->warnings, IGD_WARN_HUGE_RADIUS));
    assert_false(igd_warned(&joined->warnings, IGD_WARN_NO_SATURATION));
    assert_false(igd_warned(&joined->warnings, IGD_WARN_AUDIT));
    assert_non_null(strstr(igd_result_text(joined), "12 flags found again"));
    igd_result_free(joined);

    const char *loud[2] = {checked("l1.json", 0, 0, 1, 1),
                           checked("l2.json", 30, 0, 1, 0)};
    assert_ok(igd_result_merge(&joined, loud, 2));
    assert_true(igd_warned(&joined->warnings, IGD_WARN_NO_SATURATION)); // 2 of 40
    assert_true(igd_warned(&joined->warnings, IGD_WARN_AUDIT));
    assert_non_null(strstr(igd_result_json(joined), "1 of 12 flags differ"));
    igd_result_free(joined);

    const char *unlike[2] = {loud[0], result_saved("u.json", 30, 30, 0, 1)};
    assert_fails(igd_result_merge(&joined, unlike, 2), IGD_EFORMAT, "'checks'");
    assert_null(joined);
}

typedef struct stated {
    int64_t index, of, first, whole, num;
    const char *device;
} stated;

// A result that says which part it is; its images begin at p.first.
static const char *part(const char *name, stated p)
{
    const char *path = fixture_path(name);
    igd_result *r = result_make(p.first, p.num, 0, 1);
    cJSON *data = cJSON_GetObjectItemCaseSensitive(r->provenance, "data");
    cJSON *o = cJSON_AddObjectToObject(data, "part");
    cJSON_AddNumberToObject(o, "index", (double)p.index);
    cJSON_AddNumberToObject(o, "of", (double)p.of);
    cJSON_AddNumberToObject(o, "first", (double)p.first);
    cJSON_AddNumberToObject(o, "whole", (double)p.whole);
    if (p.device != NULL)
        cJSON_ReplaceItemInObjectCaseSensitive(r->provenance, "device",
                                               cJSON_CreateString(p.device));
    assert_ok(igd_result_finish(r));
    assert_ok(igd_result_save(r, path));
    igd_result_free(r);
    return path;
}

static void test_result_join__all_parts_are_asked_for(void **state)
{
    (void)state;
    char *a = strdup(part("s0.json", (stated){0, 3, 0, 60, 10, NULL}));
    char *b = strdup(part("s1.json", (stated){1, 3, 10, 60, 30, NULL}));
    char *c = strdup(part("s2.json", (stated){2, 3, 40, 60, 20, NULL}));
    igd_result *joined = NULL, *again = NULL;
    assert_ok(igd_result_merge(&joined, (const char *const[]){a, b, c}, 3));
    assert_ok(igd_result_merge(&again, (const char *const[]){c, a, b}, 3));
    assert_int_equal(igd_result_num_images(joined), 60);
    assert_string_equal(igd_result_json(joined), igd_result_json(again));
    assert_null(strstr(igd_result_json(joined), "\"part\":"));
    igd_result_free(joined);
    igd_result_free(again);
#define assert_refused(text, ...)                                                        \
    assert_fails(                                                                        \
        igd_result_merge(&joined, (const char *const[]){__VA_ARGS__},                    \
                         (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))), \
        IGD_EINVAL, text)
    assert_refused("part 1 of 3 is missing", c, a);
    assert_refused("2 of 3 parts are missing: 0, 2", b);
    assert_refused("s0.json is already", a, b, c,
                   part("s3.json", (stated){0, 3, 0, 60, 10, NULL}));
    assert_refused("part 0 of 2", a, b, part("s4.json", (stated){0, 2, 0, 60, 30, NULL}));
    assert_refused("a part of 61 images", a, b,
                   part("s5.json", (stated){2, 3, 40, 61, 20, NULL}));
    assert_refused("begins at image 41", a, b,
                   part("s6.json", (stated){2, 3, 41, 60, 19, NULL}));
    assert_refused("ends at image 59 of 60", a, b,
                   part("s7.json", (stated){2, 3, 40, 60, 19, NULL}));
    assert_refused("part of a divided run", a, b, result_saved("s8.json", 40, 20, 0, 1));
    assert_refused("another kind of device", a, b,
                   part("s9.json", (stated){2, 3, 40, 60, 20, "cuda:1"}));
#undef assert_refused
    // What cannot be a part at all.
    const char *odd[1] = {part("odd.json", (stated){3, 3, 0, 60, 10, NULL})};
    assert_fails(igd_result_merge(&joined, odd, 1), IGD_EFORMAT, "part 3 of 3");
    odd[0] = part("odd.json", (stated){0, 1LL << 40, 0, 60, 10, NULL});
    assert_fails(igd_result_merge(&joined, odd, 1), IGD_EFORMAT, "of 60 images");
    odd[0] = part("odd.json", (stated){0, 3, 55, 60, 10, NULL});
    assert_fails(igd_result_merge(&joined, odd, 1), IGD_EFORMAT, "from image 55");
    // Cards of one kind may have any number.
    const char *cards[2] = {part("g0.json", (stated){0, 2, 0, 20, 10, "cuda:0"}),
                            part("g1.json", (stated){1, 2, 10, 20, 10, "cuda:3"})};
    assert_ok(igd_result_merge(&joined, cards, 2));
    igd_result_free(joined);
    free(a);
    free(b);
    free(c);
}

static void test_result_join__other_runs_and_shared_images_do_not_join(void **state)
{
    (void)state;
    igd_result *joined = NULL;
    const char *a = result_saved("a.json", 0, 30, 0, 1);
    const char *other[2] = {a, result_saved("b.json", 30, 30, 1, 1)};
    assert_fails(igd_result_merge(&joined, other, 2), IGD_EINVAL,
                 "seed is 0 there, 1 here");
    const char *overlap[2] = {a, result_saved("c.json", 29, 30, 0, 1)};
    assert_fails(igd_result_merge(&joined, overlap, 2), IGD_EINVAL, "image 29");
    const char *missing[1] = {fixture_path("missing.json")};
    assert_fails(igd_result_merge(&joined, missing, 1), IGD_EIO, "missing.json");
    assert_null(joined);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_join__parts_join_to_the_whole),
        cmocka_unit_test(test_result_join__checks_join),
        cmocka_unit_test(test_result_join__all_parts_are_asked_for),
        cmocka_unit_test(test_result_join__other_runs_and_shared_images_do_not_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
