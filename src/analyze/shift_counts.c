// Owns the counts of an analysis of activation changes, and joins those of parts.
#include "analyze/shift_counts.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis_impl.h"
#include "analyze/analyze_impl.h"
#include "core/chance.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "core/number.h"
#include "igdef/runtime.h"
#include "result/interval.h"
#include "result/provenance.h"
#include "result/warnings.h"

static const char *const group_names[IGD_NUM_GROUPS] = {"true-class", "predicted-class",
                                                        "other-classes", "unimportant"};

// As text, which loses nothing: numbers of JSON do.
static cJSON *exact_json(double v)
{
    char text[40];
    igd_number_shortest(text, sizeof(text), v);
    return cJSON_CreateString(text);
}

// [fooled, neurons, before, moved, neurons, ...]
static cJSON *changes_json(const igd_change changes[IGD_NUM_GROUPS], bool fooled)
{
    cJSON *list = cJSON_CreateArray();
    igd_json_append(list, cJSON_CreateBool(fooled));
    for (int g = 0; g < IGD_NUM_GROUPS; g++) {
        igd_json_append(list, cJSON_CreateNumber(changes[g].neurons));
        igd_json_append(list, exact_json(changes[g].before));
        igd_json_append(list, exact_json(changes[g].moved));
    }
    return list;
}

void igd_shift_add(igd_shift_counts *c, const igd_change changes[IGD_NUM_GROUPS],
                   bool fooled)
{
    c->outcomes[fooled]++;
    for (int g = 0; g < IGD_NUM_GROUPS; g++) {
        igd_group_sums *t = &c->sums[fooled][g];
        const igd_change *v = &changes[g];
        if (v->neurons == 0)
            continue;
        if (v->before == 0.0) {
            t->guarded++;
            continue;
        }
        const double share = v->moved / v->before;
        t->below = t->below || v->before < 0.0 || v->before + v->moved < 0.0;
        t->count++;
        t->neurons += v->neurons;
        t->sum += share;
        t->squares += share * share;
    }
    if (c->images != NULL)
        igd_json_append(c->images, changes_json(changes, fooled));
}

// --- what was found

// Of the mean change. Where no activation is below zero, as after ReLU, none can lose
// more than all of itself, which Student's interval does not know.
static igd_interval interval_of(const igd_group_sums *t, double mean)
{
    const double n = (double)t->count;
    const double variance = n > 1 ? (t->squares - n * mean * mean) / (n - 1.0) : 0.0;
    igd_interval v = igd_interval_of_mean(mean, sqrt(fmax(variance, 0.0)), t->count);
    if (!t->below && v.low < -1.0)
        v.low = -1.0;
    return v;
}

// The numbers with what they point to.
typedef struct shift_numbers {
    igd_shift_numbers of;
    igd_shift_group groups[2][IGD_NUM_GROUPS];
} shift_numbers;

static igd_shift_outcome take_outcome(igd_shift_group *groups, const igd_shift_counts *c,
                                      bool fooled)
{
    int num = 0;
    for (int g = 0; g < IGD_NUM_GROUPS; g++) {
        const igd_group_sums *t = &c->sums[fooled][g];
        const double n = (double)t->count, mean = n > 0 ? t->sum / n : 0.0;
        if (g == IGD_PREDICTED_CLASS && !fooled) // it is the image's class
            continue;
        const igd_interval v = interval_of(t, mean);
        groups[num++] = (igd_shift_group){.name = group_names[g],
                                          .count = t->count,
                                          .guarded = t->guarded,
                                          .neurons = n > 0 ? t->neurons / n : NAN,
                                          .mean = n > 0 ? mean : NAN,
                                          .low = v.low,
                                          .high = v.high};
    }
    return (igd_shift_outcome){c->outcomes[fooled], num, groups};
}

// Owned; NULL without memory.
static igd_shift_numbers *take_numbers(const igd_shift_counts *c)
{
    shift_numbers *n = calloc(1, sizeof(*n));
    if (n == NULL)
        return NULL;
    n->of = (igd_shift_numbers){c->attacked, take_outcome(n->groups[1], c, true),
                                take_outcome(n->groups[0], c, false)};
    return &n->of;
}

