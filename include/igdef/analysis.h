/**
 * @file analysis.h
 * What the paper's experiments find: as JSON, as tables, as a chart.
 */
#ifndef IGDEF_ANALYSIS_H
#define IGDEF_ANALYSIS_H

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

/** Write the JSON. The file appears whole or not at all. */
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
