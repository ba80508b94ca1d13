// Owns what a result derives: its warnings, its JSON and its text.
#include <assert.h>
#include <string.h>

#include "core/chance.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_build.h"
#include "result/check_counts.h"
#include "result/expected.h"
#include "result/interval.h"
#include "result/result_anytime.h"
#include "result/result_impl.h"

#define FORMAT "igdef.result/1"

// All columns of attacks, and how many.
static int all_columns(const igd_result *r, int columns[IGD_MAX_STEPS])
{
    int num = 0;
    for (int c = 1; c < r->flags.num_columns; c++)
        columns[num++] = c;
    return num;
}

// --- warnings that follow from the flags and the costs

static void warn_counts(igd_result *r)
{
    for (int k = 0; k < r->num_entries; k++) {
        const igd_entry *e = &r->entries[k];
        const igd_cost *c = &e->cost;
        if (igd_entry_is_ensemble(r, e) || // its members are entries too
            e->same_as[0] != '\0')
            continue;
        if (c->zero_grads > 0)
            igd_warn(&r->warnings, IGD_WARN_ZERO_GRADIENTS,
                     "%s (%s): %lld of %lld gradients were zero everywhere; what hides "
                     "the gradient must be attacked without it",
                     e->name, e->target, (long long)c->zero_grads,
                     (long long)c->backwards);
        if (c->stalled > 0)
            igd_warn(
                &r->warnings, IGD_WARN_STALLED,
                "%s (%s): the loss did not rise once in the first window of %lld runs",
                e->name, e->target, (long long)c->stalled);
        if (c->bad > 0)
            igd_warn(&r->warnings, IGD_WARN_NOT_FINITE,
                     "%s (%s): logits or gradients were not finite %lld times; those "
                     "images count as robust",
                     e->name, e->target, (long long)c->bad);
        if (c->unverified > 0)
            igd_warn(&r->warnings, IGD_WARN_UNVERIFIED,
                     "%s (%s): %lld adversarial images were classified correctly when "
                     "judged again",
                     e->name, e->target, (long long)c->unverified);
        if (c->outside > 0)
            igd_warn(&r->warnings, IGD_WARN_OUTSIDE,
                     "%s (%s): %lld images left the ball or [0, 1]; they do not count as "
                     "fooled",
                     e->name, e->target, (long long)c->outside);
    }
}

// Whether all that an entry's accuracy counts was made with gradients.
static bool gradients_only(const igd_result *r, const igd_entry *e)
{
    for (int c = 0; c < e->num_counts; c++) {
        bool white = false;
        for (int k = 0; k < r->num_entries; k++)
            white = white || (r->entries[k].white_box &&
                              igd_entry_has_column(&r->entries[k], e->counts[c]));
        if (!white)
            return false;
    }
    return true;
}

// The accuracy that heads the report: of a random classifier, over its draws.
static double expected(const igd_result *r, const igd_entry *e)
{
    return igd_expected_of(&r->flags, e->counts, e->num_counts).accuracy;
}

// Compares a black-box or transferred entry with the gradient attacks, by the accuracies
// of separate columns, or in a cascade by what it takes off what gradients left.
static void warn_stronger(igd_result *r, const igd_entry *e, const char *id,
                          const char *kind)
{
    double white = 2.0, before = 2.0;
    const char *best = NULL;
    for (const igd_entry *w = r->entries; w < e; w++)
        if (w->cumulative && e->cumulative && !igd_entry_is_ensemble(r, w))
            before = expected(r, w);
    for (int k = 0; k < r->num_entries; k++) {
        const igd_entry *w = &r->entries[k];
        if (!w->white_box || (e->cumulative && w > e) || !gradients_only(r, w))
            continue;
        const double acc = expected(r, w);
        if (acc < white) {
            white = acc;
            best = w->name;
        }
    }
    if (best == NULL)
        return;
    const double acc = expected(r, e);
    white = before < white ? before : white;
    const double images = (white - acc) * (double)r->flags.num_images;
    if (acc < white - IGD_WARN_MARGIN && images > 1.5) // one image proves nothing
        igd_warn(&r->warnings, id,
                 "%s (%s), %s attack, leaves %.2f %% where gradients (%s) left %.2f %%: "
                 "robustness may come from hidden gradients",
                 e->name, e->target, kind, 100.0 * acc, best, 100.0 * white);
}

// In a cascade the checks beside it have compared them, whatever the order.
static bool compared_by(const igd_result *r, const igd_entry *e, const char *check)
{
    return e->cumulative && cJSON_HasObjectItem(r->checks, check);
}

