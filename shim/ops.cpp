// Scopes, tensor operations, and the functions of igdef/tensor.h. One line an operation.
#include "torch.hpp"

#include <torch/csrc/autograd/autograd.h>

#include <atomic>
#include <cstring>

namespace
{
std::atomic<int64_t> alive{0};

at::IntArrayRef sizes(const int64_t *shape, int num_dims)
{
    return {shape, static_cast<size_t>(num_dims)};
}

at::Tensor host_view(const float *data, const int64_t *shape, int num_dims)
{
    // libtorch has no constant tensors; none of the operations below writes its argument.
    return at::from_blob(const_cast<float *>(data), sizes(shape, num_dims), at::kFloat);
}
} // namespace

igd_tensor *igd_tensor_make(at::Tensor value, igd_tensor *next)
{
    auto *t = new igd_tensor{std::move(value), next};
    alive++;
    return t;
}

std::string igd_exception_line(const std::exception &e)
{
    std::string text = e.what();
    if (const auto *error = dynamic_cast<const c10::Error *>(&e))
        text = error->what_without_backtrace();
    const char *marker = "RuntimeError: "; // TorchScript puts its call stack before it
    const size_t at = text.rfind(marker);
    if (at != std::string::npos)
        text.erase(0, at + std::strlen(marker));
    const char *needed = " is free. "; // a device's memory; then advice to programmers
    const size_t advice = text.find(needed);
    if (advice != std::string::npos)
        text.erase(advice + std::strlen(needed) - 2);
    const size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string::npos)
        return "unknown failure";
    return text.substr(start, text.find_first_of("\r\n", start) - start);
}

int64_t igd_tensors_alive(void)
{
    return alive;
}

igd_scope igd_scope_begin(igd_scope *parent)
{
    return {parent, nullptr, nullptr, parent != nullptr ? parent->status : IGD_OK,
            parent != nullptr && parent->grad};
}

igd_scope igd_scope_begin_grad(igd_scope *parent)
{
    igd_scope s = igd_scope_begin(parent);
    s.grad = true;
    return s;
}

igd_scope igd_scope_begin_no_grad(igd_scope *parent)
{
    igd_scope s = igd_scope_begin(parent);
    s.grad = false;
    return s;
}

bool igd_scope_ok(const igd_scope *s)
{
    return s->status == IGD_OK;
}

void igd_scope_fail(igd_scope *s, igd_status status)
{
    if (s->status == IGD_OK)
        s->status = status;
}

void igd_scope_hold(igd_scope *s, igd_held *held)
{
    held->next = s->held;
    s->held = held;
    alive++;
}

igd_tensor *igd_scope_keep(igd_scope *s, const igd_tensor *t)
{
    igd_scope *parent = s->parent;
    igd_scope_fail(parent, s->status);
    return eval(parent, "keep", {t},
                [&] { return parent->grad ? t->value : t->value.detach(); });
}

void igd_scope_end(igd_scope *s)
{
    if (s->parent != nullptr)
        igd_scope_fail(s->parent, s->status);
    for (igd_tensor *t = s->tensors; t != nullptr;) {
        igd_tensor *next = t->next;
        igd_tensor_free(t);
        t = next;
    }
    s->tensors = nullptr;
    for (igd_held *h = s->held; h != nullptr;) {
        igd_held *next = h->next;
        h->free(h);
        alive--;
        h = next;
    }
    s->held = nullptr;
}

igd_tensor *igd_scope_return(igd_scope *s, const igd_tensor *t)
{
    igd_tensor *kept = igd_scope_keep(s, t);
    igd_scope_end(s);
    return kept;
}

igd_status igd_scope_close(igd_scope *s)
{
    igd_scope_end(s);
    return s->status;
}

igd_status igd_scope_give(igd_scope *s, igd_tensor **out, const igd_tensor *t)
{
    *out = nullptr;
    if (t == nullptr && s->status == IGD_OK)
        s->status = igd_error(IGD_EINVAL, "missing tensor");
    if (s->status == IGD_OK)
        s->status =
            guarded("give", [&] { *out = igd_tensor_make(t->value.detach(), nullptr); });
    return igd_scope_close(s);
}

