// Memory that runs out while JSON is built or read: the nth allocation fails, for every
// n, whether cJSON's or the library's own, and what comes of it is a failure that says
// so, or the whole.
#define N 6
#include "evaluate_fixture.h"

#include <cjson/cJSON.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "core/json_build.h"
#include "faults.h"
#include "igdef.h"

#define CJSON NUM_KINDS // beside the kinds of faults.h

static int left; // allocations of cJSON until the one that fails; negative for none
static bool failed;

static void *scarce(size_t size)
{
    if (left >= 0 && left-- == 0) {
        failed = true;
        return NULL;
    }
    return __real_malloc(size);
}

// From here on, allocation n of a kind fails, counted from 0.
static void begin(kind k, int n)
{
    cJSON_Hooks hooks = {.malloc_fn = scarce, .free_fn = free};
    left = k == CJSON ? n : -1;
    failed = false;
    cJSON_InitHooks(&hooks);
    faulty = k;
    faulty_call = n + 1;
    if (k != CJSON)
        calls[k] = 0;
}

static void end(void)
{
    failed = failed || (faulty != CJSON && calls[faulty] >= faulty_call);
    faulty = NUM_KINDS;
    left = -1;
    cJSON_InitHooks(NULL);
}

// @return whether the allocation was made
static bool fails_or_is_whole(igd_status (*make)(char **text), const char *expected,
                              kind k, int n, int *failures)
{
    static const char *const names[] = {[MALLOC] = "malloc",
                                        [CALLOC] = "calloc",
                                        [REALLOC] = "realloc",
                                        [STRDUP] = "strdup",
                                        [OPEN_MEMSTREAM] = "open_memstream",
                                        [CJSON] = "cJSON"};
    char *text = NULL;
    begin(k, n);
    const igd_status st = make(&text);
    const bool made = failed;
    if (st == IGD_OK && strcmp(text, expected) != 0)
        fail_msg("%s %d failed, and the result is another:\n%s", names[k], n, text);
    if (st != IGD_OK && st != IGD_ENOMEM)
        fail_msg("%s %d failed, which is told as: %s", names[k], n, igd_error_message());
    if (st == IGD_OK)
        free(text);
    *failures += st != IGD_OK;
    return made;
}

// Runs `make`, whose text is owned and does not depend on the time, as often as it has
// allocations, each failing once. `make` calls end() where its own text begins.
static void assert_whole_or_failed(igd_status (*make)(char **text))
{
    static const kind kinds[] = {CJSON, MALLOC, CALLOC, REALLOC, STRDUP, OPEN_MEMSTREAM};
    char *expected = NULL;
    int failures = 0, num = 0;
    assert_ok(make(&expected));
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (int n = 0; fails_or_is_whole(make, expected, kinds[k], n, &failures); n++)
            num++;
    print_message("%d allocations, %d failures\n", num, failures);
    assert_true(failures > 10);
    free(expected);
}

// Without what differs from run to run, and the size of the batches, which are halved
// where there is no memory for them.
static char *timeless(const char *text)
{
    cJSON *json = cJSON_Parse(text);
    cJSON_DeleteItemFromObject(json, "seconds");
    cJSON_DeleteItemFromObject(json, "sha256");
    cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "attacks"))
    {
        cJSON_DeleteItemFromObject(item, "seconds");
    }
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(json, "checks"), "cost");
    char *printed = cJSON_Print(json);
    assert_non_null(printed);
    cJSON_Delete(json);
    return printed;
}

static const char *state_path;

// A batch without memory is halved, and costs more then: here it cannot be.
static igd_status evaluated(char **text)
{
    igd_evaluate_options o = options("pgd,square");
    o.set = "pgd.steps=1,square.queries=2";
    o.batch_size = 1;
    o.state = state_path;
    igd_result *r = NULL;
    const igd_status st = igd_evaluate_views(&r, &world.undefended, world.data, &o);
    end();
    *text = st == IGD_OK ? timeless(igd_result_json(r)) : NULL;
    igd_result_free(r);
    return st;
}

static void test_json_memory__of_results(void **state)
{
    (void)state;
    assert_whole_or_failed(evaluated);
}

