// Owns where a result comes from: the products with fixed weights that are the last to
// reach it, and the layer `penultimate` in front of the one that yields the logits.
#include "tail.hpp"

#include <torch/csrc/jit/ir/constants.h>

using jit::Block;
using jit::Node;
using jit::Value;

namespace
{
bool is_list(const Node *n)
{
    return n->kind() == jit::prim::ListConstruct;
}

// Of inputs begin .. end-1, the first that comes from the images, where others do not; -1
// where all do or none.
int one_of(const Node *n, size_t begin, size_t end, const value_set &from_images)
{
    int found = -1;
    bool fixed = false;
    for (size_t i = end; i-- > begin;)
        if (from_images.count(n->input(i)) > 0)
            found = static_cast<int>(i);
        else
            fixed = true;
    return fixed ? found : -1;
}

// Follows a value back to the images, to the last operation with weights on each way.
struct follower {
    const graph_ptr &graph;
    const value_set &from_images;
    jit::AliasDb aliases;
    std::vector<Node *> writers; // operations that write to their first input
    value_set seen;
    result_sources found;

    follower(const graph_ptr &g, const value_set &from)
        : graph(g), from_images(from), aliases(g)
    {
        each_node(g->block(), [&](Node *n) {
            if (writes_first(n))
                writers.push_back(n);
        });
    }

    bool depends(const Value *v) const
    {
        return from_images.count(v) > 0;
    }

    void visit_all(at::ArrayRef<Value *> values)
    {
        for (Value *v : values)
            visit(v);
    }

    // What enters and leaves the blocks of a branch or a loop.
    void visit_blocks(Node *n)
    {
        visit_all(n->inputs());
        for (Block *b : n->blocks())
            visit_all(b->outputs());
    }

    void visit(Value *v)
    {
        if (!depends(v) || !seen.insert(v).second)
            return;
        Node *n = v->node();
        if (aliases.hasWriters(v))
            for (Node *w : writers)
                if (aliases.mayAlias(w->input(0), v))
                    follow(w);
        if (n->kind() == jit::prim::Param) {
            if (n->owningBlock() == graph->block())
                found.direct = true;
            else
                visit_blocks(n->owningBlock()->owningNode());
        } else if (!n->blocks().empty()) {
            for (Block *b : n->blocks())
                visit_all(b->outputs());
            if (n->kind() == jit::prim::Loop) // the conditions of branches give no values
                visit_all(n->inputs().slice(2));
        } else {
            follow(n);
        }
    }

    void follow(Node *n)
    {
        if (data_input(n, from_images) < 0) {
            visit_all(n->inputs());
            return;
        }
        if (std::find(found.last.begin(), found.last.end(), n) == found.last.end())
            found.last.push_back(n);
        if (n->kind() == jit::aten::addmm) // what is added may come from images, too
            visit(n->input(0));
    }
};

// A kernel of one position; where the image has one as well, a product.
bool is_pointwise(const Node *n)
{
    const Value *weight = n->input(1);
    const auto value = jit::toIValue(weight);
    if (!value || !value->isTensor() || value->toTensor().dim() < 3)
        return false;
    const at::Tensor &t = value->toTensor();
    for (int64_t i = 2; i < t.dim(); i++)
        if (t.size(i) != 1)
            return false;
    const c10::FunctionSchema *schema = n->maybeSchema();
    const auto at = schema != nullptr ? schema->argumentIndexWithName("groups") : -1;
    if (!at || *at < 0)
        return false;
    const auto groups = jit::toIValue(n->input(static_cast<size_t>(*at)));
    return groups && groups->isInt() && groups->toInt() == 1;
}

// The name of the place in front of an operation; marks it where no module does.
std::string name_input(igd_graph &out, Node *n, const value_set &from_images, int number,
                       int num)
{
    auto place = static_cast<size_t>(data_input(n, from_images));
    Node *taker = n;
    if (is_list(n->input(place)->node())) {
        taker = n->input(place)->node();
        place =
            static_cast<size_t>(one_of(taker, 0, taker->inputs().size(), from_images));
    }
    Value *taken = taker->input(place);
    const Node *before = taken->node();
    if (is_mark(before)) {
        const mark &m = out.marks.at(static_cast<size_t>(mark_id(before)));
        if (m.input)
            return m.label;
    }
    std::string label = "product";
    if (num > 1)
        label += "#" + std::to_string(number);
    mark m = {-1,  "product", n->kind().toUnqualString(), why_no_cut(n), false, 0, number,
              num, label};
    taker->replaceInput(place, insert_mark(out, taken, taker, std::move(m)));
    return label;
}

// The names of all places where a mask can stand in for `penultimate`.
std::string name_inputs(igd_graph &out, const std::vector<Node *> &nodes,
                        const value_set &from_images)
{
    constexpr int most = 8;
    std::string text;
    int number = 0;
    for (Node *n : nodes) {
        const std::string name =
            name_input(out, n, from_images, ++number, static_cast<int>(nodes.size()));
        if (number <= most)
            text += (text.empty() ? "" : ", ") + name;
    }
    if (number > most)
        text += " and " + std::to_string(number - most) + " more";
    return text;
}

std::string kind_of_input(const igd_graph &out, const Node *n)
{
    for (const jit::Use &use : n->output()->uses())
        if (is_mark(use.user)) {
            const mark &m = out.marks.at(static_cast<size_t>(mark_id(use.user)));
            if (m.id >= 0 && !m.input &&
                m.path[0] != '@') // the module whose product it is
                return "input of " + m.path;
        }
    return is_convolution(n) ? "input of the last convolution"
                             : "input of the last product";
}
} // namespace

