// Owns the ensembles and the prefixes, and taking a list of attacks apart.
#include "evaluate/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "core/error.h"
#include "core/json_build.h"
#include "core/nearest.h"
#include "core/number.h"
#include "evaluate/ensembles.h"

// clang-format off
static const struct {
    const char *prefix, *name;
    igd_route route;
} prefixes[] = {
    {"transfer:", "transfer", IGD_ROUTE_TRANSFER}, {"own:", "own", IGD_ROUTE_OWN},
    {"surrogate:", "surrogate", IGD_ROUTE_SURROGATE}, {"joint:", "joint", IGD_ROUTE_JOINT},
};
// clang-format on

// The order of the worst case's members in a cascade: first what kills most for its cost.
// Its union does not depend on it. Where nothing defends, a transferred attack is the
// attack itself, made in full; AutoAttack's runs end at the first point that fools.
static const int cascade_order[9] = {3, 4, 5, 8, 6, 7, 0, 2, 1};
static const int base_order[9] = {0, 3, 4, 5, 8, 6, 7, 2, 1};

#define NUM_PREFIXES ((int)(sizeof(prefixes) / sizeof(prefixes[0])))
#define MAX_CHANGES 64

// One NAME.PARAMETER=VALUE.
typedef struct change {
    char name[IGD_NAME_LENGTH];
    char parameter[32], value[32];
    bool used;
} change;

// Taking apart in progress.
typedef struct maker {
    igd_plan *plan;
    const igd_views *views;
    const igd_evaluate_options *options;
    change changes[MAX_CHANGES];
    int num_changes;
    int num_groups;
} maker;

static bool defended(const maker *m)
{
    return m->views->judged != m->views->base;
}

static const igd_ensemble *find_ensemble(const maker *m, const char *name)
{
    return igd_ensemble_find(name, m->options->threat.norm);
}

static igd_status unknown_name(const char *name)
{
    const char *known[64] = {"clean"};
    int num = 1;
    for (int i = 0; i < igd_ensemble_count(); i++)
        known[num++] = igd_ensemble_name(i);
    for (int i = 0; i < igd_attack_count() && num < 64; i++)
        known[num++] = igd_attack_name(igd_attack_at(i));
    const char *nearest = igd_nearest(name, known, num);
    if (nearest != NULL)
        return igd_error(IGD_EINVAL, "unknown attack '%s'; did you mean '%s'?", name,
                         nearest);
    return igd_error(IGD_EINVAL, "unknown attack '%s'", name);
}

// --- changed parameters

static igd_status parse_change(change *c, const char *text, size_t length)
{
    char copy[160];
    if (length >= sizeof(copy))
        return igd_error(IGD_EINVAL, "cannot set '%.80s'", text);
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *equals = strchr(copy, '=');
    if (equals != NULL)
        *equals = '\0';
    char *dot = strrchr(copy, '.');
    if (equals == NULL || dot == NULL || dot == copy)
        return igd_error(IGD_EINVAL, "cannot set '%.*s': ATTACK.PARAMETER=VALUE expected",
                         (int)length, text);
    *dot = '\0';
    if (strlen(copy) >= sizeof(c->name) || strlen(dot + 1) >= sizeof(c->parameter) ||
        strlen(equals + 1) >= sizeof(c->value))
        return igd_error(IGD_EINVAL, "cannot set '%.*s'", (int)length, text);
    memcpy(c->name, copy, strlen(copy) + 1);
    memcpy(c->parameter, dot + 1, strlen(dot + 1) + 1);
    memcpy(c->value, equals + 1, strlen(equals + 1) + 1);
    return IGD_OK;
}

static igd_status parse_changes(maker *m, const char *text)
{
    while (text != NULL && *text != '\0') {
        const size_t length = strcspn(text, ",");
        if (m->num_changes == MAX_CHANGES)
            return igd_error(IGD_EINVAL, "more than %d changed parameters", MAX_CHANGES);
        IGD_TRY(parse_change(&m->changes[m->num_changes++], text, length));
        text += length + (text[length] == ',');
    }
    return IGD_OK;
}

