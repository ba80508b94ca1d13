// What the experiments share: their checks, and the common part of their JSON.
#ifndef IGD_ANALYZE_EXPERIMENT_H
#define IGD_ANALYZE_EXPERIMENT_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "igdef/analyze.h"
#include "result/warnings.h"

// What an experiment is about. All borrowed.
typedef struct igd_experiment {
    const char *kind; // "shift", ...
    const igd_model *model;
    const igd_defense *defense; // NULL for none
    const igd_dataset *data;
    const igd_threat *threat; // NULL where nothing is attacked
    const igd_analyze_run *run;
} igd_experiment;

// What it finds, as it grows.
typedef struct igd_findings {
    cJSON *root; // owned: "format" to "threads", then the experiment's own keys
    igd_warnings warnings;
    double begun;   // igd_now(); 0 where nothing runs
    double seconds; // that parts have taken before
} igd_findings;

// Checks what all experiments take: the images against the model, the batch size.
igd_status igd_experiment_check(const igd_experiment *e);

igd_status igd_findings_begin(igd_findings *f, const igd_experiment *e);
// Adds "warnings" and "seconds" and makes the analysis, whose tables `print` writes from
// the JSON. Nothing is left of the findings.
igd_status igd_findings_end(igd_analysis **out, igd_findings *f,
                            void (*print)(FILE *f, const void *json));
void igd_findings_free(igd_findings *f);

// Reports progress. @return IGD_OK, IGD_ECANCELED
igd_status igd_experiment_tick(const igd_analyze_run *run, const char *stage, double done,
                               double total);

#endif
