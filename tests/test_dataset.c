// Data sets: every format, what options choose, and every fault with its file's name.
#include "fixture.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/file.h"
#include "core/npy.h"
#include "igdef/dataset.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/resample/"
#define CIFAR TEST_SOURCE_DIR "/tests/golden/cifar10"
#define FASHION "/usr/share/datasets/fashion-mnist"

enum { RECORD = 3073, PIXELS = 3072 };

// A folder below the test's own, made where it is missing.
static const char *make_folder(const char *name)
{
    const char *path = fixture_path(name);
    assert_true(mkdir(path, 0777) == 0 || igd_path_is_folder(path));
    return path;
}

// Writes folder/name; "" makes it empty.
static void put(const char *folder, const char *name, const void *data, size_t size)
{
    char *path = igd_path_join(folder, name);
    assert_ok(igd_file_write(path, data, size));
    free(path);
}

static void put_text(const char *folder, const char *name, const char *text)
{
    put(folder, name, text, strlen(text));
}

static void copy_image(const char *image, const char *folder, const char *name)
{
    unsigned char *bytes;
    size_t size;
    char path[512];
    snprintf(path, sizeof(path), GOLDEN "%s", image);
    assert_ok(igd_file_read(&bytes, &size, path, 1 << 20));
    put(folder, name, bytes, size);
    free(bytes);
}

static igd_status open_with(igd_dataset **d, const char *path,
                            const igd_dataset_options *o)
{
    return igd_dataset_open(d, path, o);
}

static igd_status open_plain(const char *path)
{
    igd_dataset *d;
    const igd_status st = igd_dataset_open(&d, path, NULL);
    if (st == IGD_OK)
        igd_dataset_free(d);
    else
        assert_null(d);
    return st;
}

// --- CIFAR --------------------------------------------------------------------------

// num records whose label is (first + i) % 10 and whose pixels are 7 * i + position.
static void put_cifar(const char *folder, const char *name, int num, int first)
{
    unsigned char *bytes = malloc((size_t)num * RECORD);
    for (int i = 0; i < num; i++) {
        bytes[i * RECORD] = (unsigned char)((first + i) % 10);
        for (int j = 0; j < PIXELS; j++)
            bytes[i * RECORD + 1 + j] = (unsigned char)(7 * (first + i) + j);
    }
    put(folder, name, bytes, (size_t)num * RECORD);
    free(bytes);
}

static void test_dataset__reads_cifar10(void **state)
{
    (void)state;
    const char *path = make_folder("cifar10");
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    float pixels[2 * PIXELS];
    put_cifar(path, "test_batch.bin", 12, 0);
    put_cifar(path, "data_batch_2.bin", 3, 5); // the first is absent
    put_cifar(path, "data_batch_5.bin", 2, 8);
    put_text(path, "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nlast one\n\n");
    assert_ok(igd_dataset_open(&d, path, NULL));
    assert_int_equal(igd_dataset_size(d), 12);
    assert_int_equal(igd_dataset_num_classes(d), 10);
    assert_memory_equal(igd_dataset_shape(d), ((const int64_t[]){3, 32, 32}), 24);
    assert_string_equal(igd_dataset_class_name(d, 9), "last one");
    assert_int_equal(igd_dataset_label(d, 11), 1);
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){11, 2}, 2));
    for (int j = 0; j < PIXELS; j++) {
        assert_true(pixels[j] == (float)(unsigned char)(77 + j) / 255.0f);
        assert_true(pixels[PIXELS + j] == (float)(unsigned char)(14 + j) / 255.0f);
    }
    assert_fails(igd_dataset_read(d, pixels, (const int64_t[]){12}, 1), IGD_EINVAL,
                 "image 12 is wanted of 12");
    igd_dataset_free(d);

    o.split = "train";
    assert_ok(open_with(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 5);
    const int labels[] = {5, 6, 7, 8, 9};
    for (int i = 0; i < 5; i++)
        assert_int_equal(igd_dataset_label(d, i), labels[i]);
    igd_dataset_free(d);
    igd_dataset_free(NULL);
}