// Those of the bare name first, so that the one with a prefix has the last word.
static igd_status apply_changes(maker *m, igd_attack_job *job, const char *step_name)
{
    const char *attack = igd_attack_name(job->attack);
    for (int exact = 0; exact < 2; exact++)
        for (int k = 0; k < m->num_changes; k++) {
            change *c = &m->changes[k];
            const bool is_exact =
                strcmp(c->name, step_name) == 0 && strcmp(step_name, attack) != 0;
            if (exact ? !is_exact : strcmp(c->name, attack) != 0)
                continue;
            IGD_TRY(igd_attack_job_set_text(job, c->parameter, c->value));
            c->used = true;
        }
    return IGD_OK;
}

// --- steps

static igd_status add_job(maker *m, igd_step *s, const igd_member *what,
                          const char *attack, bool find_only)
{
    const igd_attack *a;
    igd_attack_job *job = &s->jobs[s->num_jobs++];
    if (igd_attack_find(&a, attack) != IGD_OK)
        return unknown_name(attack);
    if (!igd_attack_has_norm(a, m->options->threat.norm))
        return igd_error(IGD_EINVAL, "%s does not work under %s", attack,
                         igd_norm_name(m->options->threat.norm));
    IGD_TRY(igd_attack_job_init(job, a, &m->options->threat,
                                igd_step_attacked(s, m->views), m->options->seed));
    for (int k = 0; k < 2 && what->preset[k].parameter != NULL; k++)
        IGD_TRY(
            igd_attack_job_set(job, what->preset[k].parameter, what->preset[k].value));
    IGD_TRY(apply_changes(m, job, s->name));
    job->shortcuts = m->options->shortcuts;
    const bool high_loss = s->route == IGD_ROUTE_TRANSFER || s->route == IGD_ROUTE_OWN;
    job->mode = high_loss && !find_only && !a->only_finds ? IGD_RETURN_HIGH_LOSS
                                                          : IGD_RETURN_FOOLED;
    return a->check != NULL ? a->check(job) : IGD_OK;
}

static igd_status new_step(maker *m, igd_step **out, const char *name, int group)
{
    igd_plan *p = m->plan;
    if (p->num_steps == IGD_MAX_STEPS || strlen(name) >= sizeof(p->steps[0].name))
        return igd_error(IGD_EINVAL, "too many attacks, or too long a name");
    *out = &p->steps[p->num_steps++];
    memcpy((*out)->name, name, strlen(name) + 1);
    (*out)->kind = IGD_STEP_ATTACK;
    (*out)->group = group;
    return IGD_OK;
}

// --- entries

static igd_status new_entry(maker *m, igd_entry **out, const char *name,
                            const char *parent, igd_route route)
{
    igd_plan *p = m->plan;
    if (p->num_entries == IGD_MAX_STEPS)
        return igd_error(IGD_EINVAL, "too many attacks");
    igd_entry *e = &p->entries[p->num_entries++];
    snprintf(e->name, sizeof(e->name), "%s", name);
    snprintf(e->ensemble, sizeof(e->ensemble), "%s", parent);
    snprintf(e->target, sizeof(e->target), "%s",
             !defended(m)                  ? "base"
             : route == IGD_ROUTE_TRANSFER ? "transfer"
                                           : "defended");
    *out = e;
    return IGD_OK;
}

// The columns that the entry's accuracy counts: those of its group so far, its own
// included.
static void count_group(const maker *m, igd_entry *e, int group)
{
    for (int k = 1; k < m->plan->num_steps; k++)
        if (m->plan->steps[k].group == group)
            e->counts[e->num_counts++] = k;
    e->cumulative = e->num_counts > e->num_columns;
}

// The step of that name in the group, which need not run twice; 0 for none.
static int find_step(const maker *m, const char *name, int group)
{
    for (int k = 1; k < m->plan->num_steps; k++)
        if (m->plan->steps[k].group == group && strcmp(m->plan->steps[k].name, name) == 0)
            return k;
    return 0;
}

