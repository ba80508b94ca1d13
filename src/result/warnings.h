// Reliability warnings: reasons to doubt an accuracy, each with an id that programs can
// look for.
#ifndef IGD_RESULT_WARNINGS_H
#define IGD_RESULT_WARNINGS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "data/notes.h"
#include "igdef/status.h"

// The ids.
#define IGD_WARN_RANDOMISED "randomised"
#define IGD_WARN_NOT_REPEATABLE "not-repeatable"
#define IGD_WARN_PROBABILITIES "probabilities"
#define IGD_WARN_DYNAMIC "dynamic"
#define IGD_WARN_BATCH_DEPENDENT "batch-dependent"
#define IGD_WARN_NOT_DIFFERENTIABLE "not-differentiable"
#define IGD_WARN_FEW_CLASSES "few-classes"
#define IGD_WARN_NO_SATURATION "no-saturation"
#define IGD_WARN_HUGE_RADIUS "huge-radius"
#define IGD_WARN_ZERO_GRADIENTS "zero-gradients"
#define IGD_WARN_STALLED "stalled"
#define IGD_WARN_NOT_FINITE "not-finite"
#define IGD_WARN_UNVERIFIED "unverified"
#define IGD_WARN_OUTSIDE "outside-ball"
#define IGD_WARN_BLACK_BOX "black-box-stronger"
#define IGD_WARN_TRANSFER "transfer-stronger"
#define IGD_WARN_AUDIT "audit-difference"
#define IGD_WARN_PLANTED "attack-misses-planted"
#define IGD_WARN_SEEN "seen-images"
#define IGD_WARN_CHANCE "near-chance"
#define IGD_WARN_CLASS_ORDER IGD_NOTE_CLASS_ORDER
#define IGD_WARN_ONE_CLASS IGD_NOTE_ONE_CLASS

// Accuracies further apart than this are told apart. Source: AutoAttack's check of
// Square.
#define IGD_WARN_MARGIN 0.002

typedef struct igd_warning {
    char id[32];
    char text[480];
} igd_warning;

#define IGD_MAX_WARNINGS 64

typedef struct igd_warnings {
    igd_warning item[IGD_MAX_WARNINGS];
    int num;
} igd_warnings;

// Adds a warning, unless the same one is there; what does not fit is dropped.
void igd_warn(igd_warnings *w, const char *id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool igd_warned(const igd_warnings *w, const char *id);

// [{"id", "text"}]; owned.
cJSON *igd_warnings_json(const igd_warnings *w);

#endif
