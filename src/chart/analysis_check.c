// Owns the check of analysis files.
#include "chart/analysis_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart/markup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/nearest.h"
#include "core/number.h"

#define LARGEST 1e12 // of any number: larger ones are no measurement

static const char *const kinds[IGD_NUM_KINDS] = {"shift",     "sweep",    "search-keep",
                                                 "landscape", "ablation", "defenses",
                                                 "radius",    "tune"};

// --- getters

void igd_setting_text(char out[IGD_VALUE_TEXT], const cJSON *value, const char *option)
{
    if (cJSON_IsString(value)) {
        size_t n = strlen(value->valuestring);
        if (n >= IGD_VALUE_TEXT)
            for (n = IGD_VALUE_TEXT - 1;
                 n > 0 && ((unsigned char)value->valuestring[n] & 0xc0) == 0x80;)
                n--;
        memcpy(out, value->valuestring, n);
        out[n] = '\0';
    } else if (cJSON_IsNumber(value)) {
        char text[IGD_DECIMALS_TEXT];
        if (strcmp(option, "eps") == 0 || strcmp(option, "sigma") == 0) {
            igd_radius_text(out, value->valuedouble);
            return;
        }
        igd_decimal_text(text, value->valuedouble,
                         igd_decimals(value->valuedouble, 1e-9));
        snprintf(out, IGD_VALUE_TEXT, "%s", text);
    } else {
        snprintf(out, IGD_VALUE_TEXT, "%s", cJSON_IsTrue(value) ? "yes" : "no");
    }
}

bool igd_sweep_of_attack(const cJSON *sweep)
{
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(sweep, "of_attack");
    const char *option = igd_string_of(sweep, "option");
    if (cJSON_IsBool(said))
        return cJSON_IsTrue(said);
    // Written before sweeps said so.
    return strcmp(option, "eps") == 0 || strcmp(option, "steps") == 0 ||
           strchr(option, '.') != NULL;
}

// Attacks are names, or objects with them.
static bool lists_worst_case(const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *name =
            cJSON_IsString(item) ? item->valuestring : igd_string_of(item, "name");
        if (strcmp(name, "worst-case") == 0)
            return true;
    }
    return false;
}

const char *igd_union_name(const cJSON *analysis)
{
    return lists_worst_case(cJSON_GetObjectItemCaseSensitive(analysis, "attacks"))
               ? "worst case"
               : "all listed attacks";
}

// --- checks

static igd_status number_in(const cJSON *object, const char *key, double min, double max,
                            bool optional, const char *what)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (optional && (item == NULL || cJSON_IsNull(item)))
        return IGD_OK;
    if (!cJSON_IsNumber(item))
        return igd_error(IGD_EFORMAT, "%s: '%s' is %s", what, key,
                         item == NULL ? "missing" : "not a number");
    if (!(item->valuedouble >= min && item->valuedouble <= max))
        return igd_error(IGD_EFORMAT, "%s: '%s' is %g", what, key, item->valuedouble);
    return IGD_OK;
}

static igd_status fraction(const cJSON *object, const char *key, const char *what)
{
    return number_in(object, key, 0.0, 1.0, false, what);
}

static igd_status interval(const cJSON *object, const char *key, double min, double max,
                           const char *what)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (item == NULL || cJSON_IsNull(item))
        return IGD_OK;
    const cJSON *low = cJSON_GetArrayItem(item, 0), *high = cJSON_GetArrayItem(item, 1);
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 || !cJSON_IsNumber(low) ||
        !cJSON_IsNumber(high) || !(low->valuedouble >= min) ||
        !(high->valuedouble <= max) || !(low->valuedouble <= high->valuedouble))
        return igd_error(IGD_EFORMAT, "%s: '%s' is no interval", what, key);
    return IGD_OK;
}

static igd_status objects(const cJSON **out, const cJSON *object, const char *key,
                          int least, int most, const char *what)
{
    const cJSON *item;
    IGD_TRY(igd_json_array(out, object, key, what));
    const int num = cJSON_GetArraySize(*out);
    if (num < least || num > most)
        return igd_error(IGD_EFORMAT, "%s: %d entries in '%s'", what, num, key);
    cJSON_ArrayForEach(item, *out)
    {
        if (!cJSON_IsObject(item))
            return igd_error(IGD_EFORMAT, "%s: '%s' holds something else than objects",
                             what, key);
    }
    return IGD_OK;
}

