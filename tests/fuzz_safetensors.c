// Safetensors files, as rankings are.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    igd_safetensors *f;
    if (igd_safetensors_parse(&f, data, size, "x.safetensors") != IGD_OK)
        return 0;
    for (int i = 0; i < igd_safetensors_count(f); i++) {
        const igd_named_array *a = igd_safetensors_at(f, i);
        volatile float value = a->size > 0 ? a->data[0] + a->data[a->size - 1] : 0;
        (void)value;
        if (igd_safetensors_find(f, a->name) != a)
            abort(); // names are unique
    }
    igd_safetensors_free(f);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const struct {
        const char *header;
        size_t size;
    } seeds[] = {
        {"{\"__metadata__\":{\"format\":\"igdef.ranking/"
         "1\"},\"score\":{\"dtype\":\"F32\","
         "\"shape\":[2,3],\"data_offsets\":[0,24]}}",
         24},
        {"{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},\"a\":{"
         "\"dtype\":"
         "\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}  ",
         8},
    };
    if (index > 1)
        return 0;
    const uint64_t length = strlen(seeds[index].header);
    memcpy(out, &length, 8);
    memcpy(out + 8, seeds[index].header, length);
    memset(out + 8 + length, 0x3f, seeds[index].size);
    return 8 + length + seeds[index].size;
}
