// Owns the mapping from (seed, purpose, image, draw, position) to Philox keys and
// counters.
#include "core/random.h"

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

#define BLOCK 4          // words that one Philox call makes
#define PAIRS (size_t)64 // of normal numbers computed at once

// SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014): spreads close seeds apart.
static uint64_t mix(uint64_t v)
{
    v += 0x9e3779b97f4a7c15u;
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
    return v ^ (v >> 31);
}

igd_stream igd_stream_make(uint64_t seed, const char *purpose, int64_t image,
                           uint64_t draw)
{
    uint64_t key = mix(seed);
    for (const char *p = purpose; *p != '\0'; p++)
        key = mix(key ^ (unsigned char)*p);
    return (igd_stream){.key = {(uint32_t)key, (uint32_t)(key >> 32)},
                        .image = (uint32_t)image,
                        .draw = {(uint32_t)draw, (uint32_t)(draw >> 32)}};
}

static philox4x32_ctr_t block(const igd_stream *s, uint32_t index)
{
    const philox4x32_ctr_t counter = {{index, s->image, s->draw[0], s->draw[1]}};
    const philox4x32_key_t key = {{s->key[0], s->key[1]}};
    return philox4x32(counter, key);
}

void igd_random_words(uint32_t *out, size_t n, const igd_stream *s, uint32_t first)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        const philox4x32_ctr_t r = block(s, first / BLOCK + (uint32_t)(i / BLOCK));
        for (size_t j = 0; j < BLOCK && i + j < n; j++)
            out[i + j] = r.v[j];
    }
}

// The upper 24 bits, all that a float in [0, 1) holds.
static float unit(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

void igd_random_uniform(float *out, size_t n, const igd_stream *s)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        const philox4x32_ctr_t r = block(s, (uint32_t)(i / BLOCK));
        for (size_t j = 0; j < BLOCK && i + j < n; j++)
            out[i + j] = unit(r.v[j]);
    }
}

// The natural logarithm of u in (0, 1], to float32 accuracy: u = m 2^e with m between
// sqrt(1/2) and sqrt(2), log(1 + x) = x + x^2 g(x) with a fitted polynomial g.
//
// This and turn() are written out because the C library's functions are neither the same
// on every machine nor computed several at a time; noise is drawn for every pixel of
// every image that a smoothed model classifies.
static inline float log_of(float u)
{
    int32_t bits;
    memcpy(&bits, &u, sizeof(bits));
    const int32_t e = (bits - 0x3f3504f3) >> 23; // 0x3f3504f3 is sqrt(1/2)
    bits -= e * (1 << 23);
    float m;
    memcpy(&m, &bits, sizeof(m));
    const float x = m - 1.0f;
    float g = 0.0900420212f;
    g = g * x - 0.14257795f;
    g = g * x + 0.148064596f;
    g = g * x - 0.165750481f;
    g = g * x + 0.199731059f;
    g = g * x - 0.250016096f;
    g = g * x + 0.333336598f;
    g = g * x - 0.499999948f;
    return (float)e * 0.693147181f + (x + x * x * g);
}

// Cosine and sine of t turns, t in [0, 1): polynomials within an eighth of a turn of the
// nearest quarter.
static inline void turn(float *cosine, float *sine, float t)
{
    const int32_t quarter = (int32_t)(4.0f * t + 0.5f);
    const float r = t - 0.25f * (float)quarter, z = r * r;
    const float s =
        r * (6.28318529f + z * (-41.3416626f + z * (81.5925482f - z * 75.4018402f)));
    const float c = 1.0f + z * (-19.7392087f +
                                z * (64.9393162f + z * (-85.4428484f + z * 59.2202882f)));
    const float a = (quarter & 1) != 0 ? s : c, b = (quarter & 1) != 0 ? c : s;
    *cosine = ((quarter + 1) & 2) != 0 ? -a : a;
    *sine = (quarter & 2) != 0 ? -b : b;
}

void igd_random_normal(float *out, size_t n, const igd_stream *s)
{
    float radius[PAIRS], cosine[PAIRS], sine[PAIRS];
    uint32_t words[2 * PAIRS];

    for (size_t i = 0; i < n; i += 2 * PAIRS) {
        const size_t left = n - i < 2 * PAIRS ? n - i : 2 * PAIRS;
        igd_random_words(words, 2 * PAIRS, s, (uint32_t)i);
        for (size_t j = 0; j < PAIRS; j++) {
            // 1 - u lies in (0, 1], where the logarithm is finite.
            radius[j] = sqrtf(-2.0f * log_of(1.0f - unit(words[2 * j])));
            turn(&cosine[j], &sine[j], unit(words[2 * j + 1]));
        }
        for (size_t j = 0; j < left; j++)
            out[i + j] = radius[j / 2] * (j % 2 == 0 ? cosine[j / 2] : sine[j / 2]);
    }
}

double igd_random_double(const igd_stream *s, uint32_t index)
{
    const philox4x32_ctr_t r = block(s, index);
    const uint64_t bits = ((uint64_t)r.v[0] << 32 | r.v[1]) >> 11;
    return (double)bits * 0x1p-53;
}

void igd_random_permutation(int32_t *out, int32_t n, const igd_stream *s)
{
    for (int32_t i = 0; i < n; i++)
        out[i] = i;
    for (int32_t i = n - 1; i > 0; i--) { // Fisher-Yates
        const int32_t j = (int32_t)(igd_random_double(s, (uint32_t)i) * (i + 1));
        const int32_t swap = out[i];
        out[i] = out[j];
        out[j] = swap;
    }
}
