// CIFAR's Python version, as Python 2 and 3 write it, and that its reader runs nothing.
#include "fixture.h"

#include <sys/stat.h>

#include "core/file.h"
#include "data/pickle.h"
#include "igdef/dataset.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/cifar_python/"
#define PIXELS 3072

static void check_images(const igd_dataset *d, int num_classes)
{
    float image[PIXELS];
    for (int64_t i = 0; i < igd_dataset_size(d); i++) {
        const int in_file = (int)(i % 2);
        assert_int_equal(igd_dataset_label(d, i), (in_file * 7 + 3) % num_classes);
        assert_ok(igd_dataset_read(d, image, &i, 1));
        for (int j = 0; j < PIXELS; j++)
            assert_true(image[j] == (float)((in_file * 31 + j) % 256) / 255.0f);
    }
}

static void test_cifar_python__both_sets_are_read(void **state)
{
    (void)state;
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    assert_ok(igd_dataset_open(&d, GOLDEN "ten", NULL));
    assert_int_equal(igd_dataset_size(d), 2);
    assert_int_equal(igd_dataset_num_classes(d), 10);
    assert_memory_equal(igd_dataset_shape(d), ((const int64_t[]){3, 32, 32}), 24);
    assert_string_equal(igd_dataset_class_name(d, 9), "truck");
    check_images(d, 10);
    igd_dataset_free(d);

    o.split = "train"; // protocols 2 to 5; the fifth file is absent
    assert_ok(igd_dataset_open(&d, GOLDEN "ten", &o));
    assert_int_equal(igd_dataset_size(d), 8);
    check_images(d, 10);
    igd_dataset_free(d);

    assert_ok(igd_dataset_open(&d, GOLDEN "hundred", NULL));
    assert_int_equal(igd_dataset_num_classes(d), 100);
    assert_string_equal(igd_dataset_class_name(d, 99), "fine 99");
    check_images(d, 100);
    igd_dataset_free(d);
    assert_fails(igd_dataset_open(&d, GOLDEN "hundred", &o), IGD_EINVAL,
                 "hundred: no training images: train is missing");
}

// Opens a folder whose test_batch is these bytes.
static igd_status open_bytes(const void *bytes, size_t size)
{
    igd_dataset *d;
    const char *folder = fixture_path("pickles");
    assert_true(mkdir(folder, 0777) == 0 || igd_path_is_folder(folder));
    assert_ok(igd_file_write(fixture_path("pickles/test_batch"), bytes, size));
    const igd_status st = igd_dataset_open(&d, fixture_path("pickles"), NULL);
    igd_dataset_free(d);
    return st;
}

#define assert_refused(bytes, text)                                                      \
    assert_fails(open_bytes(bytes, sizeof(bytes) - 1), IGD_EFORMAT, text)

static void test_cifar_python__other_pickles_are_refused(void **state)
{
    (void)state;
    // os.system("true"), in both spellings of a name
    assert_refused(
        "\x80\x02"
        "cos\nsystem\nU\x04true\x85R.",
        "pickle asks for os.system, which CIFAR's files do not; nothing was run");
    assert_refused("\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
                   "pickle asks for posix.system");
    assert_refused("\x80\x02"
                   "c__builtin__\neval\nU\x01"
                   "1\x85R.",
                   "pickle asks for __builtin__.eval");
    assert_refused("\x80\x02]\x81.", "pickle instruction 0x81"); // NEWOBJ
    assert_refused("\x80\x02P1\n.", "pickle instruction 0x50");  // a persistent id
    assert_refused("\x80\x02].", "pickle holds no dictionary");
    assert_refused("\x80\x02}.", "'data' is no array of bytes");
    assert_refused("\x80\x01}.", "not a pickle of protocol 2 to 5");
    assert_refused("(dp0\n.", "not a pickle of protocol 2 to 5");
    assert_refused("\x80\x02}", "damaged pickle");      // no end
    assert_refused("\x80\x02}}.", "damaged pickle");    // two values
    assert_refused("\x80\x02h\x05.", "damaged pickle"); // nothing remembered
    assert_refused("\x80\x02}(U\x01"
                   "au.",
                   "damaged pickle"); // a key alone
    assert_refused("\x80\x02s.", "damaged pickle");
    assert_refused("\x80\x02U\xff"
                   "a.",
                   "damaged pickle"); // longer than the file
    assert_refused("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "damaged pickle");
    assert_refused("\x80\x02}r\xff\xff\xff\xff.", "damaged pickle"); // a far place
}

static void test_cifar_python__damaged_files_are_refused(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t size;
    assert_ok(igd_file_read(&bytes, &size, GOLDEN "ten/test_batch", 1 << 20));
    for (size_t length = 0; length < size; length += length < 200 ? 1 : 211)
        assert_int_equal(open_bytes(bytes, length), IGD_EFORMAT);
    assert_ok(open_bytes(bytes, size));
    // The first label, an instruction K and its byte, after the key "labels".
    for (size_t i = 0; i + 12 < size; i++)
        if (memcmp(bytes + i, "labels", 6) == 0) {
            for (size_t j = i + 6; bytes[j - 1] != 'K'; j++)
                i = j;
            bytes[i + 1] = 10;
            break;
        }
    assert_fails(open_bytes(bytes, size), IGD_EFORMAT,
                 "test_batch: the label of image 0 is none of 10");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_cifar_python__both_sets_are_read),
        TENSOR_TEST(test_cifar_python__other_pickles_are_refused),
        TENSOR_TEST(test_cifar_python__damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