void igt_set(igd_scope *s, igd_tensor *var, const igd_tensor *value)
{
    if (s->status == IGD_OK && (var == nullptr || value == nullptr))
        s->status = igd_error(IGD_EINVAL, "set: missing tensor");
    if (s->status == IGD_OK)
        var->value = value->value;
}

igd_tensor *igt_view(igd_scope *s, const float *data, const int64_t *shape, int num_dims,
                     const char *device)
{
    return eval(s, "view", {}, [&] {
        return host_view(data, shape, num_dims).to(at::Device(device), true);
    });
}

igd_tensor *igt_floats(igd_scope *s, const float *data, const int64_t *shape,
                       int num_dims, const char *device)
{
    return eval(s, "floats", {}, [&] {
        const at::Tensor view = host_view(data, shape, num_dims);
        return view.to(at::Device(device), at::kFloat, false, true);
    });
}

igd_tensor *igt_indices(igd_scope *s, const int64_t *data, int64_t n, const char *device)
{
    return eval(s, "indices", {}, [&] {
        const at::Tensor view =
            at::from_blob(const_cast<int64_t *>(data), {n}, at::kLong);
        return view.to(at::Device(device), at::kLong, false, true);
    });
}

igd_tensor *igt_to(igd_scope *s, const igd_tensor *a, const char *device)
{
    return eval(s, "to", {a}, [&] { return a->value.to(at::Device(device)); });
}

void igt_read(igd_scope *s, const igd_tensor *t, float *data, int64_t size)
{
    if (s->status == IGD_OK && t == nullptr)
        s->status = igd_error(IGD_EINVAL, "read: missing tensor");
    if (s->status == IGD_OK)
        s->status = igd_tensor_to_floats(t, data, size);
}

igd_tensor *igt_add(igd_scope *s, const igd_tensor *a, const igd_tensor *b)
{
    return eval(s, "add", {a, b}, [&] { return a->value + b->value; });
}

igd_tensor *igt_sub(igd_scope *s, const igd_tensor *a, const igd_tensor *b)
{
    return eval(s, "sub", {a, b}, [&] { return a->value - b->value; });
}

igd_tensor *igt_mul(igd_scope *s, const igd_tensor *a, const igd_tensor *b)
{
    return eval(s, "mul", {a, b}, [&] { return a->value * b->value; });
}

igd_tensor *igt_axpy(igd_scope *s, const igd_tensor *y, double a, const igd_tensor *x)
{
    return eval(s, "axpy", {y, x}, [&] { return at::add(y->value, x->value, a); });
}

igd_tensor *igt_scale(igd_scope *s, const igd_tensor *a, double by)
{
    return eval(s, "scale", {a}, [&] { return a->value * by; });
}

igd_tensor *igt_abs(igd_scope *s, const igd_tensor *a)
{
    return eval(s, "abs", {a}, [&] { return a->value.abs(); });
}

igd_tensor *igt_where_less(igd_scope *s, const igd_tensor *a, const igd_tensor *b,
                           const igd_tensor *then, const igd_tensor *otherwise)
{
    return eval(s, "where", {a, b, then, otherwise}, [&] {
        return at::where(a->value < b->value, then->value, otherwise->value);
    });
}

igd_tensor *igt_softmax(igd_scope *s, const igd_tensor *a)
{
    return eval(s, "softmax", {a}, [&] { return a->value.softmax(-1); });
}

igd_tensor *igt_sum(igd_scope *s, const igd_tensor *a)
{
    return eval(s, "sum", {a}, [&] { return a->value.sum(); });
}

igd_tensor *igt_sum_axis(igd_scope *s, const igd_tensor *a, int axis)
{
    return eval(s, "sum", {a}, [&] { return a->value.sum(at::IntArrayRef{axis}); });
}

igd_tensor *igt_mean_axis(igd_scope *s, const igd_tensor *a, int axis)
{
    return eval(s, "mean", {a}, [&] { return a->value.mean(at::IntArrayRef{axis}); });
}

