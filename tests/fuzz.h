// What every fuzz_<format>.c provides: a target for libFuzzer, and valid inputs to start
// from. test_fuzz_corpus.c runs the same code on mutations of those.
#ifndef IGD_TEST_FUZZ_H
#define IGD_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_ROOM 65536 // bytes that the longest seed may take

// Must come back for any input; what it finds is a crash or a sanitizer's report.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Valid input number `index` into out [FUZZ_ROOM]. Returns its length, 0 after the last.
size_t fuzz_seed(int index, unsigned char *out);

#endif
