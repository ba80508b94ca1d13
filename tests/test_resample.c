// Image files, resizing and RobustBench's preparations against what Pillow makes of them.
#include "fixture.h"

#include <math.h>
#include <zlib.h>

#include "core/file.h"
#include "core/npy.h"
#include "data/decode.h"
#include "data/resample.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/resample/"

static void read_golden(igd_npy *out, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), GOLDEN "%s", name);
    assert_ok(igd_npy_read(out, path));
    assert_int_equal(out->type, IGD_NPY_U8);
    assert_int_equal(out->num_dims, 3);
    assert_int_equal(out->shape[2], 3);
}

static void decode_file(igd_image *out, const char *name)
{
    char path[512];
    unsigned char *bytes;
    size_t size;
    snprintf(path, sizeof(path), GOLDEN "%s", name);
    assert_ok(igd_file_read(&bytes, &size, path, 1 << 20));
    assert_ok(igd_image_decode(out, bytes, size, path));
    free(bytes);
}

// Largest difference in grey levels; also how many of a million differ by more than
// `allowed`.
static int compare(const igd_image *image, const igd_npy *wanted, int allowed,
                   int64_t *per_million)
{
    int most = 0;
    int64_t beyond = 0;
    assert_int_equal(image->height, wanted->shape[0]);
    assert_int_equal(image->width, wanted->shape[1]);
    assert_int_equal(image->channels, wanted->shape[2]);
    for (int64_t i = 0; i < wanted->size; i++) {
        const int d = abs(image->pixels[i] - ((const uint8_t *)wanted->data)[i]);
        most = d > most ? d : most;
        beyond += d > allowed;
    }
    *per_million = beyond * 1000000 / wanted->size;
    return most;
}

static void test_resample__resize_equals_pillow(void **state)
{
    (void)state;
    static const int sizes[][2] = {{7, 5},   {41, 9},  {16, 60},
                                   {97, 60}, {41, 31}, {96, 61}}; // width, height
    static const char *const filters[] = {"bilinear", "bicubic"};
    igd_npy in, wanted;
    read_golden(&in, "resize.npy");
    const igd_image image = {97, 61, 3, in.data};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int f = 0; f < 2; f++) {
            igd_image out;
            int64_t differ;
            char name[64];
            snprintf(name, sizeof(name), "resize.%s.%dx%d.npy", filters[f], sizes[i][0],
                     sizes[i][1]);
            read_golden(&wanted, name);
            assert_ok(
                igd_image_resize(&out, &image, sizes[i][0], sizes[i][1], (igd_filter)f));
            assert_int_equal(compare(&out, &wanted, 0, &differ), 0);
            igd_image_free(&out);
            igd_npy_free(&wanted);
        }
    igd_npy_free(&in);
}

static void test_resample__presets_equal_robustbench(void **state)
{
    (void)state;
    static const char *const presets[] = {"none", "Res256Crop224", "Crop288", "Res224",
                                          "BicubicRes256Crop224"};
    igd_image image;
    decode_file(&image, "wide.png");
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        const igd_preprocess *p;
        igd_image out;
        igd_npy wanted;
        int64_t differ;
        char name[64];
        snprintf(name, sizeof(name), "wide.png.%s.npy", presets[i]);
        read_golden(&wanted, name);
        assert_ok(igd_preprocess_find(&p, presets[i]));
        assert_ok(igd_image_preprocess(&out, &image, p));
        assert_int_equal(compare(&out, &wanted, 0, &differ), 0);
        igd_image_free(&out);
        igd_npy_free(&wanted);
    }
    igd_image_free(&image);
}

static void test_resample__files_decode_as_pillow_decodes_them(void **state)
{
    (void)state;
    static const char *const files[] = {"grey.png",  "alpha.png", "palette.png",
                                        "plain.bmp", "grey.jpg",  "colour.jpg",
                                        "cmyk.jpg"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        igd_image image;
        igd_npy wanted;
        int64_t differ;
        char name[64];
        snprintf(name, sizeof(name), "%s.none.npy", files[i]);
        read_golden(&wanted, name);
        decode_file(&image, files[i]);
        assert_int_equal(compare(&image, &wanted, 0, &differ), 0);
        igd_image_free(&image);
        igd_npy_free(&wanted);
    }
}

static void test_resample__a_resized_photo_is_pillows(void **state)
{
    (void)state;
    const igd_preprocess *p;
    igd_image image, out;
    igd_npy wanted;
    int64_t differ;
    read_golden(&wanted, "tall.jpg.Res256Crop224.npy");
    decode_file(&image, "tall.jpg");
    assert_ok(igd_preprocess_find(&p, "Res256Crop224"));
    assert_ok(igd_image_preprocess(&out, &image, p));
    assert_int_equal(compare(&out, &wanted, 0, &differ), 0);
    igd_image_free(&image);
    igd_image_free(&out);
    igd_npy_free(&wanted);
}