static void test_dataset__reads_cifar100(void **state)
{
    (void)state;
    const char *path = make_folder("cifar100");
    igd_dataset *d;
    unsigned char bytes[2 * (RECORD + 1)] = {0};
    bytes[0] = 19; // the coarse label does not matter
    bytes[1] = 99;
    bytes[2] = 255;
    put(path, "test.bin", bytes, sizeof(bytes));
    assert_ok(igd_dataset_open(&d, path, NULL));
    assert_int_equal(igd_dataset_num_classes(d), 100);
    assert_int_equal(igd_dataset_label(d, 0), 99);
    assert_string_equal(igd_dataset_class_name(d, 99), "99");
    float pixels[PIXELS];
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){0}, 1));
    assert_true(pixels[0] == 1.0f && pixels[1] == 0.0f);
    igd_dataset_free(d);
    igd_dataset_options o = igd_dataset_options_default();
    o.split = "train";
    assert_fails(open_with(&d, path, &o), IGD_EINVAL,
                 "cifar100: no training images: train.bin is missing");
}

static void test_dataset__damaged_cifar_is_refused(void **state)
{
    (void)state;
    const char *path = make_folder("badcifar");
    unsigned char bytes[2 * RECORD] = {0};
    put(path, "test_batch.bin", bytes, sizeof(bytes) - 1);
    assert_fails(open_plain(path), IGD_EFORMAT,
                 "test_batch.bin: 6145 bytes are no whole number of 3073");
    put(path, "test_batch.bin", bytes, 0);
    assert_fails(open_plain(path), IGD_EFORMAT, "test_batch.bin: 0 bytes");
    bytes[RECORD] = 10;
    put(path, "test_batch.bin", bytes, sizeof(bytes));
    assert_fails(open_plain(path), IGD_EFORMAT,
                 "test_batch.bin: image 1 has label 10, of 10 classes");
    bytes[RECORD] = 9;
    put(path, "test_batch.bin", bytes, sizeof(bytes));
    put_text(path, "batches.meta.txt", "one\ntwo\n");
    assert_fails(open_plain(path), IGD_EFORMAT,
                 "batches.meta.txt: 2 class names for 10 classes");
}

// --- IDX ----------------------------------------------------------------------------

static size_t idx_images(unsigned char *out, int num, int h, int w)
{
    const unsigned char head[16] = {0, 0, 8, 3,
                                    0, 0, 0, (unsigned char)num,
                                    0, 0, 0, (unsigned char)h,
                                    0, 0, 0, (unsigned char)w};
    memcpy(out, head, 16);
    for (int i = 0; i < num * h * w; i++)
        out[16 + i] = (unsigned char)i;
    return 16 + (size_t)(num * h * w);
}

static void put_gzip(const char *folder, const char *name, const void *data, size_t size)
{
    char *path = igd_path_join(folder, name);
    gzFile f = gzopen(path, "wb");
    assert_int_equal(gzwrite(f, data, (unsigned)size), (int)size);
    assert_int_equal(gzclose(f), Z_OK);
    free(path);
}

static const unsigned char idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 1};

static void test_dataset__reads_idx_plain_and_gzip(void **state)
{
    (void)state;
    const char *path = make_folder("idx");
    unsigned char bytes[200];
    char first[65], second[65];
    igd_dataset *d;
    float pixels[20];
    const size_t n = idx_images(bytes, 3, 4, 5);
    put(path, "t10k-images-idx3-ubyte", bytes, n);
    put(path, "t10k-labels-idx1-ubyte", idx_labels, sizeof(idx_labels));
    assert_ok(igd_dataset_open(&d, path, NULL));
    assert_int_equal(igd_dataset_size(d), 3);
    assert_int_equal(igd_dataset_num_classes(d), 3);
    assert_string_equal(igd_dataset_class_name(d, 2), "2");
    assert_memory_equal(igd_dataset_shape(d), ((const int64_t[]){1, 4, 5}), 24);
    assert_int_equal(igd_dataset_label(d, 0), 2);
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){1}, 1));
    assert_true(pixels[3] == 23.0f / 255.0f);
    assert_ok(igd_dataset_sha256(d, first));
    igd_dataset_free(d);

    path = make_folder("idxgz");
    put_gzip(path, "train-images-idx3-ubyte.gz", bytes, n);
    put_gzip(path, "train-labels.idx1-ubyte.gz", idx_labels, sizeof(idx_labels));
    put_text(path, "classes.txt", "zero\r\none\r\n\r\ntwo\r\nthree\r\n"); // one more
    igd_dataset_options o = igd_dataset_options_default();
    o.split = "train";
    assert_ok(open_with(&d, path, &o));
    assert_int_equal(igd_dataset_num_classes(d), 4);
    assert_string_equal(igd_dataset_class_name(d, 3), "three");
    assert_ok(igd_dataset_sha256(d, second));
    assert_string_equal(first, second); // of the content, however it is packed
    igd_dataset_free(d);
    put_text(path, "classes.txt", "zero\none\n");
    assert_fails(open_with(&d, path, &o), IGD_EFORMAT,
                 "classes.txt: 2 class names for 3 classes");
    assert_fails(open_plain(path), IGD_EINVAL, "t10k-images-idx3-ubyte is missing");
}

