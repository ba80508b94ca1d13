// Files: whole or not at all, and a message that names them.
#include "fixture.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/file.h"

static void put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void test_file__reads_what_was_written(void **state)
{
    (void)state;
    const char *path = fixture_path("plain");
    unsigned char *data = NULL;
    size_t size = 0;
    assert_ok(igd_file_write(path, "a\0b", 3));
    assert_ok(igd_file_read(&data, &size, path, 3));
    assert_int_equal(size, 3);
    assert_memory_equal(data, "a\0b\0", 4); // with the zero byte behind
    free(data);
    assert_ok(igd_file_write(path, "", 0));
    assert_ok(igd_file_read(&data, &size, path, 0));
    assert_int_equal(size, 0);
    assert_int_equal(data[0], 0);
    free(data);
}

static void test_file__failures_name_the_path(void **state)
{
    (void)state;
    const char *path = fixture_path("six");
    unsigned char *data = (unsigned char *)path;
    size_t size;
    put(path, "sixsix", 6);
    assert_fails(igd_file_read(&data, &size, path, 5), IGD_EFORMAT,
                 "six: larger than 5 bytes");
    assert_null(data);
    assert_fails(igd_file_read(&data, &size, fixture_path("absent"), 5), IGD_EIO,
                 "absent: No such file");
    assert_fails(igd_file_read(&data, &size, "/tmp", 5), IGD_EIO, "/tmp: is a folder");
    assert_fails(igd_file_read(&data, &size, "/dev/zero", 100000), IGD_EFORMAT,
                 "/dev/zero: larger");
}

static void test_file__reads_a_device_of_unknown_length(void **state)
{
    (void)state;
    unsigned char *data;
    size_t size;
    assert_ok(igd_file_read(&data, &size, "/dev/null", 10));
    assert_int_equal(size, 0);
    free(data);
    assert_ok(igd_file_read(&data, &size, "/proc/self/status", SIZE_MAX));
    assert_true(size > 100); // although fstat() says 0
    free(data);
}

// Compresses `size` bytes into out, as gzip. Returns the length.
static size_t gzip(unsigned char *out, size_t room, const void *data, size_t size)
{
    z_stream z = {.next_in = (z_const Bytef *)data,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return (size_t)z.total_out;
}

static void test_file__reads_gzip_and_plain_alike(void **state)
{
    (void)state;
    unsigned char packed[300], *data;
    char text[1000];
    size_t size;
    memset(text, 'x', sizeof(text));
    size_t n = gzip(packed, sizeof(packed), text, sizeof(text));
    n += gzip(packed + n, sizeof(packed) - n, "end", 3); // a second member
    const char *path = fixture_path("two.gz");
    put(path, packed, n);
    assert_ok(igd_file_read_gzip(&data, &size, path, 1003));
    assert_int_equal(size, 1003);
    assert_memory_equal(data, text, 1000);
    assert_memory_equal(data + 1000, "end\0", 4);
    free(data);
    put(path, text, 10);
    assert_ok(igd_file_read_gzip(&data, &size, path, 10));
    assert_int_equal(size, 10);
    free(data);
}

static void test_file__limits_what_gzip_may_become(void **state)
{
    (void)state;
    const size_t large = (size_t)4 << 20;
    char *zeros = calloc(large, 1);
    unsigned char *packed = malloc(large), *data;
    size_t size;
    const size_t n = gzip(packed, large, zeros, large);
    assert_true(n < large / 500);
    assert_fails(igd_gunzip(&data, &size, packed, n, "bomb.gz", large - 1), IGD_EFORMAT,
                 "bomb.gz: larger than");
    assert_null(data);
    assert_ok(igd_gunzip(&data, &size, packed, n, "bomb.gz", large));
    assert_int_equal(size, large);
    free(data);
    assert_fails(igd_gunzip(&data, &size, packed, n - 9, "cut.gz", large), IGD_EFORMAT,
                 "cut.gz: truncated gzip");
    packed[n / 2] ^= 0x55;
    assert_fails(igd_gunzip(&data, &size, packed, n, "bad.gz", large), IGD_EFORMAT,
                 "bad.gz: damaged gzip");
    free(packed);
    free(zeros);
}

static void test_file__an_uncommitted_writer_leaves_no_trace(void **state)
{
    (void)state;
    const char *path = fixture_path("kept");
    igd_writer *w;
    unsigned char *data;
    size_t size;
    char temporary[256];
    assert_ok(igd_file_write(path, "old", 3));
    assert_ok(igd_writer_open(&w, path));
    fputs("new and longer", igd_writer_stream(w));
    snprintf(temporary, sizeof(temporary), "%s", igd_writer_temporary(w));
    assert_true(igd_path_exists(temporary));
    igd_writer_free(w);
    assert_false(igd_path_exists(temporary));
    assert_ok(igd_file_read(&data, &size, path, 100));
    assert_string_equal((char *)data, "old");
    free(data);
    igd_writer_free(NULL);
}

static void test_file__writing_follows_a_link(void **state)
{
    (void)state;
    const char *target = fixture_path("target"), *link = fixture_path("link");
    struct stat info;
    put(target, "old", 3);
    assert_int_equal(symlink(target, link), 0);
    assert_ok(igd_file_write(link, "newer", 5));
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_size, 5);
}