static igd_status check_accuracies(const cJSON *o, const char *what)
{
    IGD_TRY(fraction(o, "clean_acc", what));
    IGD_TRY(fraction(o, "worst_acc", what));
    IGD_TRY(interval(o, "clean_interval", 0.0, 1.0, what));
    return interval(o, "worst_interval", 0.0, 1.0, what);
}

static igd_status check_groups(const cJSON *analysis, const char *key, const char *what)
{
    const cJSON *part, *groups, *item;
    const char *name;
    IGD_TRY(igd_json_object(&part, analysis, key, what));
    IGD_TRY(number_in(part, "count", 0.0, LARGEST, false, what));
    IGD_TRY(objects(&groups, part, "groups", 0, 16, what));
    cJSON_ArrayForEach(item, groups)
    {
        IGD_TRY(igd_json_string(&name, item, "name", what));
        IGD_TRY(number_in(item, "neurons", 0.0, LARGEST, true, what));
        IGD_TRY(number_in(item, "count", 0.0, LARGEST, true, what));
        IGD_TRY(number_in(item, "mean", -LARGEST, LARGEST, true, what));
        IGD_TRY(interval(item, "interval", -LARGEST, LARGEST, what));
    }
    return IGD_OK;
}

static igd_status check_shift(const cJSON *a, const char *what)
{
    const char *text;
    IGD_TRY(igd_json_string(&text, a, "layer", what));
    IGD_TRY(igd_json_string(&text, a, "attack", what));
    IGD_TRY(number_in(a, "top", 1.0, LARGEST, false, what));
    IGD_TRY(number_in(a, "num_images", 0.0, LARGEST, false, what));
    IGD_TRY(check_groups(a, "successful", what));
    return check_groups(a, "unsuccessful", what);
}

static igd_status check_point(const cJSON *o, const char *what)
{
    const cJSON *attacks, *item;
    const char *text;
    IGD_TRY(check_accuracies(o, what));
    if (cJSON_GetObjectItemCaseSensitive(o, "attacks") == NULL)
        return IGD_OK;
    IGD_TRY(objects(&attacks, o, "attacks", 0, 256, what));
    cJSON_ArrayForEach(item, attacks)
    {
        IGD_TRY(igd_json_string(&text, item, "name", what));
        IGD_TRY(fraction(item, "robust_acc", what));
    }
    return IGD_OK;
}

static igd_status check_sweep(const cJSON *a, const char *what)
{
    const cJSON *points, *item;
    const char *text;
    IGD_TRY(igd_json_string(&text, a, "option", what));
    IGD_TRY(objects(&points, a, "points", 1, 4096, what));
    cJSON_ArrayForEach(item, points)
    {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "value");
        if (cJSON_IsNumber(value))
            IGD_TRY(number_in(item, "value", -LARGEST, LARGEST, false, what));
        else if (!cJSON_IsString(value) && !cJSON_IsBool(value))
            return igd_error(IGD_EFORMAT, "%s: a point without 'value'", what);
        IGD_TRY(check_point(item, what));
    }
    item = cJSON_GetObjectItemCaseSensitive(a, "base");
    return item == NULL || cJSON_IsNull(item) ? IGD_OK : check_point(item, what);
}

static igd_status check_search(const cJSON *a, const char *what)
{
    const cJSON *points, *item;
    const char *text;
    IGD_TRY(igd_json_string(&text, a, "method", what));
    IGD_TRY(fraction(a, "budget", what));
    IGD_TRY(fraction(a, "base_clean_acc", what));
    IGD_TRY(fraction(a, "clean_acc", what));
    IGD_TRY(interval(a, "interval", 0.0, 1.0, what));
    IGD_TRY(number_in(a, "keep", 1.0, LARGEST, false, what));
    IGD_TRY(objects(&points, a, "points", 1, 1 << 20, what));
    cJSON_ArrayForEach(item, points)
    {
        IGD_TRY(number_in(item, "keep", 1.0, LARGEST, false, what));
        IGD_TRY(fraction(item, "clean_acc", what));
    }
    return IGD_OK;
}

// An array of `num` numbers.
static igd_status numbers(const cJSON *array, int num, const char *key, const char *what)
{
    const cJSON *item;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) != num)
        return igd_error(IGD_EFORMAT, "%s: '%s' has not %d numbers", what, key, num);
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= LARGEST))
            return igd_error(IGD_EFORMAT, "%s: '%s' holds something else than numbers",
                             what, key);
    }
    return IGD_OK;
}