static int stop_at_third(const char *stage, double done, double total, void *payload)
{
    (void)stage;
    (void)done;
    (void)total;
    return ++*(int *)payload >= 3;
}

// Is interrupted, then goes on with memory: what was saved must be of use.
static igd_status interrupted(char **text)
{
    int asked = 0;
    igd_evaluate_options o = options("pgd,square");
    o.set = "pgd.steps=1,square.queries=2";
    o.batch_size = 2;
    o.state = state_path;
    o.progress = stop_at_third;
    o.payload = &asked;
    igd_result *r = NULL;
    (void)unlink(state_path);
    const igd_status st = igd_evaluate_views(&r, &world.undefended, world.data, &o);
    end();
    assert_null(r);
    if (st != IGD_ECANCELED && st != IGD_ENOMEM)
        return st;
    return evaluated(text);
}

static void test_json_memory__of_states(void **state)
{
    (void)state;
    state_path = fixture_path("json_memory.state");
    int failures = 0;
    char *expected = NULL, *text = NULL;
    assert_ok(evaluated(&expected));
    for (int n = 0;; n++) {
        begin(CJSON, n);
        assert_ok(interrupted(&text));
        failures += failed;
        assert_string_equal(text, expected);
        free(text);
        if (!failed)
            break;
    }
    assert_true(failures > 10);
    free(expected);
    (void)unlink(state_path);
    state_path = NULL;
}

static igd_status resumed(char **text)
{
    igd_evaluate_options o = options("pgd");
    o.set = "pgd.steps=1";
    o.finished = fixture_path("json_memory.json");
    igd_result *r = NULL;
    const igd_status st = igd_evaluate_views(&r, &world.undefended, world.data, &o);
    end();
    *text = st == IGD_OK ? timeless(igd_result_json(r)) : NULL;
    igd_result_free(r);
    return st;
}

static void save_result(const char *name, const igd_views *who)
{
    igd_evaluate_options o = options("pgd");
    o.set = "pgd.steps=1";
    igd_result *r = evaluate(who, &o);
    assert_ok(igd_result_save(r, fixture_path(name)));
    igd_result_free(r);
}

static void test_json_memory__of_a_finished_run(void **state)
{
    (void)state;
    save_result("json_memory.json", &world.undefended);
    assert_whole_or_failed(resumed);
}

// Two results, which are compared.
static char paths[2][256];

static igd_status summed_up(char **text)
{
    const char *const both[2] = {paths[0], paths[1]};
    const igd_status st = igd_report_summary(text, both, 2, true);
    end();
    return st;
}

static igd_status reported(char **text)
{
    const char *const both[2] = {paths[0], paths[1]};
    const char *page = fixture_path("json_memory.html");
    const igd_status st = igd_report_write(both, 2, page);
    end();
    unsigned char *bytes = NULL;
    size_t size = 0;
    *text = NULL;
    if (st == IGD_OK) {
        assert_ok(igd_file_read(&bytes, &size, page, (size_t)1 << 24));
        *text = (char *)bytes;
    }
    return st;
}

static void test_json_memory__of_reports(void **state)
{
    (void)state;
    cJSON *defense = cJSON_CreateObject();
    cJSON_AddStringToObject(defense, "kind", "caaa");
    igd_views defended = world.views;
    defended.defense = defense;
    save_result("json_memory.json", &world.undefended);
    save_result("json_memory_defended.json", &defended);
    cJSON_Delete(defense);
    snprintf(paths[0], sizeof(paths[0]), "%s", fixture_path("json_memory.json"));
    snprintf(paths[1], sizeof(paths[1]), "%s", fixture_path("json_memory_defended.json"));
    assert_whole_or_failed(summed_up);
    assert_whole_or_failed(reported);
}

// The parts of a run, in a folder of their own.
static char parts_folder[256];

static igd_status merged(char **text)
{
    const char *const both[2] = {paths[0], paths[1]};
    igd_result *r = NULL;
    const igd_status st = igd_result_merge(&r, both, 2);
    end();
    *text = st == IGD_OK ? timeless(igd_result_json(r)) : NULL;
    igd_result_free(r);
    return st;
}

