// What results and analyses begin with: who was computed with what, and on what.
#ifndef IGD_RESULT_PROVENANCE_H
#define IGD_RESULT_PROVENANCE_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "igdef/attack.h"
#include "igdef/dataset.h"

typedef struct igd_provenance {
    const char *command; // this and the next three: NULL where a caller does not say
    const char *data_path;
    const char *data_split;
    const char *preprocess;
    const char *model_path, *model_sha256, *model_identity;
    const char *data_sha256;
    const igd_dataset *data;
    int num_classes;          // of the model
    const char *const *names; // [num_classes] its own names of them, or NULL
    const cJSON *defense;     // its settings; NULL for none
    const igd_threat *threat; // NULL where nothing is attacked
    uint64_t seed;
    const char *device;
    const char *libtorch, *blas, *cuda; // versions and library
    int batch_size;                     // 0 where it decides about nothing
    int threads;
} igd_provenance;

// "command" to "threads", in the order of the files; owned.
cJSON *igd_provenance_json(const igd_provenance *h);

// Takes out of the settings of an evaluation what follows from the names of its attacks
// or is as ever, and the first files do not say, so that they can be compared; NULL is
// fine.
void igd_provenance_reduce(cJSON *settings);

// What the data of one part say of it, for the list of the whole's; owned.
cJSON *igd_provenance_part(const cJSON *data);
// Makes the data of one part those of the whole, of `count` images. Consumes the list.
void igd_provenance_join(cJSON *data, cJSON *parts, double count);

// {"norm", "eps"}; owned.
cJSON *igd_threat_json(const igd_threat *threat);

// The lines that reports for people begin with, from such JSON.
void igd_provenance_print(FILE *f, const cJSON *provenance);

#endif
