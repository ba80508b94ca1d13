// Owns the mapping from (seed, purpose, image, draw, position) to Philox keys and
// counters.
#include "core/random.h"

#include <Random123/philox.h>
#include <math.h>

#define BLOCK 4 // words that one Philox call makes

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

void igd_random_normal(float *out, size_t n, const igd_stream *s)
{
    for (size_t i = 0; i < n; i += BLOCK) {
        const philox4x32_ctr_t r = block(s, (uint32_t)(i / BLOCK));
        float z[BLOCK];
        for (size_t j = 0; j < BLOCK; j += 2) {
            // 1 - u lies in (0, 1], where the logarithm is finite.
            const float radius = sqrtf(-2.0f * logf(1.0f - unit(r.v[j])));
            const float angle = 6.28318530717958648f * unit(r.v[j + 1]);
            z[j] = radius * cosf(angle);
            z[j + 1] = radius * sinf(angle);
        }
        for (size_t j = 0; j < BLOCK && i + j < n; j++)
            out[i + j] = z[j];
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
