// Files: whole or not at all, and a message that names them.
#include "fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>
#include <zlib.h>

#include "core/archive.h"
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
    assert_ok(igd_file_read_gzip(&data, &size, path, 1003, NULL));
    assert_int_equal(size, 1003);
    assert_memory_equal(data, text, 1000);
    assert_memory_equal(data + 1000, "end\0", 4);
    free(data);
    put(path, text, 10);
    assert_ok(igd_file_read_gzip(&data, &size, path, 10, NULL));
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
    assert_fails(igd_gunzip(&data, &size, packed, n, "bomb.gz", large - 1, NULL),
                 IGD_EFORMAT, "bomb.gz: larger than");
    assert_null(data);
    assert_ok(igd_gunzip(&data, &size, packed, n, "bomb.gz", large, NULL));
    assert_int_equal(size, large);
    free(data);
    assert_fails(igd_gunzip(&data, &size, packed, n - 9, "cut.gz", large, NULL),
                 IGD_EFORMAT, "cut.gz: truncated gzip");
    packed[n / 2] ^= 0x55;
    assert_fails(igd_gunzip(&data, &size, packed, n, "bad.gz", large, NULL), IGD_EFORMAT,
                 "bad.gz: damaged gzip");
    free(packed);
    free(zeros);
}

static size_t hundred(const unsigned char *head)
{
    return head[0] == 'h' ? 100 : SIZE_MAX;
}

