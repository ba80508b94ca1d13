// Loads TorchScript files, brings their flat graphs into the form that runs fastest, and
// runs them.
#include "operators.hpp"

#include "igdef/runtime.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/frozen_conv_folding.h>
#include <torch/csrc/jit/passes/lower_tuples.h>
#include <torch/csrc/jit/passes/peephole.h>
#include <torch/script.h>

#include <cstring>
#include <sstream>

using jit::Node;
using jit::Value;

namespace
{
// Of whole models on a device: channels last is faster there by up to a half in TF32 and
// slower by up to a seventh in float32.
constexpr graph_form tf32_form = {true, true};

at::Device parse_device(const char *name)
{
    at::Device device = at::kCPU;
    try {
        device = at::Device(name);
    } catch (const c10::Error &) {
        throw refusal{IGD_EDEVICE, "unknown device '" + std::string(name) +
                                       "'; known are cpu, cuda and cuda:N"};
    }
    if (device.is_cuda()) {
        const auto count = static_cast<int>(at::getNumGPUs());
        const int index = device.has_index() ? device.index() : 0;
        if (index >= count)
            throw refusal{IGD_EDEVICE, "no device '" + std::string(name) +
                                           "': libtorch sees " + std::to_string(count) +
                                           " CUDA devices"};
        return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
    }
    if (!device.is_cpu())
        throw refusal{IGD_EDEVICE, "unknown device '" + std::string(name) +
                                       "'; known are cpu, cuda and cuda:N"};
    return at::kCPU;
}

// Of libtorch's "... Unknown builtin op: NAMESPACE::NAME.".
std::string unknown_operator(const std::string &line)
{
    const std::string start = "Unknown builtin op: ";
    const size_t at = line.find(start);
    const std::string name =
        at == std::string::npos ? "" : line.substr(at + start.size());
    if (name.find("::") == std::string::npos || starts_with(name, "aten::") ||
        starts_with(name, "prim::") || starts_with(name, "quantized::"))
        return "exported by a newer PyTorch: " + line;
    return "uses the operator " + name.substr(0, name.find_last_not_of(". ") + 1) +
           " of another library, which igdef does not load; export the model without it";
}

// What libtorch says about a file it cannot load, in the user's terms.
refusal load_failure(const std::string &line)
{
    const auto has = [&](const char *text) {
        return line.find(text) != std::string::npos;
    };
    if (has("constants.pkl"))
        return {IGD_EFORMAT, "holds weights, not a program; save the model with "
                             "torch.jit.script or torch.jit.trace"};
    if (has("required keyword attribute 'value'"))
        return {IGD_EFORMAT, "export the model without optimize_for_inference"};
    if (has("Unknown builtin op"))
        return {IGD_EFORMAT, unknown_operator(line)};
    if (has("maximum supported version"))
        return {IGD_EFORMAT, "written by a newer PyTorch: " + line};
    if (has("PytorchStreamReader"))
        return {IGD_EFORMAT, "not a TorchScript file, or truncated"};
    return {IGD_EFORMAT, "libtorch cannot load it: " + line};
}

void list_methods(igd_graph &g, const jit::Module &module)
{
    for (const auto &m : module.get_methods()) {
        if (m.num_inputs() < 2 || starts_with(m.name(), "__"))
            continue;
        const auto place = m.name() == "forward" ? g.methods.begin() : g.methods.end();
        g.methods.insert(place, m.name());
    }
    for (const std::string &name : g.methods)
        g.method_names.push_back(name.c_str());
}

std::string joined(const std::vector<std::string> &names)
{
    std::string text;
    for (const std::string &name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "none" : text;
}

// The first of several names, between bars, that is a method; the last where none is.
std::string choose_method(const jit::Module &module, const std::string &names)
{
    size_t start = 0, end = names.find('|');
    while (end != std::string::npos &&
           !module.find_method(names.substr(start, end - start))) {
        start = end + 1;
        end = names.find('|', start);
    }
    return names.substr(start, end - start);
}

jit::Module load_module(const char *path, at::Device device)
{
    try {
        jit::Module module = jit::load(path, device);
        module.eval();
        return module;
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &e) {
        throw load_failure(igd_exception_line(e));
    }
}

void replace_views(const graph_ptr &g)
{
    const jit::AliasDb aliases(g);
    std::vector<Node *> views;
    each_node(g->block(), [&](Node *n) {
        if (n->matches("aten::view(Tensor(a) self, int[] size) -> Tensor(a)") &&
            !aliases.hasWriters(n->output()))
            views.push_back(n);
    });
    for (Node *n : views) {
        const jit::WithInsertPoint here(n);
        Value *v = g->insert(jit::aten::reshape, {n->input(0), n->input(1)});
        n->output()->replaceAllUsesWith(v);
        n->destroy();
    }
}

void convert_weights(const graph_ptr &g)
{
    std::vector<Node *> weights;
    each_node(g->block(), [&](Node *n) {
        const bool conv =
            n->kind() == jit::aten::conv2d || n->kind() == jit::aten::convolution;
        if (conv && is_constant(n->input(1)))
            weights.push_back(n);
    });
    for (Node *n : weights) {
        const at::Tensor weight = jit::toIValue(n->input(1))->toTensor();
        if (weight.dim() != 4)
            continue;
        const jit::WithInsertPoint here(n);
        n->replaceInput(
            1, g->insertConstant(weight.contiguous(at::MemoryFormat::ChannelsLast)));
    }
}

at::Tensor run_whole(const igd_graph &g, const jit::Code &code, graph_form form,
                     const at::Tensor &x)
{
    const at::Tensor in = form.channels_last && x.dim() == 4
                              ? as_layout(x, at::MemoryFormat::ChannelsLast)
                              : x;
    return run_code(code, {in.to(g.device)})[0].toTensor();
}

// Logits computed in float64.
at::Tensor run_exact(const igd_graph &g, const at::Tensor &x)
{
    graph_ptr copy = g.flat->copy();
    erase_marks(copy, {});
    std::vector<Node *> nodes;
    each_node(copy->block(), [&](Node *n) { nodes.push_back(n); });
    for (Node *n : nodes) {
        const jit::WithInsertPoint here(n);
        if (n->kind() == jit::prim::Constant) {
            const auto value = jit::toIValue(n->output());
            if (value && value->isTensor() && value->toTensor().defined() &&
                value->toTensor().scalar_type() == at::kFloat)
                n->output()->replaceAllUsesWith(
                    copy->insertConstant(value->toTensor().to(at::kDouble)));
            continue;
        }
        const c10::FunctionSchema *schema = n->maybeSchema();
        for (size_t i = 0; schema != nullptr && i < n->inputs().size() &&
                           i < schema->arguments().size();
             i++) {
            if (schema->arguments()[i].name() != "dtype")
                continue;
            const auto type = jit::toIValue(n->input(i));
            if (type && type->isInt() &&
                type->toInt() == static_cast<int64_t>(at::kFloat))
                n->replaceInput(i,
                                copy->insertConstant(static_cast<int64_t>(at::kDouble)));
        }
    }
    protect_inputs(copy);
    const jit::Code code(copy, "exact");
    return run_code(code, {x.to(g.device).to(at::kDouble)})[0].toTensor().to(at::kDouble);
}

jit::Code whole_code(const igd_graph &g, graph_form form)
{
    graph_ptr copy = g.flat->copy();
    erase_marks(copy, {});
    give_form(copy, form);
    protect_inputs(copy);
    return compile(copy, "whole");
}
} // namespace

std::set<std::string> igd::words(const char *text)
{
    std::istringstream in(text);
    std::set<std::string> found;
    for (std::string word; in >> word;)
        found.insert(word);
    return found;
}

bool igd::is_constant(const Value *v)
{
    return v->node()->kind() == jit::prim::Constant;
}

bool igd::is_tensor(const Value *v)
{
    return v->type()->isSubtypeOf(*c10::TensorType::get());
}

bool igd::starts_with(const std::string &text, const char *start)
{
    return text.rfind(start, 0) == 0;
}

void igd::give_form(graph_ptr &g, graph_form form)
{
    // Scripted files show pairs of convolution and batch norm only after this.
    jit::ConstantPropagation(g);
    jit::PeepholeOptimize(g);
    jit::LowerSimpleTuples(g);
    jit::EliminateDeadCode(g);
    if (form.folded) {
        jit::FoldFrozenConvBatchnorm(g);
        jit::EliminateDeadCode(g);
    }
    if (form.channels_last) {
        replace_views(g);
        convert_weights(g);
    }
    jit::ConstantPooling(g);
    jit::EliminateDeadCode(g);
}

void igd::protect_inputs(const graph_ptr &g)
{
    // An input itself may alias anything; a copy of it says whether it is written to.
    std::vector<Node *> copies;
    const jit::WithInsertPoint here(*g->nodes().begin());
    for (Value *v : g->inputs()) {
        Node *copy = nullptr;
        if (v->type()->isSubtypeOf(*c10::TensorType::get())) {
            Value *none = g->insertNode(g->createNone())->output();
            copy = g->insertNode(g->create(jit::aten::clone, {v, none}));
        } else if (v->type()->kind() == c10::TypeKind::ListType) {
            copy = g->insertNode(g->create(jit::aten::list, {v}));
        } else {
            continue;
        }
        copy->output()->setType(v->type());
        v->replaceAllUsesAfterNodeWith(copy, copy->output());
        copies.push_back(copy);
    }
    const jit::AliasDb aliases(g);
    std::vector<Node *> idle;
    for (Node *copy : copies)
        if (!aliases.hasWriters(copy->output()))
            idle.push_back(copy);
    for (Node *copy : idle) {
        copy->output()->replaceAllUsesWith(copy->input(0));
        copy->destroy();
    }
    jit::EliminateDeadCode(g);
    g->lint();
}

jit::Stack igd::run_code(const jit::Code &code, jit::Stack stack)
{
    jit::InterpreterState(code).run(stack);
    return stack;
}

at::Tensor igd::as_layout(const at::Tensor &x, at::MemoryFormat format)
{
    return x.is_contiguous(format) ? x : x.contiguous(format);
}

bool igd::draws(const Node *n)
{
    static const auto always =
        words("normal_ uniform_ bernoulli_ exponential_ cauchy_ log_normal_ geometric_ "
              "random_ bernoulli multinomial normal rand randn rand_like randn_like "
              "randint randint_like randperm poisson binomial");
    // Those that draw only where they drop something.
    static const std::map<std::string, std::pair<const char *, const char *>> droppers = {
        {"dropout", {"p", "train"}},
        {"dropout_", {"p", "train"}},
        {"feature_dropout", {"p", "train"}},
        {"feature_dropout_", {"p", "train"}},
        {"alpha_dropout", {"p", "train"}},
        {"alpha_dropout_", {"p", "train"}},
        {"feature_alpha_dropout", {"p", "train"}},
        {"feature_alpha_dropout_", {"p", "train"}},
        {"native_dropout", {"p", "train"}},
        {"rrelu", {nullptr, "training"}},
        {"rrelu_", {nullptr, "training"}},
        {"scaled_dot_product_attention", {"dropout_p", nullptr}},
        {"_scaled_dot_product_attention", {"dropout_p", nullptr}},
    };
    const std::string name = n->kind().toUnqualString();
    if (always.count(name) > 0)
        return true;
    const auto dropper = droppers.find(name);
    const auto is_off = [&](const char *argument) {
        const c10::FunctionSchema *schema = n->maybeSchema();
        const auto at = argument == nullptr || schema == nullptr
                            ? c10::nullopt
                            : schema->argumentIndexWithName(argument);
        if (!at)
            return false;
        const auto value = jit::toIValue(n->input(static_cast<size_t>(*at)));
        return value && ((value->isBool() && !value->toBool()) ||
                         (value->isDouble() && value->toDouble() == 0));
    };
    if (dropper == droppers.end())
        return n->isNondeterministic();
    return !is_off(dropper->second.first) && !is_off(dropper->second.second);
}

std::string igd::why_no_cut(const Node *n)
{
    if (n->owningBlock() != n->owningGraph()->block())
        return "runs inside a data-dependent branch or loop";
    int open = 0;
    for (const Node *before : n->owningGraph()->nodes()) {
        if (before == n)
            break;
        if (before->kind() == jit::prim::Enter)
            open++;
        else if (before->kind() == jit::prim::Exit)
            open--;
    }
    return open > 0 ? "runs inside a 'with' block, such as no_grad or autocast; "
                      "export the model without that block"
                    : "";
}

bool igd::agree(const at::Tensor &a, const at::Tensor &b, double tolerance)
{
    if (a.sizes() != b.sizes())
        return false;
    const at::Tensor finite = a.isfinite();
    if (!finite.equal(b.isfinite()))
        return false;
    const at::Tensor x = a.masked_select(finite), y = b.masked_select(finite);
    if (x.numel() == 0)
        return true;
    const auto limit = tolerance * (1 + x.abs().max().item<double>());
    return (x - y).abs().max().item<double>() <= limit;
}

// Runs what the whole lacks of the model's own checks, once for every shape of images.
static void check_shapes(const igd_graph &g, const at::Tensor &x)
{
    if (!g.shape_asserts || x.dim() == 0)
        return;
    std::vector<int64_t> shape = x.sizes().vec();
    shape[0] = std::min<int64_t>(shape[0], 3); // larger batches are alike
    const std::lock_guard<std::mutex> hold(g.lock);
    if (g.passed.count(shape) > 0)
        return;
    const at::NoGradGuard off;
    run_code(g.checked, {x.to(g.device)});
    g.passed.insert(std::move(shape));
}

at::Tensor igd::run_graph(const igd_graph &g, const at::Tensor &x)
{
    check_shapes(g, x);
    if (g.tf32 && at::globalContext().allowTF32CuDNN())
        return run_whole(g, *g.tf32, tf32_form, x);
    return run_whole(g, g.whole, g.form, x);
}

igd_status igd_graph_load(igd_graph **out, const char *path, const char *method,
                          const igd_graph_options *options)
{
    *out = nullptr;
    const char *name = options->name != nullptr ? options->name : path;
    return attempt(name, [&] {
        auto g = std::make_unique<igd_graph>();
        g->path = name;
        g->plain = options->plain;
        g->device = parse_device(options->device);
        if (g->device.is_cuda() && !options->keep_cuda_settings &&
            igd_compute_exactly() != IGD_OK)
            throw refusal{IGD_ETORCH, igd_error_message()};
        register_operators();
        jit::Module module = load_module(path, g->device);
        g->code = module._ivalue()->compilation_unit();
        list_methods(*g, module);
        const auto found = module.find_method(choose_method(module, method));
        if (!found)
            throw refusal{IGD_EFORMAT, "the model has no method '" +
                                           std::string(method, strcspn(method, "|")) +
                                           "'; it has: " + joined(g->methods)};
        for (const auto &m : module.named_modules())
            if (!m.name.empty())
                g->modules.push_back(m.name);
        for (const auto &a : module.named_attributes(false)) {
            if (a.value.isInt())
                g->integers[a.name] = a.value.toInt();
            else if (a.value.isTensor() && a.value.toTensor().defined() &&
                     a.value.toTensor().numel() == 1 &&
                     !a.value.toTensor().is_quantized())
                g->integers[a.name] = a.value.toTensor().to(at::kLong).item<int64_t>();
        }
        for (const auto &p : module.named_parameters())
            g->shapes[p.name] = p.value.sizes().vec();
        flatten(*g, *options, module, *found);
        g->whole = whole_code(*g, g->form);
        *out = g.release();
    });
}

const char *igd_graph_output(const igd_graph *g)
{
    return g->output.c_str();
}

void igd_graph_free(igd_graph *g)
{
    delete g;
}

igd_status igd_graph_settle(igd_graph *g, const igd_tensor *x)
{
    return attempt(g->path.c_str(), [&] {
        if (g->plain)
            return;
        at::NoGradGuard off;
        const at::Tensor reference = run_whole(*g, g->whole, g->form, x->value);
        for (const graph_form form : {graph_form{true, false}, graph_form{true, true}}) {
            try {
                jit::Code code = whole_code(*g, form);
                if (!agree(reference, run_whole(*g, code, form, x->value), g->tolerance))
                    break;
                if (g->device.is_cuda() && form.channels_last) {
                    g->tf32 = std::move(code);
                    break;
                }
                g->whole = std::move(code);
                g->form = form;
            } catch (const std::bad_alloc &) {
                throw;
            } catch (const std::exception &) { // a layout that some operation refuses
                break;
            }
        }
    });
}

double igd_graph_tolerance(const igd_graph *g)
{
    return g->tolerance;
}

igd_status igd_graph_measure_rounding(igd_graph *g, const igd_tensor *x)
{
    return attempt(g->path.c_str(), [&] {
        const at::NoGradGuard off;
        const at::Tensor single = run_graph(*g, x->value).to(at::kDouble);
        const at::Tensor exact = run_exact(*g, x->value);
        const double largest = exact.abs().max().item<double>();
        const double error = (single - exact).abs().max().item<double>() / (1 + largest);
        constexpr double most = 0.01; // beyond, decisions are those of the rounding
        if (!(error <= most))
            throw refusal{IGD_EFORMAT,
                          "its logits in float32 differ from those in float64 by " +
                              std::to_string(100 * error) + " % of the largest"};
        g->tolerance = std::max(g->tolerance, 8 * error);
    });
}

bool igd_graph_asks_type(const igd_graph *g)
{
    return g->typed;
}

igd_tensor *igt_graph_run(igd_scope *s, const igd_graph *g, const igd_tensor *x)
{
    return eval(s, "model", {x}, [&] { return run_graph(*g, x->value); });
}

bool igd_graph_draws(const igd_graph *g)
{
    bool any = false;
    each_node(g->flat->block(), [&](const jit::Node *n) { any = any || draws(n); });
    return any;
}

bool igd_graph_climbs(const igd_graph *g)
{
    static const auto operations = words("aten::grad aten::backward");
    bool climbs = false;
    each_node(g->flat->block(), [&](const jit::Node *n) {
        climbs = climbs || operations.count(n->kind().toQualString()) != 0;
    });
    return climbs;
}

igd_status igd_graph_integer(int64_t *out, const igd_graph *g, const char *name)
{
    const auto it = g->integers.find(name);
    if (it == g->integers.end())
        return igd_error(IGD_EFORMAT, "%s: the model has no number '%s'", g->path.c_str(),
                         name);
    *out = it->second;
    return IGD_OK;
}

igd_status igd_graph_shape(int64_t *out, int *num_dims, const igd_graph *g,
                           const char *name)
{
    const auto it = g->shapes.find(name);
    if (it == g->shapes.end() || it->second.size() > IGD_GRAPH_DIMS)
        return igd_error(IGD_EFORMAT, "%s: the model has no parameter '%s'",
                         g->path.c_str(), name);
    *num_dims = static_cast<int>(it->second.size());
    std::copy(it->second.begin(), it->second.end(), out);
    return IGD_OK;
}

const char *const *igd_graph_methods(const igd_graph *g, int *num)
{
    *num = static_cast<int>(g->method_names.size());
    return g->method_names.data();
}
