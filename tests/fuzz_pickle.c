// Pickles of CIFAR's Python version. The first byte says which set.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    igd_bytes b = {0};
    if (size == 0)
        return 0;
    const bool hundred = data[0] % 2 != 0;
    if (igd_bytes_add_cifar_python(&b, data + 1, size - 1, hundred, "x") == IGD_OK)
        for (int64_t i = 0; i < b.num; i++)
            if (b.labels[i] < 0 || b.labels[i] >= (hundred ? 100 : 10))
                abort();
    igd_bytes_free(&b);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const char *const files[] = {"ten/test_batch",   "hundred/test",
                                        "ten/data_batch_1", "ten/data_batch_2",
                                        "ten/data_batch_3", "ten/data_batch_4"};
    char path[512];
    if ((size_t)index >= sizeof(files) / sizeof(files[0]))
        return 0;
    snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/golden/cifar_python/%s",
             files[index]);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    out[0] = index == 1;
    const size_t size = 1 + fread(out + 1, 1, FUZZ_ROOM - 1, f);
    fclose(f);
    return size;
}
