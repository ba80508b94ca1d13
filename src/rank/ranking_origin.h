// What a ranking remembers of where it comes from: for those who use one.
#ifndef IGD_RANK_RANKING_ORIGIN_H
#define IGD_RANK_RANKING_ORIGIN_H

#include "data/name_order.h"
#include "data/sketch.h"
#include "igdef/ranking.h"

// Fails where it was made under another normalisation than the model's.
igd_status igd_ranking_check_normalization(const igd_ranking *r, const igd_model *model);

// The names of its classes; borrowed.
igd_class_names igd_ranking_names(const igd_ranking *r);

// Fails where a ranking's `names` are those of the data in another order.
igd_status igd_ranking_names_check(const igd_class_names *names, const igd_dataset *data);

// Its probe images, of the ranking's life; empty where they are not known.
const igd_sketch *igd_ranking_images(const igd_ranking *r);

#endif
