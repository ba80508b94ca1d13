// Owns decoding image files: JPEG by libjpeg-turbo, the others by stb_image, whose JPEG
// decoder of 2022 reads and writes past its tables. stb_image forgives much: it completes
// a cut file with zeros, checks no checksum and lets a small file become gigabytes. What
// it would forgive is refused here first, and so are formats that it knows beyond these.
#include "data/decode.h"

#include <stb/stb_image.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <zlib.h>

#include "core/error.h"
#include "core/file_kind.h"
#include "core/letters.h"

#define CHUNK 65536

#define UNKNOWN "neither a JPEG, a PNG nor a BMP file"

// Whether a name ends in one of a list that NULL ends.
static bool ends_in(const char *name, const char *const *suffixes)
{
    const char *dot = strrchr(name, '.');
    for (; dot != NULL && *suffixes != NULL; suffixes++)
        if (igd_same_letters(dot, *suffixes))
            return true;
    return false;
}

bool igd_image_has_suffix(const char *name)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".jpe", ".jfif",
                                           ".png", ".bmp",  NULL};
    return ends_in(name, suffixes);
}

bool igd_image_has_foreign_suffix(const char *name)
{
    static const char *const suffixes[] = {".webp", ".tif",  ".tiff", ".gif", ".ppm",
                                           ".pgm",  ".pbm",  ".pnm",  ".jp2", ".heic",
                                           ".heif", ".avif", ".jxl",  NULL};
    return ends_in(name, suffixes);
}

igd_status igd_image_refuse_foreign(const char *path)
{
    return igd_error(IGD_EFORMAT,
                     "%s: " UNKNOWN
                     "; in Python, PIL.Image.open(path).save('x.png') makes a PNG of it",
                     path);
}

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little32(const unsigned char *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

// --- JPEG ---------------------------------------------------------------------------

static igd_status check_size(int64_t width, int64_t height, const char *path)
{
    if (width < 1 || height < 1 || width > IGD_IMAGE_MAX_PIXELS / height)
        return igd_error(IGD_EFORMAT, "%s: image is larger than %d pixels", path,
                         IGD_IMAGE_MAX_PIXELS);
    return IGD_OK;
}

// Inks as a file stores them, 255 for none, to colours as Pillow computes them. In place:
// four bytes of a pixel become three.
static void inks_to_colours(unsigned char *pixels, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        const int white = pixels[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            const int product = (255 - pixels[4 * i + c]) * white + 128;
            const int ink = ((product >> 8) + product) >> 8;
            pixels[3 * i + c] = (unsigned char)(white - ink);
        }
    }
}

static igd_status read_jpeg(igd_image *out, tjhandle jpeg, const unsigned char *bytes,
                            size_t size, const char *path)
{
    int width, height, sampling, space;
    if (tjDecompressHeader3(jpeg, bytes, size, &width, &height, &sampling, &space) != 0)
        return igd_error(IGD_EFORMAT, "%s: truncated or damaged JPEG file: %s", path,
                         tjGetErrorStr2(jpeg));
    IGD_TRY(check_size(width, height, path));
    const bool inks = space == TJCS_CMYK || space == TJCS_YCCK;
    const size_t num = (size_t)width * (size_t)height;
    unsigned char *pixels = malloc(num * (inks ? 4 : 3));
    if (pixels == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d x %d pixels", path, width,
                         height);
    // Damage to the coded data shows as a warning, be it of bytes left over before the
    // end.
    if (tjDecompress2(jpeg, bytes, size, pixels, width, 0, height,
                      inks ? TJPF_CMYK : TJPF_RGB,
                      TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING) != 0) {
        free(pixels);
        return igd_error(IGD_EFORMAT, "%s: truncated or damaged JPEG file: %s", path,
                         tjGetErrorStr2(jpeg));
    }
    if (inks)
        inks_to_colours(pixels, num);
    *out = (igd_image){width, height, 3, pixels};
    return IGD_OK;
}

