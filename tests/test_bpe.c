// CLIP's tokenizer: a vocabulary made here, whose tokens can be worked out by hand, and
// the reference's tokens for CLIP's own vocabulary where that file is at hand.
#include "fixture.h"

#include <zlib.h>

#include "core/bpe.h"
#include "core/file.h"
#include "core/json.h"

// Tokens of the byte alphabet: '!' is 0, so a letter is its code less 33; 256 more at the
// end of a word. Merges follow from 512 on.
#define BYTE(c) ((c) - '!')
#define LAST(c) (256 + (c) - '!')

static const char merges[] = "\"mini#version: 0.2\n"
                             "a t</w>\n"           // 512
                             "c at</w>\n"          // 513
                             "l o\n"               // 514
                             "lo w</w>\n"          // 515
                             "' s</w>\n"           // 516
                             "\u00c3 \u00a9</w>\n" // 517: the bytes of e acute
                             "lo lo\n"             // 518
                             "a b\n";              // 519
enum { START = 520, END };

static const char *write_file(const char *name, const void *data, size_t size)
{
    const char *path = fixture_path(name);
    assert_ok(igd_file_write(path, data, size));
    return path;
}

static igd_bpe *mini(void)
{
    igd_bpe *b = NULL;
    assert_ok(igd_bpe_load(&b, write_file("mini.txt", merges, strlen(merges))));
    return b;
}

static void assert_tokens(const igd_bpe *b, const char *text, const int64_t *want, int n)
{
    int64_t tokens[80];
    int num = 0;
    assert_ok(igd_bpe_encode(tokens, &num, b, text, 77));
    if (num != n)
        fail_msg("'%s': %d tokens, not %d", text, num, n);
    for (int i = 0; i < n; i++)
        if (tokens[i] != want[i])
            fail_msg("'%s': token %d is %lld, not %lld", text, i, (long long)tokens[i],
                     (long long)want[i]);
    for (int i = n; i < 77; i++)
        assert_int_equal(tokens[i], 0);
}

