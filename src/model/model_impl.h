// What the library sees of a base model beside its public header.
#ifndef IGD_MODEL_MODEL_IMPL_H
#define IGD_MODEL_MODEL_IMPL_H

#include "cut.h"
#include "data/name_order.h"
#include "igdef/model.h"
#include "model/classifier.h"

// The model as attacks see it; borrowed.
const igd_classifier *igd_model_classifier(const igd_model *m);

// What its logits depend on: the file's digest, and where a normalisation was put in
// front, a digest of both. Hexadecimal, borrowed.
const char *igd_model_identity(const igd_model *m);

// Its forward method; borrowed.
const igd_graph *igd_model_graph(const igd_model *m);

// Another file, loaded as this one was: device, shape of images, normalisation.
igd_status igd_model_load_beside(igd_model **out, const igd_model *m, const char *path);

// Fails where the card of the file `path` has `names`, of the model's `num_classes`
// classes, in another order; a damaged card and the path NULL say nothing. `remedy` ends
// the message; NULL is that for data.
igd_status igd_card_check_names(const char *path, int num_classes,
                                const igd_class_names *names, const char *remedy);

// Its cut at a layer; owned by the caller, igd_cut_free().
igd_status igd_model_cut(igd_cut **out, const igd_model *m, const char *layer);

// The normalisation in front of the model: number of channels, 0 for none. Borrowed.
int igd_model_normalization(const igd_model *m, const float **mean, const float **std);

#endif