static igd_status looked_at(char **text)
{
    igd_parts *all = NULL;
    const igd_status st = igd_parts_look(&all, parts_folder);
    end();
    *text = st == IGD_OK ? strdup(igd_parts_json(all)) : NULL;
    igd_parts_free(all);
    return st;
}

static void test_json_memory__of_parts(void **state)
{
    (void)state;
    const int64_t shape[3] = {1, 1, D};
    igd_evaluate_options o = options("pgd");
    o.set = "pgd.steps=1";
    snprintf(parts_folder, sizeof(parts_folder), "%s", fixture_path("json_memory_parts"));
    (void)mkdir(parts_folder, 0777);
    for (int k = 0; k < 2; k++) {
        igd_dataset *part = NULL;
        igd_result *r = NULL;
        assert_ok(igd_dataset_from_floats(&part, world.x, world.label, N, shape, C));
        assert_ok(igd_dataset_take_part(part, k, 2, NULL));
        assert_ok(igd_evaluate_views(&r, &world.undefended, part, &o));
        snprintf(paths[k], sizeof(paths[k]), "%.200s/p%d.json", parts_folder, k);
        assert_ok(igd_result_save(r, paths[k]));
        igd_result_free(r);
        igd_dataset_free(part);
    }
    assert_whole_or_failed(merged);
    assert_whole_or_failed(looked_at);
}

static char model_path[256], ranking_path[256];

static igd_status ranked_and_defended(char **text)
{
    const int64_t shape[3] = {1, 1, 3};
    igd_model *m = NULL;
    igd_ranking *r = NULL, *back = NULL;
    igd_defense *d = NULL;
    igd_defense_options o = igd_defense_options_default();
    igd_status st = IGD_OK;
    o.keep = 2;
    if ((st = igd_model_load(&m, model_path, shape, NULL)) == IGD_OK &&
        (st = igd_ranking_random(&r, m, "penultimate", NULL, 1)) == IGD_OK &&
        (st = igd_ranking_save(r, ranking_path)) == IGD_OK &&
        (st = igd_ranking_load(&back, ranking_path)) == IGD_OK)
        st = igd_defense_new(&d, m, back, &o);
    end();
    *text = st == IGD_OK ? strdup(igd_defense_description(d)) : NULL;
    igd_defense_free(d);
    igd_ranking_free(back);
    igd_ranking_free(r);
    igd_model_free(m);
    return st;
}

static void test_json_memory__of_rankings_and_defenses(void **state)
{
    (void)state;
    static const float weight[2 * 3] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}, bias[2];
    snprintf(model_path, sizeof(model_path), "%s",
             fixture_linear("json_memory.pt", weight, bias, 2, 3));
    snprintf(ranking_path, sizeof(ranking_path), "%s",
             fixture_path("json_memory.safetensors"));
    assert_whole_or_failed(ranked_and_defended);
}

// What could not be added is missed, wherever it was; what there is not is not.
static void test_json_memory__a_lack_is_seen(void **state)
{
    (void)state;
    cJSON *o = cJSON_CreateObject();
    assert_true(igd_json_add_string(o, "none", NULL));
    assert_true(igd_json_add_copy(o, "none", NULL));
    assert_true(igd_json_whole(o));
    assert_int_equal(cJSON_GetArraySize(o), 0);
    cJSON *list = igd_json_add_array(igd_json_add_object(o, "inner"), "list");
    begin(CJSON, 0);
    assert_false(igd_json_append(list, cJSON_CreateNumber(1.0)));
    end();
    assert_false(igd_json_whole(o));
    assert_null(igd_json_text(o, false));
    cJSON *copy = cJSON_Duplicate(o, true);
    assert_false(igd_json_whole(copy));
    cJSON_Delete(copy);
    cJSON_Delete(o);
    assert_false(igd_json_whole(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_json_memory__of_results),
        TENSOR_TEST(test_json_memory__of_states),
        TENSOR_TEST(test_json_memory__of_a_finished_run),
        TENSOR_TEST(test_json_memory__of_reports),
        TENSOR_TEST(test_json_memory__of_parts),
        TENSOR_TEST(test_json_memory__of_rankings_and_defenses),
        TENSOR_TEST(test_json_memory__a_lack_is_seen),
    };
    world_make();
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    igd_dataset_free(world.data);
    return failures;
}
