// A short memory of which images a data set holds, to tell later whether others are the
// same: 64-bit hashes of their bytes, of many images those of the smallest hashes.
#ifndef IGD_DATA_SKETCH_H
#define IGD_DATA_SKETCH_H

#include <stdint.h>

#include "igdef/dataset.h"

#define IGD_SKETCH_SIZE 4096

typedef struct igd_sketch {
    uint64_t *hash; // owned; [num] rising
    int num;        // at most IGD_SKETCH_SIZE; below it, every image is there
} igd_sketch;

// Cost: reads the beginning of every image.
igd_status igd_sketch_make(igd_sketch *out, const igd_dataset *d);
igd_status igd_sketch_copy(igd_sketch *out, const igd_sketch *s);
void igd_sketch_free(igd_sketch *s);

// 16 hexadecimal digits a hash; owned, NULL when memory is exhausted.
char *igd_sketch_text(const igd_sketch *s);
// Back from text. @return IGD_OK, IGD_EFORMAT with `what` in front, IGD_ENOMEM
igd_status igd_sketch_parse(igd_sketch *out, const char *text, const char *what);

// How many of a data set's images the sketch could know, and how many of these it does.
igd_status igd_sketch_compare(int64_t *known, int64_t *of, const igd_sketch *s,
                              const igd_dataset *d);

#endif
