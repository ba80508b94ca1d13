// From options to a ranking.
#ifndef IGDEF_ACTION_RANK_H
#define IGDEF_ACTION_RANK_H

#include "igdef.h"
#include "options_rank.h"

// Ranks the neurons of a layer on the probe images. CD-IR keeps image embeddings in the
// folder `cache`; NULL for nowhere.
igd_status action_rank(igd_ranking **out, const igd_model *model, const char *layer,
                       const igd_dataset *probe, const ranking_settings *how,
                       const common_settings *common, const char *cache);

// The same of layers "A+B" side by side, as lists of layers write them, without a cache.
igd_status action_rank_joined(igd_ranking **out, const igd_model *model,
                              const char *layers, const igd_dataset *probe,
                              const ranking_settings *how, const common_settings *common);

#endif
