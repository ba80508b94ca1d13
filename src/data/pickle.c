// Owns the pickle format, as far as igdef reads it. A pickle is a program of a stack
// machine; this one knows the instructions that build plain values, and four names, which
// it answers itself.
#include "data/pickle_value.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

typedef struct machine {
    igd_pickle *p;
    const unsigned char *at, *end;
    const char *path;
    int64_t *stack, *marks, *memo; // owned; memo holds -1 for what is not there
    int64_t depth, num_marks, num_memo;
    int64_t stack_room, marks_room, memo_room;
} machine;

static igd_status damaged(const machine *m)
{
    return igd_error(IGD_EFORMAT, "%s: damaged pickle", m->path);
}

static igd_status exhausted(const machine *m)
{
    return igd_error(IGD_ENOMEM, "%s: no memory for its values", m->path);
}

// Room for one more in an array of int64_t.
static bool grow(int64_t **array, int64_t num, int64_t *room)
{
    if (num < *room)
        return true;
    const int64_t more = *room < 64 ? 64 : *room * 2;
    int64_t *grown = realloc(*array, (size_t)more * sizeof(*grown));
    if (grown == NULL)
        return false;
    *array = grown;
    *room = more;
    return true;
}

static igd_status push(machine *m, int64_t v)
{
    if (!grow(&m->stack, m->depth, &m->stack_room))
        return exhausted(m);
    m->stack[m->depth++] = v;
    return IGD_OK;
}

// A new value on the stack.
static igd_status push_new(machine *m, igd_pickled v)
{
    igd_pickle *p = m->p;
    if (p->num == p->room) {
        const int64_t room = p->room < 64 ? 64 : 2 * p->room;
        igd_pickled *grown = realloc(p->values, (size_t)room * sizeof(*grown));
        if (grown == NULL) {
            free(v.owned);
            return exhausted(m);
        }
        p->values = grown;
        p->room = room;
    }
    p->values[p->num] = v;
    return push(m, p->num++);
}

// The lowest place of the stack that may be taken: what lies below a mark is another's.
static int64_t floor_of(const machine *m)
{
    return m->num_marks > 0 ? m->marks[m->num_marks - 1] : 0;
}

static igd_pickled *peek(machine *m)
{
    const bool any = m->stack != NULL && m->depth > floor_of(m);
    return any ? &m->p->values[m->stack[m->depth - 1]] : NULL;
}

static igd_pickled *pop(machine *m)
{
    igd_pickled *top = peek(m);
    if (top != NULL)
        m->depth--;
    return top;
}

static bool take_bytes(machine *m, const unsigned char **out, size_t size)
{
    if ((size_t)(m->end - m->at) < size)
        return false;
    *out = m->at;
    m->at += size;
    return true;
}

// A little-endian number of `size` bytes, at most 8.
static bool take_number(machine *m, uint64_t *out, size_t size)
{
    const unsigned char *b;
    *out = 0;
    if (!take_bytes(m, &b, size))
        return false;
    for (size_t i = size; i > 0; i--)
        *out = *out << 8 | b[i - 1];
    return true;
}

static igd_status push_integer(machine *m, size_t size, bool is_signed)
{
    uint64_t v;
    if (!take_number(m, &v, size))
        return damaged(m);
    if (is_signed && size > 0 && size < 8 && (v >> (8 * size - 1)) != 0)
        v |= ~(uint64_t)0 << (8 * size);
    int64_t out;
    memcpy(&out, &v, sizeof(out));
    return push_new(m, (igd_pickled){.kind = PICKLE_INTEGER, .integer = out});
}

// Text or bytes whose length is a number of `size` bytes.
static igd_status push_text(machine *m, size_t size)
{
    uint64_t length;
    const unsigned char *text;
    if (!take_number(m, &length, size) || length > SIZE_MAX ||
        !take_bytes(m, &text, (size_t)length))
        return damaged(m);
    return push_new(m, (igd_pickled){.kind = PICKLE_TEXT,
                                     .text = (const char *)text,
                                     .size = (size_t)length});
}

