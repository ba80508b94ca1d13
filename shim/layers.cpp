// Finds layers by name, and what there is to know about each: batch axis, neuron axis,
// shape, and whether what follows is affine.
#include "graph.hpp"

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "core/nearest.h"
#include "core/random.h"

using jit::Block;
using jit::Node;
using jit::Value;

namespace
{
using names = std::set<std::string>;
using sizes = std::vector<int64_t>;

const names convolutions = words("conv1d conv2d conv3d _convolution convolution "
                                 "conv_transpose1d conv_transpose2d conv_transpose3d");
const names channel_norms = words("batch_norm group_norm instance_norm");
const names shape_queries =
    words("size dim len numel is_floating_point dtype device stride "
          "is_contiguous layout is_cuda");
// Affine in their first argument, the others constant.
const names affine_in_first = words(
    "mark view reshape _unsafe_view flatten unflatten permute transpose t squeeze "
    "unsqueeze "
    "select slice narrow index_select expand expand_as repeat contiguous clone alias "
    "chunk "
    "split split_with_sizes unbind ConstantChunk movedim swapaxes roll flip "
    "pixel_shuffle "
    "pixel_unshuffle mean sum avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
    "adaptive_avg_pool2d adaptive_avg_pool3d linear conv1d conv2d conv3d _convolution "
    "convolution conv_transpose1d conv_transpose2d conv_transpose3d div neg to type_as "
    "float "
    "constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d "
    "replication_pad2d "
    "upsample_bilinear2d upsample_nearest2d unchecked_cast __getitem__");
const names affine_in_all = words("add sub rsub cat stack ListConstruct TupleConstruct "
                                  "ListUnpack TupleUnpack TupleIndex");
const names products = words("mul matmul mm bmm addmm");

// The operation's name without namespace and without the mark of its in-place form.
std::string plain_name(const Node *n)
{
    std::string name = n->kind().toUnqualString();
    if (name.size() > 1 && name.back() == '_' && name[name.size() - 2] != '_')
        name.pop_back();
    return name;
}

bool writes_first(const Node *n)
{
    const auto *schema = n->maybeSchema();
    if (schema == nullptr || schema->arguments().empty())
        return false;
    const auto *alias = schema->arguments()[0].alias_info();
    return alias != nullptr && alias->isWrite();
}

bool is_tensor(const Value *v)
{
    return v->type()->isSubtypeOf(*c10::TensorType::get());
}

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

struct analysis {
    const igd_graph &g;
    std::unordered_map<const Value *, size_t> index;
    std::vector<sizes> two,
        three; // shapes of every tensor for so many images; may be empty
    std::vector<bool> integral;
    std::vector<int> label; // neuron axis of every tensor, -1 unknown
    std::unordered_set<const Value *> from_input; // values that the images change
    bool changed = false;

    explicit analysis(const igd_graph &graph) : g(graph)
    {
    }
    void measure(const int64_t shape[3]);
    void spread();
    axes describe(Node *m) const;
    void find_input_dependence();
    bool affine_after(const Node *m, const jit::AliasDb &aliases) const;

