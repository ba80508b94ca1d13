// Class masks, which say what neurons the second pass keeps.
#ifndef IGD_DEFEND_MASK_H
#define IGD_DEFEND_MASK_H

#include "core/digest.h"
#include "igdef/ranking.h"
#include "tensor.h"

// *out [C, K], owned: 1 for the `keep` most important neurons of each class, else 0.
igd_status igd_mask_build(igd_tensor **out, const igd_ranking *ranking, int keep);

// Digest of masks. They decide about flags as the ranking's scores do not: keep cuts
// those off.
igd_status igd_mask_sha256(char out[IGD_SHA256_LENGTH], const igd_tensor *mask);

#endif
