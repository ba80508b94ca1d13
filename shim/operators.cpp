// Operations that igdef adds to TorchScript.
#include "operators.hpp"

#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/library.h>

#include <cmath>
#include <cstdio>

namespace
{
thread_local mark_sink *sink = nullptr;

at::Tensor mark_kernel(const at::Tensor &x, int64_t id)
{
    if (sink != nullptr) {
        sink->shapes.emplace(id, x.sizes().vec());
        if (!x.is_floating_point())
            sink->integral.insert(id);
    }
    return x;
}

// Attention as later versions of libtorch define it, from operations that this one has.
at::Tensor attention(const at::Tensor &query, const at::Tensor &key,
                     const at::Tensor &value, const torch_optional<at::Tensor> &mask,
                     double dropout, bool causal, torch_optional<double> scale,
                     bool grouped)
{
    TORCH_CHECK(dropout == 0, "attention with dropout");
    const int64_t groups = grouped ? query.size(-3) / key.size(-3) : 1;
    const at::Tensor k = groups > 1 ? key.repeat_interleave(groups, -3) : key;
    const at::Tensor v = groups > 1 ? value.repeat_interleave(groups, -3) : value;
    const double factor =
        scale ? *scale : 1 / std::sqrt(static_cast<double>(query.size(-1)));
    at::Tensor weight = at::matmul(query, k.transpose(-2, -1)) * factor;
    if (causal) {
        const at::Tensor allowed =
            at::ones({query.size(-2), k.size(-2)}, query.options().dtype(at::kBool))
                .tril();
        weight = weight.masked_fill(allowed.logical_not(), -INFINITY);
    }
    if (mask && mask->defined())
        weight = mask->scalar_type() == at::kBool
                     ? weight.masked_fill(mask->logical_not(), -INFINITY)
                     : weight + *mask;
    return at::matmul(weight.softmax(-1), v);
}

bool operator_known(const char *name)
{
    return c10::Dispatcher::singleton().findSchema({name, ""}).has_value();
}

// Where this copy of the library has its operators: two in one process, such as in two
// plugins of a program, have kernels of their own.
std::string &operator_space()
{
    static std::string space = "igdef";
    return space;
}
} // namespace

void igd::register_operators()
{
    static std::once_flag once;
    std::call_once(once, [] {
        static std::vector<torch::Library> libraries;
        // Standard output is for results.
        jit::setPrintHandler([](const std::string &text) {
            std::fwrite(text.data(), 1, text.size(), stderr);
        });
        std::string &own = operator_space();
        for (int n = 1; operator_known((own + "::mark").c_str()); n++)
            own = "igdef_" + std::to_string(n);
        libraries.emplace_back(torch::Library::FRAGMENT, own, c10::nullopt, __FILE__,
                               __LINE__);
        libraries.back().def("mark(Tensor(a) x, int id) -> Tensor(a)", &mark_kernel);
        libraries.back().def("product(Tensor x, Tensor weight, Tensor? bias) -> Tensor",
                             &product);
        libraries.back().def("convolution(Tensor x, Tensor weight, Tensor? bias, int[2] "
                             "stride, int[2] padding, int[2] dilation, int groups) -> "
                             "Tensor",
                             &convolution);
        if (!operator_known("aten::scaled_dot_product_attention")) {
            libraries.emplace_back(torch::Library::FRAGMENT, "aten", c10::nullopt,
                                   __FILE__, __LINE__);
            libraries.back().def(
                "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, "
                "Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, "
                "float? scale=None, bool enable_gqa=False) -> Tensor",
                &attention);
        }
    });
}

jit::Symbol igd::operator_symbol(const char *name)
{
    return jit::Symbol::fromQualString(operator_space() + "::" + name);
}

jit::Symbol igd::mark_symbol()
{
    static const jit::Symbol symbol = operator_symbol("mark");
    return symbol;
}

igd::mark_sink::mark_sink()
{
    sink = this;
}

igd::mark_sink::~mark_sink()
{
    sink = nullptr;
}
