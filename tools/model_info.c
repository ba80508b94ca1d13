// Owns RobustBench's keys and what stands for them in a result.
#include "model_info.h"

#include <math.h>
#include <string.h>

#include "core.h"
#include "igdef/evaluate.h"

#define AUTOATTACK "autoattack"

// The keys that say of a model what no evaluation measures, in the order of the files.
static const struct {
    const char *key;
    enum { TEXT, TRUTH, OPTIONAL } kind;
} given[] = {{"link", TEXT},         {"name", TEXT},
             {"authors", TEXT},      {"additional_data", TRUTH},
             {"dataset", TEXT},      {"venue", TEXT},
             {"architecture", TEXT}, {"reported", TEXT},
             {"footnote", OPTIONAL}};
#define NUM_GIVEN ((int)(sizeof(given) / sizeof(given[0])))

static bool is_key(const char *text, const char *key)
{
    const size_t length = strcspn(text, "=");
    return strlen(key) == length && strncmp(text, key, length) == 0;
}

// What was given for a key, the last one; NULL for nothing.
static const char *value_of(const cli_texts *info, const char *key)
{
    for (int i = info->num; i-- > 0;)
        if (is_key(info->item[i], key))
            return info->item[i] + strlen(key) + 1;
    return NULL;
}

int model_info_check(const cli_texts *info)
{
    const char *names[NUM_GIVEN];
    for (int k = 0; k < NUM_GIVEN; k++)
        names[k] = given[k].key;
    for (int i = 0; i < info->num; i++) {
        const char *text = info->item[i];
        char key[40];
        int k = 0;
        if (strchr(text, '=') == NULL)
            return cli_usage("--info: '%s' is not KEY=VALUE, such as venue='ICML 2020'",
                             text);
        snprintf(key, sizeof(key), "%.*s", (int)strcspn(text, "="), text);
        while (k < NUM_GIVEN && strcmp(key, names[k]) != 0)
            k++;
        const char *near = k == NUM_GIVEN ? igd_nearest(key, names, NUM_GIVEN) : NULL;
        if (near != NULL)
            return cli_usage("--info: unknown key '%s'; did you mean '%s'?", key, near);
        if (k == NUM_GIVEN)
            return cli_usage("--info: '%s' is measured, or no key of RobustBench's", key);
        const char *value = text + strlen(key) + 1;
        if (given[k].kind == TRUTH && strcmp(value, "true") != 0 &&
            strcmp(value, "false") != 0)
            return cli_usage("--info: %s is '%s', neither true nor false", key, value);
        double number;
        if (strcmp(key, "reported") == 0 && value[0] != '\0' &&
            (!igd_number_parse(&number, value) || number < 0.0 || number > 100.0))
            return cli_usage("--info: reported is '%s', no accuracy in percent", value);
    }
    if (value_of(info, "additional_data") == NULL)
        return cli_usage(
            "--model-info: give --info additional_data=true or =false: whether "
            "training took more data than the data set's");
    return CLI_GO_ON;
}

// An attack's parameters as they are published: what the table says, but for targets
// where there are fewer classes.
static bool is_standard(const cJSON *run, int num_classes)
{
    const igd_attack *a;
    int num;
    if (igd_attack_find(&a, igd_string_of(run, "attack")) != IGD_OK)
        return false;
    const igd_parameter *p = igd_attack_parameters(a, &num);
    for (int k = 0; k < num; k++) {
        const double v = igd_number_in(run, "parameters", p[k].name);
        const bool fewer =
            strcmp(p[k].name, "targets") == 0 && v == num_classes - 1 && v < p[k].value;
        if (!isnan(v) && v != p[k].value && !fewer)
            return false;
    }
    return true;
}

// The entry of AutoAttack; NULL where there is none.
static const cJSON *find_autoattack(const cJSON *json)
{
    const cJSON *attack;
    cJSON_ArrayForEach(attack, igd_get(json, "attacks"))
    {
        if (strcmp(igd_string_of(attack, "name"), AUTOATTACK) == 0)
            return attack;
    }
    return NULL;
}

// The first member of the ensemble with changed parameters; NULL where there is none.
static const char *find_changed(const cJSON *json)
{
    const int classes = cJSON_GetArraySize(igd_get(igd_get(json, "data"), "classes"));
    const cJSON *attack, *step, *run;
    cJSON_ArrayForEach(attack, igd_get(json, "attacks"))
    {
        const char *name = igd_string_of(attack, "name");
        if (strcmp(igd_string_of(attack, "ensemble"), AUTOATTACK) != 0)
            continue;
        cJSON_ArrayForEach(step, igd_get(igd_get(json, "settings"), "attacks"))
        {
            cJSON_ArrayForEach(run, igd_get(step, "runs"))
            {
                if (strcmp(igd_string_of(step, "name"), name) == 0 &&
                    !is_standard(run, classes))
                    return name;
            }
        }
    }
    return NULL;
}

