// Owns reading the files of a report, the names of their models, and which result is
// compared with which.
#include "report/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/require.h"
#include "core/seal.h"

// --- getters

igd_headline_value igd_headline(const cJSON *result, bool clean)
{
    const char *key = clean ? "clean_acc" : "worst_acc";
    const cJSON *random =
        igd_get(igd_get(result, "randomised"), clean ? "clean" : "worst");
    if (cJSON_IsNumber(igd_get(random, "expected_acc")))
        return (igd_headline_value){igd_number_of(random, "expected_acc"),
                                    igd_end_of(random, "expected_interval", 0),
                                    igd_end_of(random, "expected_interval", 1), true};
    const cJSON *intervals = igd_get(result, "intervals");
    return (igd_headline_value){igd_number_of(result, key), igd_end_of(intervals, key, 0),
                                igd_end_of(intervals, key, 1), false};
}

// --- files

// The result's lines of images, where they are; a damaged file is a failure.
static igd_status read_images(igd_input *r)
{
    char *path = igd_result_images_path(r->path);
    if (path == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", r->path);
    const bool there = igd_path_exists(path);
    free(path);
    if (!there)
        return IGD_OK;
    return igd_result_load(&r->images, r->path);
}

// --- one classifier, one result

// A model with a normalisation in front is another model than without: "identity" says.
static bool same_model(const igd_input *a, const igd_input *b)
{
    const char *x = igd_text_in(a->json, "model", "identity");
    const char *y = igd_text_in(b->json, "model", "identity");
    if (x[0] == '\0' || y[0] == '\0') {
        x = igd_text_in(a->json, "model", "sha256");
        y = igd_text_in(b->json, "model", "sha256");
    }
    return strcmp(x, y) == 0;
}

// What makes a classifier of a model, wherever its files lie.
static cJSON *classifier_of(const igd_input *r)
{
    cJSON *o = cJSON_CreateObject();
    cJSON *defense = cJSON_Duplicate(igd_get(r->json, "defense"), true);
    cJSON_DeleteItemFromObjectCaseSensitive(defense, "path");
    igd_json_add_item(o, "defense", defense);
    igd_json_add_bool(o, "fixed_noise",
                      cJSON_IsTrue(igd_get(igd_get(r->json, "settings"), "fixed_noise")));
    return o;
}

static igd_status same_classifier(bool *same, const igd_input *a, const igd_input *b)
{
    char ignored[200];
    bool differ = true;
    if (same_model(a, b))
        IGD_TRY(igd_json_compare(&differ, ignored, sizeof(ignored), classifier_of(a),
                                 classifier_of(b)));
    *same = !differ;
    return IGD_OK;
}

static void keep_source(igd_inputs *in, const igd_input *r, const char *path, cJSON *json)
{
    in->source[in->num_sources++] = (igd_source){path, r->path, json};
}

// Adds a further result of the classifier of `r` to it.
static igd_status join(igd_inputs *in, igd_input *r, igd_input *more)
{
    IGD_TRY(igd_result_join(r->images, more->images, more->path));
    cJSON *joined = cJSON_Parse(igd_result_json(r->images));
    if (joined == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", more->path);
    bool kept = false;
    for (int k = 0; k < in->num_sources; k++)
        kept = kept || in->source[k].path == r->path;
    if (kept)
        cJSON_Delete(r->json); // made here when the one before was joined
    else
        keep_source(in, r, r->path, r->json);
    keep_source(in, r, more->path, more->json);
    r->json = joined;
    more->json = NULL;
    return IGD_OK;
}

static igd_status place_result(igd_inputs *in, igd_input *file)
{
    if (in->num_results > 0)
        IGD_TRY(igd_results_match(&in->result[0], file));
    for (int k = 0; k < in->num_results; k++) {
        igd_input *r = &in->result[k];
        bool same;
        IGD_TRY(same_classifier(&same, r, file));
        if (!same)
            continue;
        if (r->images != NULL && file->images != NULL)
            return join(in, r, file);
        r->split = file->split = true;
    }
    if (in->num_results == IGD_REPORT_MAX_RESULTS)
        return igd_error(IGD_EINVAL, "%s: more than %d results side by side", file->path,
                         IGD_REPORT_MAX_RESULTS);
    in->result[in->num_results++] = *file;
    file->json = NULL;
    file->images = NULL;
    return IGD_OK;
}

static igd_status add_result(igd_inputs *in, igd_input *file)
{
    IGD_TRY(igd_result_check(file->json, file->path));
    IGD_TRY(read_images(file));
    return place_result(in, file);
}

static igd_status read_file(igd_inputs *in, const char *path)
{
    igd_input file = {.path = path, .base = -1};
    const char *format;
    igd_status st = igd_seal_read(&file.json, &file.sealed, path);
    if (st != IGD_OK ||
        (st = igd_json_string(&format, file.json, "format", path)) != IGD_OK)
        goto done;
    if (strncmp(format, "igdef.analysis/", strlen("igdef.analysis/")) != 0) {
        st = add_result(in, &file);
    } else if ((st = igd_analysis_check(&file.kind, file.json, path)) == IGD_OK) {
        in->analysis[in->num_analyses++] = file;
        file.json = NULL;
    }

done:
    cJSON_Delete(file.json);
    igd_result_free(file.images);
    return st;
}

const igd_input *igd_inputs_file(const igd_inputs *in, int i)
{
    if (i < in->num_results)
        return &in->result[i];
    i -= in->num_results;
    return i < in->num_analyses ? &in->analysis[i] : NULL;
}

const char *igd_inputs_name(const igd_inputs *in, int i)
{
    const igd_input *file = igd_inputs_file(in, i);
    return i < in->num_results ? file->name : file->path;
}

void igd_inputs_free(igd_inputs *in)
{
    for (int k = 0; k < in->num_results; k++) {
        cJSON_Delete(in->result[k].json);
        igd_result_free(in->result[k].images);
    }
    for (int k = 0; k < in->num_sources; k++)
        cJSON_Delete(in->source[k].json);
    for (int k = 0; k < in->num_analyses; k++)
        cJSON_Delete(in->analysis[k].json);
    free(in->row);
    *in = (igd_inputs){0};
}

// --- who is who

static bool is_base(const igd_input *r)
{
    return cJSON_IsNull(igd_get(r->json, "defense"));
}

// Base models first, else as they were given.
static void order_results(igd_inputs *in)
{
    for (int i = 1; i < in->num_results; i++)
        for (int k = i; k > 0 && is_base(&in->result[k]) && !is_base(&in->result[k - 1]);
             k--) {
            const igd_input swap = in->result[k];
            in->result[k] = in->result[k - 1];
            in->result[k - 1] = swap;
        }
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static const char *defense_name(const cJSON *defense)
{
    static const char *const names[][2] = {
        {"loir", "LO-IR"}, {"cdir", "CD-IR"}, {"random", "random"},
        {"caaa", "CAAA"},  {"hedge", "HD"},   {"model", "defended file"}};
    const char *kind = igd_string_of(defense, "kind");
    const char *method = igd_string_of(defense, "method");
    const char *mask = igd_string_of(defense, "mask");
    if (cJSON_IsNull(defense))
        return "base";
    if (strcmp(mask, "random") == 0)
        return "random mask";
    if (strcmp(mask, "none") == 0)
        return "no mask";
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
        if (strcmp(method, names[k][0]) == 0 || strcmp(kind, names[k][0]) == 0)
            return names[k][1];
    return method[0] != '\0' ? method : kind[0] != '\0' ? kind : "defended";
}

static void name_results(igd_inputs *in)
{
    bool several = false, twice[IGD_REPORT_MAX_RESULTS] = {false};
    int defended = 0;
    for (int k = 1; k < in->num_results; k++)
        several = several || !same_model(&in->result[0], &in->result[k]);
    for (int k = 0; k < in->num_results; k++) {
        igd_input *r = &in->result[k];
        const char *name = defense_name(igd_get(r->json, "defense"));
        if (several)
            snprintf(r->name, sizeof(r->name), "%.60s, %.90s", name,
                     file_name(igd_text_in(r->json, "model", "path")));
        else
            snprintf(r->name, sizeof(r->name), "%.60s", name);
        r->series = is_base(r) ? 0 : 1 + defended++ % 5;
    }
    for (int k = 0; k < in->num_results; k++)
        for (int i = 0; i < in->num_results; i++)
            twice[k] = twice[k] ||
                       (i != k && strcmp(in->result[i].name, in->result[k].name) == 0);
    for (int k = 0; k < in->num_results; k++)
        if (twice[k]) {
            const size_t used = strlen(in->result[k].name);
            snprintf(in->result[k].name + used, sizeof(in->result[k].name) - used,
                     " (%.60s)", file_name(in->result[k].path));
        }
}

static void find_bases(igd_inputs *in)
{
    for (int k = 0; k < in->num_results; k++) {
        in->result[k].base = -1;
        for (int i = 0; i < k && !is_base(&in->result[k]); i++)
            if (is_base(&in->result[i]) && same_model(&in->result[i], &in->result[k]))
                in->result[k].base = i;
    }
}

// --- attacks

static igd_row *find_row(igd_inputs *in, const char *name, const char *ensemble)
{
    for (int i = 0; i < in->num_rows; i++)
        if (strcmp(in->row[i].name, name) == 0 &&
            strcmp(in->row[i].ensemble, ensemble) == 0)
            return &in->row[i];
    igd_row *row = &in->row[in->num_rows++];
    *row = (igd_row){.name = name, .ensemble = ensemble};
    return row;
}

static igd_status make_rows(igd_inputs *in)
{
    size_t most = 1;
    const cJSON *item;
    for (int k = 0; k < in->num_results; k++)
        most += (size_t)cJSON_GetArraySize(igd_get(in->result[k].json, "attacks"));
    in->num_rows = 0;
    in->row = calloc(most, sizeof(*in->row));
    if (in->row == NULL)
        return igd_error(IGD_ENOMEM, "no memory for %zu attacks", most);
    for (int k = 0; k < in->num_results; k++) {
        const cJSON *json = in->result[k].json;
        const cJSON *intervals = igd_get(igd_get(json, "intervals"), "attacks");
        const cJSON *interval = intervals->child; // one an attack, as was checked
        cJSON_ArrayForEach(item, igd_get(json, "attacks"))
        {
            igd_row *row = find_row(in, igd_string_of(item, "name"),
                                    igd_string_of(item, "ensemble"));
            if (row->entry[k] == NULL) {
                row->entry[k] = item;
                row->interval[k] =
                    (igd_interval){cJSON_GetArrayItem(interval, 0)->valuedouble,
                                   cJSON_GetArrayItem(interval, 1)->valuedouble};
            }
            interval = interval->next;
        }
    }
    return IGD_OK;
}

igd_status igd_inputs_read(igd_inputs *in, const char *const *paths, int num)
{
    *in = (igd_inputs){0};
    if (num < 1 || num > IGD_REPORT_MAX_FILES)
        return igd_error(IGD_EINVAL, "%d files; a report takes 1 .. %d", num,
                         IGD_REPORT_MAX_FILES);
    for (int k = 0; k < num; k++)
        IGD_REQUIRE(paths[k]);
    for (int k = 0; k < num; k++) {
        for (int i = 0; i < k; i++)
            if (strcmp(paths[i], paths[k]) == 0)
                return igd_error(IGD_EINVAL, "%s: given twice", paths[k]);
        IGD_TRY(read_file(in, paths[k]));
    }
    order_results(in);
    name_results(in);
    find_bases(in);
    return make_rows(in);
}
