// Owns the losses and their derivatives by the logits.
#include "attack/loss.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/logits.h"

#define GUARD 1e-12 // in the denominators of DLR, as published

igd_loss igd_loss_for_classes(igd_loss loss, int C)
{
    if (loss == IGD_LOSS_T_DLR && C == 3)
        return IGD_LOSS_T_CW;
    if ((loss == IGD_LOSS_T_DLR || loss == IGD_LOSS_DLR) && C < 3)
        return IGD_LOSS_CW;
    return loss;
}

// The largest logit but that of y.
static int best_other(const float *z, int C, int y)
{
    int best = y == 0 ? 1 : 0;
    for (int c = best + 1; c < C; c++)
        if (c != y && z[c] > z[best])
            best = c;
    return best;
}

// The classes of the n largest logits, in falling order.
static void leaders(int *top, int n, const float *z, int C)
{
    int num = 0;
    for (int c = 0; c < C; c++) {
        int place = num < n ? num++ : n;
        for (; place > 0 && z[c] > z[top[place - 1]]; place--)
            if (place < n)
                top[place] = top[place - 1];
        if (place < n)
            top[place] = c;
    }
}

// log(sum of exp(z_k - z_c)) over k, and without k = c the sum itself in *others.
static double log_sum(double *others, const float *z, int C, int c)
{
    const double top = (double)z[igd_argmax(z, C)], own = (double)z[c];
    double rest = 0.0;
    for (int k = 0; k < C; k++)
        rest += k == c ? 0.0 : exp((double)z[k] - top);
    *others = rest;
    // Where c leads, rest may be too small to change 1 + rest, but not log1p.
    return own == top ? log1p(rest) : top - own + log(rest + exp(own - top));
}

// The e for which v * 2^-e is in [0.5, 1); INT_MIN for 0.
static int exponent_of(double v)
{
    int e = 0;
    (void)frexp(v, &e);
    return v == 0.0 ? INT_MIN : e;
}

// v * 2^-e, e from exponent_of() of the largest of its kind.
static float scaled(double v, int e)
{
    return e == INT_MIN ? 0.0f : (float)ldexp(v, -e);
}

// Cross-entropy with class c times `sign`. The derivative is q - e_c; its entry at c, the
// largest, is summed from the others, because 1 - q_c would round to 0.
static igd_loss_at cross_entropy(float *weight, const float *z, int C, int c, double sign)
{
    const double top = (double)z[igd_argmax(z, C)];
    double rest;
    igd_loss_at at = {.value = log_sum(&rest, z, C, c)};

    if (weight != NULL) {
        const double total = rest + exp((double)z[c] - top);
        at.exponent = exponent_of(rest / total);
        for (int k = 0; k < C; k++) {
            const double q = (k == c ? -rest : exp((double)z[k] - top)) / total;
            weight[k] = scaled(sign * q, at.exponent);
        }
    }
    at.value *= sign;
    return at;
}

// z_a - z_b.
static igd_loss_at difference(float *weight, const float *z, int C, int a, int b)
{
    const igd_loss_at at = {.value = (double)z[a] - (double)z[b], .exponent = 1};
    if (weight != NULL) {
        memset(weight, 0, (size_t)C * sizeof(*weight));
        weight[a] += 0.5f;
        weight[b] -= 0.5f;
    }
    return at;
}

// Adds the derivatives of (z_a - z_b) / range, where range is z_first less the mean of
// the num logits `low`, to four places at most.
static igd_loss_at ratio(float *weight, const float *z, int C, int a, int b, int first,
                         const int *low, int num)
{
    double mean = 0.0;
    for (int i = 0; i < num; i++)
        mean += (double)z[low[i]] / num;
    const double top = (double)z[a] - (double)z[b];
    const double range = (double)z[first] - mean + GUARD;
    igd_loss_at at = {.value = top / range};

    if (weight == NULL)
        return at;
    // Classes may coincide, so the parts are added where they meet, before scaling.
    int place[5] = {a, b, first};
    double part[5] = {1.0 / range, -1.0 / range, -top / (range * range)};
    for (int i = 0; i < num; i++) {
        place[3 + i] = low[i];
        part[3 + i] = top / (range * range) / num;
    }
    double largest = 0.0;
    for (int i = 0; i < 3 + num; i++) {
        for (int j = 0; j < i; j++)
            if (place[j] == place[i]) {
                part[j] += part[i];
                part[i] = 0.0;
                break;
            }
    }
    for (int i = 0; i < 3 + num; i++)
        largest = fmax(largest, fabs(part[i]));
    at.exponent = exponent_of(largest);
    memset(weight, 0, (size_t)C * sizeof(*weight));
    for (int i = 0; i < 3 + num; i++)
        weight[place[i]] += scaled(part[i], at.exponent);
    return at;
}

