// Splits a flat graph at a mark, runs both halves, and verifies that they are the whole.
#include "carried.hpp"

#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "core/random.h"

using jit::Block;
using jit::Node;
using jit::Value;

struct igd_carried : igd_held {
    std::vector<c10::IValue> values;
};

namespace
{
Node *find_node(const graph_ptr &g, int64_t id)
{
    Node *found = nullptr;
    each_node(g->block(), [&](Node *n) {
        if (is_mark(n) && mark_id(n) == id)
            found = n;
    });
    return found;
}

// Nodes that need no input, so that both halves can have them.
using node_set = std::unordered_set<const Node *>;
node_set fixed_nodes(const graph_ptr &g)
{
    const jit::AliasDb aliases(g);
    node_set fixed;
    for (Node *n : g->nodes()) {
        bool all = n->blocks().empty() && !n->hasSideEffects() && !draws(n);
        for (const Value *v : n->inputs())
            all = all && fixed.count(v->node()) > 0;
        for (const Value *v : n->outputs())
            all = all && !aliases.hasWriters(v);
        if (all)
            fixed.insert(n);
    }
    return fixed;
}

bool uses_any(Node *n, const std::unordered_set<const Value *> &values)
{
    for (const Value *v : n->inputs())
        if (values.count(v) > 0)
            return true;
    for (Block *b : n->blocks()) {
        for (Node *inner : b->nodes())
            if (uses_any(inner, values))
                return true;
        for (const Value *v : b->outputs())
            if (values.count(v) > 0)
                return true;
    }
    return false;
}

// Moves what does not depend on the activation in front of the mark: parallel branches
// then run once, not once per neuron.
void hoist(const graph_ptr &g, Node *at)
{
    std::unordered_set<const Value *> dependent = {at->output()};
    std::vector<Node *> free;
    for (Node *n = at->next(); n != g->return_node(); n = n->next()) {
        if (uses_any(n, dependent)) {
            for (const Value *v : n->outputs())
                dependent.insert(v);
        } else if (!n->hasSideEffects() && !draws(n)) {
            free.push_back(n);
        }
    }
    jit::AliasDb aliases(g);
    for (Node *n : free)
        aliases.moveBeforeTopologicallyValid(n, at);
}

// Values from before the mark that are used after it, in program order.
std::vector<Value *> carried_values(const graph_ptr &g, Node *at, const node_set &fixed)
{
    std::vector<Value *> found;
    const auto visit = [&](Value *v) {
        for (const jit::Use &use : v->uses()) {
            Node *user = use.user;
            while (user->owningBlock() != g->block())
                user = user->owningBlock()->owningNode();
            if (user == g->return_node() || user->isAfter(at)) {
                found.push_back(v);
                return;
            }
        }
    };
    for (Value *v : g->inputs())
        visit(v);
    for (Node *n = *g->nodes().begin(); n != at; n = n->next())
        if (fixed.count(n) == 0)
            for (Value *v : n->outputs())
                visit(v);
    return found;
}

void keep_prefix(const graph_ptr &g, int64_t id)
{
    Node *at = find_node(g, id);
    const std::vector<Value *> carried = carried_values(g, at, fixed_nodes(g));
    g->eraseOutput(0);
    g->registerOutput(at->input(0));
    for (Value *v : carried)
        g->registerOutput(v);
    for (Node *n = g->return_node()->prev();;) {
        Node *before = n->prev();
        const bool last = n == at;
        n->destroy();
        if (last)
            break;
        n = before;
    }
    jit::EliminateDeadCode(g);
    protect_inputs(g);
}

void keep_suffix(const graph_ptr &g, int64_t id)
{
    Node *at = find_node(g, id);
    const node_set fixed = fixed_nodes(g);
    const std::vector<Value *> carried = carried_values(g, at, fixed);
    Value *act = g->addInput("act")->setType(c10::TensorType::get());
    for (size_t i = 0; i < carried.size(); i++) {
        Value *in = g->addInput("c" + std::to_string(i))->setType(carried[i]->type());
        carried[i]->replaceAllUsesWith(in);
    }
    at->output()->replaceAllUsesWith(act);
    for (Node *n = at; n != g->param_node();) {
        Node *before = n->prev();
        if (fixed.count(n) == 0)
            n->destroy();
        n = before;
    }
    g->eraseInput(0);
    jit::EliminateDeadCode(g);
    protect_inputs(g);
}

void split(igd_cut &c, const igd_graph &g, const std::vector<int64_t> &ids)
{
    graph_ptr base = g.flat->copy();
    erase_marks(base, ids);
    give_form(base, c.form);
    const int64_t id = ids.size() > 1 ? static_cast<int64_t>(g.marks.size()) : ids[0];
    if (ids.size() > 1)
        join_marks(base, ids, c.parts, id);
    hoist(base, find_node(base, id));
    c.prefix = base->copy();
    keep_prefix(c.prefix, id);
    c.suffix = std::move(base);
    keep_suffix(c.suffix, id);
    c.prefix_code = compile(c.prefix, "prefix");
    c.suffix_code = compile(c.suffix, "suffix");
}

jit::Stack run_prefix(const igd_cut &c, const at::Tensor &x)
{
    const at::Tensor in = c.form.channels_last && x.dim() == 4
                              ? as_layout(x, at::MemoryFormat::ChannelsLast)
                              : x;
    return run_code(c.prefix_code, {in.to(c.device)});
}

at::Tensor run_suffix(const igd_cut &c, const at::Tensor &act,
                      const std::vector<c10::IValue> &carried)
{
    // Sums of another layout round differently, so the layout is always the same.
    const at::Tensor in = c.channels_last && act.dim() == 4
                              ? as_layout(act, at::MemoryFormat::ChannelsLast)
                              : act;
    jit::Stack stack = {in};
    stack.insert(stack.end(), carried.begin(), carried.end());
    return run_code(c.suffix_code, std::move(stack))[0].toTensor();
}

struct halves {
    at::Tensor act;
    std::vector<c10::IValue> carried;
};

halves take_prefix(const igd_cut &c, const at::Tensor &x)
{
    jit::Stack stack = run_prefix(c, x);
    halves h = {stack[0].toTensor(), {stack.begin() + 1, stack.end()}};
    return h;
}

at::Tensor take_suffix(const igd_cut &c, const halves &h)
{
    return run_suffix(c, h.act, h.carried);
}

halves change_halves(const igd_cut &c, const halves &h, const at::Tensor &rows)
{
    halves out = {change_rows(h.act, c.place.batch, rows), {}};
    for (size_t i = 0; i < h.carried.size(); i++)
        out.carried.push_back(change_value(h.carried[i], c.rules[i], rows));
    return out;
}

// Whether the suffix is affine with the same Jacobian for the three images of h, to which
// the values carried with them belong.
bool measures_affine(const igd_cut &c, const halves &h)
{
    const at::Tensor first = h.act.narrow(c.place.batch, 0, 1);
    const double scale = h.act.abs().max().item<double>() + 1e-3;
    const auto random = [&](int64_t which) { // both signs; the same for every image
        at::Tensor t = at::empty(first.sizes(), at::kFloat);
        const igd_stream stream = igd_stream_make(0, "affine", which, 0);
        igd_random_normal(t.data_ptr<float>(), static_cast<size_t>(t.numel()), &stream);
        return (t.to(c.device) * scale).expand_as(h.act).contiguous();
    };
    const at::Tensor p = random(0), q = random(1);
    const at::Tensor gp = run_suffix(c, p, h.carried), gq = run_suffix(c, q, h.carried);
    const at::Tensor mixed = run_suffix(c, p * 1.7 - q * 0.7, h.carried);
    const at::Tensor step = gp - gq;
    const auto limit = 1e-3 * step.abs().max().item<double>() +
                       1e-6 * (1 + gp.abs().max().item<double>());
    const double bend = (mixed - gp * 1.7 + gq * 0.7).abs().max().item<double>();
    const double spread = (step - step.narrow(0, 0, 1)).abs().max().item<double>();
    return bend <= limit && spread <= limit; // false for NaN too
}

// Whether both halves agree with the whole, again and for other batches.
void verify(igd_cut &c, const igd_graph &g, const int64_t shape[3])
{
    const at::NoGradGuard off;
    const at::Tensor x = probe_images(g, shape, 3);
    const at::Tensor whole = run_graph(g, x);
    const bool deterministic = whole.equal(run_graph(g, x));
    const auto wrong = [](const char *text) { return refusal{IGD_EINVAL, text}; };

    (void)take_prefix(c, x); // the first run is slower
    const halves h = take_prefix(c, x);
    c.channels_last = c.form.channels_last && h.act.dim() == 4 &&
                      !h.act.is_contiguous() &&
                      h.act.is_contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor z = take_suffix(c, h);
    const at::Tensor again = take_suffix(c, h);
    if (deterministic && !agree(whole, z, c.tolerance))
        throw wrong("splitting the model there changes its logits");
    if (deterministic && !z.equal(again))
        throw wrong("the part after it gives another result when it runs again");

    const halves pair = take_prefix(c, x.narrow(0, 0, 2));
    if (pair.carried.size() != h.carried.size())
        throw wrong("what crosses the cut changes with the number of images");
    for (size_t i = 0; i < h.carried.size(); i++)
        c.rules.push_back(find_rule(pair.carried[i], h.carried[i]));
    const halves one = take_prefix(c, x.narrow(0, 0, 1));
    if (deterministic && !agree(whole.narrow(0, 0, 1), take_suffix(c, one), c.tolerance))
        throw wrong("splitting the model there changes the logits of a single image");

    c.tiles = deterministic;
    for (const carried_rule &rule : c.rules)
        c.tiles = c.tiles && !is_stuck(rule);
    if (c.tiles) {
        const at::Tensor some = at::tensor({2, 0, 1, 1}, at::kLong).to(c.device);
        const at::Tensor twice = at::tensor({0, 0, 1, 1, 2, 2}, at::kLong).to(c.device);
        try {
            for (const at::Tensor &rows : {some, twice})
                c.tiles = c.tiles &&
                          agree(z.index_select(0, rows),
                                take_suffix(c, change_halves(c, h, rows)), c.tolerance);
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception &) { // shapes that only fit the prefix's batch
            c.tiles = false;
        }
    }
    c.affine = c.place.affine && deterministic && measures_affine(c, h);
}

igd_carried *carry(igd_scope *s, std::vector<c10::IValue> values)
{
    auto *carried = new igd_carried;
    carried->free = [](igd_held *held) { delete static_cast<igd_carried *>(held); };
    carried->values = std::move(values);
    igd_scope_hold(s, carried);
    return carried;
}

// eval(), for what gives carried values instead of a tensor.
template <class F>
igd_carried *eval_carried(igd_scope *s, const char *op, const igd_carried *carried,
                          F f) noexcept
{
    igd_carried *out = nullptr;
    if (carried == nullptr)
        igd_scope_fail(s, igd_scope_ok(s)
                              ? igd_error(IGD_EINVAL, "%s: missing values", op)
                              : s->status);
    if (carried == nullptr || !igd_scope_ok(s))
        return nullptr;
    s->status = attempt(op, [&] {
        const at::AutoGradMode mode(s->grad);
        std::vector<c10::IValue> values;
        for (size_t i = 0; i < carried->values.size(); i++)
            values.push_back(f(i, carried->values[i]));
        out = carry(s, std::move(values));
    });
    return out;
}

at::Tensor neuron_mask(const igd_cut &c, const at::Tensor &mask, int64_t dims)
{
    std::vector<int64_t> shape(static_cast<size_t>(dims), 1);
    shape.at(static_cast<size_t>(c.place.batch)) = mask.size(0);
    shape.at(static_cast<size_t>(c.place.neuron)) = mask.size(1);
    return (c.place.batch < c.place.neuron ? mask : mask.t()).reshape(shape);
}
// A layer's name and, after a tilde, the axis of its neurons.
struct layer_name {
    std::string path, suffix;
    int axis; // -1 where none is named
};

layer_name parse_name(const std::string &name)
{
    const size_t tilde = name.rfind('~');
    const size_t digits = tilde == std::string::npos ? 0 : name.size() - tilde - 1;
    if (digits < 1 || digits > 2 ||
        name.find_first_not_of("0123456789", tilde + 1) != std::string::npos)
        return {name, "", -1};
    return {name.substr(0, tilde), name.substr(tilde), std::stoi(name.substr(tilde + 1))};
}

// Takes the neurons' axis from the user, who knows what no operation tells.
void choose_axis(axes &place, int axis, const std::string &what)
{
    const auto num_axes = static_cast<int>(place.shape.size());
    if (axis >= num_axes)
        throw refusal{IGD_EINVAL, what + "its activation has no axis " +
                                      std::to_string(axis) + ", only 0 to " +
                                      std::to_string(num_axes - 1)};
    if (axis == place.batch)
        throw refusal{IGD_EINVAL,
                      what + "axis " + std::to_string(axis) + " is that of the images"};
    place.neuron = axis;
    place.guessed = false;
}

// The places that a layer's name means, one or several with commas between.
struct chosen {
    std::vector<int64_t> ids; // of their marks
    std::vector<axes> places;
    std::string label;
    bool affine = false; // by the operations after them
};

chosen choose_places(const igd_graph &g, const int64_t shape[3], const std::string &names,
                     const std::string &what)
{
    chosen all;
    for (size_t start = 0; start <= names.size();) {
        const size_t end = std::min(names.find(',', start), names.size());
        const layer_name name = parse_name(names.substr(start, end - start));
        start = end + 1;
        const mark &m = find_mark(g, name.path);
        axes place = list_layers(g, shape).places.at(static_cast<size_t>(m.id));
        if (!place.reason.empty())
            throw refusal{IGD_EINVAL, what + place.reason};
        if (name.axis >= 0)
            choose_axis(place, name.axis, what);
        if (std::find(all.ids.begin(), all.ids.end(), m.id) != all.ids.end())
            throw refusal{IGD_EINVAL, what + "it names '" + m.label + "' twice"};
        all.ids.push_back(m.id);
        all.label += (all.label.empty() ? "" : ",") + m.label + name.suffix;
        all.places.push_back(std::move(place));
    }
    all.affine =
        all.ids.size() > 1 ? joint_is_affine(g, shape, all.ids) : all.places[0].affine;
    return all;
}
} // namespace

