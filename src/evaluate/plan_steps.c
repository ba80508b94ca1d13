// Owns what is asked of one step and of its jobs.
#include <string.h>

#include "core/json_build.h"

#include "attack/attack_impl.h"
#include "evaluate/plan.h"

const igd_classifier *igd_step_attacked(const igd_step *s, const igd_views *views)
{
    switch (s->route) {
    case IGD_ROUTE_TRANSFER:
        return views->base;
    case IGD_ROUTE_SURROGATE:
        return views->surrogate;
    case IGD_ROUTE_JOINT:
        return views->joint;
    default:
        return views->judged;
    }
}

bool igd_step_attacks(const igd_step *s)
{
    return s->num_jobs > 0;
}

igd_role igd_step_role(const igd_step *s, const igd_views *views)
{
    if (!igd_step_attacks(s))
        return IGD_ROLE_NONE;
    if (s->route == IGD_ROUTE_TRANSFER && views->judged != views->base)
        return IGD_ROLE_TRANSFER;
    return s->jobs[0].attack->gradient != NULL ? IGD_ROLE_GRADIENT : IGD_ROLE_BLACK_BOX;
}

bool igd_step_is_set(const igd_step *s)
{
    return s->route == IGD_ROUTE_TRANSFER;
}

cJSON *igd_job_json(const igd_attack_job *job)
{
    cJSON *o = cJSON_CreateObject();
    igd_json_add_string(o, "attack", igd_attack_name(job->attack));
    igd_json_add_string(o, "mode",
                        job->mode == IGD_RETURN_FOOLED ? "fooled" : "highest-loss");
    igd_json_add_number(o, "eps", job->threat.eps);
    igd_json_add_bool(o, "shortcuts", job->shortcuts);
    igd_json_add_number(o, "votes", job->votes);
    cJSON *set = igd_json_add_object(o, "parameters");
    for (int k = 0; k < job->attack->num_parameters; k++)
        igd_json_add_number(set, job->attack->parameters[k].name, job->value[k]);
    return o;
}
