// Owns CLIP's byte pair encoding.
//
// A word's bytes are spelled in a byte alphabet of printable characters, which is how the
// files write them; its last character carries the mark </w>. Merges, best first, join
// pairs of symbols. Symbols are numbers here: `names` gives each distinct string one.
//
// Source: Sennrich, Haddow and Birch, ACL 2016; the byte alphabet of GPT-2; the word
// pattern and the order of tokens of CLIP's released tokenizer.
#include "core/bpe.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "core/utf8.h"

#define CLIP_MERGES (49152 - 256 - 2) // what CLIP takes of the merges in its file
#define MAX_FILE (64u << 20)
#define MAX_MERGES 1000000
#define MAX_TEXT 4096 // bytes once cleaned; merging takes the square of a word's length
#define MAX_SYMBOL 512
#define END_OF_WORD "</w>"
#define START_TOKEN "<|startoftext|>"
#define END_TOKEN "<|endoftext|>"

// Distinct strings by number.
typedef struct names {
    char *text; // all of them, each ended by a zero
    size_t used, room;
    size_t *start; // [room_start] where each begins in `text`
    int32_t num, room_start;
    int32_t *slot; // [num_slots] open addressing; -1 is empty
    uint32_t num_slots;
} names;

// What two neighbouring symbols become, and how early.
typedef struct merge {
    int32_t left, right; // left is -1 in an empty slot
    int32_t joined, rank;
} merge;

struct igd_bpe {
    names names;
    int64_t *token; // [names.num] of each symbol; -1 where the vocabulary has none
    int32_t room_token;
    int32_t byte[2][256]; // symbol of a byte; [1]: at the end of a word
    merge *merges;        // [num_slots] open addressing
    uint32_t num_slots;
    int32_t num_merges;
    int64_t num_tokens, start, end;
};

static uint32_t hash_text(const char *text, size_t length)
{
    uint32_t h = 2166136261u; // FNV-1a
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    return h;
}

