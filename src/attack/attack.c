// Owns the table of attacks, their settings, and what attacks share.
#include "attack/attack_impl.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "attack/loss.h"
#include "core/error.h"
#include "core/nearest.h"

#define DEFAULT_VOTES 5

static const igd_attack *const table[] = {
    &igd_attack_fgsm,     &igd_attack_pgd,     &igd_attack_gama_pgd, &igd_attack_apgd_ce,
    &igd_attack_apgd_dlr, &igd_attack_apgd_cw, &igd_attack_apgd_t,   &igd_attack_apgd_pma,
    &igd_attack_apgd_eot, &igd_attack_fab,     &igd_attack_fab_t,    &igd_attack_square,
    &igd_attack_rays,
};
#define NUM_ATTACKS ((int)(sizeof(table) / sizeof(table[0])))

static const char *const norm_names[] = {"Linf", "L2", "L1"};
#define NUM_NORMS ((int)(sizeof(norm_names) / sizeof(norm_names[0])))

const char *igd_norm_name(igd_norm norm)
{
    return norm_names[norm];
}

igd_status igd_norm_parse(igd_norm *out, const char *name)
{
    for (int i = 0; i < NUM_NORMS; i++)
        if (strcmp(name, norm_names[i]) == 0) {
            *out = (igd_norm)i;
            return IGD_OK;
        }
    return igd_error(IGD_EINVAL, "unknown norm '%s': Linf, L2 and L1 are known", name);
}

int igd_attack_count(void)
{
    return NUM_ATTACKS;
}

const igd_attack *igd_attack_at(int i)
{
    return i >= 0 && i < NUM_ATTACKS ? table[i] : NULL;
}

// "no <what> 'NAME'", with the nearest known name where one is near.
static igd_status unknown(const char *what, const char *name, const char *const *names,
                          int num)
{
    const char *near = igd_nearest(name, names, num);
    if (near != NULL)
        return igd_error(IGD_EINVAL, "no %s '%s'; did you mean '%s'?", what, name, near);
    return igd_error(IGD_EINVAL, "no %s '%s'", what, name);
}

igd_status igd_attack_find(const igd_attack **out, const char *name)
{
    const char *names[NUM_ATTACKS];

    *out = NULL;
    for (int i = 0; i < NUM_ATTACKS; i++) {
        names[i] = table[i]->name;
        if (strcmp(name, names[i]) == 0) {
            *out = table[i];
            return IGD_OK;
        }
    }
    return unknown("attack", name, names, NUM_ATTACKS);
}

const char *igd_attack_name(const igd_attack *a)
{
    return a->name;
}

const char *igd_attack_help(const igd_attack *a)
{
    return a->help;
}

bool igd_attack_has_norm(const igd_attack *a, igd_norm norm)
{
    return (a->norms & 1u << norm) != 0;
}

const igd_parameter *igd_attack_parameters(const igd_attack *a, int *num)
{
    *num = a->num_parameters;
    return a->parameters;
}

// Settings.

igd_status igd_attack_job_init(igd_attack_job *job, const igd_attack *a,
                               const igd_threat *threat, const igd_classifier *f,
                               uint64_t seed)
{
    if (!igd_attack_has_norm(a, threat->norm))
        return igd_error(IGD_EINVAL, "%s does not know the norm %s", a->name,
                         igd_norm_name(threat->norm));
    if (!(threat->eps > 0.0) || !isfinite(threat->eps))
        return igd_error(IGD_EINVAL, "eps is %g, which is not a positive number",
                         threat->eps);
    if (f->num_classes < 2)
        return igd_error(IGD_EINVAL, "a classifier with %d class cannot be attacked",
                         f->num_classes);
    *job = (igd_attack_job){.attack = a,
                            .threat = *threat,
                            .mode = IGD_RETURN_FOOLED,
                            .shortcuts = true,
                            .seed = seed,
                            .votes = DEFAULT_VOTES,
                            .num_classes = f->num_classes,
                            .num_pixels = igd_classifier_pixels(f),
                            .deterministic = f->deterministic,
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
        return unknown(what, name, names, a->num_parameters);
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

double igd_job_value(const igd_attack_job *job, const char *name)
{
    const int place = parameter_place(job->attack, name);
    assert(place >= 0);
    return job->value[place];
}

const char *igd_attack_substitution(const igd_attack_job *job)
{
    return job->attack->substitution == NULL ? NULL : job->attack->substitution(job);
}

// For attacks.

int igd_run_prediction(const igd_run *r, const float *z)
{
    const int C = r->job->num_classes;
    int best = 0;
    double most = -1.0;

    if (r->samples == 1)
        return igd_argmax(z, C);
    for (int c = 0; c < C; c++) {
        double sum = 0.0;
        for (int s = 0; s < r->samples; s++) {
            const float *row = z + (size_t)s * (size_t)C;
            const double top = (double)row[igd_argmax(row, C)];
            double total = 0.0;
            for (int k = 0; k < C; k++)
                total += exp((double)row[k] - top);
            sum += exp((double)row[c] - top) / total;
        }
        if (sum > most) {
            most = sum;
            best = c;
        }
    }
    return best;
}

bool igd_run_found(igd_run *r, double loss)
{
    const igd_attack_job *job = r->job;
    memcpy(r->x_adv, r->point, (size_t)job->num_pixels * sizeof(float));
    r->loss = loss;
    r->fooled = true;
    return job->mode == IGD_RETURN_FOOLED && job->shortcuts && job->deterministic;
}

igd_stream igd_run_stream(const igd_run *r, uint32_t counter)
{
    return igd_stream_make(r->job->seed, r->job->attack->name, r->image,
                           (uint64_t)r->index << 32 | counter);
}