static void test_resample__floats_round_to_the_nearest_grey(void **state)
{
    (void)state;
    const float data[] = {0, 1, 0.4980f, 0.4f, 0.25f, 0.75f}; // [3, 1, 2]
    igd_image image;
    float back[6];
    assert_ok(igd_image_from_floats(&image, data, (const int64_t[]){3, 1, 2}));
    const unsigned char wanted[] = {0, 127, 64, 255, 102, 191}; // interleaved
    assert_memory_equal(image.pixels, wanted, sizeof(wanted));
    igd_image_to_floats(back, &image);
    for (int i = 0; i < 6; i++)
        assert_true(fabsf(back[i] - data[i]) <= 0.5f / 255.0f);
    igd_image_free(&image);
}

static void test_resample__absurd_sizes_are_refused(void **state)
{
    (void)state;
    unsigned char pixels[3] = {0};
    const igd_image narrow = {1, 1, 3, pixels};
    const igd_preprocess *p;
    igd_image out;
    assert_fails(igd_preprocess_find(&p, "Res256crop224"), IGD_EINVAL,
                 "no preprocess is called \"Res256crop224\"; nearest: \"Res256Crop224\"");
    assert_fails(igd_preprocess_find(&p, "zoom"), IGD_EINVAL, "called \"zoom\"");
    assert_fails(igd_image_resize(&out, &narrow, 1 << 20, 1 << 20, IGD_FILTER_BILINEAR),
                 IGD_EFORMAT, "1 x 1 pixels cannot become 1048576 x 1048576");
    assert_fails(igd_image_resize(&out, &narrow, 0, 1, IGD_FILTER_BICUBIC), IGD_EFORMAT,
                 "cannot become");
    assert_fails(igd_image_new(&out, 1 << 30, 1 << 30, 3), IGD_EFORMAT, "an image of");
    igd_image line;
    assert_ok(igd_image_new(&line, 1, 1 << 22, 1));
    memset(line.pixels, 0, 1 << 22);
    assert_ok(igd_preprocess_find(&p, "Res256Crop224"));
    assert_fails(igd_image_preprocess(&out, &line, p), IGD_EFORMAT,
                 "1 x 4194304 pixels cannot become 256 x 1073741824");
    assert_null(out.pixels);
    igd_image_free(&line);
}

static void test_resample__crops_round_half_a_pixel_to_even(void **state)
{
    (void)state;
    static const struct {
        int width, height;
        int left, top; // where the crop of 4 x 4 starts; negative where black is put
    } cases[] = {{4, 4, 0, 0},  {5, 6, 0, 1},  {7, 8, 2, 2},
                 {9, 11, 2, 4}, {3, 2, 0, -1}, {1, 9, -1, 2}};
    const igd_preprocess crop = {.crop = 4};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int width = cases[i].width, height = cases[i].height;
        igd_image image, out;
        assert_ok(igd_image_new(&image, width, height, 1));
        for (int j = 0; j < width * height; j++)
            image.pixels[j] = (unsigned char)(1 + j);
        assert_ok(igd_image_preprocess(&out, &image, &crop));
        for (int j = 0; j < 16; j++) {
            const int x = j % 4 + cases[i].left, y = j / 4 + cases[i].top;
            const bool inside = x >= 0 && x < width && y >= 0 && y < height;
            assert_int_equal(out.pixels[j], inside ? 1 + y * width + x : 0);
        }
        igd_image_free(&image);
        igd_image_free(&out);
    }
}

static void test_resample__cmyk_needs_no_adobe_segment(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t size, at = 2;
    igd_image with, without;
    decode_file(&with, "cmyk.jpg");
    assert_ok(igd_file_read(&bytes, &size, GOLDEN "cmyk.jpg", 1 << 20));
    while (bytes[at + 1] != 0xee) // other segments
        at += 2 + ((size_t)bytes[at + 2] << 8 | bytes[at + 3]);
    const size_t next = at + 2 + ((size_t)bytes[at + 2] << 8 | bytes[at + 3]);
    memmove(bytes + at, bytes + next, size - next);
    assert_ok(igd_image_decode(&without, bytes, size - (next - at), "x"));
    assert_memory_equal(with.pixels, without.pixels, 61 * 41 * 3);
    igd_image_free(&with);
    igd_image_free(&without);
    free(bytes);
}

static void refuse(const unsigned char *bytes, size_t size, const char *message)
{
    igd_image image;
    assert_fails(igd_image_decode(&image, bytes, size, "x"), IGD_EFORMAT, message);
    assert_null(image.pixels);
}