static void test_dataset__damaged_idx_is_refused(void **state)
{
    (void)state;
    const char *path = make_folder("badidx");
    unsigned char bytes[200], labels[sizeof(idx_labels)];
    const size_t n = idx_images(bytes, 3, 4, 5);
    memcpy(labels, idx_labels, sizeof(labels));
    put(path, "t10k-images-idx3-ubyte", bytes, n);
    assert_fails(open_plain(path), IGD_EINVAL, "t10k-labels-idx1-ubyte is missing");
    put(path, "t10k-labels-idx1-ubyte", labels, sizeof(labels));
    for (size_t cut = 0; cut < n; cut++) {
        put(path, "t10k-images-idx3-ubyte", bytes, cut);
        assert_fails(open_plain(path), IGD_EFORMAT, "t10k-images-idx3-ubyte: ");
    }
    memset(bytes + 4, 0xff, 12);
    put(path, "t10k-images-idx3-ubyte", bytes, n);
    assert_fails(open_plain(path), IGD_EFORMAT, "not what its header says");
    memset(bytes + 8, 0, 4);
    put(path, "t10k-images-idx3-ubyte", bytes, n);
    assert_fails(open_plain(path), IGD_EFORMAT, "without content");
    idx_images(bytes, 3, 4, 5);
    put(path, "t10k-images-idx3-ubyte", bytes, n);
    put(path, "t10k-labels-idx1-ubyte", bytes, n);
    assert_fails(open_plain(path), IGD_EFORMAT, "not an IDX file of labels");
    labels[7] = 2;
    put(path, "t10k-labels-idx1-ubyte", labels, sizeof(labels) - 1);
    assert_fails(open_plain(path), IGD_EFORMAT, "idx1-ubyte: 2 labels for 3 images");
    put_text(path, "t10k-labels-idx1-ubyte", "\x1f\x8b\x08 no gzip");
    assert_fails(open_plain(path), IGD_EFORMAT, "idx1-ubyte: damaged gzip data");
}

// --- .npy ---------------------------------------------------------------------------

static void put_npy(const char *folder, const char *name, igd_npy_type type,
                    const int64_t *shape, int num_dims, const void *data)
{
    char *path = igd_path_join(folder, name);
    assert_ok(igd_npy_write(path, type, shape, num_dims, data));
    free(path);
}

