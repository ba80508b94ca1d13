// Owns the settings of attacks.
#include "attack/attack_impl.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/nearest.h"
#include "core/number.h"

#define DEFAULT_VOTES 5

igd_status igd_attack_job_init(igd_attack_job *job, const igd_attack *a,
                               const igd_threat *threat, const igd_classifier *f,
                               uint64_t seed)
{
    if (igd_norm_name(threat->norm)[0] == '\0')
        return igd_error(IGD_EINVAL, "%d is no norm", (int)threat->norm);
    if ((a->norms & 1u << threat->norm) == 0)
        return igd_error(IGD_EINVAL, "%s does not know the norm %s", a->name,
                         igd_norm_name(threat->norm));
    if (!(threat->eps > 0.0) || !isfinite(threat->eps))
        return igd_error(IGD_EINVAL, "eps is %g, which is not a positive number",
                         threat->eps);
    if (f->num_classes < 2)
        return igd_error(IGD_EINVAL, "a classifier with %d class cannot be attacked",
                         f->num_classes);
    if (f->no_gradients && a->gradient != NULL)
        return igd_error(IGD_EINVAL, "%s needs gradients, and the model gives none",
                         a->name);
    *job = (igd_attack_job){.attack = a,
                            .threat = *threat,
                            .mode = IGD_RETURN_FOOLED,
                            .shortcuts = true,
                            .seed = seed,
                            .votes = DEFAULT_VOTES,
                            .num_classes = f->num_classes,
                            .num_pixels = igd_classifier_pixels(f),
                            .deterministic = f->deterministic,
                            .doubted = f->exact != NULL,
                            .differentiable = f->differentiable};
    memcpy(job->shape, f->shape, sizeof(job->shape));
    assert(a->num_parameters <= IGD_MAX_PARAMETERS);
    for (int i = 0; i < a->num_parameters; i++)
        job->value[i] = a->parameters[i].value;
    return IGD_OK;
}

static int parameter_place(const igd_attack *a, const char *name)
{
    for (int i = 0; i < a->num_parameters; i++)
        if (strcmp(a->parameters[i].name, name) == 0)
            return i;
    return -1;
}

igd_status igd_attack_job_set(igd_attack_job *job, const char *name, double value)
{
    const igd_attack *a = job->attack;
    const int place = parameter_place(a, name);

    if (place < 0) {
        const char *names[IGD_MAX_PARAMETERS];
        char what[64];
        for (int i = 0; i < a->num_parameters; i++)
            names[i] = a->parameters[i].name;
        snprintf(what, sizeof(what), "parameter of %s", a->name);
        return igd_unknown(what, name, names, a->num_parameters);
    }
    const igd_parameter *p = &a->parameters[place];
    if (!(value >= p->min && value <= p->max))
        return igd_error(IGD_EINVAL, "%s.%s is %g, outside %g to %g", a->name, name,
                         value, p->min, p->max);
    if (p->integer && value != floor(value))
        return igd_error(IGD_EINVAL, "%s.%s is %g, not a whole number", a->name, name,
                         value);
    job->value[place] = value;
    return IGD_OK;
}

igd_status igd_attack_job_set_text(igd_attack_job *job, const char *name,
                                   const char *text)
{
    const int place = parameter_place(job->attack, name);
    const igd_parameter *p = place < 0 ? NULL : &job->attack->parameters[place];
    double value;

    if (p != NULL && p->names != NULL)
        for (int i = 0; i <= (int)p->max; i++)
            if (strcmp(text, p->names[i]) == 0)
                return igd_attack_job_set(job, name, i);
    if (!igd_number_parse(&value, text))
        return p != NULL && p->names != NULL
                   ? igd_unknown(name, text, p->names, (int)p->max + 1)
                   : igd_error(IGD_EINVAL, "cannot set %s.%s to '%s': not a number",
                               job->attack->name, name, text);
    return igd_attack_job_set(job, name, value);
}

const igd_parameter *igd_attack_job_get(const igd_attack_job *job, const char *name,
                                        double *value)
{
    const int place = parameter_place(job->attack, name);
    if (place < 0)
        return NULL;
    *value = job->value[place];
    return &job->attack->parameters[place];
}

int igd_attack_job_samples(const igd_attack_job *job)
{
    // Equal samples have the mean of one: EoT changes nothing without noise.
    const bool collapses = job->deterministic && job->shortcuts;
    const igd_attack *a = job->attack;
    return a->num_samples == NULL || collapses ? 1 : a->num_samples(job);
}

void igd_attack_job_passes(const igd_attack_job *job, double *forwards, double *backwards)
{
    const double all =
        (double)job->attack->num_runs(job) * (double)igd_attack_job_samples(job);
    const igd_passes each = job->attack->most_passes(job);
    *forwards = all * each.forwards;
    *backwards = all * each.backwards;
}

const char *igd_attack_substitution(const igd_attack_job *job)
{
    return job->attack->substitution == NULL ? NULL : job->attack->substitution(job);
}
