// Owns the counts of the checking steps.
#include "evaluate/checks_after.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json_build.h"

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
    cJSON *o = igd_json_add_object(json, key);
    igd_json_add_string(o, "attack", s->plan->steps[s->plan->steps[column].repeats].name);
    return o;
}

static void count_saturation(cJSON *json, const igd_session *s, int column)
{
    const comparison c = compare(s, column);
    cJSON *o = add_object(json, "saturation", s, column);
    igd_json_add_number(o, "images", (double)c.images);
    igd_json_add_number(o, "newly_fooled", (double)c.newly_fooled);
}

static void count_radius(cJSON *json, const igd_session *s, int column)
{
    const comparison c = compare(s, column);
    cJSON *o = add_object(json, "huge_radius", s, column);
    igd_json_add_number(o, "eps", s->plan->steps[column].jobs[0].threat.eps);
    igd_json_add_number(o, "images", (double)c.images);
    igd_json_add_number(o, "robust", (double)c.robust);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The attacks of a role, whatever their order in the list; owned, NULL without memory.
static char *names_of(const igd_session *s, igd_role role)
{
    const char *names[IGD_MAX_STEPS];
    char *text = NULL;
    size_t size = 0;
    int num = 0;
    for (int c = 1; c < s->plan->num_main; c++)
        if (igd_step_role(&s->plan->steps[c], s->views) == role)
            names[num++] = s->plan->steps[c].name;
    qsort((void *)names, (size_t)num, sizeof(*names), by_name);
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return NULL;
    for (int k = 0; k < num; k++)
        if (k == 0 || strcmp(names[k], names[k - 1]) != 0)
            fprintf(f, "%s%s", k > 0 ? ", " : "", names[k]);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static void add_names(cJSON *o, const char *key, const char *names)
{
    igd_json_add_item(o, key, names != NULL ? cJSON_CreateString(names) : NULL);
}

// Images that attacks of a role fool, and of these those that attacks which know more do
// not: gradients, and for attacks without gradients also transfers. In a cascade the
// checks beside it have asked what its order left unasked.
static void count_role(cJSON *json, const igd_session *s, igd_role role, const char *key)
{
    int64_t fooled = 0, alone = 0;
    bool compared = false;
    for (int c = 1; c < s->plan->num_main; c++) {
        bool first = igd_step_role(&s->plan->steps[c], s->views) == role,
             gradient = false;
        for (int k = 1; k < s->plan->num_main; k++)
            if (s->plan->steps[k].group == s->plan->steps[c].group) {
                const igd_role other = igd_step_role(&s->plan->steps[k], s->views);
                gradient = gradient || other == IGD_ROLE_GRADIENT;
                first = first && !(k < c && other == role); // once a group
            }
        if (!first || !gradient)
            continue;
        compared = true;
        for (int64_t i = 0; i < s->n; i++) {
            const bool hit = igd_session_fooled_by(s, c, i, role);
            const bool known = igd_session_fooled_by(s, c, i, IGD_ROLE_GRADIENT) ||
                               (role == IGD_ROLE_BLACK_BOX &&
                                igd_session_fooled_by(s, c, i, IGD_ROLE_TRANSFER));
            fooled += hit;
            alone += hit && !known;
        }
    }
    if (!compared)
        return;
    char *names = names_of(s, role), *gradients = names_of(s, IGD_ROLE_GRADIENT);
    cJSON *o = igd_json_add_object(json, key);
    add_names(o, "attack", gradients);
    add_names(o, key, names);
    igd_json_add_number(o, "total", (double)s->n);
    igd_json_add_number(o, "images", (double)fooled);
    igd_json_add_number(o, "robust", (double)alone);
    free(names);
    free(gradients);
}

static void count_audit(cJSON *json, const igd_session *s)
{
    cJSON *o = igd_json_add_object(json, "audit");
    cJSON *list = cJSON_CreateArray();
    int64_t images = 0, differences = 0;
    for (int k = s->plan->num_main; k < s->plan->num_steps; k++) {
        if (s->plan->steps[k].kind != IGD_STEP_AUDIT)
            continue;
        const comparison c = compare(s, k);
        images += c.images;
        differences += c.different;
        cJSON *item = cJSON_CreateObject();
        igd_json_add_string(item, "attack",
                            s->plan->steps[s->plan->steps[k].repeats].name);
        igd_json_add_number(item, "images", (double)c.images);
        igd_json_add_number(item, "differences", (double)c.different);
        igd_json_append(list, item);
    }
    igd_json_add_number(o, "percent", s->options->audit);
    igd_json_add_number(o, "attacked", (double)images);
    igd_json_add_number(o, "differences", (double)differences);
    igd_json_add_item(o, "attacks", list);
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
    cJSON *o = igd_json_add_object(json, "verification");
    igd_json_add_number(o, "fooled", (double)fooled);
    igd_json_add_number(o, "unverified", (double)unverified);
    igd_json_add_number(o, "outside_ball", (double)outside);
}

// What the checking steps took, all of them.
static void count_cost(cJSON *json, const igd_session *s)
{
    igd_cost sum = {0};
    for (int k = s->plan->num_main; k < s->plan->num_steps; k++)
        igd_cost_add(&sum, &s->state.costs[k]);
    cJSON *o = igd_json_add_object(json, "cost");
    igd_json_add_number(o, "forwards", (double)sum.forwards);
    igd_json_add_number(o, "backwards", (double)sum.backwards);
    igd_json_add_number(o, "seconds", sum.seconds);
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
    }
    if (s->options->checks) {
        count_role(json, s, IGD_ROLE_TRANSFER, "transfer");
        count_role(json, s, IGD_ROLE_BLACK_BOX, "black_box");
    }
    if (s->options->audit > 0.0)
        count_audit(json, s);
    *out = json;
    return json != NULL ? IGD_OK : igd_error(IGD_ENOMEM, "no memory for the result");
}
