// Files of a report: results and analyses, and the lines of images beside a result. What
// is accepted is written as a page.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "igdef/report.h"

#define SAMPLES TEST_SOURCE_DIR "/tests/report/"
#define LINE "{\"index\"" // what lines of images begin with

static const char *const seeds[] = {"loir.json",        "shift.json",     "sweep.json",
                                    "search-keep.json", "landscape.json", "ablation.json",
                                    "defenses.json",    "radius.json",    "tune.json",
                                    "loir.images.jsonl"};

static void path_of(char out[64], const char *end)
{
    snprintf(out, 64, "/tmp/igdef-fuzz-report-%ld%s", (long)getpid(), end);
}

static void put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0)
        abort();
}

static size_t get(const char *name, unsigned char *out)
{
    char path[1024];
    unsigned char *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof(path), SAMPLES "%s", name);
    if (igd_file_read(&text, &size, path, FUZZ_ROOM) != IGD_OK)
        abort();
    memcpy(out, text, size);
    free(text);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char result[FUZZ_ROOM];
    char json[64], lines[64];
    const char *paths[] = {json};
    const bool of_images = size >= strlen(LINE) && memcmp(data, LINE, strlen(LINE)) == 0;
    path_of(json, ".json");
    path_of(lines, ".images.jsonl");
    if (of_images) {
        put(lines, data, size);
        put(json, result, get("loir.json", result));
    } else {
        put(json, data, size);
    }
    if (igd_report_write(paths, 1, "/dev/null") != IGD_OK && igd_error_message()[0] == 0)
        abort(); // every failure says why
    unlink(json);
    unlink(lines);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    return index < (int)(sizeof(seeds) / sizeof(seeds[0])) ? get(seeds[index], out) : 0;
}