static cJSON *outcome_json(const igd_shift_outcome *outcome)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_number(o, "count", (double)outcome->count);
    cJSON *array = igd_json_add_array(o, "groups");
    for (int k = 0; k < outcome->num_groups; k++) {
        const igd_shift_group *g = &outcome->groups[k];
        cJSON *item = cJSON_CreateObject();
        igd_json_add_string(item, "name", g->name);
        igd_json_add_finite(item, "neurons", g->neurons);
        igd_json_add_number(item, "count", (double)g->count);
        igd_json_add_number(item, "guarded", (double)g->guarded);
        igd_json_add_finite(item, "mean", g->mean);
        igd_json_add_item(item, "interval",
                          igd_interval_json((igd_interval){g->low, g->high}));
        igd_json_append(array, item);
    }
    return o;
}

static void add_results(igd_findings *f, const igd_shift_numbers *n, igd_shift_counts *c)
{
    cJSON *root = f->root;
    igd_json_add_number(root, "num_images", (double)n->num_images);
    igd_json_add_item(root, "successful", outcome_json(&n->successful));
    igd_json_add_item(root, "unsuccessful", outcome_json(&n->unsuccessful));
    if (c->images != NULL) {
        cJSON *o = igd_json_add_object(root, "measured");
        igd_json_add_number(o, "seen", (double)c->seen);
        igd_json_add_number(o, "bad", (double)c->bad);
        igd_json_add_number(o, "zero_gradients", (double)c->zero_grads);
        igd_json_add_item(o, "images", c->images);
        c->images = NULL; // it is the object's now
        return;           // warnings are of the whole
    }
    char text[400];
    const double accuracy = (double)c->attacked / (double)c->seen;
    if (igd_chance_remark(text, sizeof(text), accuracy, c->num_classes))
        igd_warn(&f->warnings, IGD_WARN_CHANCE, "%s", text);
    if (c->zero_grads > 0)
        igd_warn(&f->warnings, IGD_WARN_ZERO_GRADIENTS,
                 "%lld gradients of %s were zero everywhere", (long long)c->zero_grads,
                 c->attack);
    if (c->bad > 0)
        igd_warn(&f->warnings, IGD_WARN_NOT_FINITE,
                 "logits or gradients were not finite %lld times under %s",
                 (long long)c->bad, c->attack);
}

static void print_groups(FILE *f, const cJSON *a, const char *key)
{
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(a, key), *g;
    igd_print(f, "\n%s attacks: %.0f images\n", key, igd_number_of(part, "count"));
    fprintf(f, "%-16s %8s %8s %12s  %22s\n", "neurons of", "number", "images",
            "mean change", "95 % interval");
    cJSON_ArrayForEach(g, cJSON_GetObjectItemCaseSensitive(part, "groups"))
    {
        const double n = igd_number_of(g, "count");
        fprintf(f, "%-16s ", igd_string_of(g, "name"));
        if (n == 0.0) {
            igd_print(f, "%8s %8.0f\n", "-", n);
            continue;
        }
        igd_print(f, "%8.1f %8.0f %10.2f %%", igd_number_of(g, "neurons"), n,
                  100.0 * igd_number_of(g, "mean"));
        if (n > 1.0)
            igd_print(f, "  [%8.2f, %8.2f]", 100.0 * igd_end_of(g, "interval", 0),
                      100.0 * igd_end_of(g, "interval", 1));
        if (igd_number_of(g, "guarded") > 0.0)
            igd_print(f, "\n%18s%.0f images without activation left out", "",
                      igd_number_of(g, "guarded"));
        fputc('\n', f);
    }
}

static void print(FILE *f, const void *json)
{
    const cJSON *a = json;
    igd_print(f,
              "%s on the %s model; activations at %s, %.0f neurons important per class\n",
              igd_string_of(a, "attack"), igd_string_of(a, "target"),
              igd_string_of(a, "layer"), igd_number_of(a, "top"));
    print_groups(f, a, "successful");
    print_groups(f, a, "unsuccessful");
}

