// Owns adding up the counts of the checks, and what they warn of.
#include "result/check_counts.h"

#include <string.h>

#include "core/error.h"
#include "core/json.h"

// More newly fooled images than this, with twice the steps, is no saturation.
#define SATURATION_SHARE 0.02
#define SATURATION_LEAST 2
#define ROLE_LEAST 2 // images that only attacks which know less fool; one proves nothing
#define MOST_COUNTS 0x1p53

// --- adding up

// Numbers that describe a check and are the same in all parts.
static bool is_setting(const char *key)
{
    return key != NULL && (strcmp(key, "eps") == 0 || strcmp(key, "percent") == 0);
}

// Digests of a part's own files: the whole has none.
static bool is_own(const char *key)
{
    return key != NULL && strcmp(key, "sha256") == 0;
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
    if (cJSON_IsString(to) && is_own(to->string))
        return cJSON_SetValuestring(to, "") != NULL;
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

// 0 where it is no count.
static double number(const cJSON *object, const char *key)
{
    const double v = igd_number_of(object, key);
    return v >= 0.0 && v <= MOST_COUNTS ? v : 0.0;
}

static void warn_saturation(igd_warnings *w, const cJSON *o)
{
    const double images = number(o, "images"), newly = number(o, "newly_fooled");
    if (newly >= SATURATION_LEAST && newly > SATURATION_SHARE * images)
        igd_warn(w, IGD_WARN_NO_SATURATION,
                 "%s with twice the steps fools %.0f of %.0f images that withstood all "
                 "attacks: more steps "
                 "would lower the accuracy further",
                 igd_string_of(o, "attack"), newly, images);
}

static void warn_radius(igd_warnings *w, const cJSON *o, int num_classes)
{
    const double images = number(o, "images"), robust = number(o, "robust");
    if (robust * num_classes > images)
        igd_warn(w, IGD_WARN_HUGE_RADIUS,
                 "%.0f of %.0f images withstand %s at the radius %g, at which any image "
                 "can be made any other: the attack fails for another reason than "
                 "robustness",
                 robust, images, igd_string_of(o, "attack"), number(o, "eps"));
}

static void warn_role(igd_warnings *w, const cJSON *o, const char *key, const char *id,
                      const char *kind)
{
    const double robust = number(o, "robust");
    if (robust >= ROLE_LEAST && robust > IGD_WARN_MARGIN * number(o, "total"))
        igd_warn(w, id,
                 "%s (%.120s) fool %.0f of %.0f images that gradients (%.120s) do not: "
                 "robustness may come from hidden gradients",
                 kind, igd_string_of(o, key), robust, number(o, "total"),
                 igd_string_of(o, "attack"));
}

static void warn_audit(igd_warnings *w, const cJSON *o)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(o, "attacks"))
    {
        if (number(item, "differences") > 0.0)
            igd_warn(w, IGD_WARN_AUDIT, "%s: %.0f of %.0f flags differ without shortcuts",
                     igd_string_of(item, "attack"), number(item, "differences"),
                     number(item, "images"));
    }
}

static void warn_planted(igd_warnings *w, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const double images = number(item, "images"), found = number(item, "found");
        if (found < images)
            igd_warn(
                w, IGD_WARN_PLANTED,
                "%s finds only %.0f of %.0f adversarial points that were planted for "
                "it: that it finds none elsewhere says nothing",
                igd_string_of(item, "attack"), found, images);
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
    warn_role(w, cJSON_GetObjectItemCaseSensitive(checks, "transfer"), "transfer",
              IGD_WARN_TRANSFER, "transferred attacks");
    warn_role(w, cJSON_GetObjectItemCaseSensitive(checks, "black_box"), "black_box",
              IGD_WARN_BLACK_BOX, "attacks without gradients");
    warn_planted(w, cJSON_GetObjectItemCaseSensitive(checks, "planted"));
    warn_audit(w, cJSON_GetObjectItemCaseSensitive(checks, "audit"));
    warn_saved(w, cJSON_GetObjectItemCaseSensitive(checks, "saved"));
}
