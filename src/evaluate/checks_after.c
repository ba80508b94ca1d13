// Owns the counts of the checking steps.
#include "evaluate/checks_after.h"

#include <math.h>
#include <string.h>

#include "core/error.h"

// More newly fooled images than this, with twice the steps, is no saturation.
#define SATURATION_SHARE 0.02
#define SATURATION_LEAST 2
#define TRANSFER_LEAST 2 // images that transfers alone fool, below which it is chance
#define MOST_COUNTS 0x1p53

// --- counting

// What a checking step says of the images that it and the step it repeats both attacked.
typedef struct comparison {
    int64_t images, robust, newly_fooled, different;
} comparison;

static bool attacked(char letter)
{
    return letter == IGD_ROBUST || letter == IGD_FOOLED;
}

static comparison compare(const igd_session *s, int column)
{
    const igd_flags *t = &s->state.flags;
    const int from = s->plan->steps[column].repeats;
    comparison out = {0};
    for (int64_t i = 0; i < s->n; i++) {
        const char letter = igd_flags_column(t, column)[i];
        if (!attacked(letter))
            continue;
        const bool before = igd_flags_correct(t, from, i, IGD_MAJORITY);
        const bool now = igd_flags_correct(t, column, i, IGD_MAJORITY);
        out.images++;
        out.robust += now;
        out.newly_fooled += before && !now;
        out.different += letter != igd_flags_column(t, from)[i];
    }
    return out;
}

static cJSON *add_object(cJSON *json, const char *key, const igd_session *s, int column)
{
    cJSON *o = cJSON_AddObjectToObject(json, key);
    cJSON_AddStringToObject(o, "attack",
                            s->plan->steps[s->plan->steps[column].repeats].name);
    return o;
}

static void count_saturation(cJSON *json, const igd_session *s, int column)
{
    const comparison c = compare(s, column);
    cJSON *o = add_object(json, "saturation", s, column);
    cJSON_AddNumberToObject(o, "images", (double)c.images);
    cJSON_AddNumberToObject(o, "newly_fooled", (double)c.newly_fooled);
}

static void count_radius(cJSON *json, const igd_session *s, int column)
{
    const comparison c = compare(s, column);
    cJSON *o = add_object(json, "huge_radius", s, column);
    cJSON_AddNumberToObject(o, "eps", s->plan->steps[column].jobs[0].threat.eps);
    cJSON_AddNumberToObject(o, "images", (double)c.images);
    cJSON_AddNumberToObject(o, "robust", (double)c.robust);
}

// In a cascade whose transfers come first, gradients never see what these fooled. What
// they make of a sample of it says what they would leave on their own. Images that other
// steps took away in between are counted as if gradients fooled them.
static void count_transfer(cJSON *json, const igd_session *s, int column)
{
    const igd_flags *t = &s->state.flags;
    const igd_step *step = &s->plan->steps[column];
    const comparison c = compare(s, column);
    int64_t transferred = 0, others = 0;
    for (int64_t i = 0; i < s->n; i++) {
        const char letter = igd_flags_column(t, step->against)[i];
        transferred += letter == IGD_FOOLED;
        others +=
            letter == IGD_ROBUST && igd_flags_column(t, step->repeats)[i] != IGD_ROBUST;
    }
    cJSON *o = add_object(json, "transfer", s, column);
    cJSON_AddStringToObject(o, "transfer", s->plan->steps[step->against].name);
    cJSON_AddNumberToObject(o, "total", (double)s->n);
    cJSON_AddNumberToObject(o, "transfer_fooled", (double)transferred);
    cJSON_AddNumberToObject(o, "others_fooled", (double)others);
    cJSON_AddNumberToObject(o, "images", (double)c.images);
    cJSON_AddNumberToObject(o, "robust", (double)c.robust);
}

