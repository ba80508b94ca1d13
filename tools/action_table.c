// Owns what a table of a result or of an analysis has as rows.
#include "action_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "csv.h"

// Adds copies of the members of an object under the given keys, where it has them.
static void copy(cJSON *to, const cJSON *from, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        igd_json_add_copy(to, *keys, igd_get(from, *keys));
}

static cJSON *add_row(cJSON *rows, const char *key, const char *name)
{
    cJSON *row = cJSON_CreateObject();
    igd_json_add_string(row, key, name);
    return igd_json_append(rows, row) ? row : NULL;
}

// What the rows are made of; *out is owned. They are given up where it fails.
static igd_status parsed(cJSON **out, cJSON *rows, const char *text)
{
    const igd_status st = igd_json_parse(out, text, strlen(text), "the result");
    if (st != IGD_OK)
        cJSON_Delete(rows);
    return st;
}

static igd_status print_table(cJSON *rows)
{
    const igd_status st = csv_print(stdout, rows);
    cJSON_Delete(rows);
    return st;
}

// ---- Results

static const char *const protocols[] = {"expected_acc", "expected_interval",
                                        "majority_acc", "any_acc", NULL};
static const char *const costs[] = {"num_fooled", "forwards", "backwards",
                                    "seconds",    "same_as",  NULL};

// The row of the clean images, or of all attacks together.
static void add_whole(cJSON *rows, const cJSON *json, const char *name, const char *key)
{
    cJSON *row = add_row(rows, "name", name);
    char acc[16];
    snprintf(acc, sizeof(acc), "%s_acc", key);
    igd_json_add_string(row, "target", "");
    igd_json_add_number(row, "accuracy", igd_number_of(json, acc));
    igd_json_add_copy(row, "interval", igd_get(igd_get(json, "intervals"), acc));
    copy(row, igd_get(igd_get(json, "randomised"), key), protocols);
}

igd_status table_print_result(const igd_result *r)
{
    cJSON *json, *rows = cJSON_CreateArray();
    IGD_TRY(parsed(&json, rows, igd_result_json(r)));
    const cJSON *intervals = igd_get(igd_get(json, "intervals"), "attacks");
    const cJSON *attack;
    int k = 0;
    add_whole(rows, json, "clean", "clean");
    cJSON_ArrayForEach(attack, igd_get(json, "attacks"))
    {
        cJSON *row = add_row(rows, "name", igd_string_of(attack, "name"));
        igd_json_add_string(row, "target", igd_string_of(attack, "target"));
        igd_json_add_number(row, "accuracy", igd_number_of(attack, "robust_acc"));
        igd_json_add_copy(row, "interval", cJSON_GetArrayItem(intervals, k++));
        copy(row, attack, protocols);
        copy(row, attack, costs);
    }
    if (k > 0)
        add_whole(rows, json, "all", "worst");
    cJSON_Delete(json);
    return print_table(rows);
}

