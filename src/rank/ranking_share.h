// Parts of a ranking that several processes make: what each found on its images, in a
// form that adds up to the very ranking that one process makes on all of them.
#ifndef IGD_RANK_RANKING_SHARE_H
#define IGD_RANK_RANKING_SHARE_H

#include "rank/ranking_impl.h"
#include "rank/rows.h"

#define IGD_SHARE_FORMAT "igdef.ranking-part/1"

// Makes a ranking that was made on a part of the images a part. LO-IR: exact sums
// [C, K, IGD_EXACT_WORDS], images [C] that they run over, and how many are classified
// correctly.
igd_status igd_share_of_sums(igd_ranking *r, const igd_model *model,
                             const igd_dataset *probe, const uint64_t *sum,
                             const int64_t *count, int64_t num_correct);

// CD-IR: activations [n, K] and embeddings of the n images, from row `first` on, and of
// the texts [C, D].
igd_status igd_share_of_rows(igd_ranking *r, const igd_model *model,
                             const igd_dataset *probe, igd_rows *activations,
                             igd_rows *images, int64_t first, const float *text);

igd_status igd_share_save(const igd_ranking *r, const char *path);
void igd_share_free(igd_share *s); // NULL is fine

#endif