static void test_dataset__reads_npy_in_each_layout(void **state)
{
    (void)state;
    const char *path = make_folder("npy");
    const int64_t labels[] = {0, 4};
    unsigned char bytes[2 * 3 * 2 * 4];
    float floats[2 * 3 * 2 * 4], pixels[3 * 2 * 4];
    for (int i = 0; i < 48; i++) {
        bytes[i] = (unsigned char)(5 * i);
        floats[i] = (float)i / 47.0f;
    }
    put_npy(path, "labels.npy", IGD_NPY_I64, (const int64_t[]){2}, 1, labels);
    static const struct {
        igd_npy_type type;
        int num_dims;
        int64_t shape[4], wanted[3];
        int at; // where the second image's pixel (c, y, x) = (0, 1, 2) lies
    } cases[] = {
        {IGD_NPY_U8, 4, {2, 3, 2, 4}, {3, 2, 4}, 24 + 6},
        {IGD_NPY_U8, 4, {2, 2, 4, 3}, {3, 2, 4}, 24 + 18},
        {IGD_NPY_F32, 4, {2, 3, 2, 4}, {3, 2, 4}, 24 + 6},
        {IGD_NPY_F32, 4, {2, 2, 4, 3}, {3, 2, 4}, 24 + 18},
        {IGD_NPY_U8, 3, {2, 6, 4}, {1, 6, 4}, 24 + 6},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_dataset *d;
        const bool u8 = cases[i].type == IGD_NPY_U8;
        put_npy(path, "images.npy", cases[i].type, cases[i].shape, cases[i].num_dims,
                u8 ? (const void *)bytes : floats);
        assert_ok(igd_dataset_open(&d, path, NULL));
        assert_int_equal(igd_dataset_size(d), 2);
        assert_int_equal(igd_dataset_num_classes(d), 5);
        assert_int_equal(igd_dataset_label(d, 1), 4);
        assert_memory_equal(igd_dataset_shape(d), cases[i].wanted, 24);
        assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){1}, 1));
        const int at = cases[i].at;
        assert_true(pixels[6] == (u8 ? (float)bytes[at] / 255.0f : floats[at]));
        igd_dataset_free(d);
    }

    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    char file[256];
    put_text(path, "y.txt", "cat\nant\n"); // names in byte order
    snprintf(file, sizeof(file), "%s/images.npy", path);
    const char *y = fixture_path("npy/y.txt");
    o.labels = y;
    assert_ok(open_with(&d, file, &o));
    assert_int_equal(igd_dataset_label(d, 0), 1);
    assert_string_equal(igd_dataset_class_name(d, 1), "cat");
    igd_dataset_free(d);
}

static void test_dataset__damaged_npy_is_refused(void **state)
{
    (void)state;
    const char *path = make_folder("badnpy");
    float floats[2 * 3 * 2 * 2] = {0};
    int32_t labels[] = {0, 1};
    const int64_t shape[] = {2, 3, 2, 2};
    put_npy(path, "images.npy", IGD_NPY_F32, shape, 4, floats);
    assert_fails(open_plain(path), IGD_EINVAL, "labels.npy is missing");
    put_npy(path, "labels.npy", IGD_NPY_I32, (const int64_t[]){1}, 1, labels);
    assert_fails(open_plain(path), IGD_EFORMAT, "labels.npy: 1 labels for 2 images");
    put_npy(path, "labels.npy", IGD_NPY_F32, (const int64_t[]){2}, 1, floats);
    assert_fails(open_plain(path), IGD_EFORMAT,
                 "labels.npy: labels are float32; numpy.save(path, y.astype('int64'))");
    labels[1] = -1;
    put_npy(path, "labels.npy", IGD_NPY_I32, (const int64_t[]){2}, 1, labels);
    assert_fails(open_plain(path), IGD_EFORMAT, "labels.npy: label -1 of image 1");
    labels[1] = 1 << 30;
    put_npy(path, "labels.npy", IGD_NPY_I32, (const int64_t[]){2}, 1, labels);
    assert_fails(open_plain(path), IGD_EFORMAT, "label 1073741824 of image 1 is out of");
    labels[1] = 1;
    put_npy(path, "labels.npy", IGD_NPY_I32, (const int64_t[]){2}, 1, labels);
    const float bad[] = {NAN, -1e-6f, 1.00001f, INFINITY};
    for (int i = 0; i < 4; i++) {
        floats[13] = bad[i];
        put_npy(path, "images.npy", IGD_NPY_F32, shape, 4, floats);
        assert_fails(open_plain(path), IGD_EFORMAT,
                     "images.npy: image 1 has a pixel of ");
    }
    put_npy(path, "images.npy", IGD_NPY_F64, (const int64_t[]){1, 1, 1, 3}, 4, floats);
    assert_fails(open_plain(path), IGD_EFORMAT,
                 "images.npy: images are float64, neither");
    put_npy(path, "images.npy", IGD_NPY_U8, (const int64_t[]){2, 4, 2, 2}, 4, floats);
    assert_fails(open_plain(path), IGD_EFORMAT, "not images of 1 or 3 channels");
    put_npy(path, "images.npy", IGD_NPY_U8, (const int64_t[]){24}, 1, floats);
    assert_fails(open_plain(path), IGD_EFORMAT, "not images of 1 or 3 channels");
    put_npy(path, "images.npy", IGD_NPY_U8, (const int64_t[]){0, 3, 2, 2}, 4, floats);
    assert_fails(open_plain(path), IGD_EFORMAT, "axis 0 has length 0");
    put_text(path, "images.npy", "text");
    assert_fails(open_plain(path), IGD_EFORMAT, "images.npy: not an .npy file");
}

