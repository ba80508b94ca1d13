// Owns what becomes of an analysis.
#include "action_analysis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action_merge.h"
#include "action_table.h"
#include "core.h"
#include "print.h"
#include "progress.h"

static igd_status show(const igd_analysis *a, const analysis_output *out,
                       const common_settings *common)
{
    if (out->chart != NULL)
        IGD_TRY(igd_analysis_save_chart(a, out->chart));
    progress_end();
    if (common->json) {
        puts(igd_analysis_json(a));
        return IGD_OK;
    }
    if (common->csv)
        return table_print_analysis(a);
    print_safe(stdout, igd_analysis_text(a));
    if (out->output != NULL || out->chart != NULL)
        putchar('\n');
    if (out->output != NULL)
        printf("analysis: %s\n", out->output);
    if (out->chart != NULL)
        printf("chart: %s\n", out->chart);
    return IGD_OK;
}

igd_status action_show_analysis(const igd_analysis *a, const analysis_output *out,
                                const common_settings *common)
{
    if (out->output != NULL)
        IGD_TRY(igd_analysis_save(a, out->output));
    return show(a, out, common);
}

// ---- parts

igd_status action_check_part(const analysis_output *out, const igd_dataset *data)
{
    const igd_part here = igd_dataset_part(data);
    igd_part there = {0};
    if (here.of == 0 || !igd_path_exists(out->output))
        return IGD_OK;
    IGD_TRY(igd_analysis_part_read(&there, out->output));
    return action_same_part(&there, &here, out->output);
}

// Whether the file holds what was joined; `why` [size] says what it is else.
static bool is_there(const igd_analysis *a, const char *path, char *why, size_t size)
{
    cJSON *there = NULL;
    bool sealed;
    if (igd_seal_read(&there, &sealed, path) != IGD_OK) {
        snprintf(why, size, "%s", igd_error_message());
        return false;
    }
    char *text = igd_json_text(there, true);
    const bool same = text != NULL && strcmp(text, igd_analysis_json(a)) == 0;
    cJSON_free(text);
    cJSON_Delete(there);
    snprintf(why, size, "%s: another analysis", path);
    return same;
}

// Writes the joined analysis, unless it is there; another one only with --restart.
static igd_status save_joined(const igd_analysis *a, const char *path, bool restart)
{
    char why[400];
    if (restart || !igd_path_exists(path))
        return igd_analysis_save(a, path);
    if (!is_there(a, path, why, sizeof(why)))
        return igd_error(IGD_ESTATE, "%s; it is not overwritten", why);
    progress_note("this is joined already; it is shown");
    return IGD_OK;
}

// "OUTPUT.SUFFIX"; owned, *out is NULL where there is none of them.
static igd_status folder_of(char **out, const char *output, const char *suffix)
{
    *out = NULL;
    if (output == NULL || suffix == NULL)
        return IGD_OK;
    const size_t size = strlen(output) + strlen(suffix) + 1;
    if ((*out = malloc(size)) == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the files");
    snprintf(*out, size, "%s%s", output, suffix);
    return IGD_OK;
}

int action_merge_analyses(const char *kind, const char *suffix, const analysis_parts *s,
                          const analysis_output *out, const common_settings *common,
                          bool restart)
{
    merge_files files = {0};
    igd_analysis *a = NULL;
    char *folder = NULL;
    igd_status st = merge_files_list(&files, &s->merge, ".json", out->output);
    if (st == IGD_OK && (st = folder_of(&folder, out->output, suffix)) == IGD_OK)
        st = igd_analysis_merge(&a, kind, (const char *const *)files.path, files.num,
                                folder, restart);
    if (st == IGD_OK && out->output != NULL)
        st = save_joined(a, out->output, restart);
    if (st == IGD_OK)
        st = show(a, out, common);
    igd_analysis_free(a);
    free(folder);
    merge_files_free(&files);
    return st == IGD_OK ? CLI_DONE : action_failed(common, st);
}
