// Owns the way from libtorch into functions of the program and back: whatever these
// return or throw leaves libtorch as one exception, and guarded() as the status.
#include "external.hpp"

#include "function.hpp"

#include <vector>

namespace
{

class held
{
  public:
    explicit held(pthread_mutex_t *mutex) : lock(mutex)
    {
        if (mutex != nullptr)
            pthread_mutex_lock(lock);
    }
    ~held()
    {
        if (lock != nullptr)
            pthread_mutex_unlock(lock);
    }
    held(const held &) = delete;
    held &operator=(const held &) = delete;

  private:
    pthread_mutex_t *lock;
};

// Calls f and throws what it does not do well. A status that is none of ours is a failure
// all the same.
template <class F>
void call(const igd_external &e, const char *what, F f)
{
    const unsigned long said = igd_error_count();
    igd_status st = IGD_OK;
    try {
        const held lock(e.lock);
        st = f();
    } catch (const std::exception &thrown) {
        st = igd_error(IGD_ECALLBACK, "%s%s of the program threw: %s", e.name, what,
                       thrown.what());
    } catch (...) {
        st = igd_error(IGD_ECALLBACK, "%s%s of the program threw", e.name, what);
    }
    if (st == IGD_OK)
        return;
    if (static_cast<int>(st) < IGD_OK || static_cast<int>(st) > IGD_ECALLBACK)
        st = igd_error(IGD_ECALLBACK, "%s%s of the program returned %d", e.name, what,
                       static_cast<int>(st));
    else if (igd_error_count() == said)
        st = igd_error(st, "%s%s of the program %s", e.name, what,
                       st == IGD_ECANCELED ? "asked to stop" : "failed");
    throw failed_outside(st);
}

at::Tensor run(const igd_external &e, const at::Tensor &x)
{
    const at::Tensor in = x.contiguous();
    std::vector<int64_t> shape = {x.size(0)};
    shape.insert(shape.end(), e.shape, e.shape + e.num_dims);
    at::Tensor out = at::empty(shape);
    call(e, "", [&] {
        return e.rows(out.data_ptr<float>(), in.data_ptr<float>(), in.size(0), e.payload);
    });
    return out;
}

struct external_function : torch::autograd::Function<external_function> {
    static at::Tensor forward(torch::autograd::AutogradContext *context,
                              const at::Tensor &x, int64_t external)
    {
        const auto *e = reinterpret_cast<const igd_external *>(external);
        context->save_for_backward({x});
        context->saved_data["external"] = external;
        return run(*e, x);
    }

    static torch::autograd::variable_list
    backward(torch::autograd::AutogradContext *context,
             torch::autograd::variable_list weights)
    {
        const auto *e = reinterpret_cast<const igd_external *>(
            context->saved_data["external"].toInt());
        if (e->gradient == nullptr)
            call(*e, "", [&] {
                return igd_error(IGD_EINVAL, "%s of the program has no gradient",
                                 e->name);
            });
        const at::Tensor in = context->get_saved_variables()[0].contiguous();
        const at::Tensor weight = weights[0].contiguous();
        at::Tensor grad = at::empty_like(in, at::MemoryFormat::Contiguous);
        call(*e, "'s gradient", [&] {
            return e->gradient(grad.data_ptr<float>(), in.data_ptr<float>(),
                               weight.data_ptr<float>(), in.size(0), e->payload);
        });
        return {grad, at::Tensor()};
    }
};

} // namespace

at::Tensor igd::external_value(const igd_external &e, const at::Tensor &x)
{
    if (!at::GradMode::is_enabled() || !x.requires_grad())
        return run(e, x);
    return external_function::apply(x, reinterpret_cast<int64_t>(&e));
}

igd_tensor *igt_external(igd_scope *s, const igd_external *e, const igd_tensor *x)
{
    return eval(s, e->name, {x}, [&] { return external_value(*e, x->value); });
}