// --- Folders ------------------------------------------------------------------------

// Two classes, "B" before "a", with three images of 61 x 41.
static const char *make_class_folders(const char *name)
{
    char folder[64];
    snprintf(folder, sizeof(folder), "%s", name);
    make_folder(folder);
    snprintf(folder, sizeof(folder), "%s/a", name);
    copy_image("colour.jpg", make_folder(folder), "one.JPEG");
    put_text(fixture_path(folder), "notes.txt", "not an image");
    snprintf(folder, sizeof(folder), "%s/B", name);
    copy_image("plain.bmp", make_folder(folder), "two.bmp");
    copy_image("grey.png", fixture_path(folder), "Three.png");
    return fixture_path(name);
}

static void test_dataset__reads_class_folders(void **state)
{
    (void)state;
    const char *path = make_class_folders("classes");
    igd_dataset *d;
    igd_npy wanted;
    float *pixels = malloc(3 * 41 * 61 * sizeof(*pixels));
    assert_ok(igd_dataset_open(&d, path, NULL));
    assert_int_equal(igd_dataset_size(d), 3);
    assert_int_equal(igd_dataset_num_classes(d), 2);
    assert_string_equal(igd_dataset_class_name(d, 0), "B");
    assert_string_equal(igd_dataset_class_name(d, 1), "a");
    const int labels[] = {0, 0, 1}; // B/Three.png, B/two.bmp, a/one.JPEG
    for (int i = 0; i < 3; i++)
        assert_int_equal(igd_dataset_label(d, i), labels[i]);
    assert_memory_equal(igd_dataset_shape(d), ((const int64_t[]){3, 41, 61}), 24);
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){1}, 1));
    assert_ok(igd_npy_read(&wanted, GOLDEN "plain.bmp.none.npy"));
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 41 * 61; i++)
            assert_true(pixels[c * 41 * 61 + i] ==
                        (float)((uint8_t *)wanted.data)[i * 3 + c] / 255.0f);
    igd_npy_free(&wanted);
    igd_dataset_free(d);
    free(pixels);

    put_text(path, "classes.txt", "big\nlittle\n");
    assert_ok(igd_dataset_open(&d, path, NULL));
    assert_string_equal(igd_dataset_class_name(d, 0), "big");
    igd_dataset_free(d);
    put_text(path, "classes.txt", "big\nlittle\nnone\n");
    assert_fails(open_plain(path), IGD_EFORMAT, "3 class names for 2 classes");
}

static void test_dataset__preprocess_makes_sizes_equal(void **state)
{
    (void)state;
    make_folder("sizes");
    copy_image("wide.png", make_folder("sizes/x"), "1.png");
    copy_image("grey.png", fixture_path("sizes/x"), "2.png");
    const char *path = fixture_path("sizes");
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    igd_npy wanted;
    float *pixels = malloc(2 * 3 * 224 * 224 * sizeof(*pixels));
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_fails(igd_dataset_read(d, pixels, (const int64_t[]){1}, 1), IGD_EFORMAT,
                 "x/2.png: 61 x 41 pixels where the first image has 173 x 131");
    igd_dataset_free(d);
    o.preprocess = "BicubicRes256Crop224";
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_memory_equal(igd_dataset_shape(d), ((const int64_t[]){3, 224, 224}), 24);
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){1, 0}, 2));
    assert_ok(igd_npy_read(&wanted, GOLDEN "wide.png.BicubicRes256Crop224.npy"));
    const float *second = pixels + 3 * 224 * 224;
    for (int i = 0; i < 224 * 224; i++)
        assert_true(second[i] == (float)((uint8_t *)wanted.data)[i * 3] / 255.0f);
    igd_npy_free(&wanted);
    igd_dataset_free(d);
    free(pixels);
    o.preprocess = "Res256";
    assert_fails(open_with(&d, path, &o), IGD_EINVAL, "no preprocess is called");
}

