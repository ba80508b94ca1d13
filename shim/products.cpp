// Products of a batch with weights whose rows do not depend on how many rows there are,
// nor on the number of threads.
//
// BLAS libraries choose a kernel by the size of a product, and kernels round differently:
// OpenBLAS has others for up to 1,200 results or 1,000,000 multiplications. It also cuts
// long sums into parts, otherwise with many threads than with one. An image's logits must
// depend on neither. So small products are computed a block of rows at a time, every
// block of the same shape, and long sums in parts that are cut here; gradients likewise.
#include "graph.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <algorithm>

using jit::Node;
using jit::Value;

namespace
{
// Multiplications of a block beyond which no kernel for small products is taken, however
// many rows there are.
constexpr int64_t LARGE = 1 << 20;
// Terms of a sum that no BLAS cuts: below GEMM_Q of all of OpenBLAS's processors.
constexpr int64_t TERMS = 192;

// rows [num blocks * block, K] times weight [K, C].
at::Tensor steady(const at::Tensor &rows, const at::Tensor &weight, int64_t block)
{
    const int64_t num = rows.size(0), K = weight.size(0), C = weight.size(1);
    const at::Tensor z = at::zeros({num, C}, rows.options());
    for (int64_t first = 0; first < K; first += TERMS) {
        const int64_t terms = std::min(TERMS, K - first);
        const at::Tensor in = rows.narrow(1, first, terms);
        const at::Tensor w = weight.narrow(0, first, terms);
        if (block * terms * C > LARGE)
            z.addmm_(in, w);
        else
            z.view({-1, block, C})
                .baddbmm_(in.unflatten(0, {-1, block}),
                          w.expand({num / block, terms, C}));
    }
    return z;
}

struct steady_product : torch::autograd::Function<steady_product> {
    static at::Tensor forward(torch::autograd::AutogradContext *ctx,
                              const at::Tensor &rows, const at::Tensor &weight,
                              int64_t block)
    {
        ctx->saved_data["weight"] = weight;
        ctx->saved_data["block"] = block;
        return steady(rows, weight, block);
    }
    static torch::autograd::tensor_list backward(torch::autograd::AutogradContext *ctx,
                                                 torch::autograd::tensor_list grads)
    {
        const at::NoGradGuard off;
        const at::Tensor weight = ctx->saved_data["weight"].toTensor();
        return {steady(grads[0], weight.t(), ctx->saved_data["block"].toInt()), {}, {}};
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

// The same as igdef::product(x, weight [K, C], bias), where n is one.
Value *as_product(const graph_ptr &g, Node *n)
{
    static const auto symbol = jit::Symbol::fromQualString("igdef::product");
    const jit::WithInsertPoint here(n);
    if (n->kind() == jit::aten::linear && is_matrix(n->input(1)) && is_bias(n->input(2)))
        return g->insert(symbol, {n->input(0),
                                  g->insertConstant(constant_tensor(n->input(1))->t()),
                                  n->input(2)});
    if (n->kind() == jit::aten::addmm && is_bias(n->input(0)) && is_matrix(n->input(2)) &&
        is_one(n->input(3)) && is_one(n->input(4)))
        return g->insert(symbol, {n->input(1), n->input(2), n->input(0)});
    if ((n->kind() == jit::aten::matmul || n->kind() == jit::aten::mm) &&
        is_matrix(n->input(1)))
        return g->insert(symbol, {n->input(0), n->input(1), c10::IValue()});
    return nullptr;
}
} // namespace

at::Tensor product(const at::Tensor &x, const at::Tensor &weight,
                   const c10::optional<at::Tensor> &bias)
{
    const bool has_bias = bias && bias->defined();
    const int64_t K = weight.size(0);
    if (!x.is_cpu() || weight.requires_grad() || x.scalar_type() != at::kFloat ||
        x.dim() < 2 || x.numel() == 0 || x.size(-1) != K)
        return has_bias ? x.matmul(weight) + *bias : x.matmul(weight);
    // Images come in multiples of 8; positions within them multiply the rows.
    const int64_t block = x.dim() == 2 ? 8 : 64;
    const int64_t num = x.numel() / K, padding = (block - num % block) % block;
    at::Tensor rows = x.reshape({num, K});
    if (padding > 0)
        rows = at::constant_pad_nd(rows, {0, 0, 0, padding});
    at::Tensor z = rows.requires_grad() && at::GradMode::is_enabled()
                       ? steady_product::apply(rows, weight, block)
                       : steady(rows, weight, block);
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(1);
    z = (padding > 0 ? z.narrow(0, 0, num) : z).reshape(shape);
    return has_bias ? z + *bias : z;
}

jit::Code compile(const graph_ptr &g, const char *name)
{
    graph_ptr copy = g->copy();
    std::vector<Node *> nodes;
    each_node(copy->block(), [&](Node *n) { nodes.push_back(n); });
    for (Node *n : nodes) {
        Value *v = as_product(copy, n);
        if (v == nullptr)
            continue;
        n->output()->replaceAllUsesWith(v);
        n->destroy();
    }
    jit::EliminateDeadCode(copy);
    return jit::Code(copy, name);
}
