// Pickles of TorchScript archives, and what they say of tensors.
#include "fuzz.h"

#include <string.h>

#include "core/archive_tensors.h"

// The files 0 to 9, of 16 bytes times the number.
static bool find(uint64_t *size, const void *self, const char *folder, const char *key,
                 size_t key_size)
{
    (void)self;
    (void)folder;
    if (key_size != 1 || key[0] < '0' || key[0] > '9')
        return false;
    *size = 16 * (uint64_t)(key[0] - '0');
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const igd_archive_folder folder = {.name = "data", .entry = find};
    (void)igd_archive_tensors_check(data, size, &folder, "x");
    return 0;
}

#define STORAGE(type, key, num)                                                          \
    "(X\7\0\0\0storagectorch\n" type "\nX\1\0\0\0" key "X\3\0\0\0cpuK" num "tQ"
#define TENSOR(storage)                                                                  \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage "K\0K\2K\2\x86K\2K\1\x86\x89NtR"
#define SEED(text)                                                                       \
    {                                                                                    \
        text, sizeof(text) - 1                                                           \
    }

size_t fuzz_seed(int index, unsigned char *out)
{
    static const struct {
        const char *bytes;
        size_t size;
    } seeds[] = {
        SEED("\x80\x02)."),
        SEED("\x80\x02(" TENSOR(STORAGE("FloatStorage", "1", "\4"))
                 TENSOR(STORAGE("DoubleStorage", "2", "\4")) "t."),
        SEED("\x80\x02(" TENSOR(STORAGE("FloatStorage", "1", "\4")) "q\0"
                                                                    "h\0"
                                                                    "r\1\0\0\0"
                                                                    "j\1\0\0\0"
                                                                    "t."),
        SEED("\x80\x02"
             "c__torch__\nNet\n)\x81}(X\1\0\0\0aK\1X\1\0\0\0b"
             "G\0\0\0\0\0\0\0\0"
             "X\1\0\0\0c\x8a\x08\1\0\0\0\0\0\0\0X\1\0\0\0d](\x88\x89Neub."),
        SEED("\x80\x02"
             "ctorch.jit._pickle\nbuild_intlist\n](M\1\1J\1\0\0\0e\x85R."),
    };
    if ((size_t)index >= sizeof(seeds) / sizeof(seeds[0]))
        return 0;
    memcpy(out, seeds[index].bytes, seeds[index].size);
    return seeds[index].size;
}
