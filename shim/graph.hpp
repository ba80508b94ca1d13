// What the C++ files behind cut.h share: the flattened graph, its marks and the tools to
// run and take it apart.
#ifndef IGD_SHIM_GRAPH_HPP
#define IGD_SHIM_GRAPH_HPP

#include "cut.h"
#include "external.hpp"
#include "torch.hpp"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace jit = torch::jit;

namespace igd
{
using graph_ptr = std::shared_ptr<jit::Graph>;

// Thrown for what is wrong with a model, as against what libtorch trips over.
struct refusal {
    igd_status status;
    std::string text;
};

// guarded(), for code that also throws refusals.
template <class F>
igd_status attempt(const char *what, F f) noexcept
{
    igd_status status = IGD_OK;
    const igd_status other = guarded(what, [&] {
        try {
            f();
        } catch (const refusal &r) {
            status = igd_error(r.status, "%s: %s", what, r.text.c_str());
        }
    });
    return status != IGD_OK ? status : other;
}

// A place in the flat graph, marked by a node igdef::mark(value, id).
struct mark {
    int64_t id;         // of its node; -1 where there is none
    std::string path;   // of the module, or "@number", or that of special marks
    std::string kind;   // class of the module, or the operation
    std::string reason; // why nothing can be cut here; empty where it can
    bool input;         // of the module, not its output
    int element;        // of the module's tuple
    int call;           // of the module, from 1
    int num_calls;      // set once all are known
    std::string label;  // the name that finds it; likewise
    // In front of the product that yields the logits. Modules may have the same path.
    bool special = false;
};

// The path of special marks, and their name.
inline constexpr const char *penultimate = "penultimate";

struct graph_form {
    bool folded;        // batch norms are part of the convolutions before them
    bool channels_last; // pixels are stored with their channels together
};

// What is known about a place once the graph has run.
struct axes {
    int batch = -1; // -1: `reason` says why the place cannot be cut
    int neuron = -1;
    bool guessed = false;
    std::vector<int64_t> shape; // for one image
    bool affine = false;        // by the operations after it
    std::string reason;
};

struct layer_list {
    std::vector<axes> places;         // by mark id
    std::vector<igd_layer> layers;    // for the public listing
    std::vector<std::string> labels;  // the paths that `layers` point to
    std::vector<std::string> reasons; // likewise
};

} // namespace igd
using namespace igd;

struct igd_graph {
    std::string path;
    at::Device device = at::kCPU;
    bool plain = false;
    graph_form form = {false, false}; // of `whole`
    std::shared_ptr<jit::CompilationUnit>
        code;       // of classes that the graph has objects of
    graph_ptr flat; // input: the images; output: the logits; with every mark
    jit::Code whole;
    // In the place of `whole` while a device may compute with TF32.
    std::optional<jit::Code> tf32;
    jit::Code checked;          // with asserts that `whole` lacks, if `shape_asserts`
    bool shape_asserts = false; // whether the model checks shapes behind its images
    bool sized = false;         // whether those checks ask for lengths of axes
    bool typed = false;         // whether some assert asks for the type of the images
    double tolerance = 1e-4;    // of agree()
    std::string output;         // which of several is taken, in words; empty for one
    std::vector<mark> marks;    // in the order in which they run
    std::vector<std::string> modules;
    std::vector<std::string> methods;
    std::vector<const char *> method_names;             // the same, for C
    std::map<std::string, int64_t> integers;            // attributes of the module itself
    std::map<std::string, std::vector<int64_t>> shapes; // of all parameters, by path
    mutable std::mutex lock;                            // of the following
    mutable std::set<std::vector<int64_t>> passed;      // shapes that `checked` let pass
    mutable std::map<std::vector<int64_t>, std::unique_ptr<layer_list>> lists; // by shape
};

namespace igd
{
// How a value that crosses a cut changes with the batch.
struct carried_rule {
    enum { FIXED, ROWS, COUNT, PARTS, STUCK } kind = FIXED;
    int64_t axis = 0;                // ROWS: of the batch
    int64_t slope = 0, offset = 0;   // COUNT: slope * N + offset
    std::vector<carried_rule> parts; // PARTS: of a list or a tuple
};

// Several places as one.
struct joint {
    axes place;
    std::vector<axes> parts;
    std::vector<int64_t> neurons, positions; // of each part
    bool padded = false;                     // to `width` positions
    int64_t width = 0;
};
} // namespace igd

