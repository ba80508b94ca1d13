// rows.hpp for vectors of 4 numbers.
#include "rows_kernel.hpp"

namespace
{
template <>
[[gnu::always_inline]] inline vector<4>::type add_product<4>(vector<4>::type sum, float x,
                                                             vector<4>::type in)
{
    return sum + x * in;
}
} // namespace

void igd::multiply_part_base(const rows_product &p, const rows_part &part)
{
    multiply_part<4, 6, 2>(p, part);
}