igd_status igd_shift_finish(igd_analysis **out, igd_shift_counts *c, igd_findings *found)
{
    if (c->attacked == 0 && c->images == NULL)
        return igd_error(IGD_EINVAL,
                         "none of the %lld images is classified correctly; there is "
                         "nothing to attack",
                         (long long)c->seen);
    igd_shift_numbers *numbers = take_numbers(c);
    if (numbers == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the analysis");
    add_results(found, numbers, c);
    const igd_status st = igd_findings_end(out, found, print);
    if (st == IGD_OK)
        igd_analysis_hold(*out, &(igd_found){.shift = numbers});
    else
        free(numbers);
    return st;
}

// --- joined

static bool read_exact(double *out, const cJSON *item)
{
    return cJSON_IsString(item) && igd_number_parse(out, item->valuestring);
}

static igd_status read_change(igd_change *out, const cJSON *item, const char *path)
{
    double before, moved;
    if (!cJSON_IsNumber(item) || !read_exact(&before, item->next) ||
        !read_exact(&moved, item->next->next) ||
        !(item->valuedouble >= 0.0 && item->valuedouble <= INT_MAX))
        return igd_error(IGD_EFORMAT, "%s: 'images' holds something else", path);
    *out = (igd_change){(int)item->valuedouble, before, moved};
    return IGD_OK;
}

static igd_status add_image(igd_shift_counts *c, const cJSON *image, const char *path)
{
    igd_change changes[IGD_NUM_GROUPS];
    if (!cJSON_IsArray(image) || cJSON_GetArraySize(image) != 1 + 3 * IGD_NUM_GROUPS ||
        !cJSON_IsBool(image->child))
        return igd_error(IGD_EFORMAT, "%s: 'images' holds something else", path);
    const cJSON *item = image->child->next;
    for (int g = 0; g < IGD_NUM_GROUPS; g++, item = item->next->next->next)
        IGD_TRY(read_change(&changes[g], item, path));
    igd_shift_add(c, changes, cJSON_IsTrue(image->child));
    c->attacked++;
    return IGD_OK;
}

// In the order of the images, as one run adds them.
static igd_status add_part(igd_shift_counts *c, igd_findings *found, const cJSON *part,
                           const char *path)
{
    const cJSON *measured = igd_get(part, "measured"), *images, *image;
    int64_t seen, bad, zero;
    double seconds;
    if (measured == NULL)
        return igd_error(IGD_EINVAL,
                         "%s: not of a part, as --shard makes it: it does not hold what "
                         "each image adds",
                         path);
    IGD_TRY(igd_json_integer(&seen, measured, "seen", path));
    IGD_TRY(igd_json_integer(&bad, measured, "bad", path));
    IGD_TRY(igd_json_integer(&zero, measured, "zero_gradients", path));
    IGD_TRY(igd_json_array(&images, measured, "images", path));
    IGD_TRY(igd_json_number(&seconds, part, "seconds", path));
    found->seconds += seconds;
    c->seen += seen;
    c->bad += bad;
    c->zero_grads += zero;
    cJSON_ArrayForEach(image, images)
    {
        IGD_TRY(add_image(c, image, path));
    }
    return IGD_OK;
}

static void add_warnings(igd_warnings *w, const cJSON *part)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, igd_get(part, "warnings"))
    {
        const char *id = igd_string_of(item, "id");
        if (!igd_warned(w, id))
            igd_warn(w, id, "%s", igd_string_of(item, "text"));
    }
}

// The first part's, up to what was found; with the data of all.
static cJSON *join_settings(const igd_pieces *p)
{
    cJSON *root = cJSON_CreateObject();
    const cJSON *item;
    double count = 0.0;
    cJSON_ArrayForEach(item, p->json[0])
    {
        if (strcmp(item->string, "num_images") == 0)
            break;
        igd_json_add_copy(root, item->string, item);
    }
    cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data");
    cJSON *parts = cJSON_CreateArray();
    for (int k = 0; k < p->num; k++) {
        const cJSON *of = igd_get(p->json[k], "data");
        igd_json_append(parts, igd_provenance_part(of));
        count += igd_number_of(of, "count");
    }
    igd_provenance_join(data, parts, count);
    return root;
}

igd_status igd_shift_join(igd_analysis **out, const igd_pieces *pieces)
{
    const cJSON *first = pieces->json[0];
    const cJSON *classes = igd_get(igd_get(first, "data"), "classes");
    igd_shift_counts c = {.attack = igd_string_of(first, "attack"),
                          .num_classes = cJSON_GetArraySize(classes)};
    igd_findings found = {.root = join_settings(pieces)};
    igd_status st = IGD_OK;

    for (int k = 0; k < pieces->num && st == IGD_OK; k++) {
        st = add_part(&c, &found, pieces->json[k], pieces->path[k]);
        add_warnings(&found.warnings, pieces->json[k]);
    }
    if (st == IGD_OK)
        st = igd_shift_finish(out, &c, &found);
    igd_findings_free(&found);
    return st;
}
