// Matrix products whose every result is one sum in one fixed order, so that no row of a
// product depends on how many rows there are, where a row stands, or how many threads
// compute.
#ifndef IGD_SHIM_ROWS_HPP
#define IGD_SHIM_ROWS_HPP

#include <cstdint>

namespace igd
{
// z[r, c] = sum over k = 0, 1, ... of x[r, k] w[k, c].
struct rows_product {
    const float *x; // [rows, terms], its rows `x_stride` numbers apart
    const float *w; // [terms, columns], with both strides
    float *z;       // [rows, columns], dense
    int64_t rows, terms, columns;
    int64_t x_stride, w_term, w_column;
};

// Computes a product with as many threads as libtorch has.
void multiply_rows(const rows_product &p);

// The part of a product that a thread computes: rows and columns from `first` until
// `last`; `panel` is room for terms * PANEL numbers. One function for each width of
// vectors that processors have. Those that multiply and add in one rounding agree bit for
// bit; a processor that cannot rounds twice.
struct rows_part {
    int64_t first_row, last_row, first_column, last_column;
    float *panel;
};
constexpr int64_t PANEL = 48; // columns at a time; parts begin at multiples of it
using rows_kernel = void (*)(const rows_product &, const rows_part &);
void multiply_part_base(const rows_product &p, const rows_part &part);
#if defined(__x86_64__)
void multiply_part_avx2(const rows_product &p, const rows_part &part);
void multiply_part_avx512(const rows_product &p, const rows_part &part);
#endif
} // namespace igd
using namespace igd;

#endif
