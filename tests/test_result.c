// Results: the numbers that follow from flags, the two files, and joining parts.
#include "fixture.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "result/result_impl.h"

// A result of num images from `first`, two attacks and their ensemble. Flags by image
// modulo 5: wrong when clean; fooled by the first attack; by the second; by none; by
// none.
static igd_result *make(int64_t first, int64_t num, int seed, int num_draws)
{
    static const char rows[5][4] = {"f--", "rf-", "rrf", "rrr", "rrr"};
    igd_result *r = calloc(1, sizeof(*r));
    r->provenance = cJSON_CreateObject();
    cJSON_AddStringToObject(r->provenance, "command", "igdef eval");
    cJSON_AddItemToObject(r->provenance, "versions", cJSON_CreateObject());
    cJSON *model = cJSON_AddObjectToObject(r->provenance, "model");
    cJSON_AddStringToObject(model, "path", first == 0 ? "a.pt" : "b.pt");
    cJSON_AddStringToObject(model, "sha256", "00");
    cJSON *data = cJSON_AddObjectToObject(r->provenance, "data");
    cJSON_AddStringToObject(data, "path", "d");
    cJSON_AddStringToObject(data, "split", "test");
    cJSON_AddNumberToObject(data, "count", (double)num);
    cJSON_AddStringToObject(data, "sha256", "11");
    const char *const names[2] = {"cat", "dog"};
    cJSON_AddItemToObject(data, "classes", cJSON_CreateStringArray(names, 2));
    cJSON_AddNullToObject(r->provenance, "defense");
    cJSON *threat = cJSON_AddObjectToObject(r->provenance, "threat");
    cJSON_AddStringToObject(threat, "norm", "Linf");
    cJSON_AddNumberToObject(threat, "eps", 8.0 / 255.0);
    cJSON_AddNumberToObject(r->provenance, "seed", seed);
    cJSON_AddStringToObject(r->provenance, "device", "cpu");
    cJSON_AddNumberToObject(r->provenance, "threads", 2);
    cJSON *settings = cJSON_AddObjectToObject(r->provenance, "settings");
    cJSON_AddNumberToObject(settings, "draws", num_draws);

    assert_ok(igd_flags_init(&r->flags, num, 3, num_draws));
    for (int64_t i = 0; i < num; i++) {
        const char *row = rows[(first + i) % 5];
        r->flags.index[i] = first + i;
        r->flags.label[i] = (int32_t)(i % 2);
        r->flags.clean[i] = row[0] == 'f' ? 1 - (int32_t)(i % 2) : (int32_t)(i % 2);
        for (int c = 0; c < 3; c++) {
            igd_flags_column(&r->flags, c)[i] = row[c];
            if (r->flags.votes != NULL)
                r->flags.votes[c * num + i] =
                    (uint8_t)(row[c] == 'r' ? num_draws - 1 : 1);
        }
    }
    r->num_classes = 2;
    r->class_names = calloc(3, sizeof(char *));
    for (int c = 0; c < 2; c++)
        r->class_names[c] = strcpy(malloc(4), names[c]);
    r->num_entries = 3;
    r->entries = calloc(3, sizeof(*r->entries));
    r->entries[0] = (igd_entry){.name = "apgd-ce",
                                .ensemble = "autoattack",
                                .target = "base",
                                .white_box = true,
                                .columns = {1},
                                .num_columns = 1,
                                .counts = {1},
                                .num_counts = 1,
                                .cost = {.forwards = 100, .backwards = 50, .seconds = 2}};
    r->entries[1] = (igd_entry){.name = "square",
                                .ensemble = "autoattack",
                                .target = "base",
                                .cumulative = true,
                                .black_box = true,
                                .columns = {2},
                                .num_columns = 1,
                                .counts = {1, 2},
                                .num_counts = 2};
    r->entries[2] = (igd_entry){.name = "autoattack",
                                .target = "base",
                                .columns = {1, 2},
                                .num_columns = 2,
                                .counts = {1, 2},
                                .num_counts = 2};
    r->seconds = 3.0;
    return r;
}

static igd_result *made(int64_t first, int64_t num, int seed, int num_draws)
{
    igd_result *r = make(first, num, seed, num_draws);
    assert_ok(igd_result_finish(r));
    return r;
}

static void test_result__accuracies_follow_from_the_flags(void **state)
{
    (void)state;
    igd_result *r = made(0, 100, 0, 1);
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
    igd_result *r = made(0, 100, 0, 10);
    // Robust images have 9 of 10 draws right: by majority all stay, by any none does.
    assert_true(fabs(igd_result_attack(r, 1).majority_acc - 0.4) < 1e-12);
    assert_true(igd_result_attack(r, 1).any_acc == 0.0);
    assert_non_null(strstr(igd_result_text(r), "majority"));
    igd_result_free(r);
}

