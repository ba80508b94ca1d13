// Owns what the axes of a layer's output mean: measures every tensor of a flat graph for
// two numbers of images, and finds the axis of the neurons by the operations around it.
#include "graph.hpp"

#include <torch/csrc/jit/ir/constants.h>

using jit::Block;
using jit::Node;
using jit::Value;

namespace
{
using names = std::set<std::string>;
using sizes = std::vector<int64_t>;

const names channel_norms = words("batch_norm group_norm instance_norm");

std::string shape_text(const sizes &shape)
{
    std::string text;
    for (const int64_t n : shape)
        text += (text.empty() ? "" : "x") + std::to_string(n);
    return text.empty() ? "one number" : text;
}

// Every tensor of a graph, in program order: the same for a graph and its copies.
std::vector<Value *> tensors_of(const graph_ptr &g)
{
    std::vector<Value *> found;
    each_node(g->block(), [&](Node *n) {
        if (n->kind() == jit::prim::Constant || n->kind() == jit::prim::Uninitialized)
            return;
        for (Value *v : n->outputs())
            if (is_tensor(v))
                found.push_back(v);
    });
    return found;
}

struct finder {
    const igd_graph &g;
    const measurement &m;
    std::vector<int> label; // neuron axis of every tensor, -1 unknown
    bool changed = false;

    finder(const igd_graph &graph, const measurement &measured)
        : g(graph), m(measured), label(measured.two.size(), -1)
    {
    }
    void spread();

