// The fuzzers' targets on their seeds and on seeded mutations of them: what every build
// runs. Real fuzzing takes clang and IGDEF_FUZZ; `test_fuzz_corpus FOLDER` writes the
// seeds for it, a folder for each target.
#include "fixture.h"

#include <sys/stat.h>

#include "core/file.h"
#include "core/random.h"
#include "fuzz.h"

// tests/CMakeLists.txt gives the two functions of fuzz_<name>.c these names.
#define DECLARE(name)                                                                    \
    int fuzz_##name##_run(const uint8_t *data, size_t size);                             \
    size_t fuzz_##name##_seed(int index, unsigned char *out);
#define ROW(name) {#name, fuzz_##name##_run, fuzz_##name##_seed},
#define ALL(f)                                                                           \
    f(npy) f(idx) f(cifar) f(safetensors) f(json) f(image) f(lists) f(bpe) f(state)      \
        f(report) f(pickle) f(classes) f(tensors)

ALL(DECLARE)

static const struct {
    const char *name;
    int (*run)(const uint8_t *data, size_t size);
    size_t (*seed)(int index, unsigned char *out);
} targets[] = {ALL(ROW)};
#define NUM_TARGETS (sizeof(targets) / sizeof(targets[0]))

#define NUM_MUTATIONS 300
#define MOST_EDITS 4

// What hostile numbers and texts are made of.
static const unsigned char telling[] = {
    0,   1,   0x7f, 0x80, 0xff, 0xfe, '"', '\'', '{',  '}', '[',  ']',  '(', ')',
    ',', ':', '-',  '0',  '9',  '.',  'e', '\\', '\n', ' ', '\t', 0xd8, 0xd9};

// One edit: of a bit, a byte, four bytes, or the length.
static size_t edit(unsigned char *data, size_t size, const uint32_t w[4])
{
    const size_t at = size > 0 ? w[1] % size : 0;
    const unsigned char byte = telling[w[2] % sizeof(telling)];
    switch (size == 0 ? 4 : w[0] % 6) {
    case 0:
        data[at] ^= (unsigned char)(1u << w[2] % 8);
        return size;
    case 1:
        data[at] = byte;
        return size;
    case 2:
        for (size_t i = at; i < at + 4 && i < size; i++)
            data[i] = byte;
        return size;
    case 3: // cut
        return at;
    case 4: // insert
        memmove(data + at + 1, data + at, size - at);
        data[at] = byte;
        return size + 1;
    default: { // repeat a piece
        const size_t piece = w[3] % 64 < size - at ? w[3] % 64 : size - at;
        memmove(data + at + piece, data + at, size - at);
        return size + piece;
    }
    }
}

static void run_on_mutations(size_t t)
{
    unsigned char *seed = malloc(FUZZ_ROOM);
    size_t size;
    for (int index = 0; (size = targets[t].seed(index, seed)) > 0; index++) {
        assert_int_equal(targets[t].run(seed, size), 0);
        for (int m = 0; m < NUM_MUTATIONS; m++) {
            // Exactly as large as it must be, so that a sanitizer sees a step beyond.
            unsigned char *data = malloc(size + 64 * MOST_EDITS);
            const igd_stream s = igd_stream_make((uint64_t)index, targets[t].name, m, 0);
            uint32_t words[4 * MOST_EDITS];
            igd_random_words(words, 4 * MOST_EDITS, &s, 0);
            memcpy(data, seed, size);
            size_t length = size;
            for (int e = 0; e <= m % MOST_EDITS; e++)
                length = edit(data, length, words + 4 * e);
            unsigned char *exact = malloc(length > 0 ? length : 1);
            memcpy(exact, data, length);
            free(data);
            assert_int_equal(targets[t].run(exact, length), 0);
            free(exact);
        }
    }
    free(seed);
}

static void test_fuzz_corpus__no_mutation_crashes(void **state)
{
    (void)state;
    for (size_t t = 0; t < NUM_TARGETS; t++)
        run_on_mutations(t);
}

static void test_fuzz_corpus__every_target_has_seeds(void **state)
{
    (void)state;
    unsigned char *seed = malloc(FUZZ_ROOM);
    for (size_t t = 0; t < NUM_TARGETS; t++)
        assert_in_range(targets[t].seed(0, seed), 1, FUZZ_ROOM);
    free(seed);
}

static int write_seeds(const char *folder)
{
    unsigned char *seed = malloc(FUZZ_ROOM);
    igd_status st = IGD_OK;
    mkdir(folder, 0777);
    for (size_t t = 0; t < NUM_TARGETS && st == IGD_OK; t++) {
        char *path = igd_path_join(folder, targets[t].name);
        size_t size;
        mkdir(path, 0777);
        for (int i = 0; st == IGD_OK && (size = targets[t].seed(i, seed)) > 0; i++) {
            char name[16];
            snprintf(name, sizeof(name), "%d", i);
            char *file = igd_path_join(path, name);
            st = igd_file_write(file, seed, size);
            free(file);
        }
        free(path);
    }
    free(seed);
    if (st != IGD_OK)
        fprintf(stderr, "%s\n", igd_error_message());
    return st == IGD_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fuzz_corpus__every_target_has_seeds),
        cmocka_unit_test(test_fuzz_corpus__no_mutation_crashes),
    };
    if (argc == 2)
        return write_seeds(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
