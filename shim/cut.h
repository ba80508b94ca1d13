// TorchScript methods as flat graphs, and their cut at a layer into prefix and suffix.
//
// A method is flattened once: calls inlined, attributes turned into constants, and every
// layer output marked. A cut is a copy of that graph, split at one mark.
#ifndef IGD_SHIM_CUT_H
#define IGD_SHIM_CUT_H

#include "igdef/model.h"
#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

// One method of a TorchScript file. Immutable after igd_graph_settle(): threads may share
// it.
typedef struct igd_graph igd_graph;

typedef struct igd_graph_options {
    const char *device; // "cpu", "cuda" or "cuda:N"
    const float
        *mean;        // [num_channels], subtracted from the input before it is divided by
    const float *std; // std [num_channels]; both NULL for none
    int num_channels;
    bool plain;         // no BN folding, no channels_last
    const char *output; // of a result with several: its name or number; NULL: the logits
    const int64_t *shape;    // {C, H, W} of the images, by which the logits are told from
                             // other outputs; NULL: the first output is taken
    bool keep_cuda_settings; // on CUDA, no igd_compute_exactly()
    const char *name;        // what messages call the file; NULL: its path
} igd_graph_options;

// Reads a file whose checksums igd_archive_check() has verified. `method` may name
// several, "encode_image|forward": the first that the module has is taken.
igd_status igd_graph_load(igd_graph **out, const char *path, const char *method,
                          const igd_graph_options *options);
void igd_graph_free(igd_graph *g); // NULL is fine

// Which of several outputs is taken; "" where there is only one. Borrowed.
const char *igd_graph_output(const igd_graph *g);

// Whether the method has an operation that draws random numbers. Some draws show in no
// output but on some images, so runs alone cannot tell.
bool igd_graph_draws(const igd_graph *g);
// Whether the method takes gradients of its own.
bool igd_graph_climbs(const igd_graph *g);

// Runs the forms that a graph may be computed in (as it is; batch norms folded;
// channels_last as well) on x and chooses the last one that agrees with the first, so the
// choice does not depend on timing; on a CUDA device channels_last is for TF32 alone.
// Without it the graph is computed as it is.
igd_status igd_graph_settle(igd_graph *g, const igd_tensor *x);

// To what part of the largest logit two results of a graph are the same but for rounding.
double igd_graph_tolerance(const igd_graph *g);
// Sets it by what float32 differs from float64 on x, where that is more than usual. Not
// beside other calls for g.
igd_status igd_graph_measure_rounding(igd_graph *g, const igd_tensor *x);

// Whether the method asserts the type of its images.
bool igd_graph_asks_type(const igd_graph *g);

// Output of the whole method; integers (tokens) pass as they are.
igd_tensor *igt_graph_run(igd_scope *s, const igd_graph *g, const igd_tensor *x);

// Integer or one-element tensor attribute of the module, such as CLIP's
// "input_resolution". Fails where there is none.
igd_status igd_graph_integer(int64_t *out, const igd_graph *g, const char *name);

// Shape of a parameter by its path, such as "visual.positional_embedding". Fails where
// there is none. `out` has room for IGD_GRAPH_DIMS.
#define IGD_GRAPH_DIMS 8
igd_status igd_graph_shape(int64_t *out, int *num_dims, const igd_graph *g,
                           const char *name);

// Names of the module's methods that take an input, "forward" first; borrowed, [*num].
const char *const *igd_graph_methods(const igd_graph *g, int *num);

// Layers in the order in which they run, borrowed from g; the first call runs the graph.
// `affine` is the verdict of the operations alone, igd_cut_is_affine() also measures.
igd_status igd_graph_layers(const igd_graph *g, const int64_t shape[3],
                            const igd_layer **layers, int *num);

// Prefix and suffix at a layer. Immutable: threads may share it.
typedef struct igd_cut igd_cut;

// Cuts at PATH, PATH:input, PATH#call, PATH:element, "penultimate" or, in files without
// modules, @number, each with ~AXIS behind it where the axis of the neurons is not the
// one that the operations tell. Several with commas between are cut at once: layers that
// do not depend on each other, whose neurons then count as those of one. Then verifies
// the cut on random images of `shape` {C, H, W}: prefix and suffix agree with the whole,
// again and for other batches. The cut may outlive g.
igd_status igd_cut_new(igd_cut **out, const igd_graph *g, const char *layer,
                       const int64_t shape[3]);
void igd_cut_free(igd_cut *c); // NULL is fine

// The same of functions of the program, which must outlive it. `prefix` gives rows
// [num_neurons] or [num_neurons, positions].
struct igd_external;
igd_status igd_cut_new_external(igd_cut **out, const char *layer,
                                const struct igd_external *prefix,
                                const struct igd_external *suffix);

int64_t igd_cut_num_neurons(const igd_cut *c);
// How many layers it is at, and the neurons of each, borrowed.
int igd_cut_num_layers(const igd_cut *c);
const int64_t *igd_cut_layer_neurons(const igd_cut *c);
int igd_cut_batch_axis(const igd_cut *c);
int igd_cut_neuron_axis(const igd_cut *c);
int igd_cut_num_dims(const igd_cut *c); // of the activation

// Whether the logits are affine in the activation with the same Jacobian for every image;
// the offset may differ. By the operations and by measurement, both.
bool igd_cut_is_affine(const igd_cut *c);
// Whether rows can be selected and repeated. Where not, the suffix takes the rows that
// the prefix gave, all of them and in order.
bool igd_cut_tiles(const igd_cut *c);

// Scoped: values other than the activation that the suffix needs; may be none.
typedef struct igd_carried igd_carried;

igd_tensor *igt_prefix(igd_scope *s, const igd_cut *c, const igd_tensor *x,
                       igd_carried **carried);
igd_tensor *igt_suffix(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                       const igd_carried *carried);

// Selects rows of every value along its batch axis. indices: int64 [M].
igd_carried *igt_carried_rows(igd_scope *s, const igd_cut *c, const igd_carried *carried,
                              const igd_tensor *indices);
// The same values as a handle of s, off the gradient graph unless s records.
igd_carried *igt_carried_keep(igd_scope *s, const igd_carried *carried);

// The same for the activation, which need not have its batch in front.
igd_tensor *igt_cut_rows(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                         const igd_tensor *indices);

// act times mask [N, K] (or [1, K] for all images), the same at every position.
igd_tensor *igt_mask_neurons(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                             const igd_tensor *mask);
// [N, K]: mean, or maximum, over positions.
igd_tensor *igt_pool_neurons(igd_scope *s, const igd_cut *c, const igd_tensor *act,
                             bool max);

// Writes one TorchScript module with methods _prefix(x) and _suffix(act, ...), the named
// tensors as buffers, the attribute `training`, and the methods that `source` defines,
// forward among them. Weights are buffers, so the module follows .to() and .double().
//
// _prefix gives the activation alone where nothing is carried, else a tuple. In `source`
// write, with T = igd_cut_carried_text():
//     act T = self._prefix(x)
//     logits = self._suffix(act T)
igd_status igd_cut_export(const igd_cut *c, const char *source, const char *const *names,
                          const igd_tensor *const *tensors, int num_tensors,
                          const char *path);
// "" or ", c0, c1"; borrowed.
const char *igd_cut_carried_text(const igd_cut *c);
int igd_cut_num_carried(const igd_cut *c);

#ifdef __cplusplus
}
#endif

#endif