#define ASSERT_TOKENS(b, text, ...)                                                      \
    assert_tokens(b, text, (int64_t[]){__VA_ARGS__},                                     \
                  (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static void test_bpe__merges_join_the_earliest_pair_first(void **state)
{
    (void)state;
    igd_bpe *b = mini();
    assert_int_equal(igd_bpe_size(b), 522);
    assert_int_equal(igd_bpe_start(b), START);
    assert_int_equal(igd_bpe_end(b), END);
    ASSERT_TOKENS(b, "cat", START, 513, END);
    ASSERT_TOKENS(b, "low", START, 515, END);
    ASSERT_TOKENS(b, "lob", START, 514, LAST('b'), END);
    ASSERT_TOKENS(b, "lololo", START, 518, BYTE('l'), LAST('o'), END);
    ASSERT_TOKENS(b, "abat", START, 519, 512, END); // "a b" after "a t</w>"
    ASSERT_TOKENS(b, "x", START, LAST('x'), END);
    igd_bpe_free(b);
}

static void test_bpe__words_end_where_the_pattern_says(void **state)
{
    (void)state;
    igd_bpe *b = mini();
    ASSERT_TOKENS(b, "cat low", START, 513, 515, END);
    ASSERT_TOKENS(b, "cat's", START, 513, 516, END);
    ASSERT_TOKENS(b, "cat'x", START, 513, LAST('\''), LAST('x'), END);
    ASSERT_TOKENS(b, "cat42", START, 513, LAST('4'), LAST('2'), END);
    ASSERT_TOKENS(b, "cat!?", START, 513, BYTE('!'), LAST('?'), END);
    ASSERT_TOKENS(b, "cat_low", START, 513, LAST('_'), 515, END);
    ASSERT_TOKENS(b, "<|endoftext|>cat", START, END, 513, END);
    igd_bpe_free(b);
}

static void test_bpe__text_is_cleaned_and_lower_cased(void **state)
{
    (void)state;
    igd_bpe *b = mini();
    ASSERT_TOKENS(b, "  CaT\t\n\u00a0\u3000LOW \x1f", START, 513, 515, END);
    ASSERT_TOKENS(b, "\u00c9", START, 517, END); // E acute, upper case
    ASSERT_TOKENS(b, "", START, END);
    ASSERT_TOKENS(b, " \u2003 ", START, END);
    igd_bpe_free(b);
}

static void test_bpe__long_texts_keep_their_end(void **state)
{
    (void)state;
    igd_bpe *b = mini();
    int64_t tokens[4];
    int num = 0;
    assert_ok(igd_bpe_encode(tokens, &num, b, "cat cat low low low", 4));
    assert_int_equal(num, 7); // more than there is room for: it was cut
    assert_int_equal(tokens[0], START);
    assert_int_equal(tokens[1], 513);
    assert_int_equal(tokens[2], 513);
    assert_int_equal(tokens[3], END);
    igd_bpe_free(b);
}

static void test_bpe__text_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    igd_bpe *b = mini();
    int64_t tokens[8];
    char text[2000];
    assert_fails(igd_bpe_encode(tokens, NULL, b, "caf\xe9", 8), IGD_EFORMAT, "not UTF-8");
    assert_fails(igd_bpe_encode(tokens, NULL, b, "\xe2\x82", 8), IGD_EFORMAT,
                 "not UTF-8");
    assert_fails(igd_bpe_encode(tokens, NULL, b, "\xc0\x80", 8), IGD_EFORMAT,
                 "not UTF-8"); // overlong
    assert_fails(igd_bpe_encode(tokens, NULL, b, "\xed\xa0\x80", 8), IGD_EFORMAT,
                 "not UTF-8"); // half a surrogate pair
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_fails(igd_bpe_encode(tokens, NULL, b, text, 8), IGD_EINVAL,
                 "longer than 1024 bytes");
    igd_bpe_free(b);
}

static void test_bpe__gzip_gives_what_plain_text_gives(void **state)
{
    (void)state;
    const char *path = fixture_path("mini.txt.gz");
    gzFile f = gzopen(path, "wb");
    igd_bpe *b = NULL;
    assert_non_null(f);
    assert_int_equal(gzwrite(f, merges, sizeof(merges) - 1), sizeof(merges) - 1);
    assert_int_equal(gzclose(f), Z_OK);
    assert_ok(igd_bpe_load(&b, path));
    ASSERT_TOKENS(b, "cat's low", START, 513, 516, 515, END);
    igd_bpe_free(b);
}

// vocab.json and merges.txt of the same symbols, numbered backwards.
static cJSON *backwards(const igd_bpe *b)
{
    static const char *const joined[] = {"at</w>", "cat</w>",          "lo",   "low</w>",
                                         "'s</w>", "\u00c3\u00a9</w>", "lolo", "ab"};
    cJSON *json = cJSON_CreateObject();
    const int last = (int)igd_bpe_size(b) - 1;
    int token = 0;
    for (int end = 0; end < 2; end++) {
        // Bytes that stand for themselves, then the others from U+0100 on.
        for (int pass = 0; pass < 2; pass++) {
            int other = 0x100;
            for (int byte = 0; byte < 256; byte++) {
                const bool self = (byte >= '!' && byte <= '~') ||
                                  (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
                const int code = self ? byte : other++;
                char name[16];
                if (self != (pass == 0))
                    continue;
                if (code < 0x80)
                    snprintf(name, sizeof(name), "%c%s", code, end ? "</w>" : "");
                else
                    snprintf(name, sizeof(name), "%c%c%s", 0xc0 | code >> 6,
                             0x80 | (code & 0x3f), end ? "</w>" : "");
                cJSON_AddNumberToObject(json, name, last - token++);
            }
        }
    }
    for (size_t i = 0; i < sizeof(joined) / sizeof(*joined); i++)
        cJSON_AddNumberToObject(json, joined[i], last - token++);
    cJSON_AddNumberToObject(json, "<|startoftext|>", last - token++);
    cJSON_AddNumberToObject(json, "<|endoftext|>", last - token++);
    return json;
}

static void test_bpe__hugging_face_files_number_their_tokens(void **state)
{
    (void)state;
    igd_bpe *plain = mini(), *b = NULL;
    const int64_t last = igd_bpe_size(plain) - 1;
    cJSON *json = backwards(plain);
    const char *path = fixture_path("vocab.json");
    int64_t tokens[16], want[16];
    int num = 0;

    assert_ok(igd_json_write(json, path));
    write_file("merges.txt", merges + 5, strlen(merges) - 5); // "#version: 0.2"
    assert_ok(igd_bpe_load(&b, path));
    assert_int_equal(igd_bpe_size(b), igd_bpe_size(plain));
    assert_ok(igd_bpe_encode(want, &num, plain, "Cat's lob, \u00e9!", 16));
    assert_ok(igd_bpe_encode(tokens, NULL, b, "Cat's lob, \u00e9!", 16));
    for (int i = 0; i < num; i++)
        assert_int_equal(tokens[i], last - want[i]);
    igd_bpe_free(b);

    cJSON_DeleteItemFromObject(json, "lolo");
    assert_ok(igd_json_write(json, path));
    assert_fails(igd_bpe_load(&b, path), IGD_EFORMAT, "has no token for 'lolo'");
    cJSON_DeleteItemFromObject(json, "<|endoftext|>");
    assert_ok(igd_json_write(json, path));
    assert_fails(igd_bpe_load(&b, path), IGD_EFORMAT, "it has no '<|endoftext|>'");
    cJSON_ReplaceItemInObjectCaseSensitive(json, "cat</w>", cJSON_CreateNumber(1.5));
    assert_ok(igd_json_write(json, path));
    assert_fails(igd_bpe_load(&b, path), IGD_EFORMAT, "token of 'cat</w>'");
    assert_int_equal(remove(fixture_path("merges.txt")), 0);
    assert_fails(igd_bpe_load(&b, path), IGD_EIO, "merges.txt");
    assert_null(b);
    cJSON_Delete(json);
    igd_bpe_free(plain);
}

static void refused(const char *text, const char *message)
{
    igd_bpe *b = NULL;
    const char *path = write_file("wrong.txt", text, strlen(text));
    assert_fails(igd_bpe_load(&b, path), IGD_EFORMAT, message);
    assert_non_null(strstr(igd_error_message(), "wrong.txt: "));
    assert_null(b);
}

static void test_bpe__vocabularies_of_another_kind_are_refused(void **state)
{
    (void)state;
    igd_bpe *b = NULL;
    refused("cat\ndog\n", "the first line has no '#version'");
    refused("", "the first line has no '#version'");
    refused("#version\n", "holds no merges");
    refused("#version\na t\n", "none ends a word");
    refused("#version\na t</w>\nat\n", "line 3 is not a pair");
    refused("#version\na t</w> x\n", "line 2 is not a pair");
    refused("#version\na t</w>\n\na b\n", "line 3 is not a pair");
    refused("#version\nca t</w>\n", "line 2 joins 'ca'");
    refused("#version\na t</w>\na t</w>\n", "line 3 repeats");
    assert_fails(igd_bpe_load(&b, write_file("zero.txt", "#version\n\0\n", 11)),
                 IGD_EFORMAT, "not a text file");
    assert_fails(igd_bpe_load(&b, fixture_path("nowhere.txt")), IGD_EIO, "nowhere.txt");
    assert_null(b);
}

// The n-th of 176 characters that stand for bytes, as UTF-8.
static char *put_byte(char *to, int n)
{
    const int code = n < 94 ? '!' + n : 174 + n - 94;
    if (code >= 128)
        *to++ = (char)(0xc0 | code >> 6);
    *to++ = (char)(code >= 128 ? 0x80 | (code & 0x3f) : code);
    return to;
}

// Of a file with more merges CLIP takes the first 48894.
static void test_bpe__clip_takes_so_many_merges(void **state)
{
    (void)state;
    enum { BYTES = 176, ROOM = 2 * BYTES * BYTES * 16 };
    char *text = malloc(ROOM), *end = text;
    igd_bpe *b = NULL;

    assert_non_null(text);
    end += sprintf(end, "#version\n");
    for (int i = 0; i < 2 * BYTES * BYTES; i++) {
        end = put_byte(end, i / BYTES % BYTES);
        *end++ = ' ';
        end = put_byte(end, i % BYTES);
        end += sprintf(end, i < BYTES * BYTES ? "\n" : "</w>\n");
    }
    assert_ok(igd_bpe_load(&b, write_file("many.txt", text, (size_t)(end - text))));
    assert_int_equal(igd_bpe_size(b), 49408);
    igd_bpe_free(b);
    free(text);
}

// The reference tokenizer's tokens: class names of CIFAR-10, CIFAR-100 and ImageNet, bare
// and in a prompt, and odd strings. Of CLIP's merges those are here that the texts can
// use; scripts/make_token_golden.py chose and numbered them.
static void test_bpe__clip_vocabulary_gives_the_reference_tokens(void **state)
{
    (void)state;
    const char *vocabulary = TEST_SOURCE_DIR "/tests/golden/clip/vocabulary.txt";
    const char *golden = TEST_SOURCE_DIR "/tests/golden/clip/tokens.json";
    igd_bpe *b = NULL;
    cJSON *json = NULL;
    int cases = 0;

    assert_ok(igd_bpe_load(&b, vocabulary));
    assert_int_equal(igd_bpe_size(b), 2 * 256 + 3931 + 2);
    assert_ok(igd_json_read(&json, golden));
    for (const cJSON *item = json->child; item != NULL; item = item->next, cases++) {
        const cJSON *list = NULL;
        const char *text = NULL;
        int64_t want[80];
        int n = 0;
        assert_ok(igd_json_string(&text, item, "text", golden));
        assert_ok(igd_json_array(&list, item, "tokens", golden));
        for (const cJSON *t = list->child; t != NULL; t = t->next)
            want[n++] = (int64_t)t->valuedouble;
        assert_tokens(b, text, want, n);
    }
    assert_true(cases > 200);
    cJSON_Delete(json);
    igd_bpe_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TENSOR_TEST(test_bpe__merges_join_the_earliest_pair_first),
        TENSOR_TEST(test_bpe__words_end_where_the_pattern_says),
        TENSOR_TEST(test_bpe__text_is_cleaned_and_lower_cased),
        TENSOR_TEST(test_bpe__long_texts_keep_their_end),
        TENSOR_TEST(test_bpe__text_that_cannot_be_read_is_refused),
        TENSOR_TEST(test_bpe__gzip_gives_what_plain_text_gives),
        TENSOR_TEST(test_bpe__hugging_face_files_number_their_tokens),
        TENSOR_TEST(test_bpe__vocabularies_of_another_kind_are_refused),
        TENSOR_TEST(test_bpe__clip_takes_so_many_merges),
        TENSOR_TEST(test_bpe__clip_vocabulary_gives_the_reference_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
