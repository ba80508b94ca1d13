// Counter-based random numbers (Philox 4x32-10): every number is a function of a seed, a
// purpose, an image, a draw and a position, so results do not depend on batch size,
// order, threads, shards or resumption.
#ifndef IGD_CORE_RANDOM_H
#define IGD_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What the numbers are for, and which of the purpose's streams they come from.
typedef struct igd_stream {
    uint32_t key[2];
    uint32_t image;
    uint32_t draw[2];
} igd_stream;

// `purpose` is a name such as "smoothing" or "apgd-ce"; `image` the index in the data
// set; `draw` whatever tells the purpose's streams for one image apart.
igd_stream igd_stream_make(uint64_t seed, const char *purpose, int64_t image,
                           uint64_t draw);

// Words number first .. first + n - 1 of the stream, `first` a multiple of 4.
void igd_random_words(uint32_t *out, size_t n, const igd_stream *s, uint32_t first);
// Uniform in [0, 1), with 24 random bits.
void igd_random_uniform(float *out, size_t n, const igd_stream *s);
// Standard normal (Box-Muller).
void igd_random_normal(float *out, size_t n, const igd_stream *s);
// Uniform in [0, 1) with 53 bits: number `index` of the stream.
double igd_random_double(const igd_stream *s, uint32_t index);
// A permutation of 0 .. n-1.
void igd_random_permutation(int32_t *out, int32_t n, const igd_stream *s);

#ifdef __cplusplus
}
#endif

#endif