static void warn_chance(igd_result *r)
{
    char text[400];
    if (igd_chance_remark(text, sizeof(text), r->clean_acc, r->num_classes))
        igd_warn(&r->warnings, IGD_WARN_CHANCE, "%s", text);
}

static void warn_from_flags(igd_result *r)
{
    warn_chance(r);
    warn_counts(r);
    for (int k = 0; k < r->num_entries; k++) {
        const igd_entry *e = &r->entries[k];
        if (e->black_box && !compared_by(r, e, "black_box"))
            warn_stronger(r, e, IGD_WARN_BLACK_BOX, "a black-box");
        else if (strcmp(e->target, "transfer") == 0 && !compared_by(r, e, "transfer"))
            warn_stronger(r, e, IGD_WARN_TRANSFER, "a transferred");
    }
}

// --- JSON

static cJSON *interval_json(const igd_result *r, double accuracy)
{
    const double n = (double)r->flags.num_images;
    return igd_interval_json(
        igd_interval_of((int64_t)(accuracy * n + 0.5), r->flags.num_images));
}

static bool randomised(const igd_result *r)
{
    return r->flags.votes != NULL;
}

static void add_protocols(cJSON *object, const igd_result *r, const int *columns, int num)
{
    igd_json_add_number(object, "majority_acc",
                        igd_result_accuracy(r, columns, num, IGD_MAJORITY));
    igd_json_add_number(object, "any_acc", igd_result_accuracy(r, columns, num, IGD_ANY));
    const igd_expected v = igd_expected_of(&r->flags, columns, num);
    igd_json_add_number(object, "expected_acc", v.accuracy);
    igd_json_add_item(object, "expected_interval", igd_interval_json(v.interval));
}

static cJSON *entry_json(const igd_result *r, const igd_entry *e)
{
    cJSON *o = cJSON_CreateObject();
    const igd_cost *c = &e->cost;
    igd_json_add_string(o, "name", e->name);
    igd_json_add_string(o, "target", e->target);
    igd_json_add_number(o, "robust_acc", igd_entry_accuracy(r, e, IGD_ONE_SHOT));
    if (randomised(r))
        add_protocols(o, r, e->counts, e->num_counts);
    igd_json_add_number(o, "num_fooled", (double)igd_entry_count(r, e, IGD_FOOLED));
    igd_json_add_number(o, "forwards", (double)c->forwards);
    igd_json_add_number(o, "backwards", (double)c->backwards);
    igd_json_add_number(o, "seconds", c->seconds);
    igd_json_add_bool(o, "cumulative", e->cumulative);
    igd_json_add_bool(o, "white_box", e->white_box);
    igd_json_add_bool(o, "black_box", e->black_box);
    if (e->ensemble[0] != '\0')
        igd_json_add_string(o, "ensemble", e->ensemble);
    if (e->same_as[0] != '\0')
        igd_json_add_string(o, "same_as", e->same_as);
    igd_json_add_number(o, "reused", (double)c->reused);
    igd_json_add_number(o, "not_finite", (double)c->bad);
    igd_json_add_number(o, "zero_gradients", (double)c->zero_grads);
    igd_json_add_number(o, "stalled", (double)c->stalled);
    igd_json_add_number(o, "unverified", (double)c->unverified);
    igd_json_add_number(o, "outside_ball", (double)c->outside);
    igd_json_add_item(o, "columns", cJSON_CreateIntArray(e->columns, e->num_columns));
    igd_json_add_item(o, "counts", cJSON_CreateIntArray(e->counts, e->num_counts));
    return o;
}

// Nothing for a class without images.
static void add_class(cJSON *classes, const igd_result *r, int c, const int *columns,
                      int num)
{
    int64_t count = 0, clean = 0, worst = 0;
    for (int64_t i = 0; i < r->flags.num_images; i++) {
        if (r->flags.label[i] != c)
            continue;
        count++;
        clean += igd_flags_correct(&r->flags, 0, i, IGD_ONE_SHOT);
        worst += igd_flags_survives(&r->flags, columns, num, i, IGD_ONE_SHOT);
    }
    if (count == 0)
        return;
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "class", r->class_names[c]);
    igd_json_add_number(o, "count", (double)count);
    igd_json_add_number(o, "clean_acc", (double)clean / (double)count);
    igd_json_add_number(o, "worst_acc", (double)worst / (double)count);
    igd_json_append(classes, o);
}

static double bound_share(const igd_result *r, int bit)
{
    int64_t hits = 0;
    for (int64_t i = 0; i < r->flags.num_images; i++)
        hits += (r->flags.bounds[i] & bit) != 0;
    return (double)hits / (double)r->flags.num_images;
}