igd_status igd_cut_new(igd_cut **out, const igd_graph *g, const char *layer,
                       const int64_t shape[3])
{
    *out = nullptr;
    const igd_status st = attempt(g->path.c_str(), [&] {
        const std::string what = "cannot cut at '" + std::string(layer) + "': ";
        const chosen at = choose_places(*g, shape, layer, what);
        // A form that suits the whole may not suit its halves.
        std::vector<graph_form> forms = {g->form};
        if (g->form.channels_last)
            forms.push_back({g->form.folded, false});
        if (g->form.folded)
            forms.push_back({false, false});
        for (size_t i = 0; i < forms.size(); i++) {
            auto c = std::make_unique<igd_cut>();
            c->name = g->path + ": " + at.label;
            c->device = g->device;
            c->code = g->code;
            c->form = forms[i];
            c->tolerance = g->tolerance;
            c->parts = join_places(at.places);
            c->place = at.ids.size() > 1 ? c->parts.place : at.places[0];
            c->place.affine = at.affine;
            if (g->sized)
                c->sized = {shape[0], shape[1], shape[2]};
            c->num_neurons = c->place.shape[static_cast<size_t>(c->place.neuron)];
            const bool last = i + 1 == forms.size();
            try {
                split(*c, *g, at.ids);
                verify(*c, *g, shape);
            } catch (const std::bad_alloc &) {
                throw;
            } catch (const refusal &r) {
                if (last)
                    throw refusal{r.status, what + r.text};
                continue;
            } catch (const std::exception &e) {
                if (last)
                    throw refusal{IGD_ETORCH, what + igd_exception_line(e)};
                continue;
            }
            for (size_t j = 0; j < c->rules.size(); j++)
                c->carried_text += ", c" + std::to_string(j);
            *out = c.release();
            return;
        }
    });
    return st;
}