static void test_dataset__splits_are_folders_too(void **state)
{
    (void)state;
    make_folder("imagenet");
    make_class_folders("imagenet/val");
    make_folder("imagenet/train");
    copy_image("plain.bmp", make_folder("imagenet/train/only"), "x.bmp");
    const char *path = fixture_path("imagenet");
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    assert_ok(open_with(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 3);
    igd_dataset_free(d);
    o.split = "train";
    assert_ok(open_with(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 1);
    assert_string_equal(igd_dataset_class_name(d, 0), "only");
    igd_dataset_free(d);
    o.split = "validation";
    assert_fails(open_with(&d, path, &o), IGD_EINVAL, "split \"validation\" is neither");
    make_folder("onlytest");
    make_folder("onlytest/test");
    copy_image("plain.bmp", make_folder("onlytest/test/only"), "x.bmp");
    o.split = "train";
    assert_fails(open_with(&d, fixture_path("onlytest"), &o), IGD_EINVAL,
                 "onlytest: has no folder \"train\" with images");
}

static const char *make_flat_folder(void)
{
    const char *path = make_folder("flat");
    copy_image("plain.bmp", path, "c.bmp");
    copy_image("grey.png", path, "a.png");
    copy_image("colour.jpg", path, "b.jpg");
    return path;
}

static void test_dataset__reads_flat_folders_with_labels(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int labels[3], num_classes; // of a.png, b.jpg, c.bmp
    } cases[] = {
        {"2\n0\n1\n", {2, 0, 1}, 3},
        {"c.bmp 7\na.png 0\nb.jpg 5", {0, 5, 7}, 8},
        {"val/c,1\nval/a,0\nval/b,1\n", {0, 1, 1}, 2},
        {"c.bmp\tgreat white shark\nb.jpg\ttench\na.png\tgreat white shark",
         {0, 1, 0},
         2},
        {"\xef\xbb\xbf./a.png,  n02\nb.jpg, n01\nc.bmp, n02\n", {1, 0, 1}, 2},
    };
    const char *path = make_flat_folder();
    igd_dataset_options o = igd_dataset_options_default();
    o.labels = fixture_path("labels.txt");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_dataset *d;
        assert_ok(igd_file_write(o.labels, cases[i].text, strlen(cases[i].text)));
        assert_ok(open_with(&d, path, &o));
        assert_int_equal(igd_dataset_num_classes(d), cases[i].num_classes);
        for (int j = 0; j < 3; j++)
            assert_int_equal(igd_dataset_label(d, j), cases[i].labels[j]);
        if (i == 3)
            assert_string_equal(igd_dataset_class_name(d, 0), "great white shark");
        igd_dataset_free(d);
    }
}

static void test_dataset__labels_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"0\n1\n", "labels.txt: 2 labels for 3 images"},
        {"", "labels.txt: 0 labels for 3 images"},
        {"0\n1\n99999999999\n", "line 3: label 99999999999 is out of range"},
        {"a.png 0\nb.jpg 1\n", "labels.txt: no label for c.bmp"},
        {"a.png 0\na.png 1\n", "labels.txt: line 2: \"a.png\" appears twice"},
        {"a.png 0\nd.png 1\n", "labels.txt: line 2: \"d.png\" is no image of the folder"},
        {"a.jpg 0\n",
         "labels.txt: line 1: \"a.jpg\" is no image"}, // the suffix is another
        {"a.png 0\nb.jpg\n", "labels.txt: line 2: \"b.jpg\" is no image name and label"},
    };
    const char *path = make_flat_folder();
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    assert_fails(open_plain(path), IGD_EINVAL, "flat: images without class folders need");
    o.labels = fixture_path("labels.txt");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(igd_file_write(o.labels, cases[i].text, strlen(cases[i].text)));
        assert_fails(open_with(&d, path, &o), IGD_EFORMAT, cases[i].message);
    }
    assert_ok(igd_file_write(o.labels, "0\n\0\n1", 5));
    assert_fails(open_with(&d, path, &o), IGD_EFORMAT, "labels.txt: not a text file");
    o.labels = "/nowhere/labels.txt";
    assert_fails(open_with(&d, path, &o), IGD_EIO, "/nowhere/labels.txt: No such file");
    o.labels = fixture_path("labels.txt");
    assert_fails(open_with(&d, make_class_folders("classes2"), &o), IGD_EINVAL,
                 "class folders are its labels");
}

