// Convolutions: of one small image libtorch has BLAS compute them, in several times what
// oneDNN takes, which it uses for every batch. They become igdef::convolution.
#include "graph.hpp"

using jit::Node;
using jit::Value;

bool igd::is_convolution(const Node *n)
{
    static const auto kinds = words("conv1d conv2d conv3d convolution conv_transpose1d "
                                    "conv_transpose2d conv_transpose3d");
    return kinds.count(n->kind().toUnqualString()) > 0;
}

at::Tensor igd::convolution(const at::Tensor &x, const at::Tensor &weight,
                            const torch_optional<at::Tensor> &bias,
                            at::IntArrayRef stride, at::IntArrayRef padding,
                            at::IntArrayRef dilation, int64_t groups)
{
    const bool lone = x.is_cpu() && x.dim() == 4 && x.size(0) == 1 && x.numel() > 0 &&
                      x.scalar_type() == at::kFloat && !x.requires_grad();
    const bool pointwise = weight.size(2) == 1 && weight.size(3) == 1; // BLAS is as good
    if (!lone || pointwise || !at::hasMKLDNN() ||
        !at::globalContext().userEnabledMkldnn())
        return at::conv2d(x, weight, bias, stride, padding, dilation, groups);
    const auto format = weight.suggest_memory_format();
    return at::mkldnn_convolution(x.contiguous(format), weight.contiguous(format), bias,
                                  padding, stride, dilation, groups);
}

Value *igd::as_convolution(const graph_ptr &g, Node *n)
{
    static const auto symbol = operator_symbol("convolution");
    // Padding may also be a word.
    if (n->kind() != jit::aten::conv2d || !is_constant(n->input(1)) ||
        n->input(4)->type()->kind() != c10::TypeKind::ListType)
        return nullptr;
    const at::Tensor weight = jit::toIValue(n->input(1))->toTensor();
    if (weight.dim() != 4 || weight.scalar_type() != at::kFloat || !weight.is_cpu())
        return nullptr;
    const jit::WithInsertPoint here(n);
    std::vector<jit::NamedValue> inputs(n->inputs().begin(), n->inputs().end());
    return g->insert(symbol, inputs);
}
