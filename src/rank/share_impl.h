// The content of a part of a ranking, for the files that write and join them.
#ifndef IGD_RANK_SHARE_IMPL_H
#define IGD_RANK_SHARE_IMPL_H

#include "core/digest.h"
#include "core/safetensors.h"
#include "rank/ranking_share.h"

#define IGD_SHARE_KEY "part"      // of the metadata: JSON
#define IGD_SHARE_DIGEST "sha256" // of all that the file says
#define IGD_SHARE_ARRAYS 3

struct igd_share {
    cJSON *about; // owned; the part, what it was made with, and numbers that add up
    igd_named_array arrays[IGD_SHARE_ARRAYS]; // LO-IR: sum [C, K, IGD_EXACT_DIGITS];
                                              // CD-IR: activations, images, text
    float *data[IGD_SHARE_ARRAYS];            // owned
    int num_arrays;
};

// Of the metadata less this digest, and of the arrays.
igd_status igd_share_digest(char out[IGD_SHA256_LENGTH], const cJSON *metadata,
                            const igd_named_array *arrays, int num, const char *path);

#endif
