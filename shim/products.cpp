// Products of a batch with weights whose rows do not depend on how many rows there are,
// nor on the number of threads: libtorch's products become igdef::product.
//
// BLAS libraries choose a kernel by the size of a product, and kernels round differently.
// They also cut long sums into parts, otherwise with many threads than with one. An
// image's logits must depend on neither, so products are computed by multiply_rows(),
// gradients likewise.
#include "function.hpp"
#include "graph.hpp"
#include "rows.hpp"

#include <torch/csrc/jit/passes/dead_code_elimination.h>

using jit::Node;
using jit::Value;

namespace
{
// x [N, K] times weight [K, C].
at::Tensor steady(const at::Tensor &x, const at::Tensor &weight)
{
    const at::Tensor rows = x.stride(1) == 1 ? x : x.contiguous();
    const at::Tensor z = at::empty({rows.size(0), weight.size(1)}, rows.options());
    multiply_rows({rows.data_ptr<float>(), weight.data_ptr<float>(), z.data_ptr<float>(),
                   rows.size(0), rows.size(1), weight.size(1), rows.stride(0),
                   weight.stride(0), weight.stride(1)});
    return z;
}

struct steady_product : torch::autograd::Function<steady_product> {
    static at::Tensor forward(torch::autograd::AutogradContext *ctx,
                              const at::Tensor &rows, const at::Tensor &weight)
    {
        ctx->saved_data["weight"] = weight;
        return steady(rows, weight);
    }
    static torch::autograd::tensor_list backward(torch::autograd::AutogradContext *ctx,
                                                 torch::autograd::tensor_list grads)
    {
        const at::NoGradGuard off;
        const at::Tensor weight = ctx->saved_data["weight"].toTensor();
        return {steady(grads[0], weight.t()), {}};
    }
};

const at::Tensor *constant_tensor(const Value *v)
{
    if (!is_constant(v))
        return nullptr;
    const auto value = jit::toIValue(v);
    return value && value->isTensor() ? &v->node()->t(jit::attr::value) : nullptr;
}

bool is_matrix(const Value *v)
{
    const at::Tensor *t = constant_tensor(v);
    return t != nullptr && t->dim() == 2 && t->scalar_type() == at::kFloat;
}

// None, or one number per column.
bool is_bias(const Value *v)
{
    if (v->type()->kind() == c10::TypeKind::NoneType)
        return true;
    const at::Tensor *t = constant_tensor(v);
    return t != nullptr && t->dim() == 1 && t->scalar_type() == at::kFloat;
}

bool is_one(const Value *v)
{
    return is_constant(v) && jit::toIValue(v)->isScalar() &&
           jit::toIValue(v)->toScalar().equal(1);
}

// The weight of a linear layer [C, K] as a matrix [K, C] whose rows are dense.
at::Tensor side_by_side(const Value *weight)
{
    return constant_tensor(weight)->t().contiguous();
}

// The same as igdef::product(x, weight [K, C], bias), where n is one.
Value *as_product(const graph_ptr &g, Node *n)
{
    static const auto symbol = operator_symbol("product");
    const jit::WithInsertPoint here(n);
    if (n->kind() == jit::aten::linear && is_matrix(n->input(1)) && is_bias(n->input(2)))
        return g->insert(
            symbol,
            {n->input(0), g->insertConstant(side_by_side(n->input(1))), n->input(2)});
    if (n->kind() == jit::aten::addmm && is_bias(n->input(0)) && is_matrix(n->input(2)) &&
        is_one(n->input(3)) && is_one(n->input(4)))
        return g->insert(symbol, {n->input(1), n->input(2), n->input(0)});
    if ((n->kind() == jit::aten::matmul || n->kind() == jit::aten::mm) &&
        is_matrix(n->input(1)))
        return g->insert(symbol, {n->input(0), n->input(1), c10::IValue()});
    return nullptr;
}
} // namespace

at::Tensor igd::product(const at::Tensor &x, const at::Tensor &weight,
                        const torch_optional<at::Tensor> &bias)
{
    const bool has_bias = bias && bias->defined();
    const int64_t K = weight.size(0);
    if (!x.is_cpu() || weight.requires_grad() || x.scalar_type() != at::kFloat ||
        x.dim() < 2 || x.numel() == 0 || x.size(-1) != K)
        return has_bias ? x.matmul(weight) + *bias : x.matmul(weight);
    const at::Tensor rows = x.reshape({x.numel() / K, K});
    at::Tensor z = rows.requires_grad() && at::GradMode::is_enabled()
                       ? steady_product::apply(rows, weight)
                       : steady(rows, weight);
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(1);
    z = z.reshape(shape);
    return has_bias ? z + *bias : z;
}

jit::Code igd::compile(const graph_ptr &g, const char *name)
{
    graph_ptr copy = g->copy();
    std::vector<Node *> nodes;
    each_node(copy->block(), [&](Node *n) { nodes.push_back(n); });
    for (Node *n : nodes) {
        Value *v = as_product(copy, n);
        if (v == nullptr)
            v = as_convolution(copy, n);
        if (v == nullptr)
            continue;
        n->output()->replaceAllUsesWith(v);
        n->destroy();
    }
    jit::EliminateDeadCode(copy);
    return jit::Code(copy, name);
}
