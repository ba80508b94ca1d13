// Operations that igdef adds to TorchScript: the mark of a layer, products of fixed
// order, convolutions, and attention where this libtorch has none.
#ifndef IGD_OPERATORS_HPP
#define IGD_OPERATORS_HPP

#include "graph.hpp"

namespace igd
{
// Also says where TorchScript's print() writes. In a function, since a static library
// loses initialisers at file scope.
void register_operators();
} // namespace igd

#endif