  private:
    const sizes *shape_of(const Value *v) const;
    int axis_of(const Value *v) const;
    void set(const Value *v, int axis);
    void pass_on(const Value *from, const Value *to);
    void relate(Node *n, bool forwards);
    bool relate_shaping(Node *n, const std::string &name, bool forwards);
};

const sizes *finder::shape_of(const Value *v) const
{
    const auto it = m.index.find(v);
    return it == m.index.end() || m.three[it->second].empty() ? nullptr
                                                              : &m.three[it->second];
}

int finder::axis_of(const Value *v) const
{
    const auto it = m.index.find(v);
    return it == m.index.end() ? -1 : label[it->second];
}

void finder::set(const Value *v, int axis)
{
    const auto it = m.index.find(v);
    if (it == m.index.end() || label[it->second] >= 0)
        return;
    const auto rank = static_cast<int>(m.three[it->second].size());
    if (axis < 0 || axis >= rank)
        return;
    label[it->second] = axis;
    changed = true;
}

// The axis of `to` that holds what axis `axis` of `from` does, after a change of shape
// that keeps the order of elements: as long, with as many elements before it.
int reshaped_axis(const sizes &from, const sizes &to, int axis)
{
    int64_t before = 1;
    for (int i = 0; i < axis; i++)
        before *= from[static_cast<size_t>(i)];
    int64_t product = 1;
    for (size_t i = 0; i < to.size(); i++) {
        if (product == before && to[i] == from[static_cast<size_t>(axis)])
            return static_cast<int>(i);
        product *= to[i];
    }
    return -1;
}

// Elementwise and sliding operations keep the axis; operands align at their ends.
void finder::pass_on(const Value *from, const Value *to)
{
    const sizes *a = shape_of(from), *b = shape_of(to);
    const int axis = axis_of(from);
    if (a == nullptr || b == nullptr || axis < 0)
        return;
    const auto moved = axis + static_cast<int>(b->size()) - static_cast<int>(a->size());
    if (moved >= 0 && moved < static_cast<int>(b->size()) &&
        a->at(static_cast<size_t>(axis)) == b->at(static_cast<size_t>(moved)))
        set(to, moved);
}

int wrapped(int64_t axis, size_t rank)
{
    return static_cast<int>(axis < 0 ? axis + static_cast<int64_t>(rank) : axis);
}

// Operations that move axes. Returns whether n is one of them.
bool finder::relate_shaping(Node *n, const std::string &name, bool forwards)
{
    static const names shaping =
        words("view reshape _unsafe_view flatten unflatten squeeze unsqueeze permute "
              "transpose t select mean sum amax");
    if (shaping.count(name) == 0)
        return false;
    const Value *x = n->input(0), *y = n->outputs()[0];
    const sizes *in = shape_of(x), *out = shape_of(y);
    if (in == nullptr || out == nullptr)
        return true;
    const size_t rank = in->size();
    std::vector<int> source; // of each axis of y, the axis of x that it is
    const auto second =
        n->inputs().size() > 1 ? jit::toIValue(n->input(1)) : c10::nullopt;
    if (name == "permute") {
        if (!second || !second->isIntList())
            return true;
        for (const int64_t axis : second->toIntVector())
            source.push_back(wrapped(axis, rank));
    } else if (name == "transpose" || name == "t") {
        for (size_t i = 0; i < rank; i++)
            source.push_back(static_cast<int>(i));
        int a = 0, b = static_cast<int>(rank) - 1;
        if (name == "transpose") {
            const auto third = jit::toIValue(n->input(2));
            if (!second || !third || !second->isInt() || !third->isInt())
                return true;
            a = wrapped(second->toInt(), rank);
            b = wrapped(third->toInt(), rank);
        }
        std::swap(source.at(static_cast<size_t>(a)), source.at(static_cast<size_t>(b)));
    } else if (name == "select" || name == "mean" || name == "sum" || name == "amax") {
        std::set<int> gone;
        if (second && second->isInt())
            gone.insert(wrapped(second->toInt(), rank));
        else if (second && second->isIntList())
            for (const int64_t axis : second->toIntVector())
                gone.insert(wrapped(axis, rank));
        else
            return true;
        for (size_t i = 0; i < rank; i++) {
            if (gone.count(static_cast<int>(i)) == 0)
                source.push_back(static_cast<int>(i));
            else if (out->size() == rank)
                source.push_back(-1);
        }
    } else {
        if (forwards && axis_of(x) >= 0)
            set(y, reshaped_axis(*in, *out, axis_of(x)));
        if (!forwards && axis_of(y) >= 0)
            set(x, reshaped_axis(*out, *in, axis_of(y)));
        return true;
    }
    if (source.size() != out->size())
        return true;
    for (size_t i = 0; i < source.size(); i++) {
        if (forwards && source[i] >= 0 && source[i] == axis_of(x))
            set(y, static_cast<int>(i));
        if (!forwards && static_cast<int>(i) == axis_of(y))
            set(x, source[i]);
    }
    return true;
}

void finder::relate(Node *n, bool forwards)
{
    const std::string name = plain_name(n);
    if (n->kind() == jit::prim::If) {
        for (Block *b : n->blocks())
            for (size_t i = 0; i < n->outputs().size(); i++)
                forwards ? pass_on(b->outputs()[i], n->outputs()[i])
                         : pass_on(n->outputs()[i], b->outputs()[i]);
        return;
    }
    if (n->inputs().empty() || n->outputs().empty() || !n->blocks().empty())
        return;
    const auto rank = [&](const Value *v) {
        const sizes *s = shape_of(v);
        return s == nullptr ? 0 : static_cast<int>(s->size());
    };
    const Value *x = n->input(0), *y = n->outputs()[0];

    if (is_convolution(n)) {
        const auto weight = jit::toIValue(n->input(1));
        const int dims = weight && weight->isTensor()
                             ? static_cast<int>(weight->toTensor().dim())
                             : rank(n->input(1));
        set(forwards ? y : x, rank(forwards ? y : x) - dims + 1);
        return;
    }
    if (channel_norms.count(name) > 0) {
        set(forwards ? y : x, 1);
        return;
    }
    const bool constant =
        n->inputs().size() > 1 && n->input(1)->node()->kind() == jit::prim::Constant;
    if (name == "linear" || name == "layer_norm" ||
        ((name == "matmul" || name == "mm") && constant)) {
        set(forwards ? y : x, rank(forwards ? y : x) - 1);
        return;
    }
    if ((name == "matmul" || name == "mm") &&
        n->input(0)->node()->kind() == jit::prim::Constant) {
        const Value *v = forwards ? y : n->input(1); // weights on the left
        set(v, rank(v) - 2);
        return;
    }
    if (name == "addmm") {
        set(forwards ? y : n->input(1), 1);
        return;
    }
    if (name == "embedding") {
        set(y, rank(y) - 1);
        return;
    }
    if (name == "matmul" || name == "mm" || name == "bmm" ||
        relate_shaping(n, name, forwards))
        return;
    if (name == "cat" && x->node()->kind() == jit::prim::ListConstruct) {
        for (const Value *part : x->node()->inputs())
            if (axis_of(forwards ? part : y) >= 0 && rank(part) == rank(y))
                set(forwards ? y : part, axis_of(forwards ? part : y));
        return;
    }
    for (const Value *in : n->inputs())
        for (const Value *out : n->outputs())
            forwards ? pass_on(in, out) : pass_on(out, in);
}

// Neuron axes, from the operations that say theirs to those that only keep them.
void finder::spread()
{
    std::vector<Node *> nodes;
    each_node(g.flat->block(), [&](Node *n) { nodes.push_back(n); });
    for (int sweep = 0; sweep < 4; sweep++) {
        changed = false;
        for (Node *n : nodes)
            relate(n, true);
        for (auto it = nodes.rbegin(); it != nodes.rend(); ++it)
            relate(*it, false);
        if (!changed)
            break;
    }
}
} // namespace

