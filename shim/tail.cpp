// Owns what stands between a product and the result: whether each of the product's
// numbers is one class's.
#include "tail.hpp"

#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include <cmath>

#include "core/random.h"

using jit::Node;
using jit::Value;

namespace
{
const Value *unmarked(const Value *v)
{
    while (is_mark(v->node()))
        v = v->node()->input(0);
    return v;
}

// What follows a marked product, as a graph of the images and the product's output.
graph_ptr tail_behind(const igd_graph &g, const Node *marked)
{
    graph_ptr tail = g.flat->copy();
    Node *product = nullptr;
    each_node(tail->block(), [&](Node *n) {
        if (is_mark(n) && mark_id(n) == mark_id(marked))
            product = n->output()->uses().at(0).user;
    });
    TORCH_CHECK(product != nullptr, "a copied graph has no mark ", mark_id(marked));
    Value *given = tail->addInput()->setType(product->output()->type());
    product->output()->replaceAllUsesWith(given);
    erase_marks(tail, {});
    jit::EliminateDeadCode(
        tail, jit::DCESideEffectPolicy::ALLOW_DELETING_NODES_WITH_SIDE_EFFECTS);
    protect_inputs(tail);
    return tail;
}

// How far y is from a multiple of x.
double misses(const at::Tensor &x, const at::Tensor &y)
{
    const double square = x.dot(x).item<double>();
    const double scale = square > 0 ? x.dot(y).item<double>() / square : 0;
    return (y - scale * x).abs().max().item<double>();
}

// Whether the logits of an image but one are scaled and shifted all alike, as behind a
// softmax or a norm, if they move at all.
bool others_move_alike(const at::Tensor &before, const at::Tensor &after, int64_t one)
{
    const at::Tensor others = at::arange(before.numel()).ne(one);
    const at::Tensor a = before.masked_select(others), b = after.masked_select(others);
    const at::Tensor moved = b - a;
    const double limit =
        0.02 * moved.abs().max().item<double>() + 1e-4 * a.abs().max().item<double>();
    if (a.numel() > 2)
        return misses(a - a.mean(), b - b.mean()) <= limit;
    // Scale and shift together would fit any two.
    return misses(a, b) <= limit ||
           (moved - moved.mean()).abs().max().item<double>() <= limit;
}

// Which of an image's logits moves by itself when number `column` of a product rises; -1
// where none does.
int64_t find_moved(const at::Tensor &before, const at::Tensor &after, int64_t column)
{
    const at::Tensor moved = after - before;
    if (before.numel() == 2) { // one stays, or both go different ways
        const auto product = moved.prod().item<double>();
        return product == 0 ? column : product < 0 ? moved.argmax().item<int64_t>() : -1;
    }
    // Classes may stand in another order than the product's numbers.
    const auto most = (moved - moved.median()).abs().argmax().item<int64_t>();
    for (const int64_t one : {column, most})
        if (others_move_alike(before, after, one))
            return one;
    return -1;
}

// Whether a product's numbers, along an axis of its output, each move a logit of their
// own. Those that move none, or none that are finite, do not speak against it.
bool moves_single_logits(const igd_graph &g, const Node *marked, const int64_t shape[3],
                         const std::vector<int64_t> &lengths, size_t axis)
{
    constexpr int64_t most = 8; // numbers that are raised
    const at::NoGradGuard off;
    const jit::Code code(tail_behind(g, marked), "tail");
    const at::Tensor images = probe_images(g, shape, 3);
    at::Tensor given = at::empty(lengths, at::kFloat);
    const igd_stream stream = igd_stream_make(0, "product", 0, 0);
    igd_random_uniform(given.data_ptr<float>(), static_cast<size_t>(given.numel()),
                       &stream);
    given = 4 * given - 2;
    const auto run = [&](const at::Tensor &product) {
        const at::Tensor z = run_code(code, {images, product.to(g.device)})[0].toTensor();
        return z.to(at::kCPU).to(at::kDouble);
    };
    const at::Tensor before = run(given);
    std::set<std::pair<int64_t, int64_t>> found; // images and logits
    const int64_t width = lengths[axis], num = std::min(width, most);
    for (int64_t i = 0; i < num; i++) {
        const int64_t column = i * width / num;
        at::Tensor raised = given.clone();
        raised.select(static_cast<int64_t>(axis), column).add_(4);
        const at::Tensor after = run(raised);
        for (int64_t n = 0; n < before.size(0); n++) {
            const at::Tensor a = before[n], b = after[n];
            const double largest = at::max(a.abs().max(), b.abs().max()).item<double>();
            const double moved = (b - a).abs().max().item<double>();
            if (!std::isfinite(largest) || moved <= 1e-6 * largest)
                continue;
            const int64_t one = find_moved(a, b, column);
            if (one < 0 || !found.emplace(n, one).second)
                return false;
        }
    }
    return true;
}
} // namespace

std::string igd::layer_in_front(const igd_graph &g, const Node *marked)
{
    const Node *before = marked->input(0)->node();
    return is_mark(before)
               ? "; " + g.marks.at(static_cast<size_t>(mark_id(before))).label +
                     " is in front of it"
               : std::string();
}

std::string igd::why_mixed(const igd_graph &g, const int64_t shape[3],
                           const measurement &all, const Node *marked)
{
    const Value *product = marked->output()->uses().at(0).user->output();
    const Value *result = g.flat->outputs()[0];
    const auto from = all.index.find(product), to = all.index.find(result);
    if (unmarked(result) == product || from == all.index.end() || to == all.index.end())
        return "";
    const std::vector<int64_t> &lengths = all.three[from->second];
    const std::vector<int64_t> &row = all.three[to->second];
    const auto axis = class_axis(product->node(), marked->output(), lengths.size());
    if (row.size() != 2 || lengths.empty() || lengths[axis] < 2)
        return "";
    try {
        if (moves_single_logits(g, marked, shape, lengths, axis))
            return "";
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &e) {
        return "is not defined: what follows the last product does not run by itself: " +
               igd_exception_line(e);
    }
    return "is not defined: the last product does not give the logits, its numbers are "
           "mixed behind it" +
           layer_in_front(g, marked);
}
