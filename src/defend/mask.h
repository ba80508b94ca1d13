// Class masks, which say what neurons the second pass keeps.
#ifndef IGD_DEFEND_MASK_H
#define IGD_DEFEND_MASK_H

#include "igdef/ranking.h"
#include "igdef/tensor.h"

// *out [C, K], owned: 1 for the `keep` most important neurons of each class, else 0.
igd_status igd_mask_build(igd_tensor **out, const igd_ranking *ranking, int keep);

#endif