igd_status table_save_images(const igd_result *r, const char *path)
{
    static const char json[] = ".json", end[] = ".images.csv";
    const size_t length = strlen(path), tail = sizeof(json) - 1;
    const bool cut = length > tail && strcmp(path + length - tail, json) == 0;
    const size_t stem = cut ? length - tail : length;
    char *name = malloc(stem + sizeof(end));
    igd_writer *w = NULL;
    if (name == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    snprintf(name, stem + sizeof(end), "%.*s%s", (int)stem, path, end);
    const igd_status st = igd_writer_open(&w, name);
    free(name);
    if (st != IGD_OK)
        return st;
    FILE *f = igd_writer_stream(w);
    fputs("index,label,clean,robust,fooled_by\n", f);
    for (int64_t i = 0; i < igd_result_num_images(r); i++) {
        const igd_image_result image = igd_result_image(r, i);
        fprintf(f, "%lld,%d,%d,%s,", (long long)image.index, image.label,
                image.prediction, image.robust ? "true" : "false");
        csv_field(f, image.fooled_by != NULL ? image.fooled_by : "");
        fputc('\n', f);
    }
    return igd_writer_commit(w);
}

// ---- Analyses

// Both outcomes of attacks, a row per group of neurons.
static void add_shift(cJSON *rows, const cJSON *json)
{
    static const char *const outcomes[] = {"successful", "unsuccessful"};
    static const char *const keys[] = {"name", "neurons",  "count",
                                       "mean", "interval", NULL};
    const cJSON *group;
    for (int k = 0; k < 2; k++)
        cJSON_ArrayForEach(group, igd_get(igd_get(json, outcomes[k]), "groups"))
        {
            copy(add_row(rows, "attacks", outcomes[k]), group, keys);
        }
}

// A row per point of the plane and surface.
static void add_landscape(cJSON *rows, const cJSON *json)
{
    const cJSON *axis = igd_get(json, "axis"), *surface, *line, *loss, *a, *b;
    cJSON_ArrayForEach(surface, igd_get(json, "surfaces"))
    {
        a = axis->child;
        cJSON_ArrayForEach(line, igd_get(surface, "loss"))
        {
            b = axis->child;
            cJSON_ArrayForEach(loss, line)
            {
                cJSON *row = add_row(rows, "name", igd_string_of(surface, "name"));
                igd_json_add_number(row, "a", cJSON_GetNumberValue(a));
                igd_json_add_number(row, "b", cJSON_GetNumberValue(b));
                igd_json_add_copy(row, "loss", loss);
                b = b != NULL ? b->next : NULL;
            }
            a = a != NULL ? a->next : NULL;
        }
    }
}

// A row per classifier and radius.
static void add_radius(cJSON *rows, const cJSON *json)
{
    static const char *const keys[] = {"eps", "acc", "interval", NULL};
    const cJSON *classifier, *point;
    cJSON_ArrayForEach(classifier, igd_get(json, "classifiers"))
    {
        cJSON_ArrayForEach(point, igd_get(classifier, "curve"))
        {
            copy(add_row(rows, "name", igd_string_of(classifier, "name")), point, keys);
        }
    }
}

// A row per defense, the attacks by their names.
static void add_defenses(cJSON *rows, const cJSON *json)
{
    const cJSON *from, *acc, *item;
    cJSON_ArrayForEach(from, igd_get(json, "rows"))
    {
        cJSON *row = cJSON_CreateObject();
        cJSON_ArrayForEach(item, from)
        {
            const cJSON *column = igd_get(json, "columns")->child;
            if (strcmp(item->string, "robust_acc") != 0) {
                igd_json_add_copy(row, item->string, item);
                continue;
            }
            cJSON_ArrayForEach(acc, item)
            {
                igd_json_add_copy(row, cJSON_GetStringValue(column), acc);
                column = column->next;
            }
        }
        igd_json_append(rows, row);
    }
}

// The kinds whose rows are no array of the JSON.
static const struct {
    const char *kind;
    void (*add)(cJSON *rows, const cJSON *json);
} kinds[] = {{"shift", add_shift},
             {"landscape", add_landscape},
             {"radius", add_radius},
             {"defenses", add_defenses}};

// The array of objects that the other kinds have their rows in.
static const cJSON *rows_of(const cJSON *json)
{
    static const char *const keys[] = {"points", "rows", "settings"};
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        if (cJSON_IsArray(igd_get(json, keys[k])))
            return igd_get(json, keys[k]);
    return NULL;
}

igd_status table_print_analysis(const igd_analysis *a)
{
    cJSON *json, *rows = cJSON_CreateArray();
    IGD_TRY(parsed(&json, rows, igd_analysis_json(a)));
    const char *kind = igd_string_of(json, "kind");
    const size_t num = sizeof(kinds) / sizeof(kinds[0]);
    const cJSON *row, *plain;
    size_t k = 0;
    while (k < num && strcmp(kinds[k].kind, kind) != 0)
        k++;
    if (k < num)
        kinds[k].add(rows, json);
    plain = k < num ? NULL : rows_of(json);
    cJSON_ArrayForEach(row, plain)
    {
        igd_json_append(rows, cJSON_Duplicate(row, true));
    }
    cJSON_Delete(json);
    return print_table(rows);
}
