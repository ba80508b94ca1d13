// Owns what attacks share.
#include <math.h>
#include <string.h>

#include "attack/attack_impl.h"
#include "core/logits.h"

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
