// rows.hpp for vectors of 16 numbers.
#if defined(__x86_64__)
#include "rows_kernel.hpp"

void igd::multiply_part_avx512(const rows_product &p, const rows_part &part)
{
    multiply_part<16, 8, 3>(p, part);
}
#endif
