// What a ranking remembers of where it comes from: for those who use one.
#ifndef IGD_RANK_RANKING_ORIGIN_H
#define IGD_RANK_RANKING_ORIGIN_H

#include "data/sketch.h"
#include "igdef/ranking.h"

// Fails where it was made under another normalisation than the model's.
igd_status igd_ranking_check_normalization(const igd_ranking *r, const igd_model *model);

// Its probe images, of the ranking's life; empty where they are not known.
const igd_sketch *igd_ranking_images(const igd_ranking *r);

#endif
