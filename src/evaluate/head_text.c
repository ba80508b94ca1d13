// Owns what results and analyses begin with, for people. Without libtorch, like all that
// reads results back.
#include <math.h>

#include "evaluate/head.h"

static const char *string_in(const cJSON *head, const char *object, const char *key)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(head, object);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static double number_in(const cJSON *head, const char *object, const char *key)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(head, object);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0.0;
}

void igd_radius_print(FILE *f, double v)
{
    const double levels = v * 255.0;
    if (levels > 0.5 && fabs(levels - round(levels)) < 1e-6)
        fprintf(f, "%.0f/255", levels);
    else
        fprintf(f, "%g", v);
}

static void print_defense(FILE *f, const cJSON *head)
{
    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(head, "defense"))) {
        fprintf(f, "defense   none\n");
        return;
    }
    fprintf(f, "defense   %s ranking at %s, keep %.0f, sigma ",
            string_in(head, "defense", "method"), string_in(head, "defense", "layer"),
            number_in(head, "defense", "keep"));
    igd_radius_print(f, number_in(head, "defense", "sigma"));
    fprintf(f, ", smooth %.0f, temperature %g\n", number_in(head, "defense", "smooth"),
            number_in(head, "defense", "temperature"));
}

void igd_head_print(FILE *f, const cJSON *head)
{
    fprintf(f, "model     %s\n", string_in(head, "model", "path"));
    print_defense(f, head);
    fprintf(f, "data      %s (%s), %.0f images\n", string_in(head, "data", "path"),
            string_in(head, "data", "split"), number_in(head, "data", "count"));
    if (cJSON_HasObjectItem(head, "threat")) {
        fprintf(f, "threat    %s, eps ", string_in(head, "threat", "norm"));
        igd_radius_print(f, number_in(head, "threat", "eps"));
        fputc('\n', f);
    }
}
