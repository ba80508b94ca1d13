// Owns which part of a method's result is taken for the logits.
#include "graph.hpp"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

using jit::Block;
using jit::Node;
using jit::Value;

namespace
{
// A part of a result, and the name that chooses it.
struct part {
    std::string name;
    Value *value;
};

std::string listed(const std::vector<part> &parts)
{
    std::string text;
    for (const part &p : parts)
        text += (text.empty() ? "'" : ", '") + p.name + "'";
    return text;
}

bool is_optional_tensor(const Value *v)
{
    const auto optional = v->type()->cast<c10::OptionalType>();
    return optional && optional->getElementType()->isSubtypeOf(*c10::TensorType::get());
}

// What a tuple, a dict or a list consists of; empty where its code does not tell.
std::vector<part> parts_of(const graph_ptr &graph, Value *result)
{
    std::vector<part> parts;
    const jit::WithInsertPoint here(graph->return_node());
    if (const auto tuple = result->type()->cast<c10::TupleType>()) {
        Node *unpack = graph->insertNode(graph->createTupleUnpack(result));
        for (size_t i = 0; i < unpack->outputs().size(); i++)
            parts.push_back({tuple->schema() ? tuple->schema()->arguments()[i].name()
                                             : std::to_string(i),
                             unpack->outputs()[i]});
    } else if (result->node()->kind() == jit::prim::DictConstruct) {
        const auto in = result->node()->inputs();
        for (size_t i = 0; i + 1 < in.size(); i += 2) {
            const auto key = jit::toIValue(in[i]);
            if (key && key->isString())
                parts.push_back({key->toStringRef(), in[i + 1]});
        }
    } else if (result->node()->kind() == jit::prim::ListConstruct) {
        for (Value *v : result->node()->inputs())
            parts.push_back({std::to_string(parts.size()), v});
    }
    return parts;
}

// The part with a name, or whose place is that number.
Value *find_part(const graph_ptr &graph, Value *result, const std::string &name)
{
    const std::vector<part> parts = parts_of(graph, result);
    const bool number = !name.empty() && name.size() < 6 &&
                        name.find_first_not_of("0123456789") == std::string::npos;
    for (const part &p : parts)
        if (p.name == name)
            return p.value;
    const auto kind = result->type()->kind();
    if (number && kind == c10::TypeKind::TupleType && std::stoul(name) < parts.size())
        return parts[std::stoul(name)].value;
    const jit::WithInsertPoint here(graph->return_node());
    if (parts.empty() && number && kind == c10::TypeKind::ListType)
        return graph->insert(
            jit::aten::__getitem__,
            {result, graph->insertConstant(static_cast<int64_t>(std::stol(name)))});
    const auto dict = result->type()->cast<c10::DictType>();
    if (parts.empty() && dict && dict->getKeyType()->kind() == c10::TypeKind::StringType)
        return graph->insert(jit::aten::__getitem__,
                             {result, graph->insertConstant(name)});
    throw refusal{IGD_EINVAL,
                  "no output '" + name + "'; the model returns " +
                      (parts.empty() ? result->type()->repr_str() : listed(parts))};
}

// The output that a name means: names between dots lead into what is nested.
Value *find_output(const graph_ptr &graph, Value *result, const std::string &name)
{
    for (size_t start = 0; start <= name.size();) {
        const size_t end = std::min(name.find('.', start), name.size());
        result = find_part(graph, result, name.substr(start, end - start));
        start = end + 1;
    }
    if (is_optional_tensor(result)) {
        const jit::WithInsertPoint here(graph->return_node());
        Node *cast =
            graph->insertNode(graph->create(jit::prim::unchecked_cast, {result}));
        result = cast->output()->setType(c10::TensorType::get());
    }
    if (!is_tensor(result))
        throw refusal{IGD_EINVAL, "output '" + name + "' is " +
                                      result->type()->repr_str() + ", not a tensor"};
    return result;
}

// Everything that a value is computed from.
void collect(Value *v, value_set &found)
{
    if (!found.insert(v).second)
        return;
    Node *n = v->node();
    if (n->kind() == jit::prim::Param && n->owningBlock()->owningNode() != nullptr)
        n = n->owningBlock()->owningNode();
    for (Value *in : n->inputs())
        collect(in, found);
    for (Block *b : n->blocks())
        for (Value *out : b->outputs())
            collect(out, found);
}

// An output that is a row of numbers for each image.
struct row {
    size_t index;
    int64_t width;
    result_sources sources;
    value_set origins;
};

// Whether a row that others are computed from may be logits all the same: one linear
// product gives it, and no activation function stands behind that, as in a hidden layer.
bool may_be_logits(const row &r, const graph_ptr &graph, const value_set &from_images)
{
    static const auto activations = words(
        "relu relu6 hardtanh hardswish silu gelu elu leaky_relu tanh prelu celu selu "
        "mish softplus hardsigmoid");
    const std::vector<Node *> &last = r.sources.last;
    if (last.size() != 1 || r.sources.direct || !is_linear_product(last[0]))
        return false;
    for (Node *n = graph->outputs()[r.index]->node(); n != last[0];) {
        if (activations.count(plain_name(n)) > 0)
            return false;
        const auto in = n->inputs();
        const auto next = std::find_if(in.begin(), in.end(), [&](const Value *v) {
            return from_images.count(v) > 0;
        });
        if (next == in.end())
            return true;
        n = (*next)->node();
    }
    return true;
}

// Features that others are computed from, by a product or more, are no logits; nor is
// what only transforms others, such as probabilities. Returns false, and drops none,
// where such features may be the logits.
bool drop_relatives(std::vector<row> &rows, const graph_ptr &graph,
                    const value_set &from_images)
{
    std::vector<bool> dropped(rows.size(), false);
    for (size_t i = 0; i < rows.size(); i++)
        for (size_t j = 0; j < rows.size(); j++) {
            if (i == j || rows[j].origins.count(graph->outputs()[rows[i].index]) == 0)
                continue;
            const bool same = rows[i].width == rows[j].width &&
                              rows[i].sources.last == rows[j].sources.last;
            if (!same && may_be_logits(rows[i], graph, from_images))
                return false;
            dropped[same ? j : i] = true;
        }
    std::vector<row> kept;
    for (size_t i = 0; i < rows.size(); i++)
        if (!dropped[i])
            kept.push_back(std::move(rows[i]));
    if (!kept.empty())
        rows = std::move(kept);
    return true;
}

std::vector<std::vector<at::Tensor>>
run_outputs(const igd_graph &g, const graph_ptr &graph, const int64_t shape[3])
{
    graph_ptr copy = graph->copy();
    erase_marks(copy, {});
    protect_inputs(copy);
    const jit::Code code(copy, "outputs");
    const at::NoGradGuard off;
    std::vector<std::vector<at::Tensor>> results;
    for (const int64_t n : {2, 3}) {
        std::vector<at::Tensor> tensors;
        for (const c10::IValue &v : run_code(code, {probe_images(g, shape, n)}))
            tensors.push_back(v.isTensor() ? v.toTensor() : at::Tensor());
        results.push_back(std::move(tensors));
    }
    return results;
}
// Whether an operation may give another floating type than float32.
bool may_change_type(const Node *n)
{
    const std::string name = plain_name(n);
    if (name == "float_power" || name == "type_as" ||
        (name == "to" && n->inputs().size() > 1 && is_tensor(n->input(1))))
        return true;
    const c10::FunctionSchema *schema = n->maybeSchema();
    if (schema == nullptr)
        return false;
    const auto at = schema->argumentIndexWithName("dtype");
    if (!at)
        return false;
    const auto type = jit::toIValue(n->input(static_cast<size_t>(*at)));
    return !type || (type->isInt() && type->toInt() != static_cast<int64_t>(at::kFloat));
}

// Logits of another floating type become float32, as weights do: what exports compute
// with them is of that type.
void make_float(const igd_graph &g, const graph_ptr &graph, const int64_t shape[3])
{
    bool any = false;
    at::Tensor result;
    each_node(graph->block(), [&](Node *n) { any = any || may_change_type(n); });
    if (!any)
        return;
    try {
        result = run_outputs(g, graph, shape)[0][0];
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &) { // the checks of the whole model say why
        return;
    }
    if (!result.defined() || !result.is_floating_point() ||
        result.scalar_type() == at::kFloat)
        return;
    const jit::WithInsertPoint here(graph->return_node());
    Value *cast =
        graph->insert(jit::aten::to, {graph->outputs()[0],
                                      static_cast<int64_t>(at::kFloat), false, false});
    graph->eraseOutput(0);
    graph->registerOutput(cast);
}
} // namespace

