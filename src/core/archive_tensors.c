// Owns the check of a TorchScript archive's tensors. A pickle is a program of a stack
// machine; this one does to the stack what libtorch's does, keeps what tensors are made
// of, and knows nothing of all other values but that they are there.
#include "core/archive_tensors.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

typedef enum igd_kind { OTHER, INTEGER, TEXT, NAME, TUPLE, STORAGE } igd_kind;

typedef struct value {
    igd_kind kind;
    int64_t integer;          // of an INTEGER; of a STORAGE: its elements
    const char *text;         // borrowed; of a TEXT, and the last part of a NAME
    const char *module;       // borrowed; the parts of a NAME before
    size_t size, module_size; // of the texts
    int64_t first, num;       // of a TUPLE: its items
} value;

typedef struct list {
    int64_t *at; // owned
    int64_t num, room;
} list;

typedef struct machine {
    const unsigned char *at, *end;
    const igd_archive_folder *folder;
    const char *path;
    size_t size;   // of the pickle
    value *values; // owned
    int64_t num, room;
    list stack, marks, memo; // memo holds -1 for what is not there
    list items;              // of all tuples
} machine;

static igd_status damaged(const machine *m)
{
    return igd_error(IGD_EFORMAT, "%s: damaged: '%s.pkl' is no pickle of TorchScript",
                     m->path, m->folder->name);
}

static igd_status exhausted(const machine *m)
{
    return igd_error(IGD_ENOMEM, "%s: no memory for '%s.pkl'", m->path, m->folder->name);
}

static bool add(list *l, int64_t v)
{
    if (l->num == l->room) {
        const int64_t room = l->room < 64 ? 64 : 2 * l->room;
        int64_t *grown = realloc(l->at, (size_t)room * sizeof(*grown));
        if (grown == NULL)
            return false;
        l->at = grown;
        l->room = room;
    }
    l->at[l->num++] = v;
    return true;
}

static igd_status push(machine *m, value v)
{
    if (m->num == m->room) {
        const int64_t room = m->room < 64 ? 64 : 2 * m->room;
        value *grown = realloc(m->values, (size_t)room * sizeof(*grown));
        if (grown == NULL)
            return exhausted(m);
        m->values = grown;
        m->room = room;
    }
    m->values[m->num] = v;
    return add(&m->stack, m->num++) ? IGD_OK : exhausted(m);
}

static igd_status push_other(machine *m)
{
    return push(m, (value){.kind = OTHER});
}

// How many values lie above the last mark.
static int64_t depth(const machine *m)
{
    const int64_t below = m->marks.num > 0 ? m->marks.at[m->marks.num - 1] : 0;
    return m->stack.num - below;
}

// NULL where there is none.
static const value *pop(machine *m)
{
    return depth(m) > 0 ? &m->values[m->stack.at[--m->stack.num]] : NULL;
}

static igd_status drop(machine *m, int64_t num)
{
    if (depth(m) < num)
        return damaged(m);
    m->stack.num -= num;
    return IGD_OK;
}

// Takes the values above the last mark, and the mark, off; `step` divides their number.
static igd_status drop_marked(machine *m, int64_t step)
{
    if (m->marks.num == 0 || depth(m) % step != 0)
        return damaged(m);
    m->stack.num = m->marks.at[--m->marks.num];
    return IGD_OK;
}

static igd_status push_tuple(machine *m, int64_t num)
{
    value v = {.kind = TUPLE, .first = m->items.num, .num = num};
    if (depth(m) < num)
        return damaged(m);
    for (int64_t i = m->stack.num - num; i < m->stack.num; i++)
        if (!add(&m->items, m->stack.at[i]))
            return exhausted(m);
    m->stack.num -= num;
    return push(m, v);
}

static igd_status push_marked(machine *m)
{
    if (m->marks.num == 0)
        return damaged(m);
    const int64_t num = depth(m);
    m->marks.num--;
    return push_tuple(m, num);
}

static bool take(machine *m, const unsigned char **out, size_t size)
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
    if (!take(m, &b, size))
        return false;
    for (size_t i = size; i > 0; i--)
        *out = *out << 8 | b[i - 1];
    return true;
}

static igd_status push_integer(machine *m, size_t size, bool is_signed)
{
    uint64_t v;
    int64_t out;
    if (!take_number(m, &v, size))
        return damaged(m);
    if (is_signed && size < 8 && v >> (8 * size - 1) != 0)
        v |= ~(uint64_t)0 << (8 * size);
    memcpy(&out, &v, sizeof(out));
    return push(m, (value){.kind = INTEGER, .integer = out});
}

static igd_status push_long(machine *m)
{
    uint64_t size;
    return take_number(m, &size, 1) && size == 8 ? push_integer(m, 8, true) : damaged(m);
}

static igd_status push_text(machine *m)
{
    uint64_t size;
    const unsigned char *text;
    if (!take_number(m, &size, 4) || !take(m, &text, (size_t)size))
        return damaged(m);
    return push(m,
                (value){.kind = TEXT, .text = (const char *)text, .size = (size_t)size});
}

