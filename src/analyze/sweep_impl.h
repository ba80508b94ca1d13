// Series whose evaluations are joined from those of the parts of one run, each as its own
// kind writes it down.
#ifndef IGD_ANALYZE_SWEEP_IMPL_H
#define IGD_ANALYZE_SWEEP_IMPL_H

#include "analyze/pieces.h"
#include "igdef/sweep.h"

// @param[out] out  owned, NULL on failure. @return what igd_pieces_join() returns
igd_status igd_sweep_join(igd_analysis **out, const igd_pieces *pieces);
igd_status igd_ablation_join(igd_analysis **out, const igd_pieces *pieces);
igd_status igd_comparison_join(igd_analysis **out, const igd_pieces *pieces);
igd_status igd_radius_join(igd_analysis **out, const igd_pieces *pieces);

#endif
