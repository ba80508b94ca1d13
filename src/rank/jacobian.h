// The Jacobian of a suffix that is affine in the activation of the mask layer, where
// every neuron's part in the logits has a closed form.
#ifndef IGD_RANK_JACOBIAN_H
#define IGD_RANK_JACOBIAN_H

#include "cut.h"
#include "igdef/dataset.h"
#include "model/classifier.h"

// An activation, or its gradient, as [N, K, P]: images, neurons, positions.
igd_tensor *igt_by_neuron(igd_scope *s, const igd_cut *cut, const igd_tensor *act);

// *out [C, K, P], owned: d logits / d activation, the same for every image where
// igd_cut_is_affine(); P is 1 where it is the same at all positions. From one backward
// pass per class at the first image of `data`.
igd_status igd_jacobian_take(igd_tensor **out, const igd_cut *cut,
                             const igd_classifier *f, const igd_dataset *data);

#endif