static void test_file__gzip_stops_at_what_its_beginning_declares(void **state)
{
    (void)state;
    const size_t large = (size_t)64 << 20;
    char *text = calloc(large, 1);
    unsigned char *packed = malloc(large / 100), *data = NULL;
    size_t size;
    int code = -1;
    text[0] = 'h';
    const size_t n = gzip(packed, large / 100, text, large);
    assert_fails(igd_gunzip(&data, &size, packed, n, "bomb.gz", large, hundred),
                 IGD_EFORMAT, "bomb.gz: larger than 100 bytes");
    const size_t fits = gzip(packed + n, large / 100 - n, text, 100);
    assert_ok(igd_gunzip(&data, &size, packed + n, fits, "fits.gz", large, hundred));
    assert_int_equal(size, 100);
    free(data);
    free(text);
    // What is said to be larger than the limit is not looked at.
    assert_fails(igd_gunzip(&data, &size, packed, n / 2, "cut.gz", 99, hundred),
                 IGD_EFORMAT, "cut.gz: larger than 99 bytes");
    // Without the memory that the whole would take.
    const pid_t child = fork();
    if (child == 0) {
        fixture_limit_memory((size_t)32 << 20);
        _exit(igd_gunzip(&data, &size, packed, n, "b", large, hundred) == IGD_EFORMAT
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    free(packed);
}

#define NOTHING "\x80\x02)." // a pickle of no values

typedef struct part {
    const char *name;
    const void *bytes;
    size_t size;
} part;

// A zip archive, as the models that igdef reads are.
static void zip(const char *path, const part *parts, size_t num)
{
    int error = 0;
    zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &error);
    assert_non_null(z);
    for (size_t i = 0; i < num; i++) {
        zip_source_t *from = zip_source_buffer(z, parts[i].bytes, parts[i].size, 0);
        assert_true(zip_file_add(z, parts[i].name, from, 0) >= 0);
    }
    assert_int_equal(zip_close(z), 0);
}

static void zip_zeros(const char *path, size_t size)
{
    void *zeros = calloc(size, 1);
    const part parts[] = {{"archive/constants.pkl", NOTHING, sizeof(NOTHING) - 1},
                          {"archive/zeros", zeros, size}};
    zip(path, parts, 2);
    free(zeros);
}

static void test_file__zip_contents_are_in_proportion_to_the_file(void **state)
{
    (void)state;
    const char *path = fixture_path("bomb.pt");
    zip_zeros(path, (size_t)300 << 20);
    assert_fails(igd_archive_check(path), IGD_EFORMAT,
                 "bomb.pt: 'archive/zeros' makes the contents larger than 100");
    zip_zeros(path, (size_t)30 << 20);
    assert_ok(igd_archive_check(path));
}

// Checks an archive whose pickle names tensors of data/0, which has `size` bytes.
static igd_status check_pickle(const char *pickle, size_t length, size_t size)
{
    static const char zeros[64];
    const char *path = fixture_path("tensors.pt");
    const part parts[] = {{"m/data/0", zeros, size},
                          {"m/data.pkl", pickle, length},
                          {"m/constants.pkl", NOTHING, sizeof(NOTHING) - 1}};
    zip(path, parts, 3);
    return igd_archive_check(path);
}

#define CHECK_PICKLE(pickle, size) check_pickle(pickle, sizeof(pickle) - 1, size)
#define STORAGE(type, key, num)                                                          \
    "(X\7\0\0\0storagectorch\n" type "\nX\1\0\0\0" key "X\3\0\0\0cpuK" num "tQ"
// num floats of data/0, the tensor's offset, its length and its stride.
#define TENSOR(num, offset, length, stride)                                              \
    "\x80\x02"                                                                           \
    "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE(                                      \
        "FloatStorage", "0", num) "K" offset "K" length "\x85K" stride "\x85\x89NtR."

static void test_file__tensors_fit_the_files_that_hold_them(void **state)
{
    (void)state;
    assert_ok(CHECK_PICKLE(TENSOR("\5", "\0", "\5", "\1"), 20));
    assert_ok(CHECK_PICKLE(TENSOR("\5", "\2", "\2", "\2"), 20)); // a view
    assert_ok(CHECK_PICKLE(TENSOR("\0", "\0", "\0", "\1"), 0));  // empty
    assert_fails(CHECK_PICKLE(TENSOR("\5", "\0", "\5", "\1"), 16), IGD_EFORMAT,
                 "damaged: 'data/0' has 16 bytes for 5 elements of 4");
    assert_fails(CHECK_PICKLE(TENSOR("\5", "\0", "\5", "\1"), 0), IGD_EFORMAT,
                 "damaged: 'data/0' has 0 bytes for 5 elements of 4");
    assert_fails(CHECK_PICKLE("\x80\x02" STORAGE("DoubleStorage", "0", "\3") ".", 23),
                 IGD_EFORMAT, "damaged: 'data/0' has 23 bytes for 3 elements of 8");
    assert_fails(CHECK_PICKLE("\x80\x02" STORAGE("FloatStorage", "1", "\1") ".", 20),
                 IGD_EFORMAT, "damaged: 'data/1' is missing");
    assert_fails(CHECK_PICKLE("\x80\x02" STORAGE("OddStorage", "0", "\1") ".", 20),
                 IGD_EFORMAT, "tensor 'data/0' is of an unknown type OddStorage");
}

static void test_file__tensors_stay_within_their_storage(void **state)
{
    (void)state;
    static const char *beyond = "damaged: a tensor of 'data.pkl' reaches beyond its 5";
    assert_fails(CHECK_PICKLE(TENSOR("\5", "\0", "\6", "\1"), 20), IGD_EFORMAT, beyond);
    assert_fails(CHECK_PICKLE(TENSOR("\5", "\1", "\5", "\1"), 20), IGD_EFORMAT, beyond);
    assert_fails(CHECK_PICKLE(TENSOR("\5", "\0", "\3", "\3"), 20), IGD_EFORMAT, beyond);
}

static void test_file__pickles_do_what_torchscript_writes(void **state)
{
    (void)state;
    static const char *refused = "damaged: 'data.pkl' is no pickle of TorchScript";
    static const char *const pickles[] = {
        "\x80\x02",                                    // no end
        "\x80\x02i.",                                  // an unknown instruction
        "\x80\x02r\xff\xff\xff\xff.",                  // memory for nothing
        "\x80\x02(Nb.",                                // below a mark
        "\x80\x02"                                     // a number for a function
        "K\1)R.",                                      //
        "\x80\x02"                                     // to libtorch, likewise
        "ctorch\nFloatStorage\n)R.",                   //
        "\x80\x02"                                     //
        "ctorch._tensor\n_rebuild_from_type_v2\n)R.",  //
        "\x80\x02"                                     // no storage
        "ctorch._utils\n_rebuild_tensor_v2\n(NK\1tR.", //
    };
    for (size_t i = 0; i < sizeof(pickles) / sizeof(pickles[0]); i++)
        assert_fails(check_pickle(pickles[i], strlen(pickles[i]), 20), IGD_EFORMAT,
                     refused);
}

static void test_file__names_in_an_archive_are_there_once(void **state)
{
    (void)state;
    const char *path = fixture_path("twice.pt");
    const part parts[] = {{"m/constants.pkl", NOTHING, sizeof(NOTHING) - 1},
                          {"m/data/a", "", 0},
                          {"m/data/A", "", 0}};
    zip(path, parts, 2);
    assert_ok(igd_archive_check(path));
    zip(path, parts, 3);
    assert_fails(igd_archive_check(path), IGD_EFORMAT, "is there twice");
}

static void test_file__an_uncommitted_writer_leaves_no_trace(void **state)
{
    (void)state;
    const char *path = fixture_path("kept");
    igd_writer *w;
    unsigned char *data;
    size_t size;
    const char *temporary = fixture_path("kept.0.tmp");
    assert_ok(igd_file_write(path, "old", 3));
    assert_ok(igd_writer_open(&w, path));
    fputs("new and longer", igd_writer_stream(w));
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

static void test_file__what_a_killed_run_left_is_removed(void **state)
{
    (void)state;
    const char *path = fixture_path("owned"), *link = fixture_path("owned.2.tmp");
    const char *first = fixture_path("owned.0.tmp"), *later = fixture_path("owned.5.tmp");
    unsigned char *data;
    size_t size;
    put(first, "much longer than what comes", 27);
    put(later, "half", 4);
    assert_int_equal(symlink("/dev/null", link), 0); // no igdef made that
    assert_ok(igd_file_write(path, "new", 3));
    assert_ok(igd_file_read(&data, &size, path, 100));
    assert_string_equal((char *)data, "new");
    free(data);
    assert_false(igd_path_exists(first));
    assert_false(igd_path_exists(later));
    assert_true(igd_path_exists(link));
}

static void test_file__what_a_living_run_writes_is_left_alone(void **state)
{
    (void)state;
    const char *path = fixture_path("shared"), *theirs = fixture_path("shared.0.tmp");
    int ready[2], end[2], code = -1;
    char byte = 0;
    unsigned char *data;
    size_t size;
    assert_int_equal(pipe(ready) | pipe(end), 0);
    const pid_t child = fork();
    if (child == 0) {
        igd_writer *w = NULL;
        const bool good = igd_writer_open(&w, path) == IGD_OK &&
                          fputs("theirs", igd_writer_stream(w)) >= 0 &&
                          write(ready[1], "x", 1) == 1 && read(end[0], &byte, 1) == 1 &&
                          igd_writer_commit(w) == IGD_OK;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_ok(igd_file_write(path, "mine", 4));
    assert_true(igd_path_exists(theirs));
    assert_int_equal(write(end[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_ok(igd_file_read(&data, &size, path, 100));
    assert_string_equal((char *)data, "theirs"); // the last one
    free(data);
    assert_false(igd_path_exists(theirs));
}

static void test_file__a_link_to_nothing_leads_to_a_new_file(void **state)
{
    (void)state;
    const char *target = fixture_path("made"), *link = fixture_path("dangling");
    const char *loop = fixture_path("loop"), *nowhere = fixture_path("nowhere");
    struct stat info;
    assert_int_equal(symlink("made", link), 0);
    assert_ok(igd_file_check_writable(link));
    assert_ok(igd_file_write(link, "there", 5));
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_size, 5);
    assert_int_equal(symlink("loop", loop), 0);
    assert_fails(igd_file_check_writable(loop), IGD_EIO, "loop: Too many levels");
    assert_int_equal(symlink("/absent/file", nowhere), 0);
    assert_fails(igd_file_check_writable(nowhere), IGD_EIO, "its folder: No such file");
}

static void test_file__a_pipe_needs_a_reader(void **state)
{
    (void)state;
    const char *pipe = fixture_path("pipe");
    char text[8] = "";
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_ok(igd_file_check_writable(pipe));
    assert_fails(igd_file_write(pipe, "lost", 4), IGD_EIO, "pipe: a pipe that nobody");
    const int reader = open(pipe, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_ok(igd_file_write(pipe, "kept", 4));
    assert_int_equal(read(reader, text, sizeof(text)), 4);
    assert_string_equal(text, "kept");
    close(reader);
}

// As with /dev/stdout before a pipe, whose other end has no name.
static void test_file__a_link_may_lead_to_a_nameless_pipe(void **state)
{
    (void)state;
    char there[64], text[8] = "", *target = NULL;
    const char *link = fixture_path("stdout");
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    snprintf(there, sizeof(there), "/proc/self/fd/%d", ends[1]);
    assert_int_equal(symlink(there, link), 0);
    assert_ok(igd_file_target(&target, link));
    free(target);
    assert_ok(igd_file_write(link, "kept", 4));
    assert_int_equal(read(ends[0], text, sizeof(text)), 4);
    assert_string_equal(text, "kept");
    close(ends[0]);
    close(ends[1]);
}

// The reason is that of the write that failed, even where later ones hide it.
static void test_file__a_failed_write_keeps_its_reason(void **state)
{
    (void)state;
    const char *path = fixture_path("limited");
    const struct rlimit limit = {100000, 100000};
    char *zeros = calloc(1, 300000), text[200] = "";
    int result[2], code = -1;
    assert_int_equal(pipe(result), 0);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        const igd_status st = igd_file_write(path, zeros, 300000);
        const char *why = igd_error_message();
        _exit(st == IGD_EIO && write(result[1], why, strlen(why)) > 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_true(read(result[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "limited: File too large"));
    assert_false(igd_path_exists(path));
    assert_false(igd_path_exists(fixture_path("limited.0.tmp")));
    free(zeros);
}

static void test_file__a_name_that_is_too_long_shows_early(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'n', sizeof(name));
    name[NAME_MAX - 6] = '\0';
    assert_ok(igd_file_write(fixture_path(name), "fits", 4));
    memset(name, 'n', sizeof(name));
    name[NAME_MAX - 5] = '\0'; // whose temporary name would not
    assert_fails(igd_file_check_writable(fixture_path(name)), IGD_EIO, "name too long");
    name[NAME_MAX - 5] = 'n';
    name[NAME_MAX + 1] = '\0';
    assert_fails(igd_file_check_writable(fixture_path(name)), IGD_EIO, "name too long");
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
        cmocka_unit_test(test_file__gzip_stops_at_what_its_beginning_declares),
        cmocka_unit_test(test_file__zip_contents_are_in_proportion_to_the_file),
        cmocka_unit_test(test_file__tensors_fit_the_files_that_hold_them),
        cmocka_unit_test(test_file__tensors_stay_within_their_storage),
        cmocka_unit_test(test_file__pickles_do_what_torchscript_writes),
        cmocka_unit_test(test_file__names_in_an_archive_are_there_once),
        cmocka_unit_test(test_file__an_uncommitted_writer_leaves_no_trace),
        cmocka_unit_test(test_file__writing_follows_a_link),
        cmocka_unit_test(test_file__writing_to_a_device_leaves_it_a_device),
        cmocka_unit_test(test_file__says_early_what_cannot_be_written),
        cmocka_unit_test(test_file__what_a_killed_run_left_is_removed),
        cmocka_unit_test(test_file__what_a_living_run_writes_is_left_alone),
        cmocka_unit_test(test_file__a_link_to_nothing_leads_to_a_new_file),
        cmocka_unit_test(test_file__a_pipe_needs_a_reader),
        cmocka_unit_test(test_file__a_link_may_lead_to_a_nameless_pipe),
        cmocka_unit_test(test_file__a_failed_write_keeps_its_reason),
        cmocka_unit_test(test_file__a_name_that_is_too_long_shows_early),
        cmocka_unit_test(test_file__joins_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
