// What can be swept, and the values of it.
#ifndef IGD_ANALYZE_SWEEP_VALUES_H
#define IGD_ANALYZE_SWEEP_VALUES_H

#include "analyze/attack_list.h"
#include "igdef/sweep.h"

typedef enum igd_swept {
    IGD_SWEPT_KEEP,
    IGD_SWEPT_SIGMA,
    IGD_SWEPT_SMOOTH,
    IGD_SWEPT_TEMPERATURE,
    IGD_SWEPT_LAYER,
    IGD_SWEPT_FRACTION,
    IGD_SWEPT_EPS,
    IGD_SWEPT_STEPS,
    IGD_SWEPT_PARAMETER
} igd_swept;

typedef struct igd_value {
    const char *text; // borrowed, as it was given
    double number;    // not of a layer
} igd_value;

typedef struct igd_values {
    igd_swept what;
    const char *name; // without "set:"
    igd_value *item;  // owned [num]; numbers in rising order
    int num;
    bool ranks;        // every value has a ranking of its own
    bool changes_base; // the attacks on the base model change as well
} igd_values;

// Takes a list of values apart. @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
igd_status igd_values_read(igd_values *out, const igd_sweep_values *from);
void igd_values_free(igd_values *v);

// The changed parameters of a list and what value k adds to them. `shortened` says that
// attacks may have been left out of the list, which then have nothing to change. *out is
// owned, NULL on failure. @return IGD_OK, IGD_EINVAL, IGD_ENOMEM
igd_status igd_values_set(char **out, const igd_values *v, int k, const igd_checked *list,
                          bool shortened);

#endif
