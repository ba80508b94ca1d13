// An evaluation in progress: what its parts share.
#ifndef IGD_EVALUATE_SESSION_H
#define IGD_EVALUATE_SESSION_H

#include "core/lock.h"
#include "evaluate/image_file.h"
#include "evaluate/plan.h"
#include "evaluate/views.h"
#include "result/state.h"

typedef struct igd_session {
    const igd_views *views;
    const igd_dataset *data; // in the order of the rows
    igd_dataset *reordered;  // owned; what `data` is in random order, else NULL
    int64_t
        *row_of; // owned with it; [all images] rows by their places in the data's order
    const igd_evaluate_options *options;
    int batch_size;  // of options, or less where the device has no memory for it
    igd_plan *plan;  // owned
    igd_state state; // with the flags of all columns
    int64_t n, d;    // images, and pixels of one
    int64_t past;    // images in play: those before this row
    igd_stop stop;   // why no further image is taken
    bool ending;     // what is finished becomes the result: nothing stops that
    int C;           // classes
    int num_draws;   // of the final judgement; 1 where nothing is random
    igd_warnings warnings;
    float *judged_clean, *base_clean; // [n, C] clean logits, NAN while unknown; the same
                                      // array where the base model is judged
    igd_lock *lock, *saved_lock;      // of the state and of the saved images
    igd_image_file *saved;            // NULL where no images are saved
    cJSON *planted;                   // owned; what attacks made of planted points
    char *cache;                      // owned; folder of adversarial sets
    bool cache_is_temporary;
    double accuracy; // robust so far, and when that was computed
    double accuracy_at;
    double mark;         // when the seconds below were last added up
    int column;          // the step in progress, and how far it is
    const char *phase;   // of it; "" where it has one
    int64_t done, total; // images of it
    double begun;        // images' worth of work on others
} igd_session;

// Seconds of a clock that only goes forward.
double igd_now(void);

// Adds the time since the last call to the step in progress and writes the state.
igd_status igd_session_save(igd_session *s);

// Tells the user how far things are. @return IGD_ECANCELED when they want to stop
igd_status igd_session_tick(igd_session *s);

// After a failure for lack of memory: halves the batch for another try and tells the
// user. @return that failure where no smaller batch is left or the user wants none
igd_status igd_session_halve(igd_session *s);

// A line for the user, where they want to be told.
void igd_session_tell(const igd_session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The draw for the r-th judgement of an image by a random classifier under a step's name.
igd_draw igd_judge_draw(uint64_t seed, const char *step, int64_t image, int r);

// The classifier's draw for the r-th judgement of an image in a column; independent of
// those that attacks see.
igd_draw igd_session_draw(const igd_session *s, int column, int64_t row, int r);

// What clean images and points are judged with.
const igd_classifier *igd_session_judge(const igd_session *s);

// Fills the missing ones among the clean logits `known` [n, C] of f for `rows` [num],
// whose images are `x` [num, d].
igd_status igd_session_clean(igd_session *s, const igd_classifier *f, float *known,
                             const int64_t *rows, int64_t num, const float *x);

// Images of the whole run, of which these may be a part.
int64_t igd_session_whole(const igd_session *s);

// Images that take part in the checks and the audit: a part's are those of the whole's
// that are its own.
bool igd_session_sampled(const igd_session *s, igd_step_kind kind, int64_t row);

// Whether a step of a role, or its repetition beside the cascade, has fooled an image in
// the group of the step at `column`.
bool igd_session_fooled_by(const igd_session *s, int column, int64_t row, igd_role role);

// Whether a step is to attack an image.
bool igd_session_wants(const igd_session *s, int column, int64_t row);

// Whether the points of a step go to a set on disk: always those that are transferred,
// the others that are made on the base model when the user wants it.
bool igd_session_keeps(const igd_session *s, const igd_step *step);

#endif
