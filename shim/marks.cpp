// Owns the marks of a flat graph: their order and names, and those that no module makes.
#include "graph.hpp"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

using jit::Node;
using jit::Value;

namespace
{
const std::set<std::string> numbered_operations = words(
    "conv1d conv2d conv3d convolution linear addmm matmul bmm batch_norm "
    "layer_norm group_norm relu gelu silu leaky_relu hardswish hardtanh relu6 elu tanh "
    "sigmoid softmax add mul cat max_pool2d avg_pool2d adaptive_avg_pool2d mean flatten");
} // namespace

bool igd::is_mark(const Node *n)
{
    return n->kind() == mark_symbol();
}

int64_t igd::mark_id(const Node *n)
{
    return jit::toIValue(n->inputs()[1])->toInt();
}

void igd::erase_marks(const graph_ptr &g, const std::vector<int64_t> &keep)
{
    std::vector<Node *> found;
    each_node(g->block(), [&](Node *n) {
        if (is_mark(n) && std::find(keep.begin(), keep.end(), mark_id(n)) == keep.end())
            found.push_back(n);
    });
    for (Node *n : found) {
        n->output()->replaceAllUsesWith(n->input(0));
        n->destroy();
    }
}

Value *igd::insert_mark(igd_graph &out, Value *v, Node *before, mark m)
{
    jit::Graph *graph = before->owningGraph();
    const jit::WithInsertPoint here(before);
    m.id = static_cast<int64_t>(out.marks.size());
    Value *id = graph->insertConstant(m.id);
    Node *n = graph->insertNode(graph->create(mark_symbol(), {v, id}));
    n->output()->setType(v->type());
    out.marks.push_back(std::move(m));
    return n->output();
}

// Gives every mark of the cleaned graph an id of its own, in the order in which they run;
// unrolled loops have copied some, dead code has taken others.
void igd::number_marks(igd_graph &out, const graph_ptr &graph)
{
    std::vector<mark> kept;
    std::vector<bool> seen(out.marks.size(), false);
    std::map<std::pair<std::string, int>, int> calls; // by path and kind of place
    const auto place = [](const mark &m) {
        return std::make_pair(m.path, m.input ? -1 : m.element);
    };
    each_node(graph->block(), [&](Node *n) {
        if (!is_mark(n))
            return;
        const auto original = static_cast<size_t>(mark_id(n));
        mark m = out.marks.at(original);
        seen[original] = true;
        m.call = ++calls[place(m)];
        m.id = static_cast<int64_t>(kept.size());
        m.reason = why_no_cut(n);
        const jit::WithInsertPoint here(n);
        n->replaceInput(1, graph->insertConstant(m.id));
        kept.push_back(std::move(m));
    });
    for (size_t i = 0; i < out.marks.size(); i++) {
        mark &m = out.marks[i];
        if (seen[i] || m.input || calls.count(place(m)) > 0)
            continue;
        m.id = -1;
        m.call = 1;
        if (m.reason.empty())
            m.reason = "its output does not reach the result";
        calls[place(m)] = 1;
        kept.push_back(std::move(m));
    }
    for (mark &m : kept) {
        m.num_calls = calls[place(m)];
        m.label = m.path;
        if (m.input)
            m.label += ":input";
        else if (m.element > 0)
            m.label += ":" + std::to_string(m.element);
        // The bare name is that of special marks.
        if (m.num_calls > 1 || m.label == penultimate)
            m.label += "#" + std::to_string(m.call);
    }
    out.marks = std::move(kept);
    jit::EliminateDeadCode(graph);
}

// Frozen files have no modules; their operations are numbered instead.
void igd::mark_operations(igd_graph &out, const graph_ptr &graph)
{
    std::unordered_set<const Value *> depends = {graph->inputs()[0]};
    std::vector<std::pair<Node *, std::string>> found;
    for (Node *n : graph->nodes()) {
        bool any = false;
        for (const Value *v : n->inputs())
            any = any || depends.count(v) > 0;
        if (!any)
            continue;
        for (const Value *v : n->outputs())
            depends.insert(v);
        std::string name = n->kind().toUnqualString();
        if (!name.empty() && name.back() == '_' && name != "_")
            name.pop_back();
        if (numbered_operations.count(name) > 0 && n->outputs().size() == 1)
            found.emplace_back(n, n->kind().toUnqualString());
    }
    int number = 0;
    for (const auto &[node, name] : found) {
        const std::string label = "@" + std::to_string(++number);
        Value *v = node->output();
        mark m = {-1, label, name + " %" + v->debugName(), "", false, 0, 1, 1, label};
        Value *marked = insert_mark(out, v, node->next(), std::move(m));
        v->replaceAllUsesAfterNodeWith(marked->node(), marked);
    }
}