static igd_status push_real(machine *m)
{
    const unsigned char *skipped;
    return take(m, &skipped, 8) ? push_other(m) : damaged(m);
}

static bool take_line(machine *m, const char **text, size_t *size)
{
    const unsigned char *stop = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (stop == NULL)
        return false;
    *text = (const char *)m->at;
    *size = (size_t)(stop - m->at);
    m->at = stop + 1;
    return true;
}

static igd_status push_name(machine *m)
{
    value v = {.kind = NAME};
    if (!take_line(m, &v.module, &v.module_size) || !take_line(m, &v.text, &v.size))
        return damaged(m);
    return push(m, v);
}

static igd_status remember(machine *m, size_t size)
{
    uint64_t place;
    // No pickle has more places than bytes.
    if (!take_number(m, &place, size) || depth(m) == 0 || place > m->size)
        return damaged(m);
    while ((uint64_t)m->memo.num <= place)
        if (!add(&m->memo, -1))
            return exhausted(m);
    m->memo.at[place] = m->stack.at[m->stack.num - 1];
    return IGD_OK;
}

static igd_status recall(machine *m, size_t size)
{
    uint64_t place;
    if (!take_number(m, &place, size) || place >= (uint64_t)m->memo.num ||
        m->memo.at[place] < 0)
        return damaged(m);
    return add(&m->stack, m->memo.at[place]) ? IGD_OK : exhausted(m);
}

// --- Tensors

static bool is(const char *text, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(text, wanted, size) == 0;
}

// Item i of a tuple, if it is of this kind; else NULL.
static const value *item(const machine *m, const value *tuple, int64_t i, igd_kind kind)
{
    if (tuple == NULL || tuple->kind != TUPLE || i >= tuple->num)
        return NULL;
    const value *v = &m->values[m->items.at[tuple->first + i]];
    return v->kind == kind ? v : NULL;
}

