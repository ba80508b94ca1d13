// Locks of processes on a file system without any: who runs is seen nevertheless.
#include "lock_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "without_locks.h"

static void write_text(const char *path, const char *text)
{
    assert_ok(igd_file_write(path, text, strlen(text)));
}

static void test_claimed_lock__shows_who_runs_until_the_end(void **state)
{
    (void)state;
    const char *of = fixture_path("run.state"), *file = fixture_path("run.state.lock");
    char who[200], expected[64];
    igd_lock *l = NULL, *second = NULL;
    bool known = true;
    assert_false(igd_lock_held(who, sizeof(who), of));
    assert_ok(igd_lock_take(&l, &known, of));
    assert_false(known);
    snprintf(expected, sizeof(expected), "process %ld on ", (long)getpid());
    assert_true(igd_lock_held(who, sizeof(who), of));
    assert_memory_equal(who, expected, strlen(expected));
    // A second one is not kept out, and leaves the first one's.
    assert_ok(igd_lock_take(&second, &known, of));
    igd_lock_touch(second);
    igd_lock_free(second);
    assert_true(igd_lock_held(who, sizeof(who), of));
    igd_lock_touch(l);
    igd_lock_free(l);
    assert_false(igd_lock_held(who, sizeof(who), of));
    assert_false(igd_path_exists(file));
}

static void test_claimed_lock__of_a_killed_process_is_nobodys(void **state)
{
    (void)state;
    const char *of = fixture_path("killed"), *file = fixture_path("killed.lock");
    char who[200];
    igd_lock *l = NULL;
    bool known;
    take_and_die(of);
    assert_true(igd_path_exists(file));
    assert_false(igd_lock_held(who, sizeof(who), of));
    assert_ok(igd_lock_take(&l, &known, of));
    assert_true(igd_lock_held(who, sizeof(who), of));
    igd_lock_free(l);
    assert_false(igd_path_exists(file));
}

// A host that is silent for minutes is given up; one that is not, is not.
static void test_claimed_lock__of_another_host_is_its_own_while_it_speaks(void **state)
{
    (void)state;
    static const struct timespec long_ago[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    const char *of = fixture_path("away"), *file = fixture_path("away.lock");
    char who[200];
    igd_lock *l = NULL;
    bool known;
    write_text(file, "process 7 on elsewhere since 12\n");
    assert_true(igd_lock_held(who, sizeof(who), of));
    assert_string_equal(who, "process 7 on elsewhere");
    assert_ok(igd_lock_take(&l, &known, of)); // it may be dead, and this its successor
    igd_lock_free(l);
    assert_true(igd_path_exists(file));
    assert_int_equal(utimensat(AT_FDCWD, file, long_ago, 0), 0);
    assert_false(igd_lock_held(who, sizeof(who), of));
    assert_ok(igd_lock_take(&l, &known, of));
    assert_true(igd_lock_held(who, sizeof(who), of));
    assert_string_not_equal(who, "process 7 on elsewhere");
    igd_lock_free(l);
    // What holders with locks write is no claim.
    write_text(file, "process 1 on elsewhere\n");
    assert_false(igd_lock_held(who, sizeof(who), of));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claimed_lock__shows_who_runs_until_the_end),
        cmocka_unit_test(test_claimed_lock__of_a_killed_process_is_nobodys),
        cmocka_unit_test(test_claimed_lock__of_another_host_is_its_own_while_it_speaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
