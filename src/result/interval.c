// Owns the arithmetic of confidence intervals.
#include "result/interval.h"

#include <math.h>

// lgamma() writes the global signgam, which POSIX leaves unprotected between threads; for
// positive arguments Stirling's series, shifted to where it is exact to the last digits,
// does without.
double igd_log_gamma(double x)
{
    double shift = 0.0;
    while (x < 12.0) {
        shift += log(x);
        x += 1.0;
    }
    const double r = 1.0 / x, r2 = r * r;
    const double series =
        r * (1.0 / 12.0 - r2 * (1.0 / 360.0 - r2 * (1.0 / 1260.0 - r2 * (1.0 / 1680.0))));
    return (x - 0.5) * log(x) - x + 0.91893853320467274178 + series - shift;
}

// Lentz's evaluation of the continued fraction of I_x(a, b), which converges fast for
// x < (a + 1) / (a + b + 2).
static double fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m < 10000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1.0 + even * d;
        c = 1.0 + even / c;
        d = 1.0 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1.0 + odd * d;
        c = 1.0 + odd / c;
        d = 1.0 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        if (fabs(d * c - 1.0) < 1e-15)
            break;
    }
    return h;
}

double igd_incomplete_beta(double a, double b, double x)
{
    if (x <= 0.0)
        return 0.0;
    if (x >= 1.0)
        return 1.0;
    const double front = exp(igd_log_gamma(a + b) - igd_log_gamma(a) - igd_log_gamma(b) +
                             a * log(x) + b * log1p(-x));
    if (x < (a + 1.0) / (a + b + 2.0))
        return front * fraction(a, b, x) / a;
    return 1.0 - front * fraction(b, a, 1.0 - x) / b;
}

// The x with I_x(a, b) = p.
static double beta_quantile(double a, double b, double p)
{
    double low = 0.0, high = 1.0;
    for (int i = 0; i < 60; i++) {
        const double mid = 0.5 * (low + high);
        if (igd_incomplete_beta(a, b, mid) < p)
            low = mid;
        else
            high = mid;
    }
    return 0.5 * (low + high);
}

static igd_interval exact(double k, double n)
{
    const double tail = (1.0 - IGD_INTERVAL_LEVEL) / 2.0;
    igd_interval out = {0.0, 1.0};
    if (k > 0.0)
        out.low = beta_quantile(k, n - k + 1.0, tail);
    if (k < n)
        out.high = beta_quantile(k + 1.0, n - k, 1.0 - tail);
    return out;
}

igd_interval igd_interval_of(int64_t hits, int64_t trials)
{
    return exact((double)hits, (double)trials);
}

igd_interval igd_interval_of_share(double mean, double variance, int64_t n, int draws)
{
    const double least = (double)n, most = least * (double)draws;
    const double one = mean * (1.0 - mean); // of a single attempt
    double attempts = least;
    // A sample's variance of n - 1 is 1 / (1 - 1/n) times that of its own distribution.
    if (one > 0.0 && n > 1)
        attempts = variance > 0.0 ? one * least / (variance * (1.0 - 1.0 / least)) : most;
    attempts = fmin(fmax(attempts, least), most);
    return exact(mean * attempts, attempts);
}

// The t with P[|T| > t] = tail for nu degrees of freedom.
static double student_quantile(double nu, double tail)
{
    double low = 0.0, high = 1e3; // at one degree and 5 % it is 12.7
    for (int i = 0; i < 80; i++) {
        const double mid = 0.5 * (low + high);
        if (igd_incomplete_beta(nu / 2.0, 0.5, nu / (nu + mid * mid)) > tail)
            low = mid;
        else
            high = mid;
    }
    return 0.5 * (low + high);
}

igd_interval igd_interval_of_mean(double mean, double deviation, int64_t n)
{
    if (n < 2)
        return (igd_interval){NAN, NAN};
    const double half = student_quantile((double)(n - 1), 1.0 - IGD_INTERVAL_LEVEL) *
                        deviation / sqrt((double)n);
    return (igd_interval){mean - half, mean + half};
}

cJSON *igd_interval_json(igd_interval v)
{
    const double ends[2] = {v.low, v.high};
    return isnan(v.low) ? cJSON_CreateNull() : cJSON_CreateDoubleArray(ends, 2);
}
