// The masked defense as one TorchScript file.
#ifndef IGD_DEFEND_MASK_EXPORT_H
#define IGD_DEFEND_MASK_EXPORT_H

#include "cut.h"
#include "igdef/defense.h"

// `mask` [C, K], or [1, K] for one pass, on the layer of `cut`; refused where it is NULL.
igd_status igd_mask_export(const igd_cut *cut, const igd_tensor *mask,
                           const igd_defense_options *options, const char *path);

#endif
