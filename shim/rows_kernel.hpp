// The loop of rows.hpp for vectors of LANES numbers, compiled once for each width with
// that processor's instructions. It includes nothing that another file could share: code
// that only some processors can run must not stand in for code that all run.
#ifndef IGD_SHIM_ROWS_KERNEL_HPP
#define IGD_SHIM_ROWS_KERNEL_HPP

#include "rows.hpp"

namespace
{
template <int64_t LANES>
struct vector {
    // Numbers anywhere in memory.
    typedef float type __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));
};

// sum + x * in, in one rounding where the processor has an instruction for that. Each
// width defines its own: where it is left to the compiler, one number of rows may be
// computed with that instruction and another without.
template <int64_t LANES>
typename vector<LANES>::type add_product(typename vector<LANES>::type sum, float x,
                                         typename vector<LANES>::type in);

// Some columns of w, read a whole number of vectors at a time. Where the last terms have
// not enough numbers behind them for that, they are in a copy that has.
struct columns_of {
    const float *w, *rest;
    int64_t w_term, rest_term; // from a term to the next
    int64_t in_w, in_rest;     // terms
    int64_t first, num;        // columns
};

template <int64_t LANES, int64_t ROWS, int64_t NUM>
[[gnu::always_inline]] inline void
add_terms(typename vector<LANES>::type (&sum)[ROWS][NUM], const float *x,
          int64_t x_stride, const float *w, int64_t w_term, int64_t terms)
{
    using vec = typename vector<LANES>::type;
    for (int64_t k = 0; k < terms; k++) {
        vec in[NUM];
        for (int v = 0; v < NUM; v++)
            in[v] = *reinterpret_cast<const vec *>(w + k * w_term + v * LANES);
        for (int r = 0; r < ROWS; r++)
            for (int v = 0; v < NUM; v++)
                sum[r][v] = add_product<LANES>(sum[r][v], x[r * x_stride + k], in[v]);
    }
}

// ROWS rows times NUM vectors of columns. Every lane adds its terms in their order.
template <int64_t LANES, int64_t ROWS, int64_t NUM>
[[gnu::always_inline]] inline void tile(const rows_product &p, int64_t row,
                                        const columns_of &c)
{
    using vec = typename vector<LANES>::type;
    const float *x = p.x + row * p.x_stride;
    float *z = p.z + row * p.columns + c.first;
    vec sum[ROWS][NUM] = {};
    add_terms<LANES>(sum, x, p.x_stride, c.w, c.w_term, c.in_w);
    if (c.in_rest > 0)
        add_terms<LANES>(sum, x + c.in_w, p.x_stride, c.rest, c.rest_term, c.in_rest);
    if (c.num == LANES * NUM) {
        for (int r = 0; r < ROWS; r++)
            for (int v = 0; v < NUM; v++)
                *reinterpret_cast<vec *>(z + r * p.columns + v * LANES) = sum[r][v];
        return;
    }
    for (int r = 0; r < ROWS; r++)
        for (int64_t i = 0; i < c.num; i++)
            z[r * p.columns + i] = sum[r][i / LANES][i % LANES];
}

template <int64_t LANES, int64_t ROWS, int64_t NUM>
void tiles(const rows_product &p, const rows_part &part, const columns_of &c)
{
    int64_t r = part.first_row;
    for (; part.last_row - r >= ROWS; r += ROWS)
        tile<LANES, ROWS, NUM>(p, r, c);
    if (part.last_row - r >= 4) {
        tile<LANES, 4, NUM>(p, r, c);
        r += 4;
    }
    if (part.last_row - r >= 2) {
        tile<LANES, 2, NUM>(p, r, c);
        r += 2;
    }
    if (part.last_row - r >= 1)
        tile<LANES, 1, NUM>(p, r, c);
}

// Copies columns of the terms from `first` on side by side, filled to `width` with zeros.
inline void copy_columns(const rows_product &p, const columns_of &c, int64_t first,
                         int64_t width, float *to)
{
    for (int64_t k = first; k < p.terms; k++, to += width) {
        const float *from = p.w + k * p.w_term + c.first * p.w_column;
        for (int64_t i = 0; i < c.num; i++)
            to[i] = from[i * p.w_column];
        for (int64_t i = c.num; i < width; i++)
            to[i] = 0.0f;
    }
}

// Where to read columns `first` ... `first + num - 1`, in whole vectors `width` wide.
inline columns_of find_columns(const rows_product &p, const rows_part &part,
                               int64_t first, int64_t num, int64_t width, bool many_rows)
{
    columns_of c = {p.w + first, part.panel, p.w_term, width, p.terms, 0, first, num};
    const int64_t missing = first + width - p.columns; // numbers behind the last term
    // Far steps through memory are slow when they are repeated.
    if (p.w_column != 1 || p.w_term < 1 || (many_rows && p.terms > 64))
        c.in_w = 0;
    else if (missing > 0)
        c.in_w = p.terms - (missing + p.w_term - 1) / p.w_term;
    if (c.in_w < 0)
        c.in_w = 0;
    c.in_rest = p.terms - c.in_w;
    copy_columns(p, c, c.in_w, width, part.panel);
    return c;
}

// ROWS * MOST vectors fit the processor's registers, with room for the factors.
template <int64_t LANES, int64_t ROWS, int64_t MOST>
void multiply_part(const rows_product &p, const rows_part &part)
{
    static_assert(PANEL % (LANES * MOST) == 0, "parts begin where vectors do");
    const bool many = part.last_row - part.first_row > 2 * ROWS;
    for (int64_t first = part.first_column; first < part.last_column;
         first += LANES * MOST) {
        const int64_t left = part.last_column - first;
        const int64_t num = left < LANES * MOST ? left : LANES * MOST;
        const int64_t vectors = (num + LANES - 1) / LANES;
        const columns_of c = find_columns(p, part, first, num, vectors * LANES, many);
        if (vectors == 1)
            tiles<LANES, ROWS, 1>(p, part, c);
        else if (vectors == 2)
            tiles<LANES, ROWS, 2>(p, part, c);
        else if constexpr (MOST >= 3)
            tiles<LANES, ROWS, 3>(p, part, c);
    }
}
} // namespace

#endif
