// Flattens a method of a TorchScript module: calls inlined, attributes turned into
// constants, layer outputs marked.
#include "graph.hpp"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inline_fork_wait.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/loop_unrolling.h>
#include <torch/csrc/jit/passes/lower_tuples.h>
#include <torch/csrc/jit/passes/peephole.h>
#include <torch/csrc/jit/passes/remove_dropout.h>
#include <torch/csrc/jit/passes/remove_mutation.h>

#include <set>

using jit::Block;
using jit::Node;
using jit::Value;

namespace
{
std::string join(const std::string &path, const std::string &name)
{
    return path.empty() ? name : path + "." + name;
}

std::string class_name(const jit::ObjectPtr &object)
{
    const auto &name = object->type()->name();
    return name ? name->name() : "module";
}

// A module, and the names that lead to it.
struct tracked {
    std::string path;
    jit::ObjectPtr object;
};

// Flattens one method. The steps are those of run(), in its order.
struct flattener {
    igd_graph &out;
    const igd_graph_options &options;
    graph_ptr graph;
    std::unordered_map<const Value *, tracked> objects;
    std::set<std::pair<const c10::ivalue::Object *, std::string>> written;
    std::unordered_map<const void *, std::string> names; // of tensors, by handle
    bool doubles = false; // whether what the file holds in float64 was converted

