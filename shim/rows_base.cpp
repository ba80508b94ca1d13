// rows.hpp for vectors of 4 numbers.
#include "rows_kernel.hpp"

void igd::multiply_part_base(const rows_product &p, const rows_part &part)
{
    multiply_part<4, 6, 2>(p, part);
}
