// Analyses of the parts of one run, as their files hold them, and the results that they
// name.
#ifndef IGD_ANALYZE_PIECES_H
#define IGD_ANALYZE_PIECES_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "chart/analysis_check.h"
#include "data/part_check.h"
#include "igdef/evaluate.h"

// In the order of their images, whatever that of the files.
typedef struct igd_pieces {
    const char **path; // owned [num], each borrowed
    cJSON **json;      // owned [num], each too
    int num;
    igd_kind kind;
    // Where igd_analysis_save() writes the joined results; borrowed, NULL for nowhere.
    const char *folder;
    bool replace; // also where others are
} igd_pieces;

// Reads analyses, and whether they are parts of one run that make up the whole, but for
// the results that they name. @return IGD_OK; IGD_EINVAL naming what differs, is missing
// or there twice; IGD_EIO, IGD_EFORMAT, IGD_ENOMEM
igd_status igd_pieces_read(igd_pieces *out, const char *const *paths, int num);
void igd_pieces_free(igd_pieces *p);

// One analysis, checked; owned. And what it says of itself, `of` being 0 for no part.
igd_status igd_piece_read(cJSON **out, igd_kind *kind, const char *path);
igd_status igd_piece_stated(igd_stated_part *out, const cJSON *analysis,
                            const char *path);

// Finds the object of an analysis that holds a "result"; NULL where it has none such.
typedef const cJSON *(*igd_place_fn)(const cJSON *analysis, const void *payload);

// Joins the results that a place names in those pieces that have it, which are
// "FOLDER/FILE.json". @return IGD_EFORMAT where none does or they name others, what
// igd_result_merge() returns
igd_status igd_pieces_join(igd_result **out, const igd_pieces *p, const char *file,
                           igd_place_fn find, const void *payload);

#endif