void igd_cut_free(igd_cut *c)
{
    delete c;
}

int64_t igd_cut_num_neurons(const igd_cut *c)
{
    return c->num_neurons;
}

int igd_cut_num_layers(const igd_cut *c)
{
    return static_cast<int>(c->parts.neurons.size());
}

const int64_t *igd_cut_layer_neurons(const igd_cut *c)
{
    return c->parts.neurons.data();
}

int igd_cut_batch_axis(const igd_cut *c)
{
    return c->place.batch;
}

int igd_cut_neuron_axis(const igd_cut *c)
{
    return c->place.neuron;
}

int igd_cut_num_dims(const igd_cut *c)
{
    return static_cast<int>(c->place.shape.size());
}

bool igd_cut_is_affine(const igd_cut *c)
{
    return c->affine;
}

bool igd_cut_tiles(const igd_cut *c)
{
    return c->tiles;
}

int igd_cut_num_carried(const igd_cut *c)
{
    return static_cast<int>(c->rules.size());
}

const char *igd_cut_carried_text(const igd_cut *c)
{
    return c->carried_text.c_str();
}

igd_tensor *igt_prefix(igd_scope *s, const igd_cut *c, const igd_tensor *x,
                       igd_carried **carried)
{
    *carried = nullptr;
    return eval(s, "prefix", {x}, [&] {
        if (c->outer_prefix != nullptr) {
            *carried = carry(s, {});
            return external_value(*c->outer_prefix, x->value);
        }
        halves h = take_prefix(*c, x->value);
        *carried = carry(s, std::move(h.carried));
        return h.act;
    });
}

