// The loader: every image once, in order, whatever the batch size, and failures
// delivered.
#include "fixture.h"

#include <sys/stat.h>

#include "core/file.h"
#include "data/loader.h"

enum { NUM = 23, D = 2 };

// Images whose pixels are their index / 100, labelled index % 3.
static igd_dataset *make_dataset(void)
{
    float images[NUM * D];
    int32_t labels[NUM];
    igd_dataset *d;
    for (int i = 0; i < NUM; i++) {
        images[i * D] = images[i * D + 1] = (float)i / 100.0f;
        labels[i] = i % 3;
    }
    assert_ok(
        igd_dataset_from_floats(&d, images, labels, NUM, (const int64_t[]){1, 1, D}, 3));
    return d;
}

static void check_batch(const igd_batch *b, const int64_t *which)
{
    for (int64_t j = 0; j < b->n; j++) {
        assert_int_equal(b->which[j], which[j]);
        assert_int_equal(b->labels[j], which[j] % 3);
        assert_true(b->images[j * D + 1] == (float)which[j] / 100.0f);
    }
}

static void test_loader__gives_every_image_for_any_batch_size(void **state)
{
    (void)state;
    igd_dataset *d = make_dataset();
    int64_t which[NUM];
    for (int i = 0; i < NUM; i++)
        which[i] = i;
    for (int size = 1; size <= NUM + 2; size++) {
        igd_loader *l;
        igd_batch b;
        int64_t seen = 0;
        assert_ok(igd_loader_open(&l, d, NULL, NUM, size));
        for (;;) {
            assert_ok(igd_loader_next(l, &b));
            if (b.n == 0)
                break;
            assert_int_equal(b.n, NUM - seen < size ? NUM - seen : size);
            check_batch(&b, which + seen);
            seen += b.n;
        }
        assert_int_equal(seen, NUM);
        assert_ok(igd_loader_next(l, &b)); // and the end stays the end
        assert_int_equal(b.n, 0);
        igd_loader_free(l);
    }
    igd_dataset_free(d);
}

static void test_loader__follows_a_list(void **state)
{
    (void)state;
    igd_dataset *d = make_dataset();
    int64_t which[] = {5, 22, 5, 0, 1};
    const int64_t wanted[] = {5, 22, 5, 0, 1};
    igd_loader *l;
    igd_batch b;
    assert_ok(igd_loader_open(&l, d, which, 5, 3));
    memset(which, 0, sizeof(which)); // the list was copied
    assert_ok(igd_loader_next(l, &b));
    assert_int_equal(b.n, 3);
    check_batch(&b, wanted);
    assert_ok(igd_loader_next(l, &b));
    assert_int_equal(b.n, 2);
    check_batch(&b, wanted + 3);
    igd_loader_free(l);
    assert_ok(igd_loader_open(&l, d, NULL, 0, 3));
    assert_ok(igd_loader_next(l, &b));
    assert_int_equal(b.n, 0);
    igd_loader_free(l);
    assert_fails(igd_loader_open(&l, d, NULL, 5, 0), IGD_EINVAL, "batches of 0 images");
    assert_null(l);
    igd_dataset_free(d);
}

static void test_loader__may_be_left_at_any_time(void **state)
{
    (void)state;
    igd_dataset *d = make_dataset();
    for (int taken = 0; taken < 4; taken++) {
        igd_loader *l;
        igd_batch b;
        assert_ok(igd_loader_open(&l, d, NULL, NUM, 2));
        for (int i = 0; i < taken; i++)
            assert_ok(igd_loader_next(l, &b));
        igd_loader_free(l);
    }
    igd_loader_free(NULL);
    igd_dataset_free(d);
}

static void test_loader__delivers_a_failure_after_what_was_good(void **state)
{
    (void)state;
    static const char *const names[] = {"1.bmp", "2.bmp", "3.bmp", "4.bmp"};
    unsigned char *bytes;
    size_t size;
    igd_dataset *d;
    igd_loader *l;
    igd_batch b;
    const char *folder = fixture_path("images");
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(mkdir(fixture_path("images/x"), 0777), 0);
    assert_ok(igd_file_read(&bytes, &size,
                            TEST_SOURCE_DIR "/tests/golden/resample/plain.bmp", 1 << 20));
    for (int i = 0; i < 4; i++) {
        char *path = igd_path_join(fixture_path("images/x"), names[i]);
        assert_ok(igd_file_write(path, bytes, i == 2 ? size / 2 : size));
        free(path);
    }
    free(bytes);
    assert_ok(igd_dataset_open(&d, folder, NULL));
    assert_ok(igd_loader_open(&l, d, NULL, 4, 2));
    assert_ok(igd_loader_next(l, &b));
    assert_int_equal(b.n, 2);
    for (int i = 0; i < 2; i++) {
        assert_fails(igd_loader_next(l, &b), IGD_EFORMAT, "x/3.bmp: truncated BMP");
        assert_int_equal(b.n, 0);
    }
    igd_loader_free(l);
    const int64_t absent[] = {0, 4};
    assert_ok(igd_loader_open(&l, d, absent, 2, 1));
    assert_ok(igd_loader_next(l, &b));
    assert_fails(igd_loader_next(l, &b), IGD_EINVAL, "image 4 is wanted of 4");
    igd_loader_free(l);
    igd_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loader__gives_every_image_for_any_batch_size),
        cmocka_unit_test(test_loader__follows_a_list),
        cmocka_unit_test(test_loader__may_be_left_at_any_time),
        cmocka_unit_test(test_loader__delivers_a_failure_after_what_was_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
