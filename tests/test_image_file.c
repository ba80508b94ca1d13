// The file of saved images while its run goes on: whose they are, and that they are
// whole.
#include "fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "evaluate/image_file.h"

#define N 4
#define D 6
#define HEADER 128

static const int64_t shape[3] = {1, 2, 3};
static const char key_a[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char key_b[] =
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static igd_images_of of(igd_image_file_mode mode, const char *key)
{
    return (igd_images_of){.n = N, .shape = shape, .mode = mode, .key = key, .sum = ""};
}

static void put_all(igd_image_file *f, float first)
{
    float x[D];
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < D; k++)
            x[k] = first + (float)(i * D + k);
        assert_ok(igd_image_file_put(f, i, x));
    }
}

static igd_image_file *begun(const char *path, const char *key, float first)
{
    const igd_images_of mine = of(IGD_IMAGES_NEW, key);
    igd_image_file *f = NULL;
    bool sealed;
    assert_ok(igd_image_file_open(&f, &sealed, path, &mine));
    put_all(f, first);
    return f;
}

static void flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    const int c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    fputc(c ^ 4, f);
    assert_int_equal(fclose(f), 0);
}

static void test_image_file__images_of_another_run_are_not_taken(void **state)
{
    (void)state;
    const char *path = fixture_path("shared.npy");
    const igd_images_of resumed_b = of(IGD_IMAGES_RESUMED, key_b);
    const igd_images_of resumed_a = of(IGD_IMAGES_RESUMED, key_a);
    const igd_images_of new_b = of(IGD_IMAGES_NEW, key_b);
    igd_images_of discard_b = new_b;
    igd_image_file *f = begun(path, key_a, 1.0f);
    float x[D];
    bool sealed = false;
    igd_image_file_free(f); // interrupted
    assert_fails(igd_image_file_open(&f, &sealed, path, &resumed_b), IGD_ESTATE,
                 "shared.npy.part: of another run");
    assert_fails(igd_image_file_open(&f, &sealed, path, &new_b), IGD_ESTATE,
                 "shared.npy.part: holds the images of another interrupted run");
    assert_ok(igd_image_file_open(&f, &sealed, path, &resumed_a));
    assert_true(sealed);
    assert_ok(igd_image_file_get(f, 2, x));
    assert_true(x[0] == 13.0f);
    igd_image_file_free(f);
    discard_b.discard = true;
    assert_ok(igd_image_file_open(&f, &sealed, path, &discard_b));
    igd_image_file_free(f);
    // What nothing can resume is nobody's.
    unlink(fixture_path("shared.npy.part"));
    igd_image_file_free(begun(path, NULL, 1.0f));
    assert_ok(igd_image_file_open(&f, &sealed, path, &new_b));
    igd_image_file_free(f);
}

static void test_image_file__a_changed_bit_anywhere_is_refused(void **state)
{
    (void)state;
    const char *path = fixture_path("bits.npy"), *part = fixture_path("bits.npy.part");
    const igd_images_of resumed = of(IGD_IMAGES_RESUMED, key_a);
    struct stat info;
    igd_image_file *f = begun(path, key_a, 1.0f);
    igd_image_file_free(f);
    assert_int_equal(stat(part, &info), 0);
    for (long at = 0; at < info.st_size; at++) {
        igd_status st;
        float x[D];
        bool sealed;
        flip(part, at);
        st = igd_image_file_open(&f, &sealed, path, &resumed);
        for (int i = 0; i < N && st == IGD_OK; i++)
            st = igd_image_file_get(f, i, x);
        assert_int_not_equal(st, IGD_OK);
        assert_non_null(strstr(igd_error_message(), "bits.npy.part"));
        igd_image_file_free(f);
        flip(part, at);
    }
}

static void test_image_file__complete_images_are_known_by_their_digest(void **state)
{
    (void)state;
    const char *path = fixture_path("whole.npy"), *part = fixture_path("whole.npy.part");
    char sum[IGD_SHA256_LENGTH], file[IGD_SHA256_LENGTH];
    igd_images_of complete = of(IGD_IMAGES_COMPLETE, key_a);
    igd_image_file *f = begun(path, key_a, 1.0f);
    bool sealed = false;
    assert_ok(igd_image_file_sum(f, sum));
    assert_ok(igd_image_file_commit(f));
    assert_ok(igd_sha256_file(file, path));
    assert_string_equal(sum, file); // and nothing stands behind the images
    complete.sum = sum;
    assert_ok(igd_image_file_open(&f, &sealed, path, &complete));
    assert_true(sealed);
    assert_ok(igd_image_file_commit(f));
    flip(path, HEADER + 9);
    assert_fails(igd_image_file_open(&f, &sealed, path, &complete), IGD_ESTATE,
                 "of another run");
    assert_true(igd_path_exists(path)); // it may be somebody else's
    assert_false(igd_path_exists(part));
    complete.sum = "";
    assert_ok(igd_image_file_open(&f, &sealed, path, &complete));
    assert_false(sealed); // as of older versions
    igd_image_file_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_file__images_of_another_run_are_not_taken),
        cmocka_unit_test(test_image_file__a_changed_bit_anywhere_is_refused),
        cmocka_unit_test(test_image_file__complete_images_are_known_by_their_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
