// Data sets: what options choose of them, their digest, their parts, and those made from
// memory and from single images.
#include "dataset_fixture.h"

#include <math.h>
#include <unistd.h>

#include "core/npy.h"
#include "data/unlabelled.h"

// --- Choice -------------------------------------------------------------------------

// Indices of the chosen images, as "3 1 2".
static const char *indices(const igd_dataset *d)
{
    static char text[1024];
    size_t used = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < igd_dataset_size(d); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d",
                                 i > 0 ? " " : "", (int)igd_dataset_index(d, i));
    return text;
}

static void test_dataset__first_count_and_ids_choose(void **state)
{
    (void)state;
    const char *path = make_folder("cifar10c"), *ids = fixture_path("ids.txt");
    igd_dataset *d;
    put_cifar(path, "test_batch.bin", 12, 0);
    static const struct {
        int64_t first, count;
        const char *ids, *wanted;
    } cases[] = {
        {0, 0, NULL, "0 1 2 3 4 5 6 7 8 9 10 11"},
        {10, 0, NULL, "10 11"},
        {2, 3, NULL, "2 3 4"},
        {0, 0, "5\n 3\n\n11\r\n0", "5 3 11 0"}, // in the order of the list
        {1, 2, "5\n3\n11\n0", "3 11"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_dataset_options o = igd_dataset_options_default();
        o.first = cases[i].first;
        o.count = cases[i].count;
        if (cases[i].ids != NULL) {
            assert_ok(igd_file_write(ids, cases[i].ids, strlen(cases[i].ids)));
            o.ids = ids;
        }
        assert_ok(igd_dataset_open(&d, path, &o));
        assert_string_equal(indices(d), cases[i].wanted);
        for (int64_t j = 0; j < igd_dataset_size(d); j++)
            assert_int_equal(igd_dataset_label(d, j), igd_dataset_index(d, j) % 10);
        igd_dataset_free(d);
    }
}

static void test_dataset__ids_may_be_names(void **state)
{
    (void)state;
    make_folder("named");
    const char *path = make_class_folders("named"); // B/Three.png, B/two.bmp, a/one.JPEG
    copy_image("grey.png", fixture_path("named/a"), "two.png");
    static const struct {
        const char *ids, *wanted, *message;
    } cases[] = {
        {"a/one.JPEG\nB/two.bmp\n", "2 1", NULL}, // as RobustBench's list is written
        {"val/B/Three.png\none\n0003\n", "0 2 3", NULL},
        {"a/two\nB/two", "3 1", NULL},
        {"two.png\n", "3", NULL},
        {"two\n", NULL, "\"two\" could be several images"},
        {"a/Three.png\n", NULL, "no image \"a/Three.png\" in"},
        {"ne\n", NULL, "no image \"ne\" in"},
        {"B/Three.jpg\n", NULL, "no image \"B/Three.jpg\" in"},
        {"4\n", NULL, "no image \"4\" in"},
        {"-1\n", NULL, "no image \"-1\" in"},
        {"99999999999999999999999\n", NULL, "no image \"99999999999999999999999\" in"},
        {"0\nThree\n", NULL, "image \"Three\" appears twice"},
        {"", NULL, "names.txt: names no image"},
    };
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    o.ids = fixture_path("names.txt");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(igd_file_write(o.ids, cases[i].ids, strlen(cases[i].ids)));
        if (cases[i].wanted == NULL) {
            assert_fails(igd_dataset_open(&d, path, &o), IGD_EINVAL, cases[i].message);
            continue;
        }
        assert_ok(igd_dataset_open(&d, path, &o));
        assert_string_equal(indices(d), cases[i].wanted);
        igd_dataset_free(d);
    }
    o.ids = "/nowhere/ids.txt";
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EIO,
                 "/nowhere/ids.txt: No such file");
}