static uint32_t hash_pair(int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

// The slot of a string, or the empty one where it would go.
static uint32_t find_slot(const names *n, const char *text, size_t length)
{
    uint32_t at = hash_text(text, length) & (n->num_slots - 1);
    for (;; at = (at + 1) & (n->num_slots - 1)) {
        if (n->slot[at] < 0)
            return at;
        const char *known = n->text + n->start[n->slot[at]];
        if (strncmp(known, text, length) == 0 && known[length] == '\0')
            return at;
    }
}

// Number of a string; -1 where it is unknown.
static int32_t names_find(const names *n, const char *text, size_t length)
{
    return n->slot[find_slot(n, text, length)];
}

// Room for `num` strings of `bytes` bytes in all.
static igd_status names_init(names *n, int32_t num, size_t bytes)
{
    n->num_slots = 16;
    while (n->num_slots < 2 * (uint32_t)num)
        n->num_slots *= 2;
    n->room = bytes + (size_t)num;
    n->room_start = num;
    n->text = malloc(n->room);
    n->start = malloc((size_t)num * sizeof(*n->start));
    n->slot = malloc(n->num_slots * sizeof(*n->slot));
    if (n->text == NULL || n->start == NULL || n->slot == NULL)
        return igd_error(IGD_ENOMEM, "no memory for a vocabulary of %d symbols", num);
    for (uint32_t i = 0; i < n->num_slots; i++)
        n->slot[i] = -1;
    return IGD_OK;
}

// Number of a string, a new one where it is unknown. The room was reckoned beforehand.
static int32_t names_add(names *n, const char *text, size_t length)
{
    const uint32_t at = find_slot(n, text, length);
    if (n->slot[at] >= 0)
        return n->slot[at];
    assert(n->num < n->room_start && n->used + length + 1 <= n->room);
    n->start[n->num] = n->used;
    memcpy(n->text + n->used, text, length);
    n->text[n->used + length] = '\0';
    n->used += length + 1;
    n->slot[at] = n->num;
    return n->num++;
}

// The slot of a pair, or the empty one where it would go.
static merge *find_merge(const igd_bpe *b, int32_t left, int32_t right)
{
    uint32_t at = hash_pair(left, right) & (b->num_slots - 1);
    while (b->merges[at].left >= 0 &&
           (b->merges[at].left != left || b->merges[at].right != right))
        at = (at + 1) & (b->num_slots - 1);
    return &b->merges[at];
}

// Whether a byte stands for itself in the byte alphabet; the others, in their order, are
// written as the characters from U+0100 on.
static bool stands_for_itself(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

// Of a character below U+0800.
static size_t put_utf8(char *out, int code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    out[0] = (char)(0xc0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3f));
    return 2;
}

// The first 512 symbols: the byte alphabet, those that stand for themselves before the
// others, then all of it at the end of a word.
static void add_bytes(igd_bpe *b)
{
    int code[256], byte[256], num = 0, other = 0x100;
    for (int i = 0; i < 256; i++) {
        if (stands_for_itself(i)) {
            byte[num] = i;
            code[num++] = i;
        }
    }
    for (int i = 0; i < 256; i++) {
        if (!stands_for_itself(i)) {
            byte[num] = i;
            code[num++] = other++;
        }
    }
    for (int end = 0; end < 2; end++) {
        for (int i = 0; i < 256; i++) {
            char text[] = "  " END_OF_WORD;
            const size_t mark = put_utf8(text, code[i]);
            memcpy(text + mark, END_OF_WORD, sizeof(END_OF_WORD));
            b->byte[end][byte[i]] =
                names_add(&b->names, text, end == 0 ? mark : strlen(text));
        }
    }
}

// One line "left right" of the merges.
static igd_status add_merge(igd_bpe *b, const char *line, size_t length, const char *path,
                            int number)
{
    const char *space = memchr(line, ' ', length);
    char joined[MAX_SYMBOL];

    if (space == NULL || space == line || space == line + length - 1 ||
        memchr(space + 1, ' ', (size_t)(line + length - space - 1)) != NULL)
        return igd_error(IGD_EFORMAT, "%s: line %d is not a pair of symbols", path,
                         number);
    if (length > MAX_SYMBOL)
        return igd_error(IGD_EFORMAT, "%s: line %d is too long", path, number);
    const size_t first = (size_t)(space - line), second = length - first - 1;
    const int32_t left = names_find(&b->names, line, first);
    const int32_t right = names_find(&b->names, space + 1, second);
    if (left < 0 || right < 0)
        return igd_error(IGD_EFORMAT,
                         "%s: line %d joins '%.*s', which is neither of the byte "
                         "alphabet nor made by an earlier line",
                         path, number, (int)(left < 0 ? first : second),
                         left < 0 ? line : space + 1);
    memcpy(joined, line, first);
    memcpy(joined + first, space + 1, second);
    merge *m = find_merge(b, left, right);
    if (m->left >= 0)
        return igd_error(IGD_EFORMAT, "%s: line %d repeats an earlier one", path, number);
    *m = (merge){.left = left,
                 .right = right,
                 .joined = names_add(&b->names, joined, length - 1),
                 .rank = b->num_merges++};
    return IGD_OK;
}

// Length of the line at `text`, without its end; *next is where the next one begins.
static size_t line_length(const char *text, const char *end, const char **next)
{
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    *next = stop == NULL ? end : stop + 1;
    if (stop == NULL)
        stop = end;
    if (stop > text && stop[-1] == '\r')
        stop--;
    return (size_t)(stop - text);
}

// Merges begin after a first line that names a version.
static igd_status check_header(const char *text, const char *end, const char *path,
                               const char **body)
{
    const size_t length = line_length(text, end, body);
    for (size_t i = 0; i + 8 <= length; i++)
        if (memcmp(text + i, "#version", 8) == 0)
            return IGD_OK;
    return igd_error(IGD_EFORMAT,
                     "%s: not CLIP's BPE merges: the first line has no '#version'", path);
}

static int32_t count_lines(const char *text, const char *end)
{
    int32_t num = 1;
    for (; num < MAX_MERGES && (text = memchr(text, '\n', (size_t)(end - text))); text++)
        num++;
    return num;
}

static igd_status add_merges(igd_bpe *b, const char *text, size_t size, const char *path)
{
    const char *end = text + size, *body = NULL;
    bool marked = false; // whether some merge ends a word

    if (memchr(text, '\0', size) != NULL)
        return igd_error(IGD_EFORMAT, "%s: not a text file", path);
    IGD_TRY(check_header(text, end, path, &body));
    int32_t room = count_lines(body, end);
    if (room > CLIP_MERGES)
        room = CLIP_MERGES;
    IGD_TRY(names_init(&b->names, 512 + room, size + (512u + (size_t)room) * 8));
    b->num_slots = 16;
    while (b->num_slots < 2 * (uint32_t)room)
        b->num_slots *= 2;
    b->merges = malloc(b->num_slots * sizeof(*b->merges));
    if (b->merges == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for %d merges", path, room);
    for (uint32_t i = 0; i < b->num_slots; i++)
        b->merges[i].left = -1;

    add_bytes(b);
    for (int number = 2; body < end && b->num_merges < room; number++) {
        const char *line = body;
        const size_t length = line_length(line, end, &body);
        if (length == 0 && body == end)
            break;
        IGD_TRY(add_merge(b, line, length, path, number));
        marked = marked || (length > 4 && memcmp(line + length - 4, END_OF_WORD, 4) == 0);
    }
    if (b->num_merges == 0)
        return igd_error(IGD_EFORMAT, "%s: holds no merges", path);
    if (!marked)
        return igd_error(IGD_EFORMAT, "%s: not CLIP's BPE merges: none ends a word (%s)",
                         path, END_OF_WORD);
    return IGD_OK;
}

static igd_status make_tokens(igd_bpe *b, const char *path)
{
    b->token = malloc((size_t)b->names.num * sizeof(*b->token));
    if (b->token == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory for a vocabulary", path);
    for (int32_t i = 0; i < b->names.num; i++)
        b->token[i] = -1;
    return IGD_OK;
}

// CLIP's order: bytes, bytes at the end of a word, merges, start, end. Where two merges
// make the same symbol, it is the later one's token.
static igd_status number_in_order(igd_bpe *b, const char *path)
{
    IGD_TRY(make_tokens(b, path));
    for (int32_t i = 0; i < 512; i++)
        b->token[i] = i;
    for (uint32_t i = 0; i < b->num_slots; i++) {
        const merge *m = &b->merges[i];
        if (m->left >= 0 && 512 + m->rank > b->token[m->joined])
            b->token[m->joined] = 512 + m->rank;
    }
    b->start = 512 + b->num_merges;
    b->end = b->start + 1;
    b->num_tokens = b->end + 1;
    return IGD_OK;
}

// Hugging Face's vocab.json says which token a symbol is.
static igd_status number_from_json(igd_bpe *b, const cJSON *json, const char *path)
{
    IGD_TRY(make_tokens(b, path));
    b->start = b->end = -1;
    for (const cJSON *item = json->child; item != NULL; item = item->next) {
        const double value = item->valuedouble;
        if (!cJSON_IsNumber(item) || !(value >= 0 && value < INT32_MAX) ||
            value != (double)(int64_t)value)
            return igd_error(IGD_EFORMAT, "%s: the token of '%.60s' is not a number",
                             path, item->string);
        const int64_t token = (int64_t)value;
        const int32_t symbol = names_find(&b->names, item->string, strlen(item->string));
        if (symbol >= 0)
            b->token[symbol] = token;
        else if (strcmp(item->string, START_TOKEN) == 0)
            b->start = token;
        else if (strcmp(item->string, END_TOKEN) == 0)
            b->end = token;
        if (token >= b->num_tokens)
            b->num_tokens = token + 1;
    }
    if (b->start < 0 || b->end < 0)
        return igd_error(IGD_EFORMAT, "%s: not CLIP's vocabulary: it has no '%s'", path,
                         b->start < 0 ? START_TOKEN : END_TOKEN);
    for (int32_t i = 0; i < b->names.num; i++)
        if (b->token[i] < 0)
            return igd_error(IGD_EFORMAT, "%s: has no token for '%s'", path,
                             b->names.text + b->names.start[i]);
    return IGD_OK;
}

static igd_status load_merges(igd_bpe *b, const char *path)
{
    unsigned char *text = NULL;
    size_t size = 0;
    IGD_TRY(igd_file_read_gzip(&text, &size, path, MAX_FILE, NULL));
    const igd_status st = add_merges(b, (const char *)text, size, path);
    free(text);
    return st;
}

// "merges.txt" beside a file.
static char *merges_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char *merges = malloc(folder + sizeof("merges.txt"));
    if (merges != NULL) {
        memcpy(merges, path, folder);
        memcpy(merges + folder, "merges.txt", sizeof("merges.txt"));
    }
    return merges;
}

static igd_status load_hugging_face(igd_bpe *b, const char *path)
{
    char *merges = merges_beside(path);
    cJSON *json = NULL;
    igd_status st = IGD_OK;

    if (merges == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    if ((st = igd_json_read(&json, path)) != IGD_OK)
        goto done;
    if (!cJSON_IsObject(json)) {
        st = igd_error(IGD_EFORMAT, "%s: not a vocabulary: no JSON object", path);
        goto done;
    }
    if ((st = load_merges(b, merges)) != IGD_OK)
        goto done;
    st = number_from_json(b, json, path);

done:
    cJSON_Delete(json);
    free(merges);
    return st;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

igd_status igd_bpe_parse(igd_bpe **out, const char *text, size_t size, const char *path)
{
    igd_bpe *b = calloc(1, sizeof(*b));
    *out = NULL;
    if (b == NULL)
        return igd_error(IGD_ENOMEM, "%s: no memory", path);
    igd_status st = add_merges(b, text, size, path);
    if (st == IGD_OK)
        st = number_in_order(b, path);
    if (st != IGD_OK)
        igd_bpe_free(b);
    else
        *out = b;
    return st;
}

igd_status igd_bpe_load(igd_bpe **out, const char *path)
{
    igd_bpe *b = calloc(1, sizeof(*b));
    char *json = NULL;
    igd_status st = IGD_OK;

    *out = NULL;
    if (b == NULL) {
        st = igd_error(IGD_ENOMEM, "%s: no memory", path);
        goto done;
    }
    if (igd_path_is_folder(path)) {
        json = igd_path_join(path, "vocab.json");
        st = json == NULL ? igd_error(IGD_ENOMEM, "%s: no memory", path)
                          : load_hugging_face(b, json);
    } else if (ends_with(path, ".json")) {
        st = load_hugging_face(b, path);
    } else {
        st = load_merges(b, path);
        if (st == IGD_OK)
            st = number_in_order(b, path);
    }

done:
    free(json);
    if (st != IGD_OK)
        igd_bpe_free(b);
    else
        *out = b;
    return st;
}

void igd_bpe_free(igd_bpe *b)
{
    if (b == NULL)
        return;
    free(b->names.text);
    free(b->names.start);
    free(b->names.slot);
    free(b->token);
    free(b->merges);
    free(b);
}

int64_t igd_bpe_size(const igd_bpe *b)
{
    return b->num_tokens;
}

int64_t igd_bpe_start(const igd_bpe *b)
{
    return b->start;
}

int64_t igd_bpe_end(const igd_bpe *b)
{
    return b->end;
}

// Tokens of a text; there is room for MAX_TEXT of them.
typedef struct tokens {
    int64_t *id;
    int num;
} tokens;

// Joins the pair that comes first among the merges, wherever it occurs, until no pair is
// left that can be joined.
static void encode_word(tokens *out, const igd_bpe *b, const char *word, int length)
{
    int32_t symbol[MAX_TEXT];
    int n = length;
    for (int i = 0; i < n; i++)
        symbol[i] = b->byte[i == n - 1][(unsigned char)word[i]];
    while (n > 1) {
        merge best = {.left = -1, .rank = INT32_MAX};
        for (int i = 0; i + 1 < n; i++) {
            const merge *m = find_merge(b, symbol[i], symbol[i + 1]);
            if (m->left >= 0 && m->rank < best.rank)
                best = *m;
        }
        if (best.left < 0)
            break;
        int kept = 0;
        for (int i = 0; i < n; kept++) {
            const bool pair =
                i + 1 < n && symbol[i] == best.left && symbol[i + 1] == best.right;
            symbol[kept] = pair ? best.joined : symbol[i];
            i += pair ? 2 : 1;
        }
        n = kept;
    }
    for (int i = 0; i < n; i++)
        out->id[out->num++] = b->token[symbol[i]];
}

// Length of a contraction's ending at `text`, 0 where there is none. The reference
// matches without regard to case, so that U+017F, the long s, is an s.
static int contraction(const char *text)
{
    static const char *const endings[] = {"'s", "'t",  "'re", "'ve",
                                          "'m", "'ll", "'d",  "'\u017f"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        const size_t length = strlen(endings[i]);
        if (strncmp(text, endings[i], length) == 0)
            return (int)length;
    }
    return 0;
}

// Length of the run of characters of one kind at `text`; of one number only.
static int run_length(const char *text, int length)
{
    int at = 0;
    const igd_character kind = igd_utf8_kind(igd_utf8_next(text, length, &at));
    while (kind != IGD_NUMBER && at < length) {
        const int before = at;
        if (igd_utf8_kind(igd_utf8_next(text, length, &at)) != kind)
            return before;
    }
    return at;
}

static void encode_text(tokens *out, const igd_bpe *b, const char *text, int length)
{
    for (int at = 0; at < length;) {
        const char *rest = text + at;
        int next = at;
        if (igd_utf8_kind(igd_utf8_next(text, length, &next)) == IGD_SPACE) {
            at = next;
        } else if (strncmp(rest, START_TOKEN, strlen(START_TOKEN)) == 0) {
            out->id[out->num++] = b->start;
            at += (int)strlen(START_TOKEN);
        } else if (strncmp(rest, END_TOKEN, strlen(END_TOKEN)) == 0) {
            out->id[out->num++] = b->end;
            at += (int)strlen(END_TOKEN);
        } else {
            int size = contraction(rest);
            if (size == 0)
                size = run_length(rest, length - at);
            encode_word(out, b, rest, size);
            at += size;
        }
    }
}

igd_status igd_bpe_encode(int64_t *out, int *num, const igd_bpe *b, const char *text,
                          int context)
{
    int64_t ids[MAX_TEXT];
    char lower[MAX_TEXT];
    tokens found = {.id = ids};
    int length = 0;

    assert(context >= 2);
    IGD_TRY(igd_utf8_clean(lower, MAX_TEXT, &length, text));
    encode_text(&found, b, lower, length);

    if (num != NULL)
        *num = found.num + 2;
    if (found.num > context - 2)
        found.num = context - 2;
    memset(out, 0, (size_t)context * sizeof(*out));
    out[0] = b->start;
    memcpy(out + 1, ids, (size_t)found.num * sizeof(*out));
    out[found.num + 1] = b->end;
    return IGD_OK;
}
