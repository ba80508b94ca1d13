// Owns what results and analyses begin with, for people. Without libtorch, like all that
// reads results back.
#include <math.h>
#include <string.h>

#include "result/provenance.h"

#include "core/json.h"
#include "core/number.h"
#include "core/text.h"

// 0 where there is none.
static double number_in(const cJSON *provenance, const char *object, const char *key)
{
    const double v = igd_number_in(provenance, object, key);
    return isnan(v) ? 0.0 : v;
}

static bool has(const cJSON *provenance, const char *object, const char *key)
{
    return cJSON_HasObjectItem(cJSON_GetObjectItemCaseSensitive(provenance, object), key);
}

static void print_named(FILE *f, const char *title, const char *name)
{
    fputs(title, f);
    igd_print_escaped(f, name, false);
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

// A setting as "step size 4/255"; digests, seeds, costs and what is false say nothing.
static void print_setting(FILE *f, const cJSON *setting)
{
    static const char *const radii[] = {"eps", "step_size", "sigma"};
    static const char *const hidden[] = {"kind", "seed"};
    const char *key = setting->string;
    bool radius = false;

    for (size_t k = 0; k < sizeof(hidden) / sizeof(hidden[0]); k++)
        if (strcmp(key, hidden[k]) == 0)
            return;
    if (strstr(key, "sha256") != NULL || cJSON_IsObject(setting) ||
        cJSON_IsFalse(setting))
        return;
    fputs(", ", f);
    for (const char *at = key; *at != '\0'; at++)
        fputc(*at == '_' ? ' ' : *at, f);
    for (size_t k = 0; k < sizeof(radii) / sizeof(radii[0]); k++)
        radius |= strcmp(key, radii[k]) == 0;
    if (cJSON_IsString(setting)) {
        print_named(f, " ", setting->valuestring);
    } else if (cJSON_IsNumber(setting) && radius) {
        fputc(' ', f);
        igd_radius_print(f, setting->valuedouble);
    } else if (cJSON_IsNumber(setting)) {
        igd_print(f, " %.10g", setting->valuedouble);
    }
}

static void print_others(FILE *f, const cJSON *defense, const char *kind)
{
    const cJSON *setting;
    fputs(kind, f);
    cJSON_ArrayForEach(setting, defense) print_setting(f, setting);
}

static void print_defense(FILE *f, const cJSON *provenance)
{
    const char *kind = igd_text_in(provenance, "defense", "kind");
    const cJSON *defense = cJSON_GetObjectItemCaseSensitive(provenance, "defense");

    fputs("defense   ", f);
    if (!cJSON_IsObject(defense))
        fputs("none", f);
    else if (strcmp(kind, "model") == 0)
        print_named(f, "the file ", igd_text_in(provenance, "defense", "path"));
    else if (strcmp(kind, "mask") == 0 || !has(provenance, "defense", "kind"))
        print_masked(f, provenance);
    else
        print_others(f, defense, kind);
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
    print_named(f, "model     ", igd_text_in(provenance, "model", "path"));
    fputc('\n', f);
    print_defense(f, provenance);
    print_named(f, "data      ", igd_text_in(provenance, "data", "path"));
    igd_print(f, " (%s), %.0f images\n", igd_text_in(provenance, "data", "split"),
              number_in(provenance, "data", "count"));
    if (cJSON_HasObjectItem(provenance, "threat")) {
        fprintf(f, "threat    %s, eps ", igd_text_in(provenance, "threat", "norm"));
        igd_radius_print(f, number_in(provenance, "threat", "eps"));
        fputc('\n', f);
    }
    if (strcmp(igd_text_in(provenance, "settings", "precision"), "tf32") == 0)
        fputs("precision attacks in TF32, what they find judged in IEEE float32\n", f);
}