// Points of highest loss under two losses cannot be told by their loss, which of one is
// always the larger: each loss gets a step, and the points of both are judged.
// Source: Croce et al., ICML 2022, whose evaluation keeps both.
static igd_status split_losses(maker *m, int column)
{
    char name[IGD_NAME_LENGTH + 8];
    double losses = 1.0;
    igd_step *second = NULL;
    igd_attack_job *job = &m->plan->steps[column].jobs[0];
    if (job->mode != IGD_RETURN_HIGH_LOSS ||
        igd_attack_job_get(job, "losses", &losses) == NULL || losses != 0.0)
        return IGD_OK;
    snprintf(name, sizeof(name), "%s dlr", m->plan->steps[column].name);
    IGD_TRY(new_step(m, &second, name, m->plan->steps[column].group));
    second->route = m->plan->steps[column].route;
    second->half_of = column;
    second->num_jobs = 1;
    second->jobs[0] = *job;
    IGD_TRY(igd_attack_job_set(job, "losses", 1.0));
    return igd_attack_job_set(&second->jobs[0], "losses", 2.0);
}

static igd_status add_leaf(maker *m, const igd_member *what, const char *parent,
                           int group)
{
    const char *attack = what->name;
    igd_route route = IGD_ROUTE_WHITE;
    igd_step *s = NULL;
    igd_entry *e = NULL;

    for (int k = 0; k < NUM_PREFIXES; k++)
        if (strncmp(what->name, prefixes[k].prefix, strlen(prefixes[k].prefix)) == 0) {
            route = prefixes[k].route;
            attack += strlen(prefixes[k].prefix);
        }
    if ((route == IGD_ROUTE_SURROGATE && m->views->surrogate == NULL) ||
        (route == IGD_ROUTE_JOINT && m->views->joint == NULL))
        return igd_error(
            IGD_EINVAL, "%s needs a defense whose pseudo-label chooses a mask%s",
            what->name,
            route == IGD_ROUTE_SURROGATE ? ", or another with a surrogate" : "");

    int column = find_step(m, what->name, group), more = 0;
    if (column == 0) {
        const igd_ensemble *inner = find_ensemble(m, attack);
        IGD_TRY(new_step(m, &s, what->name, group));
        column = m->plan->num_steps - 1;
        s->route = route;
        if (inner == NULL)
            IGD_TRY(add_job(m, s, what, attack, false));
        // The points of an ensemble are those of its first success.
        for (int k = 0; inner != NULL && k < inner->num_members; k++)
            IGD_TRY(add_job(m, s, &inner->members[k], inner->members[k].name, true));
        if (inner == NULL)
            IGD_TRY(split_losses(m, column));
    }
    if (column + 1 < m->plan->num_steps && m->plan->steps[column + 1].half_of == column)
        more = column + 1;
    IGD_TRY(new_entry(m, &e, what->name, parent, route));
    e->columns[e->num_columns++] = column;
    if (more > 0)
        e->columns[e->num_columns++] = more;
    const igd_step *first = &m->plan->steps[column];
    const bool own = route != IGD_ROUTE_TRANSFER && first->num_jobs == 1;
    e->white_box = own && first->jobs[0].attack->gradient != NULL;
    e->black_box = own && first->jobs[0].attack->gradient == NULL;
    count_group(m, e, group);
    return IGD_OK;
}

static int new_group(maker *m)
{
    return m->options->report == IGD_REPORT_UNION ? 0 : m->num_groups++;
}

