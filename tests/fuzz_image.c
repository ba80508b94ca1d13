// JPEG, PNG and BMP files, decoded and resized.
#include "fuzz.h"

#include <stb/stb_image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <zlib.h>

#include "data/decode.h"

// How many pixels a file claims to have; 0 where it says nothing.
static int64_t pixels_of(const uint8_t *data, size_t size)
{
    int width = 0, height = 0, ignored;
    tjhandle jpeg = tjInitDecompress();
    if (jpeg == NULL || tjDecompressHeader3(jpeg, data, (unsigned long)size, &width,
                                            &height, &ignored, &ignored) != 0)
        (void)stbi_info_from_memory(data, (int)size, &width, &height, &ignored);
    tjDestroy(jpeg);
    return (int64_t)width * height;
}

static void run(const uint8_t *data, size_t size)
{
    const igd_preprocess small = {.name = "small", .resize = 9, .crop = 12};
    igd_image image, out;
    // Large images are slow and test nothing that small ones do not.
    if (size <= 1 << 20 && pixels_of(data, size) > 500000)
        return;
    if (igd_image_decode(&image, data, size, "x") != IGD_OK)
        return;
    if (image.width <= 10000 / image.height &&
        igd_image_preprocess(&out, &image, &small) == IGD_OK)
        igd_image_free(&out);
    igd_image_free(&image);
}

// Makes the checksums of a PNG file's chunks right, which no mutation would hit.
static void mend_png(uint8_t *data, size_t size)
{
    size_t at = 8;
    while (size - at >= 12) {
        const size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                              (size_t)data[at + 2] << 8 | data[at + 3];
        if (length > size - at - 12)
            return;
        const uLong check = crc32(0, data + at + 4, (uInt)length + 4);
        at += 8 + length;
        for (int i = 0; i < 4; i++)
            data[at++] = (uint8_t)(check >> (24 - 8 * i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size);
    if (size < 8 || memcmp(data, "\x89PNG\r\n\x1a\n", 8) != 0)
        return 0;
    uint8_t *mended = malloc(size);
    if (mended == NULL)
        return 0;
    memcpy(mended, data, size);
    mend_png(mended, size);
    run(mended, size);
    free(mended);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const char *const files[] = {"colour.jpg", "cmyk.jpg",    "grey.jpg",
                                        "grey.png",   "palette.png", "plain.bmp"};
    char path[512];
    if ((size_t)index >= sizeof(files) / sizeof(files[0]))
        return 0;
    snprintf(path, sizeof(path), TEST_SOURCE_DIR "/tests/golden/resample/%s",
             files[index]);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return 0;
    const size_t size = fread(out, 1, FUZZ_ROOM, f);
    fclose(f);
    return size;
}
