// Owns the cut at several layers at once: their outputs side by side as one activation.
//
// Layers whose outputs differ in their numbers of neurons alone are joined along the axis
// of the neurons. Others become [N, neurons, positions], filled up with zeros behind the
// positions of those that have fewer.
#include "graph.hpp"

#include <numeric>

using jit::Node;
using jit::Value;

namespace
{
bool alike(const axes &a, const axes &b)
{
    if (a.batch != b.batch || a.neuron != b.neuron || a.shape.size() != b.shape.size())
        return false;
    for (size_t i = 0; i < a.shape.size(); i++)
        if (static_cast<int>(i) != a.neuron && a.shape[i] != b.shape[i])
            return false;
    return true;
}

int64_t positions_of(const axes &a)
{
    return std::accumulate(a.shape.begin(), a.shape.end(), int64_t{1},
                           std::multiplies<int64_t>()) /
           a.shape[static_cast<size_t>(a.neuron)];
}

// The axes of an activation with images and neurons in front.
std::vector<int64_t> turned_axes(const axes &a)
{
    std::vector<int64_t> order = {a.batch, a.neuron};
    for (int i = 0; i < static_cast<int>(a.shape.size()); i++)
        if (i != a.batch && i != a.neuron)
            order.push_back(i);
    return order;
}

std::vector<int64_t> inverse(const std::vector<int64_t> &order)
{
    std::vector<int64_t> back(order.size());
    for (size_t i = 0; i < order.size(); i++)
        back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
    return back;
}

// [N, K, positions], with zeros up to `width` of them.
Value *spread(jit::Graph &g, Value *v, const axes &a, int64_t width)
{
    const int64_t K = a.shape[static_cast<size_t>(a.neuron)];
    Value *turned = g.insert(jit::aten::permute, {v, turned_axes(a)});
    Value *flat = g.insert(jit::aten::reshape,
                           {turned, std::vector<int64_t>{-1, K, positions_of(a)}});
    return g.insert(jit::aten::constant_pad_nd,
                    {flat, std::vector<int64_t>{0, width - positions_of(a)}, 0});
}

Value *gather(jit::Graph &g, Value *part, const axes &a)
{
    const std::vector<int64_t> order = turned_axes(a);
    std::vector<int64_t> lengths = {-1};
    for (size_t i = 1; i < order.size(); i++)
        lengths.push_back(a.shape[static_cast<size_t>(order[i])]);
    Value *own = g.insert(jit::aten::narrow, {part, 2, 0, positions_of(a)});
    Value *turned = g.insert(jit::aten::reshape, {own, lengths});
    return g.insert(jit::aten::permute, {turned, inverse(order)});
}

Node *find_mark_node(const graph_ptr &g, int64_t id)
{
    Node *found = nullptr;
    each_node(g->block(), [&](Node *n) {
        if (is_mark(n) && mark_id(n) == id)
            found = n;
    });
    return found;
}

bool reaches(const Node *from, Node *to)
{
    value_set tainted = {from->output()};
    for (Node *n = from->next(); n != from->owningGraph()->return_node(); n = n->next()) {
        bool any = false;
        const auto look = [&](Node *m) {
            for (const Value *v : m->inputs())
                any = any || tainted.count(v) > 0;
        };
        look(n);
        for (jit::Block *b : n->blocks())
            each_node(b, look);
        if (any && n == to)
            return true;
        if (any)
            for (const Value *v : n->outputs())
                tainted.insert(v);
    }
    return false;
}
} // namespace

joint igd::join_places(const std::vector<axes> &places)
{
    joint j;
    j.padded = false;
    for (const axes &a : places) {
        j.padded = j.padded || !alike(a, places[0]);
        j.place.guessed = j.place.guessed || a.guessed;
        j.width = std::max(j.width, positions_of(a));
    }
    int64_t K = 0;
    for (const axes &a : places) {
        j.neurons.push_back(a.shape[static_cast<size_t>(a.neuron)]);
        j.positions.push_back(positions_of(a));
        K += j.neurons.back();
    }
    j.place.batch = j.padded ? 0 : places[0].batch;
    j.place.neuron = j.padded ? 1 : places[0].neuron;
    j.place.shape = j.padded ? std::vector<int64_t>{1, K, j.width} : places[0].shape;
    j.place.shape[static_cast<size_t>(j.place.neuron)] = K;
    j.parts = places;
    return j;
}

bool igd::joint_is_affine(const igd_graph &g, const int64_t shape[3],
                          const std::vector<int64_t> &ids)
{
    const measurement all = measure(g, shape);
    const value_set from_images = depends_on(g.flat, g.flat->inputs()[0]);
    const jit::AliasDb aliases(g.flat);
    std::vector<Node *> nodes;
    for (const int64_t id : ids)
        nodes.push_back(find_mark_node(g.flat, id));
    std::sort(nodes.begin(), nodes.end(),
              [](const Node *a, const Node *b) { return a->isBefore(b); });
    return affine_after(g, all, from_images, nodes, aliases);
}

void igd::join_marks(const graph_ptr &g, const std::vector<int64_t> &ids, const joint &j,
                     int64_t joint_id)
{
    std::vector<Node *> marks, sorted;
    for (const int64_t id : ids)
        marks.push_back(find_mark_node(g, id));
    sorted = marks;
    std::sort(sorted.begin(), sorted.end(),
              [](const Node *a, const Node *b) { return a->isBefore(b); });
    for (size_t i = 0; i < sorted.size(); i++)
        for (size_t k = i + 1; k < sorted.size(); k++)
            if (reaches(sorted[i], sorted[k]))
                throw refusal{IGD_EINVAL, "one of the layers comes after another; layers "
                                          "that are masked at once lie side by side"};
    // Each goes behind the next one, with what is made from it.
    Node *last = sorted.back();
    for (size_t i = sorted.size() - 1; i-- > 0;) {
        jit::AliasDb aliases(g);
        if (!aliases.moveAfterTopologicallyValid(sorted[i], last))
            throw refusal{IGD_EINVAL,
                          "an operation between the layers writes in place, or "
                          "draws or prints"};
        last = sorted[i];
    }
    const jit::WithInsertPoint here(last->next());
    std::vector<Value *> parts;
    for (size_t i = 0; i < marks.size(); i++)
        parts.push_back(j.padded ? spread(*g, marks[i]->input(0), j.parts[i], j.width)
                                 : marks[i]->input(0));
    Node *list = g->insertNode(g->createList(c10::TensorType::get(), parts));
    Value *all = g->insert(jit::aten::cat, {list->output(), j.place.neuron});
    Value *id = g->insertConstant(joint_id);
    Node *joined = g->insertNode(g->create(mark_symbol(), {all, id}));
    int64_t first = 0;
    for (size_t i = 0; i < marks.size(); i++) {
        Value *part = g->insert(jit::aten::narrow,
                                {joined->output(), j.place.neuron, first, j.neurons[i]});
        first += j.neurons[i];
        marks[i]->output()->replaceAllUsesWith(j.padded ? gather(*g, part, j.parts[i])
                                                        : part);
    }
    for (Node *n : marks)
        n->destroy();
    g->lint();
}
