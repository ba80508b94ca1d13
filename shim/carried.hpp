// What crosses a cut beside the activation: skip connections, lists, tuples, numbers. A
// change of the batch selects its rows [M] (int64), some maybe more than once.
#ifndef IGD_CARRIED_HPP
#define IGD_CARRIED_HPP

#include <functional>

#include "graph.hpp"

namespace igd
{
// Calls f on every tensor in a value.
c10::IValue map_tensors(const c10::IValue &v,
                        const std::function<at::Tensor(const at::Tensor &)> &f);

// How a value changes with the batch, from that of a batch of two and that of three.
carried_rule find_rule(const c10::IValue &two, const c10::IValue &three);
// Whether the rows of a value, or of a part of it, cannot be selected.
bool is_stuck(const carried_rule &rule);

at::Tensor change_rows(const at::Tensor &t, int64_t axis, const at::Tensor &rows);
// Throws a refusal where the rule is stuck.
c10::IValue change_value(const c10::IValue &v, const carried_rule &rule,
                         const at::Tensor &rows);
} // namespace igd
using namespace igd;

#endif