igd_status igd_cut_new_external(igd_cut **out, const char *layer,
                                const igd_external *prefix, const igd_external *suffix)
{
    *out = nullptr;
    return guarded("cut", [&] {
        auto c = std::make_unique<igd_cut>();
        c->name = layer;
        c->place.batch = 0;
        c->place.neuron = 1;
        c->place.shape = {1};
        c->place.shape.insert(c->place.shape.end(), prefix->shape,
                              prefix->shape + prefix->num_dims);
        c->num_neurons = prefix->shape[0];
        c->parts.neurons = {c->num_neurons};
        c->tiles = true; // a row of the program's depends on nothing else
        c->outer_prefix = prefix;
        c->outer_suffix = suffix;
        *out = c.release();
    });
}

igd_tensor *igt_suffix(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                       const igd_carried *carried)
{
    return eval(s, "suffix", {act}, [&] {
        if (c->outer_suffix != nullptr)
            return external_value(*c->outer_suffix, act->value);
        const size_t given = carried == nullptr ? 0 : carried->values.size();
        TORCH_CHECK(given == c->rules.size(), "needs ", c->rules.size(),
                    " carried values, got ", given);
        return run_suffix(*c, act->value,
                          given > 0 ? carried->values : std::vector<c10::IValue>());
    });
}

