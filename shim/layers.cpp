// Finds layers by name and lists them.
#include "tail.hpp"

#include <algorithm>
#include <cstring>

#include "core/nearest.h"
#include "core/random.h"

using jit::Node;

namespace
{
std::unique_ptr<layer_list> make_list(const igd_graph &g, const int64_t shape[3])
{
    auto list = std::make_unique<layer_list>();
    const measurement all = measure(g, shape);
    const std::vector<int> neuron_axes = find_neuron_axes(g, all);
    const value_set from_input = depends_on(g.flat, g.flat->inputs()[0]);
    const jit::AliasDb aliases(g.flat);
    list->places.resize(g.marks.size());
    each_node(g.flat->block(), [&](Node *n) {
        if (!is_mark(n))
            return;
        axes &place = list->places.at(static_cast<size_t>(mark_id(n)));
        place = describe(all, neuron_axes, n);
        const bool special = g.marks[static_cast<size_t>(mark_id(n))].special;
        if (special && place.reason.empty())
            place.reason = why_not_penultimate(g, all, n);
        if (special && place.reason.empty())
            place.reason = why_mixed(g, shape, all, n);
        place.affine =
            place.reason.empty() && affine_after(g, all, from_input, {n}, aliases);
    });
    list->labels.reserve(g.marks.size());
    list->reasons.reserve(g.marks.size());
    for (const mark &m : g.marks) {
        if (m.input && !m.special)
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
        l.batch_axis = std::max(place.batch, 0);
        l.neuron_axis = place.neuron;
        l.axis_guessed = place.guessed;
        if (place.neuron >= 0 && place.neuron < l.num_dims)
            l.num_neurons = l.shape[place.neuron];
        l.affine = place.affine;
        l.penultimate = m.special && l.reason == nullptr;
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

at::Tensor igd::probe_images(const igd_graph &g, const int64_t shape[3], int64_t n)
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

const layer_list &igd::list_layers(const igd_graph &g, const int64_t shape[3])
{
    const std::lock_guard<std::mutex> hold(g.lock);
    auto &list = g.lists[{shape[0], shape[1], shape[2]}];
    if (list == nullptr)
        list = make_list(g, shape);
    return *list;
}

const mark &igd::find_mark(const igd_graph &g, const std::string &name)
{
    std::string path = name;
    const std::string call = take_suffix(path, '#'), part = take_suffix(path, ':');
    // A module of that name is found with a part or a call alone.
    const bool named = std::any_of(g.marks.begin(), g.marks.end(), [](const mark &m) {
        return m.path == penultimate && !m.special;
    });
    const bool special =
        path == penultimate && (!named || (call.empty() && part.empty()));
    const bool input = part == "input" || special;
    const int wanted_call = call.empty() ? 0 : parse_count(call, name);
    const int element = part.empty() || input ? -1 : parse_count(part, name);
    const mark *first = nullptr, *found = nullptr;
    for (const mark &m : g.marks) {
        if (m.path != path || m.input != input || m.special != special)
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
