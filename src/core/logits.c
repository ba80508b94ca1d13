// Owns the arithmetic on logits.
#include "core/logits.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

int igd_argmax(const float *z, int C)
{
    int best = 0;
    for (int c = 1; c < C; c++)
        if (z[c] > z[best])
            best = c;
    return best;
}

void igd_softmax(double *q, const float *z, int C)
{
    const double top = (double)z[igd_argmax(z, C)];
    double total = 0.0;
    for (int k = 0; k < C; k++)
        total += q[k] = exp((double)z[k] - top);
    for (int k = 0; k < C; k++)
        q[k] /= total;
}

int igd_ranked_class(const float *z, int C, int y, int rank)
{
    int found = -1;
    assert(rank >= 0 && rank < C - 1);
    for (int place = 0; place <= rank; place++) {
        const int last = found;
        found = -1;
        for (int c = 0; c < C; c++) {
            const bool later =
                last < 0 || z[c] < z[last] || (z[c] == z[last] && c > last);
            if (c != y && later && (found < 0 || z[c] > z[found]))
                found = c;
        }
    }
    return found;
}

uint32_t igd_peak(const float *v, size_t n)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &v[i], sizeof(bits));
        bits &= 0x7fffffffu;
        most = bits > most ? bits : most;
    }
    return most;
}
