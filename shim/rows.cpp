// Chooses the loop for the processor and divides a product among threads.
#include "rows.hpp"

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <algorithm>
#include <memory>
#include <string>

namespace
{
// The widest vectors that libtorch uses as well, so that ATEN_CPU_CAPABILITY limits both.
rows_kernel find_kernel()
{
#if defined(__x86_64__)
    const std::string config = at::show_config();
    const auto uses = [&](const char *width) {
        return config.find(std::string("CPU capability usage: ") + width) !=
               std::string::npos;
    };
    if (uses("AVX512") && __builtin_cpu_supports("avx512f"))
        return multiply_part_avx512;
    if ((uses("AVX512") || uses("AVX2")) && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma"))
        return multiply_part_avx2;
#endif
    return multiply_part_base;
}
} // namespace

void igd::multiply_rows(const rows_product &p)
{
    static const rows_kernel kernel = find_kernel();
    constexpr int64_t SMALL = 1 << 16; // multiplications that no second thread is worth
    const int64_t panels = (p.columns + PANEL - 1) / PANEL;
    const int64_t threads = at::get_num_threads();
    const bool by_rows = p.rows >= 16 * threads;
    int64_t parts = std::min(threads, by_rows ? p.rows : panels);
    if (p.rows * p.terms * p.columns < SMALL)
        parts = 1;
    at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
        const std::unique_ptr<float[]> room(
            new float[static_cast<size_t>(std::max<int64_t>(p.terms, 1) * PANEL)]);
        for (int64_t i = first; i < last; i++) {
            rows_part part = {0, p.rows, 0, p.columns, room.get()};
            if (by_rows) {
                part.first_row = p.rows * i / parts;
                part.last_row = p.rows * (i + 1) / parts;
            } else {
                part.first_column = panels * i / parts * PANEL;
                part.last_column = std::min(panels * (i + 1) / parts * PANEL, p.columns);
            }
            kernel(p, part);
        }
    });
}
