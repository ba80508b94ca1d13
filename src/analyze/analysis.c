// Owns analyses as callers get them, and their files.
#include "analyze/analysis_impl.h"

#include <stdlib.h>
#include <string.h>

#include "chart/analysis_check.h"
#include "chart/chart.h"
#include "core/error.h"
#include "core/file.h"
#include "core/folder.h"
#include "core/json.h"
#include "core/require.h"
#include "core/seal.h"
#include "core/wrap.h"

struct igd_analysis {
    cJSON *object; // owned
    char *json;    // owned, cJSON_free()
    char *text;    // owned
    igd_found found;
};

static void print_warnings(FILE *f, const cJSON *json)
{
    const cJSON *item, *list = cJSON_GetObjectItemCaseSensitive(json, "warnings");
    if (cJSON_GetArraySize(list) > 0)
        fputs("\nWarnings\n", f);
    cJSON_ArrayForEach(item, list)
    {
        fprintf(f, "  %s: %s\n", igd_string_of(item, "id"), igd_string_of(item, "text"));
    }
}

igd_status igd_analysis_make(igd_analysis **out, cJSON *json,
                             void (*head)(FILE *f, const cJSON *json),
                             void (*body)(FILE *f, const void *payload),
                             const void *payload)
{
    igd_analysis *a = calloc(1, sizeof(*a));
    size_t size = 0;
    FILE *f = NULL;

    *out = NULL;
    if (a == NULL) {
        cJSON_Delete(json);
        return igd_error(IGD_ENOMEM, "no memory for the analysis");
    }
    a->object = json;
    a->json = igd_json_text(json, true);
    f = a->json != NULL ? open_memstream(&a->text, &size) : NULL;
    if (f != NULL) {
        head(f, json);
        fputc('\n', f);
        body(f, payload);
        print_warnings(f, json);
        if (fclose(f) == 0 && igd_fold(&a->text)) {
            *out = a;
            return IGD_OK;
        }
    }
    igd_analysis_free(a);
    return igd_error(IGD_ENOMEM, "no memory for the analysis");
}

const char *igd_analysis_json(const igd_analysis *a)
{
    return a != NULL ? a->json : "";
}

const char *igd_analysis_text(const igd_analysis *a)
{
    return a != NULL ? a->text : "";
}

// Leaves the same result as it is.
static igd_status save_result(const igd_result *r, const char *path, bool replace)
{
    igd_result *there = NULL;
    if (replace || !igd_path_exists(path))
        return igd_result_save(r, path);
    IGD_TRY(igd_result_load(&there, path));
    const bool same = strcmp(igd_result_json(there), igd_result_json(r)) == 0;
    igd_result_free(there);
    return same
               ? IGD_OK
               : igd_error(IGD_ESTATE, "%s: another result; it is not overwritten", path);
}

static igd_status save_results(const igd_found *f)
{
    char *folder = igd_path_folder(f->files[0]);
    igd_status st = folder != NULL ? igd_folder_make(folder)
                                   : igd_error(IGD_ENOMEM, "no memory for the results");
    free(folder);
    for (int k = 0; k < f->num_results && st == IGD_OK; k++)
        st = save_result(f->results[k], f->files[k], f->replace);
    return st;
}

igd_status igd_analysis_save(const igd_analysis *a, const char *path)
{
    IGD_REQUIRE(a);
    IGD_REQUIRE(path);
    if (a->found.files != NULL)
        IGD_TRY(save_results(&a->found));
    return igd_seal_write(a->object, path);
}

igd_status igd_analysis_save_chart(const igd_analysis *a, const char *path)
{
    IGD_REQUIRE(a);
    IGD_REQUIRE(path);
    char *svg = NULL;
    igd_status st = igd_chart_svg(&svg, a->object);
    if (st == IGD_OK)
        st = igd_file_write(path, svg, strlen(svg));
    free(svg);
    return st;
}

static void found_free(igd_found *f)
{
    for (int k = 0; k < f->num_results; k++) {
        igd_result_free(f->results[k]);
        if (f->files != NULL)
            free(f->files[k]);
    }
    free(f->results);
    free(f->files);
    free(f->shift);
    free(f->search_keep);
    free(f->landscape);
    free(f->sweep);
}

void igd_analysis_free(igd_analysis *a)
{
    if (a == NULL)
        return;
    cJSON_Delete(a->object);
    cJSON_free(a->json);
    free(a->text);
    found_free(&a->found);
    free(a);
}

// --- numbers

void igd_analysis_hold(igd_analysis *a, const igd_found *found)
{
    a->found = *found;
}

const igd_shift_numbers *igd_analysis_shift(const igd_analysis *a)
{
    return a != NULL ? a->found.shift : NULL;
}

const igd_search_keep_numbers *igd_analysis_search_keep(const igd_analysis *a)
{
    return a != NULL ? a->found.search_keep : NULL;
}

const igd_landscape_numbers *igd_analysis_landscape(const igd_analysis *a)
{
    return a != NULL ? a->found.landscape : NULL;
}

const igd_sweep_numbers *igd_analysis_sweep(const igd_analysis *a)
{
    return a != NULL ? a->found.sweep : NULL;
}
