// Data sets made in the test's own folder.
#ifndef IGD_TEST_DATASET_FIXTURE_H
#define IGD_TEST_DATASET_FIXTURE_H

#include "fixture.h"

#include <sys/stat.h>

#include "core/file.h"
#include "igdef/dataset.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/resample/"

enum { RECORD = 3073, PIXELS = 3072 };

// A folder below the test's own, made where it is missing.
static inline const char *make_folder(const char *name)
{
    const char *path = fixture_path(name);
    assert_true(mkdir(path, 0777) == 0 || igd_path_is_folder(path));
    return path;
}

// Writes folder/name; "" makes it empty.
static inline void put(const char *folder, const char *name, const void *data,
                       size_t size)
{
    char *path = igd_path_join(folder, name);
    assert_ok(igd_file_write(path, data, size));
    free(path);
}

static inline void put_text(const char *folder, const char *name, const char *text)
{
    put(folder, name, text, strlen(text));
}

static inline void copy_image(const char *image, const char *folder, const char *name)
{
    unsigned char *bytes;
    size_t size;
    char path[512];
    snprintf(path, sizeof(path), GOLDEN "%s", image);
    assert_ok(igd_file_read(&bytes, &size, path, 1 << 20));
    put(folder, name, bytes, size);
    free(bytes);
}

static inline igd_status open_plain(const char *path)
{
    igd_dataset *d;
    const igd_status st = igd_dataset_open(&d, path, NULL);
    if (st == IGD_OK)
        igd_dataset_free(d);
    else
        assert_null(d);
    return st;
}

// num records whose label is (first + i) % 10 and whose pixels are 7 * i + position.
static inline void put_cifar(const char *folder, const char *name, int num, int first)
{
    unsigned char *bytes = malloc((size_t)num * RECORD);
    for (int i = 0; i < num; i++) {
        bytes[i * RECORD] = (unsigned char)((first + i) % 10);
        for (int j = 0; j < PIXELS; j++)
            bytes[i * RECORD + 1 + j] = (unsigned char)(7 * (first + i) + j);
    }
    put(folder, name, bytes, (size_t)num * RECORD);
    free(bytes);
}

// Two classes, "B" before "a", with three images of 61 x 41.
static inline const char *make_class_folders(const char *name)
{
    char folder[64];
    snprintf(folder, sizeof(folder), "%s", name);
    make_folder(folder);
    snprintf(folder, sizeof(folder), "%s/a", name);
    copy_image("colour.jpg", make_folder(folder), "one.JPEG");
    put_text(fixture_path(folder), "notes.txt", "not an image");
    snprintf(folder, sizeof(folder), "%s/B", name);
    copy_image("plain.bmp", make_folder(folder), "two.bmp");
    copy_image("grey.png", fixture_path(folder), "Three.png");
    return fixture_path(name);
}

#endif