static void test_resample__damaged_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *cut;
    } files[] = {{"wide.png", "x: truncated or damaged PNG"},
                 {"colour.jpg", "x: truncated or damaged JPEG"},
                 {"plain.bmp", "x: truncated BMP"}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        unsigned char *bytes;
        size_t size;
        char path[512];
        snprintf(path, sizeof(path), GOLDEN "%s", files[i].name);
        assert_ok(igd_file_read(&bytes, &size, path, 1 << 20));
        refuse(bytes, size - 30, files[i].cut);
        refuse(bytes, size / 2, files[i].cut);
        for (size_t cut = 0; cut < 100; cut++) { // within the headers
            igd_image image;
            assert_int_equal(igd_image_decode(&image, bytes, cut, "x"), IGD_EFORMAT);
        }
        if (i == 0) {
            bytes[size / 2] ^= 1;
            refuse(bytes, size, "x: truncated or damaged PNG");
        }
        free(bytes);
    }
    refuse((const unsigned char *)"GIF89a", 6, "x: neither a JPEG, a PNG nor a BMP");
    refuse((const unsigned char *)"GIF89a\1\0\1\0\0\0", 12,
           "x: neither a JPEG, a PNG nor a BMP file; in Python, PIL.Image.open(path)");
    refuse((const unsigned char *)"II*\0\10\0\0\0\0\0\0\0", 12,
           "x: neither a JPEG, a PNG nor a BMP file; in Python, PIL.Image.open(path)");
    refuse((const unsigned char *)"", 0, "x: neither a JPEG");
}

static void test_resample__damage_within_a_jpeg_is_refused(void **state)
{
    (void)state;
    // A table of codes that lists more symbols than there are.
    static const unsigned char table[341] = {0xff, 0xc4, 1,  83, 0,  20, 20,
                                             20,   20,   20, 20, 20, 20, 20,
                                             20,   20,   20, 20, 20, 20, 20};
    unsigned char *bytes;
    size_t size;
    assert_ok(igd_file_read(&bytes, &size, GOLDEN "colour.jpg", 1 << 20));
    unsigned char *copy = malloc(size + sizeof(table));
    assert_non_null(copy);
    memcpy(copy, bytes, 2);
    memcpy(copy + 2, table, sizeof(table));
    memcpy(copy + 2 + sizeof(table), bytes + 2, size - 2);
    refuse(copy, size + sizeof(table), "x: truncated or damaged JPEG file: ");
    free(copy);
    memset(bytes + 1000, 0xa5, 600); // within the scan
    refuse(bytes, size, "x: truncated or damaged JPEG file: ");
    free(bytes);
}

static size_t add_chunk(unsigned char *out, const char *type, const void *data,
                        size_t size)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(size >> (24 - 8 * i));
    memcpy(out + 4, type, 4);
    memcpy(out + 8, data, size);
    const uLong check = crc32(0, out + 4, (uInt)size + 4);
    for (int i = 0; i < 4; i++)
        out[8 + size + (size_t)i] = (unsigned char)(check >> (24 - 8 * i));
    return size + 12;
}

static void test_resample__a_png_cannot_grow_beyond_its_pixels(void **state)
{
    (void)state;
    // A grey image of 1 x 1, whose data are 4 MiB, hardly compressed.
    unsigned char header[13] = {0, 0, 0, 1, 0, 0, 0, 1, 8};
    const uLong plain = 4 << 20;
    uLongf packed = compressBound(plain);
    unsigned char *zeros = calloc(plain, 1), *data = malloc(packed);
    unsigned char *bytes = malloc(packed + 100);
    assert_int_equal(compress2(data, &packed, zeros, plain, 0), Z_OK);
    memcpy(bytes, "\x89PNG\r\n\x1a\n", 8);
    size_t size = 8 + add_chunk(bytes + 8, "IHDR", header, sizeof(header));
    size += add_chunk(bytes + size, "IDAT", data, packed);
    size += add_chunk(bytes + size, "IEND", "", 0);
    refuse(bytes, size, "x: damaged PNG");
    memset(header, 0x7f, 8);
    size = 8 + add_chunk(bytes + 8, "IHDR", header, sizeof(header));
    size += add_chunk(bytes + size, "IEND", "", 0);
    refuse(bytes, size, "x: image is larger than");
    free(zeros);
    free(data);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resample__resize_equals_pillow),
        cmocka_unit_test(test_resample__presets_equal_robustbench),
        cmocka_unit_test(test_resample__files_decode_as_pillow_decodes_them),
        cmocka_unit_test(test_resample__a_resized_photo_is_pillows),
        cmocka_unit_test(test_resample__floats_round_to_the_nearest_grey),
        cmocka_unit_test(test_resample__absurd_sizes_are_refused),
        cmocka_unit_test(test_resample__crops_round_half_a_pixel_to_even),
        cmocka_unit_test(test_resample__cmyk_needs_no_adobe_segment),
        cmocka_unit_test(test_resample__damaged_files_are_refused),
        cmocka_unit_test(test_resample__damage_within_a_jpeg_is_refused),
        cmocka_unit_test(test_resample__a_png_cannot_grow_beyond_its_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