static void test_dataset__damaged_folders_are_refused(void **state)
{
    (void)state;
    assert_fails(open_plain(fixture_path("absent")), IGD_EIO, "absent: no such file");
    assert_fails(open_plain(make_folder("empty")), IGD_EFORMAT, "empty: no data set");
    put_text(make_folder("texts"), "x.txt", "x");
    assert_fails(open_plain(fixture_path("texts")), IGD_EFORMAT, "texts: no data set");
    const char *path = make_class_folders("broken");
    make_folder("broken/z");
    assert_ok(open_plain(path)); // passed over, with a note
    put_text(fixture_path("broken/z"), "x.webp", "RIFF");
    assert_fails(open_plain(path), IGD_EFORMAT, "z/x.webp: neither a JPEG, a PNG nor");
    assert_int_equal(unlink(fixture_path("broken/z/x.webp")), 0);
    put_text(fixture_path("broken/z"), "x.jpg", "\xff\xd8\xff no jpeg");
    igd_dataset *d;
    float *pixels = malloc(3 * 41 * 61 * sizeof(*pixels));
    assert_ok(igd_dataset_open(&d, path, NULL)); // the first image is good
    assert_fails(igd_dataset_read(d, pixels, (const int64_t[]){3}, 1), IGD_EFORMAT,
                 "broken/z/x.jpg: truncated or damaged JPEG");
    igd_dataset_free(d);
    free(pixels);
    put_text(fixture_path("broken/B"), "Three.png", "text");
    assert_fails(open_plain(path), IGD_EFORMAT, "B/Three.png: neither a JPEG");
    assert_fails(open_plain(GOLDEN "wide.png"), IGD_EFORMAT,
                 "wide.png: is a single image; data sets are folders of images");
}

