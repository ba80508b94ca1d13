// Owns what becomes of an analysis.
#include "action_analysis.h"

#include <stdio.h>

#include "action_table.h"
#include "core.h"
#include "print.h"
#include "progress.h"

igd_status action_show_analysis(const igd_analysis *a, const analysis_output *out,
                                const common_settings *common)
{
    if (out->output != NULL)
        IGD_TRY(igd_analysis_save(a, out->output));
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
