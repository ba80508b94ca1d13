// Adversarial sets on disk: the points that one attack found on one base model, by image.
// A set is named by a digest of everything the points depend on, so it serves every
// defended variant and every later run. Each process appends to a file of its own: that
// needs no locks. A set is all files of its name. Records carry a digest over themselves,
// and one of the clean image; what is damaged counts as absent, is made again and written
// over, and what belongs to other pixels hides nothing.
#ifndef IGD_EVALUATE_ADVSET_H
#define IGD_EVALUATE_ADVSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igdef/status.h"

typedef struct igd_advset igd_advset;

// What a record says beside the point.
typedef struct igd_adversarial {
    bool fooled;   // the base model
    bool is_clean; // the point is the clean image
    double loss;
    int64_t forwards, backwards, bad, zero_grads, stalled;
} igd_adversarial;

// Opens the set `key` (hexadecimal) in a folder that exists. `index` [n] are the images
// that will be asked for, by row, borrowed as long as the set lives; `d` the pixels of
// one. Files of images that are all outside their range are not looked into.
igd_status igd_advset_open(igd_advset **out, const char *folder, const char *key,
                           const int64_t *index, int64_t n, int64_t d);

// Whether there seems to be a record of that row.
bool igd_advset_has(const igd_advset *s, int64_t row);

// Reads the record of a row. *found is false where there is none that belongs to the
// clean image `x` [d]. x_adv [d] may be NULL where the point is not wanted.
igd_status igd_advset_get(igd_advset *s, int64_t row, const float *x,
                          igd_adversarial *record, float *x_adv, bool *found);

// Looks for records that others have written since.
igd_status igd_advset_refresh(igd_advset *s);

// Claims the making of these very images. *mine is false where another process makes the
// same ones: `who` [size] is how it signed, and what to do is to wait, refresh and ask
// again. Other images need no claim. Held until it is released or the set is freed.
igd_status igd_advset_claim(igd_advset *s, bool *mine, char *who, size_t size);
void igd_advset_release(igd_advset *s);

// Shows others that the claim's process lives; to be called often.
void igd_advset_touch(igd_advset *s);

// Writes a record: over a damaged one, else behind those that this process wrote.
igd_status igd_advset_put(igd_advset *s, int64_t row, const float *x,
                          const igd_adversarial *record, const float *x_adv);

void igd_advset_free(igd_advset *s); // NULL is fine

#endif