static void test_file__writing_to_a_device_leaves_it_a_device(void **state)
{
    (void)state;
    struct stat info;
    assert_ok(igd_file_write("/dev/null", "gone", 4));
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_fails(igd_file_write("/dev/full", "lost", 4), IGD_EIO, "/dev/full: No space");
}

static void test_file__says_early_what_cannot_be_written(void **state)
{
    (void)state;
    assert_ok(igd_file_check_writable(fixture_path("later")));
    assert_false(igd_path_exists(fixture_path("later")));
    assert_fails(igd_file_check_writable(""), IGD_EINVAL, "empty");
    assert_fails(igd_file_check_writable("/tmp"), IGD_EIO, "/tmp: is a folder");
    assert_fails(igd_file_check_writable(fixture_path("no/file")), IGD_EIO,
                 "its folder: No such file");
    assert_fails(igd_file_check_writable(fixture_path("no/")), IGD_EINVAL, "of a folder");
    assert_fails(igd_file_write(fixture_path("no/file"), "", 0), IGD_EIO, "its folder");
    put(fixture_path("flat"), "", 0);
    assert_fails(igd_file_check_writable(fixture_path("flat/file")), IGD_EIO, "folder");
}

static void test_file__joins_paths(void **state)
{
    (void)state;
    const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {".", "b", "./b"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *path = igd_path_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
    static const char *const folders[][2] = {
        {"a/b", "a"}, {"a/b/c", "a/b"}, {"b", "."}, {"/b", "/"}};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char *folder = igd_path_folder(folders[i][0]);
        assert_string_equal(folder, folders[i][1]);
        free(folder);
    }
    assert_true(igd_path_is_folder("/tmp"));
    assert_false(igd_path_is_folder("/dev/null"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__reads_what_was_written),
        cmocka_unit_test(test_file__failures_name_the_path),
        cmocka_unit_test(test_file__reads_a_device_of_unknown_length),
        cmocka_unit_test(test_file__reads_gzip_and_plain_alike),
        cmocka_unit_test(test_file__limits_what_gzip_may_become),
        cmocka_unit_test(test_file__an_uncommitted_writer_leaves_no_trace),
        cmocka_unit_test(test_file__writing_follows_a_link),
        cmocka_unit_test(test_file__writing_to_a_device_leaves_it_a_device),
        cmocka_unit_test(test_file__says_early_what_cannot_be_written),
        cmocka_unit_test(test_file__joins_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
