// Experiments that are joined from the parts of one run.
#ifndef IGD_ANALYZE_ANALYZE_IMPL_H
#define IGD_ANALYZE_ANALYZE_IMPL_H

#include "analyze/pieces.h"
#include "igdef/analyze.h"

// Of what each part has measured of its images: its sums are those of one run on all.
// @param[out] out  owned, NULL on failure. @return IGD_OK, IGD_EINVAL for analyses of no
// parts, IGD_EFORMAT, IGD_ENOMEM
igd_status igd_shift_join(igd_analysis **out, const igd_pieces *pieces);

#endif