static igd_loss_at dlr(float *weight, const float *z, int C, int y)
{
    int top[3] = {0};
    leaders(top, 3, z, C);
    const int other = top[0] == y ? top[1] : top[0];
    igd_loss_at at = ratio(weight, z, C, other, y, top[0], &top[2], 1);
    if (y == top[2]) { // numerator and denominator are the same difference
        at.plateau = true;
        at.exponent = INT_MIN;
        if (weight != NULL)
            memset(weight, 0, (size_t)C * sizeof(*weight));
    }
    return at;
}

static igd_loss_at targeted_dlr(float *weight, const float *z, int C, int y, int t)
{
    int top[4] = {0};
    leaders(top, 4, z, C);
    return ratio(weight, z, C, t, y, top[0], &top[2], 2);
}

igd_loss_at igd_loss_eval_gama(float *weight, const float *z, int C, int y,
                               const double *reference, double lambda)
{
    const int other = best_other(z, C, y);
    const double top = (double)z[igd_argmax(z, C)];
    double total = 0.0, rest = 0.0; // rest: of all but y
    double distance = 0.0, pull = 0.0;
    igd_loss_at at = {0};

    for (int k = 0; k < C; k++) {
        const double e = exp((double)z[k] - top);
        total += e;
        rest += k == y ? 0.0 : e;
    }
    rest /= total;
    const double q_other = exp((double)z[other] - top) / total;
    const double q_y = exp((double)z[y] - top) / total;
    if (reference != NULL) {
        for (int k = 0; k < C; k++) {
            const double q = exp((double)z[k] - top) / total;
            distance += (reference[k] - q) * (reference[k] - q);
            pull += (reference[k] - q) * q;
        }
    }
    at.value = q_other - q_y + lambda * distance;
    if (weight == NULL)
        return at;
    // d(q_other - q_y)/dz_k = q_k ([k = other] - [k = y] - (q_other - q_y)); at y this is
    // -q_y (1 - q_y + q_other), where 1 - q_y is `rest`.
    for (int pass = 0; pass < 2; pass++) {
        double largest = 0.0;
        for (int k = 0; k < C; k++) {
            const double q = exp((double)z[k] - top) / total;
            double w = k == y ? -q_y * (rest + q_other) : -q * (q_other - q_y);
            w += k == other ? q : 0.0;
            if (reference != NULL)
                w -= 2.0 * lambda * q * ((reference[k] - q) - pull);
            largest = fmax(largest, fabs(w));
            if (pass == 1)
                weight[k] = scaled(w, at.exponent);
        }
        at.exponent = exponent_of(largest);
    }
    return at;
}

igd_loss_at igd_loss_eval(float *weight, igd_loss loss, const float *z, int C, int y,
                          int t)
{
    switch (loss) {
    case IGD_LOSS_CE:
        return cross_entropy(weight, z, C, y, 1.0);
    case IGD_LOSS_CW:
        return difference(weight, z, C, best_other(z, C, y), y);
    case IGD_LOSS_DLR:
        return dlr(weight, z, C, y);
    case IGD_LOSS_T_CE:
        return cross_entropy(weight, z, C, t, -1.0);
    case IGD_LOSS_T_CW:
        return difference(weight, z, C, t, y);
    case IGD_LOSS_T_DLR:
        return targeted_dlr(weight, z, C, y, t);
    case IGD_LOSS_MARGIN:
        return igd_loss_eval_gama(weight, z, C, y, NULL, 0.0);
    }
    assert(false); // there is no other
    return (igd_loss_at){0};
}

igd_loss_at igd_loss_eval_samples(float *weight, igd_loss loss, const float *z,
                                  int samples, int C, int y, int t, bool last)
{
    igd_loss_at all = {.exponent = INT_MIN, .plateau = true};
    double sum = 0.0;

    for (int s = 0; s < samples; s++) {
        const size_t before = (size_t)s * (size_t)C;
        float *row = weight == NULL ? NULL : weight + before;
        const igd_loss_at at = igd_loss_eval(row, loss, z + before, C, y, t);
        sum = last ? at.value : sum + at.value;
        all.plateau = all.plateau && at.plateau;
        if (row == NULL || at.exponent == INT_MIN)
            continue;
        // Whatever has the smaller scale is brought to the larger one.
        if (at.exponent > all.exponent) {
            for (size_t i = 0; i < before && all.exponent != INT_MIN; i++)
                weight[i] = ldexpf(weight[i], all.exponent - at.exponent);
            all.exponent = at.exponent;
        } else if (at.exponent < all.exponent) {
            for (int k = 0; k < C; k++)
                row[k] = ldexpf(row[k], at.exponent - all.exponent);
        }
    }
    all.value = last ? sum : sum / samples;
    return all;
}