// The entry of an ensemble over those of its members, which begin at `first`.
static igd_status close_ensemble(maker *m, const char *name, const char *parent,
                                 int first)
{
    igd_entry *e = NULL;
    bool counted[IGD_MAX_STEPS] = {false}, own[IGD_MAX_STEPS] = {false};
    const int last = m->plan->num_entries;
    IGD_TRY(new_entry(m, &e, name, parent, IGD_ROUTE_WHITE));
    for (int k = first; k < last; k++) {
        const igd_entry *from = &m->plan->entries[k];
        for (int c = 0; c < from->num_columns; c++)
            own[from->columns[c]] = true;
        for (int c = 0; c < from->num_counts; c++)
            counted[from->counts[c]] = true;
    }
    for (int c = 1; c < m->plan->num_steps; c++) {
        if (own[c])
            e->columns[e->num_columns++] = c;
        if (counted[c])
            e->counts[e->num_counts++] = c;
    }
    e->cumulative = e->num_counts > e->num_columns;
    return IGD_OK;
}

// On the base model the transferred sets of what finds points are the attacks themselves.
static igd_status add_same(maker *m, const char *name, const char *parent)
{
    const char *original = name + strlen("transfer:");
    const igd_entry *from = NULL;
    igd_entry *e = NULL;
    for (int k = 0; k < m->plan->num_entries; k++)
        if (strcmp(m->plan->entries[k].name, original) == 0)
            from = &m->plan->entries[k];
    IGD_TRY(new_entry(m, &e, name, parent, IGD_ROUTE_TRANSFER));
    if (from == NULL)
        return igd_error(IGD_EINVAL, "%s without %s", name, original);
    memcpy(e->columns, from->columns, sizeof(e->columns));
    memcpy(e->counts, from->counts, sizeof(e->counts));
    e->num_columns = from->num_columns;
    e->num_counts = from->num_counts;
    e->cumulative = from->cumulative;
    snprintf(e->same_as, sizeof(e->same_as), "%s", original);
    return IGD_OK;
}

// Members 7 to 9 of the worst case, which equal 1 to 3 where nothing defends.
static bool is_same(const maker *m, const igd_ensemble *of, int k)
{
    return igd_ensemble_is_worst_case(of) && !defended(m) && k >= 6;
}

static igd_status add_members(maker *m, const igd_ensemble *of)
{
    const bool cascade =
        igd_ensemble_is_worst_case(of) && m->options->report == IGD_REPORT_UNION;
    const int first = m->plan->num_entries;
    for (int j = 0; j < of->num_members; j++) {
        const int k = !cascade ? j : defended(m) ? cascade_order[j] : base_order[j];
        const igd_member *what = &of->members[k];
        const igd_ensemble *inner = find_ensemble(m, what->name);
        const int group = new_group(m), inner_first = m->plan->num_entries;
        if (is_same(m, of, k))
            continue;
        if (inner == NULL) {
            IGD_TRY(add_leaf(m, what, of->name, group));
            continue;
        }
        for (int i = 0; i < inner->num_members; i++)
            IGD_TRY(add_leaf(m, &inner->members[i], inner->name, group));
        IGD_TRY(close_ensemble(m, inner->name, of->name, inner_first));
    }
    for (int k = 0; k < of->num_members; k++)
        if (is_same(m, of, k))
            IGD_TRY(add_same(m, of->members[k].name, of->name));
    return close_ensemble(m, of->name, "", first);
}

static igd_status add_item(maker *m, const char *name)
{
    const igd_ensemble *of = find_ensemble(m, name);
    if (strcmp(name, "clean") == 0)
        return IGD_OK;
    for (int k = 0; k < m->plan->num_entries; k++)
        if (m->plan->entries[k].ensemble[0] == '\0' &&
            strcmp(m->plan->entries[k].name, name) == 0)
            return igd_error(IGD_EINVAL, "the attack %s is listed twice", name);
    if (of != NULL)
        return add_members(m, of);
    const igd_member what = {.name = name};
    return add_leaf(m, &what, "", new_group(m));
}

static igd_status add_items(maker *m)
{
    char name[IGD_NAME_LENGTH];
    const char *at = m->options->attacks == NULL ? "" : m->options->attacks;
    for (;;) {
        const size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof(name))
            return igd_error(IGD_EINVAL, "'%s' is no list of attacks between commas",
                             m->options->attacks == NULL ? "" : m->options->attacks);
        memcpy(name, at, length);
        name[length] = '\0';
        IGD_TRY(add_item(m, name));
        if (at[length] == '\0')
            return IGD_OK;
        at += length + 1;
    }
}

