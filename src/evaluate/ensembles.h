// Ensembles: lists of attacks under one name.
#ifndef IGD_EVALUATE_ENSEMBLES_H
#define IGD_EVALUATE_ENSEMBLES_H

#include "igdef/evaluate.h"

// A member of an ensemble: its name and what differs from the attack's defaults.
typedef struct igd_member {
    const char *name;
    struct {
        const char *parameter;
        double value;
    } preset[2];
} igd_member;

typedef struct igd_ensemble {
    const char *name, *help;
    igd_member members[9];
    int num_members;
} igd_ensemble;

// NULL where none has the name. AutoAttack's is another under L1.
const igd_ensemble *igd_ensemble_find(const char *name, igd_norm norm);

bool igd_ensemble_is_worst_case(const igd_ensemble *e);

#endif
