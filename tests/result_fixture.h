// Results with known flags, and files of them.
#ifndef RESULT_FIXTURE_H
#define RESULT_FIXTURE_H

#include "fixture.h"

#include "result/result_impl.h"

// A result of num images from `first`, two attacks and their ensemble. Flags by image
// modulo 5: wrong when clean; fooled by the first attack; by the second; by none; by
// none.
static inline igd_result *result_make(int64_t first, int64_t num, int seed, int num_draws)
{
    static const char rows[5][4] = {"f--", "rf-", "rrf", "rrr", "rrr"};
    igd_result *r = calloc(1, sizeof(*r));
    r->provenance = cJSON_CreateObject();
    cJSON_AddStringToObject(r->provenance, "command", "igdef eval");
    cJSON_AddItemToObject(r->provenance, "versions", cJSON_CreateObject());
    cJSON *model = cJSON_AddObjectToObject(r->provenance, "model");
    cJSON_AddStringToObject(model, "path", first == 0 ? "a.pt" : "b.pt");
    cJSON_AddStringToObject(model, "sha256", "00");
    cJSON *data = cJSON_AddObjectToObject(r->provenance, "data");
    cJSON_AddStringToObject(data, "path", "d");
    cJSON_AddStringToObject(data, "split", "test");
    cJSON_AddNumberToObject(data, "count", (double)num);
    cJSON_AddStringToObject(data, "sha256", "11");
    const char *const names[2] = {"cat", "dog"};
    cJSON_AddItemToObject(data, "classes", cJSON_CreateStringArray(names, 2));
    cJSON_AddNullToObject(r->provenance, "defense");
    cJSON *threat = cJSON_AddObjectToObject(r->provenance, "threat");
    cJSON_AddStringToObject(threat, "norm", "Linf");
    cJSON_AddNumberToObject(threat, "eps", 8.0 / 255.0);
    cJSON_AddNumberToObject(r->provenance, "seed", seed);
    cJSON_AddStringToObject(r->provenance, "device", "cpu");
    cJSON_AddNumberToObject(r->provenance, "threads", 2);
    cJSON *settings = cJSON_AddObjectToObject(r->provenance, "settings");
    cJSON_AddNumberToObject(settings, "draws", num_draws);

    assert_ok(igd_flags_init(&r->flags, num, 3, num_draws));
    for (int64_t i = 0; i < num; i++) {
        const char *row = rows[(first + i) % 5];
        r->flags.index[i] = first + i;
        r->flags.label[i] = (int32_t)(i % 2);
        r->flags.clean[i] = row[0] == 'f' ? 1 - (int32_t)(i % 2) : (int32_t)(i % 2);
        for (int c = 0; c < 3; c++) {
            igd_flags_column(&r->flags, c)[i] = row[c];
            if (r->flags.votes != NULL)
                r->flags.votes[c * num + i] =
                    (uint8_t)(row[c] == 'r' ? num_draws - 1 : 1);
        }
    }
    r->num_classes = 2;
    r->class_names = calloc(3, sizeof(char *));
    for (int c = 0; c < 2; c++)
        r->class_names[c] = strcpy(malloc(4), names[c]);
    r->num_entries = 3;
    r->entries = calloc(3, sizeof(*r->entries));
    r->entries[0] = (igd_entry){.name = "apgd-ce",
                                .ensemble = "autoattack",
                                .target = "base",
                                .white_box = true,
                                .columns = {1},
                                .num_columns = 1,
                                .counts = {1},
                                .num_counts = 1,
                                .cost = {.forwards = 100, .backwards = 50, .seconds = 2}};
    r->entries[1] = (igd_entry){.name = "square",
                                .ensemble = "autoattack",
                                .target = "base",
                                .cumulative = true,
                                .black_box = true,
                                .columns = {2},
                                .num_columns = 1,
                                .counts = {1, 2},
                                .num_counts = 2};
    r->entries[2] = (igd_entry){.name = "autoattack",
                                .target = "base",
                                .columns = {1, 2},
                                .num_columns = 2,
                                .counts = {1, 2},
                                .num_counts = 2};
    r->seconds = 3.0;
    return r;
}

static inline igd_result *result_made(int64_t first, int64_t num, int seed, int num_draws)
{
    igd_result *r = result_make(first, num, seed, num_draws);
    assert_ok(igd_result_finish(r));
    return r;
}

static inline const char *result_saved(const char *name, int64_t first, int64_t num,
                                       int seed, int num_draws)
{
    const char *path = fixture_path(name);
    igd_result *r = result_made(first, num, seed, num_draws);
    assert_ok(igd_result_save(r, path));
    igd_result_free(r);
    return path;
}

#endif