int igd::data_input(const Node *n, const value_set &from_images)
{
    static const auto first =
        words("linear lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell "
              "rnn_relu_cell");
    static const auto either =
        words("matmul mm bmm mv inner tensordot cdist cosine_similarity");
    const std::string name = n->kind().toUnqualString();
    if (first.count(name) > 0 || is_convolution(n))
        return from_images.count(n->input(0)) > 0 ? 0 : -1;
    if (name == "addmm" || name == "baddbmm")
        return one_of(n, 1, 3, from_images);
    if (name == "bilinear") // two factors and the weight
        return one_of(n, 0, 3, from_images);
    if (name == "einsum" && is_list(n->input(1)->node())) {
        const Node *factors = n->input(1)->node();
        return one_of(factors, 0, factors->inputs().size(), from_images) < 0 ? -1 : 1;
    }
    return either.count(name) > 0 ? one_of(n, 0, 2, from_images) : -1;
}

result_sources igd::find_sources(const graph_ptr &graph, Value *result,
                                 const value_set &from_images)
{
    follower f(graph, from_images);
    f.visit(result);
    std::sort(f.found.last.begin(), f.found.last.end(),
              [](const Node *a, const Node *b) { return a->isBefore(b); });
    return std::move(f.found);
}

bool igd::is_linear_product(const Node *n)
{
    static const auto products = words("linear addmm matmul mm");
    return products.count(n->kind().toUnqualString()) > 0 ||
           (is_convolution(n) && is_pointwise(n));
}

void igd::mark_penultimate(igd_graph &out, const graph_ptr &graph)
{
    const value_set from_images = depends_on(graph, graph->inputs()[0]);
    const result_sources sources = find_sources(graph, graph->outputs()[0], from_images);
    const std::vector<Node *> &last = sources.last;
    mark m = {-1, penultimate, "", "", true, 0, 1, 1, penultimate, true};
    if (last.size() == 1 && !sources.direct && is_linear_product(last[0])) {
        Node *n = last[0];
        const auto place = static_cast<size_t>(data_input(n, from_images));
        m.kind = kind_of_input(out, n);
        m.reason = why_no_cut(n);
        n->replaceInput(place, insert_mark(out, n->input(place), n, std::move(m)));
        return;
    }
    const std::string names = name_inputs(out, last, from_images);
    m.kind = "input of the last product";
    m.reason = "is not defined: ";
    if (last.empty())
        m.reason += "no product with fixed weights reaches the result";
    else if (last.size() > 1)
        m.reason += std::to_string(last.size()) + " products reach the result, with " +
                    names + " in front of them; name one, or several with commas " +
                    "between";
    else if (sources.direct)
        m.reason +=
            "the result does not come from the product behind " + names + " alone";
    else
        m.reason += "the result comes from '" +
                    std::string(last[0]->kind().toUnqualString()) +
                    "', not from one linear product; " + names + " is in front of it";
    out.marks.push_back(std::move(m));
}

size_t igd::class_axis(const Node *product, const Value *factor, size_t rank)
{
    if (is_convolution(product))
        return 1;
    // A weight on the left leaves the images their columns.
    const bool left =
        product->input(1) == factor && product->kind() != jit::aten::addmm && rank > 1;
    return rank - (left ? 2 : 1);
}

std::string igd::why_not_penultimate(const igd_graph &g, const measurement &all,
                                     const Node *marked)
{
    const Node *n = marked->output()->uses().at(0).user;
    const auto length_of = [&](const Value *v) {
        const auto it = all.index.find(v);
        return it == all.index.end() ? std::vector<int64_t>() : all.three[it->second];
    };
    const auto in = length_of(marked->output()), result = length_of(g.flat->outputs()[0]);
    const auto width = length_of(n->output());
    if (result.empty() || width.empty())
        return "";
    const bool convolution = is_convolution(n);
    for (size_t i = 2; convolution && i < in.size(); i++)
        if (in[i] != 1)
            return "is not defined: the result comes from a convolution at several "
                   "positions, not from one linear product" +
                   layer_in_front(g, marked);
    const int64_t given = width.at(class_axis(n, marked->output(), width.size()));
    return given == result.back()
               ? ""
               : "is not defined: the last product gives " + std::to_string(given) +
                     " numbers, the result has " + std::to_string(result.back());
}
