/**
 * @file analysis.h
 * What the paper's experiments find: as JSON, as tables, as a chart.
 */
#ifndef IGDEF_ANALYSIS_H
#define IGDEF_ANALYSIS_H

#include <stdbool.h>

#include "igdef/dataset.h"
#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** What an experiment found. Immutable: threads may share it. */
typedef struct igd_analysis igd_analysis;

/** One JSON object, format "igdef.analysis/1". @return borrowed */
const char *igd_analysis_json(const igd_analysis *a);

/** Tables to read. @return borrowed */
const char *igd_analysis_text(const igd_analysis *a);

/**
 * Join the analyses of the parts of one run, each of a data set that
 * igd_dataset_take_part() was called on, or of disjoint ranges of one. What is found is
 * what one run on all the images finds.
 *
 * @param[out] out  owned, free with igd_analysis_free(); NULL on failure
 * @param kind      what all must be: "shift", "sweep", "ablation", "defenses" or "radius"
 * @param paths     borrowed; [num] their files; of all but "shift", the results that they
 *                  name must be where they say
 * @param num       >= 1
 * @param folder    borrowed; where igd_analysis_save() writes the joined results beside
 *                  the analysis, which names them there; NULL for nowhere
 * @param replace   whether it may write over other results in there
 * @return IGD_OK; IGD_EINVAL for another kind, parts that are missing, there twice or of
 *         another run, an analysis "shift" that is of no part; IGD_EIO, IGD_EFORMAT,
 *         IGD_ENOMEM
 */
igd_status igd_analysis_merge(igd_analysis **out, const char *kind,
                              const char *const *paths, int num, const char *folder,
                              bool replace);

/** Which part of a run an analysis is; `of` is 0 where it is a whole one.
 * @return IGD_OK, IGD_EIO, IGD_EFORMAT, IGD_ENOMEM */
igd_status igd_analysis_part_read(igd_part *out, const char *path);

/** Write the JSON, of joined analyses also the joined results, see igd_analysis_merge().
 * Each file appears whole or not at all. @return IGD_ESTATE where another result is, and
 * may not be replaced */
igd_status igd_analysis_save(const igd_analysis *a, const char *path);

/** Write a chart of it (SVG). The file appears whole or not at all. */
igd_status igd_analysis_save_chart(const igd_analysis *a, const char *path);

/** Free an analysis; NULL is fine. */
void igd_analysis_free(igd_analysis *a);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
