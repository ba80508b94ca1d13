// Several evaluations of one base model on the same images. They share what is made on
// the base model, and each keeps its own files in one folder: an interrupted series goes
// on where it stopped, and one that is made longer keeps the results that it has.
#ifndef IGD_ANALYZE_SERIES_H
#define IGD_ANALYZE_SERIES_H

#include <cjson/cJSON.h>

#include "analyze/analysis_impl.h"
#include "analyze/pieces.h"
#include "evaluate/views.h"

typedef struct igd_member {
    char name[128];               // for people: "keep 20"
    char file[128];               // of its files, without a folder and an end: "keep-20"
    const igd_defense *defense;   // borrowed; NULL for the base model
    igd_evaluate_options options; // what belongs to files and progress is the series's
    int smaller;                  // an earlier member, see options.smaller; -1 for none
    bool keeps_points;            // as an array, igd_series_points_path()
} igd_member;

typedef struct igd_series {
    igd_member *members;  // owned [room]
    igd_result **results; // owned [room], NULL where there is none yet
    int num, room;
    int planned;              // members that are told of; 0: those that there are
    const char *folder;       // borrowed, made when missing; NULL keeps no files
    cJSON *attacks;           // owned; the names of the list, as they are written down
    const igd_pieces *pieces; // borrowed; what members are joined from, NULL where they
                              // are evaluated

    // What members share while they run, see igd_series_begin().
    char *temporary;        // owned; the cache where the options name none, and points
                            // where no folder keeps them
    igd_pass_cache *passes; // owned
} igd_series;

// Room for `room` members; num is 0. `attacks` is the list that they have in common.
igd_status igd_series_init(igd_series *s, int room, const char *folder,
                           const char *attacks);
// The same of members that are joined.
igd_status igd_series_init_joined(igd_series *s, int room, const igd_pieces *pieces);
// Room for another member where there may be none.
igd_status igd_series_grow(igd_series *s);
void igd_series_free(igd_series *s);

// The next member, named `name`, with the options `o` and the files that the name gives.
// @return its place
int igd_series_add(igd_series *s, const char *name, const igd_defense *defense,
                   const igd_evaluate_options *o);

// Evaluates every member in turn. @return what igd_evaluate() returns; the message names
// the member
igd_status igd_series_run(igd_series *s, const igd_model *base, const igd_dataset *data);

// What members on the same images have in common is kept until the end: sets made on the
// base model and passes of it. The first member is there.
igd_status igd_series_begin(igd_series *s);
void igd_series_end(igd_series *s);

// Evaluates one member alone: on the images of all between igd_series_begin() and
// igd_series_end(), else on images of its own, which may `start` with points or not
// (NULL). @return as igd_series_run()
igd_status igd_series_run_one(igd_series *s, int member, const igd_model *base,
                              const igd_dataset *data, const igd_start *start);

// Where a member keeps its points: the first found for each image, the image itself where
// there is none, as of igd_evaluate_options.save_adversarial; owned, NULL without memory.
char *igd_series_points_path(const igd_series *s, int member);

// The next member, joined from what a place of the pieces names. @return as
// igd_pieces_join(); the message names the member
igd_status igd_series_join(igd_series *s, const char *name, igd_place_fn find,
                           const void *payload);

// Gives the results to the analysis, for numbers that borrow from them (NULL for none)
// and, where they were joined, to be written with it. Takes over `numbers`, and frees the
// analysis on failure. @return IGD_OK, IGD_ENOMEM
igd_status igd_series_hold(igd_analysis **a, igd_series *s, igd_sweep_numbers *numbers);

// Tells the user what all members together cost at most; attacks on the base model count
// once. Members that are finished count as well. forecast.c
igd_status igd_series_forecast(const igd_series *s, const igd_model *base,
                               const igd_dataset *data);

// "FOLDER/FILE.json" of a member, as seen from beside the folder; owned, NULL where no
// files are kept.
cJSON *igd_series_file_json(const igd_series *s, int member);

// What analyses begin with: format, `kind`, and "command" to "threads" of a member;
// owned.
cJSON *igd_series_provenance(const igd_series *s, int member, const char *kind);

// Adds "clean_acc", "worst_acc" and their intervals, and with `attacks` those as well.
void igd_series_add_accuracies(cJSON *object, const igd_result *r, bool attacks);

// Adds the warnings of all members, each behind the member's name, and "seconds".
void igd_series_add_end(cJSON *analysis, const igd_series *s);

#endif