static igd_status check_surface(const cJSON *o, int grid, const char *what)
{
    const cJSON *loss, *row;
    const char *text;
    IGD_TRY(igd_json_string(&text, o, "name", what));
    IGD_TRY(igd_json_array(&loss, o, "loss", what));
    if (cJSON_GetArraySize(loss) != grid)
        return igd_error(IGD_EFORMAT, "%s: 'loss' has not %d rows", what, grid);
    cJSON_ArrayForEach(row, loss)
    {
        IGD_TRY(numbers(row, grid, "loss", what));
    }
    IGD_TRY(number_in(o, "flatness", -LARGEST, LARGEST, true, what));
    IGD_TRY(number_in(o, "clean_loss", -LARGEST, LARGEST, true, what));
    return number_in(o, "max_loss", -LARGEST, LARGEST, true, what);
}

static igd_status check_landscape(const cJSON *a, const char *what)
{
    const cJSON *axis, *surfaces, *item;
    IGD_TRY(number_in(a, "grid", 2.0, IGD_MAX_GRID, false, what));
    const int grid = (int)igd_number_of(a, "grid");
    IGD_TRY(igd_json_array(&axis, a, "axis", what));
    IGD_TRY(numbers(axis, grid, "axis", what));
    const double first = cJSON_GetArrayItem(axis, 0)->valuedouble;
    const double last = cJSON_GetArrayItem(axis, grid - 1)->valuedouble;
    if (!(first < last))
        return igd_error(IGD_EFORMAT, "%s: 'axis' does not rise", what);
    IGD_TRY(number_in(a, "num_images", 0.0, LARGEST, true, what));
    IGD_TRY(objects(&surfaces, a, "surfaces", 1, 4, what));
    cJSON_ArrayForEach(item, surfaces)
    {
        IGD_TRY(check_surface(item, grid, what));
    }
    return IGD_OK;
}

static igd_status check_ablation(const cJSON *a, const char *what)
{
    const cJSON *rows, *item;
    const char *text;
    IGD_TRY(objects(&rows, a, "rows", 1, 64, what));
    cJSON_ArrayForEach(item, rows)
    {
        IGD_TRY(igd_json_string(&text, item, "name", what));
        IGD_TRY(igd_json_string(&text, item, "mask", what));
        IGD_TRY(number_in(item, "passes", 0.0, LARGEST, false, what));
        IGD_TRY(check_accuracies(item, what));
    }
    return IGD_OK;
}

static igd_status check_defenses(const cJSON *a, const char *what)
{
    const cJSON *columns, *rows, *row, *item;
    const char *text;
    IGD_TRY(igd_json_array(&columns, a, "columns", what));
    const int num = cJSON_GetArraySize(columns);
    if (num > 64)
        return igd_error(IGD_EFORMAT, "%s: %d entries in 'columns'", what, num);
    cJSON_ArrayForEach(item, columns)
    {
        if (!cJSON_IsString(item))
            return igd_error(IGD_EFORMAT, "%s: an attack without a name", what);
    }
    IGD_TRY(objects(&rows, a, "rows", 1, 64, what));
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *robust;
        IGD_TRY(igd_json_string(&text, row, "name", what));
        IGD_TRY(igd_json_array(&robust, row, "robust_acc", what));
        if (cJSON_GetArraySize(robust) != num)
            return igd_error(IGD_EFORMAT, "%s: 'robust_acc' has not %d numbers", what,
                             num);
        cJSON_ArrayForEach(item, robust)
        {
            if (!cJSON_IsNull(item) &&
                (!cJSON_IsNumber(item) ||
                 !(item->valuedouble >= 0.0 && item->valuedouble <= 1.0)))
                return igd_error(IGD_EFORMAT, "%s: 'robust_acc' is no accuracy", what);
        }
        IGD_TRY(check_accuracies(row, what));
    }
    return IGD_OK;
}

static igd_status check_classifier(const cJSON *o, const char *what)
{
    const cJSON *quantiles, *curve, *item;
    const char *name;
    double last = -1.0;
    IGD_TRY(igd_json_string(&name, o, "name", what));
    IGD_TRY(number_in(o, "beyond", 0.0, LARGEST, false, what));
    IGD_TRY(objects(&quantiles, o, "quantiles", 1, 64, what));
    cJSON_ArrayForEach(item, quantiles)
    {
        IGD_TRY(fraction(item, "share", what));
        IGD_TRY(number_in(item, "eps", 0.0, LARGEST, true, what));
    }
    IGD_TRY(objects(&curve, o, "curve", 2, 8192, what));
    cJSON_ArrayForEach(item, curve)
    {
        IGD_TRY(number_in(item, "eps", 0.0, LARGEST, false, what));
        IGD_TRY(fraction(item, "acc", what));
        IGD_TRY(interval(item, "interval", 0.0, 1.0, what));
        if (!(igd_number_of(item, "eps") > last))
            return igd_error(IGD_EFORMAT, "%s: 'curve' does not rise", what);
        last = igd_number_of(item, "eps");
    }
    return IGD_OK;
}

