// Owns the check of result files, and of whether two of them can stand side by side.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "report/input.h"

#define RESULT_FORMAT "igdef.result/1"
#define MOST_ATTACKS 192
#define MOST_CLASSES 100000

static igd_status fraction(const cJSON *o, const char *key, const char *path)
{
    double v;
    IGD_TRY(igd_json_number(&v, o, key, path));
    if (!(v >= 0.0 && v <= 1.0))
        return igd_error(IGD_EFORMAT, "%s: '%s' is %g, not a fraction", path, key, v);
    return IGD_OK;
}

static igd_status amount(const cJSON *o, const char *key, const char *path)
{
    double v;
    IGD_TRY(igd_json_number(&v, o, key, path));
    if (!(v >= 0.0 && v <= 1e15))
        return igd_error(IGD_EFORMAT, "%s: '%s' is %g", path, key, v);
    return IGD_OK;
}

static igd_status text(const cJSON *o, const char *key, const char *path)
{
    const char *ignored;
    return igd_json_string(&ignored, o, key, path);
}

static igd_status array(const cJSON **out, const cJSON *o, const char *key, int most,
                        const char *path)
{
    IGD_TRY(igd_json_array(out, o, key, path));
    if (cJSON_GetArraySize(*out) > most)
        return igd_error(IGD_EFORMAT, "%s: %d entries in '%s'", path,
                         cJSON_GetArraySize(*out), key);
    return IGD_OK;
}

static igd_status interval(const cJSON *item, const char *path)
{
    const cJSON *low = cJSON_GetArrayItem(item, 0), *high = cJSON_GetArrayItem(item, 1);
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2 || !cJSON_IsNumber(low) ||
        !cJSON_IsNumber(high) || !(low->valuedouble >= 0.0) ||
        !(high->valuedouble <= 1.0) || !(low->valuedouble <= high->valuedouble))
        return igd_error(IGD_EFORMAT, "%s: 'intervals' holds something else", path);
    return IGD_OK;
}

static igd_status check_head(const cJSON *json, const char *path)
{
    const cJSON *o, *item;
    IGD_TRY(text(json, "command", path));
    IGD_TRY(igd_json_object(&o, json, "versions", path));
    IGD_TRY(text(o, "igdef", path));
    IGD_TRY(text(o, "libtorch", path));
    IGD_TRY(igd_json_object(&o, json, "model", path));
    IGD_TRY(text(o, "path", path));
    IGD_TRY(text(o, "sha256", path));
    IGD_TRY(igd_json_object(&o, json, "data", path));
    IGD_TRY(text(o, "path", path));
    IGD_TRY(text(o, "split", path));
    IGD_TRY(amount(o, "count", path));
    if (igd_number_of(o, "count") != floor(igd_number_of(o, "count")))
        return igd_error(IGD_EFORMAT, "%s: 'count' is no whole number", path);
    if (!(igd_number_of(o, "count") >= 1.0))
        return igd_error(IGD_EFORMAT, "%s: a result of no images", path);
    IGD_TRY(igd_json_get(&item, json, "defense", path));
    if (!cJSON_IsNull(item) && !cJSON_IsObject(item))
        return igd_error(IGD_EFORMAT, "%s: 'defense' is no object", path);
    IGD_TRY(igd_json_object(&o, json, "threat", path));
    IGD_TRY(text(o, "norm", path));
    return amount(o, "eps", path);
}

// The expected accuracy of a random classifier, where there is one.
static igd_status check_expected(const cJSON *o, const char *path)
{
    if (igd_get(o, "expected_acc") == NULL)
        return IGD_OK;
    IGD_TRY(fraction(o, "expected_acc", path));
    return interval(igd_get(o, "expected_interval"), path);
}

static igd_status check_randomised(const cJSON *json, const char *path)
{
    const cJSON *random = igd_get(json, "randomised"), *part;
    if (random == NULL)
        return IGD_OK;
    IGD_TRY(amount(random, "draws", path));
    if (!(igd_number_of(random, "draws") >= 1.0))
        return igd_error(IGD_EFORMAT, "%s: a random classifier without draws", path);
    IGD_TRY(igd_json_object(&part, random, "clean", path));
    IGD_TRY(check_expected(part, path));
    IGD_TRY(igd_json_object(&part, random, "worst", path));
    return check_expected(part, path);
}

