// Owns exact sums: whole numbers of many words, in units of the least number.
#include "core/exact.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LEAST_FLOAT (-149)
#define LEAST_DOUBLE (-1074)
#define DIGIT 24

static void carry_up(uint64_t *sum, int num, int at, uint64_t low, uint64_t high)
{
    const uint64_t before = sum[at];
    sum[at] += low;
    uint64_t carry = sum[at] < before;
    for (int k = at + 1; k < num && (carry > 0 || high > 0); k++) {
        const uint64_t was = sum[k], more = high + carry; // high has a bit to spare
        sum[k] += more;
        carry = sum[k] < was;
        high = 0;
    }
}

static void borrow_up(uint64_t *sum, int num, int at, uint64_t low, uint64_t high)
{
    uint64_t borrow = sum[at] < low;
    sum[at] -= low;
    for (int k = at + 1; k < num && (borrow > 0 || high > 0); k++) {
        const uint64_t was = sum[k], less = high + borrow;
        sum[k] -= less;
        borrow = was < less;
        high = 0;
    }
}

static void add(uint64_t *sum, int num, int least, double v)
{
    int exponent;
    const double fraction = frexp(fabs(v), &exponent);
    uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    int place = exponent - 53 - least;
    if (v == 0.0)
        return;
    if (place < 0) { // its low bits are zeros
        mantissa >>= -place;
        place = 0;
    }
    const int shift = place % 64;
    const uint64_t low = mantissa << shift;
    const uint64_t high = shift > 0 ? mantissa >> (64 - shift) : 0;
    if (v > 0.0)
        carry_up(sum, num, place / 64, low, high);
    else
        borrow_up(sum, num, place / 64, low, high);
}

static void add_sum(uint64_t *sum, const uint64_t *other, int num)
{
    uint64_t carry = 0;
    for (int k = 0; k < num; k++) {
        const uint64_t part = sum[k] + carry;
        carry = part < carry;
        sum[k] = part + other[k];
        carry += sum[k] < part;
    }
}

// The 64 bits from the highest one on, with the lowest bit set where more follow:
// rounding them rounds the whole.
static double value(const uint64_t *sum, int num, int least)
{
    uint64_t magnitude[IGD_WIDE_WORDS];
    const bool negative = sum[num - 1] >> 63 != 0;
    uint64_t carry = negative;
    for (int k = 0; k < num; k++) {
        magnitude[k] = (negative ? ~sum[k] : sum[k]) + carry;
        carry = carry > 0 && magnitude[k] == 0;
    }
    int top = num - 1, shift = 0;
    while (top > 0 && magnitude[top] == 0)
        top--;
    if (magnitude[top] == 0)
        return 0.0;
    while (magnitude[top] << shift >> 63 == 0)
        shift++;
    uint64_t window = magnitude[top] << shift;
    bool more = false;
    if (top > 0 && shift > 0)
        window |= magnitude[top - 1] >> (64 - shift);
    if (top > 0)
        more = magnitude[top - 1] << shift != 0;
    for (int k = 0; k + 1 < top; k++)
        more = more || magnitude[k] != 0;
    const double v = ldexp((double)(window | (uint64_t)more), 64 * top - shift + least);
    return negative ? -v : v;
}

void igd_exact_add(uint64_t sum[IGD_EXACT_WORDS], double v)
{
    add(sum, IGD_EXACT_WORDS, LEAST_FLOAT, v);
}

void igd_exact_add_sum(uint64_t sum[IGD_EXACT_WORDS],
                       const uint64_t other[IGD_EXACT_WORDS])
{
    add_sum(sum, other, IGD_EXACT_WORDS);
}

double igd_exact_value(const uint64_t sum[IGD_EXACT_WORDS])
{
    return value(sum, IGD_EXACT_WORDS, LEAST_FLOAT);
}

void igd_exact_split(float digits[IGD_EXACT_DIGITS], const uint64_t sum[IGD_EXACT_WORDS])
{
    for (int d = 0; d < IGD_EXACT_DIGITS; d++) {
        const int at = d * DIGIT / 64, shift = d * DIGIT % 64;
        uint64_t bits = sum[at] >> shift;
        if (shift > 64 - DIGIT && at + 1 < IGD_EXACT_WORDS)
            bits |= sum[at + 1] << (64 - shift);
        digits[d] = (float)(bits & ((1u << DIGIT) - 1));
    }
}

bool igd_exact_join(uint64_t sum[IGD_EXACT_WORDS], const float digits[IGD_EXACT_DIGITS])
{
    memset(sum, 0, IGD_EXACT_WORDS * sizeof(*sum));
    for (int d = 0; d < IGD_EXACT_DIGITS; d++) {
        const int at = d * DIGIT / 64, shift = d * DIGIT % 64;
        if (!(digits[d] >= 0.0f && digits[d] < (float)(1u << DIGIT)) ||
            digits[d] != floorf(digits[d]))
            return false;
        const uint64_t bits = (uint64_t)digits[d];
        sum[at] |= bits << shift;
        const uint64_t rest = shift > 64 - DIGIT ? bits >> (64 - shift) : 0;
        if (at + 1 < IGD_EXACT_WORDS)
            sum[at + 1] |= rest;
        else if (rest != 0)
            return false;
    }
    return true;
}

void igd_wide_add(uint64_t sum[IGD_WIDE_WORDS], double v)
{
    add(sum, IGD_WIDE_WORDS, LEAST_DOUBLE, v);
}

void igd_wide_add_sum(uint64_t sum[IGD_WIDE_WORDS], const uint64_t other[IGD_WIDE_WORDS])
{
    add_sum(sum, other, IGD_WIDE_WORDS);
}

double igd_wide_value(const uint64_t sum[IGD_WIDE_WORDS])
{
    return value(sum, IGD_WIDE_WORDS, LEAST_DOUBLE);
}
