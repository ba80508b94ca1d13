// Owns what depends on what in a flat graph: what the images change, and whether the
// result is affine in a layer's output.
#include "graph.hpp"

#include <torch/csrc/jit/ir/constants.h>

using jit::Block;
using jit::Node;
using jit::Value;

namespace
{
using names = std::set<std::string>;

// Affine in their first argument, the others constant.
const names affine_in_first = words(
    "mark view reshape _unsafe_view flatten unflatten permute transpose t squeeze "
    "unsqueeze "
    "select slice narrow index_select expand expand_as repeat contiguous clone alias "
    "chunk "
    "split split_with_sizes unbind ConstantChunk movedim swapaxes roll flip "
    "pixel_shuffle "
    "pixel_unshuffle mean sum avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
    "adaptive_avg_pool2d adaptive_avg_pool3d linear conv1d conv2d conv3d "
    "convolution conv_transpose1d conv_transpose2d conv_transpose3d div neg to type_as "
    "float "
    "constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d "
    "replication_pad2d "
    "upsample_bilinear2d upsample_nearest2d unchecked_cast __getitem__");
const names affine_in_all = words("add sub rsub cat stack ListConstruct TupleConstruct "
                                  "ListUnpack TupleUnpack TupleIndex");
const names products = words("mul matmul mm bmm addmm");
} // namespace

bool igd::is_shape_query(const Node *n)
{
    static const names queries =
        words("size dim len numel is_floating_point dtype device "
              "stride is_contiguous layout is_cuda");
    return queries.count(n->kind().toUnqualString()) > 0;
}

// The operation's name without namespace and without the mark of its in-place form.
std::string igd::plain_name(const Node *n)
{
    std::string name = n->kind().toUnqualString();
    if (name.size() > 1 && name.back() == '_' && name[name.size() - 2] != '_')
        name.pop_back();
    return name;
}

bool igd::writes_first(const Node *n)
{
    const auto *schema = n->maybeSchema();
    if (schema == nullptr || schema->arguments().empty())
        return false;
    const auto *alias = schema->arguments()[0].alias_info();
    return alias != nullptr && alias->isWrite();
}

value_set igd::depends_on(const graph_ptr &g, const Value *image)
{
    value_set from_input = {image};
    // Loops carry values back, so once is not enough for them.
    size_t known = 0;
    while (known != from_input.size()) {
        known = from_input.size();
        each_node(g->block(), [&](Node *n) {
            if (is_shape_query(n))
                return;
            bool any = false;
            for (const Value *v : n->inputs())
                any = any || from_input.count(v) > 0;
            for (Block *b : n->blocks())
                each_node(b, [&](Node *inner) {
                    for (const Value *v : inner->inputs())
                        any = any || (from_input.count(v) > 0 && !is_shape_query(inner));
                });
            for (Block *b : n->blocks())
                for (const Value *v : b->outputs())
                    any = any || from_input.count(v) > 0;
            if (!any)
                return;
            for (const Value *v : n->outputs())
                from_input.insert(v);
            for (Block *b : n->blocks())
                for (const Value *v : b->inputs())
                    from_input.insert(v);
            if (writes_first(n))
                from_input.insert(n->input(0));
        });
    }
    return from_input;
}

bool igd::affine_after(const igd_graph &g, const measurement &m,
                       const value_set &from_input, const std::vector<Node *> &marks,
                       const jit::AliasDb &aliases)
{
    value_set tainted;
    for (const Node *n : marks)
        tainted.insert(n->output());
    for (const Node *n = marks[0]->next(); n != g.flat->return_node(); n = n->next()) {
        std::vector<size_t> which;
        for (size_t i = 0; i < n->inputs().size(); i++)
            if (tainted.count(n->inputs()[i]) > 0)
                which.push_back(i);
        bool inside = false;
        for (const Block *b : n->blocks())
            each_node(const_cast<Block *>(b), [&](Node *inner) {
                for (const Value *v : inner->inputs())
                    inside = inside || tainted.count(v) > 0;
            });
        if (inside)
            return false;
        const std::string name = plain_name(n);
        if (which.empty() || is_shape_query(n))
            continue;
        bool others_fixed = true; // or the Jacobian would depend on the image
        for (size_t i = 0; i < n->inputs().size(); i++)
            if (tainted.count(n->inputs()[i]) == 0 &&
                from_input.count(n->inputs()[i]) > 0)
                others_fixed = false;
        bool fine = false;
        if (affine_in_all.count(name) > 0)
            fine = true;
        else if (affine_in_first.count(name) > 0)
            fine = which.size() == 1 && which[0] == 0 && others_fixed;
        else if (products.count(name) > 0)
            fine = which.size() == 1 && others_fixed;
        else if (name == "batch_norm") {
            const auto training = jit::toIValue(n->namedInput("training"));
            fine = which.size() == 1 && which[0] == 0 && others_fixed && training &&
                   training->isBool() && !training->toBool();
        }
        // Division may round, and conversion may be to integers.
        if (name == "div" && n->inputs().size() > 2)
            fine = false;
        for (const Value *v : n->outputs()) {
            const auto it = m.index.find(v);
            fine = fine && (it == m.index.end() || !m.integral[it->second]);
            tainted.insert(v);
        }
        if (!fine)
            return false;
        if (writes_first(n)) {
            const Value *target = n->inputs()[0];
            for (const auto &[v, place] : m.index)
                if (aliases.mayAlias(target, v))
                    tainted.insert(v);
        }
    }
    return tainted.count(g.flat->outputs()[0]) > 0;
}
