// Writes the results of a run of many parts, by the writer that a run has: those of one
// template under other numbers, with flags drawn by chance.
// usage: simulate_parts TEMPLATE.json FOLDER PARTS
#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/file.h"
#include "core/random.h"
#include "data/part_check.h"
#include "result/result_impl.h"

// Images that an attack of the list leaves of those before it, roughly as of a defended
// model.
#define SURVIVE 0.8

static void draw_flags(igd_result *r, int64_t part)
{
    igd_flags *t = &r->flags;
    for (int64_t i = 0; i < t->num_images; i++) {
        const igd_stream stream =
            igd_stream_make(0, "simulate", part * t->num_images + i, 0);
        bool standing = true;
        t->index[i] = part * t->num_images + i;
        t->label[i] = (int32_t)(i % r->num_classes);
        for (int c = 0; c < t->num_columns; c++) {
            const bool falls = igd_random_double(&stream, (uint32_t)c) > SURVIVE;
            igd_flags_column(t, c)[i] = !standing ? IGD_SKIPPED
                                        : falls   ? IGD_FOOLED
                                                  : IGD_ROBUST;
            if (c == 0)
                t->clean[i] = falls ? (t->label[i] + 1) % r->num_classes : t->label[i];
            standing = standing && !falls;
        }
    }
}

static igd_status write_part(const char *template, const char *folder, int64_t k,
                             int64_t of)
{
    char name[64];
    igd_result *r = NULL;
    IGD_TRY(igd_result_read_part(&r, template));
    const int64_t n = r->flags.num_images;
    const igd_part part = {.index = k, .of = of, .first = k * n, .whole = of * n};
    cJSON *data = cJSON_GetObjectItemCaseSensitive(r->provenance, "data");
    cJSON_DeleteItemFromObjectCaseSensitive(data, "part");
    cJSON_AddItemToObject(data, "part", igd_part_json(&part));
    draw_flags(r, k);
    snprintf(name, sizeof(name), "part-%lld.json", (long long)k);
    char *path = igd_path_join(folder, name);
    igd_status st = igd_result_finish(r);
    if (st == IGD_OK)
        st = igd_result_save(r, path);
    free(path);
    igd_result_free(r);
    return st;
}

int main(int argc, char **argv)
{
    const long long parts = argc == 4 ? atoll(argv[3]) : 0;
    if (parts < 1) {
        fprintf(stderr, "usage: simulate_parts TEMPLATE.json FOLDER PARTS\n");
        return 2;
    }
    for (long long k = 0; k < parts; k++)
        if (write_part(argv[1], argv[2], k, parts) != IGD_OK) {
            fprintf(stderr, "simulate_parts: %s\n", igd_error_message());
            return 1;
        }
    return 0;
}