static igd_status check_attacks(const cJSON *json, const char *path)
{
    const cJSON *attacks, *intervals, *list, *item;
    IGD_TRY(fraction(json, "clean_acc", path));
    IGD_TRY(fraction(json, "worst_acc", path));
    const double worst = igd_number_of(json, "worst_acc");
    IGD_TRY(array(&attacks, json, "attacks", MOST_ATTACKS, path));
    cJSON_ArrayForEach(item, attacks)
    {
        IGD_TRY(text(item, "name", path));
        IGD_TRY(text(item, "target", path));
        IGD_TRY(fraction(item, "robust_acc", path));
        IGD_TRY(amount(item, "num_fooled", path));
        IGD_TRY(amount(item, "forwards", path));
        IGD_TRY(amount(item, "backwards", path));
        IGD_TRY(amount(item, "seconds", path));
        IGD_TRY(check_expected(item, path));
        if (worst > igd_number_of(item, "robust_acc") + 1e-9)
            return igd_error(IGD_EFORMAT, "%s: the worst case, %g, is above %.60s, %g",
                             path, worst, igd_string_of(item, "name"),
                             igd_number_of(item, "robust_acc"));
    }
    IGD_TRY(igd_json_object(&intervals, json, "intervals", path));
    IGD_TRY(interval(igd_get(intervals, "clean_acc"), path));
    IGD_TRY(interval(igd_get(intervals, "worst_acc"), path));
    IGD_TRY(array(&list, intervals, "attacks", MOST_ATTACKS, path));
    if (cJSON_GetArraySize(list) != cJSON_GetArraySize(attacks))
        return igd_error(IGD_EFORMAT, "%s: %d intervals for %d attacks", path,
                         cJSON_GetArraySize(list), cJSON_GetArraySize(attacks));
    cJSON_ArrayForEach(item, list)
    {
        IGD_TRY(interval(item, path));
    }
    return IGD_OK;
}

// --- what is said twice

static igd_status disagree(const char *path, const char *what)
{
    return igd_error(IGD_EFORMAT, "%s: damaged or edited: %s do not agree", path, what);
}

// How many of n images an accuracy stands for; -1 where that is no whole number.
static double images_of(double accuracy, double n)
{
    const double images = round(accuracy * n);
    return fabs(accuracy * n - images) < 1e-6 ? images : -1.0;
}

// An accuracy of n images and the interval beside it, where igdef made that.
static igd_status check_interval(double accuracy, const cJSON *of, double n, bool own,
                                 const char *path)
{
    const double images = images_of(accuracy, n);
    if (images < 0.0)
        return disagree(path, "an accuracy and 'count'");
    const igd_interval v = igd_interval_of((int64_t)images, (int64_t)n);
    if (own && (fabs(v.low - cJSON_GetArrayItem(of, 0)->valuedouble) > 1e-9 ||
                fabs(v.high - cJSON_GetArrayItem(of, 1)->valuedouble) > 1e-9))
        return disagree(path, "an accuracy and its interval");
    return IGD_OK;
}

static igd_status check_classes(const cJSON *json, double n, const char *path)
{
    const cJSON *item;
    double count = 0.0, clean = 0.0, worst = 0.0;
    cJSON_ArrayForEach(item, igd_get(json, "per_class"))
    {
        const double images = igd_number_of(item, "count");
        const double c = images_of(igd_number_of(item, "clean_acc"), images);
        const double w = images_of(igd_number_of(item, "worst_acc"), images);
        if (c < 0.0 || w < 0.0 || w > c)
            return disagree(path, "the numbers of a class");
        count += images;
        clean += c;
        worst += w;
    }
    if (count != n || clean != images_of(igd_number_of(json, "clean_acc"), n) ||
        worst != images_of(igd_number_of(json, "worst_acc"), n))
        return disagree(path, "the classes and the whole");
    return IGD_OK;
}

// Every number follows from the flags of the images. Where these are not at hand, numbers
// that follow from the same flags must fit together.
static igd_status check_twice(const cJSON *json, const char *path)
{
    const double n = igd_number_in(json, "data", "count");
    const cJSON *intervals = igd_get(json, "intervals"), *item;
    const bool own =
        strcmp(igd_string_of(intervals, "method"), IGD_INTERVAL_METHOD) == 0 &&
        igd_number_of(intervals, "level") == IGD_INTERVAL_LEVEL;
    const cJSON *of = igd_get(intervals, "attacks")->child;
    IGD_TRY(check_interval(igd_number_of(json, "clean_acc"),
                           igd_get(intervals, "clean_acc"), n, own, path));
    IGD_TRY(check_interval(igd_number_of(json, "worst_acc"),
                           igd_get(intervals, "worst_acc"), n, own, path));
    cJSON_ArrayForEach(item, igd_get(json, "attacks"))
    {
        IGD_TRY(check_interval(igd_number_of(item, "robust_acc"), of, n, own, path));
        if (igd_number_of(item, "num_fooled") > n)
            return disagree(path, "'num_fooled' and 'count'");
        of = of->next;
    }
    return check_classes(json, n, path);
}