static void count_audit(cJSON *json, const igd_session *s)
{
    cJSON *o = cJSON_AddObjectToObject(json, "audit");
    cJSON *list = cJSON_CreateArray();
    int64_t images = 0, differences = 0;
    for (int k = s->plan->num_main; k < s->plan->num_steps; k++) {
        if (s->plan->steps[k].kind != IGD_STEP_AUDIT)
            continue;
        const comparison c = compare(s, k);
        images += c.images;
        differences += c.different;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "attack",
                                s->plan->steps[s->plan->steps[k].repeats].name);
        cJSON_AddNumberToObject(item, "images", (double)c.images);
        cJSON_AddNumberToObject(item, "differences", (double)c.different);
        cJSON_AddItemToArray(list, item);
    }
    cJSON_AddNumberToObject(o, "percent", s->options->audit);
    cJSON_AddNumberToObject(o, "attacked", (double)images);
    cJSON_AddNumberToObject(o, "differences", (double)differences);
    cJSON_AddItemToObject(o, "attacks", list);
}

static void count_verification(cJSON *json, const igd_session *s)
{
    int64_t fooled = 0, unverified = 0, outside = 0;
    for (int k = 1; k < s->plan->num_main; k++) {
        unverified += s->state.costs[k].unverified;
        outside += s->state.costs[k].outside;
        for (int64_t i = 0; i < s->n; i++)
            fooled += igd_flags_column(&s->state.flags, k)[i] == IGD_FOOLED;
    }
    cJSON *o = cJSON_AddObjectToObject(json, "verification");
    cJSON_AddNumberToObject(o, "fooled", (double)fooled);
    cJSON_AddNumberToObject(o, "unverified", (double)unverified);
    cJSON_AddNumberToObject(o, "outside_ball", (double)outside);
}

// What the checking steps took, all of them.
static void count_cost(cJSON *json, const igd_session *s)
{
    igd_cost sum = {0};
    for (int k = s->plan->num_main; k < s->plan->num_steps; k++)
        igd_cost_add(&sum, &s->state.costs[k]);
    cJSON *o = cJSON_AddObjectToObject(json, "cost");
    cJSON_AddNumberToObject(o, "forwards", (double)sum.forwards);
    cJSON_AddNumberToObject(o, "backwards", (double)sum.backwards);
    cJSON_AddNumberToObject(o, "seconds", sum.seconds);
}

igd_status igd_counts_make(cJSON **out, const igd_session *s)
{
    cJSON *json = cJSON_CreateObject();

    count_verification(json, s);
    count_cost(json, s);
    for (int k = s->plan->num_main; k < s->plan->num_steps; k++) {
        if (s->plan->steps[k].kind == IGD_STEP_SATURATION)
            count_saturation(json, s, k);
        else if (s->plan->steps[k].kind == IGD_STEP_RADIUS)
            count_radius(json, s, k);
        else if (s->plan->steps[k].kind == IGD_STEP_TRANSFERRED)
            count_transfer(json, s, k);
    }
    if (s->options->audit > 0.0)
        count_audit(json, s);
    *out = json;
    return json != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "no memory for the result");
}

// --- adding up

// Numbers that describe a check and are the same in all parts.
static bool is_setting(const char *key)
{
    return key != NULL && (strcmp(key, "eps") == 0 || strcmp(key, "percent") == 0);
}

static bool add(cJSON *to, const cJSON *part)
{
    if ((to->type & 0xff) != (part->type & 0xff))
        return false;
    if (cJSON_IsNumber(to)) {
        if (!(part->valuedouble >= 0.0 && part->valuedouble <= MOST_COUNTS))
            return false;
        if (!is_setting(to->string))
            cJSON_SetNumberValue(to, to->valuedouble + part->valuedouble);
        return true;
    }
    if (cJSON_IsString(to))
        return strcmp(to->valuestring, part->valuestring) == 0;
    cJSON *mine = to->child;
    const cJSON *its = part->child;
    for (; mine != NULL && its != NULL; mine = mine->next, its = its->next)
        if ((mine->string == NULL) != (its->string == NULL) ||
            (mine->string != NULL && strcmp(mine->string, its->string) != 0) ||
            !add(mine, its))
            return false;
    return mine == NULL && its == NULL;
}

