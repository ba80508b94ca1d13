// Owns what results and analyses begin with, for people. Without libtorch, like all that
// reads results back.
#include <math.h>
#include <string.h>

#include "result/provenance.h"

#include "core/json.h"
#include "core/number.h"

// 0 where there is none.
static double number_in(const cJSON *provenance, const char *object, const char *key)
{
    const double v = igd_number_in(provenance, object, key);
    return isnan(v) ? 0.0 : v;
}

void igd_radius_print(FILE *f, double v)
{
    const double levels = v * 255.0;
    if (levels > 0.5 && fabs(levels - round(levels)) < 1e-6)
        igd_print(f, "%.0f/255", levels);
    else
        igd_print(f, "%g", v);
}

static bool has(const cJSON *provenance, const char *object, const char *key)
{
    return cJSON_HasObjectItem(cJSON_GetObjectItemCaseSensitive(provenance, object), key);
}

static void print_masked(FILE *f, const cJSON *provenance)
{
    if (has(provenance, "defense", "layer"))
        igd_print(f, "%s ranking at %s, keep %.0f, ",
                  igd_text_in(provenance, "defense", "method"),
                  igd_text_in(provenance, "defense", "layer"),
                  number_in(provenance, "defense", "keep"));
    else
        fputs("no mask, ", f);
    if (number_in(provenance, "defense", "passes") < 2.0)
        fputs("one pass, ", f);
    if (has(provenance, "defense", "sigma")) {
        fputs("sigma ", f);
        igd_radius_print(f, number_in(provenance, "defense", "sigma"));
        igd_print(f, ", smooth %.0f", number_in(provenance, "defense", "smooth"));
    } else {
        fputs("two passes", f);
    }
    if (has(provenance, "defense", "temperature"))
        igd_print(f, ", temperature %g", number_in(provenance, "defense", "temperature"));
}

static void print_hedge(FILE *f, const cJSON *provenance)
{
    const cJSON *defense = cJSON_GetObjectItemCaseSensitive(provenance, "defense");
    igd_print(f, "hedge, steps %.0f, step size ",
              number_in(provenance, "defense", "steps"));
    igd_radius_print(f, number_in(provenance, "defense", "step_size"));
    fputs(", eps ", f);
    igd_radius_print(f, number_in(provenance, "defense", "eps"));
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(defense, "random_start")))
        fputs(", random start", f);
}

static void print_defense(FILE *f, const cJSON *provenance)
{
    const char *kind = igd_text_in(provenance, "defense", "kind");
    const cJSON *defense = cJSON_GetObjectItemCaseSensitive(provenance, "defense");

    fputs("defense   ", f);
    if (!cJSON_IsObject(defense))
        fputs("none", f);
    else if (strcmp(kind, "caaa") == 0)
        igd_print(f, "caaa, steps %.0f, alpha %g",
                  number_in(provenance, "defense", "steps"),
                  number_in(provenance, "defense", "alpha"));
    else if (strcmp(kind, "hedge") == 0)
        print_hedge(f, provenance);
    else if (strcmp(kind, "model") == 0)
        fprintf(f, "the file %s", igd_text_in(provenance, "defense", "path"));
    else
        print_masked(f, provenance);
    const cJSON *cost = cJSON_GetObjectItemCaseSensitive(defense, "cost");
    if (cost != NULL)
        igd_print(
            f, "\ncost      %.0f forward and %.0f backward passes per prediction",
            cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(cost, "forwards")),
            cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(cost, "backwards")));
    fputc('\n', f);
}

void igd_provenance_print(FILE *f, const cJSON *provenance)
{
    fprintf(f, "model     %s\n", igd_text_in(provenance, "model", "path"));
    print_defense(f, provenance);
    igd_print(
        f, "data      %s (%s), %.0f images\n", igd_text_in(provenance, "data", "path"),
        igd_text_in(provenance, "data", "split"), number_in(provenance, "data", "count"));
    if (cJSON_HasObjectItem(provenance, "threat")) {
        fprintf(f, "threat    %s, eps ", igd_text_in(provenance, "threat", "norm"));
        igd_radius_print(f, number_in(provenance, "threat", "eps"));
        fputc('\n', f);
    }
}
