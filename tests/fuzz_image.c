// JPEG, PNG and BMP files, decoded and resized.
#include "fuzz.h"

#include <stdio.h>

#include "data/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const igd_preprocess small = {.name = "small", .resize = 9, .crop = 12};
    igd_image image, out;
    if (igd_image_decode(&image, data, size, "x") != IGD_OK)
        return 0;
    // Resizing large images tests nothing that small ones do not.
    if (image.width <= 10000 / image.height &&
        igd_image_preprocess(&out, &image, &small) == IGD_OK)
        igd_image_free(&out);
    igd_image_free(&image);
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