    void run(const jit::Module &module, const jit::Method &method);
    Value *normalise();
    void bind_defaults(const c10::FunctionSchema &schema);
    void inline_calls(Block *block);
    void mark_call(Node *call, const tracked &callee);
    void mark_output(Node *call, Value *output, mark m);
    void fold_attributes(bool tensors);
    bool find_written(bool tensors);
    void fold_attribute(Node *get, const tracked &owner);
    at::Tensor convert(const at::Tensor &t, const std::string &name);
    c10::IValue convert(const c10::IValue &v, const std::string &name);
    void move_constants();
    void clean();
    void settle_inputs(const std::string &method);
    void refuse();
    std::string refusal_of(Node *n);
    std::string name_of(const Value *v) const;
};

void flattener::mark_output(Node *call, Value *output, mark m)
{
    if (output->type()->isSubtypeOf(*c10::TensorType::get())) {
        Value *marked = insert_mark(out, output, call->next(), std::move(m));
        output->replaceAllUsesAfterNodeWith(marked->node(), marked);
        return;
    }
    const auto tuple = output->type()->cast<c10::TupleType>();
    if (!tuple) {
        m.id = -1;
        m.reason = output->type()->kind() == c10::TypeKind::NoneType
                       ? "does nothing in this file; cut at the layer before it"
                       : "returns " + output->type()->repr_str() + ", not a tensor";
        out.marks.push_back(std::move(m));
        return;
    }
    const jit::WithInsertPoint here(call->next());
    Node *unpack = graph->insertNode(graph->createTupleUnpack(output));
    std::vector<Value *> parts;
    int element = 0;
    for (Value *part : unpack->outputs()) {
        m.element = element++;
        parts.push_back(part->type()->isSubtypeOf(*c10::TensorType::get())
                            ? insert_mark(out, part, graph->insertPoint(), m)
                            : part);
    }
    Node *packed = graph->insertNode(
        graph->createTuple(parts, tuple->schema() ? tuple : c10::TupleTypePtr()));
    output->replaceAllUsesAfterNodeWith(packed, packed->output());
}

void flattener::mark_call(Node *call, const tracked &callee)
{
    if (callee.path.empty() || !starts_with(call->s(jit::attr::name), "forward"))
        return;
    mark m = {-1, callee.path, class_name(callee.object), "", false, 0, 0, 0, ""};
    if (call->outputs().size() == 1)
        mark_output(call, call->output(), m);
    m.input = true;
    for (size_t i = 1; i < call->inputs().size(); i++)
        if (call->input(i)->type()->isSubtypeOf(*c10::TensorType::get())) {
            call->replaceInput(i, insert_mark(out, call->input(i), call, std::move(m)));
            break;
        }
}

void flattener::inline_calls(Block *block)
{
    for (Node *n = *block->nodes().begin(); n != block->return_node();) {
        Node *next = n->next();
        const auto self = n->inputs().empty() ? objects.end() : objects.find(n->input(0));
        jit::GraphFunction *callee = nullptr;

        if (n->kind() == jit::prim::GetAttr && self != objects.end()) {
            const std::string &name = n->s(jit::attr::name);
            const c10::IValue value = self->second.object->getAttr(name);
            if (value.isObject()) {
                tracked child = {join(self->second.path, name), value.toObject()};
                objects[n->output()] = std::move(child);
            }
        } else if (n->kind() == jit::prim::SetAttr && self != objects.end()) {
            written.emplace(self->second.object.get(), n->s(jit::attr::name));
        } else if (n->kind() == jit::prim::CallMethod && self != objects.end()) {
            const tracked object = self->second; // marking may move the table
            // The object's own class, which an interface does not name.
            callee = jit::tryToGraphFunction(
                object.object->type()->getMethod(n->s(jit::attr::name)));
            if (callee != nullptr)
                mark_call(n, object);
        } else if (n->kind() == jit::prim::CallFunction) {
            callee = jit::tryToGraphFunction(n);
            if (callee != nullptr)
                n->removeInput(0);
        } else {
            for (Block *inner : n->blocks())
                inline_calls(inner);
        }
        if (callee != nullptr) {
            Node *before = n->prev();
            // The overload for a graph: that for a flag takes the optimised one, in which
            // the calls of modules are gone.
            jit::inlineCallTo(n, callee, callee->graph().get());
            next = before->next();
        }
        n = next;
    }
}

// (x - mean) / std in front, so that it is part of the prefix, of gradients and of
// exports. NULL where there is none.
Value *flattener::normalise()
{
    if (options.mean == nullptr)
        return nullptr;
    const auto constant = [&](const float *data) {
        const at::Tensor host =
            at::from_blob(const_cast<float *>(data), {options.num_channels, 1, 1});
        return graph->insertConstant(host.clone().to(out.device));
    };
    Value *x = graph->inputs()[0];
    const jit::WithInsertPoint here(*graph->nodes().begin());
    Value *shifted = graph->insert(jit::aten::sub, {x, constant(options.mean)});
    Value *scaled = graph->insert(jit::aten::div, {shifted, constant(options.std)});
    x->replaceAllUsesAfterNodeWith(scaled->node(), scaled);
    return scaled;
}

void flattener::bind_defaults(const c10::FunctionSchema &schema)
{
    const jit::WithInsertPoint here(*graph->nodes().begin());
    for (size_t i = graph->inputs().size(); i-- > 2;) {
        const auto &value = schema.arguments().at(i).default_value();
        if (!value)
            continue;
        graph->inputs()[i]->replaceAllUsesWith(graph->insertConstant(*value));
        graph->eraseInput(i);
    }
}

bool is_double(at::ScalarType type)
{
    return type == at::kDouble || type == at::kComplexDouble;
}

at::Tensor flattener::convert(const at::Tensor &t, const std::string &name)
{
    if (!t.defined())
        return t;
    if (t.is_quantized())
        throw refusal{IGD_EFORMAT, "'" + name + "' is quantised: no gradient passes it"};
    at::Tensor value = t.detach().to(out.device);
    const at::ScalarType single = value.is_complex()          ? at::kComplexFloat
                                  : value.is_floating_point() ? at::kFloat
                                                              : value.scalar_type();
    doubles = doubles || (value.dim() > 0 && is_double(value.scalar_type()));
    value = value.to(single);
    names[value.unsafeGetTensorImpl()] = name;
    return value;
}

c10::IValue flattener::convert(const c10::IValue &v, const std::string &name)
{
    if (v.isTensor())
        return convert(v.toTensor(), name);
    if (v.isTensorList()) {
        c10::List<at::Tensor> list;
        for (const at::Tensor &t : v.toTensorVector())
            list.push_back(convert(t, name));
        return list;
    }
    if (v.isTuple()) {
        std::vector<c10::IValue> parts;
        for (const c10::IValue &part : v.toTupleRef().elements())
            parts.push_back(convert(part, name));
        const auto type = v.type()->cast<c10::TupleType>();
        return type && type->schema()
                   ? c10::ivalue::Tuple::createNamed(std::move(parts), type)
                   : c10::ivalue::Tuple::create(std::move(parts));
    }
    if (v.isGenericDict()) {
        const auto from = v.toGenericDict();
        c10::impl::GenericDict dict(from.keyType(), from.valueType());
        for (const auto &entry : from)
            dict.insert(entry.key(), convert(entry.value(), name));
        return dict;
    }
    return v;
}

void flattener::fold_attribute(Node *get, const tracked &owner)
{
    const std::string &name = get->s(jit::attr::name);
    if (written.count({owner.object.get(), name}) > 0)
        return; // refused later, unless nothing reads it
    const std::string full = join(owner.path, name);
    const c10::IValue value = owner.object->getAttr(name);
    if (value.isObject()) {
        if (starts_with(value.type()->repr_str(), "__torch__.torch.classes."))
            throw refusal{IGD_EFORMAT, "'" + full + "' holds packed parameters (" +
                                           value.type()->repr_str() +
                                           "): no gradient passes them"};
        return;
    }
    const jit::WithInsertPoint here(get);
    if (const auto constant = jit::tryInsertConstant(*graph, convert(value, full)))
        get->output()->replaceAllUsesWith(*constant);
}

bool is_scalar(const c10::TypePtr &type)
{
    const c10::TypeKind kind = type->kind();
    return kind == c10::TypeKind::BoolType || kind == c10::TypeKind::IntType ||
           kind == c10::TypeKind::FloatType || kind == c10::TypeKind::StringType ||
           kind == c10::TypeKind::NoneType || kind == c10::TypeKind::DeviceObjType;
}

// Tensors wait until `if self.training` is gone, and what it writes to them with it. A
// branch on a constant buffer goes only then, so what is written is asked in every round.
void flattener::fold_attributes(bool tensors)
{
    for (bool changed = true; changed;) {
        changed = find_written(tensors);
        std::vector<std::pair<Node *, tracked>> found;
        each_node(graph->block(), [&](Node *n) {
            if (n->kind() != jit::prim::GetAttr || !n->hasUses())
                return;
            const auto owner = objects.find(n->input());
            if (owner != objects.end() && (tensors || is_scalar(n->output()->type())))
                found.emplace_back(n, owner->second);
        });
        for (const auto &[node, owner] : found) {
            fold_attribute(node, owner);
            changed |= !node->hasUses();
        }
        changed |= jit::ConstantPropagation(graph);
        jit::EliminateDeadCode(graph);
    }
}

// Which attributes are assigned to or, where `tensors` are looked at, written in place,
// now that some branches are gone. Returns whether others were before.
bool flattener::find_written(bool tensors)
{
    std::set<std::pair<const c10::ivalue::Object *, std::string>> still;
    std::vector<Node *> reads;
    each_node(graph->block(), [&](Node *n) {
        const bool sets = n->kind() == jit::prim::SetAttr;
        const auto owner = sets || n->kind() == jit::prim::GetAttr
                               ? objects.find(n->input(0))
                               : objects.end();
        if (owner == objects.end())
            return;
        if (sets)
            still.emplace(owner->second.object.get(), n->s(jit::attr::name));
        else if (n->hasUses() && !is_scalar(n->output()->type()))
            reads.push_back(n);
    });
    if (tensors && !reads.empty()) {
        const jit::AliasDb aliases(graph, true); // true: attributes are distinct tensors
        for (Node *n : reads)
            if (aliases.hasWriters(n->output()))
                still.emplace(objects.at(n->input(0)).object.get(),
                              n->s(jit::attr::name));
    }
    const bool changed = still != written;
    written = std::move(still);
    return changed;
}

// Device and half-precision constants of files that were made on another device. Casts to
// float64 of files that hold weights in it: in others they are meant.
void flattener::move_constants()
{
    std::vector<Node *> nodes;
    each_node(graph->block(), [&](Node *n) { nodes.push_back(n); });
    for (Node *n : nodes) {
        if (n->kind() == jit::prim::Constant) {
            const auto value = jit::toIValue(n->output());
            if (!value)
                continue;
            const bool device = value->isDevice() && value->toDevice() != out.device;
            const bool tensor = value->isTensor() && value->toTensor().defined() &&
                                (value->toTensor().device() != out.device ||
                                 value->toTensor().scalar_type() == at::kHalf ||
                                 value->toTensor().scalar_type() == at::kBFloat16 ||
                                 (is_double(value->toTensor().scalar_type()) &&
                                  value->toTensor().dim() > 0));
            if (!device && !tensor)
                continue;
            const jit::WithInsertPoint here(n);
            Value *moved = device ? graph->insertConstant(out.device)
                                  : graph->insertConstant(convert(*value, "a constant"));
            n->output()->replaceAllUsesWith(moved);
            continue;
        }
        const c10::FunctionSchema *schema = n->maybeSchema();
        if (schema == nullptr)
            continue;
        for (size_t i = 0; i < n->inputs().size() && i < schema->arguments().size();
             i++) {
            if (schema->arguments()[i].name() != "dtype")
                continue;
            const auto value = jit::toIValue(n->input(i));
            if (!value || !value->isInt())
                continue;
            const auto type = static_cast<at::ScalarType>(value->toInt());
            if (type != at::kHalf && type != at::kBFloat16 &&
                !(doubles && is_double(type)))
                continue;
            const jit::WithInsertPoint here(n);
            const auto single =
                type == at::kComplexDouble ? at::kComplexFloat : at::kFloat;
            n->replaceInput(i, graph->insertConstant(static_cast<int64_t>(single)));
        }
    }
}

void drop_warnings_and_dropout(Block *block)
{
    for (auto it = block->nodes().begin(); it != block->nodes().end(); ++it) {
        Node *n = *it;
        for (Block *inner : n->blocks())
            drop_warnings_and_dropout(inner);
        if (n->kind() == jit::aten::warn) {
            it.destroyCurrent();
        } else if (n->kind() == jit::aten::dropout) {
            const auto p = jit::toIValue(n->input(1));
            if (p && p->isDouble() && p->toDouble() == 0) { // whatever `train` says
                n->output()->replaceAllUsesWith(n->input(0));
                it.destroyCurrent();
            }
        }
    }
}

void flattener::clean()
{
    jit::UnrollConstantLoops(graph);
    jit::ConstantPropagation(graph);
    extract_asserts(graph);
    drop_warnings_and_dropout(graph->block());
    jit::removeDropout(graph);
    jit::RemoveListMutation(graph);
    jit::ConstantPropagation(graph);
    jit::EliminateDeadCode(graph);
    jit::PeepholeOptimize(graph);
    jit::LowerSimpleTuples(graph);
    jit::ConstantPooling(graph);
    jit::EliminateDeadCode(graph);
}

void flattener::settle_inputs(const std::string &method)
{
    const auto described = [&](const char *what, size_t i) {
        return "'" + method + "' " + what + " '" + graph->inputs()[i]->debugNameBase() +
               "'";
    };
    if (graph->inputs().size() < 2)
        throw refusal{IGD_EFORMAT, "'" + method + "' takes no input"};
    for (size_t i = graph->inputs().size(); i-- > 2;) {
        if (graph->inputs()[i]->hasUses())
            throw refusal{IGD_EFORMAT, described("needs a second input", i)};
        graph->eraseInput(i);
    }
    Value *x = graph->inputs()[1];
    if (!x->type()->isSubtypeOf(*c10::TensorType::get()))
        throw refusal{IGD_EFORMAT, "'" + method + "' takes " + x->type()->repr_str() +
                                       ", not one batch of images"};
}

std::string flattener::name_of(const Value *v) const
{
    const auto value = jit::toIValue(v);
    if (!value || !value->isTensor() || !value->toTensor().defined())
        return "";
    const auto it = names.find(value->toTensor().unsafeGetTensorImpl());
    return it == names.end() ? "" : it->second;
}

bool is_true(const Value *v)
{
    const auto value = jit::toIValue(v);
    return value && value->isBool() && value->toBool();
}

std::string flattener::refusal_of(Node *n)
{
    const std::string kind = n->kind().toQualString();
    const auto self = n->inputs().empty() ? objects.end() : objects.find(n->input(0));
    if (self != objects.end() &&
        (n->kind() == jit::prim::SetAttr ||
         (n->kind() == jit::prim::GetAttr && objects.count(n->output()) == 0))) {
        const std::string &name = n->s(jit::attr::name);
        const bool writes = written.count({self->second.object.get(), name}) > 0;
        static const auto statistics =
            words("num_batches_tracked running_mean running_var");
        return (writes ? "the model writes its attribute '" : "attribute '") +
               join(self->second.path, name) +
               (!writes                      ? "' cannot become a constant"
                : statistics.count(name) > 0 ? "' while it runs: export it after eval()"
                                             : "' while it runs");
    }
    if (n->kind() == jit::prim::CallMethod)
        return "call of '" + n->s(jit::attr::name) + "' on a module chosen at run time";
    if (n->kind() == jit::prim::CallFunction)
        return "call of a function chosen at run time";
    if (starts_with(kind, "quantized::") || n->kind() == jit::aten::quantize_per_tensor)
        return "'" + kind + "' computes in integers: no gradient passes it";
    if (n->kind() == jit::aten::batch_norm && is_true(n->namedInput("training"))) {
        const std::string name = name_of(n->input(1));
        const size_t dot = name.rfind('.');
        return "batch norm" +
               (dot == std::string::npos ? std::string()
                                         : " '" + name.substr(0, dot) + "'") +
               " takes its statistics from the batch: " +
               (n->input(3)->type()->kind() == c10::TypeKind::NoneType
                    ? "it keeps none, with track_running_stats=False, whatever the mode"
                    : "export the model after eval()");
    }
    if ((n->kind() == jit::aten::dropout || n->kind() == jit::aten::dropout_ ||
         n->kind() == jit::aten::feature_dropout) &&
        is_true(n->namedInput("train")))
        return "dropout is active: export the model after eval(); where its code drops "
               "whatever the mode, as F.dropout(x, p) does, pass training=self.training";
    return "";
}

void flattener::refuse()
{
    std::string first;
    each_node(graph->block(), [&](Node *n) {
        if (first.empty())
            first = refusal_of(n);
    });
    if (!first.empty())
        throw refusal{IGD_EFORMAT, first};

    if (graph->inputs()[0]->hasUses()) {
        jit::EliminateDeadCode(
            graph, jit::DCESideEffectPolicy::ALLOW_DELETING_NODES_WITH_SIDE_EFFECTS);
        if (graph->inputs()[0]->hasUses())
            throw refusal{IGD_EFORMAT, "the model hands itself to an operation"};
    }
    graph->eraseInput(0);
}

// A traced convolution carries cuDNN's settings of the process that traced it, TF32 among
// them. Without them it follows those of this process.
void free_convolutions(const graph_ptr &graph)
{
    std::vector<Node *> found;
    each_node(graph->block(), [&](Node *n) {
        if (n->kind() == jit::aten::_convolution)
            found.push_back(n);
    });
    for (Node *n : found) {
        const jit::WithInsertPoint here(n);
        const auto weight = jit::toIValue(n->input(1));
        const auto transposed = jit::toIValue(n->input(6));
        const int64_t dims = weight && weight->isTensor() ? weight->toTensor().dim() : 0;
        const bool usual = transposed && transposed->isBool() && !transposed->toBool();
        std::vector<jit::NamedValue> inputs; // all but those settings
        for (size_t i = 0; i < 9; i++)
            inputs.emplace_back(n->input(i));
        c10::Symbol kind = jit::aten::convolution;
        if (usual && dims >= 3 && dims <= 5) { // what folds with a batch norm behind it
            static constexpr c10::Symbol kinds[] = {jit::aten::conv1d, jit::aten::conv2d,
                                                    jit::aten::conv3d};
            kind = kinds[dims - 3];
            inputs.erase(inputs.begin() + 6, inputs.begin() + 8);
        }
        Value *v = graph->insert(kind, inputs);
        v->copyMetadata(n->output());
        n->output()->replaceAllUsesWith(v);
        n->destroy();
    }
}

// Hooks of submodules are calls in the code; those of the module itself stand beside it.
void refuse_hooks(const jit::Module &module, const jit::Method &method)
{
    const auto type = module.type();
    if (method.name() == "forward" &&
        !(type->getForwardPreHooks().empty() && type->getForwardHooks().empty()))
        throw refusal{IGD_EFORMAT,
                      "the module has hooks that Python runs around "
                      "'forward': trace it, or script a module that calls it"};
}

void flattener::run(const jit::Module &module, const jit::Method &method)
{
    refuse_hooks(module, method);
    graph = method.graph()->copy();
    objects[graph->inputs()[0]] = {"", module._ivalue()};
    bind_defaults(method.function().getSchema());
    inline_calls(graph->block());
    jit::InlineForkWait(graph);
    inline_calls(graph->block());            // what a fork called
    each_node(graph->block(), [&](Node *n) { // Inline() would make of these what it can
        if (n->kind() == jit::prim::CallMethod &&
            n->input(0)->type()->kind() == c10::TypeKind::InterfaceType)
            throw refusal{IGD_EFORMAT, refusal_of(n)};
    });
    jit::Inline(*graph); // methods of objects that the graph makes
    fold_attributes(false);
    fold_attributes(true);
    move_constants();
    const std::vector<std::string> outputs = spread_output(graph, options.output);
    clean();
    move_constants();
    settle_inputs(method.name());
    refuse();
    free_convolutions(graph);
    choose_output(out, graph, outputs, options.shape);
    settle_asserts(out, graph, normalise());
    const bool bare = out.marks.empty();
    number_marks(out, graph);
    if (bare)
        mark_operations(out, graph);
    mark_penultimate(out, graph);
    graph->lint();
    out.flat = graph;
}

} // namespace

void igd::flatten(igd_graph &g, const igd_graph_options &options,
                  const jit::Module &module, const jit::Method &method)
{
    flattener f{g, options, nullptr, {}, {}, {}};
    f.run(module, method);
}