std::vector<std::string> igd::spread_output(const graph_ptr &graph, const char *wanted)
{
    if (graph->outputs().size() != 1)
        throw refusal{IGD_EFORMAT, "the model returns nothing"};
    Value *result = graph->outputs()[0];
    std::vector<part> taken;
    if (wanted != nullptr && is_tensor(result))
        throw refusal{IGD_EINVAL, "no output '" + std::string(wanted) +
                                      "': the model returns one tensor"};
    if (wanted != nullptr) {
        taken.push_back({wanted, find_output(graph, result, wanted)});
    } else if (is_tensor(result)) {
        taken.push_back({"", result});
    } else {
        const std::vector<part> parts = parts_of(graph, result);
        const bool tuple = result->type()->kind() == c10::TypeKind::TupleType;
        for (const part &p : parts)
            if (is_tensor(p.value) && (tuple || p.name == "logits"))
                taken.push_back(p);
        if (taken.empty() && parts.empty() &&
            result->type()->kind() == c10::TypeKind::DictType)
            taken.push_back({"logits", find_output(graph, result, "logits")});
        if (taken.empty() && parts.empty())
            throw refusal{IGD_EFORMAT, "the model returns " + result->type()->repr_str() +
                                           ", not a tensor"};
        if (taken.empty())
            throw refusal{IGD_EFORMAT,
                          "the model returns " + result->type()->repr_str() +
                              ", not a tensor; --model-output chooses one of " +
                              listed(parts)};
    }
    graph->eraseOutput(0);
    std::vector<std::string> names;
    for (const part &p : taken) {
        graph->registerOutput(p.value);
        names.push_back(p.name);
    }
    return names;
}