measurement igd::measure(const igd_graph &g, const int64_t shape[3])
{
    measurement m;
    const std::vector<Value *> values = tensors_of(g.flat);
    for (size_t i = 0; i < values.size(); i++)
        m.index[values[i]] = i;
    m.two.resize(values.size());
    m.three.resize(values.size());
    m.integral.resize(values.size());

    graph_ptr copy = g.flat->copy();
    const std::vector<Value *> copied = tensors_of(copy);
    constexpr int64_t first_id = 1 << 30; // above the graph's own marks
    for (size_t i = 0; i < copied.size(); i++) {
        Value *v = copied[i];
        const jit::WithInsertPoint here(v->node()->next());
        Value *id = copy->insertConstant(first_id + static_cast<int64_t>(i));
        Node *n = copy->insertNode(copy->create(mark_symbol(), {v, id}));
        n->output()->setType(v->type());
        v->replaceAllUsesAfterNodeWith(n, n->output());
    }
    protect_inputs(copy);
    const jit::Code code(copy, "probe");
    const at::NoGradGuard off;
    for (auto *shapes : {&m.two, &m.three}) {
        const mark_sink sink;
        run_code(code, {probe_images(g, shape, shapes == &m.two ? 2 : 3)});
        for (const auto &[id, found] : sink.shapes)
            if (id >= first_id)
                shapes->at(static_cast<size_t>(id - first_id)) = found;
        for (const int64_t id : sink.integral)
            if (id >= first_id)
                m.integral.at(static_cast<size_t>(id - first_id)) = true;
    }
    return m;
}

std::vector<int> igd::find_neuron_axes(const igd_graph &g, const measurement &m)
{
    finder f(g, m);
    f.spread();
    return std::move(f.label);
}

axes igd::describe(const measurement &all, const std::vector<int> &neuron_axes,
                   const Node *m)
{
    axes a;
    const size_t i = all.index.at(m->output());
    const sizes &s2 = all.two[i], &s3 = all.three[i];
    a.reason = why_no_cut(m);
    if (s2.empty() && s3.empty() && a.reason.empty())
        a.reason = "its output is one number or is not computed";
    a.shape = s2;
    if (s2.size() != s3.size()) {
        a.reason = "its number of axes changes with the number of images";
        return a;
    }
    int moving = 0;
    for (size_t j = 0; j < s2.size(); j++)
        if (s2[j] != s3[j]) {
            moving++;
            a.batch = static_cast<int>(j);
        }
    if (moving != 1 || s2[static_cast<size_t>(a.batch)] != 2 ||
        s3[static_cast<size_t>(a.batch)] != 3) {
        if (a.reason.empty())
            a.reason = "its images have no axis of their own: 2 give " + shape_text(s2) +
                       ", 3 give " + shape_text(s3);
        a.batch = -1;
        return a;
    }
    a.shape[static_cast<size_t>(a.batch)] = 1;
    const int rank = static_cast<int>(s2.size());
    a.neuron = neuron_axes[i];
    if (a.neuron < 0 || a.neuron == a.batch) {
        a.guessed = true;
        a.neuron = rank <= 3 || a.batch != 0 ? rank - 1 : 1;
    }
    if (a.reason.empty() && rank < 2)
        a.reason = "its output has no axis of neurons";
    else if (a.reason.empty() && rank > 6)
        a.reason = "its output has more than 6 axes";
    else if (a.reason.empty() && all.integral[i])
        a.reason = "its output is of integers";
    return a;
}
