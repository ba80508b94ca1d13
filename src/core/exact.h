// Sums of numbers without any rounding, which no order of the terms can change.
#ifndef IGD_CORE_EXACT_H
#define IGD_CORE_EXACT_H

#include <stdbool.h>
#include <stdint.h>

// A sum of float32 values, or of doubles that are whole multiples of the least one: 320
// bits in units of 2^-149, in two's complement, the low word first. Room for 2^40 terms.
#define IGD_EXACT_WORDS 5
#define IGD_EXACT_DIGITS 14 // of 24 bits each, as float32 holds them

// Adds v, which is finite, to a sum that began as zeros.
void igd_exact_add(uint64_t sum[IGD_EXACT_WORDS], double v);
void igd_exact_add_sum(uint64_t sum[IGD_EXACT_WORDS],
                       const uint64_t other[IGD_EXACT_WORDS]);
// The sum, rounded once.
double igd_exact_value(const uint64_t sum[IGD_EXACT_WORDS]);

// As digits, and back. @return whether the digits are some
void igd_exact_split(float digits[IGD_EXACT_DIGITS], const uint64_t sum[IGD_EXACT_WORDS]);
bool igd_exact_join(uint64_t sum[IGD_EXACT_WORDS], const float digits[IGD_EXACT_DIGITS]);

// The same of any finite doubles: 2176 bits in units of 2^-1074.
#define IGD_WIDE_WORDS 34
void igd_wide_add(uint64_t sum[IGD_WIDE_WORDS], double v);
void igd_wide_add_sum(uint64_t sum[IGD_WIDE_WORDS], const uint64_t other[IGD_WIDE_WORDS]);
double igd_wide_value(const uint64_t sum[IGD_WIDE_WORDS]);

#endif
