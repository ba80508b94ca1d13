// Owns which checks follow the attacks of a plan. None depends on the order of the list:
// what they ask, and of which images, is the same for the same attacks.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "core/error.h"
#include "evaluate/plan.h"

static igd_status add_check(igd_plan *p, igd_step_kind kind, const char *prefix,
                            int column)
{
    char name[IGD_NAME_LENGTH + 16];
    if (p->num_steps == IGD_MAX_STEPS)
        return igd_error(IGD_EINVAL, "too many attacks for their checks");
    const igd_step *from = &p->steps[column];
    igd_step *s = &p->steps[p->num_steps++];
    *s = (igd_step){.kind = kind, .route = from->route, .group = -1, .repeats = column};
    snprintf(name, sizeof(name), "%s:%s", prefix, from->name);
    name[IGD_NAME_LENGTH - 1] = '\0';
    memcpy(s->name, name, strlen(name) + 1);
    s->num_jobs = from->num_jobs;
    memcpy(s->jobs, from->jobs, sizeof(s->jobs));
    return IGD_OK;
}

static igd_attack_job *last_job(igd_plan *p)
{
    return &p->steps[p->num_steps - 1].jobs[0];
}

static bool can_double(const igd_step *s)
{
    double steps = 0.0;
    const igd_parameter *of = NULL;
    if (s->kind != IGD_STEP_ATTACK || s->route != IGD_ROUTE_WHITE ||
        s->jobs[0].attack->gradient == NULL || s->jobs[0].attack->only_finds)
        return false;
    of = igd_attack_job_get(&s->jobs[0], "steps", &steps);
    return of != NULL && 2.0 * steps <= of->max;
}

static double passes_of(const igd_step *s)
{
    double forwards, backwards;
    igd_attack_job_passes(&s->jobs[0], &forwards, &backwards);
    return forwards + backwards;
}

// The cheapest gradient attack whose number of steps can be doubled; 0 for none.
static int cheapest_gradient(const igd_plan *p)
{
    int best = 0;
    for (int k = 1; k < p->num_main; k++) {
        const igd_step *s = &p->steps[k], *b = &p->steps[best];
        if (!can_double(s))
            continue;
        const double less = best > 0 ? passes_of(s) - passes_of(b) : -1.0;
        if (less < 0.0 || (less == 0.0 && strcmp(s->name, b->name) < 0))
            best = k;
    }
    return best;
}

// A radius at which any image can become any other, or nearly.
static double huge_radius(const igd_attack_job *job)
{
    const double d = (double)job->num_pixels;
    switch (job->threat.norm) {
    case IGD_NORM_L2:
        return 0.5 * sqrt(d);
    case IGD_NORM_L1:
        return 0.5 * d;
    default:
        return 0.5;
    }
}

static igd_status add_gradient_checks(igd_plan *p)
{
    const int gradient = cheapest_gradient(p);
    double steps = 0.0;
    if (gradient == 0)
        return IGD_OK;
    IGD_TRY(add_check(p, IGD_STEP_SATURATION, "twice", gradient));
    igd_attack_job_get(last_job(p), "steps", &steps);
    IGD_TRY(igd_attack_job_set(last_job(p), "steps", 2.0 * steps));
    if (huge_radius(last_job(p)) > last_job(p)->threat.eps) {
        IGD_TRY(add_check(p, IGD_STEP_RADIUS, "huge", gradient));
        last_job(p)->threat.eps = huge_radius(last_job(p));
    }
    return IGD_OK;
}

static bool comes_before(const igd_plan *p, const igd_views *views, int column,
                         unsigned roles)
{
    for (int k = 1; k < column; k++)
        if (p->steps[k].group == p->steps[column].group &&
            (roles & 1U << igd_step_role(&p->steps[k], views)) != 0)
            return true;
    return false;
}

// In a cascade, attacks never see what those before them fooled. Gradients see it here,
// and then transfers see what attacks without gradients fooled.
static igd_status add_besides(igd_plan *p, const igd_views *views)
{
    static const struct {
        igd_role role;
        unsigned before;
    } rounds[] = {
        {IGD_ROLE_GRADIENT, 1U << IGD_ROLE_TRANSFER | 1U << IGD_ROLE_BLACK_BOX},
        {IGD_ROLE_TRANSFER, 1U << IGD_ROLE_BLACK_BOX},
    };
    for (size_t r = 0; r < sizeof(rounds) / sizeof(rounds[0]); r++)
        for (int k = 1; k < p->num_main; k++)
            if (igd_step_role(&p->steps[k], views) == rounds[r].role &&
                comes_before(p, views, k, rounds[r].before))
                IGD_TRY(add_check(p, IGD_STEP_BESIDE, "beside", k));
    return IGD_OK;
}

igd_status igd_plan_add_checks(igd_plan *p, const igd_views *views,
                               const igd_evaluate_options *options)
{
    if (options->checks)
        IGD_TRY(add_gradient_checks(p));
    for (int k = 1; k < p->num_main && options->audit > 0.0; k++) {
        if (!igd_step_attacks(&p->steps[k]))
            continue;
        IGD_TRY(add_check(p, IGD_STEP_AUDIT, "audit", k));
        igd_step *s = &p->steps[p->num_steps - 1];
        for (int j = 0; j < s->num_jobs; j++)
            s->jobs[j].shortcuts = false;
    }
    return options->checks ? add_besides(p, views) : IGD_OK;
}