// All curves have the same radii.
static igd_status check_radius(const cJSON *a, const char *what)
{
    const cJSON *list, *item;
    IGD_TRY(number_in(a, "halvings", 1.0, 64.0, false, what));
    IGD_TRY(objects(&list, a, "classifiers", 1, 2, what));
    cJSON_ArrayForEach(item, list)
    {
        IGD_TRY(check_classifier(item, what));
        if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "curve")) !=
                cJSON_GetArraySize(
                    cJSON_GetObjectItemCaseSensitive(list->child, "curve")) ||
            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "quantiles")) !=
                cJSON_GetArraySize(
                    cJSON_GetObjectItemCaseSensitive(list->child, "quantiles")))
            return igd_error(IGD_EFORMAT, "%s: classifiers differ in their radii", what);
    }
    return IGD_OK;
}

static igd_status check_setting(const cJSON *o, const char *what)
{
    const char *text;
    IGD_TRY(igd_json_string(&text, o, "layer", what));
    IGD_TRY(number_in(o, "keep", 1.0, LARGEST, false, what));
    IGD_TRY(number_in(o, "sigma", 0.0, LARGEST, false, what));
    IGD_TRY(number_in(o, "temperature", 0.0, LARGEST, false, what));
    IGD_TRY(number_in(o, "num_images", 1.0, LARGEST, false, what));
    IGD_TRY(fraction(o, "clean_acc", what));
    IGD_TRY(fraction(o, "base_clean_acc", what));
    IGD_TRY(fraction(o, "robust_acc", what));
    IGD_TRY(fraction(o, "base_robust_acc", what));
    IGD_TRY(number_in(o, "gain", -1.0, 1.0, false, what));
    IGD_TRY(interval(o, "interval", -1.0, 1.0, what));
    return interval(o, "corrected_interval", -1.0, 1.0, what);
}

static igd_status check_tune(const cJSON *a, const char *what)
{
    const cJSON *list, *item;
    const char *text;
    IGD_TRY(fraction(a, "budget", what));
    IGD_TRY(number_in(a, "num_settings", 1.0, LARGEST, false, what));
    IGD_TRY(fraction(a, "corrected_level", what));
    IGD_TRY(objects(&list, a, "rounds", 1, 64, what));
    cJSON_ArrayForEach(item, list)
    {
        IGD_TRY(number_in(item, "settings", 1.0, LARGEST, false, what));
        IGD_TRY(number_in(item, "images", 1.0, LARGEST, false, what));
    }
    IGD_TRY(objects(&list, a, "settings", 1, 4096, what));
    cJSON_ArrayForEach(item, list)
    {
        IGD_TRY(check_setting(item, what));
    }
    item = cJSON_GetObjectItemCaseSensitive(a, "next");
    if (item != NULL && !cJSON_IsNull(item))
        IGD_TRY(igd_json_string(&text, a, "next", what));
    item = cJSON_GetObjectItemCaseSensitive(a, "chosen");
    if (cJSON_IsObject(item))
        return check_setting(item, what);
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "helps"))
               ? igd_error(IGD_EFORMAT, "%s: 'chosen' is missing", what)
               : IGD_OK;
}

igd_status igd_analysis_check(igd_kind *kind, const cJSON *analysis, const char *what)
{
    static igd_status (*const checks[IGD_NUM_KINDS])(const cJSON *, const char *) = {
        check_shift,    check_sweep,    check_search, check_landscape,
        check_ablation, check_defenses, check_radius, check_tune};
    const char *format, *name;

    IGD_TRY(igd_json_string(&format, analysis, "format", what));
    if (strcmp(format, IGD_ANALYSIS_FORMAT) != 0)
        return igd_error(IGD_EFORMAT,
                         "%s: format '%.40s' where " IGD_ANALYSIS_FORMAT " is expected",
                         what, format);
    IGD_TRY(igd_json_string(&name, analysis, "kind", what));
    for (int k = 0; k < IGD_NUM_KINDS; k++)
        if (strcmp(name, kinds[k]) == 0) {
            *kind = (igd_kind)k;
            return checks[k](analysis, what);
        }
    const char *near = igd_nearest(name, kinds, IGD_NUM_KINDS);
    return igd_error(IGD_EFORMAT, "%s: unknown kind '%.40s'%s%s%s", what, name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
