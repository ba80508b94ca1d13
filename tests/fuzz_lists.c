// Text files of labels and of ids, for images with and without names.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset_impl.h"

static const char *const names[] = {"B/two.bmp", "a/one.JPEG", "a/two.png"};
enum { NUM = 3 };

static const char *name_of(const void *self, int64_t i)
{
    (void)self;
    return names[i];
}

static void label(const uint8_t *data, size_t size, const char *const *of)
{
    igd_source s = {.num = NUM};
    igd_lines lines;
    if (igd_lines_parse(&lines, (const char *)data, size, "x.txt") != IGD_OK)
        return;
    if (igd_labels_from_lines(&s, &lines, "x.txt", of) == IGD_OK)
        for (int i = 0; i < NUM; i++)
            if (s.labels[i] < 0 || s.labels[i] >= s.num_classes)
                abort();
    igd_lines_free(&lines);
    igd_source_free(&s);
}

static void choose(const uint8_t *data, size_t size, bool named)
{
    const igd_source_functions functions = {.name = named ? name_of : NULL};
    char path[] = "data";
    const igd_source s = {.num = NUM, .functions = &functions, .path = path};
    igd_lines lines;
    int64_t *ids, num;
    if (igd_lines_parse(&lines, (const char *)data, size, "x.txt") != IGD_OK)
        return;
    if (igd_ids_from_lines(&ids, &num, &s, &lines, "x.txt") == IGD_OK) {
        for (int64_t i = 0; i < num; i++)
            if (ids[i] < 0 || ids[i] >= NUM)
                abort();
        free(ids);
    }
    igd_lines_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    label(data, size, NULL);
    label(data, size, names);
    choose(data, size, false);
    choose(data, size, true);
    return 0;
}

size_t fuzz_seed(int index, unsigned char *out)
{
    static const char *const seeds[] = {
        "0\n2\n1\n",
        "cat\r\ngreat white shark\r\ncat\r\n",
        "a/one.JPEG\nB/two\n2\n",
        "ImageId,PredictionString\ntwo.png,n01440764 1 2 3 4\n\"a/one\",n01440764 1 2 3 "
        "4\n"
        "B/two,n02007558 5 6 7 8\n",
        "one.JPEG\tn01440764\t0\t1\t2\t3\na/two 3.0\nB/two\t1e0\n",
        "\xef\xbb\xbf./val/a/two.png, 5\none 1048575\nB/two.bmp\t0\n",
    };
    if ((size_t)index >= sizeof(seeds) / sizeof(seeds[0]))
        return 0;
    memcpy(out, seeds[index], strlen(seeds[index]));
    return strlen(seeds[index]);
}