igd_status igd_counts_add(cJSON *to, const cJSON *part, const char *path)
{
    if (to == NULL || part == NULL || !add(to, part))
        return igd_error(IGD_EFORMAT, "%s: 'checks' counts other things than the others",
                         path);
    return IGD_OK;
}

// --- judging

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    const bool fine = cJSON_IsNumber(item) && item->valuedouble >= 0.0 &&
                      item->valuedouble <= MOST_COUNTS;
    return fine ? item->valuedouble : 0.0;
}

static const char *text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void warn_saturation(igd_warnings *w, const cJSON *o)
{
    const double images = number(o, "images"), newly = number(o, "newly_fooled");
    if (newly >= SATURATION_LEAST && newly > SATURATION_SHARE * images)
        igd_warn(w, IGD_WARN_NO_SATURATION,
                 "%s with twice the steps fools %.0f more of %.0f images: more steps "
                 "would lower the accuracy further",
                 text(o, "attack"), newly, images);
}

static void warn_radius(igd_warnings *w, const cJSON *o, int num_classes)
{
    const double images = number(o, "images"), robust = number(o, "robust");
    if (robust * num_classes > images)
        igd_warn(w, IGD_WARN_HUGE_RADIUS,
                 "%.0f of %.0f images withstand %s at the radius %g, at which any image "
                 "can be made any other: the attack fails for another reason than "
                 "robustness",
                 robust, images, text(o, "attack"), number(o, "eps"));
}

static void warn_transfer(igd_warnings *w, const cJSON *o)
{
    const double images = number(o, "images"), robust = number(o, "robust");
    const double transferred = number(o, "transfer_fooled"), total = number(o, "total");
    if (images <= 0.0 || robust < TRANSFER_LEAST)
        return;
    const double own = transferred * (1.0 - robust / images) + number(o, "others_fooled");
    if (transferred > own + IGD_WARN_MARGIN * total)
        igd_warn(
            w, IGD_WARN_TRANSFER,
            "%s fools %.0f images; gradients (%s) fail on %.0f of %.0f of these, and "
            "would fool about %.0f on their own: robustness may come from hidden "
            "gradients",
            text(o, "transfer"), transferred, text(o, "attack"), robust, images, own);
}

static void warn_audit(igd_warnings *w, const cJSON *o)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(o, "attacks"))
    {
        if (number(item, "differences") > 0.0)
            igd_warn(w, IGD_WARN_AUDIT, "%s: %.0f of %.0f flags differ without shortcuts",
                     text(item, "attack"), number(item, "differences"),
                     number(item, "images"));
    }
}

static void warn_saved(igd_warnings *w, const cJSON *o)
{
    const double outside = number(o, "outside_ball");
    const double correct = number(o, "classified_correctly");
    if (outside > 0.0)
        igd_warn(w, IGD_WARN_OUTSIDE, "%.0f saved images lie outside the ball", outside);
    if (correct > 0.0)
        igd_warn(w, IGD_WARN_UNVERIFIED,
                 "%.0f saved adversarial images are classified correctly", correct);
}

void igd_counts_warn(igd_warnings *w, const cJSON *checks, int num_classes)
{
    warn_saturation(w, cJSON_GetObjectItemCaseSensitive(checks, "saturation"));
    warn_radius(w, cJSON_GetObjectItemCaseSensitive(checks, "huge_radius"), num_classes);
    warn_transfer(w, cJSON_GetObjectItemCaseSensitive(checks, "transfer"));
    warn_audit(w, cJSON_GetObjectItemCaseSensitive(checks, "audit"));
    warn_saved(w, cJSON_GetObjectItemCaseSensitive(checks, "saved"));
}