static igd_status check_result(const igd_result *r, const cJSON *json, const char *path)
{
    if (find_autoattack(json) == NULL)
        return igd_error(IGD_EINVAL,
                         "%s: has no entry of AutoAttack, which RobustBench's tables are "
                         "of: igdef eval --attack autoattack",
                         path);
    if (strcmp(igd_text_in(json, "threat", "norm"), "L1") == 0)
        return igd_error(IGD_EINVAL, "%s: is of L1, which RobustBench has no table of",
                         path);
    const char *changed = find_changed(json);
    if (changed != NULL)
        return igd_error(IGD_EINVAL,
                         "%s: parameters of %s were changed: that is not "
                         "AutoAttack as it is published",
                         path, changed);
    if (igd_get(igd_get(json, "data"), "part") != NULL)
        return igd_error(IGD_EINVAL, "%s: is one part of a run; join them first", path);
    if (igd_result_num_planned(r) > igd_result_num_images(r))
        return igd_error(IGD_EINVAL, "%s: has %lld of %lld images: let it end first",
                         path, (long long)igd_result_num_images(r),
                         (long long)igd_result_num_planned(r));
    return IGD_OK;
}

static void add_percent(cJSON *o, const char *key, double accuracy)
{
    char text[16];
    igd_format(text, sizeof(text), "%.2f", 100.0 * accuracy);
    igd_json_add_string(o, key, text);
}

// The expectation of a random classifier where it is one.
static double accuracy_of(const cJSON *object, const char *key)
{
    const double expected = igd_number_of(object, "expected_acc");
    return isnan(expected) ? igd_number_of(object, key) : expected;
}

// The user's words, and what the number was measured on.
static void add_footnote(cJSON *o, const igd_result *r, const cJSON *json,
                         const cli_texts *info)
{
    char text[600], before[256] = "";
    const char *own = value_of(info, "footnote");
    if (own != NULL && own[0] != '\0')
        snprintf(before, sizeof(before), "%s ", own);
    int used =
        snprintf(text, sizeof(text), "%sAutoAttack by igdef %s on %lld images (%s)",
                 before, igd_text_in(json, "versions", "igdef"),
                 (long long)igd_result_num_images(r), igd_text_in(json, "data", "split"));
    for (int k = 0; k < igd_result_num_warnings(r) && used < (int)sizeof(text); k++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%s",
                         k > 0 ? ", " : "; warnings: ", igd_result_warning_id(r, k));
    if (used < (int)sizeof(text))
        snprintf(text + used, sizeof(text) - (size_t)used, ".");
    igd_json_add_string(o, "footnote", text);
}

static cJSON *make(char missing[MODEL_INFO_MISSING], const igd_result *r,
                   const cJSON *json, const cli_texts *info)
{
    cJSON *o = cJSON_CreateObject();
    const cJSON *random = igd_get(json, "randomised");
    const cJSON *clean = random != NULL ? igd_get(random, "clean") : json;
    const cJSON *worst = random != NULL ? igd_get(random, "worst") : json;
    const double autoattack = accuracy_of(find_autoattack(json), "robust_acc");
    const double all = accuracy_of(worst, "worst_acc");
    const cJSON *cost = igd_get(igd_get(json, "defense"), "cost");
    char eps[32];
    size_t used = 0;
    missing[0] = '\0';
    for (int k = 0; k < NUM_GIVEN; k++) {
        const char *value = value_of(info, given[k].key);
        if (given[k].kind == TRUTH)
            igd_json_add_bool(o, given[k].key, strcmp(value, "true") == 0);
        else if (given[k].kind == TEXT)
            igd_json_add_string(o, given[k].key, value != NULL ? value : "");
        if (given[k].kind == TEXT && value == NULL && used < MODEL_INFO_MISSING)
            used += (size_t)snprintf(missing + used, MODEL_INFO_MISSING - used, "%s%s",
                                     used > 0 ? ", " : "", given[k].key);
    }
    const double passes = igd_number_of(cost, "forwards");
    igd_json_add_number(o, "number_forward_passes", isnan(passes) ? 1.0 : passes);
    igd_number_shortest(eps, sizeof(eps), igd_number_in(json, "threat", "eps"));
    igd_json_add_string(o, "eps", eps);
    add_percent(o, "clean_acc", accuracy_of(clean, "clean_acc"));
    add_percent(o, "autoattack_acc", autoattack);
    if (all < autoattack) // further attacks of the list found more
        add_percent(o, "external", all);
    igd_json_add_bool(o, "unreliable", igd_result_num_warnings(r) > 0);
    add_footnote(o, r, json, info);
    return o;
}

igd_status model_info_make(cJSON **out, char missing[MODEL_INFO_MISSING],
                           const char *path, const cli_texts *info)
{
    igd_result *r = NULL;
    *out = NULL;
    IGD_TRY(igd_result_load(&r, path));
    cJSON *json = cJSON_Parse(igd_result_json(r));
    igd_status st = json != NULL ? check_result(r, json, path)
                                 : igd_error(IGD_ENOMEM, "%s: no memory", path);
    if (st == IGD_OK)
        *out = make(missing, r, json, info);
    cJSON_Delete(json);
    igd_result_free(r);
    return st;
}