static igd_status decode_jpeg(igd_image *out, const unsigned char *bytes, size_t size,
                              const char *path)
{
    tjhandle jpeg = tjInitDecompress();
    if (jpeg == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory to decode it", path);
    const igd_status st = read_jpeg(out, jpeg, bytes, size, path);
    tjDestroy(jpeg);
    return st;
}

// --- PNG ----------------------------------------------------------------------------

// The chunk at *at, whose length and place have been checked.
typedef struct png_chunk {
    const unsigned char *type; // [4]
    const unsigned char *data;
    size_t size;
} png_chunk;

static bool next_chunk(png_chunk *out, const unsigned char *bytes, size_t size,
                       size_t *at)
{
    if (size - *at < 12)
        return false;
    out->size = big32(bytes + *at);
    if (out->size > size - *at - 12)
        return false;
    out->type = bytes + *at + 4;
    out->data = bytes + *at + 8;
    const uint32_t wanted = big32(out->data + out->size);
    *at += 12 + out->size;
    return crc32(crc32(0, NULL, 0), out->type, (uInt)out->size + 4) == wanted;
}

static bool is_type(const png_chunk *c, const char *type)
{
    return memcmp(c->type, type, 4) == 0;
}

// Whether the image data become at most `most` bytes.
static bool inflates_to(const unsigned char *bytes, size_t size, uint64_t most)
{
    unsigned char scratch[CHUNK];
    z_stream z = {0};
    png_chunk c;
    uint64_t total = 0;
    int rc = Z_OK;
    if (inflateInit(&z) != Z_OK)
        return false;
    for (size_t at = 8; rc == Z_OK && next_chunk(&c, bytes, size, &at);) {
        if (!is_type(&c, "IDAT"))
            continue;
        z.next_in = (z_const Bytef *)c.data;
        z.avail_in = (uInt)c.size;
        do {
            z.next_out = scratch;
            z.avail_out = sizeof(scratch);
            rc = inflate(&z, Z_NO_FLUSH);
            total += sizeof(scratch) - z.avail_out;
        } while (rc == Z_OK && z.avail_out == 0 && total <= most);
        if (rc == Z_BUF_ERROR) // no input left, which is no error
            rc = Z_OK;
        if (total > most)
            rc = Z_DATA_ERROR;
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END || rc == Z_OK;
}

static igd_status check_png(const unsigned char *bytes, size_t size, const char *path)
{
    png_chunk c;
    size_t at = 8;
    uint64_t packed = 0;
    bool ended = false;

    if (!next_chunk(&c, bytes, size, &at) || !is_type(&c, "IHDR") || c.size != 13)
        return igd_error(IGD_EFORMAT, "%s: damaged PNG file", path);
    // At most 4 channels of 16 bits; a byte a row names its filter, and interlacing makes
    // 7 smaller images, so less than 3 rows for one.
    const uint64_t width = big32(c.data), height = big32(c.data + 4);
    if (width > IGD_IMAGE_MAX_PIXELS || height > IGD_IMAGE_MAX_PIXELS)
        return igd_error(IGD_EFORMAT, "%s: image is larger than %d pixels", path,
                         IGD_IMAGE_MAX_PIXELS);
    const uint64_t most = (width * 8 + 8) * (height + 8) * 3;
    while (!ended && next_chunk(&c, bytes, size, &at)) {
        ended = is_type(&c, "IEND");
        packed += is_type(&c, "IDAT") ? c.size : 0;
    }
    if (!ended)
        return igd_error(IGD_EFORMAT, "%s: truncated or damaged PNG file", path);
    // Deflate expands at most 1032 times: below this the harm is small.
    if (packed > (uint64_t)256 << 10 && !inflates_to(bytes, size, most))
        return igd_error(IGD_EFORMAT, "%s: damaged PNG file", path);
    return IGD_OK;
}

// --- BMP ----------------------------------------------------------------------------

static igd_status check_bmp(const unsigned char *bytes, size_t size, const char *path)
{
    const bool core = size >= 30 && little32(bytes + 14) == 12; // OS/2's short header
    if (size < 30 || (!core && size < 54))
        return igd_error(IGD_EFORMAT, "%s: truncated BMP file", path);
    const int64_t offset = little32(bytes + 10);
    const int64_t width =
        core ? bytes[18] | bytes[19] << 8 : (int32_t)little32(bytes + 18);
    int64_t height = core ? bytes[20] | bytes[21] << 8 : (int32_t)little32(bytes + 22);
    const int64_t bits = core ? bytes[24] | bytes[25] << 8 : bytes[28] | bytes[29] << 8;
    height = height < 0 ? -height : height; // from the top to the bottom
    if (width < 1 || height < 1 || bits < 1 || bits > 32)
        return igd_error(IGD_EFORMAT, "%s: damaged BMP file", path);
    const int64_t row = (width * bits + 31) / 32 * 4;
    if (height > (int64_t)size / row + 1 ||
        offset + row * (height - 1) + (width * bits + 7) / 8 > (int64_t)size)
        return igd_error(IGD_EFORMAT, "%s: truncated BMP file", path);
    return IGD_OK;
}

// ------------------------------------------------------------------------------------

static igd_status decode_by_stb(igd_image *out, const unsigned char *bytes, size_t size,
                                const char *path)
{
    int width, height, channels;
    if (stbi_info_from_memory(bytes, (int)size, &width, &height, &channels) == 0)
        return igd_error(IGD_EFORMAT, "%s: image cannot be decoded: %s", path,
                         stbi_failure_reason());
    IGD_TRY(check_size(width, height, path));
    unsigned char *pixels =
        stbi_load_from_memory(bytes, (int)size, &width, &height, &channels, 3);
    if (pixels == NULL)
        return igd_error(IGD_EFORMAT, "%s: image cannot be decoded: %s", path,
                         stbi_failure_reason());
    *out = (igd_image){width, height, 3, pixels}; // stb_image allocates with malloc()
    return IGD_OK;
}

igd_status igd_image_decode(igd_image *out, const unsigned char *bytes, size_t size,
                            const char *path)
{
    *out = (igd_image){0};
    if (size > INT32_MAX - 64)
        return igd_error(IGD_EFORMAT, "%s: image file is too large", path);
    switch (igd_image_kind_of(bytes, size)) {
    case IGD_IMAGE_JPEG:
        return decode_jpeg(out, bytes, size, path);
    case IGD_IMAGE_PNG:
        IGD_TRY(check_png(bytes, size, path));
        return decode_by_stb(out, bytes, size, path);
    case IGD_IMAGE_BMP:
        IGD_TRY(check_bmp(bytes, size, path));
        return decode_by_stb(out, bytes, size, path);
    case IGD_IMAGE_FOREIGN:
        return igd_image_refuse_foreign(path);
    default:
        return igd_error(IGD_EFORMAT, "%s: " UNKNOWN, path);
    }
}
