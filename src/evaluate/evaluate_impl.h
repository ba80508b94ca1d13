// What analyses and tests see of an evaluation beside its public header.
#ifndef IGD_EVALUATE_EVALUATE_IMPL_H
#define IGD_EVALUATE_EVALUATE_IMPL_H

#include "evaluate/views.h"

// igd_evaluate() on classifiers.
igd_status igd_evaluate_views(igd_result **out, const igd_views *views,
                              const igd_dataset *data,
                              const igd_evaluate_options *options);

// igd_evaluate() that starts with points; they are an attack "larger-eps" of its result.
igd_status igd_evaluate_from(igd_result **out, const igd_model *base,
                             const igd_defense *defense, const igd_dataset *data,
                             const igd_evaluate_options *options, const igd_start *start);

#endif