  private:
    const sizes *shape_of(const Value *v) const;
    int axis_of(const Value *v) const;
    void set(const Value *v, int axis);
    void pass_on(const Value *from, const Value *to);
    void forward(Node *n);
    void backward(Node *n);
    void relate(Node *n, bool forwards);
    bool relate_shaping(Node *n, const std::string &name, bool forwards);
};

void analysis::measure(const int64_t shape[3])
{
    const std::vector<Value *> values = tensors_of(g.flat);
    for (size_t i = 0; i < values.size(); i++)
        index[values[i]] = i;
    two.resize(values.size());
    three.resize(values.size());
    integral.resize(values.size());
    label.assign(values.size(), -1);

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
    for (auto *shapes : {&two, &three}) {
        const mark_sink sink;
        run_code(code, {probe_images(g, shape, shapes == &two ? 2 : 3)});
        for (const auto &[id, found] : sink.shapes)
            if (id >= first_id)
                shapes->at(static_cast<size_t>(id - first_id)) = found;
        for (const int64_t id : sink.integral)
            if (id >= first_id)
                integral.at(static_cast<size_t>(id - first_id)) = true;
    }
}

const sizes *analysis::shape_of(const Value *v) const
{
    const auto it = index.find(v);
    return it == index.end() || three[it->second].empty() ? nullptr : &three[it->second];
}

int analysis::axis_of(const Value *v) const
{
    const auto it = index.find(v);
    return it == index.end() ? -1 : label[it->second];
}

void analysis::set(const Value *v, int axis)
{
    const auto it = index.find(v);
    if (it == index.end() || label[it->second] >= 0)
        return;
    const auto rank = static_cast<int>(three[it->second].size());
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
void analysis::pass_on(const Value *from, const Value *to)
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
bool analysis::relate_shaping(Node *n, const std::string &name, bool forwards)
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

void analysis::relate(Node *n, bool forwards)
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

    if (convolutions.count(name) > 0) {
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
void analysis::spread()
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

axes analysis::describe(Node *m) const
{
    axes a;
    const size_t i = index.at(m->output());
    const sizes &s2 = two[i], &s3 = three[i];
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
    a.neuron = label[i];
    if (a.neuron < 0 || a.neuron == a.batch) {
        a.guessed = true;
        a.neuron = rank <= 3 || a.batch != 0 ? rank - 1 : 1;
    }
    if (a.reason.empty() && rank < 2)
        a.reason = "its output has no axis of neurons";
    else if (a.reason.empty() && rank > 6)
        a.reason = "its output has more than 6 axes";
    else if (a.reason.empty() && integral[i])
        a.reason = "its output is of integers";
    return a;
}

void analysis::find_input_dependence()
{
    from_input.insert(g.flat->inputs()[0]);
    // Loops carry values back, so once is not enough for them.
    size_t known = 0;
    while (known != from_input.size()) {
        known = from_input.size();
        each_node(g.flat->block(), [&](Node *n) {
            if (shape_queries.count(plain_name(n)) > 0)
                return;
            bool any = false;
            for (const Value *v : n->inputs())
                any = any || from_input.count(v) > 0;
            for (Block *b : n->blocks())
                each_node(b, [&](Node *inner) {
                    for (const Value *v : inner->inputs())
                        any = any || from_input.count(v) > 0;
                });
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
}

// Whether the result is affine in a mark's output, by the operations between.
bool analysis::affine_after(const Node *m, const jit::AliasDb &aliases) const
{
    std::unordered_set<const Value *> tainted = {m->output()};
    for (const Node *n = m->next(); n != g.flat->return_node(); n = n->next()) {
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
        if (which.empty() || shape_queries.count(name) > 0)
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
            const auto it = index.find(v);
            fine = fine && (it == index.end() || !integral[it->second]);
            tainted.insert(v);
        }
        if (!fine)
            return false;
        if (writes_first(n)) {
            const Value *target = n->inputs()[0];
            for (const auto &[v, place] : index)
                if (aliases.mayAlias(target, v))
                    tainted.insert(v);
        }
    }
    return tainted.count(g.flat->outputs()[0]) > 0;
}

std::unique_ptr<layer_list> make_list(const igd_graph &g, const int64_t shape[3])
{
    auto list = std::make_unique<layer_list>();
    analysis a(g);
    a.measure(shape);
    a.spread();
    a.find_input_dependence();
    const jit::AliasDb aliases(g.flat);
    list->places.resize(g.marks.size());
    each_node(g.flat->block(), [&](Node *n) {
        if (!is_mark(n))
            return;
        axes &place = list->places.at(static_cast<size_t>(mark_id(n)));
        place = a.describe(n);
        place.affine = place.reason.empty() && a.affine_after(n, aliases);
    });
    list->labels.reserve(g.marks.size());
    list->reasons.reserve(g.marks.size());
    for (const mark &m : g.marks) {
        if (m.input && m.path != "penultimate")
            continue; // can be cut too, but would double the list
        const axes none;
        const axes &place = m.id < 0 ? none : list->places.at(static_cast<size_t>(m.id));
        igd_layer l = {};
        list->labels.push_back(m.label);
        list->reasons.push_back(m.id < 0 ? m.reason : place.reason);
        l.path = list->labels.back().c_str();
        l.kind = m.kind.c_str();
        l.reason = list->reasons.back().empty() ? nullptr : list->reasons.back().c_str();
        l.num_dims = static_cast<int>(std::min<size_t>(place.shape.size(), 6));
        std::copy_n(place.shape.begin(), l.num_dims, l.shape);
        l.neuron_axis = place.neuron;
        l.axis_guessed = place.guessed;
        if (place.neuron >= 0 && place.neuron < l.num_dims)
            l.num_neurons = l.shape[place.neuron];
        l.affine = place.affine;
        l.penultimate = m.path == "penultimate";
        list->layers.push_back(l);
    }
    return list;
}

bool ends_with_path(const std::string &path, const std::string &tail)
{
    return path.size() > tail.size() + 1 && path[path.size() - tail.size() - 1] == '.' &&
           path.compare(path.size() - tail.size(), tail.size(), tail) == 0;
}

// What to say about a name that no mark has.
[[noreturn]] void refuse_name(const igd_graph &g, const std::string &path)
{
    std::string parts;
    for (const mark &m : g.marks)
        if (!m.input && m.path.rfind(path + ".", 0) == 0 &&
            m.path.find('.', path.size() + 1) == std::string::npos)
            parts += (parts.empty() ? "" : ", ") + m.label;
    if (std::find(g.modules.begin(), g.modules.end(), path) != g.modules.end()) {
        if (!parts.empty())
            throw refusal{IGD_EINVAL, "layer '" + path +
                                          "' is never called itself; cut at one of " +
                                          parts};
        throw refusal{IGD_EINVAL, "layer '" + path + "' is in the file but never runs"};
    }
    if (path == "penultimate")
        throw refusal{IGD_EINVAL,
                      "no layer 'penultimate': the result does not come from a "
                      "linear layer"};
    std::vector<const char *> known;
    const char *guess = nullptr;
    for (const mark &m : g.marks) {
        known.push_back(m.path.c_str());
        if (guess == nullptr &&
            (ends_with_path(m.path, path) || ends_with_path(path, m.path)))
            guess = m.path.c_str();
    }
    if (guess == nullptr)
        guess = igd_nearest(path.c_str(), known.data(), static_cast<int>(known.size()));
    throw refusal{
        IGD_EINVAL,
        "no layer '" + path + "'" +
            (guess != nullptr ? "; did you mean '" + std::string(guess) + "'?" : "")};
}

// Takes ":rest" or "#rest" off the end of a name.
std::string take_suffix(std::string &name, char separator)
{
    const size_t at = name.find(separator);
    if (at == std::string::npos)
        return "";
    const size_t end = name.find_first_of(":#", at + 1);
    const size_t length = (end == std::string::npos ? name.size() : end) - at;
    const std::string rest = name.substr(at + 1, length - 1);
    name.erase(at, length);
    return rest;
}

int parse_count(const std::string &text, const std::string &name)
{
    if (text.empty() || text.size() > 6 ||
        text.find_first_not_of("0123456789") != std::string::npos)
        throw refusal{IGD_EINVAL, "layer '" + name + "': '" + text + "' is not a number"};
    return std::stoi(text);
}
} // namespace

at::Tensor probe_images(const igd_graph &g, const int64_t shape[3], int64_t n)
{
    at::Tensor images = at::empty({n, shape[0], shape[1], shape[2]}, at::kFloat);
    const auto pixels = static_cast<size_t>(images.numel() / std::max<int64_t>(n, 1));
    for (int64_t i = 0; i < n; i++) { // image i is the same whatever n
        const igd_stream stream = igd_stream_make(0, "probe", i, 0);
        igd_random_uniform(images.data_ptr<float>() + static_cast<size_t>(i) * pixels,
                           pixels, &stream);
    }
    return images.to(g.device);
}

const layer_list &list_layers(const igd_graph &g, const int64_t shape[3])
{
    const std::lock_guard<std::mutex> hold(g.lock);
    auto &list = g.lists[{shape[0], shape[1], shape[2]}];
    if (list == nullptr)
        list = make_list(g, shape);
    return *list;
}

const mark &find_mark(const igd_graph &g, const std::string &name)
{
    std::string path = name;
    const std::string call = take_suffix(path, '#'), part = take_suffix(path, ':');
    const bool input = part == "input" || path == "penultimate";
    const int wanted_call = call.empty() ? 0 : parse_count(call, name);
    const int element = part.empty() || input ? -1 : parse_count(part, name);
    const mark *first = nullptr, *found = nullptr;
    for (const mark &m : g.marks) {
        if (m.path != path || m.input != input)
            continue;
        if (first == nullptr)
            first = &m;
        if (found == nullptr && (element < 0 || m.element == element) &&
            (wanted_call == 0 || m.call == wanted_call))
            found = &m;
    }
    if (first == nullptr)
        refuse_name(g, path);
    if (wanted_call == 0 && first->num_calls > 1)
        throw refusal{IGD_EINVAL, "layer '" + path + "' is called " +
                                      std::to_string(first->num_calls) +
                                      " times; say which: " + path + "#1 .. " + path +
                                      "#" + std::to_string(first->num_calls)};
    if (found == nullptr)
        throw refusal{IGD_EINVAL, "layer '" + path + "' has no such " +
                                      (element < 0 ? "call" : "element") + " as '" +
                                      name + "'"};
    if (found->id < 0 || !found->reason.empty())
        throw refusal{IGD_EINVAL, "cannot cut at '" + name + "': it " + found->reason};
    return *found;
}

igd_status igd_graph_layers(const igd_graph *g, const int64_t shape[3],
                            const igd_layer **layers, int *num)
{
    *layers = nullptr;
    *num = 0;
    return attempt(g->path.c_str(), [&] {
        const layer_list &list = list_layers(*g, shape);
        *layers = list.layers.data();
        *num = static_cast<int>(list.layers.size());
    });
}
