// Owns the tables of series, and analyses as callers get them.
#include "analyze/series_text.h"

#include <string.h>

#include "analyze/analysis_impl.h"
#include "core/json_build.h"
#include "core/number.h"
#include "core/wrap.h"
#include "result/interval.h"
#include "result/provenance.h"

#define NAME 24 // columns

void igd_series_print_head(FILE *f, const char *what)
{
    static const char interval[] = "95 % interval";
    fprintf(f, "%-*s %-8s  %-16s  %-8s  %s\n", NAME, what, "clean", interval, "attacked",
            interval);
}

static void print_accuracy(FILE *f, double accuracy, int64_t n)
{
    const igd_interval v = igd_interval_of((int64_t)(accuracy * (double)n + 0.5), n);
    igd_print(f, "%6.2f %%  [%6.2f, %6.2f]", 100.0 * accuracy, 100.0 * v.low,
              100.0 * v.high);
}

void igd_series_print_row(FILE *f, const char *name, const igd_result *r)
{
    const int64_t n = igd_result_num_images(r);
    if (igd_columns(name) > NAME) // on a line of its own
        fprintf(f, "%s\n%*s ", name, NAME, "");
    else
        fprintf(f, "%-*s ", NAME, name);
    print_accuracy(f, igd_result_clean_acc(r), n);
    fputs("  ", f);
    print_accuracy(f, igd_result_worst_acc(r), n);
    fputc('\n', f);
}

cJSON *igd_series_attacks_json(const char *attacks)
{
    char name[128];
    cJSON *list = cJSON_CreateArray();
    for (const char *at = attacks; *at != '\0';) {
        const size_t length = strcspn(at, ",");
        snprintf(name, sizeof(name), "%.*s", (int)length, at);
        igd_json_append(list, cJSON_CreateString(name));
        at += length + (at[length] == ',');
    }
    return list;
}

static void print_head(FILE *f, const cJSON *json)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(json, "model");
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data");
    const cJSON *threat = cJSON_GetObjectItemCaseSensitive(json, "threat");
    const cJSON *eps = cJSON_GetObjectItemCaseSensitive(threat, "eps");
    const cJSON *name, *attacks = cJSON_GetObjectItemCaseSensitive(json, "attacks");
    fprintf(f, "model     %s\n",
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(model, "path")));
    igd_print(f, "data      %s (%s), %.0f images\n",
              cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "path")),
              cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "split")),
              cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(data, "count")));
    fprintf(f, "threat    %s",
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(threat, "norm")));
    if (eps != NULL) {
        fputs(", eps ", f);
        igd_radius_print(f, eps->valuedouble);
    }
    fputs("\nattacks   ", f);
    cJSON_ArrayForEach(name, attacks)
    {
        fprintf(f, "%s%s", name->prev->next != NULL ? ", " : "", name->valuestring);
    }
    fputc('\n', f);
}

igd_status igd_series_finish(igd_analysis **out, cJSON *json,
                             void (*print)(FILE *f, const void *payload),
                             const void *payload)
{
    return igd_analysis_make(out, json, print_head, print, payload);
}
