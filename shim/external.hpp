// The same for the shim's other files.
#ifndef IGD_SHIM_EXTERNAL_HPP
#define IGD_SHIM_EXTERNAL_HPP

#include "external.h"
#include "torch.hpp"

namespace igd
{
at::Tensor external_value(const igd_external &e, const at::Tensor &x);
} // namespace igd
using namespace igd;

#endif
