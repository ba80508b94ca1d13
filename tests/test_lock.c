// Locks between processes.
#include "lock_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"

static void test_lock__a_second_process_is_told_who_holds_it(void **state)
{
    (void)state;
    const char *of = fixture_path("run.state"), *file = fixture_path("run.state.lock");
    char host[256] = "", expected[320], message[600] = "";
    int result[2], code = -1;
    igd_lock *l = NULL;
    bool known = false;
    assert_ok(igd_lock_take(&l, &known, of));
    assert_true(known);
    assert_true(igd_path_exists(file));
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    snprintf(expected, sizeof(expected), "in use by process %ld on %s", (long)getpid(),
             host);
    assert_int_equal(pipe(result), 0);
    const pid_t child = fork();
    if (child == 0) {
        igd_lock *second = NULL;
        bool ignored;
        const igd_status st = igd_lock_take(&second, &ignored, of);
        const char *why = igd_error_message();
        _exit(st == IGD_ESTATE && write(result[1], why, strlen(why)) > 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_true(read(result[0], message, sizeof(message) - 1) > 0);
    assert_non_null(strstr(message, "run.state.lock"));
    assert_non_null(strstr(message, expected));
    igd_lock_free(l);
    assert_false(igd_path_exists(file));
}

static void test_lock__of_a_killed_process_is_taken_over(void **state)
{
    (void)state;
    const char *of = fixture_path("killed"), *file = fixture_path("killed.lock");
    igd_lock *l = NULL;
    bool known = false;
    take_and_die(of);
    assert_true(igd_path_exists(file));
    assert_ok(igd_lock_take(&l, &known, of));
    assert_true(known);
    igd_lock_free(l);
    assert_false(igd_path_exists(file));
    assert_fails(igd_lock_take(&l, &known, "/nonexistent/x"), IGD_EIO, "x.lock");
    igd_lock_free(NULL);
}

static void test_lock__that_cannot_be_signed_is_not_left(void **state)
{
    (void)state;
    const char *of = fixture_path("full"), *file = fixture_path("full.lock");
    int code = -1;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit nothing = {0, 0};
        igd_lock *l = NULL;
        bool known;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &nothing);
        _exit(igd_lock_take(&l, &known, of) == IGD_EIO && l == NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_false(igd_path_exists(file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock__a_second_process_is_told_who_holds_it),
        cmocka_unit_test(test_lock__of_a_killed_process_is_taken_over),
        cmocka_unit_test(test_lock__that_cannot_be_signed_is_not_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
