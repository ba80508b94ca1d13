// rows.hpp for vectors of 8 numbers.
#if defined(__x86_64__)
#include "rows_kernel.hpp"

void igd::multiply_part_avx2(const rows_product &p, const rows_part &part)
{
    multiply_part<8, 6, 2>(p, part);
}
#endif
