// rows.hpp for vectors of 16 numbers.
#if defined(__x86_64__)
#include "rows_kernel.hpp"

#include <immintrin.h>

namespace
{
template <>
[[gnu::always_inline]] inline vector<16>::type
add_product<16>(vector<16>::type sum, float x, vector<16>::type in)
{
    return _mm512_fmadd_ps(_mm512_set1_ps(x), in, sum);
}
} // namespace

void igd::multiply_part_avx512(const rows_product &p, const rows_part &part)
{
    multiply_part<16, 8, 3>(p, part);
}
#endif
