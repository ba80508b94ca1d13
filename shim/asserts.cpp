// Owns the model's own checks: assert and raise in its code.
//
// They stay in force, but their conditions keep values alive and in place, which would
// prevent batch norms from being folded and branches from being shared. So each becomes a
// bare branch that raises, and then
// - one that asks for the shape or type of the images moves to the front of the graph;
// - one that asks for shapes behind it leaves the graph, and a copy that has it is run
//   once for every shape of images;
// - one that asks for values stays where it is.
#include "graph.hpp"

#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/lower_tuples.h>
#include <torch/csrc/jit/passes/peephole.h>

using jit::Block;
using jit::Node;
using jit::Value;

namespace
{
bool raises(const Block *block)
{
    for (const Node *n : block->nodes()) {
        if (n->kind() == jit::prim::RaiseException)
            return true;
        if (n->kind() == jit::prim::If && raises(n->blocks()[0]) &&
            raises(n->blocks()[1]))
            return true;
    }
    return false;
}

bool is_empty(const Block *block)
{
    return block->nodes().begin() == block->nodes().end();
}

// A branch of which one side raises and the other does nothing.
bool is_assert(const Node *n)
{
    return n->kind() == jit::prim::If && n->outputs().empty() &&
           ((raises(n->blocks()[0]) && is_empty(n->blocks()[1])) ||
            (raises(n->blocks()[1]) && is_empty(n->blocks()[0])));
}

// Whether it is only asked how many axes a list of sizes has.
bool only_counted(const Node *n)
{
    for (const jit::Use &use : n->output()->uses())
        if (use.user->kind() != jit::aten::len)
            return false;
    return n->inputs().size() == 1;
}

// What the condition of an assert is computed from.
struct condition {
    const value_set &images; // the images and what has their shape
    const value_set &from_images;
    std::vector<Node *> nodes; // in the order in which they run
    std::unordered_set<const Node *> seen;
    bool of_values = false; // of images or what comes from them
    bool of_inner = false;  // of shapes other than those of the images
    bool of_type = false;   // of the type of the images
    bool of_sizes = false;  // of such shapes' lengths, not only of their number of axes

    void visit(Value *v)
    {
        Node *n = v->node();
        if (n->owningBlock() != n->owningGraph()->block())
            return; // what encloses it is visited with all that is in it
        if (n->kind() == jit::prim::Param) {
            of_values = of_values || images.count(v) > 0;
            return;
        }
        of_values = of_values || from_images.count(v) > 0;
        if (of_values || !seen.insert(n).second)
            return;
        visit_inputs(n);
        nodes.push_back(n);
    }

    void visit_inputs(Node *n)
    {
        const bool query =
            is_shape_query(n) && !n->inputs().empty() && is_tensor(n->input(0));
        if (query && images.count(n->input(0)) == 0 &&
            from_images.count(n->input(0)) > 0) {
            static const auto counts =
                words("dim dtype device is_floating_point is_cuda");
            of_inner = true;
            of_sizes = of_sizes || (counts.count(n->kind().toUnqualString()) == 0 &&
                                    !only_counted(n));
        }
        of_type = of_type || (query && n->kind() == jit::prim::dtype);
        for (size_t i = query ? 1 : 0; i < n->inputs().size(); i++)
            visit(n->input(i));
        for (Block *b : n->blocks()) {
            for (Node *inner : b->nodes())
                visit_inputs(inner);
            for (Value *v : b->outputs())
                visit(v);
        }
    }
};

// Copies an assert, and what its condition is computed from, in front of a node.
void copy_to(Node *before, const condition &c, Node *assertion, Value *image,
             const value_set &images)
{
    jit::Graph *g = before->owningGraph();
    std::unordered_map<Value *, Value *> copies;
    const auto mapped = [&](Value *v) {
        if (images.count(v) > 0)
            return image;
        const auto it = copies.find(v);
        return it == copies.end() ? v : it->second;
    };
    std::vector<Node *> nodes = c.nodes;
    nodes.push_back(assertion);
    for (Node *n : nodes) {
        Node *copy = g->createClone(n, mapped);
        copy->insertBefore(before);
        for (size_t i = 0; i < n->outputs().size(); i++)
            copies[n->outputs()[i]] = copy->outputs()[i];
    }
}
} // namespace

void igd::extract_asserts(graph_ptr graph)
{
    for (bool changed = true; changed;) {
        changed = false;
        std::vector<Node *> found;
        for (Node *n : graph->nodes())
            if (n->kind() == jit::prim::If && !is_assert(n) &&
                raises(n->blocks()[0]) != raises(n->blocks()[1]))
                found.push_back(n);
        for (Node *n : found) {
            const bool first = raises(n->blocks()[0]);
            const jit::WithInsertPoint here(n);
            Node *bare = graph->insertNode(graph->create(jit::prim::If, 0));
            bare->addInput(n->input());
            for (const bool side : {true, false}) {
                Block *b = bare->addBlock();
                if (side != first)
                    continue;
                b->cloneFrom(n->blocks()[first ? 0 : 1], [](Value *v) { return v; });
                while (!b->outputs().empty())
                    b->eraseOutput(b->outputs().size() - 1);
            }
            n->replaceInput(0, graph->insertConstant(!first));
            changed = true;
        }
        if (changed)
            jit::ConstantPropagation(graph); // takes the other side into the graph
    }
}

void igd::settle_asserts(igd_graph &out, graph_ptr graph, Value *normalised)
{
    Value *image = graph->inputs()[0];
    value_set images = {image};
    if (normalised != nullptr)
        images.insert(normalised);
    const value_set from_images = depends_on(graph, image);
    std::vector<Node *> gone;
    Node *front = *graph->nodes().begin();
    for (Node *n : graph->nodes()) {
        if (!is_assert(n))
            continue;
        condition c = {images, from_images, {}, {}};
        c.visit_inputs(n); // its message's as well
        out.typed = out.typed || c.of_type;
        if (c.of_values)
            continue;
        if (!c.of_inner)
            copy_to(front, c, n, image, images);
        else
            out.sized = out.sized || c.of_sizes;
        gone.push_back(n);
        out.shape_asserts = out.shape_asserts || c.of_inner;
    }
    if (out.shape_asserts) {
        graph_ptr copy = graph->copy();
        erase_marks(copy, {});
        protect_inputs(copy);
        out.checked = compile(copy, "checked");
    }
    for (Node *n : gone)
        n->destroy();
    jit::EliminateDeadCode(graph);
    jit::PeepholeOptimize(graph);
    jit::LowerSimpleTuples(graph);
    jit::ConstantPooling(graph);
    jit::EliminateDeadCode(graph);
}
