/**
 * @file report.h
 * Results and analyses as one page to read.
 */
#ifndef IGDEF_REPORT_H
#define IGDEF_REPORT_H

#include <stdbool.h>

#include "igdef/status.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define IGD_REPORT_MAX_FILES 64  /**< Files of one report. */
#define IGD_REPORT_MAX_RESULTS 8 /**< Results among them: columns of its tables. */

/**
 * Write a self-contained HTML page about results and analyses.
 *
 * The page has no script and asks for nothing: charts are inline SVG, and the same files
 * give the same bytes. Results ("igdef.result/1", of igd_result_save()) are put side by
 * side, so they must be of the same images and the same threat. Where the lines of images
 * lie beside them, a defended model is compared with the base model image by image, and
 * results of one model and defense are one: an image counts only if it survives the
 * attacks of all of them. Several comparisons are corrected for their number.
 * Analyses ("igdef.analysis/1") follow, each with its own model and data.
 *
 * @param paths     [num] files, 1 .. IGD_REPORT_MAX_FILES, no path twice
 * @param out_path  appears whole or not at all
 * @return IGD_OK; IGD_EINVAL for results of other images or of another threat than each
 *         other, with the difference; IGD_EFORMAT for a file that is neither or is
 *         damaged; IGD_EIO, IGD_ENOMEM
 *
 * Source: intervals of accuracies are Clopper and Pearson's; of paired differences
 * Agresti and Min's (Statistics in Medicine 24, 2005); the paired test is McNemar's,
 * exact below 25 discordant images, else with continuity correction; several are
 * corrected by Holm's method (Scandinavian Journal of Statistics 6, 1979).
 */
igd_status igd_report_write(const char *const *paths, int num, const char *out_path);

/**
 * What the page says first, as text: a line for every defended model, or for every base
 * model where there is no defended one; nothing for analyses alone.
 *
 * @param[out] out  owned, free(); NULL on failure
 * @param json      a JSON array of the numbers instead of sentences
 * @return as igd_report_write()
 */
igd_status igd_report_summary(char **out, const char *const *paths, int num, bool json);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