static void test_dataset__options_of_other_formats_are_refused(void **state)
{
    (void)state;
    const char *path = make_folder("cifar10b");
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    put_cifar(path, "test_batch.bin", 1, 0);
    o.preprocess = "Crop288";
    assert_fails(open_with(&d, path, &o), IGD_EINVAL,
                 "cifar10b: preprocess \"Crop288\" is for folders");
    o.preprocess = NULL;
    o.labels = path;
    assert_fails(open_with(&d, path, &o), IGD_EINVAL, "cifar10b: has labels of its own");
}

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
        assert_ok(open_with(&d, path, &o));
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
        {"", NULL, "images 0 to 0 are wanted of 0"},
    };
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    o.ids = fixture_path("names.txt");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(igd_file_write(o.ids, cases[i].ids, strlen(cases[i].ids)));
        if (cases[i].wanted == NULL) {
            assert_fails(open_with(&d, path, &o), IGD_EINVAL, cases[i].message);
            continue;
        }
        assert_ok(open_with(&d, path, &o));
        assert_string_equal(indices(d), cases[i].wanted);
        igd_dataset_free(d);
    }
    o.ids = "/nowhere/ids.txt";
    assert_fails(open_with(&d, path, &o), IGD_EIO, "/nowhere/ids.txt: No such file");
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
    assert_ok(open_with(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 50);
    snprintf(first, sizeof(first), "%s", indices(d));
    for (int64_t i = 0; i < 50; i++) {
        half[igd_dataset_index(d, i)] = true;
        assert_true(i == 0 || igd_dataset_index(d, i) > igd_dataset_index(d, i - 1));
    }
    igd_dataset_free(d);
    assert_ok(open_with(&d, path, &o));
    assert_string_equal(indices(d), first);
    igd_dataset_free(d);
    o.fraction = 0.1;
    assert_ok(open_with(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 10);
    for (int64_t i = 0; i < 10; i++)
        assert_true(half[igd_dataset_index(d, i)]);
    igd_dataset_free(d);
    o.fraction = 1e-9;
    assert_ok(open_with(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 1);
    igd_dataset_free(d);
    o.fraction = 0.5;
    o.seed = 1;
    assert_ok(open_with(&d, path, &o));
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
        assert_fails(open_with(&d, path, &o), IGD_EINVAL, cases[i].message);
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
        assert_ok(open_with(&d, path, &o));
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

// --- Real data ----------------------------------------------------------------------

static void test_dataset__fashion_mnist(void **state)
{
    (void)state;
    if (!igd_path_is_folder(FASHION))
        fixture_skip(FASHION " is not installed");
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    float pixels[784], sum = 0;
    assert_ok(igd_dataset_open(&d, FASHION, NULL));
    assert_int_equal(igd_dataset_size(d), 10000);
    assert_int_equal(igd_dataset_num_classes(d), 10);
    int counts[10] = {0};
    for (int i = 0; i < 10000; i++)
        counts[igd_dataset_label(d, i)]++;
    for (int c = 0; c < 10; c++)
        assert_int_equal(counts[c], 1000);
    assert_int_equal(igd_dataset_label(d, 0), 9); // an ankle boot
    assert_ok(igd_dataset_read(d, pixels, (const int64_t[]){0}, 1));
    for (int i = 0; i < 784; i++)
        sum += pixels[i];
    assert_true(sum > 100 && sum < 200);
    igd_dataset_free(d);
    o.split = "train";
    o.first = 59999;
    assert_ok(open_with(&d, FASHION, &o));
    assert_int_equal(igd_dataset_size(d), 1);
    igd_dataset_free(d);
}

static void test_dataset__cifar10(void **state)
{
    (void)state;
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    assert_ok(igd_dataset_open(&d, CIFAR, NULL));
    assert_int_equal(igd_dataset_size(d), 20);
    assert_string_equal(igd_dataset_class_name(d, 0), "airplane");
    igd_dataset_free(d);
    o.split = "train";
    assert_ok(open_with(&d, CIFAR, &o));
    assert_int_equal(igd_dataset_size(d), 30);
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
        cmocka_unit_test(test_dataset__reads_cifar10),
        cmocka_unit_test(test_dataset__reads_cifar100),
        cmocka_unit_test(test_dataset__damaged_cifar_is_refused),
        cmocka_unit_test(test_dataset__reads_idx_plain_and_gzip),
        cmocka_unit_test(test_dataset__damaged_idx_is_refused),
        cmocka_unit_test(test_dataset__reads_npy_in_each_layout),
        cmocka_unit_test(test_dataset__damaged_npy_is_refused),
        cmocka_unit_test(test_dataset__reads_class_folders),
        cmocka_unit_test(test_dataset__preprocess_makes_sizes_equal),
        cmocka_unit_test(test_dataset__splits_are_folders_too),
        cmocka_unit_test(test_dataset__reads_flat_folders_with_labels),
        cmocka_unit_test(test_dataset__labels_that_do_not_fit_are_refused),
        cmocka_unit_test(test_dataset__damaged_folders_are_refused),
        cmocka_unit_test(test_dataset__options_of_other_formats_are_refused),
        cmocka_unit_test(test_dataset__first_count_and_ids_choose),
        cmocka_unit_test(test_dataset__ids_may_be_names),
        cmocka_unit_test(test_dataset__a_fraction_is_seeded_and_nested),
        cmocka_unit_test(test_dataset__choices_out_of_range_are_refused),
        cmocka_unit_test(test_dataset__digest_is_of_images_and_labels),
        cmocka_unit_test(test_dataset__takes_floats),
        cmocka_unit_test(test_dataset__takes_image_files),
        cmocka_unit_test(test_dataset__parts_make_up_the_whole),
        cmocka_unit_test(test_dataset__parts_cost_the_same),
        cmocka_unit_test(test_dataset__impossible_parts_are_refused),
        cmocka_unit_test(test_dataset__fashion_mnist),
        cmocka_unit_test(test_dataset__cifar10),
    };
    return fixture_result(cmocka_run_group_tests(tests, NULL, NULL));
}