static void add_bounds(cJSON *json, const igd_result *r)
{
    cJSON *bounds = igd_json_add_object(json, "bounds");
    cJSON *clean = igd_json_add_object(bounds, "clean");
    igd_json_add_number(clean, "ceiling", bound_share(r, IGD_BOUND_CLEAN_CEILING));
    igd_json_add_number(clean, "floor", bound_share(r, IGD_BOUND_CLEAN_FLOOR));
    cJSON *worst = igd_json_add_object(bounds, "worst");
    igd_json_add_number(worst, "ceiling", bound_share(r, IGD_BOUND_WORST_CEILING));
    igd_json_add_number(worst, "floor", bound_share(r, IGD_BOUND_WORST_FLOOR));
}

static void add_randomised(cJSON *json, const igd_result *r, const int *columns, int num)
{
    cJSON *o = igd_json_add_object(json, "randomised");
    igd_json_add_number(o, "draws", r->flags.num_draws);
    cJSON *clean = igd_json_add_object(o, "clean");
    igd_json_add_number(clean, "one_shot_acc", r->clean_acc);
    add_protocols(clean, r, NULL, 0);
    cJSON *worst = igd_json_add_object(o, "worst");
    igd_json_add_number(worst, "one_shot_acc", r->worst_acc);
    add_protocols(worst, r, columns, num);
}

static void add_intervals(cJSON *json, const igd_result *r)
{
    cJSON *o = igd_json_add_object(json, "intervals");
    igd_json_add_string(o, "method", IGD_INTERVAL_METHOD);
    igd_json_add_number(o, "level", IGD_INTERVAL_LEVEL);
    if (r->planned > 0) // valid where the number of images was not found by looking
        igd_json_add_bool(o, "fixed_sample", true);
    igd_json_add_item(o, "clean_acc", interval_json(r, r->clean_acc));
    igd_json_add_item(o, "worst_acc", interval_json(r, r->worst_acc));
    cJSON *attacks = igd_json_add_array(o, "attacks");
    for (int k = 0; k < r->num_entries; k++)
        igd_json_append(attacks, interval_json(r, igd_entry_accuracy(r, &r->entries[k],
                                                                     IGD_ONE_SHOT)));
}

static char *result_json(const igd_result *r)
{
    int columns[IGD_MAX_STEPS];
    const int num = all_columns(r, columns);
    cJSON *json = cJSON_CreateObject();
    const cJSON *item;

    igd_json_add_string(json, "format", FORMAT);
    cJSON_ArrayForEach(item, r->provenance)
    {
        igd_json_add_copy(json, item->string, item);
    }
    igd_json_add_number(json, "clean_acc", r->clean_acc);
    cJSON *attacks = igd_json_add_array(json, "attacks");
    for (int k = 0; k < r->num_entries; k++)
        igd_json_append(attacks, entry_json(r, &r->entries[k]));
    igd_json_add_number(json, "worst_acc", r->worst_acc);
    if (randomised(r))
        add_randomised(json, r, columns, num);
    if (r->bounds)
        add_bounds(json, r);
    cJSON *classes = igd_json_add_array(json, "per_class");
    for (int c = 0; c < r->num_classes; c++)
        add_class(classes, r, c, columns, num);
    add_intervals(json, r);
    if (r->planned > 0)
        igd_json_add_item(json, "anytime", igd_result_anytime_json(r));
    if (r->checks != NULL)
        igd_json_add_copy(json, "checks", r->checks);
    igd_json_add_item(json, "warnings", igd_warnings_json(&r->warnings));
    igd_json_add_number(json, "seconds", r->seconds);
    char *text = igd_json_text(json, true);
    cJSON_Delete(json);
    return text;
}

igd_status igd_result_finish(igd_result *r)
{
    int columns[IGD_MAX_STEPS];
    const int num = all_columns(r, columns);

    if (!igd_json_whole(r->provenance))
        return igd_error(IGD_ENOMEM, "no memory for the result");
    r->clean_acc = igd_result_accuracy(r, NULL, 0, IGD_ONE_SHOT);
    r->worst_acc = igd_result_accuracy(r, columns, num, IGD_ONE_SHOT);
    for (int k = 0; k < r->num_entries; k++)
        assert(r->worst_acc <= igd_entry_accuracy(r, &r->entries[k], IGD_ONE_SHOT));
    warn_from_flags(r);
    igd_counts_warn(&r->warnings, r->checks, r->num_classes);
    r->json = result_json(r);
    if (r->json == NULL)
        return igd_error(IGD_ENOMEM, "no memory for the result");
    return igd_result_print(r);
}