igd_carried *igt_carried_rows(igd_scope *s, const igd_cut *c, const igd_carried *carried,
                              const igd_tensor *indices)
{
    return eval_carried(s, "rows", indices == nullptr ? nullptr : carried,
                        [&](size_t i, const c10::IValue &v) {
                            return change_value(v, c->rules.at(i), indices->value);
                        });
}

igd_carried *igt_carried_keep(igd_scope *s, const igd_carried *carried)
{
    return eval_carried(s, "keep", carried, [&](size_t, const c10::IValue &v) {
        return s->grad ? v
                       : map_tensors(v, [](const at::Tensor &t) { return t.detach(); });
    });
}

igd_tensor *igt_cut_rows(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                         const igd_tensor *indices)
{
    return eval(s, "rows", {act, indices},
                [&] { return change_rows(act->value, c->place.batch, indices->value); });
}

igd_tensor *igt_mask_neurons(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                             const igd_tensor *mask)
{
    return eval(s, "mask", {act, mask}, [&] {
        return act->value * neuron_mask(*c, mask->value, act->value.dim());
    });
}

igd_tensor *igt_pool_neurons(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                             bool max)
{
    return eval(s, "pool", {act}, [&] {
        std::vector<int64_t> positions;
        for (int64_t i = 0; i < act->value.dim(); i++)
            if (i != c->place.batch && i != c->place.neuron)
                positions.push_back(i);
        if (c->parts.padded) {
            std::vector<at::Tensor> parts;
            int64_t first = 0;
            for (size_t i = 0; i < c->parts.neurons.size(); i++) {
                const at::Tensor own = act->value.narrow(1, first, c->parts.neurons[i])
                                           .narrow(2, 0, c->parts.positions[i]);
                parts.push_back(max ? own.amax(2) : own.mean(2));
                first += c->parts.neurons[i];
            }
            return at::cat(parts, 1);
        }
        const at::Tensor pooled = positions.empty() ? act->value
                                  : max             ? act->value.amax(positions)
                                                    : act->value.mean(positions);
        return c->place.batch < c->place.neuron ? pooled : pooled.t();
    });
}
