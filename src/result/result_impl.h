// What a result is made of: who was evaluated, the flags of every image, and the entries
// of the attack list. Every number in the files is computed from these, so a result that
// is joined from several is computed like one that was run at once.
#ifndef IGD_RESULT_RESULT_IMPL_H
#define IGD_RESULT_RESULT_IMPL_H

#include <cjson/cJSON.h>

#include "igdef/evaluate.h"
#include "result/flags.h"
#include "result/state.h"
#include "result/warnings.h"

#define IGD_MAX_STEPS 96
#define IGD_NAME_LENGTH 64

// A line of the report: an attack, or an ensemble of several.
typedef struct igd_entry {
    char name[IGD_NAME_LENGTH];
    char ensemble[IGD_NAME_LENGTH]; // it belongs to; "" for none
    char same_as[IGD_NAME_LENGTH];  // entry with the same flags by construction; or ""
    char target[16];                // "defended", "base" or "transfer"
    bool cumulative;                // whether others went before it on the same images
    bool white_box;                 // whether it uses gradients of what is judged
    bool black_box;                 // whether it only asks what is judged, for answers
    int columns[IGD_MAX_STEPS];     // its own columns of the flags
    int num_columns;
    int counts[IGD_MAX_STEPS]; // the columns that its robust accuracy counts
    int num_counts;
    igd_cost cost;
} igd_entry;

struct igd_result {
    cJSON *provenance; // owned: "command" to "settings", in the order of the file
    igd_flags flags;
    char **class_names; // owned [num_classes]
    int num_classes;
    igd_entry *entries; // owned [num_entries]
    int num_entries;
    igd_warnings warnings;
    cJSON *checks; // owned: "audit" and other checks; or NULL
    bool bounds;   // whether flags.bounds was filled
    double seconds;
    int64_t planned;   // images of a run in random order, all of them; 0 in the data's
    igd_stop stop;     // why it took no more
    bool compared;     // with another result, image by image:
    int64_t won, lost; // withstood by this or by that classifier alone
    bool sealed;       // read from files that carry digests

    // Derived by igd_result_finish().
    double clean_acc, worst_acc;
    char *json; // owned
    char *text; // owned
};

// Computes all that is derived, warnings included.
igd_status igd_result_finish(igd_result *r);

// Fraction of the images that survive the columns [num] and are correct when clean.
double igd_result_accuracy(const igd_result *r, const int *columns, int num,
                           igd_protocol p);

// The same of what an entry counts; and how many images have a letter in one of its own
// columns.
double igd_entry_accuracy(const igd_result *r, const igd_entry *e, igd_protocol p);
int64_t igd_entry_count(const igd_result *r, const igd_entry *e, char letter);

// Whether an entry stands for others of the result; whether a column is its own.
bool igd_entry_is_ensemble(const igd_result *r, const igd_entry *e);
bool igd_entry_has_column(const igd_entry *e, int column);

// What all attacks of a result together are called: "worst case" only where they are the
// ensemble of that name.
const char *igd_result_union_name(const igd_result *r);

// Adds to a result what another, read from `path`, says of the same classifier and images
// under further attacks. @return IGD_EINVAL where they cannot be joined
igd_status igd_result_join(igd_result *to, const igd_result *from, const char *path);

// The entry that fooled image i first, "clean" where it is misclassified as it is; NULL
// where none did.
const char *igd_result_fooled_by(const igd_result *r, int64_t i);

// result_read.c: a part of a whole, with its own numbers checked but nothing derived.
igd_status igd_result_read_part(igd_result **out, const char *path);

// result_agree.c: whether the file that a finished result was read from states the same
// numbers. @return IGD_OK, or IGD_EFORMAT with the first that differs
igd_status igd_result_agrees(const igd_result *r, const cJSON *file, const char *path);

// result_text.c
igd_status igd_result_print(igd_result *r); // fills r->text

// The key of a result's JSON that holds the digest of its lines of images.
#define IGD_IMAGES_DIGEST "images_sha256"

// "R.images.jsonl" for "R.json"; owned (free()), NULL when memory is exhausted.
char *igd_result_images_path(const char *path);

#endif
