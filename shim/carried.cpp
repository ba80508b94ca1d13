// What crosses a cut, when rows of the batch are selected.
#include "carried.hpp"

namespace
{
bool same_value(const c10::IValue &a, const c10::IValue &b)
{
    if (a.tagKind() != b.tagKind())
        return false;
    if (a.isNone())
        return true;
    if (a.isInt() || a.isBool() || a.isDouble() || a.isString() || a.isDevice())
        return a == b;
    return false;
}

std::vector<c10::IValue> parts_of(const c10::IValue &v)
{
    if (v.isTuple())
        return v.toTupleRef().elements();
    return v.toList().vec();
}

carried_rule counted(int64_t two, int64_t three)
{
    carried_rule rule;
    rule.kind = two == three ? carried_rule::FIXED : carried_rule::COUNT;
    rule.slope = three - two;
    rule.offset = two - 2 * rule.slope;
    return rule;
}

int64_t change_count(const carried_rule &rule, const at::Tensor &rows)
{
    return rule.slope * rows.numel() + rule.offset;
}
} // namespace

c10::IValue igd::map_tensors(const c10::IValue &v,
                             const std::function<at::Tensor(const at::Tensor &)> &f)
{
    if (v.isTensor())
        return v.toTensor().defined() ? f(v.toTensor()) : v;
    if (v.isTuple()) {
        std::vector<c10::IValue> parts;
        for (const c10::IValue &part : v.toTupleRef().elements())
            parts.push_back(map_tensors(part, f));
        return c10::ivalue::Tuple::create(std::move(parts));
    }
    if (v.isList()) {
        const auto list = v.toList();
        c10::impl::GenericList out(list.elementType());
        for (size_t i = 0; i < list.size(); i++)
            out.push_back(map_tensors(list.get(i), f));
        return out;
    }
    return v;
}

carried_rule igd::find_rule(const c10::IValue &two, const c10::IValue &three)
{
    carried_rule rule;
    if (two.isTensor() && three.isTensor()) {
        const at::Tensor &a = two.toTensor(), &b = three.toTensor();
        if (a.dim() == 0 && b.dim() == 0 && at::isIntegralType(a.scalar_type(), false))
            return counted(a.item<int64_t>(), b.item<int64_t>());
        int moving = 0;
        for (int64_t i = 0; a.dim() == b.dim() && i < a.dim(); i++)
            if (a.size(i) != b.size(i)) {
                moving += a.size(i) == 2 && b.size(i) == 3 ? 1 : 2;
                rule.axis = i;
            }
        rule.kind = a.dim() != b.dim() || moving > 1 ? carried_rule::STUCK
                    : moving == 1                    ? carried_rule::ROWS
                                                     : carried_rule::FIXED;
        return rule;
    }
    if (two.isInt() && three.isInt())
        return counted(two.toInt(), three.toInt());
    if ((two.isTuple() && three.isTuple()) || (two.isList() && three.isList())) {
        const auto a = parts_of(two), b = parts_of(three);
        rule.kind = a.size() == b.size() ? carried_rule::PARTS : carried_rule::STUCK;
        for (size_t i = 0; i < a.size() && i < b.size(); i++)
            rule.parts.push_back(find_rule(a[i], b[i]));
        return rule;
    }
    rule.kind = same_value(two, three) ? carried_rule::FIXED : carried_rule::STUCK;
    return rule;
}

bool igd::is_stuck(const carried_rule &rule)
{
    for (const carried_rule &part : rule.parts)
        if (is_stuck(part))
            return true;
    return rule.kind == carried_rule::STUCK;
}

at::Tensor igd::change_rows(const at::Tensor &t, int64_t axis, const at::Tensor &rows)
{
    const at::Tensor changed = t.index_select(axis, rows.to(t.device()));
    return t.dim() == 4 ? as_layout(changed, t.suggest_memory_format()) : changed;
}

c10::IValue igd::change_value(const c10::IValue &v, const carried_rule &rule,
                              const at::Tensor &rows)
{
    switch (rule.kind) {
    case carried_rule::FIXED:
        return v;
    case carried_rule::ROWS:
        return change_rows(v.toTensor(), rule.axis, rows);
    case carried_rule::COUNT:
        if (v.isInt())
            return change_count(rule, rows);
        return at::full_like(v.toTensor(), change_count(rule, rows));
    case carried_rule::PARTS: {
        const auto parts = parts_of(v);
        std::vector<c10::IValue> changed;
        for (size_t i = 0; i < parts.size(); i++)
            changed.push_back(change_value(parts[i], rule.parts.at(i), rows));
        if (v.isTuple())
            return c10::ivalue::Tuple::create(std::move(changed));
        c10::impl::GenericList list(v.toList().elementType());
        for (const c10::IValue &part : changed)
            list.push_back(part);
        return list;
    }
    case carried_rule::STUCK:
        break;
    }
    throw refusal{IGD_EINVAL, "the rows of what crosses this cut cannot be selected"};
}
