// Owns the paired test.
#include "result/mcnemar.h"

#include <math.h>

#include "result/interval.h"

#define NORMAL_975 1.959963984540054

// P[Binomial(n, 1/2) <= k]
static double fair_tail(int64_t k, int64_t n)
{
    return k >= n ? 1.0 : igd_incomplete_beta((double)(n - k), (double)k + 1.0, 0.5);
}

static double test(int64_t lost, int64_t won, bool exact)
{
    const int64_t n = lost + won, fewer = lost < won ? lost : won;
    if (exact)
        return fmin(1.0, 2.0 * fair_tail(fewer, n));
    const double gap = fmax(0.0, fabs((double)(won - lost)) - 1.0);
    return erfc(gap / sqrt(2.0 * (double)n)); // of chi-squared gap^2 / n
}

igd_paired igd_mcnemar(int64_t num, int64_t lost, int64_t won)
{
    igd_paired out = {.num = num, .lost = lost, .won = won};
    out.difference = (double)(won - lost) / (double)num;
    out.exact = lost + won < IGD_MCNEMAR_EXACT;
    out.p = test(lost, won, out.exact);
    // Agresti and Min: half an image more in each of the four cells.
    const double b = (double)lost + 0.5, c = (double)won + 0.5, n = (double)num + 2.0;
    const double middle = (c - b) / n;
    const double half = NORMAL_975 * sqrt(b + c - (c - b) * (c - b) / n) / n;
    out.low = fmax(-1.0, middle - half);
    out.high = fmin(1.0, middle + half);
    return out;
}
