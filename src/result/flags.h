// What is known of every image: label, clean prediction, and what each step of the
// evaluation made of it. One byte per image and step; the arrays are all that an
// evaluation keeps per image.
#ifndef IGD_RESULT_FLAGS_H
#define IGD_RESULT_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "igdef/status.h"

// Letters in a column. Column 0 is the clean images, the others one step each.
#define IGD_TODO '.'
#define IGD_ROBUST 'r'  // attacked and still classified correctly
#define IGD_FOOLED 'f'  // misclassified
#define IGD_SKIPPED '-' // not attacked: its fate was sealed before

// Bits of igd_flags.bounds.
enum {
    IGD_BOUND_DONE = 1,          // the clean image was judged
    IGD_BOUND_CLEAN_CEILING = 2, // correct with the mask of its true class
    IGD_BOUND_CLEAN_FLOOR = 4,   // correct with the mask of every class
    IGD_BOUND_WORST_CEILING = 8, // the same on every point that was judged
    IGD_BOUND_WORST_FLOOR = 16
};

// How a randomised classifier is judged. They coincide where it is deterministic.
typedef enum igd_protocol {
    IGD_ONE_SHOT, // the first draw
    IGD_MAJORITY, // more than half of the draws
    IGD_ANY,      // every draw: one wrong draw among R fools
    IGD_NUM_PROTOCOLS
} igd_protocol;

typedef struct igd_flags {
    int64_t num_images;
    int num_columns;
    int num_draws;   // R; 1 where the classifier is deterministic
    int64_t *index;  // [num_images] in the whole data set
    int32_t *label;  // [num_images]
    int32_t *clean;  // [num_images] clean prediction, -1 while unknown
    char *status;    // [num_columns, num_images]
    uint8_t *votes;  // [num_columns, num_images] correct draws of R; NULL where R is 1
    uint8_t *bounds; // [num_images] bits
} igd_flags;

// Everything unknown, indices and labels 0.
igd_status igd_flags_init(igd_flags *t, int64_t num_images, int num_columns,
                          int num_draws);
void igd_flags_free(igd_flags *t);

// Copies rows [num] of t, the first of its columns, into *out.
igd_status igd_flags_take(igd_flags *out, const igd_flags *t, const int64_t *rows,
                          int64_t num, int num_columns);

// A column's letters, [num_images].
char *igd_flags_column(const igd_flags *t, int column);

// Whether image i is classified correctly in a column under a protocol. A column that did
// not judge the image counts as correct.
bool igd_flags_correct(const igd_flags *t, int column, int64_t i, igd_protocol p);

// Whether it is correct in every one of the columns [num], the clean one included.
bool igd_flags_survives(const igd_flags *t, const int *columns, int num, int64_t i,
                        igd_protocol p);

#endif
