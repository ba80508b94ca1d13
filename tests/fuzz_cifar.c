// CIFAR-10's and CIFAR-100's records. The first byte says which.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    igd_bytes b = {0};
    if (size == 0)
        return 0;
    const bool hundred = data[0] % 2 != 0;
    for (int i = 0; i < 2; i++) // the second file is appended to the first
        if (igd_bytes_add_cifar(&b, data + 1, size - 1, hundred, "x.bin") != IGD_OK)
            break;
    for (int64_t i = 0; i < b.num; i++)
        if (b.labels[i] < 0 || b.labels[i] >= (hundred ? 100 : 10))
            abort();
    igd_bytes_free(&b);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    if (index > 1)
        return 0;
    const size_t record = index == 0 ? 3073 : 3074;
    memset(out, 5, 1 + 2 * record);
    out[0] = (unsigned char)index;
    return 1 + 2 * record;
}
