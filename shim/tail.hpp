// What follows the last product on the way to the result.
#ifndef IGD_SHIM_TAIL_HPP
#define IGD_SHIM_TAIL_HPP

#include "graph.hpp"

namespace igd
{
// The axis of a product's output, of `rank` axes, along which it has one number for each
// row or column of its weight.
size_t class_axis(const jit::Node *product, const jit::Value *factor, size_t rank);
// "; LAYER is in front of it" for a marked product whose factor is a layer's output; else
// empty.
std::string layer_in_front(const igd_graph &g, const jit::Node *marked);
// Why the numbers of the marked product, though as many as the classes, are not each the
// logit of one; empty where they are. Raises some and sees which logits follow.
std::string why_mixed(const igd_graph &g, const int64_t shape[3], const measurement &all,
                      const jit::Node *marked);
} // namespace igd

#endif