static igd_status check_lists(const cJSON *json, const char *path)
{
    const cJSON *list, *item;
    IGD_TRY(array(&list, json, "per_class", MOST_CLASSES, path));
    cJSON_ArrayForEach(item, list)
    {
        IGD_TRY(text(item, "class", path));
        IGD_TRY(amount(item, "count", path));
        IGD_TRY(fraction(item, "clean_acc", path));
        IGD_TRY(fraction(item, "worst_acc", path));
    }
    IGD_TRY(array(&list, json, "warnings", 256, path));
    cJSON_ArrayForEach(item, list)
    {
        IGD_TRY(text(item, "id", path));
        IGD_TRY(text(item, "text", path));
    }
    return amount(json, "seconds", path);
}

igd_status igd_result_check(const cJSON *result, const char *path)
{
    const char *format;
    IGD_TRY(igd_json_string(&format, result, "format", path));
    if (strcmp(format, RESULT_FORMAT) != 0)
        return igd_error(IGD_EFORMAT,
                         "%s: format '%.40s' where " RESULT_FORMAT
                         " or " IGD_ANALYSIS_FORMAT " is expected",
                         path, format);
    IGD_TRY(check_head(result, path));
    IGD_TRY(check_attacks(result, path));
    IGD_TRY(check_randomised(result, path));
    IGD_TRY(check_lists(result, path));
    return check_twice(result, path);
}

// --- side by side

// Whether its classes have names that are the data's: no numbers, and none of the
// model's.
static bool names_classes(const cJSON *result)
{
    const cJSON *data = igd_get(result, "data"), *name;
    int c = 0;
    if (igd_get(data, "classes_of") != NULL)
        return false;
    cJSON_ArrayForEach(name, igd_get(data, "classes"))
    {
        char number[16];
        snprintf(number, sizeof(number), "%d", c++);
        if (cJSON_IsString(name) && strcmp(name->valuestring, number) != 0)
            return true;
    }
    return false;
}

bool igd_results_by_place(const igd_input *a, const igd_input *b)
{
    return !names_classes(a->json) || !names_classes(b->json);
}

// What must agree: less where the data lie, and less the digests of joined results, which
// are those of their parts.
static cJSON *identity_of(const cJSON *result, const char *key, bool digests)
{
    cJSON *o = cJSON_Duplicate(igd_get(result, key), true);
    cJSON *part;
    cJSON_DeleteItemFromObjectCaseSensitive(o, "path");
    cJSON_ArrayForEach(part, cJSON_GetObjectItemCaseSensitive(o, "parts"))
    {
        cJSON_DeleteItemFromObjectCaseSensitive(part, "path");
    }
    if (!digests) {
        cJSON_DeleteItemFromObjectCaseSensitive(o, "sha256");
        cJSON_DeleteItemFromObjectCaseSensitive(o, "parts");
    }
    return o;
}

// Leaves the number of classes in place of their names.
static void count_classes(cJSON *data)
{
    const int num = cJSON_GetArraySize(igd_get(data, "classes"));
    cJSON_DeleteItemFromObjectCaseSensitive(data, "classes");
    cJSON_DeleteItemFromObjectCaseSensitive(data, "classes_of");
    igd_json_add_number(data, "num_classes", num);
}

static igd_status same(const igd_input *a, const igd_input *b, const char *key,
                       bool digests, const char *of_what)
{
    char difference[400];
    cJSON *there = identity_of(a->json, key, digests);
    cJSON *here = identity_of(b->json, key, digests);
    bool differ;
    if (strcmp(key, "data") == 0 && igd_results_by_place(a, b)) {
        count_classes(there);
        count_classes(here);
    }
    IGD_TRY(igd_json_compare(&differ, difference, sizeof(difference), there, here));
    if (differ)
        return igd_error(IGD_EINVAL, "%s: %s than %s (\"there\"): %s", b->path, of_what,
                         a->path, difference);
    return IGD_OK;
}

static igd_status same_images(const igd_input *a, const igd_input *b)
{
    const igd_flags *s = &a->images->flags, *t = &b->images->flags;
    if (s->num_images != t->num_images)
        return igd_error(IGD_EINVAL, "%s: %lld images, %s has %lld", b->path,
                         (long long)t->num_images, a->path, (long long)s->num_images);
    for (int64_t i = 0; i < t->num_images; i++)
        if (s->index[i] != t->index[i] || s->label[i] != t->label[i])
            return igd_error(IGD_EINVAL,
                             "%s: other images than %s: image %lld of class %d where "
                             "that has image %lld of class %d",
                             b->path, a->path, (long long)t->index[i], t->label[i],
                             (long long)s->index[i], s->label[i]);
    return IGD_OK;
}

static bool joined(const igd_input *r)
{
    return igd_get(igd_get(r->json, "data"), "parts") != NULL;
}

igd_status igd_results_match(const igd_input *a, const igd_input *b)
{
    const bool listed = a->images != NULL && b->images != NULL;
    if (listed)
        IGD_TRY(same_images(a, b));
    IGD_TRY(same(a, b, "data", !listed || joined(a) == joined(b), "other data"));
    return same(a, b, "threat", true, "another threat");
}
