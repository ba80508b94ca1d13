// rows.hpp for vectors of 8 numbers.
#if defined(__x86_64__)
#include "rows_kernel.hpp"

#include <immintrin.h>

namespace
{
template <>
[[gnu::always_inline]] inline vector<8>::type add_product<8>(vector<8>::type sum, float x,
                                                             vector<8>::type in)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(x), in, sum);
}
} // namespace

void igd::multiply_part_avx2(const rows_product &p, const rows_part &part)
{
    multiply_part<8, 6, 2>(p, part);
}
#endif
