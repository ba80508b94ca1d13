// .npy arrays: as NumPy writes them, and nothing else.
#include "fixture.h"

#include <math.h>

#include "core/file.h"
#include "core/npy.h"

static const int64_t shape[] = {2, 3};

static void test_npy__reads_what_it_writes(void **state)
{
    (void)state;
    static const uint8_t u8[6] = {0, 1, 2, 253, 254, 255};
    static const int32_t i32[6] = {0, -1, INT32_MAX, INT32_MIN, 7, 8};
    static const int64_t i64[6] = {0, -1, 1 << 20, INT32_MIN, 7, 8};
    static const float f32[6] = {0, -1.5f, 3e38f, 1e-40f, 7, 8};
    static const double f64[6] = {0, -1.5, 3e38, 1e-40, 7, 8};
    const void *const data[] = {u8, i32, i64, f32, f64};
    const char *path = fixture_path("a.npy");
    for (int type = IGD_NPY_U8; type <= IGD_NPY_F64; type++) {
        igd_npy a, head;
        assert_ok(igd_npy_write(path, (igd_npy_type)type, shape, 2, data[type]));
        assert_ok(igd_npy_read(&a, path));
        assert_int_equal(a.type, type);
        assert_int_equal(a.num_dims, 2);
        assert_memory_equal(a.shape, shape, sizeof(shape));
        assert_int_equal(a.size, 6);
        assert_int_equal(a.offset % 64, 0);
        assert_memory_equal(a.data, data[type], 6 * igd_npy_element_size(a.type));
        assert_ok(igd_npy_read_header(&head, path, 0));
        assert_int_equal(head.size, 6);
        assert_int_equal(head.offset, a.offset);
        assert_null(head.data);
        assert_ok(igd_npy_to_f32(&a, path));
        for (int i = 0; i < 6; i++) {
            const float wanted[] = {(float)u8[i], (float)i32[i], (float)i64[i], f32[i],
                                    (float)f64[i]};
            assert_true(((float *)a.data)[i] == wanted[type]);
        }
        igd_npy_free(&a);
    }
}

// Bytes of a version 1 file with the given dictionary and `extra` zero bytes of data.
static size_t make(unsigned char *out, const char *dictionary, size_t extra)
{
    const size_t length = strlen(dictionary);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (unsigned char)(length & 0xff);
    out[9] = (unsigned char)(length >> 8);
    memcpy(out + 10, dictionary, length);
    memset(out + 10 + length, 0, extra);
    return 10 + length + extra;
}

static void test_npy__reads_every_spelling_of_the_header(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary;
        int num_dims;
        int64_t size;
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }     \n", 2, 6},
        {"{\"shape\":(6,),\"descr\":\"|u1\",\"fortran_order\":False}", 1, 6},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (), }", 0, 1},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 5), }", 2, 0},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 6)}", 8,
         6},
    };
    unsigned char bytes[256];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        igd_npy a;
        const size_t n = make(bytes, cases[i].dictionary, (size_t)cases[i].size);
        assert_ok(igd_npy_parse(&a, bytes, n, "a.npy"));
        assert_int_equal(a.num_dims, cases[i].num_dims);
        assert_int_equal(a.size, cases[i].size);
        igd_npy_free(&a);
    }
}

static void test_npy__refuses_damaged_headers(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary;
        size_t extra;
        const char *message;
    } cases[] = {
        {"", 0, "damaged .npy header"},
        {"{", 0, "damaged .npy header"},
        {"{}", 0, "damaged .npy header"},
        {"{'descr': '|u1', 'fortran_order': False}", 0, "damaged .npy header"},
        {"{'descr': '|u1', 'shape': (1,)}", 1, "damaged .npy header"},
        {"{'fortran_order': False, 'shape': (1,)}", 1, "damaged .npy header"},
        {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", 1,
         "damaged .npy header"},
        {"{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}", 1,
         "damaged .npy header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x", 1,
         "damaged .npy header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}", 1,
         "damaged .npy header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", 1,
         "damaged .npy header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}",
         1, "damaged .npy header"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}", 4, "Fortran order"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", 4, "type '>f4'"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 4, "type '|O'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, "truncated"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 7, "3 bytes follow"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 0,
         "truncated"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}", 0,
         "truncated"},
    };
    unsigned char bytes[256];
    igd_npy a;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const size_t n = make(bytes, cases[i].dictionary, cases[i].extra);
        assert_fails(igd_npy_parse(&a, bytes, n, "a.npy"), IGD_EFORMAT, cases[i].message);
        assert_null(a.data);
    }
    const size_t n =
        make(bytes, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", 1);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(igd_npy_parse(&a, bytes, cut, "a.npy"), IGD_EFORMAT);
    bytes[6] = 3;
    assert_fails(igd_npy_parse(&a, bytes, n, "a.npy"), IGD_EFORMAT, "version 3");
    memcpy(bytes + 6, "\x02\x00\xff\xff\xff\x7f", 6);
    assert_fails(igd_npy_parse(&a, bytes, n, "a.npy"), IGD_EFORMAT,
                 "header of 2147483647 bytes");
}

static void test_npy__failures_of_files_name_them(void **state)
{
    (void)state;
    igd_npy a;
    assert_fails(igd_npy_read(&a, fixture_path("absent.npy")), IGD_EIO,
                 "absent.npy: No such file");
    assert_fails(igd_npy_read(&a, "/tmp"), IGD_EIO, "/tmp: ");
    assert_fails(igd_npy_read(&a, "/dev/zero"), IGD_EIO, "/dev/zero: ");
    const char *path = fixture_path("text.npy");
    assert_ok(igd_file_write(path, "this is no array", 16));
    assert_fails(igd_npy_read_header(&a, path, 0), IGD_EFORMAT, "not an .npy file");
    assert_fails(igd_npy_write(path, IGD_NPY_F32, (const int64_t[]){-1}, 1, ""),
                 IGD_EINVAL, "length -1");
    assert_fails(igd_npy_write(path, IGD_NPY_F32, (const int64_t[]){INT64_MAX, 2}, 2, ""),
                 IGD_EINVAL, "an axis of length");
    assert_fails(igd_npy_write(path, IGD_NPY_F32, shape, 9, ""), IGD_EINVAL,
                 "9 dimensions");
}

static void test_npy__a_double_beyond_float32_is_refused(void **state)
{
    (void)state;
    const char *path = fixture_path("f64.npy");
    const double fine[6] = {NAN, INFINITY, -INFINITY, 0, 1, -1};
    const double beyond[6] = {0, 1e39};
    igd_npy a;
    assert_ok(igd_npy_write(path, IGD_NPY_F64, shape, 2, fine));
    assert_ok(igd_npy_read(&a, path));
    assert_ok(igd_npy_to_f32(&a, path));
    assert_true(isnan(((float *)a.data)[0]) && isinf(((float *)a.data)[2]));
    igd_npy_free(&a);
    assert_ok(igd_npy_write(path, IGD_NPY_F64, shape, 2, beyond));
    assert_ok(igd_npy_read(&a, path));
    assert_fails(igd_npy_to_f32(&a, path), IGD_EFORMAT, "f64.npy: element 1, 1e+39");
    igd_npy_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy__reads_what_it_writes),
        cmocka_unit_test(test_npy__reads_every_spelling_of_the_header),
        cmocka_unit_test(test_npy__refuses_damaged_headers),
        cmocka_unit_test(test_npy__failures_of_files_name_them),
        cmocka_unit_test(test_npy__a_double_beyond_float32_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