// --- Containers

static igd_status mark(machine *m)
{
    if (!grow(&m->marks, m->num_marks, &m->marks_room))
        return exhausted(m);
    m->marks[m->num_marks++] = m->depth;
    return IGD_OK;
}

// Moves the stack from `from` on to the value's items.
static igd_status add_items(machine *m, igd_pickled *to, int64_t from)
{
    for (int64_t i = from; i < m->depth; i++) {
        if (!grow(&to->items, to->num, &to->room))
            return exhausted(m);
        to->items[to->num++] = m->stack[i];
    }
    m->depth = from;
    return IGD_OK;
}

// The topmost `num` values as a tuple.
static igd_status push_tuple(machine *m, int64_t num)
{
    if (m->depth - floor_of(m) < num)
        return damaged(m);
    const int64_t from = m->depth - num;
    igd_pickled v = {.kind = PICKLE_LIST};
    const igd_status st = add_items(m, &v, from);
    if (st != IGD_OK) {
        free(v.items);
        return st;
    }
    return push_new(m, v);
}

static igd_status push_marked(machine *m, igd_pickle_kind k)
{
    if (m->num_marks == 0)
        return damaged(m);
    const int64_t num = m->depth - m->marks[--m->num_marks];
    if (k == PICKLE_DICTIONARY && num % 2 != 0)
        return damaged(m);
    IGD_TRY(push_tuple(m, num));
    m->p->values[m->stack[m->depth - 1]].kind = k;
    return IGD_OK;
}

// Adds the topmost `num` values, or those above the mark where that is negative.
static igd_status extend(machine *m, igd_pickle_kind k, int64_t num)
{
    if (num < 0) {
        if (m->num_marks == 0)
            return damaged(m);
        num = m->depth - m->marks[--m->num_marks];
    }
    const int64_t from = m->depth - num;
    if (from - 1 < floor_of(m) || (k == PICKLE_DICTIONARY && num % 2 != 0))
        return damaged(m);
    igd_pickled *to = &m->p->values[m->stack[from - 1]];
    return to->kind == k ? add_items(m, to, from) : damaged(m);
}

// --- Memory

static igd_status remember(machine *m, uint64_t place)
{
    // No pickle has more places than bytes.
    if (m->depth <= floor_of(m) || place > (uint64_t)(m->end - m->at + m->p->num) + 1024)
        return damaged(m);
    while ((uint64_t)m->num_memo <= place) {
        if (!grow(&m->memo, m->num_memo, &m->memo_room))
            return exhausted(m);
        m->memo[m->num_memo++] = -1;
    }
    m->memo[place] = m->stack[m->depth - 1];
    return IGD_OK;
}

static igd_status recall(machine *m, uint64_t place)
{
    if (place >= (uint64_t)m->num_memo || m->memo[place] < 0)
        return damaged(m);
    return push(m, m->memo[place]);
}

// --- Names

