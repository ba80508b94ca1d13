// libtorch's operations with a gradient of the program's own.
#ifndef IGD_SHIM_FUNCTION_HPP
#define IGD_SHIM_FUNCTION_HPP

// GCC 14 believes that vector<bool>::reserve(), which apply() of this header calls
// on an empty vector, copies beyond its end.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#endif
#include <torch/csrc/autograd/custom_function.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
