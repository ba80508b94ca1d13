// Owns the paired test.
#include "result/mcnemar.h"

#include <math.h>

#define MOST_DEVIATIONS 38.0 // beyond it a tail is 0 in double precision

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

// Deviations from the mean within which a normal variable lies with that probability.
static double normal_half_width(double level)
{
    double low = 0.0, high = MOST_DEVIATIONS;
    for (double middle = 0.5 * high; low < middle && middle < high;
         middle = 0.5 * (low + high))
        if (erfc(middle / sqrt(2.0)) > 1.0 - level)
            low = middle;
        else
            high = middle;
    return high;
}

igd_interval igd_paired_interval(int64_t num, int64_t lost, int64_t won, double level)
{
    // Half an image more in each of the four cells.
    const double b = (double)lost + 0.5, c = (double)won + 0.5, n = (double)num + 2.0;
    const double middle = (c - b) / n;
    const double half =
        normal_half_width(level) * sqrt(b + c - (c - b) * (c - b) / n) / n;
    return (igd_interval){fmax(-1.0, middle - half), fmin(1.0, middle + half)};
}

igd_paired igd_mcnemar(int64_t num, int64_t lost, int64_t won)
{
    igd_paired out = {.num = num, .lost = lost, .won = won};
    out.difference = (double)(won - lost) / (double)num;
    out.exact = lost + won < IGD_MCNEMAR_EXACT;
    out.p = test(lost, won, out.exact);
    const igd_interval v = igd_paired_interval(num, lost, won, IGD_INTERVAL_LEVEL);
    out.low = v.low;
    out.high = v.high;
    return out;
}
