// IDX images and labels, plain and gzip-compressed.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "data/dataset_impl.h"

#define LIMIT ((size_t)1 << 20)

static void parse(const unsigned char *data, size_t size)
{
    igd_bytes b = {0};
    if (igd_bytes_add_idx_images(&b, data, size, "images") == IGD_OK) {
        volatile unsigned char last =
            b.pixels[b.num * b.shape[0] * b.shape[1] * b.shape[2] - 1];
        (void)last;
    }
    igd_bytes_free(&b);
    b.num = size > 8 ? (int64_t)(size - 8) : 0; // what a good file of labels has
    if (igd_bytes_add_idx_labels(&b, data, size, "labels") == IGD_OK) {
        igd_source s = {.num = b.num, .labels = b.labels};
        if (igd_labels_check(&s, "labels") != IGD_OK)
            abort(); // a byte is always in range
    }
    igd_bytes_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *plain;
    size_t plain_size;
    if (!igd_is_gzip(data, size)) {
        parse(data, size);
    } else if (igd_gunzip(&plain, &plain_size, data, size, "x.gz", LIMIT, NULL) ==
               IGD_OK) {
        parse(plain, plain_size);
        free(plain);
    }
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const unsigned char images[16 + 12] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0,
                                                  0, 2, 0, 0, 0, 3, 1, 2, 3};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 9, 1};
    const unsigned char *data = index % 2 == 0 ? images : labels;
    const size_t size = index % 2 == 0 ? sizeof(images) : sizeof(labels);
    if (index < 2)
        memcpy(out, data, size);
    if (index < 2 || index > 3)
        return index < 2 ? size : 0;
    z_stream z = {.next_in = (z_const Bytef *)data,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = FUZZ_ROOM};
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&z);
    return (size_t)z.total_out;
}
