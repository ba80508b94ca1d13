// SHA-256: FIPS 180-4's examples.
#include "fixture.h"

#include "core/digest.h"
#include "core/file.h"

static const char abc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char empty[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char million[] = // of the letter a
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void test_digest__known_answers(void **state)
{
    (void)state;
    char hex[IGD_SHA256_LENGTH];
    igd_sha256 *h;
    assert_ok(igd_sha256_new(&h));
    igd_sha256_add(h, "a", 1);
    igd_sha256_add(h, "", 0);
    igd_sha256_add(h, "bc", 2);
    assert_ok(igd_sha256_hex(h, hex));
    igd_sha256_free(h);
    assert_string_equal(hex, abc);
    igd_sha256_free(NULL);
    assert_ok(igd_sha256_bytes(hex, "abc", 3));
    assert_string_equal(hex, abc);
    assert_ok(igd_sha256_bytes(hex, "", 0));
    assert_string_equal(hex, empty);
}

static void test_digest__of_files(void **state)
{
    (void)state;
    char hex[IGD_SHA256_LENGTH];
    const char *path = fixture_path("file");
    char *letters = malloc(1000000);
    memset(letters, 'a', 1000000);
    assert_ok(igd_file_write(path, "", 0));
    assert_ok(igd_sha256_file(hex, path));
    assert_string_equal(hex, empty);
    assert_ok(igd_file_write(path, letters, 1000000));
    assert_ok(igd_sha256_file(hex, path));
    assert_string_equal(hex, million);
    assert_fails(igd_sha256_file(hex, fixture_path("absent")), IGD_EIO,
                 "absent: No such");
    assert_fails(igd_sha256_file(hex, "/tmp"), IGD_EIO, "/tmp: Is a directory");
    free(letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__known_answers),
        cmocka_unit_test(test_digest__of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
