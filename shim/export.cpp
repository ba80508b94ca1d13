// Writes a cut and what is made of it as one TorchScript module.
#include "graph.hpp"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/script.h>

#include <sstream>

#include "core/file.h"

namespace
{
// PyTorch runs the file. In 1.13 the backward pass of its GELU (oneDNN, float32) reads
// the gradient as if it lay in memory as the input does. x (1 + erf(x / sqrt 2)) / 2 has
// the same values, and the right gradient.
void write_out_gelu(jit::Graph &g)
{
    std::vector<jit::Node *> gelus;
    each_node(g.block(), [&](jit::Node *n) {
        if (n->kind() == jit::aten::gelu &&
            n->get<std::string>(jit::attr::approximate) == "none")
            gelus.push_back(n);
    });
    for (jit::Node *n : gelus) {
        const jit::WithInsertPoint here(n);
        jit::Value *x = n->input(0);
        jit::Value *scaled = g.insert(jit::aten::mul, {x, M_SQRT1_2});
        jit::Value *erf = g.insert(jit::aten::erf, {scaled});
        jit::Value *half = g.insert(jit::aten::mul, {x, 0.5});
        n->output()->replaceAllUsesWith(
            g.insert(jit::aten::mul, {half, g.insert(jit::aten::add, {erf, 1.0})}));
        n->destroy();
    }
}

// A module whose weights are buffers: constants would not follow .to() and .double().
struct exporter {
    jit::Module module = jit::Module("__torch__.IgdefDefended");
    std::unordered_map<const void *, std::string> buffers; // names, by tensor

    std::string buffer(const at::Tensor &t)
    {
        std::string &name = buffers[t.unsafeGetTensorImpl()];
        if (name.empty()) {
            name = "w" + std::to_string(buffers.size() - 1);
            module.register_buffer(name, t.contiguous());
        }
        return name;
    }

    void add_method(const char *name, const graph_ptr &half)
    {
        graph_ptr g = half->copy();
        write_out_gelu(*g);
        jit::Value *self = g->insertInput(0, "self")->setType(module.type());
        std::vector<jit::Node *> constants;
        each_node(g->block(), [&](jit::Node *n) {
            if (n->kind() == jit::prim::Constant)
                constants.push_back(n);
        });
        for (jit::Node *n : constants) {
            const auto value = jit::toIValue(n->output());
            if (!value || !value->isTensor() || !value->toTensor().defined())
                continue;
            const jit::WithInsertPoint here(n);
            const std::string attribute = buffer(value->toTensor());
            n->output()->replaceAllUsesWith(
                g->insertGetAttr(self, attribute)->setType(c10::TensorType::get()));
            n->destroy();
        }
        if (g->outputs().size() > 1) {
            jit::Node *tuple = g->createTuple(g->outputs());
            g->appendNode(tuple);
            while (!g->outputs().empty())
                g->eraseOutput(g->outputs().size() - 1);
            g->registerOutput(tuple->output());
        }
        g->lint();
        const c10::QualifiedName full(*module.type()->name(), name);
        module.type()->addMethod(
            module._ivalue()->compilation_unit()->create_function(full, g));
    }
};

// _prefix(x) in front of _unchecked(x), for a model whose asserts hold for one size.
std::string checked_prefix(const std::vector<int64_t> &sized)
{
    std::string test = "x.dim() == 4", text;
    for (size_t i = 0; i < sized.size(); i++) {
        const std::string length = std::to_string(sized[i]);
        test += " and x.size(" + std::to_string(i + 1) + ") == " + length;
        text += (i > 0 ? "x" : "") + length;
    }
    return "def _prefix(self, x):\n"
           "    assert " +
           test + ", \"the model's own checks hold for images of " + text +
           "\"\n"
           "    return self._unchecked(x)\n";
}
} // namespace

igd_status igd_cut_export(const igd_cut *c, const char *source, const char *const *names,
                          const igd_tensor *const *tensors, int num_tensors,
                          const char *path)
{
    // The archive is made in memory: libtorch ends the program where a disk is full, and
    // names the archive's folder after the file that it writes to.
    std::ostringstream archive;
    const igd_status st = attempt(path, [&] {
        if (c->outer_prefix != nullptr)
            throw refusal{IGD_EINVAL, "a model of callbacks is no TorchScript"};
        exporter e;
        e.add_method(c->sized.empty() ? "_prefix" : "_unchecked", c->prefix);
        if (!c->sized.empty())
            e.module.define(checked_prefix(c->sized));
        e.add_method("_suffix", c->suffix);
        for (int i = 0; i < num_tensors; i++)
            e.module.register_buffer(names[i], tensors[i]->value.detach().clone());
        e.module.register_attribute("training", c10::BoolType::get(), false);
        e.module.define(source);
        e.module.save(archive);
    });
    if (st != IGD_OK)
        return st;
    const std::string bytes = archive.str();
    return igd_file_write(path, bytes.data(), bytes.size());
}