// What was found at another radius comes first, so that attacks leave it alone.
static igd_status add_found(maker *m, const char *name, igd_step_kind kind)
{
    igd_step *s = NULL;
    igd_entry *e = NULL;
    if (m->options->report != IGD_REPORT_UNION)
        return igd_error(IGD_EINVAL, "what another eps broke counts only in a union");
    const int group = new_group(m);
    IGD_TRY(new_step(m, &s, name, group));
    s->kind = kind;
    s->jobs[0].threat = m->options->threat; // that points are judged by
    IGD_TRY(new_entry(m, &e, name, "", IGD_ROUTE_WHITE));
    e->columns[e->num_columns++] = m->plan->num_steps - 1;
    count_group(m, e, group);
    return IGD_OK;
}

igd_status igd_plan_make(igd_plan **out, const igd_views *views,
                         const igd_evaluate_options *options)
{
    maker *m = calloc(1, sizeof(*m));
    igd_plan *p = calloc(1, sizeof(*p));
    igd_status st;

    *out = NULL;
    if (m == NULL || p == NULL) {
        st = igd_error(IGD_ENOMEM, "no memory for the list of attacks");
        goto done;
    }
    m->plan = p;
    m->views = views;
    m->options = options;
    p->num_steps = 1;
    p->steps[0].group = -1;
    snprintf(p->steps[0].name, sizeof(p->steps[0].name), "clean");
    if ((st = parse_changes(m, options->set)) != IGD_OK ||
        (options->smaller != NULL &&
         (st = add_found(m, "smaller-eps", IGD_STEP_KNOWN)) != IGD_OK) ||
        (views->start != NULL &&
         (st = add_found(m, "larger-eps", IGD_STEP_GIVEN)) != IGD_OK) ||
        (st = add_items(m)) != IGD_OK)
        goto done;
    for (int k = 0; k < m->num_changes; k++)
        if (!m->changes[k].used) {
            st = igd_error(IGD_EINVAL, "cannot set %s.%s: no such attack in the list",
                           m->changes[k].name, m->changes[k].parameter);
            goto done;
        }
    p->num_main = p->num_steps;
    st = igd_plan_add_checks(p, views, options);

done:
    free(m);
    if (st != IGD_OK) {
        free(p);
        return st;
    }
    *out = p;
    return IGD_OK;
}

// --- what is known of a plan

static const char *route_name(igd_route route)
{
    for (int k = 0; k < NUM_PREFIXES; k++)
        if (prefixes[k].route == route)
            return prefixes[k].name;
    return "white-box";
}

cJSON *igd_plan_json(const igd_plan *p)
{
    cJSON *array = cJSON_CreateArray();
    for (int k = 1; k < p->num_steps; k++) {
        const igd_step *s = &p->steps[k];
        cJSON *o = cJSON_CreateObject();
        igd_json_add_string(o, "name", s->name);
        igd_json_add_string(o, "route", route_name(s->route));
        if (k >= p->num_main)
            igd_json_add_bool(o, "check", true);
        cJSON *jobs = igd_json_add_array(o, "runs");
        for (int j = 0; j < s->num_jobs; j++)
            igd_json_append(jobs, igd_job_json(&s->jobs[j]));
        igd_json_append(array, o);
    }
    return array;
}

void igd_plan_warn(const igd_plan *p, igd_warnings *w)
{
    for (int k = 1; k < p->num_main; k++)
        for (int j = 0; j < p->steps[k].num_jobs; j++) {
            const igd_attack_job *job = &p->steps[k].jobs[j];
            const char *instead = igd_attack_substitution(job);
            if (instead != NULL)
                igd_warn(w, IGD_WARN_FEW_CLASSES, "%s on %d classes: %s",
                         igd_attack_name(job->attack), job->num_classes, instead);
        }
}