static void test_dataset__a_fraction_is_seeded_and_nested(void **state)
{
    (void)state;
    const char *path = make_folder("cifar10d");
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    char first[1024];
    bool half[100] = {false};
    put_cifar(path, "test_batch.bin", 100, 0);
    o.fraction = 0.5;
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 50);
    snprintf(first, sizeof(first), "%s", indices(d));
    for (int64_t i = 0; i < 50; i++) {
        half[igd_dataset_index(d, i)] = true;
        assert_true(i == 0 || igd_dataset_index(d, i) > igd_dataset_index(d, i - 1));
    }
    igd_dataset_free(d);
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_string_equal(indices(d), first);
    igd_dataset_free(d);
    o.fraction = 0.1;
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 10);
    for (int64_t i = 0; i < 10; i++)
        assert_true(half[igd_dataset_index(d, i)]);
    igd_dataset_free(d);
    o.fraction = 1e-9;
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 1);
    igd_dataset_free(d);
    o.fraction = 0.5;
    o.seed = 1;
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_string_not_equal(indices(d), first);
    igd_dataset_free(d);
}

static void test_dataset__choices_out_of_range_are_refused(void **state)
{
    (void)state;
    const char *path = make_folder("cifar10e");
    igd_dataset *d;
    put_cifar(path, "test_batch.bin", 5, 0);
    static const struct {
        int64_t first, count;
        double fraction;
        const char *message;
    } cases[] = {
        {-1, 0, 1, "first -1 and count 0"},
        {0, -1, 1, "first 0 and count -1"},
        {5, 0, 1, "cifar10e: images 5 to 5 are wanted of 5"},
        {3, 3, 1, "cifar10e: images 3 to 5 are wanted of 5"},
        {1, INT64_MAX, 1, "are wanted of 5"},
        {0, 0, 0, "fraction 0 is not in"},
        {0, 0, 1.01, "fraction 1.01 is not in"},
        {0, 0, NAN, "fraction nan is not in"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_dataset_options o = igd_dataset_options_default();
        o.first = cases[i].first;
        o.count = cases[i].count;
        o.fraction = cases[i].fraction;
        assert_fails(igd_dataset_open(&d, path, &o), IGD_EINVAL, cases[i].message);
    }
}

static void test_dataset__digest_is_of_images_and_labels(void **state)
{
    (void)state;
    const char *path = make_folder("cifar10f");
    char all[65], fewer[65], changed[65], again[65];
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    unsigned char bytes[3 * RECORD] = {0};
    const char *const digests[] = {all, fewer, changed};
    for (int i = 0; i < 4; i++) {
        o.count = i == 1 ? 2 : 3;
        bytes[2 * RECORD] = i == 2; // a label
        put(path, "test_batch.bin", bytes, sizeof(bytes));
        assert_ok(igd_dataset_open(&d, path, &o));
        assert_ok(igd_dataset_sha256(d, i == 3 ? again : (char *)digests[i]));
        igd_dataset_free(d);
    }
    assert_string_equal(all, again);
    assert_string_not_equal(all, fewer);
    assert_string_not_equal(all, changed);
    assert_ok(igd_dataset_open(&d, make_class_folders("digest"), NULL));
    assert_ok(igd_dataset_sha256(d, all));
    assert_int_equal(unlink(fixture_path("digest/B/two.bmp")), 0);
    assert_fails(igd_dataset_sha256(d, all), IGD_EIO, "B/two.bmp: No such file");
    igd_dataset_free(d);
}

static void test_dataset__takes_floats(void **state)
{
    (void)state;
    float images[2 * 1 * 2 * 2] = {0, 0.25f, 0.5f, 1, 1, 0, 0, 0}, out[4];
    int32_t labels[] = {2, 0};
    int64_t shape[] = {1, 2, 2};
    igd_dataset *d;
    assert_ok(igd_dataset_from_floats(&d, images, labels, 2, shape, 3));
    images[4] = 0; // copied
    assert_int_equal(igd_dataset_size(d), 2);
    assert_int_equal(igd_dataset_label(d, 0), 2);
    assert_int_equal(igd_dataset_num_classes(d), 3);
    assert_string_equal(igd_dataset_class_name(d, 2), "2");
    assert_ok(igd_dataset_read(d, out, (const int64_t[]){1}, 1));
    assert_true(out[0] == 1.0f && out[1] == 0.0f);
    igd_dataset_free(d);
    images[7] = NAN;
    assert_fails(igd_dataset_from_floats(&d, images, labels, 2, shape, 3), IGD_EINVAL,
                 "image 1 has a pixel of nan");
    images[7] = 2;
    assert_fails(igd_dataset_from_floats(&d, images, labels, 2, shape, 3), IGD_EINVAL,
                 "image 1 has a pixel of 2, outside [0, 1]");
    assert_null(d);
    assert_fails(igd_dataset_from_floats(&d, images, labels, 2, shape, 2), IGD_EINVAL,
                 "image 0 has label 2, of 2 classes");
    assert_fails(igd_dataset_from_floats(&d, images, labels, 2, shape, 0), IGD_EINVAL,
                 "0 classes");
    assert_fails(igd_dataset_from_floats(&d, images, labels, 0, shape, 3), IGD_EINVAL,
                 "0 images");
    shape[2] = INT64_MAX;
    assert_fails(igd_dataset_from_floats(&d, images, labels, 2, shape, 3), IGD_EINVAL,
                 "2 images of 1 x 2 x 9223372036854775807");
}

static void test_dataset__takes_image_files(void **state)
{
    (void)state;
    const char *const paths[] = {GOLDEN "plain.bmp", GOLDEN "colour.jpg",
                                 GOLDEN "plain.bmp", GOLDEN "wide.png"};
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    const size_t size = (size_t)3 * 224 * 224;
    float *pixels = malloc(2 * size * sizeof(*pixels));
    assert_ok(igd_dataset_from_files(&d, paths, 4, NULL));
    assert_int_equal(igd_dataset_size(d), 4);
    assert_int_equal(igd_dataset_num_classes(d), 0);
    assert_int_equal(igd_dataset_label(d, 3), -1);
    assert_int_equal(igd_dataset_index(d, 3), 3);
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){0, 2}, 2));
    assert_memory_equal(pixels, pixels + 3 * 41 * 61, 3 * 41 * 61 * sizeof(*pixels));
    assert_fails(igd_dataset_read(d, pixels, (const int64_t[]){3}, 1), IGD_EFORMAT,
                 "wide.png: 173 x 131 pixels where the first image has 61 x 41");
    igd_dataset_free(d);
    o.preprocess = "Res224";
    assert_ok(igd_dataset_from_files(&d, paths, 4, &o));
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){3}, 1));
    igd_dataset_free(d);
    free(pixels);
    const char *const absent[] = {"/nowhere/x.png"};
    assert_fails(igd_dataset_from_files(&d, absent, 1, NULL), IGD_EIO,
                 "/nowhere/x.png: No such file");
    assert_null(d);
    assert_fails(igd_dataset_from_files(&d, absent, 0, NULL), IGD_EINVAL, "0 image");
}