static void test_result__black_box_beating_gradients_is_warned_of(void **state)
{
    (void)state;
    igd_result *r = made(0, 100, 0, 1);
    assert_int_equal(igd_result_num_warnings(r), 1);
    assert_string_equal(igd_result_warning_id(r, 0), IGD_WARN_BLACK_BOX);
    igd_result_free(r);

    r = make(0, 100, 0, 1);
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
    igd_result *r = made(0, 10, 0, 1);
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
    igd_result *r = made(0, 5, 0, 1);
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
    igd_result *r = make(0, 5, 0, 1);
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
    igd_result *r = made(0, 5, 0, 1);
    assert_fails(igd_result_save(r, "/nonexistent/r.json"), IGD_EIO, "/nonexistent/r");
    igd_result_free(r);
}

static const char *saved(const char *name, int64_t first, int64_t num, int seed,
                         int num_draws)
{
    const char *path = fixture_path(name);
    igd_result *r = made(first, num, seed, num_draws);
    assert_ok(igd_result_save(r, path));
    igd_result_free(r);
    return path;
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
    const char *path = saved("kept.json", 0, 5, 0, 1);
    const char *lines = fixture_path("kept.images.jsonl");
    unsigned char *whole = NULL, *images = NULL;
    size_t size = 0, num = 0;
    int code = -1;
    assert_ok(igd_file_read(&whole, &size, path, 1 << 20));
    assert_ok(igd_file_read(&images, &num, lines, 1 << 20));
    assert_true(size > 2 * num);
    igd_result *other = made(5, 5, 1, 1);
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

// The parts, joined in any order, give the numbers of the whole.
static void check_join(int num_draws)
{
    const char *paths[3] = {saved("p1.json", 30, 50, 0, num_draws),
                            saved("p2.json", 0, 30, 0, num_draws),
                            saved("p3.json", 80, 20, 0, num_draws)};
    igd_result *whole = made(0, 100, 0, num_draws), *joined = NULL;
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
                            saved("p4.json", 100, 10, 0, num_draws)};
    assert_ok(igd_result_merge(&joined, again, 2));
    assert_int_equal(igd_result_num_images(joined), 110);
    igd_result_free(joined);
    igd_result_free(whole);
}

static void test_result__parts_join_to_the_whole(void **state)
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
    igd_result *r = make(first, 30, 0, 1);
    snprintf(text, sizeof(text),
             "{\"saturation\":{\"attack\":\"apgd-ce\",\"images\":20,\"newly_fooled\":%d},"
             "\"huge_radius\":{\"attack\":\"apgd-ce\",\"eps\":0.5,\"images\":20,"
             "\"robust\":%d},\"audit\":{\"percent\":10,\"attacked\":6,\"differences\":%d,"
             "\"attacks\":[{\"attack\":\"square\",\"images\":6,\"differences\":%d}]},"
             "\"saved\":{\"images\":30,\"outside_ball\":0,\"classified_correctly\":0}}",
             newly, robust, different, different);
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
static void test_result__checks_join(void **state)
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

    const char *unlike[2] = {loud[0], saved("u.json", 30, 30, 0, 1)};
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
    igd_result *r = make(p.first, p.num, 0, 1);
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

static void test_result__all_parts_are_asked_for(void **state)
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
    assert_refused("part of a divided run", a, b, saved("s8.json", 40, 20, 0, 1));
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

static void test_result__an_image_can_be_asked_for(void **state)
{
    (void)state;
    igd_result *r = made(10, 5, 0, 1);
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

static void test_result__other_runs_and_shared_images_do_not_join(void **state)
{
    (void)state;
    igd_result *joined = NULL;
    const char *a = saved("a.json", 0, 30, 0, 1);
    const char *other[2] = {a, saved("b.json", 30, 30, 1, 1)};
    assert_fails(igd_result_merge(&joined, other, 2), IGD_EINVAL,
                 "seed is 0 there, 1 here");
    const char *overlap[2] = {a, saved("c.json", 29, 30, 0, 1)};
    assert_fails(igd_result_merge(&joined, overlap, 2), IGD_EINVAL, "image 29");
    const char *missing[1] = {fixture_path("missing.json")};
    assert_fails(igd_result_merge(&joined, missing, 1), IGD_EIO, "missing.json");
    assert_null(joined);
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
    const char *path = saved("old.json", 0, 20, 0, 10);
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
    const char *path = saved("large.json", 0, 20, 0, 1);
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
    const char *path[1] = {saved("d.json", 0, 20, 0, 10)};
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
        cmocka_unit_test(test_result__parts_join_to_the_whole),
        cmocka_unit_test(test_result__checks_join),
        cmocka_unit_test(test_result__all_parts_are_asked_for),
        cmocka_unit_test(test_result__an_image_can_be_asked_for),
        cmocka_unit_test(test_result__other_runs_and_shared_images_do_not_join),
        cmocka_unit_test(test_result__what_is_said_twice_must_agree),
        cmocka_unit_test(test_result__memory_follows_the_lines_not_the_count),
        cmocka_unit_test(test_result__damaged_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
