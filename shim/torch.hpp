// What the shim's C++ files share: the tensor handle and the two wrappers that carry
// every call into libtorch, guarded() and eval().
#ifndef IGD_SHIM_TORCH_HPP
#define IGD_SHIM_TORCH_HPP

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/version.h>

#include <exception>
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "core/error.h"
#include "ops.h"

// What libtorch declares optional arguments of its operators as.
#if TORCH_VERSION_MAJOR == 1 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 0)
template <class T>
using torch_optional = c10::optional<T>;
#else
template <class T>
using torch_optional = std::optional<T>;
#endif

// A variable holding an immutable value; `next` links the tensors of a scope.
struct igd_tensor {
    at::Tensor value;
    igd_tensor *next;
};

igd_tensor *igd_tensor_make(at::Tensor value, igd_tensor *next);

// The line of an exception that says what is wrong, without backtrace and script context.
std::string igd_exception_line(const std::exception &e);

namespace igd
{
// x [..., K] times weight [K, C], plus bias [C]; no row depends on the number of rows.
at::Tensor product(const at::Tensor &x, const at::Tensor &weight,
                   const torch_optional<at::Tensor> &bias);
} // namespace igd
using namespace igd;

// Thrown where a function of the program has failed, whose message is set.
class failed_outside : public std::exception
{
  public:
    explicit failed_outside(igd_status st) : status(st)
    {
    }
    const char *what() const noexcept override
    {
        return igd_error_message();
    }
    const igd_status status;
};

// Runs f and turns whatever it throws into a status and a message. Nothing escapes.
template <class F>
igd_status guarded(const char *what, F f) noexcept
try {
    f();
    return IGD_OK;
} catch (const failed_outside &e) {
    return e.status;
} catch (const std::bad_alloc &) {
    return igd_error(IGD_ENOMEM, "%s: out of memory", what);
} catch (const std::exception &e) {
    const std::string line = igd_exception_line(e);
    const bool memory = line.find("not enough memory") != std::string::npos ||
                        line.find("out of memory") != std::string::npos;
    return igd_error(memory ? IGD_ENOMEM : IGD_ETORCH, "%s: %s", what, line.c_str());
} catch (...) {
    return igd_error(IGD_ETORCH, "%s: unknown exception", what);
}

// Evaluates one operation in s; skips it when s has failed or an argument is missing.
template <class F>
igd_tensor *eval(igd_scope *s, const char *op,
                 std::initializer_list<const igd_tensor *> args, F f) noexcept
{
    for (const igd_tensor *a : args)
        if (a == nullptr && s->status == IGD_OK)
            s->status = igd_error(IGD_EINVAL, "%s: missing tensor", op);
    if (s->status != IGD_OK)
        return nullptr;
    s->status = guarded(op, [&] {
        at::AutoGradMode mode(s->grad);
        s->tensors = igd_tensor_make(f(), s->tensors);
    });
    return s->status == IGD_OK ? s->tensors : nullptr;
}

#endif