// --- Pixels -------------------------------------------------------------------------

static void test_dataset__grey_is_one_channel(void **state)
{
    (void)state;
    igd_dataset *d;
    igd_dataset_options o = igd_dataset_options_default();
    float three[3 * 41 * 61], one[41 * 61];
    make_folder("grey");
    copy_image("grey.png", make_folder("grey/a"), "x.png");
    assert_ok(igd_dataset_open(&d, fixture_path("grey"), &o));
    assert_ok(igd_dataset_read(d, three, (const int64_t[]){0}, 1));
    igd_dataset_free(d);
    o.channels = 1;
    assert_ok(igd_dataset_open(&d, fixture_path("grey"), &o));
    assert_memory_equal(igd_dataset_shape(d), ((const int64_t[]){1, 41, 61}), 24);
    assert_ok(igd_dataset_read(d, one, (const int64_t[]){0}, 1));
    assert_memory_equal(one, three, sizeof(one)); // of grey files, every channel is that
    igd_dataset_free(d);
    o.channels = 2;
    assert_fails(igd_dataset_open(&d, fixture_path("grey"), &o), IGD_EINVAL,
                 "images of 2 channels");
}

static void test_dataset__pixels_a_rounding_outside_are_shown_or_clamped(void **state)
{
    (void)state;
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    float x[6] = {1.0000001f, 0, -1e-7f, 0.5f, 1, 0}, read[3];
    const int64_t shape[] = {2, 3, 1, 1};
    assert_ok(igd_npy_write(fixture_path("c.npy"), IGD_NPY_F32, shape, 4, x));
    assert_ok(igd_npy_write(fixture_path("cy.npy"), IGD_NPY_I32, (const int64_t[]){2}, 1,
                            (const int32_t[]){0, 1}));
    char y[256];
    snprintf(y, sizeof(y), "%s", fixture_path("cy.npy"));
    o.labels = y;
    assert_fails(igd_dataset_open(&d, fixture_path("c.npy"), &o), IGD_EFORMAT,
                 "a pixel of 1.00000012, outside [0, 1], as a rounding leaves it; "
                 "--clamp-pixels");
    o.clamp_pixels = true;
    assert_ok(igd_dataset_open(&d, fixture_path("c.npy"), &o));
    assert_ok(igd_dataset_read(d, read, (const int64_t[]){0}, 1));
    assert_true(read[0] == 1.0f && read[1] == 0.0f && read[2] == 0.0f);
    igd_dataset_free(d);
    static const struct {
        float value;
        const char *message;
    } bad[] = {
        {1.01f, "a pixel of 1.00999999, outside [0, 1]; images that are normalised"},
        {-2.12f, "a pixel of -2.11999989, outside [0, 1]; images that are norm"},
        {254.0f, "a pixel of 254, outside [0, 1]; save 0 to 255 as uint8"},
        {25.5f, "a pixel of 25.5, outside [0, 1]; save 0 to 255 as uint8"},
        {NAN, "a pixel of nan, outside"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        x[4] = bad[i].value;
        assert_ok(igd_npy_write(fixture_path("c.npy"), IGD_NPY_F32, shape, 4, x));
        assert_fails(igd_dataset_open(&d, fixture_path("c.npy"), &o), IGD_EFORMAT,
                     bad[i].message);
        assert_null(strstr(igd_error_message(), "--clamp-pixels"));
    }
    x[3] = 2.0f; // the farthest pixel says which range was meant
    x[4] = 255.0f;
    assert_ok(igd_npy_write(fixture_path("c.npy"), IGD_NPY_F32, shape, 4, x));
    assert_fails(igd_dataset_open(&d, fixture_path("c.npy"), &o), IGD_EFORMAT,
                 "image 1 has a pixel of 255, outside [0, 1]; save 0 to 255 as uint8");
    const double doubles[6] = {0};
    assert_ok(igd_npy_write(fixture_path("c.npy"), IGD_NPY_F64, shape, 4, doubles));
    assert_fails(igd_dataset_open(&d, fixture_path("c.npy"), &o), IGD_EFORMAT,
                 "images are float64, neither uint8 nor float32; numpy.save(path, "
                 "x.astype('float32'))");
}

static void test_dataset__images_need_no_labels_where_none_are_used(void **state)
{
    (void)state;
    const char *arrays = make_folder("arrays");
    igd_dataset *d;
    char images[256], flat[256];
    const float x[3] = {0, 0.5f, 1};
    snprintf(images, sizeof(images), "%s/images.npy", arrays);
    assert_ok(igd_npy_write(images, IGD_NPY_F32, (const int64_t[]){3, 1, 1, 1}, 4, x));
    snprintf(flat, sizeof(flat), "%s", make_folder("flat"));
    copy_image("grey.png", flat, "0.png");
    const char *const paths[] = {arrays, images, flat};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_fails(igd_dataset_open(&d, paths[i], NULL), IGD_EINVAL, "labels");
        assert_ok(igd_dataset_open_unlabelled(&d, paths[i], NULL));
        assert_int_equal(igd_dataset_size(d), i < 2 ? 3 : 1);
        assert_int_equal(igd_dataset_num_classes(d), 0);
        assert_int_equal(igd_dataset_label(d, 0), -1);
        igd_dataset_free(d);
    }
    // Those that are there are taken.
    char labels[256];
    snprintf(labels, sizeof(labels), "%s/labels.npy", arrays);
    assert_ok(igd_npy_write(labels, IGD_NPY_I32, (const int64_t[]){3}, 1,
                            (const int32_t[]){2, 0, 1}));
    assert_ok(igd_dataset_open_unlabelled(&d, arrays, NULL));
    assert_int_equal(igd_dataset_label(d, 0), 2);
    igd_dataset_free(d);
}