// Bytes of an element of torch.NAME; 0 where there is no such storage.
static int64_t element_size(const value *name)
{
    static const struct {
        const char *name;
        int64_t size;
    } known[] = {
        {"FloatStorage", 4},
        {"DoubleStorage", 8},
        {"HalfStorage", 2},
        {"BFloat16Storage", 2},
        {"LongStorage", 8},
        {"IntStorage", 4},
        {"ShortStorage", 2},
        {"CharStorage", 1},
        {"ByteStorage", 1},
        {"BoolStorage", 1},
        {"ComplexHalfStorage", 4},
        {"ComplexFloatStorage", 8},
        {"ComplexDoubleStorage", 16},
        {"QInt8Storage", 1},
        {"QUInt8Storage", 1},
        {"QInt32Storage", 4},
        {"Float8_e5m2Storage", 1},
        {"Float8_e4m3fnStorage", 1},
        {"Float8_e5m2fnuzStorage", 1},
        {"Float8_e4m3fnuzStorage", 1},
        {"Float8_e8m0fnuStorage", 1},
        {"UInt16Storage", 2},
        {"UInt32Storage", 4},
        {"UInt64Storage", 8},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (is(name->module, name->module_size, "torch") &&
            is(name->text, name->size, known[i].name))
            return known[i].size;
    return 0;
}

// ("storage", type, key, device, elements)
static igd_status push_storage(machine *m)
{
    const value *about = pop(m);
    const value *word = item(m, about, 0, TEXT), *type = item(m, about, 1, NAME);
    const value *key = item(m, about, 2, TEXT), *num = item(m, about, 4, INTEGER);
    uint64_t size = 0;
    if (word == NULL || type == NULL || key == NULL || num == NULL ||
        !is(word->text, word->size, "storage") || num->integer < 0)
        return damaged(m);
    const value made = {.kind = STORAGE, .integer = num->integer};
    const int64_t each = element_size(type);
    const int width = key->size < 60 ? (int)key->size : 60;
    if (each == 0)
        return igd_error(IGD_EFORMAT, "%s: tensor '%s/%.*s' is of an unknown type %.*s",
                         m->path, m->folder->name, width, key->text,
                         type->size < 60 ? (int)type->size : 60, type->text);
    if (num->integer == 0)
        return push(m, made); // libtorch reads no file for it
    if (!m->folder->entry(&size, m->folder->self, m->folder->name, key->text, key->size))
        return igd_error(IGD_EFORMAT, "%s: damaged: '%s/%.*s' is missing", m->path,
                         m->folder->name, width, key->text);
    if ((uint64_t)num->integer > size / (uint64_t)each)
        return igd_error(IGD_EFORMAT,
                         "%s: damaged: '%s/%.*s' has %llu bytes for %lld elements of "
                         "%lld",
                         m->path, m->folder->name, width, key->text,
                         (unsigned long long)size, (long long)num->integer,
                         (long long)each);
    return push(m, made);
}

// (storage, offset, lengths, strides, ...)
static igd_status check_tensor(const machine *m, const value *about)
{
    const value *storage = item(m, about, 0, STORAGE);
    const value *offset = item(m, about, 1, INTEGER);
    const value *lengths = item(m, about, 2, TUPLE), *strides = item(m, about, 3, TUPLE);
    if (storage == NULL || offset == NULL || lengths == NULL || strides == NULL ||
        lengths->num != strides->num || offset->integer < 0)
        return damaged(m);
    int64_t last = offset->integer; // its last element's place
    bool empty = false, beyond = false;
    for (int64_t i = 0; i < lengths->num; i++) {
        const value *length = item(m, lengths, i, INTEGER);
        const value *stride = item(m, strides, i, INTEGER);
        if (length == NULL || stride == NULL || length->integer < 0 ||
            stride->integer < 0)
            return damaged(m);
        const int64_t steps = length->integer - 1;
        empty = empty || length->integer == 0;
        if (steps > 0 && stride->integer > (INT64_MAX - last) / steps)
            beyond = true;
        else if (steps > 0)
            last += steps * stride->integer;
    }
    if (!empty && (beyond || last >= storage->integer))
        return igd_error(IGD_EFORMAT,
                         "%s: damaged: a tensor of '%s.pkl' reaches beyond its %lld "
                         "elements",
                         m->path, m->folder->name, (long long)storage->integer);
    return IGD_OK;
}

// What a function or a class makes of the topmost value; to libtorch both are one.
static igd_status call(machine *m)
{
    const value *about = pop(m), *function = pop(m);
    if (about == NULL || function == NULL || function->kind != NAME)
        return damaged(m);
    const char *module = function->module, *name = function->text;
    const size_t n = function->module_size, size = function->size;
    // To libtorch such a name is a number, which would be taken for another function's.
    if (is(module, n, "torch") && !is(name, size, "device"))
        return damaged(m);
    if (is(module, n, "torch._utils") &&
        (is(name, size, "_rebuild_tensor_v2") || is(name, size, "_rebuild_qtensor")))
        IGD_TRY(check_tensor(m, about));
    else if (n > 6 && memcmp(module, "torch._", 7) == 0 &&
             !is(name, size, "_rebuild_sparse_tensor"))
        return damaged(m);
    return push_other(m);
}

// --- Instructions

// One instruction of those that libtorch knows, by the names of Python's pickletools.
static igd_status step(machine *m, unsigned char code)
{
    switch (code) {
    case '(': // MARK
        return add(&m->marks, m->stack.num) ? IGD_OK : exhausted(m);
    case 'N':  // NONE
    case 0x88: // NEWTRUE
    case 0x89: // NEWFALSE
    case ']':  // EMPTY_LIST
    case '}':  // EMPTY_DICT
        return push_other(m);
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
    case 'X': // BINUNICODE
        return push_text(m);
    case ')': // EMPTY_TUPLE
        return push_tuple(m, 0);
    case 't': // TUPLE
        return push_marked(m);
    case 0x85: // TUPLE1
    case 0x86: // TUPLE2
    case 0x87: // TUPLE3
        return push_tuple(m, code - 0x84);
    case 'l': // LIST
        IGD_TRY(drop_marked(m, 1));
        return push_other(m);
    case 'd': // DICT
        IGD_TRY(drop_marked(m, 2));
        return push_other(m);
    case 'e': // APPENDS
        IGD_TRY(drop_marked(m, 1));
        return depth(m) > 0 ? IGD_OK : damaged(m);
    case 'u': // SETITEMS
        IGD_TRY(drop_marked(m, 2));
        return depth(m) > 0 ? IGD_OK : damaged(m);
    case 's': // SETITEM
        IGD_TRY(drop(m, 2));
        return depth(m) > 0 ? IGD_OK : damaged(m);
    case 'q': // BINPUT
        return remember(m, 1);
    case 'r': // LONG_BINPUT
        return remember(m, 4);
    case 'h': // BINGET
        return recall(m, 1);
    case 'j': // LONG_BINGET
        return recall(m, 4);
    case 'c': // GLOBAL
        return push_name(m);
    case 0x81: // NEWOBJ, whose class stays for BUILD
        return drop(m, 1);
    case 'R': // REDUCE
    case 'b': // BUILD
        return call(m);
    case 'Q': // BINPERSID
        return push_storage(m);
    default:
        return damaged(m);
    }
}

static igd_status run(machine *m)
{
    const unsigned char *protocol;
    if (!take(m, &protocol, 2) || protocol[0] != 0x80 || protocol[1] != 2)
        return damaged(m);
    while (m->at < m->end && *m->at != '.') {
        const unsigned char code = *m->at++;
        IGD_TRY(step(m, code));
    }
    return m->at < m->end ? IGD_OK : damaged(m);
}

igd_status igd_archive_tensors_check(const unsigned char *pickle, size_t size,
                                     const igd_archive_folder *folder, const char *path)
{
    machine m = {
        .at = pickle, .end = pickle + size, .folder = folder, .path = path, .size = size};
    const igd_status st = run(&m);
    free(m.values);
    free(m.stack.at);
    free(m.marks.at);
    free(m.memo.at);
    free(m.items.at);
    return st;
}
