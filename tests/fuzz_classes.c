// Files of classes: lines, tables and JSON.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "data/class_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    igd_class_map *m;
    if (igd_class_map_parse(&m, (const char *)data, size, "x.txt") != IGD_OK)
        return 0;
    for (int c = 0; c < igd_class_map_size(m); c++) {
        const int found = igd_class_map_find(m, igd_class_map_name(m, c));
        if (found < -2 || found >= igd_class_map_size(m))
            abort();
    }
    igd_class_map_free(m);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const char *const seeds[] = {
        "n01440764 tench, Tinca tinca\nn01443537\tgoldfish\ncat\n",
        "dog,1\ncat,0\n",
        "{\"0\": [\"n01440764\", \"tench\"], \"1\": \"goldfish\"}",
        "{\"dog\": 1, \"cat\": 0}",
        "[\"cat\", \"dog\"]",
        "[\"\"]",
    };
    if ((size_t)index >= sizeof(seeds) / sizeof(seeds[0]))
        return 0;
    memcpy(out, seeds[index], strlen(seeds[index]));
    return strlen(seeds[index]);
}