// --- Parts --------------------------------------------------------------------------

static igd_dataset *ten_images(void)
{
    static float pixels[10];
    static int32_t labels[10];
    const int64_t shape[3] = {1, 1, 1};
    igd_dataset *d;
    for (int i = 0; i < 10; i++) {
        pixels[i] = 0.1f * (float)i;
        labels[i] = i % 2;
    }
    assert_ok(igd_dataset_from_floats(&d, pixels, labels, 10, shape, 2));
    return d;
}

static void test_dataset__parts_make_up_the_whole(void **state)
{
    (void)state;
    for (int64_t of = 1; of <= 10; of++) {
        int64_t next = 0;
        for (int64_t k = 0; k < of; k++) {
            igd_dataset *d = ten_images();
            float pixel;
            assert_int_equal(igd_dataset_part(d).of, 0);
            assert_ok(igd_dataset_take_part(d, k, of, NULL));
            const igd_part part = igd_dataset_part(d);
            assert_int_equal(part.index, k);
            assert_int_equal(part.of, of);
            assert_int_equal(part.first, next);
            assert_int_equal(part.whole, 10);
            assert_in_range(igd_dataset_size(d), 10 / of, (10 + of - 1) / of);
            for (int64_t i = 0; i < igd_dataset_size(d); i++, next++) {
                assert_int_equal(igd_dataset_index(d, i), next);
                assert_int_equal(igd_dataset_label(d, i), next % 2);
                assert_ok(igd_dataset_read(d, &pixel, &i, 1));
                assert_true(pixel == 0.1f * (float)next);
            }
            igd_dataset_free(d);
        }
        assert_int_equal(next, 10);
    }
}

