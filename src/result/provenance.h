// What results and analyses begin with: who was computed with what, and on what.
#ifndef IGD_RESULT_PROVENANCE_H
#define IGD_RESULT_PROVENANCE_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "igdef/attack.h"
#include "igdef/dataset.h"

typedef struct igd_head {
    const char *command; // this and the next three: NULL where a caller does not say
    const char *data_path;
    const char *data_split;
    const char *preprocess;
    const char *model_path, *model_sha256, *model_identity;
    const char *data_sha256;
    const igd_dataset *data;
    int num_classes;          // of the model
    const cJSON *defense;     // its settings; NULL for none
    const igd_threat *threat; // NULL where nothing is attacked
    uint64_t seed;
    const char *device;
} igd_head;

// "command" to "threads", in the order of the files; owned.
cJSON *igd_head_json(const igd_head *h);

// {"norm", "eps"}; owned.
cJSON *igd_threat_json(const igd_threat *threat);

// The lines that reports for people begin with, from such JSON.
void igd_head_print(FILE *f, const cJSON *head);

// A radius as people write it: "8/255".
void igd_radius_print(FILE *f, double v);

#endif
