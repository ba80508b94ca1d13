// .npy arrays.
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "core/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    igd_npy a;
    if (igd_npy_parse(&a, data, size, "x.npy") != IGD_OK)
        return 0;
    if (igd_npy_to_f32(&a, "x.npy") == IGD_OK) {
        volatile float last = a.size > 0 ? ((const float *)a.data)[a.size - 1] : 0;
        (void)last;
    }
    igd_npy_free(&a);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const char *const descr[] = {"|u1", "<i4", "<i8", "<f4", "<f8"};
    static const size_t bytes[] = {1, 4, 8, 4, 8};
    if (index >= 10)
        return 0;
    const int type = index % 5, version = 1 + index / 5;
    const size_t start = version == 1 ? 10 : 12;
    memset(out, 0, 256);
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    const int length =
        snprintf((char *)out + start, 200,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (2, 3)}", descr[type]);
    out[8] = (unsigned char)length;
    memset(out + start + length, 0x3f, 6 * bytes[type]);
    return start + (size_t)length + 6 * bytes[type];
}