static void test_dataset__parts_cost_the_same(void **state)
{
    (void)state;
    // Six of the first seven images cost nothing.
    static const bool cheap[10] = {true, true, true, false, true, true, true};
    static const int64_t sizes[2] = {8, 2}, four[4] = {4, 4, 1, 1};
    for (int64_t k = 0; k < 2; k++) {
        igd_dataset *d = ten_images();
        assert_ok(igd_dataset_take_part(d, k, 2, cheap));
        assert_int_equal(igd_dataset_size(d), sizes[k]);
        igd_dataset_free(d);
    }
    for (int64_t k = 0; k < 4; k++) {
        igd_dataset *d = ten_images();
        assert_ok(igd_dataset_take_part(d, k, 4, cheap));
        assert_int_equal(igd_dataset_size(d), four[k]);
        igd_dataset_free(d);
    }
    // Of images that all cost little, every part still has one.
    static const bool all[10] = {true, true, true, true, true, true, true, true, true};
    for (int64_t k = 0; k < 10; k++) {
        igd_dataset *d = ten_images();
        assert_ok(igd_dataset_take_part(d, k, 10, all));
        assert_int_equal(igd_dataset_size(d), 1);
        assert_int_equal(igd_dataset_index(d, 0), k);
        igd_dataset_free(d);
    }
}

static void test_dataset__impossible_parts_are_refused(void **state)
{
    (void)state;
    igd_dataset *d = ten_images();
    assert_fails(igd_dataset_take_part(d, 4, 4, NULL), IGD_EINVAL, "0 to 3");
    assert_fails(igd_dataset_take_part(d, -1, 4, NULL), IGD_EINVAL, "part -1");
    assert_fails(igd_dataset_take_part(d, 0, 0, NULL), IGD_EINVAL, "part 0 of 0");
    assert_fails(igd_dataset_take_part(d, 0, 11, NULL), IGD_EINVAL, "10 images");
    assert_int_equal(igd_dataset_size(d), 10);
    assert_ok(igd_dataset_take_part(d, 0, 2, NULL));
    assert_fails(igd_dataset_take_part(d, 0, 2, NULL), IGD_EINVAL, "once more");
    assert_int_equal(igd_dataset_size(d), 5);
    igd_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset__first_count_and_ids_choose),
        cmocka_unit_test(test_dataset__ids_may_be_names),
        cmocka_unit_test(test_dataset__a_fraction_is_seeded_and_nested),
        cmocka_unit_test(test_dataset__choices_out_of_range_are_refused),
        cmocka_unit_test(test_dataset__digest_is_of_images_and_labels),
        cmocka_unit_test(test_dataset__takes_floats),
        cmocka_unit_test(test_dataset__takes_image_files),
        cmocka_unit_test(test_dataset__grey_is_one_channel),
        cmocka_unit_test(test_dataset__pixels_a_rounding_outside_are_shown_or_clamped),
        cmocka_unit_test(test_dataset__images_need_no_labels_where_none_are_used),
        cmocka_unit_test(test_dataset__parts_make_up_the_whole),
        cmocka_unit_test(test_dataset__parts_cost_the_same),
        cmocka_unit_test(test_dataset__impossible_parts_are_refused),
    };
    return fixture_result(cmocka_run_group_tests(tests, NULL, NULL));
}