void igd::choose_output(igd_graph &g, const graph_ptr &graph,
                        const std::vector<std::string> &names, const int64_t *shape)
{
    size_t chosen = 0;
    if (names.size() > 1 && shape != nullptr) {
        const auto results = run_outputs(g, graph, shape);
        const value_set from_images = depends_on(graph, graph->inputs()[0]);
        std::vector<row> rows;
        std::string text;
        for (size_t i = 0; i < names.size(); i++) {
            const at::Tensor &two = results[0][i], &three = results[1][i];
            text += (i > 0 ? ", '" : "'") + names[i] + "'";
            if (!two.defined() || !three.defined())
                continue;
            const auto sizes = two.sizes();
            std::string lengths;
            for (const int64_t n : sizes)
                lengths += (lengths.empty() ? "" : "x") + std::to_string(n);
            text += " of " + (lengths.empty() ? "one number" : lengths);
            if (two.dim() != 2 || three.dim() != 2 || sizes[0] != 2 ||
                three.size(0) != 3 || sizes[1] < 2 || three.size(1) != sizes[1] ||
                !two.is_floating_point())
                continue;
            row r = {
                i, sizes[1], find_sources(graph, graph->outputs()[i], from_images), {}};
            collect(graph->outputs()[i], r.origins);
            rows.push_back(std::move(r));
        }
        const bool clear = rows.size() < 2 || drop_relatives(rows, graph, from_images);
        if (clear && rows.size() > 1) {
            std::vector<row> products;
            for (const row &r : rows)
                if (r.sources.last.size() == 1 && !r.sources.direct &&
                    is_linear_product(r.sources.last[0]))
                    products.push_back(r);
            if (products.size() == 1)
                rows = std::move(products);
        }
        if (rows.size() != 1)
            throw refusal{IGD_EFORMAT,
                          std::string(rows.empty() ? "none" : "more than one") +
                              " of the model's outputs is a row of logits per image: "
                              "for 2 images " +
                              text + "; --model-output chooses one"};
        chosen = rows[0].index;
    }
    if (!names[chosen].empty())
        g.output = names[chosen];
    for (size_t i = names.size(); i-- > 0;)
        if (i != chosen)
            graph->eraseOutput(i);
    jit::EliminateDeadCode(graph);
    if (shape != nullptr)
        make_float(g, graph, shape);
}