struct igd_cut {
    std::string name; // "PATH: layer"
    at::Device device = at::kCPU;
    graph_form form = {false, false};
    std::shared_ptr<jit::CompilationUnit> code; // as in igd_graph
    graph_ptr prefix, suffix;                   // what the codes were made of, for export
    jit::Code prefix_code, suffix_code;
    bool channels_last = false; // layout of the activation
    axes place;
    std::vector<int64_t> sized; // {C, H, W}, where the model's asserts hold for these
                                // images and are not in `prefix`; else empty
    int64_t num_neurons = 0;
    joint parts; // of a cut at several layers; else `neurons` alone, of one
    std::vector<carried_rule> rules;
    std::string carried_text;
    bool affine = false, tiles = false;
    double tolerance = 1e-4; // of agree()
    // Functions of the program in place of the codes; NULL for TorchScript.
    const igd_external *outer_prefix = nullptr, *outer_suffix = nullptr;
};

namespace igd
{
// The words of a text, for tables of operations.
std::set<std::string> words(const char *text);
bool starts_with(const std::string &text, const char *start);
bool is_constant(const jit::Value *v);

// Sets the graph's flat form and its marks from a method. Throws refusals.
void flatten(igd_graph &g, const igd_graph_options &options, const jit::Module &module,
             const jit::Method &method);

// Marks a value in front of a node; the mark's id is its place in `out`.
jit::Value *insert_mark(igd_graph &out, jit::Value *v, jit::Node *before, mark m);
// Gives the marks of a cleaned graph their ids and labels, in the order in which they
// run.
void number_marks(igd_graph &out, const graph_ptr &graph);
void mark_operations(igd_graph &out, const graph_ptr &graph);
// Marks the input of the one linear product that yields the result; where there is none,
// adds a mark that says why and names the places that can stand in.
void mark_penultimate(igd_graph &out, const graph_ptr &graph);

// Makes the outputs that may be logits, or the one that `wanted` names, the graph's own.
// `wanted` may be NULL. @return their names; "" for a single tensor
std::vector<std::string> spread_output(const graph_ptr &graph, const char *wanted);
// Keeps the one that is a row of logits for each image of `shape`, in float32; the first
// as it is where that is NULL.
void choose_output(igd_graph &g, const graph_ptr &graph,
                   const std::vector<std::string> &names, const int64_t *shape);

// Makes every assert of the graph's own block a bare branch.
void extract_asserts(graph_ptr graph);
// Puts the asserts where they cost least. `normalised`: a value that stands for the
// images; may be NULL.
void settle_asserts(igd_graph &out, graph_ptr graph, jit::Value *normalised);

// Symbol of an operator of this copy of the library.
jit::Symbol operator_symbol(const char *name);
jit::Symbol mark_symbol();
bool is_mark(const jit::Node *n);
int64_t mark_id(const jit::Node *n);

// While one lives, its thread's runs of marked graphs report every mark.
struct mark_sink {
    std::unordered_map<int64_t, std::vector<int64_t>> shapes; // by id, of the first pass
    std::unordered_set<int64_t> integral;                     // ids that are not floats
    mark_sink();
    ~mark_sink();
    mark_sink(const mark_sink &) = delete;
    mark_sink &operator=(const mark_sink &) = delete;
};

// Calls f for every node, those in blocks included.
template <class F>
void each_node(jit::Block *block, const F &f)
{
    for (jit::Node *n : block->nodes()) {
        f(n);
        for (jit::Block *inner : n->blocks())
            each_node(inner, f);
    }
}

// Removes the marks but those of `keep`.
void erase_marks(const graph_ptr &g, const std::vector<int64_t> &keep);
// Brings a graph whose marks were erased into a form. Where `keep` is a mark's node,
// nothing is moved across it.
void give_form(graph_ptr &g, graph_form form);
// Copies graph inputs that the graph writes to, so that callers keep theirs.
void protect_inputs(const graph_ptr &g);
// What runs a graph, its products steady and convolutions of one image fast; the graph
// stays as it is.
jit::Code compile(const graph_ptr &g, const char *name);
bool is_convolution(const jit::Node *n); // transposed ones too
// conv2d(), from oneDNN for one image too.
at::Tensor convolution(const at::Tensor &x, const at::Tensor &weight,
                       const torch_optional<at::Tensor> &bias, at::IntArrayRef stride,
                       at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups);
// The same as igdef::convolution, inserted, where n is a conv2d(); else null.
jit::Value *as_convolution(const graph_ptr &g, jit::Node *n);
jit::Stack run_code(const jit::Code &code, jit::Stack stack);
at::Tensor as_layout(const at::Tensor &x, at::MemoryFormat format);

// Whether an operation draws random numbers: libtorch 2 says of every attention that it
// does, though it draws only for dropout.
bool draws(const jit::Node *n);

// Why a mark's node cannot be where a graph is cut; empty where it can.
std::string why_no_cut(const jit::Node *n);
// The mark that a name means; throws a refusal.
const mark &find_mark(const igd_graph &g, const std::string &name);

// n random images [n, C, H, W] in [0, 1], the same ones every time.
at::Tensor probe_images(const igd_graph &g, const int64_t shape[3], int64_t n);

joint join_places(const std::vector<axes> &places);
// Whether the result is affine in what the marks mark, all taken together.
bool joint_is_affine(const igd_graph &g, const int64_t shape[3],
                     const std::vector<int64_t> &ids);
// Puts one mark in the place of several that do not depend on each other. Throws a
// refusal where they do.
void join_marks(const graph_ptr &g, const std::vector<int64_t> &ids, const joint &j,
                int64_t joint_id);

// Places and layers for images of a shape; borrowed from g, which runs when they are new.
const layer_list &list_layers(const igd_graph &g, const int64_t shape[3]);

using value_set = std::unordered_set<const jit::Value *>;

// Every tensor of a flat graph, measured for batches of two and of three images.
struct measurement {
    std::unordered_map<const jit::Value *, size_t> index;
    std::vector<std::vector<int64_t>> two, three; // shapes; empty where never computed
    std::vector<bool> integral;
};

measurement measure(const igd_graph &g, const int64_t shape[3]);
// The axis of the neurons of every tensor, -1 where no operation tells.
std::vector<int> find_neuron_axes(const igd_graph &g, const measurement &m);
axes describe(const measurement &all, const std::vector<int> &neuron_axes,
              const jit::Node *mark);

// The operation's name without namespace and without the mark of its in-place form.
std::string plain_name(const jit::Node *n);
bool writes_first(const jit::Node *n);
// Whether an operation's result depends on shapes and types of its arguments alone.
bool is_shape_query(const jit::Node *n);
bool is_tensor(const jit::Value *v);

// The values of a graph that change with the values in an image, and not its shape alone.
value_set depends_on(const graph_ptr &g, const jit::Value *image);
// The operations with fixed weights that are the last on the ways from the images to a
// value, in program order; `direct` where some way has none.
struct result_sources {
    std::vector<jit::Node *> last;
    bool direct = false;
};

result_sources find_sources(const graph_ptr &graph, jit::Value *result,
                            const value_set &from_images);
// Which input of an operation with fixed weights comes from the images; -1 for others.
int data_input(const jit::Node *n, const value_set &from_images);
// Whether it is a product of rows with a matrix. A convolution may be, by its positions.
bool is_linear_product(const jit::Node *n);
// Why the marked product does not yield the logits, by shapes; empty where it does.
std::string why_not_penultimate(const igd_graph &g, const measurement &all,
                                const jit::Node *marked);
// Whether the result is affine in what some marks mark, the first of which comes first,
// by the operations after them.
bool affine_after(const igd_graph &g, const measurement &m, const value_set &from_input,
                  const std::vector<jit::Node *> &marks, const jit::AliasDb &aliases);

// The whole method in its settled form.
at::Tensor run_graph(const igd_graph &g, const at::Tensor &x);

// Whether two results are the same but for rounding: to a part of the largest.
bool agree(const at::Tensor &a, const at::Tensor &b, double tolerance);
} // namespace igd

#endif