static igd_status push_name(machine *m, const igd_pickled *module,
                            const igd_pickled *name)
{
    static const struct {
        const char *module, *name;
        igd_pickle_kind kind;
    } known[] = {
        {"numpy.core.multiarray", "_reconstruct", PICKLE_NAME_RECONSTRUCT},
        {"numpy._core.multiarray", "_reconstruct", PICKLE_NAME_RECONSTRUCT},
        {"numpy", "ndarray", PICKLE_NAME_NDARRAY},
        {"numpy", "dtype", PICKLE_NAME_DTYPE},
        {"_codecs", "encode", PICKLE_NAME_ENCODE},
        {"numpy.core.numeric", "_frombuffer", PICKLE_NAME_FROMBUFFER},
        {"numpy._core.numeric", "_frombuffer", PICKLE_NAME_FROMBUFFER},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (igd_pickle_is(module, known[i].module) && igd_pickle_is(name, known[i].name))
            return push_new(m, (igd_pickled){.kind = known[i].kind});
    if (module == NULL || name == NULL || module->kind != PICKLE_TEXT ||
        name->kind != PICKLE_TEXT)
        return damaged(m);
    return igd_error(IGD_EFORMAT,
                     "%s: pickle asks for %.*s.%.*s, which CIFAR's files do not; nothing "
                     "was run",
                     m->path, module->size < 60 ? (int)module->size : 60, module->text,
                     name->size < 60 ? (int)name->size : 60, name->text);
}

// A line of the file, without its end.
static bool take_line(machine *m, igd_pickled *out)
{
    const unsigned char *stop = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (stop == NULL)
        return false;
    *out = (igd_pickled){
        .kind = PICKLE_TEXT, .text = (const char *)m->at, .size = (size_t)(stop - m->at)};
    m->at = stop + 1;
    return true;
}

// UTF-8 back to the bytes that it stands for: code points below 256.
static igd_status push_latin1(machine *m, const igd_pickled *text)
{
    if (text == NULL || text->kind != PICKLE_TEXT)
        return damaged(m);
    char *bytes = malloc(text->size + 1);
    size_t num = 0;
    if (bytes == NULL)
        return exhausted(m);
    for (size_t i = 0; i < text->size; i++) {
        const unsigned char c = (unsigned char)text->text[i];
        if (c < 0x80) {
            bytes[num++] = (char)c;
        } else if ((c == 0xc2 || c == 0xc3) && i + 1 < text->size) {
            const unsigned next = (unsigned char)text->text[++i];
            bytes[num++] = (char)(unsigned char)((c & 3u) << 6 | (next & 0x3fu));
        } else {
            free(bytes);
            return damaged(m);
        }
    }
    return push_new(
        m,
        (igd_pickled){.kind = PICKLE_TEXT, .text = bytes, .size = num, .owned = bytes});
}

// Elements, type and shape of an array.
static igd_status fill_array(machine *m, igd_pickled *array, const igd_pickled *data,
                             const igd_pickled *type, const igd_pickled *shape,
                             bool fortran)
{
    int64_t size = 1;
    if (data == NULL || data->kind != PICKLE_TEXT || type == NULL ||
        type->kind != PICKLE_DTYPE || shape == NULL || shape->kind != PICKLE_LIST)
        return damaged(m);
    if (fortran || shape->num != 2 || type->size != 2 || memcmp(type->text, "u1", 2) != 0)
        return igd_error(IGD_EFORMAT,
                         "%s: an array of another kind than CIFAR's bytes [N, 3072]",
                         m->path);
    for (int64_t i = 0; i < 2; i++) {
        const igd_pickled *length = igd_pickle_item(m->p, shape, i);
        if (length->kind != PICKLE_INTEGER || length->integer < 0 ||
            (length->integer > 0 && size > INT64_MAX / length->integer))
            return damaged(m);
        array->shape[i] = length->integer;
        size *= length->integer;
    }
    if ((uint64_t)size != data->size)
        return damaged(m);
    array->text = data->text;
    array->size = data->size;
    array->num = 0;
    return IGD_OK;
}

static igd_status reduce(machine *m)
{
    const igd_pickled *arguments = pop(m), *function = pop(m);
    if (arguments == NULL || function == NULL || arguments->kind != PICKLE_LIST)
        return damaged(m);
    switch (function->kind) {
    case PICKLE_NAME_RECONSTRUCT:
        if (igd_pickle_item(m->p, arguments, 0) == NULL ||
            igd_pickle_item(m->p, arguments, 0)->kind != PICKLE_NAME_NDARRAY)
            return damaged(m);
        return push_new(m, (igd_pickled){.kind = PICKLE_ARRAY});
    case PICKLE_NAME_DTYPE: {
        const igd_pickled *code = igd_pickle_item(m->p, arguments, 0);
        if (code == NULL || code->kind != PICKLE_TEXT)
            return damaged(m);
        return push_new(
            m,
            (igd_pickled){.kind = PICKLE_DTYPE, .text = code->text, .size = code->size});
    }
    case PICKLE_NAME_ENCODE:
        if (!igd_pickle_is(igd_pickle_item(m->p, arguments, 1), "latin1"))
            return damaged(m);
        return push_latin1(m, igd_pickle_item(m->p, arguments, 0));
    case PICKLE_NAME_FROMBUFFER: {
        igd_pickled array = {.kind = PICKLE_ARRAY};
        IGD_TRY(fill_array(m, &array, igd_pickle_item(m->p, arguments, 0),
                           igd_pickle_item(m->p, arguments, 1),
                           igd_pickle_item(m->p, arguments, 2),
                           !igd_pickle_is(igd_pickle_item(m->p, arguments, 3), "C")));
        return push_new(m, array);
    }
    default:
        return damaged(m);
    }
}

// The state of an array: version, shape, type, Fortran order, elements. That of a type
// says what its code says already.
static igd_status build(machine *m)
{
    const igd_pickled *state = pop(m);
    igd_pickled *of = peek(m);
    if (state == NULL || of == NULL ||
        (of->kind != PICKLE_ARRAY && of->kind != PICKLE_DTYPE))
        return damaged(m);
    if (of->kind == PICKLE_DTYPE)
        return IGD_OK;
    const igd_pickled *fortran = igd_pickle_item(m->p, state, 3);
    if (fortran == NULL || fortran->kind != PICKLE_INTEGER)
        return damaged(m);
    return fill_array(m, of, igd_pickle_item(m->p, state, 4),
                      igd_pickle_item(m->p, state, 2), igd_pickle_item(m->p, state, 1),
                      fortran->integer != 0);
}

// --- Instructions

static igd_status name_in_file(machine *m)
{
    igd_pickled module, name;
    if (!take_line(m, &module) || !take_line(m, &name))
        return damaged(m);
    return push_name(m, &module, &name);
}

static igd_status name_on_stack(machine *m)
{
    const igd_pickled *name = pop(m), *module = pop(m);
    return push_name(m, module, name);
}

static igd_status place_in_memory(machine *m, size_t size, bool get)
{
    uint64_t place;
    if (!take_number(m, &place, size))
        return damaged(m);
    return get ? recall(m, place) : remember(m, place);
}

static igd_status skip(machine *m, size_t size)
{
    const unsigned char *skipped;
    return take_bytes(m, &skipped, size) ? IGD_OK : damaged(m);
}

static igd_status push_long(machine *m)
{
    uint64_t size;
    if (!take_number(m, &size, 1) || size > 8)
        return damaged(m);
    return push_integer(m, (size_t)size, true);
}

static igd_status push_real(machine *m)
{
    IGD_TRY(skip(m, 8));
    return push_new(m, (igd_pickled){.kind = PICKLE_REAL});
}

static igd_status drop_marked(machine *m)
{
    if (m->num_marks == 0)
        return damaged(m);
    m->depth = m->marks[--m->num_marks];
    return IGD_OK;
}

// One instruction, by the names of Python's pickletools.
static igd_status step(machine *m, unsigned char code)
{
    switch (code) {
    case 0x80: // PROTO
        return skip(m, 1);
    case 0x95: // FRAME
        return skip(m, 8);
    case '(': // MARK
        return mark(m);
    case '0': // POP
        return pop(m) != NULL ? IGD_OK : damaged(m);
    case '1': // POP_MARK
        return drop_marked(m);
    case 'N': // PICKLE_NONE
        return push_new(m, (igd_pickled){.kind = PICKLE_NONE});
    case 0x88: // NEWTRUE
    case 0x89: // NEWFALSE
        return push_new(m,
                        (igd_pickled){.kind = PICKLE_INTEGER, .integer = code == 0x88});
    case 'J': // BININT
        return push_integer(m, 4, true);
    case 'K': // BININT1
        return push_integer(m, 1, false);
    case 'M': // BININT2
        return push_integer(m, 2, false);
    case 0x8a: // LONG1
        return push_long(m);
    case 'G': // BINFLOAT
        return push_real(m);
    case 'U':  // SHORT_BINSTRING
    case 'C':  // SHORT_BINBYTES
    case 0x8c: // SHORT_BINUNICODE
        return push_text(m, 1);
    case 'T': // BINSTRING
    case 'B': // BINBYTES
    case 'X': // BINUNICODE
        return push_text(m, 4);
    case 0x8d: // BINUNICODE8
    case 0x8e: // BINBYTES8
    case 0x96: // BYTEARRAY8
        return push_text(m, 8);
    case ']': // EMPTY_LIST
    case ')': // EMPTY_TUPLE
        return push_new(m, (igd_pickled){.kind = PICKLE_LIST});
    case '}': // EMPTY_DICT
        return push_new(m, (igd_pickled){.kind = PICKLE_DICTIONARY});
    case 'l': // PICKLE_LIST
    case 't': // TUPLE
        return push_marked(m, PICKLE_LIST);
    case 'd': // DICT
        return push_marked(m, PICKLE_DICTIONARY);
    case 0x85: // TUPLE1
    case 0x86: // TUPLE2
    case 0x87: // TUPLE3
        return push_tuple(m, code - 0x84);
    case 'a': // APPEND
        return extend(m, PICKLE_LIST, 1);
    case 'e': // APPENDS
        return extend(m, PICKLE_LIST, -1);
    case 's': // SETITEM
        return extend(m, PICKLE_DICTIONARY, 2);
    case 'u': // SETITEMS
        return extend(m, PICKLE_DICTIONARY, -1);
    case 'q': // BINPUT
        return place_in_memory(m, 1, false);
    case 'r': // LONG_BINPUT
        return place_in_memory(m, 4, false);
    case 0x94: // MEMOIZE
        return remember(m, (uint64_t)m->num_memo);
    case 'h': // BINGET
        return place_in_memory(m, 1, true);
    case 'j': // LONG_BINGET
        return place_in_memory(m, 4, true);
    case 'c': // GLOBAL
        return name_in_file(m);
    case 0x93: // STACK_GLOBAL
        return name_on_stack(m);
    case 'R': // REDUCE
        return reduce(m);
    case 'b': // BUILD
        return build(m);
    default:
        return igd_error(IGD_EFORMAT,
                         "%s: pickle instruction 0x%02x, which CIFAR's files do not have",
                         m->path, code);
    }
}

static igd_status run(machine *m)
{
    if (m->end - m->at < 2 || m->at[0] != 0x80 || m->at[1] < 2 || m->at[1] > 5)
        return igd_error(IGD_EFORMAT, "%s: not a pickle of protocol 2 to 5", m->path);
    while (m->at < m->end && *m->at != '.') {
        const unsigned char code = *m->at++;
        IGD_TRY(step(m, code));
    }
    const bool stopped = m->at < m->end;
    if (!stopped || m->depth != 1 || m->num_marks != 0)
        return damaged(m);
    m->p->top = m->stack[0];
    if (m->p->values[m->p->top].kind != PICKLE_DICTIONARY)
        return igd_error(IGD_EFORMAT, "%s: pickle holds no dictionary", m->path);
    return IGD_OK;
}

igd_status igd_pickle_parse(igd_pickle **out, const unsigned char *bytes, size_t size,
                            const char *path)
{
    machine m = {
        .p = calloc(1, sizeof(*m.p)), .at = bytes, .end = bytes + size, .path = path};
    *out = NULL;
    const igd_status st = m.p != NULL ? run(&m) : exhausted(&m);
    free(m.stack);
    free(m.marks);
    free(m.memo);
    if (st == IGD_OK)
        *out = m.p;
    else
        igd_pickle_free(m.p);
    return st;
}