igd_tensor *igt_max_axis(igd_scope *s, const igd_tensor *a, int axis)
{
    return eval(s, "max", {a}, [&] { return a->value.amax(axis); });
}

igd_tensor *igt_matmul(igd_scope *s, const igd_tensor *a, const igd_tensor *b)
{
    return eval(s, "matmul", {a, b}, [&] {
        return b->value.dim() == 2 ? product(a->value, b->value, c10::nullopt)
                                   : a->value.matmul(b->value);
    });
}

igd_tensor *igt_reshape(igd_scope *s, const igd_tensor *a, const int64_t *shape, int n)
{
    return eval(s, "reshape", {a}, [&] { return a->value.reshape(sizes(shape, n)); });
}

igd_tensor *igt_move_axis(igd_scope *s, const igd_tensor *a, int from, int to)
{
    return eval(s, "move_axis", {a}, [&] { return a->value.movedim(from, to); });
}

igd_tensor *igt_cat(igd_scope *s, const igd_tensor *a, const igd_tensor *b)
{
    return eval(s, "cat", {a, b}, [&] { return at::cat({a->value, b->value}, 0); });
}

igd_tensor *igt_narrow(igd_scope *s, const igd_tensor *a, int axis, int64_t start,
                       int64_t length)
{
    return eval(s, "narrow", {a}, [&] { return a->value.narrow(axis, start, length); });
}

igd_tensor *igt_rows(igd_scope *s, const igd_tensor *a, const igd_tensor *indices)
{
    return eval(s, "rows", {a, indices},
                [&] { return a->value.index_select(0, indices->value); });
}

igd_tensor *igt_leaf(igd_scope *s, const igd_tensor *x)
{
    return eval(s, "leaf", {x}, [&] { return x->value.detach().requires_grad_(true); });
}

igd_tensor *igt_detach(igd_scope *s, const igd_tensor *a)
{
    return eval(s, "detach", {a}, [&] { return a->value.detach(); });
}

igd_tensor *igt_vjp(igd_scope *s, const igd_tensor *a, const igd_tensor *weight,
                    const igd_tensor *leaf, bool keep)
{
    return eval(s, "gradient", {a, weight, leaf}, [&] {
        if (!a->value.requires_grad()) // nothing between a and leaf can be differentiated
            return at::zeros_like(leaf->value);
        const auto grads = torch::autograd::grad({a->value}, {leaf->value},
                                                 {weight->value}, keep, false, true);
        return grads[0].defined() ? grads[0] : at::zeros_like(leaf->value);
    });
}

igd_status igd_tensor_from_floats(igd_tensor **out, const float *data,
                                  const int64_t *shape, int num_dims)
{
    *out = nullptr;
    for (int i = 0; i < num_dims; i++)
        if (shape[i] < 0)
            return igd_error(IGD_EINVAL, "tensor with an axis of length %lld",
                             static_cast<long long>(shape[i]));
    return guarded("tensor", [&] {
        *out = igd_tensor_make(host_view(data, shape, num_dims).clone(), nullptr);
    });
}

igd_status igd_tensor_to_floats(const igd_tensor *t, float *data, int64_t size)
{
    if (size != igd_tensor_size(t))
        return igd_error(IGD_EINVAL, "room for %lld floats, the tensor has %lld",
                         static_cast<long long>(size),
                         static_cast<long long>(igd_tensor_size(t)));
    return guarded("tensor", [&] {
        const at::NoGradGuard off;
        at::from_blob(data, t->value.sizes(), at::kFloat).copy_(t->value);
    });
}

int igd_tensor_dims(const igd_tensor *t)
{
    return t == nullptr ? 0 : static_cast<int>(t->value.dim());
}

int64_t igd_tensor_length(const igd_tensor *t, int axis)
{
    const int dims = igd_tensor_dims(t);
    if (axis < 0)
        axis += dims;
    return axis < 0 || axis >= dims ? 0 : t->value.size(axis);
}

int64_t igd_tensor_size(const igd_tensor *t)
{
    return t == nullptr ? 0 : t->value.numel();
}

void igd_tensor_free(igd_tensor *t)
{
    if (t == nullptr)
        return;
    delete t;
    alive--;
}
