// How far the parts of a divided run are, told from their states.
#include "fixture.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/json.h"
#include "igdef/parts.h"
#include "result/state.h"

#define N 10
#define COLUMNS 4 // clean, two attacks, one check

static void add_attack(cJSON *attacks, const char *name, bool check)
{
    cJSON *attack = cJSON_CreateObject();
    cJSON_AddStringToObject(attack, "name", name);
    if (check)
        cJSON_AddTrueToObject(attack, "check");
    cJSON_AddItemToArray(attacks, attack);
}

static cJSON *settings(int part, int seed)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "model", "0123");
    cJSON_AddItemToObject(o, "defense", cJSON_CreateNull());
    cJSON *p = cJSON_AddObjectToObject(o, "part");
    cJSON_AddNumberToObject(p, "index", part);
    cJSON_AddNumberToObject(p, "of", 4);
    cJSON_AddNumberToObject(p, "first", part * N);
    cJSON_AddNumberToObject(p, "whole", 4 * N);
    cJSON_AddNumberToObject(o, "seed", seed);
    cJSON *run = cJSON_AddObjectToObject(o, "settings");
    cJSON_AddNumberToObject(run, "draws", 1);
    cJSON *attacks = cJSON_AddArrayToObject(run, "attacks");
    add_attack(attacks, "apgd-ce", false);
    add_attack(attacks, "square", false);
    add_attack(attacks, "square+", true);
    return o;
}

typedef struct sample {
    const char *name;
    int part, seed;
    const char *letters; // N of each column
    double seconds[COLUMNS];
} sample;

static const char *write_state(const char *folder, const sample *s)
{
    char *name = igd_path_join(folder, s->name);
    const char *path = fixture_path(name);
    igd_state state;
    assert_ok(igd_state_init(&state, path, settings(s->part, s->seed), N, COLUMNS, 1));
    memcpy(state.flags.status, s->letters, (size_t)N * COLUMNS);
    for (int i = 0; i < N; i++)
        state.flags.clean[i] = s->letters[i] == IGD_TODO ? -1 : 0;
    for (int c = 0; c < COLUMNS; c++) {
        state.costs[c].seconds = s->seconds[c];
        state.seconds += s->seconds[c];
    }
    assert_ok(igd_state_save(&state));
    igd_state_free(&state);
    free(name);
    return path;
}

static const char *make_folder(const char *name)
{
    const char *path = fixture_path(name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

// Part 0 is done but for its check: 8 were attacked first, 4 next.
static const sample ahead = {"a.json.state",
                             0,
                             0,
                             "rrrrrrrrff"
                             "rrrrffff--"
                             "rrfr------"
                             "..--------",
                             {1.0, 16.0, 40.0, 0.0}};
// Part 2 has attacked 2 of the 9 that are right.
static const sample behind = {"b.json.state",
                              2,
                              0,
                              "rrrrrrrrrf"
                              "rf.......-"
                              ".........."
                              "..........",
                              {1.0, 6.0, 0.0, 0.0}};

static void test_parts__tell_what_is_done_and_left(void **state)
{
    (void)state;
    const char *folder = make_folder("told");
    write_state("told", &ahead);
    write_state("told", &behind);
    igd_parts *all = NULL;
    assert_ok(igd_parts_look(&all, folder));
    assert_int_equal(igd_parts_count(all), 4);

    const igd_part_progress a = igd_parts_get(all, 0);
    assert_int_equal(a.state, IGD_PART_STOPPED);
    assert_int_equal(a.num_images, N);
    assert_int_equal(a.num_done, N); // checks change no flag
    assert_int_equal(a.num_robust, 3);
    assert_true(a.seconds == 57.0);
    assert_string_equal(a.step, "square+");
    assert_true(isnan(a.seconds_left)); // no part has done the check

    const igd_part_progress b = igd_parts_get(all, 2);
    assert_int_equal(b.num_done, 2);
    assert_int_equal(b.num_known, N);
    assert_int_equal(b.num_robust, 8);
    assert_string_equal(b.step, "apgd-ce");
    assert_true(isnan(b.seconds_left));
    assert_int_equal(igd_parts_get(all, 1).state, IGD_PART_ABSENT);
    assert_int_equal(igd_parts_get(all, 1).index, 1);
    assert_int_equal(igd_parts_get(all, 4).index, -1);

    // apgd-ce: 7 images at (16 + 6) / (8 + 2) s. square: 4 of 10 images are attacked, at
    // 40 / 4 s each, so 4 of b's 10.
    const char *text = igd_parts_text(all);
    assert_non_null(strstr(text, "> 0:55")); // 15.4 + 40
    assert_non_null(strstr(text, "55.00 % of 20 images"));
    assert_non_null(strstr(text, "8 of them are still to be attacked"));
    assert_non_null(strstr(text, "what square+ takes is not known"));
    assert_non_null(strstr(text, "4 parts: 2 stopped, 2 not begun"));
    igd_parts_free(all);
}

static void test_parts__time_left_is_known_once_every_step_was_done(void **state)
{
    (void)state;
    const char *folder = make_folder("known");
    sample checked = ahead;
    checked.letters = "rrrrrrrrff"
                      "rrrrffff--"
                      "rrfr------"
                      "r.--------";
    checked.seconds[3] = 5.0;
    write_state("known", &checked);
    write_state("known", &behind);
    igd_parts *all = NULL;
    assert_ok(igd_parts_look(&all, folder));
    assert_true(fabs(igd_parts_get(all, 0).seconds_left - 5.0) < 1e-9);
    // No part is done with the check: every image that stands may come to it.
    assert_true(fabs(igd_parts_get(all, 2).seconds_left - 15.4 - 40.0 - 8 * 5.0) < 1e-9);
    igd_parts_free(all);
}

static void check_refused(const char *folder, const sample *s, const char *why)
{
    igd_parts *all = (igd_parts *)&folder;
    char *name = igd_path_join(folder, s->name);
    const char *path = write_state(folder, s);
    assert_fails(igd_parts_look(&all, fixture_path(folder)), IGD_EINVAL, why);
    assert_null(all);
    unlink(path);
    free(name);
}

static void test_parts__of_other_runs_are_refused(void **state)
{
    (void)state;
    (void)make_folder("mixed");
    write_state("mixed", &ahead);
    sample other = behind;
    other.seed = 1;
    check_refused("mixed", &other, "seed is 0 there, 1 here");
    other = behind;
    other.part = 0;
    check_refused("mixed", &other, "part 0 of 4, as");
    igd_parts *all = NULL;
    assert_fails(igd_parts_look(&all, make_folder("bare")), IGD_EINVAL,
                 "neither results nor states");
    assert_fails(igd_parts_look(&all, fixture_path("absent")), IGD_EIO, "absent");
    FILE *f = fopen(fixture_path("mixed/b.json.state"), "w");
    fputs("{\"format\":\"igdef.state/1\",\"sha256\":\"00\"}\n{}", f);
    fclose(f);
    assert_fails(igd_parts_look(&all, fixture_path("mixed")), IGD_EFORMAT,
                 "damaged state file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts__tell_what_is_done_and_left),
        cmocka_unit_test(test_parts__time_left_is_known_once_every_step_was_done),
        cmocka_unit_test(test_parts__of_other_runs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
