// Owns what attacks share.
#include <assert.h>
#include <math.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "core/logits.h"

static size_t padded(size_t bytes)
{
    return (bytes + IGD_RUN_ALIGNMENT - 1) / IGD_RUN_ALIGNMENT * IGD_RUN_ALIGNMENT;
}

static size_t array_size(const igd_attack_job *job)
{
    return padded((size_t)job->num_pixels * sizeof(float));
}

static size_t per_class_size(const igd_attack_job *job)
{
    return job->attack->per_class ? padded((size_t)job->num_classes * sizeof(double)) : 0;
}

static int num_arrays(const igd_attack_job *job)
{
    const igd_attack *a = job->attack;
    const int num = a->num_arrays == NULL ? 0 : a->num_arrays(job);
    assert(num >= 0 && num <= IGD_MAX_ARRAYS);
    return num;
}

size_t igd_run_size(const igd_attack_job *job)
{
    return padded(job->attack->state_size) + per_class_size(job) +
           (size_t)num_arrays(job) * array_size(job);
}

void igd_run_lay_out(igd_run *r, void *bytes)
{
    const igd_attack_job *job = r->job;
    unsigned char *at = bytes;

    r->state = at;
    at += padded(job->attack->state_size);
    r->per_class = job->attack->per_class ? (double *)(void *)at : NULL;
    at += per_class_size(job);
    for (int i = 0; i < IGD_MAX_ARRAYS; i++)
        r->array[i] = NULL;
    for (int i = 0; i < num_arrays(job); i++, at += array_size(job))
        r->array[i] = (float *)(void *)at;
}

igd_ball igd_run_ball_of(const igd_run *r, double eps)
{
    return (igd_ball){.norm = r->job->threat.norm,
                      .eps = (float)eps,
                      .x = r->x,
                      .lower = r->lower,
                      .upper = r->upper,
                      .d = r->job->num_pixels};
}

igd_ball igd_run_ball(const igd_run *r)
{
    return igd_run_ball_of(r, r->job->threat.eps);
}

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

bool igd_job_votes(const igd_attack_job *job)
{
    return !job->deterministic || job->doubted;
}

bool igd_run_found(igd_run *r, double loss)
{
    const igd_attack_job *job = r->job;
    memcpy(r->x_adv, r->point, (size_t)job->num_pixels * sizeof(float));
    r->loss = loss;
    r->fooled = true;
    return job->mode == IGD_RETURN_FOOLED && job->shortcuts && !igd_job_votes(job);
}

igd_stream igd_run_stream(const igd_run *r, uint32_t counter)
{
    return igd_stream_make(r->job->seed, r->job->attack->name, r->image,
                           (uint64_t)r->index << 32 | counter);
}
