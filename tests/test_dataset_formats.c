// Data sets: every format, and every fault with its file's name.
#include "dataset_fixture.h"

#include <zlib.h>

#include "core/npy.h"

#define CIFAR TEST_SOURCE_DIR "/tests/golden/cifar10"
#define FASHION "/usr/share/datasets/fashion-mnist"

// --- CIFAR --------------------------------------------------------------------------

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
    assert_ok(igd_dataset_open(&d, path, &o));
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
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EINVAL,
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
    put_text(path, "batches.meta.txt",
             "truck\nship\nhorse\nfrog\ndog\ndeer\ncat\nbird\nautomobile\nairplane\n");
    assert_fails(
        open_plain(path), IGD_EFORMAT,
        "batches.meta.txt: class 0 is \"truck\", which CIFAR-10 calls \"airplane\"");
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
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_int_equal(igd_dataset_num_classes(d), 4);
    assert_string_equal(igd_dataset_class_name(d, 3), "three");
    assert_ok(igd_dataset_sha256(d, second));
    assert_string_equal(first, second); // of the content, however it is packed
    igd_dataset_free(d);
    put_text(path, "classes.txt", "zero\none\n");
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EFORMAT,
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
    assert_ok(igd_dataset_open(&d, file, &o));
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
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EINVAL, "no preprocess is called");
}

static void test_dataset__splits_are_folders_too(void **state)
{
    (void)state;
    make_folder("imagenet");
    make_class_folders("imagenet/val");
    make_folder("imagenet/train");
    copy_image("plain.bmp", make_folder("imagenet/train/only"), "x.bmp");
    copy_image("plain.bmp", fixture_path("imagenet/train/only"), "y.JFIF"); // by content
    const char *path = fixture_path("imagenet");
    igd_dataset_options o = igd_dataset_options_default();
    igd_dataset *d;
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 3);
    igd_dataset_free(d);
    o.split = "train";
    assert_ok(igd_dataset_open(&d, path, &o));
    assert_int_equal(igd_dataset_size(d), 2);
    assert_string_equal(igd_dataset_class_name(d, 0), "only");
    igd_dataset_free(d);
    o.split = "validation";
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EINVAL,
                 "split \"validation\" is neither");
    make_folder("onlytest");
    make_folder("onlytest/test");
    copy_image("plain.bmp", make_folder("onlytest/test/only"), "x.bmp");
    o.split = "train";
    assert_fails(igd_dataset_open(&d, fixture_path("onlytest"), &o), IGD_EINVAL,
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
        assert_ok(igd_dataset_open(&d, path, &o));
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
        assert_fails(igd_dataset_open(&d, path, &o), IGD_EFORMAT, cases[i].message);
    }
    assert_ok(igd_file_write(o.labels, "0\n\0\n1", 5));
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EFORMAT,
                 "labels.txt: not a text file in UTF-8");
    o.labels = GOLDEN "wide.png";
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EFORMAT,
                 "wide.png: is a single image");
    o.labels = "/nowhere/labels.txt";
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EIO,
                 "/nowhere/labels.txt: No such file");
    o.labels = fixture_path("labels.txt");
    assert_fails(igd_dataset_open(&d, make_class_folders("classes2"), &o), IGD_EINVAL,
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
    static const char *const foreign[] = {"x.webp", "x.AVIF"};
    for (size_t i = 0; i < 2; i++) {
        char name[64], message[128];
        put_text(fixture_path("broken/z"), foreign[i], "RIFF");
        snprintf(message, sizeof(message),
                 "z/%s: neither a JPEG, a PNG nor a BMP file; in Python, PIL.Image",
                 foreign[i]);
        assert_fails(open_plain(path), IGD_EFORMAT, message);
        snprintf(name, sizeof(name), "broken/z/%s", foreign[i]);
        assert_int_equal(unlink(fixture_path(name)), 0);
    }
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
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EINVAL,
                 "cifar10b: preprocess \"Crop288\" is for folders");
    o.preprocess = NULL;
    o.labels = path;
    assert_fails(igd_dataset_open(&d, path, &o), IGD_EINVAL,
                 "cifar10b: has labels of its own");
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
    assert_ok(igd_dataset_open(&d, FASHION, &o));
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
    assert_ok(igd_dataset_open(&d, CIFAR, &o));
    assert_int_equal(igd_dataset_size(d), 30);
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
        cmocka_unit_test(test_dataset__fashion_mnist),
        cmocka_unit_test(test_dataset__cifar10),
    };
    return fixture_result(cmocka_run_group_tests(tests, NULL, NULL));
}
